"""Rows of users' tables as phases read them, and whole: which can be used, and the columns that comparisons need.

Both ways of reading leave out the same rows, so a row has one number in slim shards and in the kept rows.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import InputError
from pipeline.io.user_tables import (
    BadRow,
    Fault,
    Row,
    Types,
    bad_texts,
    is_parquet,
    join_types,
    json_batch,
    json_rows,
    number_of,
    parquet_batches,
    parquet_schema,
    printable,
    schema_of,
)

COLUMNS = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.string()),
        ("url", pa.string()),
        ("source", pa.string()),
        ("quality", pa.float64()),
        ("crawl_time", pa.string()),
        ("line", pa.int64()),  # of JSON lines; of Parquet the number of the row; from 1
    ]
)
ROW_HINT = 'rows need {"id", "text"}; "url", "source", "quality" and "crawl_time" are used where they are there'
Slim = tuple[pa.RecordBatch, list[BadRow]]  # rows with COLUMNS, and those between them that cannot be used


def table_schema(path: str, types: Types) -> pa.Schema:
    """The schema of an input's rows, all of which `slim_batches` has given; without usable rows an empty one."""
    return parquet_schema(path) if is_parquet(path) else schema_of(types)


def slim_batches(path: str, types: Types) -> Iterator[Slim]:
    """Usable rows with COLUMNS, and the others; of JSON lines the types of all columns are joined to `types`.

    Raises:
        InputError: it cannot be read, has too many columns, or is Parquet without columns of strings, id and text.
    """
    return _slim_parquet(path) if is_parquet(path) else _slim_json(path, types)


def whole_batches(path: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Usable rows with every column, as `table_schema` says."""
    if is_parquet(path):
        for batch in parquet_batches(path):
            yield _without(batch, _parquet_faults(batch))
    else:
        for rows in json_rows(path, row_fault):
            yield json_batch(rows.good, schema)


def row_fault(row: Row) -> Fault | None:
    """What keeps a row of JSON lines from being used. An `id` may be an integer; a null `text` failed before."""
    id_, text = row.get("id"), row.get("text")
    if not isinstance(id_, (str, int)) or isinstance(id_, bool) or id_ == "":
        return "no_id", unlike("id", row)
    if not isinstance(text, str) and (text is not None or "text" not in row):
        return "no_text", unlike("text", row)
    return None


def unlike(name: str, row: Row) -> str:
    """What a row has instead of a field, for a person."""
    if name not in row:
        return f"no {name!r} among {printable(', '.join(list(row)[:12])) or 'no fields'}"
    value = row[name]
    if value is None:
        return f"{name!r} is null"
    kind = {"dict": "an object", "list": "a list", "bool": "a truth value", "str": "empty"}
    return f"{name!r} is {kind.get(type(value).__name__, 'a number')}" + (
        f": {printable(str(value)[:80])}" if value else ""
    )


def _slim_json(path: str, types: Types) -> Iterator[Slim]:
    for rows in json_rows(path, row_fault):
        join_types(types, rows.good, path)
        yield json_batch(list(map(_slim_row, rows.good, rows.numbers)), COLUMNS), rows.bad


def _slim_row(row: Row, line: int) -> Row:
    kept = {"id": str(row["id"]), "text": row["text"], "quality": number_of(row.get("quality")), "line": line}
    return kept | {name: row[name] for name in ("url", "source", "crawl_time") if isinstance(row.get(name), str)}


def _slim_parquet(path: str) -> Iterator[Slim]:
    known, number = parquet_schema(path).names, 1
    for name in ("id", "text"):
        if name not in known:
            found = ", ".join(known[:12])
            raise InputError(f"has no column {name!r}", where=path, expected=f"{name!r} among {found}", hint=ROW_HINT)
    for batch in parquet_batches(path, [name for name in COLUMNS.names[:-1] if name in known]):
        faults = _parquet_faults(batch)
        lines = pa.array(range(number, number + batch.num_rows), pa.int64())
        good = _without(batch.append_column("line", lines), faults)
        columns = [_cast(good, field, path) for field in COLUMNS]
        bad = [BadRow(number + i, *fault, "") for i, fault in sorted(faults.items())]
        yield pa.RecordBatch.from_arrays(columns, schema=COLUMNS), bad
        number += batch.num_rows


def _parquet_faults(batch: pa.RecordBatch) -> dict[int, Fault]:
    """Rows of a batch that cannot be used, by their place in it."""
    faults = bad_texts(batch, [name for name in COLUMNS.names[:-1] if name in batch.schema.names])
    ids = batch.column("id")
    absent = pc.is_null(ids)
    if strings(ids.type):
        absent = pc.or_(absent, pc.fill_null(pc.equal(ids.cast(pa.string()), ""), True))
    for i in pc.indices_nonzero(absent).to_pylist():
        faults.setdefault(i, ("no_id", "'id' is null or empty"))
    return faults


def _without(batch: pa.RecordBatch, faults: dict[int, Fault]) -> pa.RecordBatch:
    return batch.filter(pa.array([i not in faults for i in range(batch.num_rows)], pa.bool_())) if faults else batch


def _cast(batch: pa.RecordBatch, field: pa.Field, path: str) -> pa.Array:
    """One column as phases read it; optional ones of another type count as absent."""
    column = batch.column(field.name) if field.name in batch.schema.names else pa.nulls(batch.num_rows)
    type_ = column.type
    fits = strings(type_)
    if field.name == "id":
        fits = fits or pa.types.is_integer(type_)
    elif field.name == "quality":
        return numbers(column)
    elif field.name == "line":
        return column
    if field.name in ("id", "text") and not fits and not pa.types.is_null(type_):
        raise InputError(f"column {field.name!r} is {type_}", where=path, expected="strings", hint=ROW_HINT)
    return column.cast(field.type) if fits else pa.nulls(batch.num_rows, field.type)


def strings(type_: pa.DataType) -> bool:
    """Whether a column holds strings, in one of Arrow's ways."""
    if pa.types.is_dictionary(type_):
        type_ = type_.value_type
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_))


def numbers(column: pa.Array) -> pa.Array:
    """A column as finite floats; null where it holds something else."""
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        return pa.nulls(len(column), pa.float64())
    found = column.cast(pa.float64(), safe=False)
    return pc.if_else(pc.is_finite(found), found, None)
