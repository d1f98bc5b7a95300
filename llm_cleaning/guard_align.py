"""Order-preserving alignment of two sequences: what of the cleaned text stands in the source, and where.

Long n-grams that occur once on both sides anchor the rest: the longest increasing run of anchors wins, and what lies
between is a longest common subsequence, exact up to MAX_EXACT_CELLS; beyond that shorter n-grams anchor too.
Nothing is ever aligned out of order, so what moved shows as lost here and added there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

SIZES = (8, 4, 2, 1)  # n-gram lengths, tried in turn
SURE_SIZE = 4  # from here on what occurs once is the same thing: short n-grams of a menu stand in the text as well
MIN_ANCHORED_CELLS = 1 << 11  # below, anchors cost more than they spare
MAX_EXACT_CELLS = 1 << 25  # gaps up to this product of lengths are aligned exactly
MAX_EXACT_BITS = 1 << 28  # that they take, a row in words of 64: 32 MiB


class Run(NamedTuple):
    """`a[start_a:start_a + size] == b[start_b:start_b + size]`."""

    start_a: int
    start_b: int
    size: int


class Gap(NamedTuple):
    """A difference: `a[a0:a1]` stands where `b[b0:b1]` stood."""

    a0: int
    a1: int
    b0: int
    b1: int


def gaps(a: list[str], b: list[str], anchored: bool) -> list[Gap]:
    """Maximal differences of two sequences, in order. Words want anchors, lines are sure enough alone."""
    found: list[Gap] = []
    at_a = at_b = 0
    for run in [*_runs(a, b, anchored=anchored), Run(len(a), len(b), 0)]:
        if run.start_a > at_a or run.start_b > at_b:
            found.append(Gap(at_a, run.start_a, at_b, run.start_b))
        at_a, at_b = run.start_a + run.size, run.start_b + run.size
    return found


def _runs(a: list[str], b: list[str], *, anchored: bool) -> list[Run]:
    """Common runs in order, not overlapping, neighbours joined."""
    found: list[Run] = []
    waiting = [(0, len(a), 0, len(b), 0)]
    while waiting:
        a0, a1, b0, b1, level = waiting.pop()
        head = _common_prefix(a, b, a0, a1, b0, b1)
        tail = _common_suffix(a, b, a0 + head, a1, b0 + head, b1)
        if head:
            found.append(Run(a0, b0, head))
        if tail:
            found.append(Run(a1 - tail, b1 - tail, tail))
        a0, a1, b0, b1 = a0 + head, a1 - tail, b0 + head, b1 - tail
        if a0 >= a1 or b0 >= b1:
            continue
        is_sure = anchored and level < len(SIZES) and SIZES[level] >= SURE_SIZE
        if (a1 - a0) * (b1 - b0) <= MIN_ANCHORED_CELLS or (not is_sure and _fits(a1 - a0, b1 - b0)):
            found.extend(_exact(a, b, a0, a1, b0, b1))
        elif level < len(SIZES):
            waiting.extend(_split(a, b, (a0, a1, b0, b1, level), found))
    return _joined(sorted(found))


def _fits(rows: int, width: int) -> bool:
    """Whether a box is aligned exactly; a row takes whole machine words."""
    return rows * width <= MAX_EXACT_CELLS and rows * -(-width // 64) * 64 <= MAX_EXACT_BITS


def _common_prefix(a: Sequence[str], b: Sequence[str], a0: int, a1: int, b0: int, b1: int) -> int:
    size = 0
    for left, right in zip(a[a0:a1], b[b0:b1], strict=False):
        if left != right:
            break
        size += 1
    return size


def _common_suffix(a: Sequence[str], b: Sequence[str], a0: int, a1: int, b0: int, b1: int) -> int:
    size = 0
    for left, right in zip(reversed(a[a0:a1]), reversed(b[b0:b1]), strict=False):
        if left != right:
            break
        size += 1
    return size


def _exact(a: Sequence[str], b: Sequence[str], a0: int, a1: int, b0: int, b1: int) -> list[Run]:
    """A longest common subsequence; of equal ones that which lies furthest back in `a`, behind menus and contents.

    Row by row, 64 cells to a machine word (Hyyro, "Bit-parallel LCS-length computation revisited", 2004), both sides
    reversed. A bit of row i is 0 where one more item of `b` makes the subsequence longer.
    """
    width = b1 - b0
    met_in_a = set(a[a0:a1])
    places: dict[str, int] = {}
    for offset in range(width):
        item = b[b1 - 1 - offset]
        if item in met_in_a:
            places[item] = places.get(item, 0) | 1 << offset
    full = row = (1 << width) - 1
    rows, items = [row], [a1]
    for index in range(a1 - 1, a0 - 1, -1):
        if (here := places.get(a[index])) is not None:
            met = row & here
            row = (row + met | row - met) & full
            rows.append(row)
            items.append(index)
    return _traced(rows, items, b1, width)


def _traced(rows: list[int], items: list[int], b1: int, width: int) -> list[Run]:
    """The way back through the rows, each match a run of one."""
    found: list[Run] = []
    up, left = len(rows) - 1, width
    while up and left:
        bit = 1 << left - 1
        if rows[up] & bit:
            left -= 1
        elif rows[up - 1] & bit:
            found.append(Run(items[up], b1 - left, 1))
            up, left = up - 1, left - 1
        else:
            up -= 1
    return found


def _split(
    a: Sequence[str], b: Sequence[str], box: tuple[int, int, int, int, int], found: list[Run]
) -> list[tuple[int, int, int, int, int]]:
    """Anchor one box; returns the boxes between its anchors, or itself for shorter n-grams."""
    a0, a1, b0, b1, level = box
    boxes = []
    anchors = [(i + a0, j + b0) for i, j in _anchors(a[a0:a1], b[b0:b1], SIZES[level])]
    for i, j in anchors:
        if i < a0 or j < b0:
            continue  # inside the run before
        size = SIZES[level] + _common_prefix(a, b, i + SIZES[level], a1, j + SIZES[level], b1)
        found.append(Run(i, j, size))
        boxes.append((a0, i, b0, j, level + 1))
        a0, b0 = i + size, j + size
    return [*boxes, (a0, a1, b0, b1, level + 1)]


def _anchors(a: Sequence[str], b: Sequence[str], size: int) -> list[tuple[int, int]]:
    """Places of n-grams that occur once in each, on the longest path that goes forward in both."""
    places_a, places_b = _unique(a, size), _unique(b, size)
    pairs = [(place, places_b[gram]) for gram, place in places_a.items() if gram in places_b]
    return _increasing(pairs)


def _unique(items: Sequence[str], size: int) -> dict[tuple[str, ...], int]:
    places: dict[tuple[str, ...], int] = {}
    for place, gram in enumerate(zip(*(items[offset:] for offset in range(size)), strict=False)):
        places[gram] = -1 if gram in places else place
    return {gram: place for gram, place in places.items() if place >= 0}


def _increasing(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Longest subsequence with growing second members; the first ones grow already."""
    if all(one[1] < two[1] for one, two in pairwise(pairs)):
        return pairs
    tails: list[int] = []
    tail_at: list[int] = []
    before = [-1] * len(pairs)
    for index, (_, value) in enumerate(pairs):
        length = bisect_left(tails, value)
        before[index] = tail_at[length - 1] if length else -1
        tails[length : length + 1] = [value]
        tail_at[length : length + 1] = [index]
    path, index = [], tail_at[-1]
    while index >= 0:
        path.append(pairs[index])
        index = before[index]
    return path[::-1]


def _joined(found: list[Run]) -> list[Run]:
    joined: list[Run] = []
    for run in found:
        if joined and joined[-1][0] + joined[-1][2] == run.start_a and joined[-1][1] + joined[-1][2] == run.start_b:
            joined[-1] = Run(joined[-1].start_a, joined[-1].start_b, joined[-1].size + run.size)
        else:
            joined.append(run)
    return joined
