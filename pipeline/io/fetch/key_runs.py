"""The lists' keys, sorted on disk, read back by key range: what a piece of index is compared with.

A look-up task touches only the row groups of the runs that overlap its piece, in batches of bounded size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.io.shards import ShardFile

BATCH_ROWS = 200_000
COLUMNS = ["surt", "ordinal", "list", "line", "url"]


class KeyRuns:
    """Sorted runs (by surt) of list rows that are to be looked up. Not thread-safe."""

    def __init__(self, directory: Path, files: Sequence[ShardFile]) -> None:
        self._files = [pq.ParquetFile(directory / file.path) for file in files]

    def between(self, low: str | None, high: str | None) -> Iterator[pa.Table]:
        """Rows with low <= surt <= high in batches, rows of one key together within a run; None is no bound."""
        held: list[pa.Table] = []
        rows = 0
        for file in self._files:
            for group in _groups(file, low, high):
                table = _within(file.read_row_group(group, columns=COLUMNS), low, high)
                held.append(table)
                rows += table.num_rows
                if rows >= BATCH_ROWS:
                    yield pa.concat_tables(held).combine_chunks()
                    held, rows = [], 0
        if rows:
            yield pa.concat_tables(held).combine_chunks()

    def close(self) -> None:
        for file in self._files:
            file.close()


def _groups(file: Any, low: str | None, high: str | None) -> Iterator[int]:
    column = file.schema_arrow.get_field_index("surt")
    for group in range(file.num_row_groups):
        known = file.metadata.row_group(group).column(column).statistics
        if (high is None or known.min <= high) and (known.max >= (low or "") and known.max):
            yield group


def _within(table: pa.Table, low: str | None, high: str | None) -> pa.Table:
    keep = pc.not_equal(table["surt"], "")
    if low is not None:
        keep = pc.and_(keep, pc.greater_equal(table["surt"], low))
    if high is not None:
        keep = pc.and_(keep, pc.less_equal(table["surt"], high))
    return table.filter(keep)


def matches(keys: pa.Array, wanted: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (row of `keys`, row of `wanted`) with equal surt, int64, every pair once.

    `wanted` may name a key several times; equal keys need not stand together.
    """
    order = pc.sort_indices(wanted["surt"])
    ordered = wanted["surt"].combine_chunks().take(order)
    first = pc.index_in(keys, value_set=ordered)
    rows = np.flatnonzero(pc.is_valid(first).to_numpy(zero_copy_only=False))
    if not len(rows):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    starts = first.take(pa.array(rows)).to_numpy(zero_copy_only=False).astype(np.int64)
    counts = _run_lengths(ordered)[starts]
    index_rows = np.repeat(rows, counts)
    within = np.arange(len(index_rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    places = np.repeat(starts, counts) + within
    return index_rows, order.to_numpy(zero_copy_only=False).astype(np.int64)[places]


def _run_lengths(ordered: pa.Array) -> np.ndarray:
    """For each position how many equal values follow from it on, itself included; exact at the first of a run."""
    count = len(ordered)
    if count == 1:
        return np.ones(1, np.int64)
    differs = pc.not_equal(ordered.slice(1), ordered.slice(0, count - 1)).to_numpy(zero_copy_only=False)
    ends = np.append(np.flatnonzero(differs) + 1, count)
    return ends[np.searchsorted(ends, np.arange(count), side="right")] - np.arange(count)
