"""Text of a code block with its own line structure: twin of `c/code.h`."""

from __future__ import annotations

import re

from extractors.layout.hot.markup import TagTable
from extractors.layout.tags import CODE_BREAK, CODE_LINE, CODE_ROWS, CODE_VOID
from extractors.layout.text import unescape

_BOX_EDGE = "\v"  # a piece of its own; in text of a page it is white space
_WORD = re.compile(r"[^\W\d_]{2,}")
_SYMBOLS = "{}[]<>=;|\\#$@&*_^~`"
PROSE_SAMPLE_CHARS = 4_000
MIN_PROSE_WORDS = 8
MIN_PROSE_CHARS = 3 * MIN_PROSE_WORDS - 1  # of words with two letters
MAX_PROSE_SYMBOLS = 0.02  # share of characters that code is full of and prose is not
MIN_PROSE_LETTERS = 0.8  # share of characters of words in all that are not white space


def code_lines(markup: str, tag: str, tags: TagTable) -> str:
    """Text of the inner markup of an element `tag`: `<br>` and boxes of one line end lines. Not trimmed.

    `markup` holds no comments; `tags` is the table of `CODE_TAGS`.
    """
    parts: list[str] = []
    for piece in _pieces(markup, tag, tags.meanings):
        if piece == _BOX_EDGE:
            if parts and not parts[-1].endswith("\n"):
                parts.append("\n")
        else:
            parts.append(piece)
    return "".join(parts)


def _pieces(markup: str, tag: str, kinds: dict[str, int]) -> list[str]:
    """Text in order; `_BOX_EDGE` where a line box begins or ends, "\n" for a forced break or an empty line box."""
    first, *pieces = markup.split("<")
    first = unescape(first)
    found = [] if not first or (first.isspace() and kinds.get(tag, 0) & CODE_ROWS) else [first]
    shown = int(found not in ([], [_BOX_EDGE]))  # pieces that are no edges
    opened = [(tag, shown)]
    for piece in pieces:
        head, _, data = piece.partition(">")
        name = head.partition(" ")[0]
        if "&" in data:
            data = unescape(data)
        kind = kinds.get(name.removeprefix("/"), 0)
        if kind & CODE_BREAK and name[:1] != "/":
            found.append("\n")
            shown += 1
        elif name[:1] == "/":
            begun = _close(opened, name[1:])
            if kind & CODE_LINE and begun == shown:
                found.append("\n")
                shown += 1
            if kind & CODE_LINE:
                found.append(_BOX_EDGE)
        elif not kind & CODE_VOID:
            opened.append((name, shown))
            if kind & CODE_LINE:
                found.append(_BOX_EDGE)
        inside = kinds.get(opened[-1][0], 0)
        if data and not (data.isspace() and (inside & CODE_ROWS or _between_boxes(found, data))):
            found.append(data)
            shown += data != _BOX_EDGE
    return found


def _close(opened: list[tuple[str, int]], name: str) -> int:
    """Close the innermost open element `name`; how much was shown when it was opened, -1 where none is open."""
    while len(opened) > 1:
        closed, shown = opened.pop()
        if closed == name:
            return shown
    return -1


def _between_boxes(found: list[str], data: str) -> bool:
    return "\n" in data and bool(found) and found[-1] == _BOX_EDGE


def trimmed(text: str) -> str:
    """Outer blank lines and trailing spaces go; indentation stays. No-break spaces in code are spaces."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ").replace("\u200b", "")
    lines = [line.rstrip() for line in text.split("\n")]
    first = next((i for i, line in enumerate(lines) if line), len(lines))
    last = next((i for i in range(len(lines) - 1, -1, -1) if lines[i]), -1)
    return "\n".join(lines[first : last + 1])


def looks_like_prose(text: str) -> bool:
    """Whether a `pre` without any sign of code holds words (mails, poems, licence texts)."""
    if len(text) < MIN_PROSE_CHARS:
        return False
    sample = text[:PROSE_SAMPLE_CHARS]
    words = _WORD.findall(sample)
    if len(words) < MIN_PROSE_WORDS or sum(map(sample.count, _SYMBOLS)) / len(sample) > MAX_PROSE_SYMBOLS:
        return False
    return sum(map(len, words)) / len("".join(sample.split())) > MIN_PROSE_LETTERS
