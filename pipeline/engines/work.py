"""What a task does, whichever engine runs it: map documents, spill sorted rows, reduce one partition.

Every function here is run by name in a worker process, reads committed files, and ends in one commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.arrow_document import SCHEMA, to_batch
from pipeline.document import Document
from pipeline.io.commit import Commit, PhaseDirectory
from pipeline.io.exchange import merge_runs, sorted_runs
from pipeline.io.shards import ShardFile, ShardWriter, regroup, write_shard, writing
from pipeline.stage import IDLE, Context, Counters, Task

Produce = Callable[[Task, Context, Counters], Iterator[Document]]
Emit = Callable[[Task, Context, Counters], Iterator[pa.RecordBatch]]
Reduce = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]

SINK_ROWS = 256
SINK_BYTES = 8 << 20


class DocumentSink:
    """Collects documents into row groups of one Parquet file; the file exists only if a document came."""

    def __init__(self, directory: Path, task: str) -> None:
        self._directory, self._task = directory, task
        self._writer: ShardWriter | None = None
        self._rows: list[Document] = []
        self._bytes = 0

    def add(self, document: Document) -> None:
        self._rows.append(document)
        self._bytes += 4 * len(document.text)
        if len(self._rows) >= SINK_ROWS or self._bytes >= SINK_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._writer is None:
            self._writer = ShardWriter(self._directory, f"{self._task}-{{sha}}.parquet", SCHEMA)
        self._writer.write(pa.Table.from_batches([to_batch(self._rows)]))
        self._rows, self._bytes = [], 0

    def close(self) -> tuple[ShardFile, ...]:
        if self._rows:
            self._flush()
        return (self._writer.close(),) if self._writer else ()

    def abandon(self) -> None:
        if self._writer:
            self._writer.abandon()


def map_documents(task: Task, context: Context, *, directory: PhaseDirectory, produce: Produce) -> None:
    """Write the documents of `produce`, kept and rejected apart, and commit.

    `produce` counts rows_in, skipped and tallies; fates are counted here, so that none can be forgotten.
    """
    counters = Counters()
    with writing(directory.path):
        kept = DocumentSink(directory.path / "data", task.name)
        rejected = DocumentSink(directory.path / "reject", task.name)
        try:
            for document in produce(task, context, counters):
                _count_fate(document, counters)
                (rejected if document.rejected else kept).add(document)
            context.at(IDLE)
            commit = Commit(task.name, kept.close(), rejected.close(), counters, {})
        finally:
            kept.abandon()
            rejected.abandon()
    directory.commit(commit)


def _count_fate(document: Document, counters: Counters) -> None:
    if not document.rejected:
        counters.rows_out += 1
    elif document.reject_stage == POISON:
        counters.failed += 1
        counters.tallies[f"{POISON}:{document.reject_reason}"] += 1
    else:
        counters.reject(document.reject_stage, document.reject_reason)


POISON = "poison"


@dataclass(frozen=True, slots=True)
class Sorting:
    """How an exchange orders rows: by `key` (uint64, decides the partition), then by `then`."""

    key: str
    then: tuple[str, ...]


def spill(task: Task, context: Context, *, directory: PhaseDirectory, emit: Emit, sorting: Sorting) -> None:
    """Write the rows of `emit` as sorted runs and commit them. Rows out are the rows spilled."""
    counters = Counters()
    batches = _idle_between(emit(task, context, counters), context)
    runs = tuple(sorted_runs(directory.path / "data", task.name, batches, [sorting.key, *sorting.then]))
    directory.commit(Commit(task.name, runs, (), counters, {"rows": sum(run.rows for run in runs)}))


def _idle_between(batches: Iterable[pa.RecordBatch], context: Context) -> Iterator[pa.RecordBatch]:
    """Runs are sorted and written between batches, to a slow store perhaps: that is no record's time."""
    for batch in batches:
        context.at(IDLE)
        yield batch


@dataclass(frozen=True, slots=True)
class Partition:
    """Rows whose key lies in [index, index + 1) * 2^64 / count, in every run of the spill phase."""

    spill: PhaseDirectory
    index: int
    count: int
    beside: tuple[PhaseDirectory, ...] = ()  # spills of an index that take part

    @property
    def runs(self) -> tuple[ShardFile, ...]:
        """Looked up where the task runs: there may be 100,000, and as many tasks."""
        return self.spill.files()

    @property
    def runs_beside(self) -> list[tuple[Path, ShardFile]]:
        """The same of the index."""
        return [(phase.path / "data", run) for phase in self.beside for run in phase.files()]


def reduce_partition(
    task: Task,
    context: Context,
    *,
    directory: PhaseDirectory,
    reduce: Reduce,
    sorting: Sorting,
    schema: pa.Schema,
    grouping: dict[str, Any],
    no_dictionary: tuple[str, ...] = (),
) -> None:
    """Merge one partition of the spilled runs, reduce it, write one Parquet file and commit."""
    part: Partition = task.source
    counters = Counters()
    order = [sorting.key, *sorting.then]
    rows = merge_runs(part.spill.path / "data", part.runs, part.index, part.count, order, part.runs_beside)
    reduced = reduce(_counted(rows, counters, context))
    file = write_shard(
        directory.path / "data",
        f"{task.name}-{{sha}}.parquet",
        regroup(reduced, **grouping),
        schema,
        no_dictionary=no_dictionary,
    )
    counters.tallies["rows"] = file.rows
    counters.rows_out = counters.rows_in  # a reducer answers for its rows in its own output, e.g. an audit
    directory.commit(Commit(task.name, (file,) if file.rows else (), (), counters, {}))


def _counted(batches: Iterable[pa.RecordBatch], counters: Counters, context: Context) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        counters.rows_in += batch.num_rows
        context.at(IDLE)  # progress, but no single record to blame or to time
        yield batch
