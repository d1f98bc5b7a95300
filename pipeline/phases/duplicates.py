"""The dedup phases: what `dedup`'s pure functions read, exchange and write in a run.

Inside these phases a document is named "<id>@<shard>:<row>": unique even where two archives hold the same capture, in
the same order as ids, and enough to find the row again without an index. The audit splits the name up again.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dedup.audit import AUDIT_SCHEMA
from dedup.components import components
from dedup.containment import ContainmentConfig
from dedup.exact import EXACT_SORT, exact_removals, exact_rows
from dedup.lsh import EDGE_SCHEMA, LSH_SORT, star_edges
from dedup.minhash import MinHashConfig
from dedup.propose import proposals
from dedup.resolve import RESOLVE_SORT, neighbour_lists, resolve_components, resolve_rows
from dedup.verify import VerifyConfig
from pipeline.engines.work import Sorting
from pipeline.io.commit import Commit, PhaseDirectory
from pipeline.io.shards import ShardFile, check_shard, read_shard, regroup, write_shard
from pipeline.phases.documents import DocumentShard
from pipeline.stage import IDLE, Context, Counters, Task

VERSIONS = {"exact": 1, "propose": 1, "components": 1, "resolve": 1}
EXACT_ORDER = Sorting("key", EXACT_SORT[1:])
PROPOSAL_ORDER = Sorting("key", LSH_SORT[1:])
RESOLVE_ORDER = Sorting("component", RESOLVE_SORT[1:])
PLACED_AUDIT_SCHEMA = pa.schema([*AUDIT_SCHEMA, ("shard", pa.int32()), ("row", pa.int64())])
_READ = ["id", "text", "quality", "crawl_time"]


def emit_exact(task: Task, context: Context, counters: Counters) -> Iterator[pa.RecordBatch]:
    """Content hashes of one shard."""
    for batch in _named_batches(task.source, context, counters):
        yield exact_rows(batch)


def emit_proposals(
    task: Task, context: Context, counters: Counters, *, minhash: MinHashConfig, containment: ContainmentConfig
) -> Iterator[pa.RecordBatch]:
    """Band and containment keys of one shard."""
    for batch in _named_batches(task.source, context, counters):
        yield proposals(batch, minhash, containment, counters.tallies)


def emit_members(
    task: Task, context: Context, counters: Counters, *, graph: PhaseDirectory, files: tuple[ShardFile, ...]
) -> Iterator[pa.RecordBatch]:
    """Texts of those documents of one shard that were proposed with another."""
    member_table, neighbour_table = (_read_table(graph, file) for file in files)
    for batch in _named_batches(task.source, context, counters):
        if pc.any(pc.is_in(batch.column("id"), value_set=member_table["id"])).as_py():
            yield resolve_rows(batch, member_table, neighbour_table)


def reduce_exact(rows: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Audit of one partition of content hashes."""
    return map(_placed, exact_removals(rows))


def reduce_edges(rows: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Edges of one partition of proposal keys."""
    return star_edges(rows)


def reduce_members(rows: Iterator[pa.RecordBatch], *, verify: VerifyConfig) -> Iterator[pa.RecordBatch]:
    """Audit of one partition of components."""
    return map(_placed, resolve_components(rows, verify))


def find_components(task: Task, context: Context, *, directory: PhaseDirectory) -> None:
    """One task: all edges to component members and neighbour lists. `task.source` is (phase, files)."""
    edges_directory, files = task.source
    context.at(IDLE)
    tables = [_read_table(edges_directory, file) for file in files]
    edges = pa.concat_tables([EDGE_SCHEMA.empty_table(), *tables]).group_by(["a", "b"]).aggregate([])
    edges = edges.sort_by([("a", "ascending"), ("b", "ascending")])
    members, neighbours = components(edges), neighbour_lists(edges)
    counters = Counters(rows_in=edges.num_rows, rows_out=edges.num_rows)
    counters.tallies["components"] = len(pc.unique(members["component"]))
    counters.tallies["members"] = members.num_rows
    written = tuple(
        write_shard(directory.path / "data", f"{name}-{{sha}}.parquet", regroup(table.to_batches()), table.schema)
        for name, table in (("members", members), ("neighbours", neighbours))
    )
    directory.commit(Commit(task.name, written, (), counters, {}))


def _named_batches(source: DocumentShard, context: Context, counters: Counters) -> Iterator[pa.RecordBatch]:
    """Columns that dedup needs, with ids replaced by names. Rows out are counted as read: nothing is dropped here."""
    row = 0
    for file in source.files:
        for batch in read_shard(source.directory.path / "data", file, _READ):
            context.at(IDLE)  # rows are compared in batches: none to blame
            counters.rows_in += batch.num_rows
            counters.rows_out += batch.num_rows
            names = [f"{i}@{source.index:08d}:{row + k:010d}" for k, i in enumerate(batch.column("id").to_pylist())]
            columns = [pa.array(names, pa.string()), *(batch.column(name) for name in _READ[1:])]
            yield pa.RecordBatch.from_arrays(columns, names=_READ)
            row += batch.num_rows


def _placed(audit: pa.RecordBatch) -> pa.RecordBatch:
    """Audit rows with names split into id, shard and row."""
    removed = [_split_name(name) for name in audit.column("removed_id").to_pylist()]
    kept = [name.partition("@")[0] for name in audit.column("kept_id").to_pylist()]
    columns = [
        pa.array([id_ for id_, _, _ in removed], pa.string()),
        pa.array(kept, pa.string()),
        *(audit.column(name) for name in ("jaccard", "containment", "rule")),
        pa.array([shard for _, shard, _ in removed], pa.int32()),
        pa.array([row for _, _, row in removed], pa.int64()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=PLACED_AUDIT_SCHEMA)


def _split_name(name: str) -> tuple[str, int, int]:
    id_, _, place = name.partition("@")
    shard, _, row = place.partition(":")
    return id_, int(shard), int(row)


def _read_table(directory: PhaseDirectory, file: ShardFile) -> pa.Table:
    path = directory.path / "data" / file.path
    check_shard(path, file)
    return pq.read_table(path)
