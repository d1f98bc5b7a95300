"""Text between formulas: how it is folded, and what its words, numbers and signs are.

`fold` and `prose_hashes` define what c/prose.h does several times faster; what it does not know (other scripts than
alphabets, symbols, marks) it asks for in `FOLDED` and `TOKENS`, token by token.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterator
from functools import cache
from itertools import chain

from pipeline.text.native import BUILT
from pipeline.text.sketch import WORD_CACHE_SIZE, word_hashes

TOKEN_CHARS = 40


def fold(text: str, start: int, end: int) -> str:
    """Part of a text as comparisons see prose, one space between tokens.

    NFKC (exponents and indices kept as `^`, `_`), casefold, dashes and quotes as ASCII, invisible characters dropped.
    """
    if BUILT:
        trim()
        return str(BUILT.fold(text, start, end, FOLDED, table()))
    return " ".join(_prose(text[start:end]).split())


def prose_hashes(prose: str) -> bytes:
    """`word_hashes` of the words of folded prose, as bytes: what stands between two spaces is looked up as a whole."""
    return b"".join(map(TOKENS.__getitem__, prose_tokens(prose)))


def prose_tokens(prose: str) -> list[str]:
    """What stands between two spaces of folded prose, as `token_words` and TOKENS take it."""
    return _mark_signs(prose.split()) if _HANGING.search(prose) else prose.split()


def token_words(token: str) -> list[str]:
    """The words of a token; in one with a space `_mark_signs` added an operand."""
    found = prose_words(token, 0, len(token))
    return found[:-1] if " " in token else found


def prose_words(prose: str, start: int, end: int) -> list[str]:
    """The words of a part of folded prose."""
    return (_ASCII_PROSE_WORD if prose.isascii() else _PROSE_WORD).findall(prose, start, end)


def drop_invisible(text: str) -> str:
    """The text without soft hyphens, zero-width and other invisible characters."""
    return _INVISIBLE.sub("", text)


class _Tokens(dict[str, bytes]):
    """What stands between two spaces to the hashes of its words; a long one is no token that repeats, and not kept."""

    def __missing__(self, token: str) -> bytes:
        found = word_hashes(token_words(token)).tobytes()
        if len(token) <= TOKEN_CHARS:
            self[token] = found
        return found


class _Counts(dict[str, int]):
    """What stands between two spaces to the number of its words."""

    def __missing__(self, token: str) -> int:
        found = len(token_words(token))
        if len(token) <= TOKEN_CHARS:
            self[token] = found
        return found


class _Folded(dict[str, str]):
    """What stands between two spaces, some of it beyond ASCII, to what it folds to."""

    def __missing__(self, token: str) -> str:
        found = _prose(token)
        if len(token) <= TOKEN_CHARS:
            self[token] = found
        return found


TOKENS, COUNTS, FOLDED = _Tokens(), _Counts(), _Folded()


def trim() -> None:
    """Forget the tokens where they are too many; once a text."""
    for known in (TOKENS, COUNTS, FOLDED):
        if len(known) > WORD_CACHE_SIZE:
            known.clear()


@cache
def table() -> bytes:
    """For c/prose.h: what each character of the first 65,536 folds to whatever stands beside it, else 0."""
    found = array("H", bytes(1 << 17))
    for code in chain(range(0x80, 0x3100), range(0xFF00, 0xFFF0)):
        found[code] = _folded_alone(chr(code))
    for first, end in ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xAC00, 0xD7A4)):  # Han and Hangul, themselves
        found[first:end] = array("H", range(first, end))
    return found.tobytes()


def _folded_alone(char: str) -> int:
    """0 for what becomes several characters, or may become one with its neighbours: a mark, or half of a syllable."""
    folded = _prose(char)
    if char in _SCRIPTS or len(folded) != 1 or folded.isspace() or ord(folded) > 0xFFFF:
        return 0
    joins = unicodedata.category(folded)[0] == "M" or "\u1100" <= folded <= "\u11ff"
    return 0 if joins or unicodedata.category(char)[0] == "M" else ord(folded)


def _mark_signs(split: list[str]) -> list[str]:
    """Put an operand behind a hyphen that the next token makes a sign: the only thing that looks past a space."""
    for index in [index for index, token in enumerate(split[:-1]) if token[-1] == "-"]:
        if _OPERAND.match(split[index + 1]):
            split[index] += " 0"
    return split


def _prose(text: str) -> str:
    if not text.isascii():
        text = _fold_unicode(text)
    return text.replace("$", " ").replace("`", "'").casefold()


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
    **dict.fromkeys("‘’‚‛´′", "'"),
    **dict.fromkeys("“”„‟«»″", '"'),
    **dict.fromkeys("‐‑‒–—―−﹘﹣", "-"),
}
_INVISIBLE_CLASS = "\u00ad\u200b-\u200f\u2060-\u2064\ufeff"
_SCRIPTS = frozenset(_SUPERSCRIPTS + _SUBSCRIPTS)
_SCRIPT_RUN = re.compile(f"[{_SUPERSCRIPTS}]+|[{_SUBSCRIPTS}]+")
_INVISIBLE_CODES = (0xAD, *range(0x200B, 0x2010), *range(0x2060, 0x2065), 0xFEFF)
_SPECIAL_CHAR = re.compile(f"[{''.join([*sorted(_SCRIPTS), *_PLAIN])}{_INVISIBLE_CLASS}]")
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
