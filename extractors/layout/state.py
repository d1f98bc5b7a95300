"""State of one page's layout: what is open around the present place, and what finishing a leaf takes."""

from __future__ import annotations

import re

from extractors.code import CodeBlock
from extractors.layout.flow import Flow
from extractors.layout.mask import FormulaMask
from extractors.layout.native import twin
from extractors.layout.paths import Paths
from extractors.layout.tags import FORMULA_CLOSE, INLINE_CODE_CLOSE, INLINE_CODE_OPEN
from extractors.layout.text import attribute, without_invisible
from extractors.tables import MAX_COLUMNS, MAX_ROWSPAN, Cell, Grid, span

_LONE_FORMULA = re.compile("\ue000[0-9]{1,9}\ue001")


class Walk(twin.WalkBase):
    """State of one page's walk; `extractors.layout.walk` drives it, `extractors.layout.rules` changes it."""

    __slots__ = ("cell_depth", "code_blocks", "codes", "looks_open", "opened")

    flow: Flow
    grid: Grid | None

    def __init__(self, flow: Flow, code_blocks: list[CodeBlock], mask: FormulaMask | None) -> None:
        super().__init__(flow, mask, mask is not None and mask.ascii_math, Paths())
        self.code_blocks = code_blocks
        self.codes: list[str] = []  # inline code, out of the way of the formula scan
        self.opened: list[bool] = []  # inline code and scripts that were entered; True: after a look at their text
        self.looks_open = 0  # how many of them are True
        self.cell_depth = 0  # blocks open around the open cell of a data table

    def finish(self, text: str) -> str:
        """Laid-out prose without invisible characters, delimited formulas as sentinels, inline code in place."""
        if not text.isascii():
            text = without_invisible(text)
        if self.mask is not None:
            text = self.mask(text)
        if self.codes and INLINE_CODE_OPEN in text:
            first, *places = text.split(INLINE_CODE_OPEN)
            parts = [first]
            for place in places:
                number, _, rest = place.partition(INLINE_CODE_CLOSE)
                parts += (self.codes[int(number)], rest)
            text = "".join(parts)
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
            if self.cell and self.kinds[-1] == "list" and self.cell[-1][-1:].isalnum():
                self.cell[-1] += ";"  # items of a list in a cell
            self.cell.append(text.replace("\n", " "))
        if self.grid is not None:
            self.grid.link_chars += link_chars

    def open_special_span(self, head: str) -> None:
        """Sphinx's type after a name (its colon is CSS), and spans styled as blocks."""
        boxed = False
        if "classifier" in head and "classifier" in (attribute(head, "class") or "").split():
            self.buffer.append(" : ")
        elif "block" in head:
            boxed = "display:block" in "".join((attribute(head, "style") or "").split()).lower()
        self.spans.append(boxed)
        if boxed:
            twin.open_block(self, head, 0)

    def open_data_row(self) -> None:
        """Start a row of the data table."""
        if self.grid is not None:
            self.grid.new_row()

    def open_data_cell(self, head: str) -> None:
        """Start a cell of the data table."""
        self.flush()
        columns = span(attribute(head, "colspan"), MAX_COLUMNS)
        rows = span(attribute(head, "rowspan"), MAX_ROWSPAN)
        if self.grid is not None:
            self.grid.add(Cell("", columns, rows, head.startswith("th")))
        self.cell, self.cell_depth = [], len(self.paths)

    def close_data_cell(self) -> None:
        """End the cell of the data table, or one of a table inside it."""
        self.flush()
        if self.cell is None or len(self.paths) != self.cell_depth:
            if len(self.paths) > 1:
                self.paths.pop()
            return
        if self.grid is not None and self.grid.rows:
            self.grid.rows[-1][-1].text = " ".join(self.cell)
        self.cell = None

    def enter_item(self, head: str) -> None:
        """Open an item of a numbered list."""
        marker = self.lists[-1].marker(head)
        self.flow.enter(marker, " " * len(marker))

    def write(
        self, text: str, kind: str, link_chars: int = 0, lang: str | None = None, level: int | None = None
    ) -> None:
        """Write a finished leaf at the present place."""
        self.flow.write(text, kind, self.paths[-1], link_chars, lang, level)

    def skip_text(self, after: int) -> None:
        """Leave out the text after a start tag."""
        place = self.markup.find("<", after)
        self.resume = place if place >= 0 else len(self.markup)
