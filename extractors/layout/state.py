"""State of one page's layout: what is open around the present place, and what finishing a leaf takes."""

from __future__ import annotations

import re

from extractors.code import CodeBlock
from extractors.layout.flow import Flow
from extractors.layout.mask import FormulaMask
from extractors.layout.native import WalkBase
from extractors.layout.paths import Paths
from extractors.layout.tags import FORMULA_CLOSE, INLINE_CODE_OPEN
from extractors.layout.text import unescape, without_invisible
from extractors.tables import Grid

_CODE_PLACE = re.compile("\ue003([0-9]{1,9})\ue004")
_LONE_FORMULA = re.compile("\ue000[0-9]{1,9}\ue001")


class Walk(WalkBase):
    """State of one page's walk; `extractors.layout.walk` drives it, `extractors.layout.rules` changes it."""

    __slots__ = ("cell_depth", "code_blocks", "codes", "grid", "looks_left", "looks_open", "opened")

    flow: Flow

    def __init__(self, flow: Flow, code_blocks: list[CodeBlock], mask: FormulaMask | None) -> None:
        super().__init__(flow, mask, mask is not None and mask.ascii_math, Paths())
        self.code_blocks = code_blocks
        self.codes: list[str] = []  # inline code, out of the way of the formula scan
        self.looks_left = 0  # tags that may still be looked at ahead of their turn
        self.opened: list[bool] = []  # inline code and scripts that were entered; True: after a look at their text
        self.looks_open = 0  # how many of them are True
        self.grid: Grid | None = None  # the data table that is open
        self.cell_depth = 0  # blocks open around its open cell

    def finish(self, text: str) -> str:
        """Laid-out prose without invisible characters, delimited formulas as sentinels, inline code in place."""
        if not text.isascii():
            text = without_invisible(text)
        if self.mask is not None:
            text = self.mask(text)
        if self.codes and INLINE_CODE_OPEN in text:
            text = _CODE_PLACE.sub(lambda place: self.codes[int(place[1])], text)
        return text

    def formula_kind(self, text: str) -> str:
        """Kind of a leaf that begins with a formula: "math" where a display formula is all it holds."""
        if text[-1] == FORMULA_CLOSE and _LONE_FORMULA.fullmatch(text):
            index = int(text[1:-1])
            return "math" if self.flow.recovered[index].display else self.kinds[-1]
        return self.kinds[-1]

    def write_cell(self, text: str, link_chars: int) -> None:
        """Add a leaf to the open cell of the data table."""
        if self.cell is not None:
            self.cell.append(text.replace("\n", " "))
        if self.grid is not None:
            self.grid.link_chars += link_chars

    def enter_item(self, head: str) -> None:
        """Open an item of a numbered list."""
        marker = self.lists[-1].marker(head)
        self.flow.enter(marker, " " * len(marker))

    def write(
        self, text: str, kind: str, link_chars: int = 0, lang: str | None = None, level: int | None = None
    ) -> None:
        """Write a finished leaf at the present place."""
        self.flow.write(text, kind, self.paths[-1], link_chars, lang, level)

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
            following = markup.find("<", place + 1)
            head, _, text = markup[place + 1 : following if following >= 0 else None].partition(">")
            if head == end[1:-1]:
                depth -= 1
            elif head.partition(" ")[0] == tag:
                depth += 1
            if depth:
                parts.append(text)
                place = following
        if depth:
            return None
        text = "".join(parts)
        return (unescape(text) if "&" in text else text), place + len(end)

    def skip_text(self, after: int) -> None:
        """Leave out the text after a start tag."""
        place = self.markup.find("<", after)
        self.resume = place if place >= 0 else len(self.markup)
