"""JSON lines in and out, plain, gzip or zstd, or a standard stream: for the verbs that work on rows outside of a run.

Rows of Parquet come in as lines, too. What JSON cannot say: bytes of a column c become base64 in c_b64, times and other
values become text.
"""

from __future__ import annotations

import base64
import gzip
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from pipeline.errors import OutputError
from pipeline.io.byte_source import open_file
from pipeline.io.text_lines import lines_of
from pipeline.io.user_tables import is_parquet, parquet_batches

STANDARD_STREAM = "-"


@contextmanager
def lines_in(source: str) -> Iterator[Iterator[bytes]]:
    """Lines of a file or fsspec URL, or of stdin for "-"; rows of Parquet as lines.

    Raises:
        InputError: it cannot be opened or read, or is damaged; also while lines are read.
    """
    if source == STANDARD_STREAM:
        yield lines_of(sys.stdin.buffer, "stdin")
    elif is_parquet(source):
        yield _parquet_lines(source)
    else:
        with open_file(source) as file:
            yield lines_of(file, source)


def _parquet_lines(source: str) -> Iterator[bytes]:
    for batch in parquet_batches(source):
        for row in batch.to_pylist():
            yield json_line(dict(_spelled(name, value) for name, value in row.items()))


def _spelled(name: str, value: Any) -> tuple[str, Any]:
    if isinstance(value, bytes):
        return f"{name}_b64", base64.b64encode(value).decode("ascii")
    return name, value


@contextmanager
def lines_out(target: str) -> Iterator[IO[bytes]]:
    """A file to write lines to, or stdout for "-"; a file appears under its name only when it is whole.

    So the target may be the source, and what stood there before stays where something fails.

    Raises:
        OutputError: it cannot be opened or written.
    """
    if target == STANDARD_STREAM:
        yield sys.stdout.buffer
        return
    path = Path(target)
    part = path.with_name(f".{path.name}.part") if path.is_file() or not path.exists() else path  # not of a device
    try:
        with _packed(part, target) as file:
            yield file
        if part != path:
            part.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write: {error.strerror or error}", where=target) from error
    finally:
        if part != path and part.exists():
            part.unlink()


def _packed(part: Path, target: str) -> Any:
    if target.endswith(".gz"):
        return gzip.open(part, "wb")
    return pa.output_stream(str(part), compression="zstd") if target.endswith(".zst") else part.open("wb")


def parsed(line: bytes) -> Any:
    """The JSON of one line. Raises ValueError, also for NaN and Infinity, which are none, and for what is nested deeper
    than Python can follow."""
    try:
        return json.loads(line, parse_constant=_refused)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def json_line(row: Mapping[str, Any]) -> bytes:
    """One row as a line; lone surrogates, which UTF-8 cannot say, as ASCII escapes; numbers that JSON cannot say (NaN,
    1e999) as null; what is no JSON value as text."""
    try:
        text = json.dumps(row, ensure_ascii=False, default=str, allow_nan=False)
    except ValueError:
        row = json.loads(json.dumps(row, default=str), parse_constant=lambda _: None)
        text = json.dumps(row, ensure_ascii=False)
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(row, default=str).encode() + b"\n"
