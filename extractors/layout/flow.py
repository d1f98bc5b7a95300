"""The page as it is written down: text, block spans and formula spans grow together, so offsets are exact by birth.

A leaf (one paragraph, heading, list item, table, code block) arrives as text with formula sentinels; it leaves with
its container's prefix (`> `, `- `, indentation), its formulas expanded to `$tex$` or `$$tex$$` and both spans recorded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from extractors.layout.tags import FORMULA_OPEN
from extractors.math.forms import Recovered
from pipeline.document import Blocks, Formula, Formulas

MAX_INDENTING_CONTAINERS = 12  # deeper nesting keeps the indentation of level 12: output stays linear in input
_SENTINEL = re.compile("\ue000([0-9]{1,9})\ue001")

Row = list[Any]  # of a block: start, end, kind, lang, level, characters inside links, path; a list item extends its row


@dataclass(slots=True)
class Flow:
    """Grows the output. `recovered[i]` is the formula behind sentinel i."""

    recovered: list[Recovered] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    length: int = 0
    shown: list[Formula] = field(default_factory=list)
    rest: str = ""  # prefix of every line in the present container
    pending: str | None = None  # prefix of the next leaf's first line: a list marker not yet written
    containers: list[tuple[str, str | None]] = field(default_factory=list)
    lists_open: int = 0
    list_start: int = 0  # number of blocks when the outermost list opened
    rows: list[Row] = field(default_factory=list)

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
            self.list_start = len(self.rows)
        self.lists_open += 1

    def leave_list(self) -> None:
        """Close the innermost list."""
        self.lists_open -= 1

    def write(
        self,
        text: str,
        kind: str,
        dom_path: str,
        link_chars: int = 0,
        lang: str | None = None,
        level: int | None = None,
    ) -> None:
        """Append one leaf; a list item joins the block of the item before it. The hot path of the layout."""
        start = self.length
        pending = self.pending
        joins = False
        lead = self.rest
        if pending is not None:
            joins = kind == "list" and self._follows_item()
            lead = pending
            self.pending = None
        if start:
            lead = f"\n{lead}" if joins else f"\n\n{lead}"
        if FORMULA_OPEN in text:
            text = self._expand(text, start + len(lead))
        elif self.rest and "\n" in text:
            text = text.replace("\n", "\n" + self.rest)
        self.parts.append(lead)
        self.parts.append(text)
        end = self.length = start + len(lead) + len(text)
        if joins:
            row = self.rows[-1]
            row[1] = end
            row[5] += link_chars
        else:
            self.rows.append([start + 2 if start else 0, end, kind, lang, level, link_chars, dom_path])

    def _follows_item(self) -> bool:
        return self.lists_open > 0 and len(self.rows) > self.list_start and self.rows[-1][2] == "list"

    def _expand(self, text: str, start: int) -> str:
        """Sentinels to delimited TeX, newlines to newline + prefix; records formulas at their final place."""
        done: list[str] = []
        position = start
        for turn, piece in enumerate(_SENTINEL.split(text)):
            shown = self._formula(int(piece), position) if turn % 2 else piece.replace("\n", "\n" + self.rest)
            done.append(shown)
            position += len(shown)
        return "".join(done)

    def _formula(self, index: int, start: int) -> str:
        """Delimited TeX of one sentinel. An unrecovered formula stays plain text: no guess is passed off as TeX."""
        found = self.recovered[index]
        tex = " ".join(found.tex.split("\n")).strip()  # one line: a prefix inside a formula would change it
        if not tex:
            return ""
        mark = "" if not found.recovered else "$$" if found.display else "$"
        shown = f"{mark}{tex}{mark}"
        self.shown.append(Formula(start, start + len(shown), tex, found.source_form, found.display, found.recovered))
        return shown

    def text(self) -> str:
        """The text written so far."""
        return "".join(self.parts)

    def formulas(self) -> Formulas:
        """The formulas written so far, in order."""
        return Formulas(*map(list, zip(*self.shown, strict=True))) if self.shown else Formulas()

    def blocks(self) -> Blocks:
        """The blocks written so far, in order, not overlapping; only newlines lie between them."""
        if not self.rows:
            return Blocks()
        starts, ends, kinds, langs, levels, links, paths = map(list, zip(*self.rows, strict=True))
        density = [min(1.0, link / (end - start)) for link, start, end in zip(links, starts, ends, strict=True)]
        count = len(starts)
        return Blocks(starts, ends, kinds, langs, levels, density, paths, [False] * count, [None] * count)
