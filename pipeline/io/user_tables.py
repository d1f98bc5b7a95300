"""Rows of a user's file: JSON lines (also packed with gzip or zstd) or Parquet, in batches of bounded size.

A row that cannot be used is a `BadRow`, never the end of the file: the caller says with a check what it needs of a row,
and every pass over a file with the same check sees the same rows.

Parquet keeps its own schema. JSON lines get one schema per file: the types of all its rows joined, nested ones too;
whole numbers in a column that also holds fractions become floats. A column without a common type (or nested deeper,
or with more fields, than MAX_DEPTH and MAX_LEAVES) holds JSON text, `json.loads` gives every value back; its field says
so in its metadata, JSON_TEXT. In the columns named in TEXTS strings stay as they are, and only other values become
JSON text. Lone surrogates, which neither UTF-8 nor Arrow can hold, become U+FFFD.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import InputError
from pipeline.io.byte_source import open_file
from pipeline.io.text_lines import MAX_LINE_BYTES, PARQUET_MAGIC, lines_of

BATCH_ROWS = 512
BATCH_BYTES = 4 << 20
MAX_COLUMNS, MAX_LEAVES, MAX_DEPTH = 2000, 500, 16
MAX_NESTED = 200  # levels of a row; the libraries that come after recurse
MAX_START = 200  # characters of a bad row that are kept
JSON_TEXT = {b"warcmill": b"json"}  # metadata of a column of JSON text
MIXED_TEXT = {b"warcmill": b"strings, and other values as JSON"}
TEXTS = ("id", "url", "source", "crawl_time")
Row = dict[str, Any]
Types = dict[str, pa.DataType | None]  # of columns in order of first appearance; None: there is no common one
Fault = tuple[str, str]  # reason (from a small closed set: it is counted), and what helps a person
Check = Callable[[Row], Fault | None]


class BadRow(NamedTuple):
    """A line or row that cannot be used."""

    number: int  # line of JSON lines, row of Parquet; from 1
    reason: str
    detail: str
    start: str  # how it begins


class Rows(NamedTuple):
    """Consecutive rows of a file: those that can be used, with the numbers of their lines, and those that cannot."""

    good: list[Row]
    numbers: list[int]
    bad: list[BadRow]


def is_parquet(path: str) -> bool:
    """By its first bytes."""
    with open_file(path) as file:
        return file.read(4) == PARQUET_MAGIC


def json_rows(path: str, check: Check = lambda _row: None) -> Iterator[Rows]:
    """Batches of the objects of a JSON lines file; blank lines are skipped. `check` says what is wrong with a row.

    Raises:
        InputError: the file cannot be read.
    """
    rows, size = Rows([], [], []), 0
    with open_file(path) as file:
        for number, line in enumerate(lines_of(file, path), 1):
            if line.isspace():
                continue
            row, fault = parsed_line(line)
            if fault is None and (fault := check(row)) is None:
                rows.good.append(row)
                rows.numbers.append(number)
            else:
                rows.bad.append(BadRow(number, *fault, printable(line[: 4 * MAX_START].decode("utf-8", "replace"))))
            size += len(line)
            if len(rows.good) + len(rows.bad) == BATCH_ROWS or size >= BATCH_BYTES:
                yield rows
                rows, size = Rows([], [], []), 0
    if rows.good or rows.bad:
        yield rows


def parsed_line(line: bytes) -> tuple[Row, None] | tuple[Row, Fault]:
    """The object of a line, or why it is none."""
    if len(line) > MAX_LINE_BYTES:
        return {}, ("too_long", f"more than {MAX_LINE_BYTES:,} bytes")
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return {}, ("bad_json", str(error))
    if not isinstance(row, dict):
        return {}, ("no_object", f"a JSON {type(row).__name__}")
    nested = any(isinstance(value, (dict, list)) for value in row.values())
    if nested and line.count(b"[") + line.count(b"{") > MAX_NESTED and _deep(row):
        return {}, ("bad_json", f"nested more than {MAX_NESTED} levels deep")
    return row, None


def _deep(row: Row) -> bool:
    level: list[Any] = [row]
    for _ in range(MAX_NESTED):
        level = [each for value in level for each in (value.values() if isinstance(value, dict) else value)]
        level = [value for value in level if isinstance(value, (dict, list))]
    return bool(level)


def printable(text: str) -> str:
    """The start of a text on one line, without control characters."""
    shown = "".join(c if c.isprintable() else " " for c in text).strip()
    return shown if len(shown) <= MAX_START else shown[: MAX_START - 1] + "…"


def number_of(value: Any) -> float | None:
    """A finite number of a row, None where it is something else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def json_schema(batches: Iterable[list[Row]], where: str) -> pa.Schema:
    """One schema for all rows, columns in order of first appearance.

    Raises:
        InputError: more than MAX_COLUMNS columns.
    """
    types: Types = {}
    for rows in batches:
        join_types(types, rows, where)
    return schema_of(types)


def join_types(types: Types, rows: list[Row], where: str) -> None:
    """Widen the types of a file's columns by those of more rows.

    Raises:
        InputError: more than MAX_COLUMNS columns.
    """
    for name in dict.fromkeys(key for row in rows for key in row):
        known = types.get(name, pa.null())
        types[name] = None if known is None else _joined(known, [row.get(name) for row in rows])
    if len(types) > MAX_COLUMNS:
        hint = "values that name things belong in a list of objects, not in names of columns"
        raise InputError("has too many columns", where=where, expected=f"at most {MAX_COLUMNS:,}", hint=hint)


def schema_of(types: Types) -> pa.Schema:
    """The schema that holds all rows whose types were joined."""
    return pa.schema([_field(name, type_) for name, type_ in types.items()])


def json_batch(rows: list[Row], schema: pa.Schema) -> pa.RecordBatch:
    """Rows as one batch with the file's schema."""
    columns = [_column([row.get(field.name) for row in rows], field) for field in schema]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def json_columns(schema: pa.Schema) -> list[str]:
    """Columns whose values had no common type."""
    return [field.name for field in schema if field.metadata in (JSON_TEXT, MIXED_TEXT)]


def parquet_schema(path: str) -> pa.Schema:
    """The file's own schema."""
    with open_file(path) as file:
        try:
            return pq.ParquetFile(file).schema_arrow
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"cannot be read as Parquet: {error}", where=path, hint="fetch it again") from error


def parquet_batches(path: str, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Batches of a Parquet file, read row group by row group."""
    with open_file(path) as file:
        try:
            yield from pq.ParquetFile(file).iter_batches(BATCH_ROWS, columns=columns)
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"cannot be read as Parquet: {error}", where=path, hint="fetch it again") from error


def bad_texts(batch: pa.RecordBatch, columns: Iterable[str]) -> dict[int, Fault]:
    """Rows of a batch whose strings are no UTF-8, which Parquet does not see to; by their place in the batch."""
    found: dict[int, Fault] = {}
    for name in columns:
        column = batch.column(name)
        if _sound(column):
            continue
        found |= {i: ("bad_utf8", f"in column {name}") for i in range(len(column)) if not _sound(column.slice(i, 1))}
    return found


def _sound(column: pa.Array) -> bool:
    plain = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    try:
        plain.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def repaired(value: Any) -> Any:
    """A JSON value without lone surrogates."""
    units = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass")
    return json.loads(units.decode("utf-16", "replace"))


def _joined(known: pa.DataType, values: list[Any]) -> pa.DataType | None:
    """The type that holds what was known and these values, None where there is none."""
    if known in (pa.null(), pa.string()) and set(map(type, values)) == {str}:  # most columns, without a copy
        return pa.string()
    try:
        found = _array(values, None).type
        fields = [pa.schema([pa.field("c", type_)]) for type_ in (known, found)]
        joined = pa.unify_schemas(fields, promote_options="permissive").field("c").type
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return None
    return joined if _small(joined) else None


def _small(type_: pa.DataType) -> bool:
    """Whether Parquet can hold it, as columns that a reader can use: rows that use keys as names make thousands."""
    level, depth, leaves = [type_], 0, 0
    while level and depth <= MAX_DEPTH and leaves <= MAX_LEAVES:
        if any(pa.types.is_struct(each) and not each.num_fields for each in level):
            return False
        leaves += sum(not each.num_fields for each in level)
        level = [each.field(i).type for each in level for i in range(each.num_fields)]
        depth += 1
    return not level and leaves <= MAX_LEAVES


def _field(name: str, type_: pa.DataType | None) -> pa.Field:
    if type_ is None:
        return pa.field(name, pa.string(), metadata=MIXED_TEXT if name in TEXTS else JSON_TEXT)
    return pa.field(name, type_)


def _column(values: list[Any], field: pa.Field) -> pa.Array:
    if field.metadata in (JSON_TEXT, MIXED_TEXT):
        plain = str if field.metadata == MIXED_TEXT else ()
        values = [v if v is None or isinstance(v, plain) else json.dumps(v, ensure_ascii=False) for v in values]
    return _array(values, field.type)


def _array(values: list[Any], type_: pa.DataType | None) -> pa.Array:
    try:
        return pa.array(values, type_)
    except UnicodeEncodeError:
        return _array([repaired(value) for value in values], type_)
    except pa.ArrowInvalid:
        if type_ is None:
            raise
        return pa.array(_as_floats(values), type_)  # a column of floats that holds whole numbers beyond 2^53


def _as_floats(value: Any) -> Any:
    """A value with its large whole numbers as floats; no deeper than MAX_DEPTH, for the type has no more levels."""
    if isinstance(value, list):
        return [_as_floats(each) for each in value]
    if isinstance(value, dict):
        return {key: _as_floats(each) for key, each in value.items()}
    return float(value) if isinstance(value, int) and abs(value) > 1 << 53 else value
