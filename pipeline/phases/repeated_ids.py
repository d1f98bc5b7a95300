"""Rows of users' files with an id that an earlier row has: found by an exchange, and recorded with their places.

Audits, takedowns and the shuffle name rows by id, so an id names one row. The first by order of files and lines stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.errors import InputError
from pipeline.io.commit import PhaseDirectory
from pipeline.io.shards import read_shard
from pipeline.phases.bad_rows import REJECT_SCHEMA
from pipeline.phases.placed import DocumentShard
from pipeline.stage import Context, Counters, Task
from pipeline.text.words import stable_hash

DUPLICATE_ID = "duplicate_id"
# no line, for indexes hold such rows and are merged with them; a repeat is an error there
ID_SCHEMA = pa.schema([("key", pa.uint64()), ("id", pa.string()), ("shard", pa.int32()), ("row", pa.int64())])
ID_ORDER = ("id", "shard", "row")
PLACED_REJECTS = pa.schema([*REJECT_SCHEMA, ("shard", pa.int32()), ("row", pa.int64()), ("rule", pa.string())])
Place = tuple[str, int, int, int]  # id, shard, row, line


def emit_ids(task: Task, context: Context, counters: Counters, *, lines: bool) -> Iterator[pa.RecordBatch]:
    """ID_SCHEMA rows of one slim shard, with `lines` also the column `line`."""
    source: DocumentShard = task.source
    row = 0
    for file in source.files:
        for batch in read_shard(source.directory.path / "data", file, ["id", "line"]):
            context.at(row)
            counters.rows_in += batch.num_rows
            counters.rows_out += batch.num_rows
            ids = batch.column("id")
            keys = pa.array([stable_hash(id_) for id_ in ids.to_pylist()], pa.uint64())
            shard, rows = np.full(len(ids), source.index, np.int32), np.arange(row, row + len(ids))
            made = pa.RecordBatch.from_arrays([keys, ids, pa.array(shard), pa.array(rows)], schema=ID_SCHEMA)
            yield made.append_column("line", batch.column("line")) if lines else made
            row += len(ids)


def reduce_ids(rows: Iterator[pa.RecordBatch], *, names: Sequence[str], strict: bool) -> Iterator[pa.RecordBatch]:
    """PLACED_REJECTS of the rows whose id an earlier row has; `names[shard]` is the input that a shard is of.

    Raises:
        InputError: strict, and there is one.
    """
    first: Place = ("", -1, -1, -1)
    for batch in rows:
        found = []
        for place in zip(*(batch.column(name).to_pylist() for name in (*ID_ORDER, "line")), strict=True):
            if first[1] < 0 or place[0] != first[0]:
                first = place
            else:
                found.append(_reject(first, place, names, strict=strict))
        columns = list(zip(*found, strict=True)) or [()] * len(PLACED_REJECTS)
        arrays = [pa.array(column, field.type) for column, field in zip(columns, PLACED_REJECTS, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, schema=PLACED_REJECTS)


def _reject(first: Place, again: Place, names: Sequence[str], *, strict: bool) -> tuple[object, ...]:
    id_, shard, row, line = again
    before = f"{names[first[1]]}:{first[3]}"
    if strict:
        raise InputError(
            f"the id {id_!r} names two rows",
            where=f"{before} and {names[shard]}:{line}",
            expected="ids that differ",
            hint="mend the ids, or leave out --strict, and the later row is recorded",
        )
    return names[shard], line, DUPLICATE_ID, f"the id {id_!r} is that of {before}", "", shard, row, DUPLICATE_ID


def repeated_rows(ids: PhaseDirectory) -> Iterator[dict[str, Any]]:
    """Rows of the finished phase, with the columns of REJECT_SCHEMA."""
    for file in ids.files():
        for batch in read_shard(ids.path / "data", file, REJECT_SCHEMA.names):
            yield from batch.to_pylist()


def require_new_ids(rows: Iterator[pa.RecordBatch], *, names: Sequence[str], base: int) -> Iterator[pa.RecordBatch]:
    """Nothing, or an error, for a run with an index, whose shards are those below `base`; `names` begin at `base`.

    Raises:
        InputError: two rows have one id, or one has an id of the index.
    """
    last: tuple[str, int, int] | None = None
    for batch in rows:
        for id_, shard, row in zip(*(batch.column(name).to_pylist() for name in ID_ORDER), strict=True):
            if last is not None and last[0] == id_ and shard >= base:
                raise _known_id(id_, last, names[shard - base], names, base)
            last = (id_, shard, row)
    yield from ()


def _known_id(id_: str, before: tuple[str, int, int], name: str, names: Sequence[str], base: int) -> InputError:
    known = before[1] < base
    return InputError(
        f"the id {id_!r} is in the index already" if known else f"the id {id_!r} names two rows",
        where=name if known else f"{names[before[1] - base]} and {name}",
        expected="ids that no earlier run and no other row has: the audit names documents by them",
        hint="leave out what was deduplicated before, or put the crawl's name in front of its ids",
    )
