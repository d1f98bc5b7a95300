"""The page as it is written down: text, block spans and formula spans grow together, so offsets are exact by birth.

A leaf (one paragraph, heading, list item, table, code block) arrives as text with formula sentinels; it leaves with
its container's prefix (`> `, `- `, indentation), its formulas expanded to `$tex$` or `$$tex$$` and both spans recorded.
"""

from __future__ import annotations

import re

from extractors.layout.native import twin
from extractors.layout.tags import FORMULA_OPEN
from extractors.math.forms import Recovered
from pipeline.document import Blocks, Formulas

_BAR = re.compile(r"\\\\|\\\||\|")
_BAR_NAMES = {"|": "\\vert", "\\|": "\\Vert"}
_NO_COMMANDS = re.compile(r"\\(?:begin\s*\{(?:array|tabular)|text|mbox|hbox|verb)")  # column borders, words
_SENTINEL = re.compile("\ue000([0-9]{1,9})\ue001")


def _named_bar(bar: re.Match[str]) -> str:
    name = _BAR_NAMES.get(bar[0], bar[0])
    return name + " " if bar.string[bar.end() : bar.end() + 1].isalpha() and name != bar[0] else name


class Flow(twin.FlowBase):
    """Grows the output. `recovered[i]` is the formula behind sentinel i."""

    __slots__ = ()

    def __init__(self, recovered: list[Recovered] | None = None) -> None:
        super().__init__([] if recovered is None else recovered)

    def spell_bars(self, text: str) -> None:
        """Write "|" by its command in the formulas of a pipe table, where the sign ends a cell."""
        for number in _SENTINEL.findall(text) if FORMULA_OPEN in text else ():
            found = self.recovered[int(number)]
            if "|" in found.tex and not _NO_COMMANDS.search(found.tex):
                tex = _BAR.sub(_named_bar, found.tex)
                self.recovered[int(number)] = found._replace(tex=tex)

    def text(self) -> str:
        """The text written so far."""
        return "".join(self.parts)

    def formulas(self) -> Formulas:
        """The formulas written so far, in order."""
        return Formulas(*self.formula_columns())

    def blocks(self) -> Blocks:
        """The blocks written so far, in order, not overlapping; only newlines lie between them."""
        spans = zip(self.links, self.starts, self.ends, strict=True)
        density = [
            0.0 if not link else 1.0 if link >= end - start else link / (end - start) for link, start, end in spans
        ]
        count = len(density)
        return Blocks(
            self.starts,
            self.ends,
            self.kinds,
            self.langs,
            self.levels,
            density,
            self.paths,
            [False] * count,
            [None] * count,
        )
