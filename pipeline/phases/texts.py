"""Users' texts on their way to tokens: slim shards with the columns that token rows have, and documents out of them.

Unlike the other verbs over tables, tokenizing needs no ids: a row without one is named by its file and number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.document import Document
from pipeline.errors import InputError
from pipeline.io.commit import Commit, PhaseDirectory
from pipeline.io.inputs import basename
from pipeline.io.shards import read_shard, regroup, write_shard
from pipeline.io.user_tables import is_parquet, json_batch, json_rows, json_schema, parquet_batches, parquet_schema
from pipeline.phases.documents import DocumentShard
from pipeline.phases.tables import parts_of
from pipeline.stage import Context, Counters, Task
from pipeline.text.spans import markdown_to_blocks, scan_formulas

TEXTS_VERSION = 1
OPTIONAL = ("url", "source", "crawl_time", "language", "cluster_id")
COLUMNS = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.string()),
        ("quality", pa.float64()),
        *((name, pa.string()) for name in OPTIONAL),
    ]
)
_HINT = (
    '"text" names the column with the text (--text-column); "id", "quality" and others are used where they are there'
)
_MARKS = ("$", "```", "~~~")  # without one of these a text has neither formulas nor code blocks


@dataclass(frozen=True, slots=True)
class TextColumns:
    """Which columns of the user's rows to read. `source` is the source of rows that name none."""

    text: str = "text"
    id: str = "id"
    source: str = ""


def read_texts(task: Task, context: Context, *, directory: PhaseDirectory, columns: TextColumns) -> None:
    """Write the slim shards of one input; `task.source` is its path.

    Raises:
        InputError: no column with text, a text that is no string, or a line that is no JSON object.
    """
    path: str = task.source
    counters, files = Counters(), []
    for number, part in enumerate(parts_of(_slim(path, context, counters, columns))):
        name = f"{task.name}-{number:04d}-{{sha}}.parquet"
        files.append(write_shard(directory.path / "data", name, regroup(part), COLUMNS))
    directory.commit(Commit(task.name, tuple(files), (), counters, {}))


def _slim(path: str, context: Context, counters: Counters, columns: TextColumns) -> Iterator[pa.RecordBatch]:
    for batch in _batches(path, columns):
        context.at(counters.rows_in)
        slim = _columns(batch, path, counters.rows_in, columns)
        counters.rows_in += batch.num_rows
        counters.rows_out += batch.num_rows
        counters.tallies["null_text"] += slim.column("text").null_count
        yield slim


def _batches(path: str, columns: TextColumns) -> Iterator[pa.RecordBatch]:
    wanted = {columns.text, columns.id, "quality", *OPTIONAL}
    if is_parquet(path):
        known = parquet_schema(path).names
        _require_text(known, path, columns)
        yield from parquet_batches(path, [name for name in known if name in wanted])
        return
    for rows in json_rows(path):
        kept = [{name: value for name, value in row.items() if name in wanted} for row in rows]
        batch = json_batch(kept, json_schema([kept]))
        _require_text(batch.schema.names, path, columns)
        yield batch


def _require_text(names: list[str], path: str, columns: TextColumns) -> None:
    if columns.text not in names:
        found = ", ".join(names[:12])
        what = f"has no column {columns.text!r}"
        raise InputError(what, where=path, expected=f"{columns.text!r} among {found}", hint=_HINT)


def _columns(batch: pa.RecordBatch, path: str, first: int, columns: TextColumns) -> pa.RecordBatch:
    text = _strings(batch, columns.text)
    if text is None:
        what = f"column {columns.text!r} is {batch.column(columns.text).type}"
        raise InputError(what, where=path, expected="strings", hint=_HINT)
    made = {"id": _ids(batch, path, first, columns.id), "text": text, "quality": _numbers(batch, "quality")}
    for name in OPTIONAL:
        found = _strings(batch, name)
        made[name] = pa.nulls(batch.num_rows, pa.string()) if found is None else found
    if columns.source:
        made["source"] = pc.fill_null(made["source"], columns.source)
    return pa.RecordBatch.from_arrays([made[name] for name in COLUMNS.names], schema=COLUMNS)


def _strings(batch: pa.RecordBatch, name: str) -> pa.Array | None:
    """A column of strings, None where there is none or it holds something else; one of nulls only is one."""
    if name not in batch.schema.names:
        return None
    column = batch.column(name)
    type_ = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    stringlike = pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_)
    return column.cast(pa.string()) if stringlike or pa.types.is_null(type_) else None


def _numbers(batch: pa.RecordBatch, name: str) -> pa.Array:
    column = batch.column(name) if name in batch.schema.names else pa.nulls(batch.num_rows)
    numeric = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
    return column.cast(pa.float64()) if numeric else pa.nulls(batch.num_rows, pa.float64())


def _ids(batch: pa.RecordBatch, path: str, first: int, name: str) -> pa.Array:
    """Ids as strings; a row without one is named by file and number, which no two rows share."""
    own = pa.array([f"{basename(path)}:{first + i}" for i in range(batch.num_rows)], pa.string())
    column = batch.column(name) if name in batch.schema.names else None
    if column is not None and pa.types.is_integer(column.type):
        return pc.coalesce(column.cast(pa.string()), own)
    found = _strings(batch, name)
    return own if found is None else pc.if_else(pc.fill_null(pc.equal(found, ""), True), own, found)


def text_documents(source: DocumentShard, context: Context, counters: Counters) -> Iterator[Document]:
    """Documents of one slim shard; rows without text are counted as rejects."""
    number = -1
    for file in source.files:
        for batch in read_shard(source.directory.path / "data", file, COLUMNS.names):
            for row in batch.to_pylist():
                number += 1
                context.at(number)
                counters.rows_in += 1
                if number in context.skip:
                    counters.failed += 1
                elif row["text"] is None:
                    counters.reject("tokenize", "no_text")
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
