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
from pipeline.io.shards import REDO, ShardFile, check_shard, regroup, write_shard
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
            pending, size, number = [], 0, number + 1
    if size:
        yield _write_run(directory, f"{task}-{number:04d}", pending, order)


def _write_run(directory: Path, name: str, batches: list[pa.RecordBatch], order: Sequence[str]) -> ShardFile:
    table = sort(pa.Table.from_batches(batches), order)
    groups = regroup(table.combine_chunks().to_batches(), max_rows=GROUP_ROWS, max_weight=GROUP_BYTES)
    return write_shard(directory, f"{name}-{{sha}}.parquet", groups, table.schema)


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

    Memory: about one row group per run. Raises VerificationError where a run was altered.
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
            for batch in file.read_row_group(i).to_batches():
                kept = _rows_between(batch, key, low, high)
                if kept.num_rows:
                    yield kept


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


def _rows_between(batch: pa.RecordBatch, key: str, low: int, high: int) -> pa.RecordBatch:
    keys = batch.column(key).to_numpy()
    begin = int(np.searchsorted(keys, np.uint64(low), side="left"))
    end = batch.num_rows if high == KEY_SPACE else int(np.searchsorted(keys, np.uint64(high), side="left"))
    return batch.slice(begin, end - begin)


def merge_sorted(streams: Sequence[Iterator[pa.RecordBatch]], order: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Merge streams, each sorted by `order`, into one. Every step emits what no unread row can precede."""
    live = dict(enumerate(streams))
    pool: pa.Table | None = None  # sorted rows not yet emitted, with the stream each came from
    while live:
        pool = _refill(pool, live, order)
        if pool is None:
            return
        safe = _safe_prefix(pool, live)
        yield from pool.slice(0, safe).drop_columns([_STREAM]).combine_chunks().to_batches()
        pool = pool.slice(safe)
    if pool is not None and pool.num_rows:
        yield from pool.drop_columns([_STREAM]).combine_chunks().to_batches()


_STREAM = "__stream"


def _refill(pool: pa.Table | None, live: dict[int, Iterator[pa.RecordBatch]], order: Sequence[str]) -> pa.Table | None:
    """Load the next batch of every live stream that has no row in the pool; forget streams that ended."""
    present = set() if pool is None else set(pc.unique(pool[_STREAM]).to_pylist())
    parts = [] if pool is None else [pool]
    for number in [n for n in live if n not in present]:
        batch = next(live[number], None)
        if batch is None:
            del live[number]
        else:
            tag = pa.array(np.full(batch.num_rows, number, dtype=np.int32))
            parts.append(pa.Table.from_batches([batch]).append_column(_STREAM, tag))
    if not parts:
        return None
    if len(parts) == 1 and parts[0] is pool:
        return pool
    return sort(pa.concat_tables(parts), [*order, _STREAM])


def _safe_prefix(pool: pa.Table, live: dict[int, Iterator[pa.RecordBatch]]) -> int:
    """Rows up to the first live stream's last loaded row: later rows of that stream may come next."""
    numbers = pool[_STREAM].to_numpy()
    ends = (len(numbers) - int(np.argmax(numbers[::-1] == number)) for number in live if number in numbers)
    return min(ends, default=len(numbers))
