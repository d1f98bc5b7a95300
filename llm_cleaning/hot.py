"""What every element of a page passes through: defined in Python; c/ is the twin in C; `native.py` chooses."""

from __future__ import annotations

import re
from collections.abc import Mapping

MAX_WORD_CHARS = 32  # longer words are cut off there
STEM_CHARS = 4

# Bits of a word of a name; the meaning of the others is that of names.py.
COMMENT, RARE, STEM, UPPER = 8, 64, 128, 256
TAG_SHIFT = 16  # above: how many characters the tag has

_TAG = re.compile(r"[A-Za-z0-9_-]*")
_WORDS = re.compile(r"[A-Z]*[a-z]+|[A-Z]+")


def marks(segment: str, words: Mapping[str, int]) -> int:
    """Bits of all words of an element's names, and UPPER where one is in capitals; length of the tag above.

    A word is letters, and a capital behind a small letter begins one. What begins with a STEM is RARE, so are words of
    COMMENT in the tag, and segments with more than ASCII.
    """
    if not segment.isascii():
        return RARE
    tag = _TAG.match(segment).end()  # type: ignore[union-attr]  # matches anything
    found = tag << TAG_SHIFT | (0 if segment == segment.lower() else UPPER)
    for match in _WORDS.finditer(segment):
        word = match[0].lower()[:MAX_WORD_CHARS]
        bits = words.get(word, 0)
        if words.get(word[:STEM_CHARS], 0) & STEM:
            bits |= RARE
        if match.start() >= tag:
            found |= bits
        elif bits & (COMMENT | RARE):
            found |= RARE
    return found


def elements(paths: list[str]) -> tuple[list[str], list[int], list[str], list[int]]:
    """Every element on the way to a path, parents before children: its path, its parent's number (-1: none), its
    segment; and for each path given the number of its element, -1 for ""."""
    number = {"": -1}
    found: list[str] = []
    parents: list[int] = []
    segments: list[str] = []
    of_path: list[int] = []
    for path in paths:
        chain: list[tuple[str, str]] = []
        at = path
        while at not in number:
            above, _, segment = at.rpartition("/")
            chain.append((at, segment))
            at = above
        up = number[at]
        while chain:
            at, segment = chain.pop()
            parents.append(up)
            segments.append(segment)
            number[at] = up = len(found)
            found.append(at)
        of_path.append(up)
    return found, parents, segments, of_path
