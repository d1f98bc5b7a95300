"""JSON lines in and out, plain or gzip, or a standard stream: for the verbs that work on rows outside of a run."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from pipeline.errors import InputError, OutputError

STANDARD_STREAM = "-"


@contextmanager
def lines_in(source: str) -> Iterator[IO[bytes]]:
    """Lines of a file, or of stdin for "-".

    Raises:
        InputError: it cannot be opened.
    """
    if source == STANDARD_STREAM:
        yield sys.stdin.buffer
        return
    try:
        file: Any = gzip.open(source, "rb") if source.endswith(".gz") else Path(source).open("rb")  # noqa: SIM115
    except OSError as error:
        raise InputError(f"cannot read: {error.strerror}", where=source, expected=".jsonl or .jsonl.gz") from error
    with file:
        yield file


@contextmanager
def lines_out(target: str) -> Iterator[IO[bytes]]:
    """A file to write lines to, or stdout for "-".

    Raises:
        OutputError: it cannot be opened.
    """
    if target == STANDARD_STREAM:
        yield sys.stdout.buffer
        return
    try:
        file: Any = gzip.open(target, "wb") if target.endswith(".gz") else Path(target).open("wb")  # noqa: SIM115
    except OSError as error:
        raise OutputError(f"cannot write: {error.strerror}", where=target) from error
    with file:
        yield file


def json_line(row: Mapping[str, Any]) -> bytes:
    """One row as a line; lone surrogates, which UTF-8 cannot say, as ASCII escapes."""
    try:
        return json.dumps(row, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(row).encode() + b"\n"
