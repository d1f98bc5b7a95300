"""Alignment of two word sequences: the runs they share in the same order, and the gaps between.

Patience-style (Cohen's diff): n-grams that occur once on either side are anchors, the longest increasing chain of them
is kept and extended word by word, and the gaps are searched again with shorter n-grams. Work is bounded: a few sorts of
the n-grams per level, at most MAX_GAPS gaps searched per level, no recursion. Text of nothing but repeats has no
anchors and aligns at its ends only, which errs on the side of keeping both documents. What is here defines what
pipeline/text/c/align.h does many times faster.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.text.native import BUILT
from pipeline.text.sketch import U64, anchors

Table = NDArray[np.int64]

LEVELS = (8, 3, 1)  # n-gram lengths of the successive searches
SMALL_GAP_WORDS = 16  # single words are anchors only in gaps this small: in larger ones they match by chance
MAX_GAPS = 2_000
PLAIN_WORDS = 64  # gaps up to this size are searched with dictionaries: numpy's calls would cost more than the work


class Run(NamedTuple):
    """Equal words: a[a:a+size] == b[b:b+size]."""

    a: int
    b: int
    size: int


class Gap(NamedTuple):
    """What stands between two runs: a[a_start:a_end] against b[b_start:b_end], at least one not empty."""

    a_start: int
    a_end: int
    b_start: int
    b_end: int

    @property
    def sizes(self) -> tuple[int, int]:
        return self.a_end - self.a_start, self.b_end - self.b_start


class _Pair(NamedTuple):
    """Both sequences, as arrays for long stretches and as lists for single words."""

    a: U64
    b: U64
    a_list: list[int]
    b_list: list[int]


def align(a: U64, b: U64) -> list[Run]:
    """Common runs of two sequences of word hashes, increasing on both sides."""
    return [Run(*row) for row in run_table(a, b).tolist()]


def run_table(a: U64, b: U64) -> Table:
    """The same as rows of a, b and size, shape (runs, 3)."""
    found = BUILT.align(a, b) if BUILT else np.array(_align(a, b), np.int64).tobytes()
    return np.frombuffer(found, np.int64).reshape(-1, 3)


def gap_table(runs: Table, a_size: int, b_size: int) -> Table:
    """`gaps` of a table of runs, as rows of their four places."""
    starts = np.zeros((len(runs) + 1, 2), np.int64)
    starts[1:] = runs[:, :2] + runs[:, 2:]
    ends = np.concatenate([runs[:, :2], [[a_size, b_size]]])
    filled = (ends > starts).any(axis=1)
    return np.stack([starts[:, 0], ends[:, 0], starts[:, 1], ends[:, 1]], axis=1)[filled]


def summary(a: U64, b: U64, passage_words: int, small_gap_words: int) -> tuple[int, int, int, Table]:
    """What an alignment leaves over, in words.

    Returns:
        Words in runs; words replaced between the first and the last passage, a run of `passage_words` or more; words
        shared between those; and the gaps to look at, shape (gaps, 4): all between those passages, then of the others
        small replacements, since at the ends a large one is other boilerplate.
    """
    if BUILT:
        *counts, telling = BUILT.align(a, b, passage_words, small_gap_words)
        return *counts, np.frombuffer(telling, np.int64).reshape(-1, 4)
    runs = run_table(a, b)
    sizes = runs[:, 2]
    passages = np.flatnonzero(sizes >= passage_words)
    if not len(passages):
        return int(sizes.sum()), 0, 0, np.empty((0, 4), np.int64)
    first, last = int(passages[0]), int(passages[-1])
    found = gap_table(runs, len(a), len(b))
    lengths = found[:, 1::2] - found[:, ::2]
    inner = (found[:, 0] >= runs[first, 0] + sizes[first]) & (found[:, 1] <= runs[last, 0])
    small = ~inner & (lengths.min(axis=1) > 0) & (lengths.max(axis=1) <= small_gap_words)
    replaced, core = int(lengths[inner].min(axis=1).sum()), int(sizes[first : last + 1].sum())
    return int(sizes.sum()), replaced, core, np.concatenate([found[inner], found[small]])


def _align(a: U64, b: U64) -> list[Run]:
    pair = _Pair(a, b, a.tolist(), b.tolist())
    runs = _extend(pair, Gap(0, len(a), 0, len(b)), [])
    for n in LEVELS:
        runs = _refine(pair, runs, n)
    return runs


def gaps(runs: list[Run], a_size: int, b_size: int) -> list[Gap]:
    """The non-empty gaps before, between and after the runs, in order."""
    table = np.array(runs, np.int64).reshape(-1, 3)
    return [Gap(*row) for row in gap_table(table, a_size, b_size).tolist()]


def _refine(pair: _Pair, runs: list[Run], n: int) -> list[Run]:
    """Search every gap of the alignment for anchors of n words."""
    fresh: list[Run] = []
    for gap in gaps(runs, len(pair.a), len(pair.b))[:MAX_GAPS]:
        shorter, longer = sorted(gap.sizes)
        if shorter >= n and (n > 1 or longer <= SMALL_GAP_WORDS):
            search = _plain_anchors if longer <= PLAIN_WORDS else _array_anchors
            found = search(pair, gap, n)
            if found:
                fresh += _extend(pair, gap, _merged(_longest_increasing(found), n))
    return _joined(sorted(runs + fresh))


def _plain_anchors(pair: _Pair, gap: Gap, n: int) -> list[tuple[int, int]]:
    """(position in a, position in b) of n-grams that occur once on either side of the gap, by position in a."""
    left = _single_positions(pair.a_list[gap.a_start : gap.a_end], n)
    right = _single_positions(pair.b_list[gap.b_start : gap.b_end], n)
    return [
        (gap.a_start + at, gap.b_start + right[gram])
        for gram, at in left.items()
        if at >= 0 and right.get(gram, -1) >= 0
    ]


def _single_positions(items: list[int], n: int) -> dict[tuple[int, ...], int]:
    """Position of each n-gram, in order, -1 for those that occur more than once."""
    found: dict[tuple[int, ...], int] = {}
    for position, gram in enumerate(zip(*(items[offset:] for offset in range(n)), strict=False)):
        found[gram] = -1 if gram in found else position
    return found


def _array_anchors(pair: _Pair, gap: Gap, n: int) -> list[tuple[int, int]]:
    """The same as `_plain_anchors` for long gaps, on hashes of the n-grams."""
    found = anchors(pair.a[gap.a_start : gap.a_end], pair.b[gap.b_start : gap.b_end], n)
    return [(gap.a_start + a, gap.b_start + b) for a, b in found]


def _longest_increasing(anchors: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """A longest chain of anchors that increases in b as well (patience sorting, O(n log n))."""
    if all(before[1] < after[1] for before, after in pairwise(anchors)):
        return anchors
    tails: list[int] = []
    tops: list[int] = []
    previous: list[int] = []
    for index, (_, value) in enumerate(anchors):
        pile = bisect_left(tails, value)
        previous.append(tops[pile - 1] if pile else -1)
        tails[pile : pile + 1] = [value]
        tops[pile : pile + 1] = [index]
    chain = []
    node = tops[-1]
    while node >= 0:
        chain.append(anchors[node])
        node = previous[node]
    return chain[::-1]


def _merged(anchors: list[tuple[int, int]], n: int) -> list[Run]:
    """Anchors on one diagonal that touch become one run; where diagonals overlap the earlier run wins."""
    runs: list[Run] = []
    a_start, b_start = anchors[0]
    a_end, b_end = a_start + n, b_start + n
    for a, b in anchors[1:]:
        if a - b == a_end - b_end and a <= a_end:
            a_end, b_end = a + n, b + n
            continue
        skip = max(0, a_end - a, b_end - b)
        if skip < n:
            runs.append(Run(a_start, b_start, a_end - a_start))
            a_start, b_start, a_end, b_end = a + skip, b + skip, a + n, b + n
    return [*runs, Run(a_start, b_start, a_end - a_start)]


def _extend(pair: _Pair, gap: Gap, runs: list[Run]) -> list[Run]:
    """Add to the runs of a gap what is equal right after and right before each of them, and at the gap's own ends."""
    borders = [Run(gap.a_start, gap.b_start, 0), *runs, Run(gap.a_end, gap.b_end, 0)]
    out: list[Run] = []
    for run, after in pairwise(borders):
        a_end, b_end = run.a + run.size, run.b + run.size
        room = min(after.a - a_end, after.b - b_end)
        forward = _equal_after(pair, a_end, b_end, room)
        back = _equal_before(pair, after.a, after.b, room - forward)
        out += [Run(run.a, run.b, run.size + forward), Run(after.a - back, after.b - back, back)]
    out.append(borders[-1])
    return _joined([run for run in out if run.size])


def _equal_after(pair: _Pair, a: int, b: int, room: int) -> int:
    if room > PLAIN_WORDS and pair.a_list[a] == pair.b_list[b]:
        return _first_true(pair.a[a : a + room] != pair.b[b : b + room])
    count = 0
    while count < room and pair.a_list[a + count] == pair.b_list[b + count]:
        count += 1
    return count


def _equal_before(pair: _Pair, a: int, b: int, room: int) -> int:
    if room > PLAIN_WORDS and pair.a_list[a - 1] == pair.b_list[b - 1]:
        return _first_true(pair.a[a - room : a][::-1] != pair.b[b - room : b][::-1])
    count = 0
    while count < room and pair.a_list[a - count - 1] == pair.b_list[b - count - 1]:
        count += 1
    return count


def _first_true(values: NDArray[np.bool_]) -> int:
    place = int(values.argmax())
    return place if values[place] else len(values)


def _joined(runs: list[Run]) -> list[Run]:
    """Runs that continue each other, as one."""
    out: list[Run] = []
    for run in runs:
        if out and (out[-1].a + out[-1].size, out[-1].b + out[-1].size) == run[:2]:
            out[-1] = Run(out[-1].a, out[-1].b, out[-1].size + run.size)
        else:
            out.append(run)
    return out
