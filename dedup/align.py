"""Alignment of two word sequences: the runs they share in the same order, and the gaps between.

Patience-style (Cohen's diff): n-grams that occur once on either side are anchors, the longest increasing chain of them
is kept and extended word by word, and the gaps are searched again with shorter n-grams. Work is bounded: a few sorts of
the n-grams per level, at most MAX_GAPS gaps searched per level, no recursion. Text of nothing but repeats has no
anchors and aligns at its ends only, which errs on the side of keeping both documents.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.text.words import U64, ngrams

LEVELS = (8, 3, 1)  # n-gram lengths of the successive searches
SMALL_GAP_WORDS = 16  # single words are anchors only in gaps this small: in larger ones they match by chance
MAX_GAPS = 2_000


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


def align(a: U64, b: U64) -> list[Run]:
    """Common runs of two sequences of word hashes, increasing on both sides."""
    runs = _extend(a, b, Gap(0, len(a), 0, len(b)), [])
    for n in LEVELS:
        runs = _refine(a, b, runs, n)
    return runs


def gaps(runs: list[Run], a_size: int, b_size: int) -> list[Gap]:
    """The non-empty gaps before, between and after the runs, in order."""
    found = []
    a_end = b_end = 0
    for run in (*runs, Run(a_size, b_size, 0)):
        if run.a > a_end or run.b > b_end:
            found.append(Gap(a_end, run.a, b_end, run.b))
        a_end, b_end = run.a + run.size, run.b + run.size
    return found


def _refine(a: U64, b: U64, runs: list[Run], n: int) -> list[Run]:
    """Search every gap of the alignment for anchors of n words."""
    fresh: list[Run] = []
    for gap in gaps(runs, len(a), len(b))[:MAX_GAPS]:
        shorter, longer = sorted(gap.sizes)
        if shorter >= n and (n > 1 or longer <= SMALL_GAP_WORDS):
            fresh += _extend(a, b, gap, list(_anchored(a, b, gap, n)))
    return _joined(sorted(runs + fresh))


def _anchored(a: U64, b: U64, gap: Gap, n: int) -> Iterator[Run]:
    """Runs of anchors inside a gap, not overlapping."""
    left, left_at = _once(ngrams(a[gap.a_start : gap.a_end], n))
    right, right_at = _once(ngrams(b[gap.b_start : gap.b_end], n))
    _, left_index, right_index = np.intersect1d(left, right, assume_unique=True, return_indices=True)
    at_a, at_b = left_at[left_index] + gap.a_start, right_at[right_index] + gap.b_start
    order = np.argsort(at_a)
    at_a, at_b = at_a[order], at_b[order]
    chain = _longest_increasing(at_b)
    yield from _merged(at_a[chain], at_b[chain], n)


def _once(grams: U64) -> tuple[U64, NDArray[np.int64]]:
    values, positions, counts = np.unique(grams, return_index=True, return_counts=True)
    return values[counts == 1], positions[counts == 1]


def _longest_increasing(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Positions of a longest strictly increasing subsequence (patience sorting, O(n log n))."""
    tails: list[int] = []
    tops: list[int] = []
    previous = np.full(len(values), -1, np.int64)
    for index, value in enumerate(values.tolist()):
        pile = bisect_left(tails, value)
        previous[index] = tops[pile - 1] if pile else -1
        tails[pile : pile + 1] = [value]
        tops[pile : pile + 1] = [index]
    chain = []
    node = tops[-1] if tops else -1
    while node >= 0:
        chain.append(node)
        node = int(previous[node])
    return np.array(chain[::-1], np.int64)


def _merged(at_a: NDArray[np.int64], at_b: NDArray[np.int64], n: int) -> Iterator[Run]:
    """Anchors on one diagonal that touch become one run; where diagonals overlap the earlier run wins."""
    if not len(at_a):
        return
    breaks = np.flatnonzero((np.diff(at_a) != np.diff(at_b)) | (np.diff(at_a) > n)) + 1
    a_end = b_end = 0
    for first, last in zip(np.r_[0, breaks].tolist(), np.r_[breaks, len(at_a)].tolist(), strict=True):
        a, b, end = int(at_a[first]), int(at_b[first]), int(at_a[last - 1]) + n
        skip = max(0, a_end - a, b_end - b)
        size = end - a - skip
        if size > 0:
            yield Run(a + skip, b + skip, size)
            a_end, b_end = a + skip + size, b + skip + size


def _extend(a: U64, b: U64, gap: Gap, runs: list[Run]) -> list[Run]:
    """Add to the runs of a gap what is equal right after and right before each of them, and at the gap's own ends."""
    borders = [Run(gap.a_start, gap.b_start, 0), *runs, Run(gap.a_end, gap.b_end, 0)]
    out: list[Run] = []
    for run, after in pairwise(borders):
        a_end, b_end = run.a + run.size, run.b + run.size
        room = min(after.a - a_end, after.b - b_end)
        forward = _equal_prefix(a[a_end : a_end + room], b[b_end : b_end + room])
        back = _equal_prefix(a[after.a - room + forward : after.a][::-1], b[after.b - room + forward : after.b][::-1])
        out += [Run(*run[:2], run.size + forward), Run(after.a - back, after.b - back, back)]
    out.append(borders[-1])
    return _joined([run for run in out if run.size])


def _equal_prefix(a: U64, b: U64) -> int:
    different = np.flatnonzero(a != b)
    return int(different[0]) if len(different) else len(a)


def _joined(runs: list[Run]) -> list[Run]:
    """Runs that continue each other, as one."""
    out: list[Run] = []
    for run in runs:
        if out and (out[-1].a + out[-1].size, out[-1].b + out[-1].size) == run[:2]:
            out[-1] = Run(out[-1].a, out[-1].b, out[-1].size + run.size)
        else:
            out.append(run)
    return out
