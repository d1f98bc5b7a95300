"""The counting that costs most: the definition in Python, of which c/ is the twin in C; `native.py` chooses."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import chain
from operator import itemgetter
from typing import NamedTuple

from classifiers.fasttext_sum import Model as Model
from classifiers.repetition import NGrams

DUPLICATE_NGRAMS = (5, 6, 7, 8, 9, 10)
TOP_NGRAMS = (2, 3, 4)
MIN_TOP_WORD_CHARS = 4
COMMON_SIGNS = ".,;:!?'\"()\\-–—’‘“”«»„…%/&+=<>*°§€$£。、，！？：；（）「」『』《》¿¡"

APART = b"()[]=;:<>+/"  # stand alone as words in a model's line: prose has few of them, code has many

_UNSPACED = re.compile(r"([\u0e00-\u0e7f\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])")
_UNSPACED_SCRIPT = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_SENTENCE_END = re.compile(r"(?<![.!?…:;])[.!?…:;。！？]++(?=[\s\"'”’)\]]|$)|[。！？]")
_ODD_OR_RUN = re.compile(rf"([^\w\s{COMMON_SIGNS}])|([^\w\s])\2{{3}}")


def _byte_table() -> bytes:
    """Byte to byte: digits become 0, markup signs and the remaining punctuation become spaces, UTF-8 stays."""
    table = bytearray(range(256))
    for code in range(128):
        if chr(code).isdigit():
            table[code] = ord("0")
        elif not chr(code).isalnum() and code not in APART and chr(code) != "_":
            table[code] = ord(" ")
    return bytes(table)


_TABLE = _byte_table()
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+")
_LETTER = re.compile(r"[^\W\d_]")
_NO_WORDS = bytes(32 if chr(code) in "0123456789_#|*>`=+-\n" else code for code in range(256))


class Chunk(NamedTuple):
    """Words of one piece between white space, and what the rules count of them."""

    words: tuple[str, ...]
    n_plain: int  # words that are not punctuation only
    n_formulas: int  # of those, words that stand for a formula
    plain_chars: int  # of the others
    n_alphabetic: int  # words with a letter
    n_numbers: int  # words with a digit and no letter
    stop_words: int  # bits of Gopher's stop words


class Signs(NamedTuple):
    """Characters of a text by kind."""

    odd: int  # no letter, digit, white space or common sign
    runs: int  # runs of four equal common signs
    unspaced: int  # of scripts written without spaces between words: Thai, Lao, Myanmar, Khmer, kana, Han
    inked: int  # all but white space
    pieces: int  # what stands between white space


# Fields of Chunk, by position: `map` runs them in C.
_WORDS, _PLAIN, _FORMULAS, _CHARS, _ALPHABETIC, _NUMBERS, _STOPS = map(itemgetter, range(7))
Counted = tuple[int, int, int, int, int, int, int, int, tuple[int, int, int], tuple[int, int, int, int, int, int]]


def count_words(text: str, chunk_of: Callable[[str], Chunk]) -> Counted:
    """Words of a text, counted: (all, plain, formulas, characters of plain ones, alphabetic, numbers, distinct stop
    words, occurrences of the commonest of MIN_TOP_WORD_CHARS, characters in the commonest window for each of
    TOP_NGRAMS, characters in windows that occurred before for each of DUPLICATE_NGRAMS).

    Args:
        chunk_of: the words of a piece between white space; may be asked once for equal pieces.
    """
    chunks = list(map(chunk_of, text.split()))
    words: Sequence[str] = list(chain.from_iterable(map(_WORDS, chunks)))
    sums = [sum(map(field, chunks)) for field in (_PLAIN, _FORMULAS, _CHARS, _ALPHABETIC, _NUMBERS)]
    stops = 0
    for bits in map(_STOPS, chunks):
        stops |= bits
    ngrams = NGrams(words)
    top = tuple(ngrams.top_chars(size) for size in TOP_NGRAMS)
    repeated = tuple(ngrams.repeated_chars(size) for size in DUPLICATE_NGRAMS)
    return (len(words), *sums, stops.bit_count(), ngrams.top_word(MIN_TOP_WORD_CHARS), top, repeated)


def sentence_facts(text: str) -> tuple[int, int, int, int]:
    """(characters of stripped lines, of those with a sentence end, sentence ends, words of the latter lines)."""
    lines = [stripped for line in text.split("\n") if (stripped := line.strip())]
    chars = covered = ends = words = 0
    for line in lines:
        chars += len(line)
        if found := len(_SENTENCE_END.findall(line)):
            covered, ends, words = covered + len(line), ends + found, words + len(line.split())
    return chars, covered, ends, words


def noise(text: str) -> Signs:
    """What a text is written with; see Signs."""
    odd = runs = 0
    for found in _ODD_OR_RUN.finditer(text):
        odd, runs = odd + (found[1] is not None), runs + (found[1] is None)
    pieces = text.split()
    return Signs(odd, runs, len(_UNSPACED_SCRIPT.findall(text)), sum(map(len, pieces)), len(pieces))


def plain_line(lowered: str) -> str:
    """Words for a fastText model: signs of code stand alone, other signs go, digits are 0.

    Scripts without word spaces are given one per character, so that pairs of characters can be learned.
    """
    data = _UNSPACED.sub(r" \1 ", lowered).encode("utf-8", "replace").translate(_TABLE)
    for sign in APART:
        data = data.replace(bytes((sign,)), b" %c " % sign)
    return data.decode()


def language_line(text: str, enough: int, look: int) -> str:
    """Letters for a language model: addresses, digits and signs of markup gone, one space between words.

    "" where fewer than `enough` of the first `look` characters are letters.
    """
    if "://" in text or "www." in text:
        text = _ADDRESS.sub(" ", text)
    line = " ".join(text.encode("utf-8", "replace").translate(_NO_WORDS).decode().split())
    return line if len(_LETTER.findall(line[:look])) >= enough else ""
