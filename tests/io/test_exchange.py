import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.io.exchange import merge_sorted, partition_of


@given(st.lists(st.integers(0, 2**64 - 1), max_size=50), st.integers(1, 50))
def test_partition_is_the_floor_of_key_times_count(keys, count):
    found = partition_of(np.array(keys, dtype=np.uint64), count)
    assert found.tolist() == [key * count >> 64 for key in keys]


@given(st.lists(st.lists(st.integers(0, 5), max_size=12), max_size=5), st.integers(1, 4))
def test_merge_equals_sorting_everything(streams, batch_rows):
    def batches(number, keys):
        rows = sorted((key, number, position) for position, key in enumerate(keys))
        for begin in range(0, len(rows), batch_rows):
            columns = zip(*rows[begin : begin + batch_rows], strict=True)
            yield pa.record_batch([pa.array(column) for column in columns], names=["key", "number", "position"])

    order = ["key", "number", "position"]
    merged = [
        row
        for batch in merge_sorted([batches(n, keys) for n, keys in enumerate(streams)], order)
        for row in zip(*(batch[name].to_pylist() for name in order), strict=True)
    ]
    assert merged == sorted((key, n, p) for n, keys in enumerate(streams) for p, key in enumerate(keys))


def test_merge_holds_about_one_batch_per_stream():
    loaded = [0, 0]

    def counted(number):
        for i in range(100):
            loaded[number] += 1
            yield pa.record_batch({"key": pa.array([2 * i + number, 2 * i + number], pa.int64())})

    merged = merge_sorted([counted(0), counted(1)], ["key"])
    for _ in range(20):
        next(merged)
    assert max(loaded) <= 22


def test_no_streams_no_rows():
    assert list(merge_sorted([], ["key"])) == []


@pytest.mark.parametrize("count", [1, 3, 1000])
def test_extreme_keys_have_a_partition(count):
    assert partition_of(np.array([0, 2**64 - 1], dtype=np.uint64), count).tolist() == [0, count - 1]
