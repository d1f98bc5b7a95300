"""Lists of what to fetch, streamed: text with one URL a line, JSON lines, or Parquet; each also with coordinates.

A row that carries warc_filename, offset and length (as FineMath's do) needs no look-up. Whatever a list holds, a row of
it becomes exactly one row here: usable, or refused with a reason of `url_rules.LIST_REASONS`.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import InputError
from pipeline.io.fetch.rows import LAST_RANK, rows_table
from pipeline.io.fetch.surt import UrlRefused
from pipeline.io.fetch.url_rules import screened_key, screened_path, screened_range
from pipeline.io.inputs import basename

BATCH_ROWS = 16_384
MAX_LINE_BYTES = 64 << 10  # of a text list
MAX_ROW_BYTES = 32 << 20  # of JSON lines: rows may carry the page's text
SHOWN_CHARS = 300  # of a URL that is too long, or not UTF-8
NAMES = {
    "url": ("url", "URL", "uri"),
    "filename": ("warc_filename", "warc_path", "filename"),
    "offset": ("warc_record_offset", "warc_offset", "offset"),
    "length": ("warc_record_length", "warc_length", "length"),
}
Raw = tuple[int, Any, Any, Any, Any]  # line, url, filename, offset, length; a url of bytes is not decoded yet


@dataclass(frozen=True, slots=True)
class TooLong:
    """A line over its limit, of which only the beginning was kept."""

    head: bytes
    bytes: int


def read_list(path: str, *, allow_private: bool = False) -> Iterator[pa.Table]:
    """Tables of ROW_SCHEMA, one row per list row, in order; `ordinal` counts from 0 within this list.

    Raises:
        InputError: the file cannot be read, or a Parquet file has no column that names a page.
    """
    ordinal = 0
    for batch in _batches(raw_rows(path), BATCH_ROWS):
        yield _judged(batch, ordinal, basename(path), allow_private)
        ordinal += len(batch)


def raw_rows(path: str) -> Iterator[Raw]:
    """Rows of a list as they stand, by the kind its first bytes say it is."""
    with _open(path) as file:
        head = file.read(4)
        file.seek(0)
        if head == b"PAR1":
            yield from _parquet_rows(file, path)
            return
        stream: Any = gzip.GzipFile(fileobj=file) if head[:2] == b"\x1f\x8b" else file
        try:
            yield from _line_rows(stream)
        except (EOFError, OSError, zlib.error) as error:
            raise InputError(f"cannot be read: {error}", where=path, hint="it is cut off: fetch it again") from error


def _open(path: str) -> IO[bytes]:
    try:
        handle: IO[bytes] = fsspec.open(path, "rb").open()
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"cannot be read: {error}", where=path, expected="a list of URLs") from error
    return handle


def _parquet_rows(file: IO[bytes], path: str) -> Iterator[Raw]:
    try:
        table = pq.ParquetFile(file)
        names = {use: next((n for n in known if n in table.schema_arrow.names), None) for use, known in NAMES.items()}
        if names["url"] is None and names["filename"] is None:
            raise InputError(
                f"has no column for a page: {', '.join(table.schema_arrow.names[:12])}",
                where=path,
                expected="a column url, or warc_filename with warc_record_offset and warc_record_length",
            )
        line = 0
        for batch in table.iter_batches(BATCH_ROWS, columns=[name for name in names.values() if name]):
            columns = [_values(batch, names[use]) for use in NAMES]
            for row in zip(*columns, strict=True):
                line += 1
                yield (line, *row)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"cannot be read as Parquet: {error}", where=path, hint="fetch it again") from error


def _values(batch: pa.RecordBatch, name: str | None) -> list[Any]:
    if name is None:
        return [None] * batch.num_rows
    column = batch.column(name)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = column.cast(pa.large_binary())  # Arrow does not check files' UTF-8: decoded row by row
    values: list[Any] = column.to_pylist()
    return values


def _line_rows(stream: IO[bytes]) -> Iterator[Raw]:
    is_json: bool | None = None
    for line, text in numbered_lines(stream):
        if isinstance(text, TooLong):
            yield line, text, None, None, None
            continue
        if is_json is None:
            is_json = text.startswith(b"{")
        if is_json:
            yield (line, *_json_row(text))
        elif not text.startswith(b"#"):
            yield (
                line,
                text if len(text) <= MAX_LINE_BYTES else TooLong(text[:SHOWN_CHARS], len(text)),
                None,
                None,
                None,
            )


def numbered_lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes | TooLong]]:
    """Lines without their ends and without blank ones, numbered from 1; memory is bounded by MAX_ROW_BYTES."""
    number, first = 0, True
    while data := stream.readline(MAX_ROW_BYTES + 1):
        number += 1
        if first and data.startswith(b"\xef\xbb\xbf"):
            data = data[3:]
        first = False
        if len(data) > MAX_ROW_BYTES and not data.endswith(b"\n"):
            yield number, TooLong(data[:SHOWN_CHARS], len(data) + _rest_of_line(stream))
        elif data := data.strip():
            yield number, data


def _rest_of_line(stream: IO[bytes]) -> int:
    size = 0
    while data := stream.readline(1 << 20):
        size += len(data)
        if data.endswith(b"\n"):
            return size - 1
    return size


def _json_row(text: bytes) -> tuple[Any, Any, Any, Any]:
    try:
        row = json.loads(text)
    except UnicodeDecodeError:
        return text, _REFUSED, "not_utf8", None
    except (ValueError, RecursionError) as error:
        return text[:SHOWN_CHARS], _REFUSED, "bad_row", str(error)[:SHOWN_CHARS]
    if not isinstance(row, dict):
        return text[:SHOWN_CHARS], _REFUSED, "bad_row", f"a JSON {type(row).__name__}, not an object"
    url, filename, offset, length = (next((row[n] for n in known if n in row), None) for known in NAMES.values())
    return url, filename, offset, length


_REFUSED = object()  # in the place of a file name: the next value is the reason


def _batches(rows: Iterable[Raw], size: int) -> Iterator[list[Raw]]:
    batch: list[Raw] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _judged(batch: list[Raw], ordinal: int, name: str, allow_private: bool) -> pa.Table:
    columns: dict[str, list[object]] = {key: [] for key in _JUDGED}
    for raw in batch:
        for key, value in zip(_JUDGED, _judge(raw, allow_private), strict=True):
            columns[key].append(value)
    count = len(batch)
    columns["line"] = [raw[0] for raw in batch]
    columns["ordinal"] = list(range(ordinal, ordinal + count))
    columns["list"] = [name] * count
    columns["rank"] = [LAST_RANK] * count
    return rows_table(dict(columns), count)


_JUDGED = ("url", "surt", "reason", "detail", "warc_filename", "warc_record_offset", "warc_record_length")


def _judge(raw: Raw, allow_private: bool) -> tuple[str, str, str, str, str, int, int]:
    _, url, filename, offset, length = raw
    if filename is _REFUSED:
        return _shown(url), "", offset, length or "", "", 0, 0
    if isinstance(url, TooLong):
        return _shown(url.head), "", "too_long", f"a line of {url.bytes} bytes", "", 0, 0
    try:
        text = _text(url, "url")
        surt = screened_key(text, allow_private=allow_private) if text else ""
        if filename is None or filename == b"" or filename == "":
            return (text, surt, "", "", "", 0, 0) if text else (text, "", "no_url", "", "", 0, 0)
        path = screened_path(_text(filename, "warc_filename"))
        start, size = screened_range(_plain(offset), _plain(length))
    except UrlRefused as refused:
        return _shown(url), "", refused.reason, refused.detail, "", 0, 0
    return text, "", "", "", path, start, size  # without a key: such a row is not looked up


def _plain(value: Any) -> Any:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else value


def _text(value: Any, what: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise UrlRefused("not_utf8", f"{what}: byte {error.start}") from error
    if not isinstance(value, str):
        raise UrlRefused("bad_row", f"{what} is a {type(value).__name__}")
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _shown(url: Any) -> str:
    """A refused URL as it can be printed: UTF-8, without control characters, of bounded length."""
    text = url.decode("utf-8", "replace") if isinstance(url, bytes) else str(url if url is not None else "")
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return "".join(c if c.isprintable() else "\ufffd" for c in text[:SHOWN_CHARS]) + (
        "…" if len(text) > SHOWN_CHARS else ""
    )
