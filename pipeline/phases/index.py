"""Tasks of a dedup that goes on from an index: which old documents matter, what becomes of them, what is kept.

A verdict is about one document: removed for another, or kept. Of every document whose verdict is news a row is written,
so that the rows of all runs, in order, say where each stands.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedup.audit import AUDIT_SCHEMA
from pipeline.engines.work import Sorting
from pipeline.io.commit import Commit, PhaseDirectory
from pipeline.io.shards import read_shard, regroup, write_shard, writing
from pipeline.io.storage import StorePath, copy_file, put_file
from pipeline.phases.duplicates import gone_names, touched_components
from pipeline.phases.placed import DocumentShard, name_of, place_nodes, rows_of_shard
from pipeline.stage import IDLE, Context, Counters, Task

VERSION = 1
NAME_SCHEMA = pa.schema([("name", pa.string())])
COMPONENT_SCHEMA = pa.schema([("component", pa.uint64())])
EVIDENCE_SCHEMA = pa.schema(
    [("id", pa.string()), ("text", pa.string()), ("quality", pa.float64()), ("crawl_time", pa.string())]
)
DISPLACED, MOVED, RESTORED = "displaced", "moved", "restored"
VERDICT_SCHEMA = pa.schema(
    [
        ("key", pa.uint64()),  # of the document's place
        ("turn", pa.int32()),  # twice the number of the run, plus one where the document is removed
        *AUDIT_SCHEMA,  # kept_id and what follows are null for a document that is kept
        ("shard", pa.int32()),
        ("row", pa.int64()),
        ("change", pa.string()),  # of a document of an earlier run: DISPLACED, MOVED or RESTORED; "" of a new one
    ]
)
VERDICT_ORDER = Sorting("key", ("turn",))


def find_gone(
    task: Task, context: Context, *, directory: PhaseDirectory, before: PhaseDirectory | None, base: int
) -> None:
    """Names of old documents that an exact copy has replaced, now or in an earlier run. `task.source`: the exact audit.

    Memory: these names; there is at most one per new document.
    """
    audit: PhaseDirectory = task.source
    names: list[str] = [] if before is None else gone_names(before).to_pylist()
    for file in audit.files():
        for batch in read_shard(audit.path / "data", file, ["removed_id", "shard", "row"]):
            context.at(IDLE)
            old = batch.filter(pc.less(batch.column("shard"), base))
            names += list(map(name_of, *(column.to_pylist() for column in old.columns)))
    _write(task, directory, pa.table([sorted(set(names))], schema=NAME_SCHEMA))


def find_touched(task: Task, context: Context, *, directory: PhaseDirectory, base: int) -> None:
    """Components that hold a new document. `task.source`: the members. Memory: 8 bytes each."""
    members: PhaseDirectory = task.source
    found = np.empty(0, np.uint64)
    for file in members.files():
        for batch in read_shard(members.path / "data", file, ["shard", "component"]):
            context.at(IDLE)
            new = batch.filter(pc.greater_equal(batch.column("shard"), base))
            found = np.union1d(found, new.column("component").to_numpy())
    _write(task, directory, pa.table([found], schema=COMPONENT_SCHEMA))


def _write(task: Task, directory: PhaseDirectory, table: pa.Table) -> None:
    groups = regroup(table.to_batches(), max_rows=1 << 16)
    file = write_shard(directory.path / "data", f"{task.name}-{{sha}}.parquet", groups, table.schema)
    counters = Counters(rows_in=file.rows, rows_out=file.rows)
    directory.commit(Commit(task.name, (file,) if file.rows else (), (), counters, {}))


def emit_verdicts(task: Task, context: Context, counters: Counters, *, turn: int) -> Iterator[pa.RecordBatch]:
    """VERDICT_SCHEMA rows of one file of an audit (phase, file), or of an old shard (shard, members, touched)."""
    if len(task.source) == 3:
        shard, members, touched = task.source
        yield _looked_at(shard, members, touched, turn)
        return
    directory, file = task.source
    for batch in read_shard(directory.path / "data", file):
        context.at(IDLE)
        counters.rows_in += batch.num_rows
        counters.rows_out += batch.num_rows
        yield _verdicts(batch, turn + 1)


def _looked_at(shard: int, members: PhaseDirectory, touched: PhaseDirectory, turn: int) -> pa.RecordBatch:
    """Old documents that were compared again: kept, unless the audit says otherwise in the next turn."""
    table = rows_of_shard(members, shard, ["row", "component"])
    rows = table.filter(pc.is_in(table["component"], value_set=touched_components(touched)))["row"].combine_chunks()
    empty = [pa.nulls(len(rows), field.type) for field in AUDIT_SCHEMA]
    places = [pa.array(np.full(len(rows), shard, np.int32)), rows.cast(pa.int64())]
    return _verdicts(pa.RecordBatch.from_arrays([*empty, *places], [*AUDIT_SCHEMA.names, "shard", "row"]), turn)


def _verdicts(audit: pa.RecordBatch, turn: int) -> pa.RecordBatch:
    shards, rows = (audit.column(name).to_numpy() for name in ("shard", "row"))
    keys = pa.array(place_nodes(shards, rows), pa.uint64())
    turns = pa.array(np.full(len(rows), turn, np.int32))
    columns = [keys, turns, *audit.columns, pa.array([""] * len(rows), pa.string())]
    return pa.RecordBatch.from_arrays(columns, schema=VERDICT_SCHEMA)


def reduce_verdicts(rows: Iterator[pa.RecordBatch], *, turn: int, base: int) -> Iterator[pa.RecordBatch]:
    """One row per document whose verdict is news; rows of earlier runs come before those of this one."""
    key, before, now = None, None, None
    for batch in rows:
        found: list[dict[str, Any]] = []
        for row in batch.to_pylist():
            if row["key"] != key:
                found += _news(before, now, base)
                key, before, now = row["key"], None, None
            if row["turn"] < turn:
                before = row
            else:
                now = row
        yield pa.RecordBatch.from_pylist(found, schema=VERDICT_SCHEMA)
    yield pa.RecordBatch.from_pylist(_news(before, now, base), schema=VERDICT_SCHEMA)


def _news(before: dict[str, Any] | None, now: dict[str, Any] | None, base: int) -> list[dict[str, Any]]:
    if now is None:
        return []
    was = before["kept_id"] if before is not None else None
    if now["kept_id"] is not None:
        change = "" if now["shard"] >= base else DISPLACED if was is None else MOVED
        return [] if change and was == now["kept_id"] else [now | {"change": change}]
    if before is None or was is None:
        return []
    return [now | {"removed_id": before["removed_id"], "change": RESTORED}]


def write_evidence(task: Task, context: Context, *, directory: PhaseDirectory) -> None:
    """What verification will want of one shard: the texts that exact dedup left, row for row, and their ranks."""
    source: DocumentShard = task.source
    gone = np.concatenate(
        [np.empty(0, np.int64)]
        + [
            rows_of_shard(r.directory, source.index, ["row"])["row"].to_numpy().astype(np.int64)
            for r in source.removals
        ]
    )
    counters = Counters()
    file = write_shard(
        directory.path / "data",
        f"{task.name}-{{sha}}.parquet",
        regroup(_evidence(source, gone, context, counters)),
        EVIDENCE_SCHEMA,
    )
    directory.commit(Commit(task.name, (file,), (), counters, {}))


def _evidence(
    source: DocumentShard, gone: np.ndarray, context: Context, counters: Counters
) -> Iterator[pa.RecordBatch]:
    row = 0
    for file in source.files:
        for batch in read_shard(source.directory.path / "data", file, EVIDENCE_SCHEMA.names):
            context.at(IDLE)
            counters.rows_in += batch.num_rows
            counters.rows_out += batch.num_rows
            removed = pa.array(np.isin(np.arange(row, row + batch.num_rows), gone))
            row += batch.num_rows
            ids, texts, *rest = batch.select(EVIDENCE_SCHEMA.names).columns
            texts = pc.if_else(removed, pa.scalar(None, pa.string()), texts)
            yield pa.RecordBatch.from_arrays([ids, texts, *rest], schema=EVIDENCE_SCHEMA)


def copy_part(task: Task, context: Context, *, directory: PhaseDirectory) -> None:
    """Copy one file of this run into the index; `task.source` is (from, to)."""
    source, target = task.source
    context.at(IDLE)
    copy_whole(source, target)
    directory.commit(Commit(task.name, (), (), Counters(), {}))


def copy_whole(source: Path, target: Path) -> None:
    """Copy a file so that readers see all of it or nothing, whichever of the two is in an object store."""
    if isinstance(source, StorePath) and isinstance(target, StorePath):
        copy_file(source, target)
    elif isinstance(target, StorePath):
        put_file(source, target)
    else:
        part = target.with_name(f".{target.name}.part")
        with writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            with source.open("rb") as content, part.open("wb") as out:
                shutil.copyfileobj(content, out)
            part.replace(target)
