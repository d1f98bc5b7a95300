"""State of one page's layout: the inline buffer, what is open around it, and how a leaf is finished and written."""

from __future__ import annotations

import re
from collections.abc import Callable

from extractors.code import CodeBlock
from extractors.layout.flow import Flow
from extractors.layout.lists import Counter
from extractors.layout.paths import Paths
from extractors.layout.tags import FORMULA_CLOSE, FORMULA_OPEN, HARD_BREAK, INLINE_CODE_OPEN
from extractors.layout.text import MAX_SPLIT_CHARS, collapse, unescape, without_invisible
from extractors.tables import Grid

_CODE_PLACE = re.compile("\ue003([0-9]{1,9})\ue004")
_LONE_FORMULA = re.compile("\ue000[0-9]{1,9}\ue001")
_PARAGRAPH_BREAK = re.compile("\n{2,}")

MaskFormulas = Callable[[str], str]  # replaces delimited TeX in laid-out prose by sentinels


class Walk:
    """State of one page's walk; `extractors.layout.walk` drives it, `extractors.layout.rules` changes it."""

    __slots__ = (
        "buffer",
        "cell",
        "cell_depth",
        "code_blocks",
        "codes",
        "flow",
        "grid",
        "in_link",
        "kinds",
        "last_link_end",
        "link_chars",
        "lists",
        "looks_left",
        "looks_open",
        "mask",
        "opened",
        "paths",
        "pieces",
        "places",
        "spans",
        "swallowed",
    )

    def __init__(self, flow: Flow, code_blocks: list[CodeBlock], mask: MaskFormulas | None) -> None:
        self.flow = flow
        self.mask = mask  # None where the page holds nothing to mask
        self.code_blocks = code_blocks
        self.pieces: list[str] = []  # the page, cut at its tags
        self.looks_left = 0  # pieces that may still be looked at ahead of their turn
        self.swallowed = False  # whether the last action has used the text of its piece
        self.buffer: list[str] = []  # inline text of the leaf in the making, as it stands in the tree
        self.link_chars = 0  # of the buffer
        self.in_link = 0  # open links
        self.last_link_end = -1  # length of the buffer when a link was closed last
        self.codes: list[str] = []  # inline code, out of the way of the formula scan
        self.opened: list[bool] = []  # inline code and scripts that were entered; True: after a look at their text
        self.looks_open = 0  # how many of them are True
        self.spans: list[bool] = []  # open spans; True: one that is laid out as a block
        self.paths = [""]  # of the open blocks, outermost first
        self.places = Paths()
        self.kinds: list[str] = ["paragraph"]  # kind of prose in each open container
        self.lists: list[Counter] = []
        self.grid: Grid | None = None  # the data table that is open
        self.cell: list[str] | None = None  # leaves of the open cell of that table
        self.cell_depth = 0  # blocks open around that cell

    def flush(self) -> None:
        """Write what is in the inline buffer as a leaf (or several, where `<br><br>` parts paragraphs)."""
        buffer = self.buffer
        if not buffer:
            return
        raw = buffer[0] if len(buffer) == 1 else "".join(buffer)
        buffer.clear()
        self.last_link_end = -1
        link_chars = self.link_chars
        self.link_chars = 0
        if HARD_BREAK in raw:
            self._flush_lines(raw, link_chars)
            return
        text = " ".join(raw.split()) if len(raw) <= MAX_SPLIT_CHARS else collapse(raw)
        if text:
            self.write_prose(text, link_chars)

    def _flush_lines(self, raw: str, link_chars: int) -> None:
        text = "\n".join(collapse(line) for line in raw.split(HARD_BREAK))
        for part in _PARAGRAPH_BREAK.split(text.strip("\n")):
            if part:
                self.write_prose(part, min(link_chars, len(part)))
                link_chars = max(0, link_chars - len(part))

    def write_prose(self, text: str, link_chars: int) -> None:
        """Write laid-out prose as one leaf of the container's kind, or into the open table cell."""
        if self.mask is not None or self.codes or not text.isascii():
            text = self.finish(text)
            if not text:
                return
        if self.cell is None:
            kind = self._kind(text) if text[0] == FORMULA_OPEN else self.kinds[-1]
            self.flow.write(text, kind, self.paths[-1], link_chars)
            return
        self.cell.append(text.replace("\n", " "))
        if self.grid is not None:
            self.grid.link_chars += link_chars

    def finish(self, text: str) -> str:
        """Laid-out prose without invisible characters, delimited formulas as sentinels, inline code in place."""
        if not text.isascii():
            text = without_invisible(text)
        if self.mask is not None:
            text = self.mask(text)
        if self.codes and INLINE_CODE_OPEN in text:
            text = _CODE_PLACE.sub(lambda place: self.codes[int(place[1])], text)
        return text

    def _kind(self, text: str) -> str:
        if text[-1] == FORMULA_CLOSE and _LONE_FORMULA.fullmatch(text):
            index = int(text[1:-1])
            return "math" if self.flow.recovered[index].display else self.kinds[-1]
        return self.kinds[-1]

    def leave(self) -> None:
        """Close the innermost block."""
        if len(self.paths) > 1:
            self.paths.pop()

    def write(
        self, text: str, kind: str, link_chars: int = 0, lang: str | None = None, level: int | None = None
    ) -> None:
        """Write a finished leaf at the present place."""
        self.flow.write(text, kind, self.paths[-1], link_chars, lang, level)

    def look_inside(self, index: int, tag: str) -> tuple[str, int] | None:
        """(text of the whole element that starts at piece `index`, the piece of its end tag); None past the budget."""
        pieces = self.pieces
        end = f"/{tag}"
        text = pieces[index].partition(">")[2]
        if index + 1 < len(pieces) and pieces[index + 1].startswith(f"{end}>"):
            return (unescape(text) if "&" in text else text), index + 1
        parts, depth, place = [text], 1, index
        while depth and self.looks_left > 0 and place + 1 < len(pieces):
            place += 1
            self.looks_left -= 1
            head, _, text = pieces[place].partition(">")
            if head == end:
                depth -= 1
            elif head.partition(" ")[0] == tag:
                depth += 1
            if depth:
                parts.append(text)
        if depth:
            return None
        text = "".join(parts)
        return (unescape(text) if "&" in text else text), place

    def swallow(self, index: int, end: int) -> None:
        """Take the element between these pieces out of the walk; the text after its end tag stays."""
        pieces = self.pieces
        pieces[end] = f">{pieces[end].partition('>')[2]}"
        for place in range(index + 1, end):
            pieces[place] = ""
        self.swallowed = True
