"""What a fastText classifier answers for a line: the definition in Python, of which c/model.h is the twin in C.

Every sum is of 32-bit numbers in the order of the words, as fastText adds them, so both twins give the same bits and
fastText the same score at the step of 1e-4 that is stored; test_fasttext_scores.py compares all three.

Source: fastText 0.9.2, `dictionary.cc` (words, n-grams, hashes), `model.cc`, `loss.cc`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from classifiers.fasttext_parts import HIERARCHICAL, SOFTMAX, Floats, Parts

_SPACE = re.compile(rb"[ \t\v\f\r\0]+")  # and \n, which ends the line
END = b"</s>"
_SIGMOID_SIZE, _SIGMOID_LIMIT = 512, 8
_MANY_WORDS = 116049371
_U32, _U64 = 2**32 - 1, 2**64 - 1
_SMALL = 1e-5  # added before every logarithm
_LARGEST_EXPONENT = 88.7228  # its power of e is the largest number of 32 bits


class Model:
    """A model ready to answer; `parts` are not copied."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        words = parts.words.split(b"\0")[:-1]
        self._numbers = {word: number for number, word in reversed(list(enumerate(words)))}
        self._kept = None if parts.pruned is None else dict(parts.pruned.tolist())

    def predict(self, line: str, count: int) -> list[tuple[float, int]]:
        """The `count` likeliest labels, (probability, number of the label), best first; [] where no word is known."""
        rows = list(self._rows(line.encode()))
        if not rows:
            return []
        hidden = np.cumsum(self.parts.rows[rows], axis=0, dtype=np.float32)[-1] * np.float32(1.0 / len(rows))
        return self._likeliest(hidden, count)

    def _rows(self, line: bytes) -> Iterator[int]:
        """Numbers of the vectors of a line's words, n-grams of characters and n-grams of words."""
        parts = self.parts
        tokens = [token for token in _SPACE.split(line.partition(b"\n")[0]) if token]
        if END in tokens:
            del tokens[tokens.index(END) :]
        hashes = []
        for token in (*tokens, END):
            number = self._numbers.get(token)
            if token.startswith(b"__label__"):  # no word begins so
                continue
            hashes.append(_hash(token))
            if number is not None:
                yield number
            if parts.maxn and token != END:
                yield from self._bucket_rows(_ngrams(b"<" + token + b">", parts.minn, parts.maxn))
        yield from self._bucket_rows(_word_ngrams(hashes, parts.word_ngrams))

    def _bucket_rows(self, hashes: Iterable[int]) -> Iterator[int]:
        """Rows of hashed n-grams; none for a bucket that was pruned."""
        for value in hashes:
            number = value % self.parts.bucket
            if self._kept is not None:
                if number not in self._kept:
                    continue
                number = self._kept[number]
            yield self.parts.n_words + number

    def _likeliest(self, hidden: Floats, count: int) -> list[tuple[float, int]]:
        if self.parts.loss == HIERARCHICAL:
            return self._from_tree(hidden, count)
        products = [self._dot(hidden, number) for number in range(len(self.parts.labels))]
        values = _softmax(products) if self.parts.loss == SOFTMAX else list(map(_sigmoid, products))
        return _best([(_log(value), number) for number, value in enumerate(values)], count)

    def _from_tree(self, hidden: Floats, count: int) -> list[tuple[float, int]]:
        """Leaves by the product of the ways to them; a way that is already worse than the last of the best is left."""
        tree, leaves = self.parts.tree, len(self.parts.labels)
        best: list[tuple[float, int]] = []
        waiting = [(0.0, len(tree) - 1)]
        while waiting:
            score, node = waiting.pop()
            if score < _log(0.0) or (len(best) == count and score < best[-1][0]):
                continue
            if node < leaves:
                best = sorted([*best, (score, node)], key=lambda pair: -pair[0])[:count]
                continue
            right = _single(1.0 / _single(1.0 + _exp(-self._dot(hidden, node - leaves))))
            waiting.append((_single(score + _log(right)), int(tree[node, 1])))
            waiting.append((_single(score + _log(_single(1.0 - right))), int(tree[node, 0])))
        return [(_single(math.exp(score)), number) for score, number in best]

    def _dot(self, hidden: Floats, number: int) -> float:
        products = np.cumsum(self.parts.output[number] * hidden, dtype=np.float32)
        return float(products[-1] * self.parts.scales[number])


def _best(scored: list[tuple[float, int]], count: int) -> list[tuple[float, int]]:
    scored.sort(key=lambda pair: -pair[0])
    return [(_single(math.exp(score)), number) for score, number in scored[:count]]


def _single(value: float) -> float:
    """Rounded to 32 bits."""
    return float(np.float32(value))


def _exp(value: float) -> float:
    """Rounded to 32 bits, infinite beyond them as in C."""
    return _single(math.exp(value)) if value < _LARGEST_EXPONENT else math.inf


def _log(value: float) -> float:
    return _single(math.log(value + _SMALL))


def _softmax(products: list[float]) -> list[float]:
    highest, total = max(products), 0.0
    values = [_single(math.exp(_single(product - highest))) for product in products]
    for value in values:
        total = _single(total + value)
    return [_single(value / total) for value in values]


def _sigmoid(value: float) -> float:
    """fastText's table: 512 steps from -8 to 8."""
    if abs(value) > _SIGMOID_LIMIT:
        return float(value > 0)
    step = int(_single(_single(value + _SIGMOID_LIMIT) * _SIGMOID_SIZE) / _SIGMOID_LIMIT / 2)
    at = step * 2 * _SIGMOID_LIMIT / _SIGMOID_SIZE - _SIGMOID_LIMIT
    return _single(1.0 / (1.0 + math.exp(-at)))


def _hash(token: bytes) -> int:
    """FNV-1a, 32 bits; bytes from 128 on count as negative numbers, as in fastText."""
    value = 2166136261
    for byte in token:
        value = (value ^ (byte if byte < 128 else byte | 0xFFFFFF00)) * 16777619 & _U32
    return value


def _wide(value: int) -> int:
    """A signed 32-bit number as an unsigned one of 64."""
    return value if value < 2**31 else value + _U64 - _U32


def _word_ngrams(hashes: Sequence[int], most: int) -> Iterator[int]:
    """Hashes of two words in a row and more, up to `most`."""
    for first in range(len(hashes) if most > 1 else 0):
        value = _wide(hashes[first])
        for word in hashes[first + 1 : first + most]:
            value = (value * _MANY_WORDS + _wide(word)) & _U64
            yield value


def _ngrams(word: bytes, minn: int, maxn: int) -> Iterator[int]:
    """Hashes of n-grams of characters; single border marks are none."""
    starts = [at for at, byte in enumerate(word) if byte & 0xC0 != 0x80]
    ends = [*starts[1:], len(word)]
    for first, start in enumerate(starts):
        for size in range(max(1, minn), maxn + 1):
            last = first + size - 1
            if last < len(starts) and not (size == 1 and (start == 0 or ends[last] == len(word))):
                yield _hash(word[start : ends[last]])
