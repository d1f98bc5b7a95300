"""Characters of laid-out text: references that the serialiser writes, white space, invisible characters."""

from __future__ import annotations

import re

_WHITE = re.compile(r"\s")
_TAG_END = re.compile("[<>]")
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\x00-\x08\x0e-\x1f\x7f-\x9f]+")
MAX_SPLIT_CHARS = 1_000_000  # beyond it a list of words costs too much memory


def unescape(text: str) -> str:
    """Text of a piece of markup: the five references that HTML serialisation writes (Living Standard 13.3)."""
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", "\u00a0").replace("&quot;", '"')
    return text.replace("&amp;", "&")


def attribute(head: str, name: str) -> str | None:
    """Value of an attribute of a start tag as serialised: `a href="x" class="y"`; values hold no bare quote."""
    _, found, value = head.partition(f' {name}="')
    if not found:
        return None
    value = value.partition('"')[0]
    return unescape(value) if "&" in value else value


def comment_end(markup: str, start: int) -> int:
    """End of the comment whose "!--" is at `start`; it may hold "<!" just before its end, as conditional ones do."""
    end = markup.find("-->", start + 3)
    return end + 3 if end >= 0 else len(markup)


def tag_at(markup: str, start: int) -> tuple[str, int]:
    """(start or end tag without its brackets, place of the text after it); ("", its end) for a comment."""
    if markup.startswith("!--", start):
        return "", comment_end(markup, start)
    end = _TAG_END.search(markup, start)
    if end is None:
        return markup[start:], len(markup)
    return markup[start : end.start()], end.end() if end[0] == ">" else end.start()


def without_comments(markup: str) -> str:
    """Serialised markup without comments. A comment may hold "<!" just before its end, as old conditional ones do."""
    kept: list[str] = []
    done = 0
    while (start := markup.find("<!--", done)) >= 0:
        kept.append(markup[done:start])
        end = markup.find("-->", start + 4)
        done = end + 3 if end >= 0 else len(markup)
    kept.append(markup[done:])
    return "".join(kept)


def collapse(text: str) -> str:
    """Runs of white space, no-break spaces too, to one space; none at the ends."""
    if len(text) <= MAX_SPLIT_CHARS:
        return " ".join(text.split())
    pieces = []
    start = 0
    while start < len(text):
        cut = _WHITE.search(text, start + MAX_SPLIT_CHARS)
        end = cut.start() if cut else len(text)
        pieces.append(" ".join(text[start:end].split()))
        start = max(end, start + 1)
    return " ".join(piece for piece in pieces if piece)


def without_invisible(text: str) -> str:
    """`text` without format and control characters. ASCII text comes without them from the parser's tree."""
    if text.isascii() or text.isprintable():
        return text
    return _INVISIBLE.sub("", text).strip()
