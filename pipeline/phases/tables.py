"""Tasks over users' tables: copy what comparisons need, write the kept rows.

The user's rows are read twice, at the beginning and at the end. In between, phases see slim shards with COLUMNS, in
which a document is named "<id>@<shard>:<row>" as in the main job. Kept rows have every column of the input, unchanged.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from pipeline.errors import InputError
from pipeline.io.commit import Commit, PhaseDirectory
from pipeline.io.inputs import Input
from pipeline.io.shards import PASSING, regroup, write_shard
from pipeline.io.user_tables import Types
from pipeline.phases.bad_rows import BadRows, bad_rows
from pipeline.phases.placed import DocumentShard, Removals, rows_of_shard
from pipeline.phases.table_rows import COLUMNS, slim_batches, table_schema, whole_batches
from pipeline.stage import Context, Counters, Task

TABLES_VERSION = 3
SHARD_BYTES = 64 << 20  # of text per slim shard: the unit of parallel work


@dataclass(frozen=True, slots=True)
class Table:
    """One input: its path and name, the schema of its rows (serialised) and its slim shards, in order of rows."""

    path: str
    name: str
    schema: str
    shards: tuple[DocumentShard, ...]

    @property
    def rows(self) -> int:
        return sum(file.rows for shard in self.shards for file in shard.files)

    @property
    def arrow_schema(self) -> pa.Schema:
        return pa.ipc.read_schema(pa.py_buffer(b64decode(self.schema)))


def read_table(task: Task, context: Context, *, directory: PhaseDirectory, strict: bool = False) -> None:
    """Check one input and write its slim shards; `task.source` is an Input. Facts: the schema of its rows.

    Rows that cannot be used are counted as rejects and kept with their places (pipeline.phases.bad_rows).

    Raises:
        InputError: it cannot be read, or is Parquet without a column or with one of the wrong type; with `strict` also
            where a row cannot be used.
    """
    source: Input = task.source
    counters, files = Counters(), []
    types: Types = {}
    with bad_rows(directory, task.name, source, counters, strict=strict) as bad:
        for number, part in enumerate(parts_of(_slim_batches(source.path, types, context, counters, bad))):
            name = f"{task.name}-{number:04d}-{{sha}}.parquet"
            files.append(write_shard(directory.path / "data", name, regroup(part), COLUMNS, **PASSING))
    schema = table_schema(source.path, types)
    facts = {"schema": b64encode(schema.serialize().to_pybytes()).decode()}
    directory.commit(Commit(task.name, tuple(files), bad.files, counters, facts))


def _slim_batches(
    path: str, types: Types, context: Context, counters: Counters, bad: BadRows
) -> Iterator[pa.RecordBatch]:
    for batch, rejected in slim_batches(path, types):
        context.at(counters.rows_in)
        bad.add(rejected)
        counters.rows_in += batch.num_rows
        counters.rows_out += batch.num_rows
        counters.tallies["null_text"] += batch.column("text").null_count
        yield batch


def parts_of(batches: Iterator[pa.RecordBatch]) -> Iterator[Iterator[pa.RecordBatch]]:
    """The stream cut into consecutive streams of about SHARD_BYTES; each must be read before the next."""
    first = next(batches, None)
    while first is not None:
        follow: list[pa.RecordBatch] = []
        yield _until_full(first, batches, follow)
        first = follow[0] if follow else None


def _until_full(
    first: pa.RecordBatch, batches: Iterator[pa.RecordBatch], follow: list[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    yield first
    size = first.nbytes
    for batch in batches:
        if size >= SHARD_BYTES:
            follow.append(batch)
            return
        size += batch.nbytes
        yield batch


Change = Callable[[pa.RecordBatch, int], pa.RecordBatch]  # rows of the input, number of the first: the rows to keep


def write_kept(
    task: Task,
    context: Context,
    *,
    directory: PhaseDirectory,
    folder: Path,
    removals: Sequence[Removals],
    stage: str,
    change: Callable[[Table], Change] | None = None,
) -> None:
    """Read one input again and write its rows but the removed ones; `task.source` is its Table.

    `change` edits batches of the input before rows go, e.g. cuts passages. Rejected rows are counted by rule, tallies
    count rows by source ("in:<source>", "lost:<source>").
    """
    table: Table = task.source
    counters = Counters()
    schema = table.arrow_schema
    rules = _rules_by_row(table, removals)
    edit = change(table) if change else None
    batches = _kept_batches(table, schema, rules, edit, context, counters, stage)
    file = write_shard(folder, f"{task.name}-{{sha}}.parquet", regroup(batches), schema)
    if counters.rows_in != table.rows:
        raise InputError(
            f"has {counters.rows_in:,} rows now", where=table.path, expected=f"{table.rows:,}, as when this run began"
        )
    directory.commit(Commit(task.name, (file,), (), counters, {}))


def _kept_batches(
    table: Table,
    schema: pa.Schema,
    rules: Mapping[int, str],
    edit: Change | None,
    context: Context,
    counters: Counters,
    stage: str,
) -> Iterator[pa.RecordBatch]:
    for batch in whole_batches(table.path, schema):
        first = counters.rows_in
        context.at(first)
        counters.rows_in += batch.num_rows
        rejected = [rules.get(row, "") for row in range(first, counters.rows_in)]
        _tally_sources(batch, rejected, counters)
        for rule in filter(None, rejected):
            counters.reject(stage, rule)
        if edit:
            batch = edit(batch, first)
        kept = batch.filter(pa.array([not rule for rule in rejected], pa.bool_()))
        counters.rows_out += kept.num_rows
        yield kept


def _tally_sources(batch: pa.RecordBatch, rejected: list[str], counters: Counters) -> None:
    if "source" not in batch.schema.names:
        return
    for source, rule in zip(batch.column("source").to_pylist(), rejected, strict=True):
        if isinstance(source, str) and source:
            counters.tallies[f"in:{source}"] += 1
            counters.tallies[f"lost:{source}"] += bool(rule)


def _rules_by_row(table: Table, removals: Sequence[Removals]) -> dict[int, str]:
    """Row of the input -> why it goes."""
    found: dict[int, str] = {}
    before = 0
    for part in table.shards:
        for audit in removals:
            rows = rows_of_shard(audit.directory, part.index, ["row", "rule"])
            found.update((before + row["row"], row["rule"]) for row in rows.to_pylist())
        before += sum(file.rows for file in part.files)
    return found
