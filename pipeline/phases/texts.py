"""Users' texts on their way to tokens: slim shards with the columns that token rows have, and documents out of them.

Unlike the other verbs over tables, tokenizing needs no ids: a row without one is named by its file and number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.document import Document
from pipeline.errors import InputError
from pipeline.io.commit import Commit, PhaseDirectory
from pipeline.io.inputs import Input
from pipeline.io.shards import read_shard, regroup, write_shard
from pipeline.io.user_tables import (
    BadRow,
    Fault,
    Row,
    bad_texts,
    is_parquet,
    json_batch,
    json_rows,
    number_of,
    parquet_batches,
    parquet_schema,
)
from pipeline.phases.bad_rows import BadRows, bad_rows
from pipeline.phases.placed import DocumentShard, rows_of_shard
from pipeline.phases.repeated_ids import DUPLICATE_ID
from pipeline.phases.table_rows import Slim, numbers, strings, unlike
from pipeline.phases.tables import parts_of
from pipeline.stage import Context, Counters, Task
from pipeline.text.spans import markdown_to_blocks, scan_formulas

TEXTS_VERSION = 3
OPTIONAL = ("url", "source", "crawl_time", "language", "cluster_id")
COLUMNS = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.string()),
        ("quality", pa.float64()),
        ("line", pa.int64()),
        *((name, pa.string()) for name in OPTIONAL),
    ]
)
_HINT = (
    '"text" names the column with the text (--text-column); "id", "quality" and others are used where they are there'
)
_MARKS = ("$", "```", "~~~")  # without one of these a text has neither formulas nor code blocks


@dataclass(frozen=True, slots=True)
class TextColumns:
    """Which columns of the user's rows to read. `source` is the source of rows that name none; no `id`, no ids."""

    text: str = "text"
    id: str = "id"
    source: str = ""
    max_chars: int = 4_000_000  # of a text


def read_texts(
    task: Task, context: Context, *, directory: PhaseDirectory, columns: TextColumns, strict: bool = False
) -> None:
    """Write the slim shards of one input; `task.source` is an Input.

    Rows that cannot be used are counted as rejects and kept with their places (pipeline.phases.bad_rows).

    Raises:
        InputError: it cannot be read, or is Parquet without a column of texts; with `strict` also where a row cannot be
            used.
    """
    source: Input = task.source
    counters, files = Counters(), []
    with bad_rows(directory, task.name, source, counters, strict=strict) as bad:
        for number, part in enumerate(parts_of(_slim(source, context, counters, columns, bad))):
            name = f"{task.name}-{number:04d}-{{sha}}.parquet"
            files.append(write_shard(directory.path / "data", name, regroup(part), COLUMNS))
    directory.commit(Commit(task.name, tuple(files), bad.files, counters, {}))


def _slim(
    source: Input, context: Context, counters: Counters, columns: TextColumns, bad: BadRows
) -> Iterator[pa.RecordBatch]:
    for batch, rejected in _parquet(source, columns) if is_parquet(source.path) else _json(source, columns):
        context.at(counters.rows_in)
        bad.add(rejected)
        counters.rows_in += batch.num_rows
        counters.rows_out += batch.num_rows
        yield batch


def _json(source: Input, columns: TextColumns) -> Iterator[Slim]:
    for rows in json_rows(source.path, partial(_fault, columns=columns)):
        slim = [_row(row, source.name, number, columns) for row, number in zip(rows.good, rows.numbers, strict=True)]
        yield json_batch(slim, COLUMNS), rows.bad


def _fault(row: Row, columns: TextColumns) -> Fault | None:
    text = row.get(columns.text)
    return _text_fault(text, columns) if isinstance(text, str) else ("no_text", unlike(columns.text, row))


def _text_fault(text: str, columns: TextColumns) -> Fault | None:
    if not text or text.isspace():
        return "blank", f"{columns.text!r} is blank"
    if len(text) > columns.max_chars:
        return "too_long", f"{len(text):,} characters of text, at most {columns.max_chars:,} fit"
    return None


def _row(row: Row, name: str, number: int, columns: TextColumns) -> Row:
    """The columns of a row of JSON lines; optional ones that are no strings count as absent."""
    texts: Row = {name: value if isinstance(value := row.get(name), str) else None for name in OPTIONAL}
    texts["source"] = texts["source"] or columns.source or None
    id_ = row.get(columns.id)
    known = str(id_) if isinstance(id_, (str, int)) and not isinstance(id_, bool) else ""
    own = {"id": known or _name(name, number), "text": row[columns.text], "quality": number_of(row.get("quality"))}
    return own | {"line": number} | texts


def _name(name: str, number: int) -> str:
    """The id of a row without one: file and line (row of Parquet), which no two rows share."""
    return f"{name}:{number}"


def _parquet(source: Input, columns: TextColumns) -> Iterator[Slim]:
    path = source.path
    known, number = parquet_schema(path), 1
    if columns.text not in known.names:
        found = ", ".join(known.names[:12])
        what = f"has no column {columns.text!r}"
        raise InputError(what, where=path, expected=f"{columns.text!r} among {found}", hint=_HINT)
    if not strings(type_ := known.field(columns.text).type) and not pa.types.is_null(type_):
        raise InputError(f"column {columns.text!r} is {type_}", where=path, expected="strings", hint=_HINT)
    wanted = {columns.text, columns.id, "quality", *OPTIONAL}
    for batch in parquet_batches(path, [name for name in known.names if name in wanted]):
        faults = bad_texts(batch, [name for name in batch.schema.names if name != "quality"])
        for i in pc.indices_nonzero(pc.is_null(batch.column(columns.text))).to_pylist():
            faults.setdefault(i, ("no_text", f"{columns.text!r} is null"))
        texts = batch.column(columns.text)
        for i in range(batch.num_rows):
            if i not in faults and (fault := _text_fault(texts[i].as_py(), columns)):
                faults[i] = fault
        lines = pa.array([number + i for i in range(batch.num_rows) if i not in faults], pa.int64())
        sound = pa.array([i not in faults for i in range(batch.num_rows)], pa.bool_())
        slim = _columns(batch.filter(sound), lines, source.name, columns)
        yield slim, [BadRow(number + i, *fault, "") for i, fault in sorted(faults.items())]
        number += batch.num_rows


def _columns(batch: pa.RecordBatch, lines: pa.Array, name: str, columns: TextColumns) -> pa.RecordBatch:
    """The columns of rows of Parquet; those without id are named by `name` and line."""
    names = pa.array([_name(name, line) for line in lines.to_pylist()], pa.string())
    made = {name: _strings(batch, name) for name in OPTIONAL} | {"text": _strings(batch, columns.text), "line": lines}
    made["id"] = _ids(batch, names, columns.id)
    known = "quality" in batch.schema.names
    made["quality"] = numbers(batch.column("quality") if known else pa.nulls(batch.num_rows))
    if columns.source:
        made["source"] = pc.fill_null(made["source"], columns.source)
    return pa.RecordBatch.from_arrays([made[name] for name in COLUMNS.names], schema=COLUMNS)


def _strings(batch: pa.RecordBatch, name: str) -> pa.Array:
    """A column of strings; nulls where there is none or it holds something else."""
    if name not in batch.schema.names or not strings(batch.column(name).type):
        return pa.nulls(batch.num_rows, pa.string())
    return batch.column(name).cast(pa.string())


def _ids(batch: pa.RecordBatch, names: pa.Array, name: str) -> pa.Array:
    """Ids as strings; a row without one has its name."""
    if name in batch.schema.names and pa.types.is_integer(batch.column(name).type):
        return pc.coalesce(batch.column(name).cast(pa.string()), names)
    found = _strings(batch, name)
    return pc.if_else(pc.fill_null(pc.equal(found, ""), True), names, found)


def text_documents(source: DocumentShard, context: Context, counters: Counters) -> Iterator[Document]:
    """Documents of one slim shard, without those that were removed for the id of an earlier one."""
    parts = [rows_of_shard(removed.directory, source.index, ["row"]) for removed in source.removals]
    gone = {row for part in parts for row in part["row"].to_pylist()}
    number = -1
    for file in source.files:
        for batch in read_shard(source.directory.path / "data", file, COLUMNS.names):
            for row in batch.to_pylist():
                number += 1
                context.at(number)
                counters.rows_in += 1
                if number in gone:
                    counters.reject("tokenize", DUPLICATE_ID)
                elif number in context.skip:
                    counters.failed += 1
                else:
                    yield _document(row)


def _document(row: dict[str, str | float | None]) -> Document:
    """Code blocks and formulas are found again in the text, for the statistics of tokens by kind."""
    values = {name: row[name] or "" for name in ("id", "text", *OPTIONAL)}
    made = Document(warc_path="", offset=0, quality=row["quality"], **values)  # type: ignore[arg-type]
    if any(mark in made.text for mark in _MARKS):
        made.blocks = markdown_to_blocks(made.text)
        made.formulas = scan_formulas(made.text, made.blocks)
    return made
