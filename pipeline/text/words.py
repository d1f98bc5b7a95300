"""Text as comparisons see it: one normalisation, one word list and one shingle hash for dedup and decontamination.

Two texts that read the same must compare equal (case, width, whitespace, quotes, dashes, spelling of a formula), and
two that say different mathematics must not: signs, operators, indices and the case of letters inside formulas survive
into the words, hence into the shingles. All hashes are blake2b or integer mixing of UTF-8, never `hash()`, so that they
are stable across processes, machines and versions.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.text.latex import canonical

U64 = NDArray[np.uint64]


MAX_INLINE_CHARS = 1_000  # a `$` whose partner is further away is a dollar sign
MAX_DISPLAY_CHARS = 8_000
MATH_ENVIRONMENTS = "equation|align|alignat|gather|multline|eqnarray|displaymath|math|array|[bpvBV]?matrix|cases|split"
WORD_CACHE_SIZE = 1 << 20
TOKEN_CHARS = 40
PIECE_CHARS = 1 << 18
PIECE_WORDS = 1 << 15


class Words(NamedTuple):
    """Words of a normalised text, their 64-bit hashes, and for each whether it stood inside a formula."""

    words: list[str]
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
        parts += (_prose(text[position:start]), f"${_tex(tex)}$")
        position = end
    parts.append(_prose(text[position:]))
    return " ".join(" ".join(parts).split())


def words(normalised: str) -> list[str]:
    """Words, numbers and signs of a text that `normalise` returned, in order.

    Scripts without spaces between words (Han, kana, Thai, Lao, Khmer, Burmese) give one word per character.
    """
    return list(chain.from_iterable(found for _, found in _found(normalised)))


def hashed_words(normalised: str, keep: int = sys.maxsize) -> Words:
    """`words` with hashes and formula flags; of a long text only about the first `keep` words, but all hashes."""
    kept: list[str] = []
    waiting: list[str] = []
    hashes, sizes, flags = [np.empty(0, np.uint64)], [0], [False]
    for in_formula, found in _found(normalised):
        waiting += found
        sizes.append(len(found))
        flags.append(in_formula)
        if len(waiting) > PIECE_WORDS:
            hashes.append(word_hashes(waiting))
            kept += waiting if len(kept) < keep else []
            waiting = []
    hashes.append(word_hashes(waiting))
    kept += waiting if len(kept) < keep else []
    return Words(kept, np.concatenate(hashes), np.repeat(np.array(flags), sizes))


def word_hashes(items: list[str]) -> U64:
    """64-bit hash of each word."""
    if len(_CACHE) > WORD_CACHE_SIZE:
        _CACHE.clear()
    return np.fromiter(map(_CACHE.__getitem__, items), np.uint64, len(items))


def char_hashes(normalised: str) -> U64:
    """64-bit hash of each character."""
    codes = np.frombuffer(normalised.encode("utf-32-le", "replace"), dtype="<u4").astype(np.uint64)
    return mix(codes)


def shingles(normalised: str, n: int = 5, *, unit: str = "word") -> U64:
    """Hashes of all n-grams of a normalised text, in order, repeats included.

    `unit` is "word" or "char". A text of fewer than n units has none.
    """
    return ngrams(word_hashes(words(normalised)) if unit == "word" else char_hashes(normalised), n)


def text_hashes(text: str) -> U64:
    """`word_hashes(words(normalise(text)))` in one pass: what stands between two spaces is looked up as a whole."""
    for cache in (_CACHE, _ASCII_TOKENS, _TOKENS):
        if len(cache) > WORD_CACHE_SIZE:
            cache.clear()
    found: list[bytes] = []
    position = 0
    for start, end, tex in _formulas(text):
        found += (_prose_hashes(text[position:start]), _formula_hashes(tex))
        position = end
    found.append(_prose_hashes(text[position:]))
    return np.frombuffer(b"".join(found), np.uint64)


def ngrams(units: U64, n: int) -> U64:
    """Hashes of the n-grams of a sequence of unit hashes, shape (max(0, len - n + 1),)."""
    if len(units) < n:
        return np.empty(0, np.uint64)
    return mix(_polynomials(units, n))


def _polynomials(units: U64, n: int) -> U64:
    """Horner's sums over n units, modulo 2^64, so that order matters; each from two of half the length."""
    if n == 1:
        return units
    right = n // 2
    left = _polynomials(units, n - right)
    tail = left[n - right :] if right == n - right else _polynomials(units, right)[n - right :]
    total = left[: len(units) - n + 1] * np.uint64(pow(int(_ODD), right, 1 << 64))
    total += tail
    return total


def mix(values: U64) -> U64:
    """splitmix64's finaliser (Steele, Lea, Flood 2014): a bijection of 64-bit integers that spreads every bit."""
    out = values ^ (values >> np.uint64(30))
    out *= np.uint64(0xBF58476D1CE4E5B9)
    out ^= out >> np.uint64(27)
    out *= np.uint64(0x94D049BB133111EB)
    out ^= out >> np.uint64(31)
    return out


def stable_hash(text: str) -> int:
    """64-bit blake2b of a string."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


class _Cache(dict[str, int]):
    """Word to hash. Filled on demand, emptied by `word_hashes` when large: words of a language repeat."""

    def __missing__(self, word: str) -> int:
        value = self[word] = stable_hash(word)
        return value


class _Tokens(dict[str, bytes]):
    """What stands between two spaces to the hashes of its words; a long one is no token that repeats, and not kept."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._find = pattern.findall

    def __missing__(self, token: str) -> bytes:
        items = self._find(token)
        found = word_hashes(items[:-1] if " " in token else items).tobytes()  # `_mark_signs` added an operand
        if len(token) <= TOKEN_CHARS:
            self[token] = found
        return found


def _prose_hashes(text: str) -> bytes:
    prose = _prose(text)
    split = prose.split()
    if _HANGING.search(prose):
        split = _mark_signs(split)
    return b"".join(map((_ASCII_TOKENS if prose.isascii() else _TOKENS).__getitem__, split))


def _mark_signs(split: list[str]) -> list[str]:
    """Put an operand behind a hyphen that the next token makes a sign: the only thing that looks past a space."""
    for index in [index for index, token in enumerate(split[:-1]) if token[-1] == "-"]:
        if _OPERAND.match(split[index + 1]):
            split[index] += " 0"
    return split


@lru_cache(maxsize=1 << 14)
def _formula_hashes(tex: str) -> bytes:
    return word_hashes(_FORMULA_WORD.findall(_tex(tex))).tobytes()


_CACHE = _Cache()
_ODD = np.uint64(0x9E3779B97F4A7C15)


def _found(normalised: str) -> Iterator[tuple[bool, list[str]]]:
    """(in a formula, its words) for each piece of a text; pieces are bounded, so that long texts stream."""
    prose = _ASCII_PROSE_WORD if normalised.isascii() else _PROSE_WORD
    for index, part in enumerate(normalised.split("$")):
        if index % 2:
            yield True, _FORMULA_WORD.findall(part)
            continue
        start = 0
        while start < len(part):
            end = part.find(" ", start + PIECE_CHARS)
            end = len(part) if end < 0 else end
            yield False, prose.findall(part, start, end)
            start = end


def _formulas(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, tex) of each delimited formula, in order, not overlapping."""
    position = 0
    closers: dict[str, int] = {}  # next place of each closer: every part of the text is searched once per closer
    for opener in _OPENER.finditer(text):
        if opener.start() < position:
            continue
        found = _close(text, opener, closers)
        if found is not None:
            yield opener.start(), found[0], found[1]
            position = found[0]


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
    return canonical(_INVISIBLE.sub("", tex)).replace("$", " ")


def _prose(text: str) -> str:
    if not text.isascii():
        text = _fold_unicode(text)
    return text.replace("$", " ").casefold()


def _fold_unicode(text: str) -> str:
    """NFKC with ASCII quotes and dashes, nothing for invisible characters, and x^2 for x², which NFKC makes x2."""
    present = set(_SPECIAL_CHAR.findall(text))
    if not present.isdisjoint(_SCRIPTS):
        text = _SCRIPT_RUN.sub(_mark_script, text)
    for char in present:
        text = text.replace(char, _PLAIN.get(char, char if char in _SCRIPTS else ""))
    return unicodedata.normalize("NFKC", text)


def _mark_script(match: re.Match[str]) -> str:
    run = match.group()
    return ("^" if run[0] in _SUPERSCRIPTS else "_") + run


def _category(prefix: str) -> Iterator[int]:
    """Code points beyond ASCII of a Unicode category, scripts without word spaces excepted."""
    for code in range(0x80, 0x20000):
        if unicodedata.category(chr(code)).startswith(prefix) and not _IS_SINGLE.match(chr(code)):
            yield code


def _ranges(codes: Iterator[int]) -> str:
    """A regex class body for a sorted run of code points."""
    spans: list[list[int]] = []
    for code in codes:
        if spans and code == spans[-1][1] + 1:
            spans[-1][1] = code
        else:
            spans.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in spans)


_SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿⁱ"
_SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉₊₋"
_PLAIN = {
    **dict.fromkeys("‘’‚‛`´′", "'"),
    **dict.fromkeys("“”„‟«»″", '"'),
    **dict.fromkeys("‐‑‒–—―−﹘﹣", "-"),
}
_INVISIBLE_CLASS = "\u00ad\u200b-\u200f\u2060-\u2064\ufeff"
_SCRIPTS = frozenset(_SUPERSCRIPTS + _SUBSCRIPTS)
_SCRIPT_RUN = re.compile(f"[{_SUPERSCRIPTS}]+|[{_SUBSCRIPTS}]+")
_INVISIBLE_CODES = (0xAD, *range(0x200B, 0x2010), *range(0x2060, 0x2065), 0xFEFF)
_SPECIAL_CHAR = re.compile(f"[{''.join([*sorted(_SCRIPTS), *_PLAIN])}{_INVISIBLE_CLASS}]")
_CLOSER = {"$$": "$$", "$": "$", "\\(": "\\)", "\\[": "\\]"}
_OPENER = re.compile(rf"\\\(|\\\[|\\begin\{{(?P<env>(?:{MATH_ENVIRONMENTS})\*?)\}}|\\.|\$\$|\$(?=\S)", re.DOTALL)
_INVISIBLE = re.compile(f"[{_INVISIBLE_CLASS}]")
# One "word" per character where a script puts no spaces between words.
SINGLE_CHARACTER_SCRIPTS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_IS_SINGLE = re.compile(f"[{SINGLE_CHARACTER_SCRIPTS}]")
_MARKS = _ranges(_category("M"))  # vowel signs are part of an Indic word, though not of \\w
_SYMBOLS = _ranges(_category("Sm"))
_WORD = rf"[^\W_{SINGLE_CHARACTER_SCRIPTS}]+(?:[{_MARKS}]+[^\W_{SINGLE_CHARACTER_SCRIPTS}]*)*"
_NUMBER = r"\d+(?:[.,:/-]\d+)+"  # decimals, dates, times, versions
# In prose a hyphen is a sign only after no letter and before a number, a single letter or a command; runs are rules.
_SIGN = (
    r"(?<![+=<>^])[+=<>^]{1,2}(?![+=<>^])|%|\\[a-z]+"
    r"|(?<![^\W\d_])(?<!-)-(?=\s?(?:\d|[a-z]\b|\\|\())|(?<!_)_(?=\d|[a-z]\b|\\|\{)"
)
# What stands between words is skipped inside the match, which is cheaper than failing every alternative on it; the
# bound keeps long runs of it linear. Plain ASCII words are tried first.
_SKIP = r"[ ,.;:'\"()\[\]!?]{0,8}+"
_ASCII_PROSE_WORD = re.compile(rf"{_SKIP}([a-z][a-z0-9]*|{_NUMBER}|[a-z0-9]+|{_SIGN})")
_PROSE_WORD = re.compile(
    rf"{_SKIP}([a-z]++(?![^ -~])(?!\w)|{_NUMBER}|{_WORD}|[{SINGLE_CHARACTER_SCRIPTS}]|[{_SYMBOLS}]|{_SIGN})"
)
_HANGING = re.compile(r"-\s")
_OPERAND = re.compile(r"\d|[a-z]\b|\\|\(")
_ASCII_TOKENS, _TOKENS = _Tokens(_ASCII_PROSE_WORD), _Tokens(_PROSE_WORD)
_FORMULA_WORD = re.compile(rf"\d+(?:[.,]\d+)*|[^\W\d_{SINGLE_CHARACTER_SCRIPTS}]+|\\\\|\\[A-Za-z]+|[^\s{{}}$\\]")
