"""Components of graphs of numbers: one machine's forest, and rounds of stars, against a naive union."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dedup.components import forest
from dedup.stars import FOREST_SCHEMA, STAR_SORT, large_rows, large_star, small_rows, small_star

Pairs = list[tuple[int, int]]
NODES = st.integers(0, 30)


def naive_roots(pairs: Pairs) -> dict[int, int]:
    group = {end: {end} for pair in pairs for end in pair}
    for a, b in pairs:
        union = group[a] | group[b]
        for member in union:
            group[member] = union
    return {member: min(members) for member, members in group.items()}


def edges_of(pairs: Pairs) -> pa.RecordBatch:
    columns = [[max(pair) for pair in pairs], [min(pair) for pair in pairs]]
    return pa.RecordBatch.from_arrays([pa.array(column, pa.uint64()) for column in columns], schema=FOREST_SCHEMA)


def step(edges: pa.RecordBatch, rows, star, batch_rows: int) -> pa.RecordBatch:
    """A map, a sort and a scan in batches, as an exchange does them."""
    table = pa.Table.from_batches([rows(edges)]).sort_by([(name, "ascending") for name in STAR_SORT])
    found = pa.Table.from_batches(star(iter(table.to_batches(batch_rows))), FOREST_SCHEMA)
    return pa.RecordBatch.from_arrays([column.combine_chunks() for column in found.columns], schema=FOREST_SCHEMA)


def rounds_of_stars(pairs: Pairs, batch_rows: int) -> tuple[dict[int, int], int]:
    """(root of each node but the roots, rounds)."""
    edges, before, rounds = edges_of(pairs), None, 0
    while before is None or not edges.equals(before):
        before, rounds = edges, rounds + 1
        edges = step(step(edges, large_rows, large_star, batch_rows), small_rows, small_star, batch_rows)
    return dict(zip(*(column.to_pylist() for column in edges.columns), strict=True)), rounds


@given(st.lists(st.tuples(NODES, NODES).filter(lambda pair: pair[0] != pair[1]), max_size=50), st.integers(1, 9))
def test_stars_and_forest_are_a_naive_union(pairs: Pairs, batch_rows: int) -> None:
    expected = naive_roots(pairs)
    found, _ = rounds_of_stars(pairs, batch_rows)
    assert {node: found.get(node, node) for node in expected} == expected
    assert all(found.get(root, root) == root for root in found.values())
    left, right = (np.array([pair[end] for pair in pairs], np.uint64) for end in (0, 1))
    assert dict(zip(*(column.tolist() for column in forest(left, right)), strict=True)) == found


@given(st.lists(st.tuples(NODES, NODES), max_size=40), st.integers(0, 40))
def test_a_forest_of_forests_is_the_forest_of_all(pairs: Pairs, cut: int) -> None:
    def of(some: Pairs) -> tuple[np.ndarray, np.ndarray]:
        return forest(*(np.array([pair[end] for pair in some], np.uint64) for end in (0, 1)))

    parts = [of(pairs[:cut]), of(pairs[cut:])]
    joined = forest(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    assert [column.tolist() for column in joined] == [column.tolist() for column in of(pairs)]


@pytest.mark.parametrize("seed", [0, None])
def test_a_chain_of_a_hundred_thousand_takes_few_rounds(seed: int | None) -> None:
    nodes = list(range(100_000))
    if seed is not None:
        random.Random(seed).shuffle(nodes)
    found, rounds = rounds_of_stars(list(pairwise(nodes)), 4096)
    assert set(found.values()) == {0}
    assert len(found) == 99_999
    assert rounds <= 20
