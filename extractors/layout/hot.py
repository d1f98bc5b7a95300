"""The part of the layout that meets every character of a page. `c/` holds its twin in C, used where it was built.

This file defines what both do: byte for byte the same output (`tests/extractors/test_hot_twins.py`). What needs
judgement stays in Python for both: the subclasses in flow.py and state.py, and the rules in rules.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from typing import Any

from extractors.layout.tags import FORMULA_OPEN, HARD_BREAK, RESERVED
from extractors.layout.text import collapse, unescape

MAX_INDENTING_CONTAINERS = 12  # deeper nesting keeps the indentation of level 12: output stays linear in input
_IN_SIGNS = b"abcdefghijklmnopqrstuvwxyz0123456789<\\&#:_=?/-"  # all else parts words
_WORD_BYTES = bytes(byte if byte in _IN_SIGNS else 32 for byte in range(256))
_TAG_END = re.compile("[<>]")
_PARAGRAPH_BREAK = re.compile("\n{2,}")

Action = Callable[[Any, str, int], None]  # (walk, start tag without its brackets, place of its text)


class SignFinder:
    """Which of many strings a page holds, ASCII letters in any case; `signs` are of lower-case letters,
    digits, spaces and `<\\&#:_=?/-`.

    `RESERVED[0]` is found where the page holds any character of `RESERVED`.
    """

    def __init__(self, signs: tuple[str, ...]) -> None:
        self.signs = signs

    def find(self, html: str) -> Container[str]:
        """The signs that `html` holds. Here they are looked for when asked about, in C all in one pass."""
        return _Signs(html)


class _Signs:
    """Looks through the different words of the page only: a fifth of it. A sign with a space needs all of it."""

    __slots__ = ("html", "known", "words")

    def __init__(self, html: str) -> None:
        self.html = html.encode("utf-8", "surrogatepass").lower()  # of bytes: ASCII letters only
        self.words = b" ".join(sorted(set(self.html.translate(_WORD_BYTES).split())))
        self.known: dict[str, bool] = {}

    def __contains__(self, sign: object) -> bool:
        sign = str(sign)
        if sign not in self.known:
            wanted = RESERVED if sign == RESERVED[0] else (sign,)
            place = self.words if sign.isascii() and " " not in sign else self.html
            self.known[sign] = any(one.encode() in place for one in wanted)
        return self.known[sign]


class FlowBase:
    """Grows the text of a page and the columns of its blocks. `expand` is the subclass's."""

    __slots__ = (
        "containers",
        "ends",
        "kinds",
        "langs",
        "length",
        "levels",
        "links",
        "list_start",
        "lists_open",
        "parts",
        "paths",
        "pending",
        "rest",
        "starts",
    )
    expand: Callable[[str, int], str]

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.length = 0
        self.rest = ""  # prefix of every line in the present container
        self.pending: str | None = None  # prefix of the next leaf's first line: a list marker not yet written
        self.containers: list[tuple[str, str | None]] = []
        self.lists_open = 0
        self.list_start = 0  # number of blocks when the outermost list opened
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.kinds: list[str] = []
        self.langs: list[str | None] = []
        self.levels: list[int | None] = []
        self.links: list[int] = []  # characters inside links
        self.paths: list[str] = []

    def enter(self, first: str, rest: str) -> None:
        """Open a container whose first line starts with `first` and every other line with `rest`."""
        self.containers.append((self.rest, self.pending))
        if len(self.containers) > MAX_INDENTING_CONTAINERS:
            return
        self.pending = (self.rest if self.pending is None else self.pending) + first
        self.rest += rest

    def leave(self) -> None:
        """Close the innermost container."""
        self.rest, pending = self.containers.pop()
        if self.pending is not None:  # nothing was written inside: its marker goes, the outer one still waits
            self.pending = pending

    def enter_list(self) -> None:
        """Open a list; items of one outermost list stand together."""
        if not self.lists_open:
            self.list_start = len(self.kinds)
        self.lists_open += 1

    def leave_list(self) -> None:
        """Close the innermost list."""
        self.lists_open -= 1

    def write(
        self, text: str, kind: str, path: str, link_chars: int = 0, lang: str | None = None, level: int | None = None
    ) -> None:
        """Append one leaf; a list item joins the block of the item before it."""
        start = self.length
        joins = False
        lead = self.rest
        if self.pending is not None:
            joins = kind == "list" and self._follows_item()
            lead, self.pending = self.pending, None
        if start:
            lead = f"\n{lead}" if joins else f"\n\n{lead}"
        if FORMULA_OPEN in text:
            text = self.expand(text, start + len(lead))
        elif self.rest and "\n" in text:
            text = text.replace("\n", "\n" + self.rest)
        self.parts.append(lead)
        self.parts.append(text)
        self.length = start + len(lead) + len(text)
        if joins:
            self.ends[-1] = self.length
            self.links[-1] += link_chars
            return
        self.starts.append(start + 2 if start else 0)
        self.ends.append(self.length)
        self.kinds.append(kind)
        self.langs.append(lang)
        self.levels.append(level)
        self.links.append(link_chars)
        self.paths.append(path)

    def _follows_item(self) -> bool:
        return self.lists_open > 0 and len(self.kinds) > self.list_start and self.kinds[-1] == "list"


class WalkBase:
    """What is open around the present place, and the inline text of the leaf in the making.

    `finish`, `formula_kind`, `write_cell`, `enter_item` and what opens and closes cells of data are the subclass's.
    """

    __slots__ = (
        "buffer",
        "cell",
        "flow",
        "grid",
        "in_link",
        "kinds",
        "last_link_end",
        "link_chars",
        "links",
        "lists",
        "looks_left",
        "markup",
        "mask",
        "mask_all",
        "paths",
        "places",
        "resume",
        "spans",
    )
    finish: Callable[[str], str]
    formula_kind: Callable[[str], str]
    write_cell: Callable[[str, int], None]
    enter_item: Callable[[str], None]
    open_special_span: Callable[[str], None]
    open_data_row: Callable[[], None]
    open_data_cell: Callable[[str], None]
    close_data_cell: Callable[[], None]

    def __init__(self, flow: Any, mask: Any, mask_all: bool, places: Mapping[tuple[str, str], str]) -> None:
        self.flow = flow
        self.mask = mask  # None where the page holds nothing to mask
        self.mask_all = mask_all  # whether text without "$", "\\", "[/" or "</" may hold formulas
        self.places = places
        self.markup = ""  # the page
        self.looks_left = 0  # tags that may still be looked at ahead of their turn
        self.resume = -1  # where the walk goes on, when the last action has used more than its tag
        self.buffer: list[str] = []  # inline text of the leaf in the making, as it stands in the tree
        self.link_chars = 0  # of the buffer
        self.in_link = 0  # open links
        self.last_link_end = -1  # length of the buffer when a link was closed last
        self.links: list[bool] = []  # open `a` elements; True: one with a target
        self.spans: list[bool] = []  # open spans; True: one that is laid out as a block
        self.paths = [""]  # of the open blocks, outermost first
        self.kinds = ["paragraph"]  # kind of prose in each open container
        self.lists: list[Any] = []  # counter of each open list; None: bullets
        self.grid: Any = None  # the data table that is open
        self.cell: list[str] | None = None  # leaves of the open cell of that table

    def flush(self) -> None:
        """Write what is in the inline buffer as a leaf (or several, where `<br><br>` parts paragraphs)."""
        buffer = self.buffer
        if not buffer:
            return
        raw = buffer[0] if len(buffer) == 1 else "".join(buffer)
        buffer.clear()
        self.last_link_end = -1
        link_chars, self.link_chars = self.link_chars, 0
        if HARD_BREAK in raw:
            self._write_lines("\n".join(collapse(line) for line in raw.split(HARD_BREAK)), link_chars)
        elif text := collapse(raw):
            self.write_prose(text, link_chars)

    def _write_lines(self, text: str, link_chars: int) -> None:
        for part in _PARAGRAPH_BREAK.split(text.strip("\n")):
            if part:
                self.write_prose(part, min(link_chars, len(part)))
                link_chars = max(0, link_chars - len(part))

    def write_prose(self, text: str, link_chars: int) -> None:
        """Write laid-out prose as one leaf of the container's kind, or into the open table cell."""
        if self.mask is not None or not text.isascii():  # in C: only where `finish` would find something to do
            text = self.finish(text)
            if not text:
                return
        if self.cell is not None:
            self.write_cell(text, link_chars)
            return
        kind = self.formula_kind(text) if text[0] == FORMULA_OPEN else self.kinds[-1]
        self.flow.write(text, kind, self.paths[-1], link_chars)

    def look_inside(self, after: int, tag: str) -> tuple[str, int] | None:
        """(text of the element whose start tag ends at `after`, where its end tag ends); None past the budget."""
        markup, end = self.markup, f"</{tag}>"
        place = markup.find("<", after)
        if place >= 0 and markup.startswith(end, place):
            text = markup[after:place]
            return (unescape(text) if "&" in text else text), place + len(end)
        parts, depth = [markup[after:place]], 1
        while depth and self.looks_left > 0 and place >= 0:
            self.looks_left -= 1
            head, begin = tag_at(markup, place + 1)
            if head == end[1:-1]:
                depth -= 1
            elif head.partition(" ")[0] == tag:
                depth += 1
            if depth:
                place = markup.find("<", begin)
                parts.append(markup[begin : place if place >= 0 else None])
        if depth:
            return None
        text = "".join(parts)
        return (unescape(text) if "&" in text else text), begin


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


def open_block(walk: WalkBase, head: str, _after: int) -> None:
    """Start of a block."""
    if walk.buffer:
        walk.flush()
    walk.paths.append(walk.places[walk.paths[-1], head])


def close_block(walk: WalkBase, _head: str, _after: int) -> None:
    """End of a block."""
    if walk.buffer:
        walk.flush()
    if len(walk.paths) > 1:
        walk.paths.pop()


def open_link(walk: WalkBase, head: str, _after: int) -> None:
    """Links in a row with nothing between them are boxes of a menu, not one word. An anchor is no link."""
    target = ' href="' in head
    walk.links.append(target)
    if target:
        if walk.last_link_end == len(walk.buffer):
            walk.buffer.append(" ")
        walk.in_link += 1


def close_link(walk: WalkBase, _head: str, _after: int) -> None:
    """End of a link or anchor."""
    if walk.links and walk.links.pop():
        walk.in_link -= 1
        walk.last_link_end = len(walk.buffer)


def open_item(walk: WalkBase, head: str, after: int) -> None:
    """Start of a list item, with the marker of its list."""
    open_block(walk, head, after)
    if walk.lists and walk.lists[-1] is not None:
        walk.enter_item(head)
    else:
        walk.flow.enter("- ", "  ")


def close_container(walk: WalkBase, head: str, after: int) -> None:
    """End of a list item or another container."""
    if walk.buffer:
        walk.flush()
    walk.flow.leave()
    close_block(walk, head, after)


def open_bullets(walk: WalkBase, head: str, after: int) -> None:
    """Start of a list without numbers."""
    open_block(walk, head, after)
    walk.flow.enter_list()
    walk.lists.append(None)
    walk.kinds.append("list")


def close_list(walk: WalkBase, head: str, after: int) -> None:
    """End of a list."""
    if walk.buffer:
        walk.flush()
    if walk.lists:
        walk.kinds.pop()
        walk.lists.pop()
        walk.flow.leave_list()
    close_block(walk, head, after)


def close_heading(walk: WalkBase, head: str, after: int) -> None:
    """End of a heading `/h1` to `/h6`: one line, whatever breaks it holds."""
    if walk.buffer:
        text = collapse("".join(walk.buffer).replace(HARD_BREAK, " "))
        link_chars, walk.link_chars = walk.link_chars, 0
        walk.last_link_end = -1
        walk.buffer.clear()
        if walk.cell is not None:
            walk.write_prose(text, link_chars)
        elif text := walk.finish(text):
            level = int(head[2])
            walk.flow.write(f"{'#' * level} {text}", "heading", walk.paths[-1], link_chars, None, level)
    close_block(walk, head, after)


def open_row(walk: WalkBase, head: str, after: int) -> None:
    """Start of a row of a table of data or of layout."""
    if walk.grid is not None and walk.cell is None:
        walk.open_data_row()
    open_block(walk, head, after)


def open_cell(walk: WalkBase, head: str, after: int) -> None:
    """Start of a cell of a table of data or of layout."""
    if walk.grid is not None and walk.cell is None:
        walk.open_data_cell(head)
    else:
        open_block(walk, head, after)


def close_cell(walk: WalkBase, head: str, after: int) -> None:
    """End of a cell of a table of data or of layout."""
    if walk.cell is not None:
        walk.close_data_cell()
    else:
        close_block(walk, head, after)


def line_break(walk: WalkBase, _head: str, _after: int) -> None:
    """A line break."""
    walk.buffer.append(HARD_BREAK)


def space(walk: WalkBase, _head: str, _after: int) -> None:
    """The edge of a box that never touches its neighbours."""
    walk.buffer.append(" ")


def open_span(walk: WalkBase, head: str, _after: int) -> None:
    """Start of a span; nearly all of them mean nothing to the layout."""
    if "block" in head or "classifier" in head:
        walk.open_special_span(head)
    else:
        walk.spans.append(False)


def close_span(walk: WalkBase, head: str, after: int) -> None:
    """End of a span."""
    if walk.spans and walk.spans.pop():
        close_block(walk, head, after)


class Rules:
    """The actions of rules.py, by tag. In C, those of this module become numbers of functions there."""

    def __init__(self, actions: dict[str, Action]) -> None:
        self.actions = actions


def lay_out_markup(walk: WalkBase, markup: str, rules: Rules) -> None:
    """Walk over the page: tags and the text after each. "<" and ">" in texts and values are written as references."""
    walk.markup = markup
    buffer, paths, places, actions = walk.buffer, walk.paths, walk.places, rules.actions
    after = -1  # where the piece at hand ends, its "<" counted
    resume = 0
    for piece in markup.split("<"):
        start, after = after + 1, after + 1 + len(piece)
        if after < resume:
            continue
        head, _, text = piece.partition(">") if start else ("", "", piece)
        if start < resume:
            text = piece[resume - start :]
        else:
            action = actions.get(head)
            if action is None and " " in head:
                action = actions.get(head.partition(" ")[0])
            if action is None:
                if head[:3] == "!--":
                    resume = comment_end(markup, start)
                    text = piece[resume - start :]
            elif action is open_block:
                if buffer:
                    walk.flush()
                paths.append(places[paths[-1], head])
            elif action is close_block:
                if buffer:
                    walk.flush()
                if len(paths) > 1:
                    paths.pop()
            else:
                walk.resume = -1
                action(walk, head, after - len(text))
                resume = walk.resume
                if resume > after - len(text):
                    text = piece[resume - start :]
        if text and (buffer or not text.isspace()):
            if "&" in text:
                text = unescape(text)
            buffer.append(text)
            if walk.in_link:
                walk.link_chars += len(text)
    walk.flush()
