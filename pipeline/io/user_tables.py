"""Rows of a user's file: JSON lines (also .gz) or Parquet, in batches of bounded size, every column kept.

Parquet keeps its own schema. JSON lines get one schema per file: the types of all its rows joined; a column whose rows
have no common type is one of strings, with other values as JSON text. Lone surrogates, which neither UTF-8 nor Arrow
can hold, become U+FFFD.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import InputError
from pipeline.io.byte_source import open_file

BATCH_ROWS = 512
BATCH_BYTES = 4 << 20
PARQUET_MAGIC = b"PAR1"
GZIP_MAGIC = b"\x1f\x8b"
JSON_TEXT = {b"warcmill": b"json"}  # metadata of a column whose values are JSON text where they are no strings
Row = dict[str, Any]


def is_parquet(path: str) -> bool:
    """By its first bytes."""
    with _open(path) as file:
        return file.read(4) == PARQUET_MAGIC


def json_rows(path: str) -> Iterator[list[Row]]:
    """Batches of the objects of a JSON lines file; blank lines are skipped.

    Raises:
        InputError: a line is no JSON object (where: file:line), or the file cannot be read.
    """
    batch: list[Row] = []
    size = 0
    for number, line in _lines(path):
        batch.append(_parsed(line, f"{path}:{number}"))
        size += len(line)
        if len(batch) == BATCH_ROWS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def json_schema(batches: Iterable[list[Row]]) -> pa.Schema:
    """One schema for all rows, columns in order of first appearance."""
    types: dict[str, pa.DataType | None] = {}
    for rows in batches:
        for name in dict.fromkeys(key for row in rows for key in row):
            known = types.get(name, pa.null())
            types[name] = None if known is None else _joined(known, [row.get(name) for row in rows])
    return pa.schema([_field(name, type_) for name, type_ in types.items()])


def json_batch(rows: list[Row], schema: pa.Schema) -> pa.RecordBatch:
    """Rows as one batch with the file's schema."""
    columns = [_column([row.get(field.name) for row in rows], field) for field in schema]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def parquet_schema(path: str) -> pa.Schema:
    """The file's own schema."""
    with _open(path) as file:
        try:
            return pq.ParquetFile(file).schema_arrow
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"cannot be read as Parquet: {error}", where=path, hint="fetch it again") from error


def parquet_batches(path: str, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Batches of a Parquet file, read row group by row group."""
    with _open(path) as file:
        try:
            yield from pq.ParquetFile(file).iter_batches(BATCH_ROWS, columns=columns)
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"cannot be read as Parquet: {error}", where=path, hint="fetch it again") from error


def repaired(value: Any) -> Any:
    """A JSON value without lone surrogates."""
    units = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass")
    return json.loads(units.decode("utf-16", "replace"))


def _open(path: str) -> IO[bytes]:
    return open_file(path)


def _lines(path: str) -> Iterator[tuple[int, bytes]]:
    with _open(path) as raw:
        packed = raw.read(2) == GZIP_MAGIC
        raw.seek(0)
        lines: Iterable[bytes] = gzip.GzipFile(fileobj=raw) if packed else raw
        number = 0
        try:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, line
        except (EOFError, OSError, zlib.error) as error:
            hint = "it is cut off or damaged: fetch it again"
            raise InputError(f"cannot be read: {error}", where=f"{path}:{number + 1}", hint=hint) from error


def _parsed(line: bytes, where: str) -> Row:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        hint = "one JSON object a line, UTF-8; .jsonl, .jsonl.gz or Parquet"
        raise InputError(f"is no JSON: {error}", where=where, expected="a JSON object", hint=hint) from error
    if not isinstance(row, dict):
        raise InputError(f"is a JSON {type(row).__name__}", where=where, expected='an object, {"id": …, "text": …}')
    return row


def _joined(known: pa.DataType, values: list[Any]) -> pa.DataType | None:
    """The type that holds what was known and these values, None where there is none."""
    try:
        found = _array(values, None).type
        fields = [pa.schema([pa.field("c", type_)]) for type_ in (known, found)]
        return pa.unify_schemas(fields, promote_options="permissive").field("c").type
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return None


def _field(name: str, type_: pa.DataType | None) -> pa.Field:
    if type_ is None or (pa.types.is_struct(type_) and not type_.num_fields):  # Parquet has no empty structs
        return pa.field(name, pa.string(), metadata=JSON_TEXT)
    return pa.field(name, type_)


def _column(values: list[Any], field: pa.Field) -> pa.Array:
    if field.metadata == JSON_TEXT:
        values = [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]
    return _array(values, field.type)


def _array(values: list[Any], type_: pa.DataType | None) -> pa.Array:
    try:
        return pa.array(values, type_)
    except UnicodeEncodeError:
        return pa.array([repaired(value) for value in values], type_)
