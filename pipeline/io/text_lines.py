"""Lines of a file that may be packed with gzip or zstd, by its first bytes; no line is held beyond MAX_LINE_BYTES."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from typing import BinaryIO, cast

import pyarrow as pa

from pipeline.errors import InputError

MAX_LINE_BYTES = 128 << 20
GZIP_MAGIC, ZSTD_MAGIC, PARQUET_MAGIC = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"


def lines_of(raw: BinaryIO, where: str) -> Iterator[bytes]:
    """Lines with their ends, from the first; of a longer one its first MAX_LINE_BYTES + 1 bytes.

    Args:
        raw: a buffered file (it has `peek`), at its beginning.
        where: how errors name it.

    Raises:
        InputError: it cannot be read, or is damaged gzip or zstd (where: file:line).
    """
    number = 0
    try:
        unpacked = _unpacked(raw)
        while line := unpacked.readline(MAX_LINE_BYTES + 1):
            number += 1
            yield line
            if len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
                _drop_rest(unpacked)
    except (EOFError, OSError, zlib.error) as error:
        hint = "it is cut off or damaged: fetch it again"
        raise InputError(f"cannot be read: {error}", where=f"{where}:{number + 1}", hint=hint) from error


def _unpacked(raw: BinaryIO) -> BinaryIO:
    first = cast(io.BufferedReader, raw).peek(4)[:4]
    if first.startswith(GZIP_MAGIC):
        return cast(BinaryIO, gzip.GzipFile(fileobj=raw))
    if first == ZSTD_MAGIC:
        return cast(BinaryIO, io.BufferedReader(pa.CompressedInputStream(pa.PythonFile(raw, "r"), "zstd")))
    return raw


def _drop_rest(file: BinaryIO) -> None:
    while (part := file.readline(1 << 20)) and not part.endswith(b"\n"):
        pass
