"""JSON lines in and out, plain or gzip, or a standard stream: for the verbs that work on rows outside of a run."""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from pipeline.errors import InputError, OutputError
from pipeline.io.byte_source import open_file

STANDARD_STREAM = "-"
PARQUET_MAGIC = b"PAR1"


@contextmanager
def lines_in(source: str) -> Iterator[Iterator[bytes]]:
    """Lines of a file or fsspec URL, or of stdin for "-".

    Raises:
        InputError: it cannot be opened or read, is damaged gzip, or Parquet; also while lines are read.
    """
    if source == STANDARD_STREAM:
        yield iter(sys.stdin.buffer)
        return
    with open_file(source) as file:
        yield _lines(gzip.GzipFile(fileobj=file) if source.endswith(".gz") else file, source)


def _lines(file: Any, source: str) -> Iterator[bytes]:
    try:
        for number, line in enumerate(file):
            if number == 0 and line.startswith(PARQUET_MAGIC):
                raise InputError("is Parquet", where=source, expected=".jsonl or .jsonl.gz")
            yield line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"damaged gzip: {error}", where=source, hint="fetch or write it again") from error
    except OSError as error:
        raise InputError(f"cannot read: {error.strerror or error}", where=source) from error


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
        with gzip.open(part, "wb") if target.endswith(".gz") else part.open("wb") as file:
            yield file  # type: ignore[misc]
        if part != path:
            part.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write: {error.strerror or error}", where=target) from error
    finally:
        if part != path and part.exists():
            part.unlink()


def parsed(line: bytes) -> Any:
    """The JSON of one line. Raises ValueError, also for what is nested deeper than Python can follow."""
    try:
        return json.loads(line)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def json_line(row: Mapping[str, Any]) -> bytes:
    """One row as a line; lone surrogates, which UTF-8 cannot say, as ASCII escapes."""
    try:
        return json.dumps(row, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(row).encode() + b"\n"
