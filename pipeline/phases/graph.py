"""Phases between proposals and verification: edges to components, and to every document's neighbours by its shard.

Up to a number of edges one task labels the components; it contracts the edges partition by partition, so that it holds
one edge per document, not all of them. Above, every partition is contracted by a task of its own and rounds of
exchanges do the rest (`dedup.stars`). Either way the result is the same star forest. Neighbours and components then
travel to the shard their document is in, so that no task reads more than its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dedup.components import forest
from dedup.stars import FOREST_SCHEMA, STAR_SORT, large_rows, small_rows
from pipeline.engines.work import Sorting
from pipeline.io.commit import Commit, PhaseDirectory
from pipeline.io.shards import ShardFile, read_shard, regroup, write_shard
from pipeline.phases.placed import U64, nodes_of, place_nodes, places_of, shard_keys, split_names
from pipeline.stage import IDLE, Context, Counters, Task

VERSION = 1
CONTRACT_EDGES = 1 << 22  # edges held at a time before they are contracted
STAR_ORDER = Sorting("key", STAR_SORT[1:])
MEMBER_ORDER = Sorting("key", ("shard", "row", "neighbour"))
PLACE_FIELDS = [pa.field("shard", pa.int32()), pa.field("row", pa.int64())]
_ROWS_SCHEMA = pa.schema(
    [("key", pa.uint64()), *PLACE_FIELDS, ("neighbour", pa.string()), ("component", pa.uint64())]
)  # an empty neighbour: the row that names the component
MEMBER_SCHEMA = pa.schema([*PLACE_FIELDS, ("component", pa.uint64()), ("neighbours", pa.list_(pa.string()))])


@dataclass(frozen=True, slots=True)
class Part:
    """One file of edges between names, or of a forest of numbers."""

    kind: Literal["edges", "forest"]
    directory: PhaseDirectory
    file: ShardFile


def parts(kind: Literal["edges", "forest"], directory: PhaseDirectory, first: int = 0) -> list[Task]:
    """One task per file of a finished phase, numbered from `first`."""
    files = enumerate(directory.files(), first)
    return [Task(f"{number:05d}", number, Part(kind, directory, file)) for number, file in files]


def label(task: Task, context: Context, *, directory: PhaseDirectory) -> None:
    """All edges, or one partition of them, to FOREST_SCHEMA rows. `task.source` is the parts to read."""
    counters = Counters()
    members, roots = np.empty(0, np.uint64), np.empty(0, np.uint64)
    for edges in _many(_edges(part, context, counters) for part in task.source):
        columns = (np.concatenate(column) for column in zip((members, roots), edges, strict=True))
        members, roots = forest(*columns)
    counters.tallies["components"], counters.tallies["members"] = len(np.unique(roots)), len(members)
    table = pa.table([members, roots], schema=FOREST_SCHEMA)
    name = f"{task.name}-{{sha}}.parquet"
    file = write_shard(directory.path / "data", name, regroup(table.to_batches(), max_rows=1 << 16), FOREST_SCHEMA)
    directory.commit(Commit(task.name, (file,) if file.rows else (), (), counters, {}))


def _edges(part: Part, context: Context, counters: Counters) -> Iterator[tuple[U64, U64]]:
    for batch in _batches(part, context, counters):
        a, b = (nodes_of(batch.column(name)) for name in ("a", "b"))
        yield a, b


def _batches(part: Part, context: Context, counters: Counters) -> Iterator[pa.RecordBatch]:
    for batch in read_shard(part.directory.path / "data", part.file):
        context.at(IDLE)
        counters.rows_in += batch.num_rows
        counters.rows_out += batch.num_rows
        yield batch


def _many(streams: Iterable[Iterator[tuple[U64, U64]]]) -> Iterator[tuple[U64, U64]]:
    """The edges of many batches together, up to about CONTRACT_EDGES."""
    pending: list[tuple[U64, U64]] = []
    size = 0
    for left, right in (edges for stream in streams for edges in stream):
        pending.append((left, right))
        size += len(left)
        if size >= CONTRACT_EDGES:
            yield _joined(pending)
            pending, size = [], 0
    if pending:
        yield _joined(pending)


def _joined(pending: list[tuple[U64, U64]]) -> tuple[U64, U64]:
    left, right = (np.concatenate(column) for column in zip(*pending, strict=True))
    return left, right


def emit_large(task: Task, context: Context, counters: Counters) -> Iterator[pa.RecordBatch]:
    """Large-star's rows of one file of a forest."""
    return map(large_rows, _batches(task.source, context, counters))


def emit_small(task: Task, context: Context, counters: Counters) -> Iterator[pa.RecordBatch]:
    """Small-star's rows of one file of a forest."""
    return map(small_rows, _batches(task.source, context, counters))


def adopt(task: Task, context: Context, *, directory: PhaseDirectory) -> None:
    """Take over one file of the last round."""
    counters = Counters()
    batches = _batches(task.source, context, counters)
    groups = regroup(batches, max_rows=1 << 16)
    file = write_shard(directory.path / "data", f"{task.name}-{{sha}}.parquet", groups, FOREST_SCHEMA)
    directory.commit(Commit(task.name, (file,), (), counters, {}))


def emit_places(task: Task, context: Context, counters: Counters, *, shards: int) -> Iterator[pa.RecordBatch]:
    """Rows of one file, to go to the shard of the document they are about; `shards`: how many there are."""
    for batch in _batches(task.source, context, counters):
        if task.source.kind == "forest":
            yield _labels(batch, shards)
        else:
            a, b = batch.columns
            yield _neighbours(a, b, shards)
            yield _neighbours(b, a, shards)


def _labels(forest_rows: pa.RecordBatch, shards: int) -> pa.RecordBatch:
    at, rows = places_of(forest_rows.column("a").to_numpy())
    names = pa.array([""] * len(rows), pa.string())
    return _placed_rows(at, rows, names, forest_rows.column("b"), shards)


def _neighbours(names: pa.Array, others: pa.Array, shards: int) -> pa.RecordBatch:
    _, at, rows = split_names(names)
    return _placed_rows(at, rows, others, pa.nulls(len(rows), pa.uint64()), shards)


def _placed_rows(
    at: NDArray[np.int32], rows: NDArray[np.int64], names: pa.Array, component: pa.Array, shards: int
) -> pa.RecordBatch:
    keys = pa.array(shard_keys(at, rows, shards), pa.uint64())
    columns = [keys, pa.array(at), pa.array(rows), names, component]
    return pa.RecordBatch.from_arrays(columns, schema=_ROWS_SCHEMA)


def reduce_places(rows: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """MEMBER_SCHEMA rows, one per document, by place. Memory: a batch, and the neighbours of one document."""
    pending: list[pa.RecordBatch] = []  # rows of one document
    for batch in rows:
        opens = _opens(batch)
        if pending and not _same_place(pending[0], batch):
            yield _grouped(pending)
            pending = []
        cut = int(np.flatnonzero(opens)[-1])
        if cut:
            yield _grouped([*pending, batch.slice(0, cut)])
            pending = []
        pending.append(batch.slice(cut))
    if pending:
        yield _grouped(pending)


def _opens(batch: pa.RecordBatch) -> NDArray[np.bool_]:
    """Where another document begins."""
    shards, rows = batch.column("shard").to_numpy(), batch.column("row").to_numpy()
    return np.concatenate([[True], (shards[1:] != shards[:-1]) | (rows[1:] != rows[:-1])])


def _same_place(one: pa.RecordBatch, other: pa.RecordBatch) -> bool:
    return all(one.column(name)[0].as_py() == other.column(name)[0].as_py() for name in ("shard", "row"))


def _grouped(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    batch = pa.Table.from_batches(batches).combine_chunks().to_batches()[0]
    opens, names = _opens(batch), batch.column("neighbour")
    starts = np.flatnonzero(opens)
    labelled = pc.equal(names, "").to_numpy(zero_copy_only=False)
    repeated = np.concatenate([[False], pc.equal(names[1:], names[:-1]).to_numpy(zero_copy_only=False)]) & ~opens
    kept = ~labelled & ~repeated
    offsets = np.concatenate([[0], np.cumsum(kept)])[np.append(starts, len(kept))]
    lists = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), names.filter(pa.array(kept)))
    shards, rows = (batch.column(name).take(pa.array(starts)) for name in ("shard", "row"))
    own = place_nodes(shards.to_numpy(), rows.to_numpy())  # the centre of a star has no row that names it
    named = batch.column("component").fill_null(0).to_numpy()[starts]
    component = pa.array(np.where(labelled[starts], named, own), pa.uint64())
    return pa.RecordBatch.from_arrays([shards, rows, component, lists], schema=MEMBER_SCHEMA)
