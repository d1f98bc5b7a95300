"""Connected components in rounds of exchanges, for graphs that no single machine holds (Kiveris et al. 2014).

Large-star ties every neighbour that is greater than a node to the smallest of its neighbourhood; small-star ties the
node and its smaller neighbours to the smallest of them. Both keep the components as they are. Alternated until nothing
changes, they leave stars whose centre is the smallest node, after O(log^2 n) rounds at worst and O(log n) in practice.
Each is a map (`*_rows`), an exchange by `key`, and a scan of the sorted rows that remembers one row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedup.runs import Carried, scan_runs

STAR_SORT = ("key", "other")
STAR_SCHEMA = pa.schema([("key", pa.uint64()), ("other", pa.uint64())])  # a node and one of its neighbours
FOREST_SCHEMA = pa.schema([("a", pa.uint64()), ("b", pa.uint64())])  # edges, a > b; of a star, b is the centre
U64 = NDArray[np.uint64]
_Ties = Callable[[U64, U64, U64, NDArray[np.bool_]], tuple[U64, U64]]


def large_rows(edges: pa.RecordBatch) -> pa.RecordBatch:
    """STAR_SCHEMA rows of FOREST_SCHEMA edges: every neighbour of either end."""
    a, b = (edges.column(name).to_numpy() for name in FOREST_SCHEMA.names)
    return _batch(np.concatenate([a, b]), np.concatenate([b, a]), STAR_SCHEMA)


def small_rows(edges: pa.RecordBatch) -> pa.RecordBatch:
    """STAR_SCHEMA rows of FOREST_SCHEMA edges: the smaller neighbours of each node."""
    a, b = (edges.column(name).to_numpy() for name in FOREST_SCHEMA.names)
    return _batch(a, b, STAR_SCHEMA)


def large_star(rows: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """FOREST_SCHEMA edges of `large_rows` sorted by STAR_SORT. Memory: one batch."""
    return _tied(rows, _large_ties)


def small_star(rows: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """FOREST_SCHEMA edges of `small_rows` sorted by STAR_SORT. Memory: one batch."""
    return _tied(rows, _small_ties)


def _large_ties(key: U64, other: U64, first: U64, opens: NDArray[np.bool_]) -> tuple[U64, U64]:  # noqa: ARG001
    greater = other > key
    return other[greater], np.minimum(key, first)[greater]


def _small_ties(key: U64, other: U64, first: U64, opens: NDArray[np.bool_]) -> tuple[U64, U64]:
    rest = other != first
    return np.concatenate([key[opens], other[rest]]), np.concatenate([first[opens], first[rest]])


def _tied(rows: Iterator[pa.RecordBatch], ties: _Ties) -> Iterator[pa.RecordBatch]:
    carried = Carried()
    for batch in rows:
        keys, others = batch.column("key").to_numpy(), batch.column("other").to_numpy()
        last = np.uint64(carried.last or 0)
        scan = scan_runs(keys, batch.column("other"), carried)
        carried = scan.carried
        repeated = (scan.place > 0) & (others == np.concatenate([[last], others[:-1]]))
        new = ~repeated
        first = scan.first.to_numpy()
        yield _batch(*ties(keys[new], others[new], first[new], scan.place[new] == 0), FOREST_SCHEMA)


def _batch(left: U64, right: U64, schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(left, pa.uint64()), pa.array(right, pa.uint64())], schema=schema)
