"""State of one page's layout: what is open around the present place, and what finishing a leaf takes."""

from __future__ import annotations

import re

from extractors.code import CodeBlock
from extractors.layout.flow import Flow
from extractors.layout.mask import FormulaMask
from extractors.layout.native import twin
from extractors.layout.paths import Paths
from extractors.layout.tags import FORMULA_CLOSE
from extractors.layout.text import attribute, without_invisible

_LONE_FORMULA = re.compile("\ue000[0-9]{1,9}\ue001")


class Walk(twin.WalkBase):
    """State of one page's walk; `extractors.layout.walk` drives it, `extractors.layout.rules` changes it."""

    __slots__ = ("code_blocks",)

    flow: Flow

    def __init__(self, flow: Flow, code_blocks: list[CodeBlock], mask: FormulaMask | None) -> None:
        super().__init__(flow, mask, mask is not None and mask.ascii_math, Paths())
        self.code_blocks = code_blocks

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
        self.spans.append(boxed)
        if boxed:
            twin.open_block(self, head, 0)

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
