"""Longest common subsequence of two word sequences, bit-parallel: a row per word of one, a bit per word of the other.

Hyyrö, "Bit-parallel LCS-length computation revisited", 2004. A 700-word benchmark item against a page's passage costs
700 additions of 1,000-bit integers, under a millisecond, so every candidate can be aligned.
"""

from __future__ import annotations

from collections.abc import Sequence


def common_subsequence(a: Sequence[int], b: Sequence[int]) -> list[tuple[int, int]]:
    """Index pairs (i, j) with a[i] == b[j], strictly increasing in both, as many as there can be.

    Time O(len(a) * len(b) / 64) and as many bits of memory. Of several longest ones a compact one: it ends in `b` as
    early as can be, and every word before stands as close to the next as can be.
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
    return _drawn_together(_traced(rows, len(b)), b)


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


def _drawn_together(pairs: list[tuple[int, int]], b: Sequence[int]) -> list[tuple[int, int]]:
    """The same words of `a`, each at its last occurrence in `b` before the next pair."""
    out: list[tuple[int, int]] = []
    limit = len(b)
    for i, j in reversed(pairs):
        value = b[j]
        if out:
            j = next(k for k in range(limit - 1, j - 1, -1) if b[k] == value)
        out.append((i, j))
        limit = j
    return out[::-1]
