"""Which of many strings a page holds: `c/signs.h` looks for all of them at once."""

from __future__ import annotations

import re
from collections.abc import Container

from extractors.layout.tags import RESERVED

_IN_SIGNS = b"abcdefghijklmnopqrstuvwxyz0123456789<\\&#:_=?/-"  # all else parts words
_OF_WORDS = frozenset(_IN_SIGNS.decode())
_WORD = "[a-z0-9_-]"
_WORD_BYTES = bytes(byte if byte in _IN_SIGNS else 32 for byte in range(256))


class SignFinder:
    """Which of many strings a page holds, ASCII letters in any case; `signs` are of lower-case letters,
    digits, spaces and `<\\&#:_=?/-`; a dot at either end stands for a word's edge there: `.tex.` is not in "text".

    `RESERVED[0]` is found where the page holds any character of `RESERVED`.
    """

    def __init__(self, signs: tuple[str, ...]) -> None:
        self.signs = signs

    def find(self, html: str) -> Container[str]:
        """The signs that `html` holds. Here they are looked for when asked about, in C all in one pass."""
        return _Signs(html)


class _Signs:
    """Looks through the different words of the page: a fifth of it. A sign with what parts words needs all of it."""

    __slots__ = ("html", "known", "words")

    def __init__(self, html: str) -> None:
        self.html = html.encode("utf-8", "surrogatepass").lower()  # of bytes: ASCII letters only
        self.words = b" ".join(sorted(set(self.html.translate(_WORD_BYTES).split())))
        self.known: dict[str, bool] = {}

    def __contains__(self, sign: object) -> bool:
        sign = str(sign)
        if sign not in self.known:
            self.known[sign] = any(self._holds(one) for one in (RESERVED if sign == RESERVED[0] else (sign,)))
        return self.known[sign]

    def _holds(self, sign: str) -> bool:
        text = sign.strip(".")
        place = self.words if _OF_WORDS.issuperset(text) else self.html
        before = f"(?<!{_WORD})" if sign.startswith(".") else ""
        after = f"(?!{_WORD})" if sign.endswith(".") else ""
        if not before and not after:
            return text.encode() in place
        return re.search(f"{before}{re.escape(text)}{after}".encode(), place) is not None
