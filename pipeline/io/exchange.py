"""External sort for one machine: sorted runs on disk, merged per key range with bounded memory.

Partitions are ranges of the uint64 key, so that the concatenation of all partitions is one sorted table whatever
their number, and a key never straddles two of them. A hot key costs time, not memory: rows are merged in batches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.errors import VerificationError
from pipeline.io.byte_source import RemoteFile
from pipeline.io.shards import PASSING, REDO, ShardFile, check_shard, regroup, write_shard
from pipeline.io.storage import StorePath

RUN_BYTES = 64 << 20  # Arrow bytes sorted in memory at a time
GROUP_ROWS = 8192
GROUP_BYTES = 4 << 20
KEY_SPACE = 1 << 64


def sorted_runs(
    directory: Path, task: str, batches: Iterable[pa.RecordBatch], order: Sequence[str]
) -> Iterator[ShardFile]:
    """Cut a stream into runs of about RUN_BYTES, sort each by `order` (ascending), write each as Parquet."""
    pending: list[pa.RecordBatch] = []
    size, number = 0, 0
    for batch in batches:
        pending.append(batch)
        size += batch.nbytes
        if size >= RUN_BYTES:
            yield _write_run(directory, f"{task}-{number:04d}", pending, order)
            size, number = 0, number + 1
    if size:
        yield _write_run(directory, f"{task}-{number:04d}", pending, order)


def _write_run(directory: Path, name: str, batches: list[pa.RecordBatch], order: Sequence[str]) -> ShardFile:
    """Takes the batches out of the list: memory is two runs while they are joined, then one and a row group."""
    table = pa.Table.from_batches(batches).combine_chunks()
    batches.clear()
    groups = regroup(_in_order(table, order), max_rows=GROUP_ROWS, max_weight=GROUP_BYTES)
    written = write_shard(directory, f"{name}-{{sha}}.parquet", groups, table.schema, **PASSING)
    del table, groups
    pa.default_memory_pool().release_unused()
    return written


def _in_order(table: pa.Table, order: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The rows as `sort` gives them, about a row group at a time."""
    places = pc.sort_indices(table.select(list(order)), sort_keys=[(column, "ascending") for column in order])
    step = max(1, table.num_rows * GROUP_BYTES // max(table.nbytes, 1))
    for start in range(0, table.num_rows, step):
        yield from table.take(places.slice(start, step)).to_batches()


def sort(table: pa.Table, order: Sequence[str]) -> pa.Table:
    """Rows in ascending order of the named columns; `order` must be a total order for equal results everywhere."""
    return table.sort_by([(column, "ascending") for column in order])


def partition_of(keys: np.ndarray, count: int) -> np.ndarray:
    """floor(key * count / 2^64) for uint64 keys, shape kept."""
    bounds = np.array([_low(i, count) for i in range(count)], dtype=np.uint64)
    return np.searchsorted(bounds, keys, side="right") - 1


def _low(index: int, count: int) -> int:
    return -(-index * KEY_SPACE // count)  # ceil: the smallest key of partition `index`


def merge_runs(
    directory: Path,
    runs: Sequence[ShardFile],
    index: int,
    count: int,
    order: Sequence[str],
    beside: Sequence[tuple[Path, ShardFile]] = (),
) -> Iterator[pa.RecordBatch]:
    """Rows of partition `index` of `count`, sorted by `order` whose first column is the uint64 key.

    `beside`: sorted runs of other folders that take part.

    Memory: the rows of the partition, and no more than about one row group per run.

    Raises:
        VerificationError: a run was altered.
    """
    low, high = _low(index, count), _low(index + 1, count)
    places = [*((directory, run) for run in runs), *beside]
    streams = [_key_range(folder, run, order[0], low, high) for folder, run in places]
    yield from merge_sorted(streams, order)


def _key_range(directory: Path, run: ShardFile, key: str, low: int, high: int) -> Iterator[pa.RecordBatch]:
    with _opened(directory / run.path, run) as file:
        column = file.schema_arrow.get_field_index(key)
        for i in range(file.num_row_groups):
            statistics = file.metadata.row_group(i).column(column).statistics
            if statistics.max < low or statistics.min >= high:
                continue
            yield from _rows_of_group(file, i, key, low, high)


@contextmanager
def _opened(path: Path, run: ShardFile) -> Iterator[pq.ParquetFile]:
    """A run to take one key range of. Of one in a store only that is fetched: every partition reads every run."""
    if not isinstance(path, StorePath):
        check_shard(path, run)
        with pq.ParquetFile(path) as file:
            yield file
        return
    try:
        with RemoteFile(str(path), ahead=False) as remote, pq.ParquetFile(remote, pre_buffer=True) as file:
            _require_footer(file, path, run, remote.size)
            yield file
    except (OSError, pa.ArrowInvalid) as error:
        raise VerificationError(str(error), where=str(path), expected="the run that was spilled", hint=REDO) from error


def _require_footer(file: pq.ParquetFile, path: StorePath, run: ShardFile, size: int) -> None:
    groups = tuple(file.metadata.row_group(i).num_rows for i in range(file.num_row_groups))
    if size != run.bytes or groups != run.row_groups:
        found = f"{size} bytes, rows {groups}"
        raise VerificationError(found, where=str(path), expected=f"{run.bytes} bytes, rows {run.row_groups}", hint=REDO)


def _rows_of_group(file: pq.ParquetFile, group: int, key: str, low: int, high: int) -> list[pa.RecordBatch]:
    """Copies where they are the smaller part: a slice would keep its whole row group, of each of very many runs."""
    batches = file.read_row_group(group).to_batches()
    parts = [(batch.num_rows, _rows_between(batch, key, low, high)) for batch in batches]
    return [
        part.take(pa.array(np.arange(part.num_rows))) if 2 * part.num_rows < rows else part
        for rows, part in parts
        if part.num_rows
    ]


def _rows_between(batch: pa.RecordBatch, key: str, low: int, high: int) -> pa.RecordBatch:
    keys = batch.column(key).to_numpy()
    begin = int(np.searchsorted(keys, np.uint64(low), side="left"))
    end = batch.num_rows if high == KEY_SPACE else int(np.searchsorted(keys, np.uint64(high), side="left"))
    return batch.slice(begin, end - begin)


def merge_sorted(streams: Sequence[Iterator[pa.RecordBatch]], order: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Merge streams, each sorted by `order`, into one. Every step emits what no unread row can precede.

    A row is sorted once, with those that leave in the same step, however many streams there are; again only while its
    key goes on in batches to come.
    """
    live = dict(enumerate(streams))
    heads: dict[int, pa.RecordBatch] = {}  # rows read and not yet emitted
    while _refill(heads, live):
        parts = _candidates(heads, live, order[0])
        ready, counts = _ready(parts, [n for n in parts if n in live and parts[n].num_rows == heads[n].num_rows], order)
        yield from ready
        for number, count in counts.items():
            heads[number] = heads[number].slice(count)


_STREAM = "__stream"


def _refill(heads: dict[int, pa.RecordBatch], live: dict[int, Iterator[pa.RecordBatch]]) -> bool:
    """Load the next batch of every live stream that has no row left, forget what ended; whether there are rows."""
    for number in [n for n in live if n not in heads or not heads[n].num_rows]:
        batch = next((batch for batch in live[number] if batch.num_rows), None)
        if batch is None:
            del live[number]
        else:
            heads[number] = batch
    for number in [n for n, head in heads.items() if not head.num_rows]:
        del heads[number]
    return bool(heads)


def _candidates(
    heads: dict[int, pa.RecordBatch], live: dict[int, Iterator[pa.RecordBatch]], key: str
) -> dict[int, pa.RecordBatch]:
    """Of each stream the rows up to the smallest key that a live stream has read last: no unread one is smaller."""
    keys = {number: head.column(key).to_numpy() for number, head in heads.items()}
    if not live:
        return heads
    bound = min(keys[number][-1] for number in live)
    cuts = {number: int(np.searchsorted(values, bound, side="right")) for number, values in keys.items()}
    return {number: heads[number].slice(0, cut) for number, cut in cuts.items() if cut}


def _ready(
    parts: dict[int, pa.RecordBatch], ended: Sequence[int], order: Sequence[str]
) -> tuple[list[pa.RecordBatch], dict[int, int]]:
    """The rows that can go, sorted, and how many they are by stream: none behind the last row of one in `ended`."""
    if len(parts) == 1:
        return list(parts.values()), {number: part.num_rows for number, part in parts.items()}
    numbers = np.repeat(list(parts), [part.num_rows for part in parts.values()]).astype(np.int32)
    table = pa.Table.from_batches(parts.values()).append_column(_STREAM, pa.array(numbers))
    table = sort(table.combine_chunks(), [*order, _STREAM])
    numbers = table[_STREAM].to_numpy()
    safe = min((len(numbers) - int(np.argmax(numbers[::-1] == n)) for n in ended), default=len(numbers))
    counts = {number: int((numbers[:safe] == number).sum()) for number in parts}
    return table.slice(0, safe).drop_columns([_STREAM]).combine_chunks().to_batches(), counts
