"""What is open around the present place of a page, and the text of the leaf in the making: twin of `c/walk.h`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from extractors.layout.hot.tables import Cell
from extractors.layout.inline import inline_code
from extractors.layout.tags import FORMULA_OPEN, HARD_BREAK, INLINE_CODE_CLOSE, INLINE_CODE_OPEN
from extractors.layout.text import collapse, tag_at, unescape

_PARAGRAPH_BREAK = re.compile("\n{2,}")


class WalkBase:
    """State of one page's walk that needs no judgement.

    `finish`, `formula_kind`, `enter_item`, `open_special_span`, `write_code` and `add_field` are the subclass's.
    """

    __slots__ = (
        "buffer",
        "cell",
        "cell_depth",
        "cell_shape",
        "code_blocks",
        "codes",
        "flow",
        "in_link",
        "kinds",
        "last_link_end",
        "link_chars",
        "links",
        "lists",
        "looks_left",
        "looks_open",
        "markup",
        "mask",
        "mask_all",
        "opened",
        "paths",
        "places",
        "resume",
        "rows",
        "spans",
        "table_links",
    )
    finish: Callable[[str], str]
    formula_kind: Callable[[str], str]
    enter_item: Callable[[str], None]
    open_special_span: Callable[[str], None]
    write_code: Callable[[int], None]
    add_field: Callable[[str], None]

    def __init__(
        self, flow: Any, mask: Any, mask_all: bool, places: Mapping[tuple[str, str], str], code_blocks: list[Any]
    ) -> None:
        self.flow = flow
        self.mask = mask  # None where the page holds nothing to mask
        self.mask_all = mask_all  # whether text without "$", "\\", "[/" or "</" may hold formulas
        self.places = places
        self.code_blocks = code_blocks  # taken out of the tree; in C those in cells are written without `write_code`
        self.markup = ""  # the page
        self.looks_left = 0  # tags that may still be looked at ahead of their turn
        self.resume = -1  # where the walk goes on, when the last action has used more than its tag
        self.buffer: list[str] = []  # inline text of the leaf in the making, as it stands in the tree
        self.link_chars = 0  # of the buffer
        self.in_link = 0  # open links
        self.last_link_end = -1  # length of the buffer when a link was closed last
        self.links: list[bool] = []  # open `a` elements; True: one with a target
        self.spans: list[bool] = []  # open spans; True: one that is laid out as a block
        self.codes: list[str] = []  # inline code, out of the way of the formula scan
        self.opened: list[bool] = []  # inline code and scripts that were entered; True: after a look at their text
        self.looks_open = 0  # how many of them are True
        self.paths = [""]  # of the open blocks, outermost first
        self.kinds = ["paragraph"]  # kind of prose in each open container
        self.lists: list[Any] = []  # counter of each open list; None: bullets
        self.rows: list[list[Cell]] | None = None  # of the data table that is open
        self.table_links = 0  # characters inside links in it
        self.cell: list[str] | None = None  # leaves of its open cell
        self.cell_shape = (1, 1, False)  # of the open cell: columns, rows, whether a header
        self.cell_depth = 0  # blocks open around it

    def add(self, text: str) -> None:
        """Add inline text to the leaf in the making."""
        if text:
            self.buffer.append(text)

    def push_span(self, boxed: bool) -> None:
        """Note that a span is open, and whether it is laid out as a block."""
        self.spans.append(boxed)

    def path(self) -> str:
        """Path of the innermost open block. In C it is made when it is asked for."""
        return self.paths[-1]

    def last_character(self) -> str:
        """The last character of the leaf in the making, "" at its start."""
        return self.buffer[-1][-1] if self.buffer else ""

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
        text = self.finished(text)
        if not text:
            return
        if self.cell is not None:
            self._write_cell(self.cell, text, link_chars)
            return
        kind = self.formula_kind(text) if text[0] == FORMULA_OPEN else self.kinds[-1]
        self.flow.write(text, kind, self.paths[-1], link_chars)

    def finished(self, text: str) -> str:
        """`text` as `finish` leaves it, its inline code in place."""
        if self.mask is not None or not text.isascii():  # in C: only where `finish` would find something to do
            text = self.finish(text)
        if INLINE_CODE_OPEN not in text:
            return text
        first, *places = text.split(INLINE_CODE_OPEN)
        parts = [first]
        for place in places:
            number, _, rest = place.partition(INLINE_CODE_CLOSE)
            parts += (self.codes[int(number)], rest)
        return "".join(parts)

    def _write_cell(self, cell: list[str], text: str, link_chars: int) -> None:
        if cell and self.kinds[-1] == "list" and cell[-1][-1:].isalnum():
            cell[-1] += ";"  # items of a list in a cell
        cell.append(text.replace("\n", " "))
        self.table_links += link_chars

    def add_code(self, text: str) -> None:
        """Add inline code, text without line breaks."""
        self.buffer.append(f"{INLINE_CODE_OPEN}{len(self.codes)}{INLINE_CODE_CLOSE}")
        self.codes.append(inline_code(text))
        if self.in_link:
            self.link_chars += len(text)

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
