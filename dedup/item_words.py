"""The words of a benchmark item or of a page as decontamination compares them, with their places in the text.

The same folding as `pipeline.text.words.normalise`, with two differences that finding an item needs: every word knows
where in the input it stood, and what only writes a formula down (delimiters, braces, `\\frac`, scripts, fonts, markup)
is no word at all, so that `\\(x^2\\)`, `$x^{2}$`, `x²` and `<i>x</i><sup>2</sup>` are the same two words. Numbers have
one spelling (1,000 and 1000; .5 and 0.50; two and 2), and so have the interchangeable verbs of a task.
"""

from __future__ import annotations

import re
import unicodedata
from html import unescape
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.task_words import COMMON_WORDS, DROPPED_COMMANDS, NAMES, SAME, SIGNS
from pipeline.text.latex import names
from pipeline.text.latex.symbols import LATEX_OF
from pipeline.text.words import SINGLE_CHARACTER_SCRIPTS, U64, stable_hash

Spans = NDArray[np.int64]  # (start, end) per row
WORD, NUMBER, SIGN, COMMON = range(4)  # kinds, in the two lowest bits of a hash
CACHE_SIZE = 1 << 20
MAX_TAG_CHARS = 400


class Folded(NamedTuple):
    """Words in order: `raw[i]` is the index of the raw token that word i came from (½ is one token and two words)."""

    hashes: U64
    raw: NDArray[np.int64]


def fold(text: str) -> Folded:
    """Hashes of the words of a text."""
    if len(_CACHE) > CACHE_SIZE:
        _CACHE.clear()
    found = list(map(_CACHE.__getitem__, _pattern(text).findall(text)))
    sizes = np.fromiter(map(len, found), np.int64, len(found))
    hashes = np.fromiter(chain.from_iterable(found), np.uint64, int(sizes.sum()))
    return Folded(hashes, np.repeat(np.arange(len(found)), sizes))


def places(text: str) -> Spans:
    """(start, end) of every raw token of a text, shape (tokens, 2); dearer than `fold`, so only for texts that hit."""
    spans = [match.span() for match in _pattern(text).finditer(text)]
    return np.array(spans, np.int64).reshape(-1, 2)


def spellings(text: str) -> list[str]:
    """The words themselves, in the order of `fold`'s hashes."""
    return list(chain.from_iterable(map(_words, _pattern(text).findall(text))))


def kinds(hashes: U64) -> NDArray[np.uint8]:
    """WORD, NUMBER, SIGN or COMMON (a function word) of each word."""
    return (hashes & np.uint64(3)).astype(np.uint8)


def _pattern(text: str) -> re.Pattern[str]:
    return _ASCII_TOKEN if text.isascii() else _UNICODE_TOKEN


class _Cache(dict[str, tuple[int, ...]]):
    """Raw token to the hashes of its words."""

    def __missing__(self, raw: str) -> tuple[int, ...]:
        value = self[raw] = tuple((stable_hash(word) & ~3) | _kind(word) for word in _words(raw))
        return value


_CACHE = _Cache()


def _kind(word: str) -> int:
    if word[0].isdigit():
        return NUMBER
    if word in SIGNS:
        return SIGN
    return COMMON if word in COMMON_WORDS else WORD


def _words(raw: str) -> tuple[str, ...]:
    """The words of one raw token, none for markup and layout."""
    if raw[0] == "<" and len(raw) > 2:
        return ()
    if raw[0] == "&":
        plain = unescape(raw)
        return () if plain == raw else tuple(chain.from_iterable(map(_words, _UNICODE_TOKEN.findall(plain))))
    return _ascii_words(raw) if raw.isascii() else _unicode_words(raw)


def _ascii_words(raw: str) -> tuple[str, ...]:
    if raw[0] == "\\":
        return _command_words(raw)
    if raw[0].isdigit() or raw[0] == ".":
        return (_number(raw),)
    word = raw.casefold()
    return (SAME.get(word, word),)


def _command_words(raw: str) -> tuple[str, ...]:
    if raw[-1].isdigit():  # \frac12
        return tuple(raw.split("c", 1)[1].replace(" ", ""))
    if raw in DROPPED_COMMANDS or raw[-1] == "}":
        return ()
    return tuple(NAMES.get(name, name[1:]) for name in names.SYNONYMS.get(raw, (raw,)) if _is_name(name))


def _is_name(command: str) -> bool:
    return len(command) > 1 and command[1:].isalpha() and command not in DROPPED_COMMANDS


def _number(raw: str) -> str:
    """One spelling: no separators of thousands, no leading zeros, no zeros at the end of a fraction."""
    whole, _, fraction = raw.partition(".")
    whole = "".join(char for char in whole if char.isdigit()).lstrip("0") or "0"
    fraction = fraction.rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole


def _unicode_words(raw: str) -> tuple[str, ...]:
    if raw in "−–":
        return ("-",)
    greek = len(raw) > 2 and all(char in _GREEK for char in raw)  # a Greek word
    plain = raw if greek else "".join(_spelled(char) for char in raw)
    plain = unicodedata.normalize("NFKC", _INVISIBLE.sub("", plain)).casefold()
    plain = "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in plain)
    found: list[str] = []
    for part in _UNICODE_TOKEN.findall(plain):
        found += _ascii_words(part) if part.isascii() else ([part] if part.isalpha() or not part.isprintable() else [])
    return tuple(found)


def _spelled(char: str) -> str:
    """A mathematical symbol or Greek letter as its command, anything else as it is."""
    name = "\\sqrt" if char == "√" else LATEX_OF.get(char)
    return f" {name} " if name and not char.isascii() else char


_TAGS = (
    "a|abbr|article|b|blockquote|br|code|dd|div|dl|dt|em|figure|font|footer|h[1-6]|header|hr|i|img|li|main|nav|ol|p|pre"
    "|s|section|small|span|strong|sub|sup|table|tbody|td|th|thead|tr|tt|u|ul"
)
_INVISIBLE_CLASS = "\u00ad\u200b-\u200f\u2060-\u2064\ufeff"
_INVISIBLE = re.compile(f"[{_INVISIBLE_CLASS}]")
_ATTRIBUTES = rf"(?:\s[A-Za-z-]{{1,20}}=[^<>]{{0,{MAX_TAG_CHARS}}}+)?\s?"  # "=" tells a tag from "a<b and c>d"
_MARKUP = rf"</?(?:{_TAGS}){_ATTRIBUTES}/?>|&(?:[A-Za-z]{{2,8}}|#\d{{1,6}}|#x[0-9A-Fa-f]{{1,6}});"
_TEX = r"\\[dtc]?frac ?\d ?\d|\\(?:begin|end)\{[^{}\\\n]{0,40}\}|\\[A-Za-z]+"
_GROUP = r"(?:,|\{,\}|\\,|\\!|,\\!|['’\u00a0\u2009\u202f])"
_NUMBER = rf"\d{{1,3}}(?:{_GROUP}\d{{3}})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|(?<![\w.])\.\d+"
# A hyphen is a sign only before a number, a single letter, a command or a bracket, and not inside a compound word.
_SIGN = r"<=|>=|!=|->|[+=<>%]|(?<![A-Za-z][A-Za-z])(?<!-)-(?=\s?(?:\.?\d|[A-Za-z](?![A-Za-z])|\\|\())"
_ASCII_TOKEN = re.compile(rf"[A-Za-z]+|{_NUMBER}|{_TEX}|{_MARKUP}|{_SIGN}")
_MARK = f"\u0300-\u036f{_INVISIBLE_CLASS}"
_LETTERS = rf"[^\W\d_{SINGLE_CHARACTER_SCRIPTS}]+(?:[{_MARK}]+[^\W\d_{SINGLE_CHARACTER_SCRIPTS}]*)*"
_UNICODE_TOKEN = re.compile(
    rf"[A-Za-z]++(?![^\x00-\x7f])|{_NUMBER}|{_TEX}|[{SINGLE_CHARACTER_SCRIPTS}]|{_LETTERS}|{_MARKUP}|{_SIGN}"
    r"|[−–](?=\s?(?:\.?\d|[A-Za-z](?![A-Za-z])|\\|\(|[^\x00-\x7f]))|[^\x00-\x7f\s\w−–—‘’“”]"
)
_GREEK = frozenset(char for char in LATEX_OF if "\u0370" <= char <= "\u03ff")
