"""Rows of users' files that cannot be used: counted as rejects of the reading phase, kept there with their places."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import InputError
from pipeline.io.commit import PhaseDirectory
from pipeline.io.inputs import Input
from pipeline.io.shards import ShardFile, ShardWriter, writing
from pipeline.io.user_tables import BadRow
from pipeline.stage import Counters

READ, REJECT = "read", "reject"
SINK_ROWS = 1024
REJECT_SCHEMA = pa.schema(
    [
        ("file", pa.string()),
        ("line", pa.int64()),  # of JSON lines; of Parquet the number of the row; from 1
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("start", pa.string()),  # how the row begins
    ]
)


@dataclass(slots=True)
class BadRows:
    """Collects the bad rows of one input; `files` holds them when the block of `bad_rows` has ended."""

    path: str
    counters: Counters
    strict: bool
    write: Callable[[list[BadRow]], None]
    pending: list[BadRow] = field(default_factory=list)
    files: tuple[ShardFile, ...] = ()

    def add(self, rows: Sequence[BadRow]) -> None:
        """Count and keep some.

        Raises:
            InputError: strict, and there is one.
        """
        if rows and self.strict:
            bad = rows[0]
            where, hint = f"{self.path}:{bad.number}", "mend the row, or leave out --strict, and it is recorded"
            raise InputError(f"{bad.reason}: {bad.detail}", where=where, expected="a row that can be used", hint=hint)
        self.counters.rows_in += len(rows)
        for bad in rows:
            self.counters.reject(READ, bad.reason)
        self.pending += rows
        if len(self.pending) >= SINK_ROWS:
            self.write(self.pending)
            self.pending = []


@contextmanager
def bad_rows(
    directory: PhaseDirectory, task: str, source: Input, counters: Counters, *, strict: bool
) -> Iterator[BadRows]:
    """What collects the bad rows of one input; the file exists only if there are any.

    Args:
        directory: of the reading phase.
        task: of the input.
        source: the input.
        counters: where they are counted.
        strict: the first bad row is an error.
    """
    folder = directory.path / REJECT
    writers: list[ShardWriter] = []

    def write(rows: list[BadRow]) -> None:
        if not writers:
            writers.append(ShardWriter(folder, f"{task}-{{sha}}.parquet", REJECT_SCHEMA))
        columns = zip(*((source.name, *row) for row in rows), strict=True)
        arrays = [pa.array(column, f.type) for column, f in zip(columns, REJECT_SCHEMA, strict=True)]
        writers[0].write(pa.Table.from_arrays(arrays, schema=REJECT_SCHEMA))

    bad = BadRows(source.path, counters, strict, write)
    with writing(folder):
        try:
            yield bad
            if bad.pending:
                write(bad.pending)
            bad.files = tuple(writer.close() for writer in writers)
        finally:
            for writer in writers:
                writer.abandon()


def require_some(read: PhaseDirectory, counters: Counters, names: str = '"id" and "text"') -> None:
    """Refuse inputs without a single row that can be used; `names` are the columns that rows need.

    Raises:
        InputError: every row was bad; the first is named.
    """
    if counters.rows_out or not counters.rejected:
        return
    first = next(rejected_rows(read))
    raise InputError(
        f"none of {counters.rows_in:,} rows can be used; the first: {first['reason']}, {first['detail']}",
        where=f"{first['file']}:{first['line']}",
        expected=f"rows with {names}: JSON objects, one a line (also .gz, .zst), or Parquet",
        hint="choose another folder with -o and name other inputs",
    )


def rejected_rows(read: PhaseDirectory) -> Iterator[dict[str, Any]]:
    """Rejected rows of a reading phase, in order of inputs and lines."""
    for commit in read.commits():
        for file in commit.reject:
            with pq.ParquetFile(read.path / REJECT / file.path) as parquet:
                for batch in parquet.iter_batches():
                    yield from batch.to_pylist()
