"""What a trained model reads: the same plain lower-case words in training and in use, without markup cues.

A model that sees `$`, `\\frac` or a code fence learns the markup, and then says nothing new about a page whose
markup is known. Formulas and fences are therefore gone before this; here delimiters, backslashes and Markdown signs go.
Everything runs in C over bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

WINDOWS = 5  # spread over the document: a menu or a references list alone decides nothing
WINDOW_CHARS = 300
SEPARATED = b"()[]=;:<>+/"  # stand alone as words: prose has few of them, code has many
_UNSPACED = re.compile(r"([\u0e00-\u0e7f\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])")


def _table() -> bytes:
    """Byte to byte: digits become 0, markup signs and the remaining punctuation become spaces, UTF-8 stays."""
    table = bytearray(range(256))
    for code in range(128):
        if chr(code).isdigit():
            table[code] = ord("0")
        elif not chr(code).isalnum() and code not in SEPARATED and chr(code) != "_":
            table[code] = ord(" ")
    return bytes(table)


_TABLE = _table()


def windows(text: str, count: int = WINDOWS, chars: int = WINDOW_CHARS) -> Iterator[str]:
    """`count` windows of `chars` characters at even distances, the first at the start, the last at the end.

    A text no longer than all of them together is one window. Words at the borders may be cut; the model sees hundreds.
    """
    if len(text) <= count * chars:
        yield text
        return
    step = (len(text) - chars) / (count - 1)
    for number in range(count):
        start = int(number * step)
        yield text[start : start + chars]


@lru_cache(maxsize=1)  # math, code and quality models read the same document one after another
def model_text(text: str) -> str:
    """One line of words for a fastText model, from text whose formulas and fences are gone.

    Scripts without word spaces are given one per character, so that pairs of characters can be learned.
    """
    line = "\n".join(windows(text)).lower()
    if not line.isascii():
        line = _UNSPACED.sub(r" \1 ", line)
    data = line.encode("utf-8", "replace").translate(_TABLE)
    for sign in SEPARATED:
        data = data.replace(bytes((sign,)), b" %c " % sign)
    return data.decode()
