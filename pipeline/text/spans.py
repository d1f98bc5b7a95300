"""Spans: masking, cutting with exact remapping, and finding them again in text that came without.

Every room that edits or ignores part of a text needs the same three operations, and an offset that is wrong by one
silently corrupts formulas. They live here once. Offsets are Unicode code points, half-open, as in `pipeline.document`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import lt

import numpy as np
import numpy.typing as npt

from pipeline.document import Block, Blocks, Formula, Formulas

Span = tuple[int, int]
Offsets = npt.NDArray[np.int64]

# Kinds whose neighbours may be parts of one list or table: a blank line between them would break it apart.
_TIGHT_KINDS = frozenset({"list", "table"})

# What may stand between the dollars: no blank line, no bare dollar, except inside \text{...}. All possessive: linear.
_TEX_BODY = r"[^$\\\n]++|\\(?:text|textrm|textbf|mbox|hbox)\{[^{}\n]{0,500}\}|\\.|\n(?![ \t]*\n)"
_FORMULA = re.compile(
    rf"(?P<code>(?<!`)(?P<ticks>`{{1,3}})(?!`)[^`\n]++(?P=ticks)(?!`))"
    rf"|(?<!\\)\$\$(?P<display>(?:{_TEX_BODY}|\$(?!\$))++)\$\$"
    rf"|(?<![\\$])\$(?![\s$])(?P<inline>(?:{_TEX_BODY})++)(?<!\s)\$(?![$\d])",
    re.DOTALL,
)
_HEADING = re.compile(r"(#{1,6})[ \t]+\S")
_LIST_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+\S")
# A fence may be the first thing of a list item or of a definition.
_FENCE = re.compile(r"[ \t]{0,16}(?:(?:[-*+:>]|\d{1,9}[.)])[ \t]+)?(`{3,}+|~{3,}+)[ \t]*+([\w+#.-]{0,40}+)[^`]*+$")


def merge(spans: Iterable[Span]) -> list[Span]:
    """Sorted union of spans; spans that touch are joined, empty ones dropped."""
    merged: list[Span] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def mask(text: str, spans: Iterable[Span], fill: str) -> str:
    """`text` with each maximal run of spans replaced by one `fill`. Spans may overlap and come in any order."""
    pieces: list[str] = []
    position = 0
    for start, end in merge(spans):
        pieces += (text[position:start], fill)
        position = end
    pieces.append(text[position:])
    return "".join(pieces)


@dataclass(frozen=True, slots=True)
class Cut:
    """What a cut kept: `new_text[target[i]:...] == old_text[start[i]:end[i]]`, sorted, not overlapping."""

    start: Offsets
    end: Offsets
    target: Offsets

    def remap(self, starts: Sequence[int], ends: Sequence[int]) -> tuple[list[bool], list[int], list[int]]:
        """Which spans lie wholly inside one kept piece, and the new starts and ends of those."""
        if not len(self.start) or not len(starts):
            return [False] * len(starts), [], []
        old_start, old_end = np.asarray(starts, np.int64), np.asarray(ends, np.int64)
        piece = np.maximum(np.searchsorted(self.start, old_start, side="right") - 1, 0)
        inside = (old_start >= self.start[piece]) & (old_end <= self.end[piece])
        shift = self.target[piece] - self.start[piece]
        return inside.tolist(), (old_start + shift)[inside].tolist(), (old_end + shift)[inside].tolist()


def cut(text: str, blocks: Blocks, formulas: Formulas, keep: Sequence[bool]) -> tuple[str, Blocks, Formulas]:
    """A new text of the kept blocks verbatim, a blank line between them, with spans remapped exactly.

    A single line break between neighbouring parts of one list or table stays single, and a block's own indentation
    stays before it, so nested lists survive. A block inside a kept block stays with it. Text outside all blocks and
    formulas not wholly inside kept blocks are dropped.

    Raises:
        ValueError: `keep` and `blocks` differ in length.
    """
    if len(keep) != len(blocks):
        raise ValueError(f"keep has {len(keep)} entries for {len(blocks)} blocks")
    new_text, pieces = _assemble(text, blocks, keep)
    return new_text, _select_blocks(blocks, pieces), _select_formulas(formulas, pieces)


def _assemble(text: str, blocks: Blocks, keep: Sequence[bool]) -> tuple[str, Cut]:
    parts: list[str] = []
    spans: list[tuple[int, int, int]] = []
    length = 0
    for separator, start, end in _pieces(text, blocks, keep):
        parts += (separator, text[start:end])
        spans.append((start, end, length + len(separator)))
        length += len(separator) + end - start
    columns = np.array(spans, np.int64).reshape(-1, 3)
    return "".join(parts), Cut(columns[:, 0], columns[:, 1], columns[:, 2])


def _pieces(text: str, blocks: Blocks, keep: Sequence[bool]) -> Iterator[tuple[str, int, int]]:
    """Kept pieces, each with what is to stand before it; kept blocks with a blank line between them are one piece."""
    starts, ends = blocks.start, blocks.end
    kept = list(compress(range(len(starts)), keep))
    if not all(map(lt, starts, starts[1:])):
        kept.sort(key=lambda index: (starts[index], -ends[index]))
    separator, first, last, previous = "", 0, -1, -1
    for index in kept:
        start, end = starts[index], ends[index]
        if start == last + 2 and text.startswith("\n\n", last):  # most often
            last, previous = end, index
        elif previous < 0:
            first, last, previous = start, end, index
        elif end > last:  # others are nested in the piece before
            yield separator, first, last
            # of one that overlaps only the part not yet written
            separator = "" if start < last else _separator(text, blocks, previous, index)
            first, last, previous = max(start, last), end, index
    if previous >= 0:
        yield separator, first, last


def _separator(text: str, blocks: Blocks, before: int, after: int) -> str:
    """What stands between two kept blocks: one line break inside a list or table, else a blank line."""
    previous_end, start = blocks.end[before], blocks.start[after]
    line_start = text.rfind("\n", previous_end, start) + 1
    indent = text[line_start:start] if line_start else ""
    indent = "" if indent.strip(" \t") else indent
    same = blocks.kind[before] == blocks.kind[after] and blocks.kind[after] in _TIGHT_KINDS
    gaps = (text[previous_end : previous_end + 2], text[max(line_start - 2, previous_end) : line_start])
    tight = same and gaps[0].startswith("\n") and "\n\n" not in gaps
    return ("\n" if tight else "\n\n") + indent


def _select_blocks(blocks: Blocks, pieces: Cut) -> Blocks:
    kept, start, end = pieces.remap(blocks.start, blocks.end)
    rest = {name: list(compress(getattr(blocks, name), kept)) for name in Block._fields[2:]}
    return Blocks(start=start, end=end, **rest)


def _select_formulas(formulas: Formulas, pieces: Cut) -> Formulas:
    kept, start, end = pieces.remap(formulas.start, formulas.end)
    rest = {name: list(compress(getattr(formulas, name), kept)) for name in Formula._fields[2:]}
    return Formulas(start=start, end=end, **rest)


def scan_formulas(text: str, blocks: Blocks | None = None) -> Formulas:
    """Formulas of our own output format, `$...$` and `$$...$$`, outside code.

    pandoc's rule for inline dollars: no space just inside either dollar, no digit after the closing one, so that
    "$5 and $6" is no formula. `\\$` is a literal dollar. No formula crosses a blank line.
    source_form is "delimiters", recovered True.
    """
    formulas = Formulas()
    for start, end in _outside_code(len(text), blocks or markdown_to_blocks(text)):
        for match in _FORMULA.finditer(text, start, end):
            if match.lastgroup in ("display", "inline"):
                tex, display = match[match.lastgroup].strip(), match.lastgroup == "display"
                formulas.append(Formula(match.start(), match.end(), tex, "delimiters", display, True))
    return formulas


def _outside_code(length: int, blocks: Blocks) -> list[Span]:
    code = merge((b.start, b.end) for b in blocks if b.kind == "code")
    starts = [0, *(end for _, end in code)]
    return list(zip(starts, [*(start for start, _ in code), length], strict=True))


def markdown_to_blocks(text: str) -> Blocks:
    """Blocks of Markdown-like text that came without any, by lines.

    Headings, fenced code, `$$` paragraphs, pipe tables, lists, quotes; everything else is a paragraph. A blank line
    ends a block. link_density 0, dom_path "", keep_score None: nothing is known about them.
    """
    blocks, opened = Blocks(), _Open()
    start = 0
    for line in text.split("\n"):
        _feed(blocks, opened, line, start)
        start += len(line) + 1
    opened.close(blocks)
    return blocks


@dataclass(slots=True)
class _Open:
    """The block being read. `until` is what closes it: a code fence, "$$", or "" for a blank line."""

    kind: str = ""
    start: int = 0
    end: int = 0
    until: str = ""
    lang: str | None = None
    level: int | None = None

    def begin(self, blocks: Blocks, kind: str, start: int, end: int) -> None:
        self.close(blocks)
        self.kind, self.start, self.end = kind, start, end

    def close(self, blocks: Blocks) -> None:
        if self.kind:
            blocks.append(Block(self.start, self.end, self.kind, self.lang, self.level, 0.0, "", False, None))
        self.kind, self.until, self.lang, self.level = "", "", None, None


def _feed(blocks: Blocks, opened: _Open, line: str, start: int) -> None:
    content = line.rstrip()
    end = start + len(content)
    if opened.until == "$$" and not content:  # no formula crosses a blank line
        opened.close(blocks)
    elif opened.until:
        opened.end = max(opened.end, end)
        if _closes(content, opened.until):
            opened.close(blocks)
    elif not content:
        opened.close(blocks)
    elif fence := _FENCE.match(line):
        opened.begin(blocks, "code", start, end)
        opened.until, opened.lang = fence[1], fence[2] or None
    elif content.lstrip().startswith("$$"):
        _begin_math(blocks, opened, content, start, end)
    elif heading := _HEADING.match(line):
        opened.begin(blocks, "heading", start, end)
        opened.level = len(heading[1])
        opened.close(blocks)
    elif opened.kind and _continues(opened.kind, _line_kind(line)):
        opened.end = end
    else:
        opened.begin(blocks, _line_kind(line), start, end)


def _closes(content: str, until: str) -> bool:
    stripped = content.lstrip()
    if until == "$$":
        return stripped.endswith("$$")
    return stripped.startswith(until) and not stripped.strip(until[0])


def _begin_math(blocks: Blocks, opened: _Open, content: str, start: int, end: int) -> None:
    opened.begin(blocks, "math", start, end)
    stripped = content.strip()
    if "$$" not in stripped[2:]:
        opened.until = "$$"
    elif not stripped.endswith("$$"):  # display math inside a sentence
        opened.kind = "paragraph"


def _line_kind(line: str) -> str:
    if line.startswith("|"):
        return "table"
    if line.startswith(">"):
        return "quote"
    return "list" if _LIST_ITEM.match(line) else "paragraph"


def _continues(kind: str, line_kind: str) -> bool:
    """Wrapped lines belong to their paragraph, list item or quote; a list may follow a paragraph without a blank."""
    return kind == line_kind or (line_kind == "paragraph" and kind in ("list", "quote"))
