"""The text of a page as it grows, and the columns of its blocks and formulas: twin of `c/flow.h` and `c/formulas.h`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from extractors.layout.tags import FORMULA_OPEN
from extractors.math.forms import Recovered
from pipeline.document import Formula

MAX_INDENTING_CONTAINERS = 12  # deeper nesting keeps the indentation of level 12: output stays linear in input


_SENTINEL = re.compile("\ue000([0-9]{1,9})\ue001")


class FlowBase:
    """Grows the text of a page and the columns of its blocks. `recovered[i]` is the formula behind sentinel i.

    `spell_bars` is the subclass's.
    """

    __slots__ = (
        "containers",
        "ends",
        "kinds",
        "langs",
        "length",
        "levels",
        "links",
        "list_start",
        "lists_open",
        "parts",
        "paths",
        "pending",
        "recovered",
        "rest",
        "shown",
        "starts",
    )
    spell_bars: Callable[[str], None]

    def __init__(self, recovered: list[Recovered]) -> None:
        self.recovered = recovered
        self.shown: list[Formula] = []
        self.parts: list[str] = []
        self.length = 0
        self.rest = ""  # prefix of every line in the present container
        self.pending: str | None = None  # prefix of the next leaf's first line: a list marker not yet written
        self.containers: list[tuple[str, str | None]] = []
        self.lists_open = 0
        self.list_start = 0  # number of blocks when the outermost list opened
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.kinds: list[str] = []
        self.langs: list[str | None] = []
        self.levels: list[int | None] = []
        self.links: list[int] = []  # characters inside links
        self.paths: list[str] = []

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
            self.list_start = len(self.kinds)
        self.lists_open += 1

    def leave_list(self) -> None:
        """Close the innermost list."""
        self.lists_open -= 1

    def write(
        self, text: str, kind: str, path: str, link_chars: int = 0, lang: str | None = None, level: int | None = None
    ) -> None:
        """Append one leaf; a list item joins the block of the item before it."""
        start = self.length
        joins = False
        lead = self.rest
        if self.pending is not None:
            joins = kind == "list" and self._follows_item()
            lead, self.pending = self.pending, None
        if start:
            lead = f"\n{lead}" if joins else f"\n\n{lead}"
        if FORMULA_OPEN in text:
            text = self._expand(text, start + len(lead))
        elif self.rest and "\n" in text:
            text = text.replace("\n", "\n" + self.rest)
        self.parts.append(lead)
        self.parts.append(text)
        self.length = start + len(lead) + len(text)
        if joins:
            self.ends[-1] = self.length
            self.links[-1] += link_chars
            return
        self.starts.append(start + 2 if start else 0)
        self.ends.append(self.length)
        self.kinds.append(kind)
        self.langs.append(lang)
        self.levels.append(level)
        self.links.append(link_chars)
        self.paths.append(path)

    def _follows_item(self) -> bool:
        return self.lists_open > 0 and len(self.kinds) > self.list_start and self.kinds[-1] == "list"

    def _expand(self, text: str, start: int) -> str:
        """Sentinels to delimited TeX, newlines to newline + prefix; records formulas at their final place."""
        done: list[str] = []
        position = start
        for turn, piece in enumerate(_SENTINEL.split(text)):
            if turn % 2:
                if done and done[-1][-1:] == "$":  # its dollar would be part of the delimiter before it
                    done.append(" ")
                    position += 1
                shown = self._formula(int(piece), position)
            else:
                shown = piece.replace("\n", "\n" + self.rest)
                if done and shown[:1] == "$":
                    shown = " " + shown
            if not shown:
                continue
            done.append(shown)
            position += len(shown)
        return "".join(done)

    def _formula(self, index: int, start: int) -> str:
        """Delimited TeX of one sentinel. An unrecovered formula stays plain text: no guess is passed off as TeX."""
        tex, form, display, recovered = self.recovered[index]
        tex = tex.replace("\n", " ").strip()  # one line: a prefix inside a formula would change it
        if not tex:
            return ""
        mark = "" if not recovered else "$$" if display else "$"
        shown = f"{mark}{tex}{mark}"
        self.shown.append(Formula(start, start + len(shown), tex, form, display, recovered))
        return shown

    def formula_columns(self) -> list[list[Any]]:
        """The columns of the formulas written so far, in order."""
        return [list(column) for column in zip(*self.shown, strict=True)] or [[] for _ in Formula._fields]
