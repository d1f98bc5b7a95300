"""State of one page's layout: what is open around the present place, and what finishing a leaf takes."""

from __future__ import annotations

import re

from extractors.code import CodeBlock, fenced
from extractors.layout.flow import Flow
from extractors.layout.inline import field_text, inline_code
from extractors.layout.mask import FormulaMask
from extractors.layout.native import twin
from extractors.layout.paths import Paths
from extractors.layout.tags import FORMULA_CLOSE
from extractors.layout.text import attribute, without_invisible

_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_LONE_FORMULA = re.compile("\ue000[0-9]{1,9}\ue001")


class Walk(twin.WalkBase):
    """State of one page's walk; `extractors.layout.walk` drives it, `extractors.layout.rules` changes it."""

    __slots__ = ()

    flow: Flow
    code_blocks: list[CodeBlock]

    def __init__(self, flow: Flow, code_blocks: list[CodeBlock], mask: FormulaMask | None) -> None:
        super().__init__(flow, mask, mask is not None and mask.any_text, Paths(), code_blocks)

    def finish(self, text: str) -> str:
        """Laid-out prose without invisible characters, delimited formulas as sentinels."""
        if not text.isascii():
            text = without_invisible(text)
        if self.mask is not None:
            text = self.mask(text)
        return text

    def formula_kind(self, text: str) -> str:
        """Kind of a leaf that begins with a formula: "math" where a display formula is all it holds."""
        if text[-1] == FORMULA_CLOSE and _LONE_FORMULA.fullmatch(text):
            index = int(text[1:-1])
            return "math" if self.flow.recovered[index].display else self.kinds[-1]
        return self.kinds[-1]

    def open_special_span(self, head: str) -> None:
        """Sphinx's type after a name (its colon is CSS), and spans styled as blocks."""
        boxed = False
        if "classifier" in head and "classifier" in (attribute(head, "class") or "").split():
            self.add(" : ")
        elif "block" in head:
            boxed = "display:block" in "".join((attribute(head, "style") or "").split()).lower()
        self.push_span(boxed)
        if boxed:
            twin.open_block(self, head, 0)

    def add_field(self, head: str) -> None:
        """Add what a field shows that nobody can type into."""
        if text := field_text(head):
            self.add(f" {text} ")

    def enter_item(self, head: str) -> None:
        """Open an item of a numbered list."""
        marker = self.lists[-1].marker(head)
        self.flow.enter(marker, " " * len(marker))

    def write_code(self, number: int) -> None:
        """Write a block of code, or of prose in a `pre`, at the present place."""
        block = self.code_blocks[number]
        if self.cell is not None:
            self.cell.append(inline_code(" ".join(block.text.split())))
        elif block.prose:
            for part in _BLANK_LINE.split(block.text):
                self.write_prose("\n".join(line.rstrip() for line in part.strip("\n").split("\n")), 0)
        elif block.text.strip():
            self.flow.write(fenced(block), "code", self.path(), 0, block.lang)
