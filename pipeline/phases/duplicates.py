"""The dedup phases: what `dedup`'s pure functions read, exchange and write in a run.

Documents are named by their place (`pipeline.phases.placed`); the audit splits the name up again. A run that goes on
from an index numbers its shards after those of the index, `base` of them: what concerns only those is known already.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedup.audit import AUDIT_SCHEMA
from dedup.containment import ContainmentConfig
from dedup.exact import EXACT_SORT, exact_removals, exact_rows, url_rows
from dedup.lsh import LSH_SORT, star_edges
from dedup.minhash import MinHashConfig
from dedup.propose import proposals
from dedup.resolve import RESOLVE_SORT, member_rows, resolve_components
from dedup.verify import VerifyConfig
from pipeline.engines.work import Sorting
from pipeline.io.commit import PhaseDirectory
from pipeline.io.shards import ShardFile, read_shard
from pipeline.phases.placed import READ, named_batches, rows_of_shard, shard_keys, split_names
from pipeline.stage import IDLE, Context, Counters, Task

VERSIONS = {"url": 1, "exact": 2, "propose": 3, "resolve": 4, "placed": 1}
EXACT_ORDER = Sorting("key", EXACT_SORT[1:])
PROPOSAL_ORDER = Sorting("key", LSH_SORT[1:])
RESOLVE_ORDER = Sorting("component", RESOLVE_SORT[1:])
PLACE_ORDER = Sorting("key", ("shard", "row"))
PLACED_AUDIT_SCHEMA = pa.schema([*AUDIT_SCHEMA, ("shard", pa.int32()), ("row", pa.int64())])
KEYED_AUDIT_SCHEMA = pa.schema([("key", pa.uint64()), *PLACED_AUDIT_SCHEMA])


def emit_urls(task: Task, context: Context, counters: Counters, *, capture: str) -> Iterator[pa.RecordBatch]:
    """Canonical URLs of one shard."""
    for batch in named_batches(task.source, context, counters, (*READ, "url")):
        yield url_rows(batch, capture)


def emit_exact(task: Task, context: Context, counters: Counters) -> Iterator[pa.RecordBatch]:
    """Content hashes of one shard."""
    for batch in named_batches(task.source, context, counters):
        yield exact_rows(batch)


def emit_proposals(
    task: Task, context: Context, counters: Counters, *, minhash: MinHashConfig, containment: ContainmentConfig
) -> Iterator[pa.RecordBatch]:
    """Band and containment keys of one shard."""
    for batch in named_batches(task.source, context, counters):
        yield proposals(batch, minhash, containment, counters.tallies)


def emit_members(
    task: Task,
    context: Context,
    counters: Counters,
    *,
    graph: PhaseDirectory,
    touched: PhaseDirectory | None = None,
    base: int = 0,
) -> Iterator[pa.RecordBatch]:
    """Texts of those documents of one shard that were proposed with another; of an old one only where that matters.

    `touched`: components with a document that is not in the index; only they can end otherwise than before.
    """
    members = rows_of_shard(graph, task.source.index, ["row", "component", "neighbours"])
    if touched is not None and task.source.index < base:
        members = members.filter(pc.is_in(members["component"], value_set=touched_components(touched)))
    at = 0
    for batch in named_batches(task.source, context, counters, only=members["row"].to_numpy().astype(np.int64)):
        part = members.slice(at, batch.num_rows)
        at += batch.num_rows
        yield member_rows(batch, part["component"], part["neighbours"])


def touched_components(touched: PhaseDirectory) -> pa.Array:
    """The components that `find_touched` wrote."""
    files = [read_shard(touched.path / "data", file) for file in touched.files()]
    columns = [batch.column("component") for batches in files for batch in batches]
    return pa.concat_arrays(columns) if columns else pa.array([], pa.uint64())


def reduce_exact(rows: Iterator[pa.RecordBatch], *, rule: str = "exact", base: int = 0) -> Iterator[pa.RecordBatch]:
    """Audit of one partition of content hashes, or of URLs."""
    for audit in exact_removals(rows, rule):
        yield _placed(audit.filter(_news(audit, base)) if base else audit)


def _news(audit: pa.RecordBatch, base: int) -> pa.Array:
    """Rows about a document that is not in the index."""
    sides = [split_names(audit.column(name))[1] >= base for name in ("removed_id", "kept_id")]
    return pa.array(sides[0] | sides[1])


def reduce_edges(rows: Iterator[pa.RecordBatch], *, gone: PhaseDirectory | None = None) -> Iterator[pa.RecordBatch]:
    """Edges of one partition of proposal keys. `gone`: documents of the index that an exact copy has replaced."""
    return star_edges(rows if gone is None else _without(rows, gone_names(gone)))


def _without(rows: Iterator[pa.RecordBatch], names: pa.Array) -> Iterator[pa.RecordBatch]:
    for batch in rows:
        yield batch.filter(pc.invert(pc.is_in(batch.column("id"), value_set=names)))


def gone_names(gone: PhaseDirectory) -> pa.Array:
    """The names that `find_gone` wrote."""
    columns = [batch.column("name") for file in gone.files() for batch in read_shard(gone.path / "data", file)]
    return pa.concat_arrays(columns) if columns else pa.array([], pa.string())


def reduce_members(rows: Iterator[pa.RecordBatch], *, verify: VerifyConfig) -> Iterator[pa.RecordBatch]:
    """Audit of one partition of components."""
    return map(_placed, resolve_components(rows, verify))


def emit_audit(task: Task, context: Context, counters: Counters, *, shards: int) -> Iterator[pa.RecordBatch]:
    """Audit rows of one file, to go to the shard of the document they remove. `task.source` is (phase, file)."""
    directory, file = task.source
    for batch in read_shard(directory.path / "data", file):
        context.at(IDLE)
        counters.rows_in += batch.num_rows
        counters.rows_out += batch.num_rows
        keys = shard_keys(batch.column("shard").to_numpy(), batch.column("row").to_numpy(), shards)
        columns = [pa.array(keys, pa.uint64()), *batch.columns]
        yield pa.RecordBatch.from_arrays(columns, schema=KEYED_AUDIT_SCHEMA)


def reduce_audit(rows: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows, by place."""
    for batch in rows:
        yield pa.RecordBatch.from_arrays(batch.columns[1:], schema=PLACED_AUDIT_SCHEMA)


def audit_tasks(audit: PhaseDirectory) -> list[Task]:
    """One task per file of an audit."""
    files: tuple[ShardFile, ...] = audit.files()
    return [Task(f"{number:05d}", number, (audit, file)) for number, file in enumerate(files)]


def _placed(audit: pa.RecordBatch) -> pa.RecordBatch:
    """Audit rows with names split into id, shard and row."""
    removed, shards, rows = split_names(audit.column("removed_id"))
    kept, _, _ = split_names(audit.column("kept_id"))
    columns = [removed, kept, *audit.columns[2:], pa.array(shards), pa.array(rows)]
    return pa.RecordBatch.from_arrays(columns, schema=PLACED_AUDIT_SCHEMA)
