"""Connected components of the proposal graph: which documents must meet in one place to be compared.

Components decide only who is compared with whom, never who is removed. `contract` shrinks the edges of one partition to
a star forest, so that the driver, or a tree of partitions, sees at most one edge per document.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dedup.lsh import EDGE_SCHEMA
from pipeline.text.words import stable_hash

COMPONENT_SCHEMA = pa.schema([("id", pa.string()), ("component", pa.uint64()), ("root", pa.string())])


def components(edges: pa.Table) -> pa.Table:
    """COMPONENT_SCHEMA rows of every id in EDGE_SCHEMA edges, sorted by id.

    `root` is the smallest id of the component and `component` its 64-bit hash, the key to exchange by.
    """
    ids, left, right = _encode(edges)
    roots = ids.take(pa.array(labels(len(ids), left, right)))
    names = pc.unique(roots).to_pylist()
    lookup = dict(zip(names, map(stable_hash, names), strict=True))
    hashes = pa.array([lookup[name] for name in roots.to_pylist()], pa.uint64())
    return pa.Table.from_arrays([ids, hashes, roots], schema=COMPONENT_SCHEMA)


def contract(edges: pa.Table) -> pa.Table:
    """A star forest (root, member) with the same components: at most one edge per id, sorted by member."""
    ids, left, right = _encode(edges)
    found = labels(len(ids), left, right)
    members = np.flatnonzero(found != np.arange(len(ids)))
    columns = [ids.take(pa.array(found[members])), ids.take(pa.array(members))]
    return pa.Table.from_arrays(columns, schema=EDGE_SCHEMA)


def labels(nodes: int, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Smallest node of each node's component: hook to the smaller root, then jump pointers, until nothing changes.

    O(log n) rounds after Shiloach and Vishkin 1982; each round is a few vectorised passes over the edges that remain.
    """
    parent = np.arange(nodes, dtype=np.int64)
    while len(left):
        roots_left, roots_right = parent[left], parent[right]
        open_edges = roots_left != roots_right
        left, right = roots_left[open_edges], roots_right[open_edges]
        if not len(left):
            break
        np.minimum.at(parent, np.maximum(left, right), np.minimum(left, right))
        parent = _jump(parent)
    return parent


def merge_forests(forests: Iterable[pa.Table]) -> pa.Table:
    """The contraction of several forests: the step of a merge tree."""
    return contract(pa.concat_tables(forests))


def _jump(parent: NDArray[np.int64]) -> NDArray[np.int64]:
    while True:
        grandparent = parent[parent]
        if np.array_equal(grandparent, parent):
            return parent
        parent = grandparent


def _encode(edges: pa.Table) -> tuple[pa.Array, NDArray[np.int64], NDArray[np.int64]]:
    """Sorted distinct ids, and the edges as positions in them."""
    ends = pa.chunked_array([*edges["a"].chunks, *edges["b"].chunks], pa.string())
    ids = pc.unique(ends)
    ids = ids.take(pc.sort_indices(ids))
    codes = [pc.index_in(edges[name], value_set=ids).to_numpy().astype(np.int64) for name in ("a", "b")]
    return ids, codes[0], codes[1]
