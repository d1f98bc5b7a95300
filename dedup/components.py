"""Connected components of the proposal graph: which documents must meet in one place to be compared.

Components decide only who is compared with whom, never who is removed. `forest` shrinks edges to a star forest, so that
who joins many partitions holds at most one edge per document; beyond one machine's memory see `dedup.stars`.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.text.words import U64, stable_hash

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


def forest(left: U64, right: U64) -> tuple[U64, U64]:
    """(members, roots) of a graph of numbers: a star forest with the same components, one edge per node but the root.

    The root is the smallest node of its component; members ascend.
    """
    nodes, codes = np.unique(np.concatenate([left, right]), return_inverse=True)
    found = labels(len(nodes), codes[: len(left)], codes[len(left) :])
    members = np.flatnonzero(found != np.arange(len(nodes)))
    return nodes[members], nodes[found[members]]


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
