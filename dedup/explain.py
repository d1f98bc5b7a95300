"""Two texts side by side: what they share, in order, and what differs, as a person wants to read it."""

from __future__ import annotations

from typing import Literal, NamedTuple

from dedup.align import Gap, Run, align, gaps
from dedup.item_words import Spans, fold, places

MAX_CHARS = 2_000_000  # of each text; a person reads the beginning
SHOWN_CHARS = 160
Kind = Literal["shared", "replaced", "removed", "added"]
_MARKS = {"shared": "=", "replaced": "~", "removed": "-", "added": "+"}


class Passage(NamedTuple):
    """One stretch: `a_text[a_start:a_end]` against `b_text[b_start:b_end]`; empty where a side has nothing."""

    kind: Kind  # removed: only in a; added: only in b
    words: int  # of the longer side
    a_start: int
    a_end: int
    b_start: int
    b_end: int


def overlap(a_text: str, b_text: str) -> list[Passage]:
    """The aligned stretches of two texts, in order, covering every word of both.

    Words are those of `item_words`: case, markup, delimiters and spelling of formulas and numbers do not count.
    """
    a, b = fold(a_text[:MAX_CHARS]), fold(b_text[:MAX_CHARS])
    a_spans, b_spans = places(a_text[:MAX_CHARS])[a.raw], places(b_text[:MAX_CHARS])[b.raw]
    runs = align(a.hashes, b.hashes)
    stretches: list[tuple[Kind, Gap]] = [("shared", _as_gap(run)) for run in runs]
    stretches += [(_kind(gap), gap) for gap in gaps(runs, len(a.hashes), len(b.hashes))]
    stretches.sort(key=lambda stretch: (stretch[1].a_start, stretch[1].b_start))
    return [_passage(kind, gap, a_spans, b_spans) for kind, gap in stretches]


def printable(a_text: str, b_text: str, shown_chars: int = SHOWN_CHARS) -> list[str]:
    """`overlap` as lines: a mark (= shared, ~ replaced, - only in a, + only in b), the words, the text, shortened."""
    lines = []
    for part in overlap(a_text, b_text):
        ours, theirs = a_text[part.a_start : part.a_end], b_text[part.b_start : part.b_end]
        sides = [_shortened(side, shown_chars) for side in (ours, theirs) if side]
        shown = sides[0] if part.kind == "shared" else " → ".join(sides)
        lines.append(f"{_MARKS[part.kind]} {part.words:>6,} words  {shown}")
    return lines


def _as_gap(run: Run) -> Gap:
    return Gap(run.a, run.a + run.size, run.b, run.b + run.size)


def _kind(gap: Gap) -> Kind:
    ours, theirs = gap.sizes
    if ours and theirs:
        return "replaced"
    return "removed" if ours else "added"


def _passage(kind: Kind, gap: Gap, a_spans: Spans, b_spans: Spans) -> Passage:
    ours = _range(a_spans, gap.a_start, gap.a_end)
    theirs = _range(b_spans, gap.b_start, gap.b_end)
    return Passage(kind, max(gap.sizes), *ours, *theirs)


def _range(spans: Spans, begin: int, end: int) -> tuple[int, int]:
    if begin == end:
        return (0, 0)
    return int(spans[begin, 0]), int(spans[end - 1, 1])


def _shortened(text: str, chars: int) -> str:
    line = " ".join(text.split())
    half = (chars - 3) // 2
    return line if len(line) <= chars else f"{line[:half]} … {line[-half:]}"
