"""Longest common subsequence of two word sequences, bit-parallel: a row per word of one, a bit per word of the other.

Hyyrö, "Bit-parallel LCS-length computation revisited", 2004. A 700-word benchmark item against a page's passage costs
700 additions of 1,000-bit integers, under a millisecond, so every candidate can be aligned.
"""

from __future__ import annotations

from collections.abc import Sequence


def common_subsequence(a: Sequence[int], b: Sequence[int]) -> list[tuple[int, int]]:
    """Index pairs (i, j) with a[i] == b[j], strictly increasing in both, as many as there can be.

    Time O(len(a) * len(b) / 64) and as many bits of memory. Of several longest ones the latest in `b`.
    """
    where: dict[int, int] = {}
    for j, value in enumerate(b):
        where[value] = where.get(value, 0) | 1 << j
    full = (1 << len(b)) - 1
    row, rows = full, []
    for value in a:
        matched = row & where.get(value, 0)
        row = ((row + matched) | (row - matched)) & full
        rows.append(row)
    return _traced(rows, len(b))


def _traced(rows: list[int], width: int) -> list[tuple[int, int]]:
    """Walk back from the last cell: a 0 bit in a row says that the length grows at that word of `b`."""
    found = []
    i, j = len(rows), width
    while i and j:
        if rows[i - 1] >> (j - 1) & 1:
            j -= 1
            continue
        i -= 1
        if not i or rows[i - 1] >> (j - 1) & 1:
            j -= 1
            found.append((i, j))
    return found[::-1]
