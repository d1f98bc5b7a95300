"""How much of a text repeats itself: lines, paragraphs and n-grams of words, as Gopher's table A1 counts them.

Every window of words is one 64-bit number, computed for all windows at once; the greedy walk over duplicated n-grams
is taken only where numbers repeat. `classifiers/c/ngrams.h` counts the same in C.

Source: Rae et al. 2021 (Gopher), table A1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

U64 = npt.NDArray[np.uint64]
_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd: it has an inverse modulo 2^64
_INVERSE = np.uint64(pow(0x9E3779B97F4A7C15, -1, 1 << 64))
_POWERS: list[U64] = [np.ones(1, np.uint64), np.ones(1, np.uint64)]  # of base and inverse, doubled on demand


def repeated(parts: Sequence[str]) -> tuple[int, int]:
    """(parts that occurred before, their characters)."""
    distinct = dict.fromkeys(parts)
    if len(distinct) == len(parts):
        return 0, 0
    return len(parts) - len(distinct), sum(map(len, parts)) - sum(map(len, distinct))


class NGrams:
    """Windows of the words of one text."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        numbers = {word: number for number, word in enumerate(dict.fromkeys(words))}
        self._sizes = np.fromiter(map(len, numbers), np.int64, len(numbers))
        self._numbers = np.fromiter(map(numbers.__getitem__, words), np.int64, len(words))
        self._offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(self._sizes[self._numbers])))
        self._prefix: U64 | None = None
        self._ids: U64 | None = None

    def top_chars(self, size: int) -> int:
        """Characters, spaces included, in all occurrences of the commonest n-gram; the first of equals counts."""
        count = len(self._words) - size + 1
        if count < 1:
            return 0
        keys = self._word_ids()[:count].copy()
        for shift in range(1, size):
            keys = keys * _BASE + self._word_ids()[shift : shift + count]
        _, first, counts = np.unique(keys, return_index=True, return_counts=True)
        most = int(counts.max())
        at = int(first[counts == most].min())
        return most * (int(self._offsets[at + size] - self._offsets[at]) + size - 1)

    def top_word(self, min_chars: int) -> int:
        """Occurrences of the commonest word of at least so many characters."""
        counts = np.bincount(self._numbers, minlength=len(self._sizes))
        return int(counts[self._sizes >= min_chars].max(initial=0))

    def repeated_chars(self, size: int) -> int:
        """Characters of n-grams that occurred before, each counted once from left to right, not overlapping."""
        keys = self._windows(size)
        places = _repeated_places(keys)
        chars = self._offsets[places + size] - self._offsets[places]
        seen: set[int] = set()
        total = start = 0
        for place, key, length in zip(places.tolist(), keys[places].tolist(), chars.tolist(), strict=True):
            if place < start:
                continue
            if key in seen:
                total += length
                start = place + size
            else:
                seen.add(key)
        return total

    def _word_ids(self) -> U64:
        if self._ids is None:
            self._ids = _mixed(self._numbers.astype(np.uint64))
        return self._ids

    def _windows(self, size: int) -> U64:
        """One number per window, of its words written together; equal strings have equal numbers."""
        if self._prefix is None:
            joined = "".join(self._words)
            codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)
            weighted = _mixed(codes) * _powers(len(codes))[0]
            self._prefix = np.concatenate((np.zeros(1, np.uint64), np.cumsum(weighted, dtype=np.uint64)))[self._offsets]
        starts = self._offsets[: max(0, len(self._words) - size + 1)]
        sums = self._prefix[size:] - self._prefix[: len(starts)]
        return sums * _powers(int(self._offsets[-1]) + 1)[1][starts]


def _repeated_places(keys: U64) -> npt.NDArray[np.int64]:
    """Indices of the keys that occur more than once, in order."""
    ordered = np.sort(keys)  # ten times faster than argsort, and mostly there is nothing to find
    if len(keys) < 2 or not (ordered[1:] == ordered[:-1]).any():
        return np.empty(0, np.int64)
    order = np.argsort(keys, kind="stable")
    equal = keys[order[1:]] == keys[order[:-1]]
    shared = np.zeros(len(keys), bool)
    shared[order[1:][equal]] = shared[order[:-1][equal]] = True
    return np.flatnonzero(shared)


def _mixed(values: U64) -> U64:
    """splitmix64's last steps: neighbouring numbers become unrelated ones."""
    mixed = (values + np.uint64(1)) * _BASE
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return mixed ^ (mixed >> np.uint64(32))


def _powers(count: int) -> tuple[U64, U64]:
    """The first `count` powers of the base and of its inverse."""
    while len(_POWERS[0]) < count:
        for slot, base in enumerate((_BASE, _INVERSE)):
            known = _POWERS[slot]
            _POWERS[slot] = np.concatenate((known, known * np.uint64(int(known[-1]) * int(base) % (1 << 64))))
    return _POWERS[0][:count], _POWERS[1][:count]
