"""The dedup phases over users' tables: emits for slim shards; reducers and orders are those of the main job."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dedup.containment import ContainmentConfig
from dedup.exact import exact_rows
from dedup.minhash import MinHashConfig
from dedup.propose import proposals
from dedup.resolve import resolve_rows
from pipeline.io.commit import PhaseDirectory
from pipeline.io.shards import ShardFile, check_shard
from pipeline.phases.tables import named_batches
from pipeline.stage import Context, Counters, Task


def emit_exact(task: Task, context: Context, counters: Counters) -> Iterator[pa.RecordBatch]:
    """Content hashes of one slim shard."""
    for batch in named_batches(task.source, context, counters):
        yield exact_rows(batch)


def emit_proposals(
    task: Task, context: Context, counters: Counters, *, minhash: MinHashConfig, containment: ContainmentConfig
) -> Iterator[pa.RecordBatch]:
    """Band and containment keys of one slim shard."""
    for batch in named_batches(task.source, context, counters):
        yield proposals(batch, minhash, containment, counters.tallies)


def emit_members(
    task: Task, context: Context, counters: Counters, *, graph: PhaseDirectory, files: tuple[ShardFile, ...]
) -> Iterator[pa.RecordBatch]:
    """Texts of those documents of one slim shard that were proposed with another."""
    paths = [graph.path / "data" / file.path for file in files]
    for path, file in zip(paths, files, strict=True):
        check_shard(path, file)
    members, neighbours = map(pq.read_table, paths)
    for batch in named_batches(task.source, context, counters):
        if pc.any(pc.is_in(batch.column("id"), value_set=members["id"])).as_py():
            yield resolve_rows(batch, members, neighbours)
