"""State of one page's layout: the inline buffer, what is open around it, and how a leaf is finished and written."""

from __future__ import annotations

import re
from typing import Protocol

from extractors.code import CodeBlock
from extractors.layout.flow import Flow, Leaf
from extractors.layout.lists import Counter
from extractors.layout.paths import PathStack
from extractors.layout.tags import FORMULA_CLOSE, FORMULA_OPEN, HARD_BREAK
from extractors.tables import Grid

_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\x00-\x08\x0e-\x1f\x7f-\x9f]+")
_CODE_PLACE = re.compile("\ue003([0-9]{1,9})\ue004")
_LONE_FORMULA = re.compile("\ue000[0-9]{1,9}\ue001")


class MaskFormulas(Protocol):
    """Replaces delimited TeX in laid-out prose by sentinels; bound to the page's configuration."""

    def __call__(self, text: str) -> str: ...


class Walk:
    """State of one page's walk; `extractors.layout.walk` drives it, `extractors.layout.rules` changes it."""

    __slots__ = (
        "buffer",
        "cell",
        "code_blocks",
        "codes",
        "flow",
        "grid",
        "in_link",
        "kinds",
        "last_link_end",
        "link_chars",
        "lists",
        "mask",
        "path",
    )

    def __init__(self, flow: Flow, code_blocks: list[CodeBlock], mask: MaskFormulas) -> None:
        self.flow = flow
        self.mask = mask
        self.code_blocks = code_blocks
        self.buffer: list[str] = []
        self.link_chars = 0
        self.in_link = 0
        self.last_link_end = -1
        self.codes: list[str] = []
        self.path = PathStack()
        self.kinds: list[str] = ["paragraph"]
        self.lists: list[Counter] = []
        self.grid: Grid | None = None
        self.cell: list[str] | None = None

    def flush(self) -> None:
        """Write what is in the inline buffer as a leaf (or several, where `<br><br>` parts paragraphs)."""
        if not self.buffer:
            return
        raw = "".join(self.buffer)
        self.buffer.clear()
        self.last_link_end = -1
        link_chars, self.link_chars = self.link_chars, 0
        if raw.isspace():
            return
        if HARD_BREAK not in raw:
            self.write_prose(" ".join(raw.split()), link_chars)
            return
        text = "\n".join(" ".join(line.split()) for line in raw.split(HARD_BREAK))
        for part in re.split("\n{2,}", text.strip("\n")):
            self.write_prose(part, min(link_chars, len(part)))
            link_chars = max(0, link_chars - len(part))

    def write_prose(self, text: str, link_chars: int) -> None:
        text = self.finish(text)
        if not text:
            return
        if self.cell is None:
            self.write(Leaf(text, self._kind(text), link_chars))
            return
        self.cell.append(text.replace("|", "\\|").replace("\n", " "))
        if self.grid is not None:
            self.grid.link_chars += link_chars

    def finish(self, text: str) -> str:
        """Laid-out prose without invisible characters, delimited formulas as sentinels, inline code in place."""
        if not text.isascii():
            text = _INVISIBLE.sub("", text).strip()
        if "$" in text or "\\" in text:
            text = self.mask(text)
        return _CODE_PLACE.sub(lambda place: self.codes[int(place[1])], text) if self.codes else text

    def _kind(self, text: str) -> str:
        if text[0] == FORMULA_OPEN and text[-1] == FORMULA_CLOSE and _LONE_FORMULA.fullmatch(text):
            index = int(text[1:-1])
            return "math" if self.flow.recovered[index].display else self.kinds[-1]
        return self.kinds[-1]

    def write(self, leaf: Leaf) -> None:
        self.flow.write(leaf, self.path.text())
