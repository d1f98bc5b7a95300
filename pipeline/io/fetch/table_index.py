"""Common Crawl's columnar index (Parquet): only the row groups whose keys are asked for, only the columns needed.

Of a row group first the key column is read; the other columns only where a key was found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.errors import InputError
from pipeline.io.fetch.captures import INDEX_SCHEMA
from pipeline.io.fetch.retry import Reader
from pipeline.io.fetch.store_file import StoreFile

KEY = "url_surtkey"
REQUIRED = (KEY, "warc_filename", "warc_record_offset", "warc_record_length")
OPTIONAL = ("url", "fetch_time", "fetch_status", "content_mime_detected", "content_mime_type", "content_languages")


@dataclass(frozen=True, slots=True)
class TablePiece:
    """One row group. `low` and `high` bound its keys; None where the file does not say."""

    file: Any  # pq.ParquetFile
    group: int
    low: str | None
    high: str | None
    rows: int
    bytes: int  # of the columns a look-up may read, compressed

    def keys(self) -> pa.Array:
        """SURT keys, shape (rows,)."""
        return _strings(self.file.read_row_group(self.group, columns=[KEY]).column(0))

    def captures(self, rows: np.ndarray, keys: pa.Array) -> pa.Table:
        """The named rows as INDEX_SCHEMA; `keys` is what `keys()` gave."""
        names = [name for name in (*REQUIRED[1:], *OPTIONAL) if name in self.file.schema_arrow.names]
        wanted = pa.array(rows)
        table = self.file.read_row_group(self.group, columns=names).take(wanted)
        columns = {name: table[name].combine_chunks() for name in names}
        return _index_table(columns, keys.take(wanted), len(rows))


def table_pieces(reader: Reader, path: str) -> Iterator[TablePiece]:
    """Row groups of one file of the index, in order.

    Raises:
        InputError: it is no Parquet, or lacks a column a look-up needs.
    """
    where = reader.store.base + path
    try:
        file = pq.ParquetFile(pa.PythonFile(StoreFile(reader, path), mode="r"), pre_buffer=True)
    except pa.ArrowInvalid as error:
        raise InputError(f"cannot be read as Parquet: {error}", where=where, hint="name index files") from error
    missing = [name for name in REQUIRED if name not in file.schema_arrow.names]
    if missing:
        raise InputError(f"has no column {', '.join(missing)}", where=where, expected="Common Crawl's columnar index")
    for group in range(file.num_row_groups):
        yield _piece(file, group)


def _piece(file: Any, group: int) -> TablePiece:
    facts = file.metadata.row_group(group)
    used = {*REQUIRED, *OPTIONAL}
    columns = [facts.column(i) for i in range(facts.num_columns)]
    size = sum(column.total_compressed_size for column in columns if column.path_in_schema in used)
    statistics = next(column.statistics for column in columns if column.path_in_schema == KEY)
    if statistics is None or not statistics.has_min_max:
        return TablePiece(file, group, None, None, facts.num_rows, size)
    return TablePiece(file, group, _text(statistics.min), _text(statistics.max), facts.num_rows, size)


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _strings(column: pa.ChunkedArray) -> pa.Array:
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array.cast(pa.string()).fill_null("")


def _index_table(columns: dict[str, pa.Array], keys: pa.Array, count: int) -> pa.Table:
    mime = columns.get("content_mime_detected", pa.nulls(count, pa.string()))
    stated = columns.get("content_mime_type", pa.nulls(count, pa.string()))
    found = {
        "surt": keys,
        "captured_url": columns.get("url"),
        "fetch_time": _seconds(columns.get("fetch_time")),
        "status": columns.get("fetch_status"),
        "mime": pc.coalesce(_plain(mime), _plain(stated)),
        "languages": columns.get("content_languages"),
        **{name: columns[name] for name in REQUIRED[1:]},
    }
    arrays = [_filled(found[field.name], field.type, count) for field in INDEX_SCHEMA]
    return pa.Table.from_arrays(arrays, schema=INDEX_SCHEMA)


def _plain(array: pa.Array) -> pa.Array:
    return (array.dictionary_decode() if pa.types.is_dictionary(array.type) else array).cast(pa.string())


def _seconds(array: pa.Array | None) -> pa.Array | None:
    """Seconds since 1970 of timestamps in any unit and zone; text as ISO 8601."""
    if array is None or pa.types.is_integer(array.type):
        return array
    if pa.types.is_string(array.type):
        array = pc.strptime(pc.utf8_slice_codeunits(array, 0, 19), "%Y-%m-%dT%H:%M:%S", "s", error_is_null=True)
    return array.cast(pa.timestamp("s", getattr(array.type, "tz", None)), safe=False).cast(pa.int64())


def _filled(array: pa.Array | None, kind: pa.DataType, count: int) -> pa.Array:
    empty = pa.scalar("" if kind == pa.string() else 0, kind)
    if array is None:
        return pa.repeat(empty, count)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array.cast(kind, safe=False).fill_null(empty)
