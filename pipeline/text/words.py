"""Text as comparisons see it: one normalisation, one word list and one shingle hash for dedup and decontamination.

Two texts that read the same must compare equal (case, width, whitespace, quotes, dashes, spelling of a formula), and
two that say different mathematics must not: signs, operators, indices and the case of letters inside formulas survive
into the words, hence into the shingles. All hashes are integer mixing or blake2b of UTF-8, never `hash()`, so that they
are stable across processes, machines and versions.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b
from itertools import accumulate, chain, islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.text.latex import canonical
from pipeline.text.native import BUILT
from pipeline.text.prose import (
    COUNTS,
    FOLDED,
    SINGLE_CHARACTER_SCRIPTS,
    TOKENS,
    drop_invisible,
    fold,
    prose_hashes,
    prose_tokens,
    prose_words,
    table,
    token_words,
    trim,
)
from pipeline.text.sketch import U64, mix, ngrams, stable_hash, word_hashes

__all__ = [
    "SINGLE_CHARACTER_SCRIPTS",
    "U64",
    "Units",
    "WordsAt",
    "char_hashes",
    "content_digest",
    "mix",
    "ngrams",
    "normalise",
    "shingles",
    "stable_hash",
    "text_hashes",
    "text_units",
    "word_hashes",
    "words",
]
MAX_INLINE_CHARS = 1_000  # a `$` whose partner is further away is a dollar sign
MAX_DISPLAY_CHARS = 8_000
MATH_ENVIRONMENTS = "equation|align|alignat|gather|multline|eqnarray|displaymath|math|array|[bpvBV]?matrix|cases|split"
PIECE_CHARS = 1 << 18
FORMULAS, FORMULA_CHARS = 1 << 18, 200  # formulas whose words are remembered, and how long they may be


class Units(NamedTuple):
    """64-bit hashes of the words of a text, and for each whether it stood inside a formula."""

    hashes: U64
    formula: NDArray[np.bool_]


def normalise(text: str) -> str:
    """The text as every comparison sees it; idempotent up to formula recognition.

    Prose: NFKC (exponents and indices kept as `^`, `_`), casefold, dashes and quotes as ASCII, invisible characters
    dropped, whitespace collapsed. Formulas in `$…$`, `$$…$$`, `\\(…\\)`, `\\[…\\]` or a display environment become
    `$canonical LaTeX$`, case kept.
    """
    parts: list[str] = []
    position = 0
    for start, end, tex in _formulas(text):
        parts += (fold(text, position, start), _tex(tex))
        position = end
    parts.append(fold(text, position, len(text)))
    return " ".join(filter(None, parts))


def content_digest(text: str) -> bytes:
    """128-bit blake2b of `normalise(text)`: equal for texts that read the same."""
    digest = blake2b(digest_size=16)
    if BUILT:
        trim()
        BUILT.content(text, FOLDED, table(), _tex, digest.update)
    else:
        digest.update(normalise(text).encode("utf-8", "surrogatepass"))
    return digest.digest()


def words(normalised: str, keep: int = sys.maxsize) -> list[str]:
    """Words, numbers and signs of a text that `normalise` returned, in order; of a long one about the first `keep`.

    Scripts without spaces between words (Han, kana, Thai, Lao, Khmer, Burmese) give one word per character.
    """
    found: list[str] = []
    for piece in _pieces(normalised):
        found += piece
        if len(found) >= keep:
            break
    return found


class WordsAt:
    """`words(normalise(text))[first:last]` for few of them: only the tokens that hold those are cut into words."""

    def __init__(self, text: str, keep: int = sys.maxsize) -> None:
        """`keep`: of a long text about so many words can be asked for."""
        self._tokens: list[str] = []  # of prose, and formulas behind a dollar, which no token of prose has
        self._ends: list[int] = []  # words up to the end of each
        trim()
        position = 0
        for start, end, tex in [*_formulas(text), (len(text), 0, "")]:
            tokens = prose_tokens(fold(text, position, start))
            self._add(tokens, list(map(COUNTS.__getitem__, tokens)))
            if end:
                self._add([f"${tex}"], [len(_FORMULAS[tex]) >> 3])
            position = end
            if len(self) >= keep:
                return

    def _add(self, tokens: list[str], words: list[int]) -> None:
        self._tokens += tokens
        self._ends += islice(accumulate(words, initial=len(self)), 1, None)

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, part: slice) -> list[str]:
        first, last, _ = part.indices(len(self))
        at = bisect_right(self._ends, first)
        skipped = first - (self._ends[at - 1] if at else 0)
        stop = bisect_left(self._ends, last) + 1
        found = chain.from_iterable(map(_words_of, self._tokens[at:stop]))
        return list(islice(found, skipped, skipped + last - first)) if last > first else []


def text_hashes(text: str) -> U64:
    """`word_hashes(words(normalise(text)))` in one pass."""
    return text_units(text).hashes


def text_units(text: str) -> Units:
    """The same with the flags for words of formulas."""
    if BUILT:
        trim()
        hashes, flags = BUILT.units(text, FOLDED, table(), TOKENS, _FORMULAS)
    else:
        found = list(chain.from_iterable(_hashed(text)))
        flags = b"".join((b"\0", b"\1")[place & 1] * (len(part) >> 3) for place, part in enumerate(found))
        hashes = b"".join(found)
    return Units(np.frombuffer(hashes, np.uint64), np.frombuffer(flags, np.bool_))


def char_hashes(normalised: str) -> U64:
    """64-bit hash of each character."""
    codes = np.frombuffer(normalised.encode("utf-32-le", "replace"), dtype="<u4").astype(np.uint64)
    return mix(codes)


def shingles(normalised: str, n: int = 5, *, unit: str = "word") -> U64:
    """Hashes of all n-grams of a normalised text, in order, repeats included.

    `unit` is "word" or "char". A text of fewer than n units has none.
    """
    return ngrams(word_hashes(words(normalised)) if unit == "word" else char_hashes(normalised), n)


def _hashed(text: str) -> Iterator[tuple[bytes, bytes]]:
    """Hashes of the words of each stretch of prose and of the formula behind it."""
    position = 0
    for start, end, tex in _formulas(text):
        yield prose_hashes(fold(text, position, start)), _FORMULAS[tex]
        position = end
    yield prose_hashes(fold(text, position, len(text))), b""


class _Formulas(dict[str, bytes]):
    """A formula to the hashes of its words.

    The phases of a dedup read the same texts in the same order, which a cache that forgets what is oldest could not
    help: here the first FORMULAS stay, some 60 MB, and of more of them the rest is computed in each phase.
    """

    def __missing__(self, tex: str) -> bytes:
        spelling = _tex(tex)  # which may remember it
        return self.get(tex) or self.remember(tex, spelling)

    def remember(self, tex: str, spelling: str) -> bytes:
        found = word_hashes(_FORMULA_WORD.findall(spelling)).tobytes()
        if len(self) < FORMULAS and len(tex) <= FORMULA_CHARS:
            self[tex] = found
        return found


_FORMULAS = _Formulas()


def _words_of(token: str) -> list[str]:
    """The words of a token of WordsAt."""
    return _FORMULA_WORD.findall(_tex(token[1:])) if token[0] == "$" else token_words(token)


def _pieces(normalised: str) -> Iterator[list[str]]:
    """The words of each piece of a text; pieces are bounded, so that long texts stream."""
    for index, part in enumerate(normalised.split("$")):
        if index % 2:
            yield _FORMULA_WORD.findall(part)
            continue
        start = 0
        while start < len(part):
            end = part.find(" ", start + PIECE_CHARS)
            while end > 0 and part[end - 1] == "-":  # it may be the sign of what follows
                end = part.find(" ", end + 1)
            end = len(part) if end < 0 else end
            yield prose_words(part, start, end)
            start = end


def _formulas(text: str) -> list[tuple[int, int, str]]:
    """(start, end, tex) of each delimited formula, in order, not overlapping."""
    if BUILT:
        return list(BUILT.formulas(text))
    formulas: list[tuple[int, int, str]] = []
    position = 0
    closers: dict[str, int] = {}  # next place of each closer: every part of the text is searched once per closer
    for mark in _MARK.finditer(text):
        opener = _OPENER.match(text, mark.start()) if mark.lastindex is None and mark.start() >= position else None
        found = _close(text, opener, closers) if opener else None
        if found is not None:
            position = found[0]
            formulas.append((mark.start(), *found))
    return formulas


def _close(text: str, opener: re.Match[str], closers: dict[str, int]) -> tuple[int, str] | None:
    """End of the formula that starts with this opener, and its TeX; None where it is no formula."""
    mark, start = opener.group(), opener.end()
    closer = _CLOSER.get(mark, f"\\end{{{opener['env']}}}")
    if mark not in _CLOSER and opener["env"] is None:
        return None  # an escaped character
    stop = closers.get(closer, -1)
    if stop < start:
        stop = text.find(closer, start)
        closers[closer] = stop = sys.maxsize if stop < 0 else stop
    if stop - start > (MAX_INLINE_CHARS if mark in ("$", "\\(") else MAX_DISPLAY_CHARS):
        return None
    tex = text[start:stop]
    if mark == "$" and (tex[-1:].isspace() or not tex or "\n\n" in tex or text[stop + 1 : stop + 2].isdigit()):
        return None  # "$5 and $10": pandoc's rule for dollars that are money
    end = stop + len(closer)
    return end, tex if opener["env"] is None else text[opener.start() : end]


@lru_cache(maxsize=1 << 14)  # short formulas repeat: $x$, $n$
def _tex(tex: str) -> str:
    """Canonical LaTeX between dollars, one space where there was space."""
    spelling = " ".join(f"${canonical(drop_invisible(tex)).replace('$', ' ')}$".split())
    if tex not in _FORMULAS:  # whoever reads this text next will want its words
        _FORMULAS.remember(tex, spelling)
    return spelling


_CLOSER = {"$$": "$$", "$": "$", "\\(": "\\)", "\\[": "\\]"}
_OPENER = re.compile(rf"\\\(|\\\[|\\begin\{{(?P<env>(?:{MATH_ENVIRONMENTS})\*?)\}}|\\.|\$\$|\$(?=\S)", re.DOTALL)
_MARK = re.compile(r"\\[(\[b]|(\\.)|\$\$|\$(?=\S)", re.DOTALL)  # group 1: an escaped character
_FORMULA_WORD = re.compile(rf"\d+(?:[.,]\d+)*|[^\W\d_{SINGLE_CHARACTER_SCRIPTS}]+|\\\\|\\[A-Za-z]+|[^\s{{}}$\\]")
