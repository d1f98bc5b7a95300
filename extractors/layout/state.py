"""State of one page's layout: the inline buffer, what is open around it, and how a leaf is finished and written."""

from __future__ import annotations

import re
from collections.abc import Callable

from extractors.code import CodeBlock
from extractors.layout.flow import Flow
from extractors.layout.lists import Counter
from extractors.layout.paths import PathStack
from extractors.layout.tags import FORMULA_CLOSE, FORMULA_OPEN, HARD_BREAK, INLINE_CODE_OPEN
from extractors.tables import Grid

_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\x00-\x08\x0e-\x1f\x7f-\x9f]+")
_CODE_PLACE = re.compile("\ue003([0-9]{1,9})\ue004")
_LONE_FORMULA = re.compile("\ue000[0-9]{1,9}\ue001")
_WHITE = re.compile(r"\s")
_PARAGRAPH_BREAK = re.compile("\n{2,}")

MaskFormulas = Callable[[str], str]  # replaces delimited TeX in laid-out prose by sentinels


MAX_SPLIT_CHARS = 1_000_000  # beyond it a list of words costs too much memory


def collapse(text: str) -> str:
    """Runs of white space, no-break spaces too, to one space; none at the ends."""
    if len(text) <= MAX_SPLIT_CHARS:
        return " ".join(text.split())
    pieces = []
    start = 0
    while start < len(text):
        cut = _WHITE.search(text, start + MAX_SPLIT_CHARS)
        end = cut.start() if cut else len(text)
        pieces.append(" ".join(text[start:end].split()))
        start = max(end, start + 1)
    return " ".join(piece for piece in pieces if piece)


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
        "opened",
        "path",
        "tables_open",
    )

    def __init__(self, flow: Flow, code_blocks: list[CodeBlock], mask: MaskFormulas) -> None:
        self.flow = flow
        self.mask = mask
        self.code_blocks = code_blocks
        self.buffer: list[str] = []  # inline text of the leaf in the making, as it stands in the tree
        self.link_chars = 0  # of the buffer
        self.in_link = 0  # open links
        self.last_link_end = -1  # length of the buffer when a link was closed last
        self.codes: list[str] = []  # inline code, out of the way of the formula scan
        self.opened = 0  # inline code and scripts that were entered because formulas are inside
        self.path = PathStack()
        self.kinds: list[str] = ["paragraph"]  # kind of prose in each open container
        self.lists: list[Counter] = []
        self.tables_open = 0
        self.grid: Grid | None = None  # the data table that is open
        self.cell: list[str] | None = None  # leaves of the open cell of that table

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
        text = collapse(raw)
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
        text = self.finish(text)
        if not text:
            return
        if self.cell is None:
            self.flow.write(text, self._kind(text), self.path.text(), link_chars)
            return
        self.cell.append(text.replace("\n", " "))
        if self.grid is not None:
            self.grid.link_chars += link_chars

    def finish(self, text: str) -> str:
        """Laid-out prose without invisible characters, delimited formulas as sentinels, inline code in place."""
        if not text.isascii():
            text = _INVISIBLE.sub("", text).strip()
        text = self.mask(text)
        if INLINE_CODE_OPEN in text:
            text = _CODE_PLACE.sub(lambda place: self.codes[int(place[1])], text)
        return text

    def _kind(self, text: str) -> str:
        if text[0] == FORMULA_OPEN and text[-1] == FORMULA_CLOSE and _LONE_FORMULA.fullmatch(text):
            index = int(text[1:-1])
            return "math" if self.flow.recovered[index].display else self.kinds[-1]
        return self.kinds[-1]

    def write(
        self, text: str, kind: str, link_chars: int = 0, lang: str | None = None, level: int | None = None
    ) -> None:
        """Write a finished leaf at the present place."""
        self.flow.write(text, kind, self.path.text(), link_chars, lang, level)
