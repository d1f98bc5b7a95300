"""What the names of an element say of it, as far as sets of words can tell: the definition; c/names.h is the twin in C.

A page brings some 30 spellings that no page before it had, so they are read word by word. What words cannot tell, the
patterns of names.py are asked about.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

MAX_WORD_CHARS = 32  # longer words are cut off there
STEM_CHARS = 4

# Bits of a word of a name, or of two joined by "-"; FIRST and LAST ones may be so joined. What begins with a STEM is
# RARE: patterns are to be asked.
CHROME_WORD, WEAK_WORD, CONTENT_WORD, COMMENT_WORD, FIRST, LAST, RARE, STEM = (1 << bit for bit in range(8))
# Bits of a tag, beside those of words.
ALWAYS_TAG, NEVER_WEAK, ANY_ID, LANDMARK_TAG, INNER_TAG = (1 << bit for bit in range(8, 13))

# A place is one number, so that a child's is its parent's plus its own: three counts of elements, then flags.
CHROME, WEAK, CONTENT = 1, 1 << 10, 1 << 20
COUNT = 1023
IN_MAIN, IS_COMMENT, IS_CAPTION, ALWAYS, LANDMARK, ANCHORED, INNER, NEAR_MAIN = (1 << bit for bit in range(40, 48))

_TAG = re.compile(r"[A-Za-z0-9_-]*")
_NAME = re.compile(r"[#.]([A-Za-z0-9_-]*)")
_WORDS = re.compile(r"[A-Z]*[a-z]+|[A-Z]+")


class Names(NamedTuple):
    """A vocabulary of names: bits of words and pairs, bits of tags, names of landmarks among divs, and what in a name
    with capitals only patterns can judge. All of it ASCII, lower case."""

    words: dict[str, int]
    tags: dict[str, int]
    landmarks: frozenset[str]
    parts: tuple[str, ...]


def code(segment: str, names: Names) -> int:
    """What a segment of a path, `tag#id.class`, says of its element, as bits for `places`; -1: ask the patterns."""
    lowered = segment.lower()
    if not segment.isascii() or (lowered != segment and any(map(lowered.__contains__, names.parts))):
        return -1
    tag = _TAG.match(segment)[0]  # type: ignore[index]  # matches anything
    known = names.tags.get(tag, 0)
    marks = _marks(segment, len(tag), names.words, any_id=known & ANY_ID != 0)
    if (marks | known) & RARE:
        return -1
    found = IS_COMMENT if marks & COMMENT_WORD else 0
    found |= ALWAYS if known & ALWAYS_TAG else 0
    found |= LANDMARK if known & LANDMARK_TAG or (tag[:3] == "div" and is_landmark(segment, names.landmarks)) else 0
    found |= ANCHORED if segment.startswith("dt#") else 0
    found |= INNER if known & INNER_TAG else 0
    if (marks | known) & CHROME_WORD:
        return found | CHROME
    if (marks | known) & CONTENT_WORD:
        return found | CONTENT
    return found | WEAK if (marks | known) & WEAK_WORD and not known & NEVER_WEAK else found


def _marks(segment: str, tag: int, words: Mapping[str, int], *, any_id: bool) -> int:
    """Bits of all words behind the tag, and of pairs.

    A word is letters, and a capital behind a small letter begins one. Words of the tag, and with
    `any_id` those of the id, tell only of comments and of what is RARE.
    """
    found, before, end = 0, "", -1
    for match in _WORDS.finditer(segment):
        word = match[0].lower()[:MAX_WORD_CHARS]
        bits = words.get(word, 0) | (RARE if words.get(word[:STEM_CHARS], 0) & STEM else 0)
        if match.start() < tag:
            found |= RARE if bits & (COMMENT_WORD | RARE) else 0
            continue
        if any_id and segment.rfind("#", 0, match.start()) > segment.rfind(".", 0, match.start()):
            found |= bits & (COMMENT_WORD | RARE)
            continue
        if bits & LAST and before and _is_joint(segment[end : match.start()]):
            found |= words.get(f"{before}-{word}", 0)
        found |= bits
        before, end = word if bits & FIRST else "", match.end()
    return found


def _is_joint(between: str) -> bool:
    return between in ("", "-", "_")


def is_landmark(segment: str, names: frozenset[str]) -> bool:
    """Whether one of its names is in the set."""
    return any(match[1] in names for match in _NAME.finditer(segment))
