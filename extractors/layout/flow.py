"""The page as it is written down: text, block spans and formula spans grow together, so offsets are exact by birth.

A leaf (one paragraph, heading, list item, table, code block) arrives as text with formula sentinels; it leaves with
its container's prefix (`> `, `- `, indentation), its formulas expanded to `$tex$` or `$$tex$$` and both spans recorded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Protocol

from extractors.layout.tags import FORMULA_OPEN
from pipeline.document import Block, Blocks, Formula, Formulas

MAX_INDENTING_CONTAINERS = 12  # deeper nesting keeps the indentation of level 12: output stays linear in input
_SENTINEL = re.compile("\ue000([0-9]{1,9})\ue001")


class Tex(Protocol):
    """What the flow needs to know about a formula; `extractors.math.resolve.Recovered` is one."""

    @property
    def tex(self) -> str: ...
    @property
    def source_form(self) -> str: ...
    @property
    def display(self) -> bool: ...
    @property
    def recovered(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf block before it is written: laid-out text with formula sentinels, `link_chars` of it in links."""

    text: str
    kind: str
    link_chars: int = 0
    lang: str | None = None
    level: int | None = None


@dataclass(slots=True)
class Flow:
    """Grows the output. `recovered[i]` is the formula behind sentinel i."""

    recovered: list[Tex] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    length: int = 0
    blocks: Blocks = field(default_factory=Blocks)
    formulas: Formulas = field(default_factory=Formulas)
    rest: str = ""  # prefix of every line in the present container
    pending: str | None = None  # prefix of the next leaf's first line: a list marker not yet written
    containers: list[tuple[str, str | None]] = field(default_factory=list)
    lists_open: int = 0
    list_start: int = 0  # number of blocks when the outermost list opened
    link_chars: int = 0  # of the last block

    def enter(self, first: str, rest: str) -> None:
        """Open a container whose first line starts with `first` and every other line with `rest`."""
        self.containers.append((self.rest, self.pending))
        if len(self.containers) > MAX_INDENTING_CONTAINERS:
            return
        self.pending = (self.rest if self.pending is None else self.pending) + first
        self.rest += rest

    def leave(self) -> None:
        rest, pending = self.containers.pop()
        self.rest = rest
        if self.pending is not None:  # nothing was written inside: the marker goes, the outer one still waits
            self.pending = pending

    def enter_list(self) -> None:
        if not self.lists_open:
            self.list_start = len(self.blocks)
        self.lists_open += 1

    def leave_list(self) -> None:
        self.lists_open -= 1

    def write(self, leaf: Leaf, dom_path: str) -> None:
        """Append one leaf; a list item joins the block of the item before it."""
        joins = self._joins_list(leaf)
        self._separate("\n" if joins else "\n\n")
        lead = self.rest if self.pending is None else self.pending
        self.pending = None
        start = self.length
        body = self._expand(leaf.text, start + len(lead))
        self._append(lead + body)
        if joins:
            self._extend_block(leaf)
        else:
            self.link_chars = leaf.link_chars
            self.blocks.append(self._block(start, leaf, dom_path))

    def _joins_list(self, leaf: Leaf) -> bool:
        if not self.lists_open or self.pending is None or leaf.kind != "list":
            return False
        return len(self.blocks) > self.list_start and self.blocks.kind[-1] == "list"

    def _separate(self, separator: str) -> None:
        if self.length:
            self._append(separator)

    def _append(self, text: str) -> None:
        self.parts.append(text)
        self.length += len(text)

    def _block(self, start: int, leaf: Leaf, dom_path: str) -> Block:
        density = min(1.0, leaf.link_chars / max(1, self.length - start))
        return Block(start, self.length, leaf.kind, leaf.lang, leaf.level, density, dom_path, False, None)

    def _extend_block(self, leaf: Leaf) -> None:
        self.link_chars += leaf.link_chars
        self.blocks.end[-1] = self.length
        size = self.length - self.blocks.start[-1]
        self.blocks.link_density[-1] = min(1.0, self.link_chars / max(1, size))

    def _expand(self, text: str, start: int) -> str:
        """Sentinels to delimited TeX, newlines to newline + prefix; records formulas at their final place."""
        if FORMULA_OPEN not in text:
            return text.replace("\n", "\n" + self.rest) if self.rest and "\n" in text else text
        pieces = _SENTINEL.split(text)
        done: list[str] = []
        position = start
        for turn, piece in enumerate(pieces):
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
        self.formulas.append(Formula(start, start + len(shown), tex, found.source_form, found.display, found.recovered))
        return shown

    def text(self) -> str:
        return "".join(self.parts)
