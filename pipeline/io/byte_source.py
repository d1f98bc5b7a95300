"""Random access to the bytes of one input, local or remote, so that readers can go back after damage.

Everything above this file addresses bytes by position; nothing relies on where a file handle happens to stand.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import fsspec

from pipeline.errors import InputError

READ_AHEAD_BYTES = 256 << 10
GLOB_HINT = "name the files, e.g. {where}/*.warc.gz (quote it), or a list such as warc.paths"


class ByteSource:
    """Bytes `base <= p < base + size` of a seekable handle, addressed from 0."""

    __slots__ = ("_block", "_block_at", "_handle", "base", "name", "size")

    def __init__(self, handle: BinaryIO, name: str, size: int, base: int = 0) -> None:
        self._handle, self.name, self.size, self.base = handle, name, size, base
        self._block, self._block_at = b"", 0  # the bytes last read ahead: readers ask for a few KiB at a time

    def read_at(self, position: int, count: int) -> bytes:
        """Up to `count` bytes at `position`; fewer only at the end of the source."""
        if position < 0:  # a damaged zip directory can say so
            return b""
        at = position - self._block_at
        if at < 0 or at + count > len(self._block):
            if position + count > self.size:
                count = max(self.size - position, 0)
            if at < 0 or at + count > len(self._block):
                self._block, self._block_at, at = self._fetch(position, max(count, READ_AHEAD_BYTES)), position, 0
        return self._block[at : at + count]

    def _fetch(self, position: int, count: int) -> bytes:
        count = min(count, self.size - position)
        if count <= 0:
            return b""
        self._handle.seek(self.base + position)
        data = self._handle.read(count)
        while len(data) < count and (more := self._handle.read(count - len(data))):
            data += more
        return data

    def part(self, start: int, size: int) -> ByteSource:
        """The sub-range as a source of its own."""
        return ByteSource(self._handle, self.name, size, self.base + start)


def is_remote(path: str) -> bool:
    """True for fsspec URLs (`s3://…`, `memory://…`, chained `zip://…::…`)."""
    return "://" in path or "::" in path


@contextmanager
def open_source(path: str) -> Iterator[ByteSource]:
    """Open a local path or fsspec URL.

    Raises:
        InputError: missing, a directory, empty, unreadable, or a URL whose file system is unknown or cannot seek.
    """
    handle = _open(path)
    try:
        yield ByteSource(handle, path, _size(handle, path))
    finally:
        handle.close()


def _open(path: str) -> BinaryIO:
    try:
        if is_remote(path):
            return cast(BinaryIO, fsspec.open(path, "rb").open())
        return Path(path).open("rb")
    except FileNotFoundError as error:
        raise InputError("no such file", where=path, hint="check the path; quote globs") from error
    except IsADirectoryError as error:
        hint = GLOB_HINT.format(where=path.rstrip("/"))
        raise InputError("is a directory", where=path, expected="an archive file", hint=hint) from error
    except (ValueError, ImportError) as error:  # fsspec: unknown protocol, or its package is not installed
        raise InputError(f"cannot open this URL: {error}", where=path, hint="install the fsspec file system") from error
    except OSError as error:
        raise InputError(f"cannot be read: {error}", where=path, hint="check its permissions") from error


def _size(handle: BinaryIO, path: str) -> int:
    try:
        size = handle.seek(0, os.SEEK_END)
    except (OSError, ValueError) as error:
        hint = "download it first; this server gives no byte ranges"
        raise InputError("cannot seek in it", where=path, hint=hint) from error
    if size is None:  # some fsspec file objects return nothing from seek
        size = handle.tell()
    if size == 0:
        raise InputError("is empty", where=path, expected="a WARC, ARC or WACZ file", hint="fetch it again")
    return size
