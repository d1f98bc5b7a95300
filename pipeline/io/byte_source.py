"""Random access to the bytes of one input, local or remote, so that readers can go back after damage.

Everything above this file addresses bytes by position; nothing relies on where a file handle happens to stand.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import fsspec

from pipeline.errors import InputError
from pipeline.io.retries import Truncated, retried
from pipeline.io.storage import RUN_PROTOCOLS, filesystem, http_timeout

READ_AHEAD_BYTES = 256 << 10
REMOTE_BLOCK_BYTES = 8 << 20  # asked for at once of an object that is read through
CHUNK_BYTES = 4 << 20
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
    handle = open_file(path)
    try:
        size = _size(handle, path)
        if size == 0:
            raise InputError(
                "is empty", where=path, expected="a file with something in it", hint="fetch or write it again"
            )
        yield ByteSource(handle, path, size)
    finally:
        handle.close()


def open_file(path: str, *, ahead: bool = True) -> BinaryIO:
    """A local path or fsspec URL as a seekable file; reads of a URL are repeated like all requests.

    Args:
        ahead: read a URL in large blocks, for one who reads on; else exactly what is asked for.

    Raises:
        InputError, UsageError: as `open_source` does, but an empty file is none.
    """
    try:
        if is_remote(path):
            return cast(BinaryIO, io.BufferedReader(RemoteFile(path, ahead), READ_AHEAD_BYTES))
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


class RemoteFile(io.RawIOBase):
    """What stands behind a URL, read by position: a read that failed or came short is asked for again.

    Raises:
        FileNotFoundError: there is nothing.
        InputError: the server does not answer, or gives no ranges.
    """

    def __init__(self, url: str, ahead: bool = True) -> None:
        self.url, self._at = url, 0
        self._handle: Any = retried(lambda: _open_url(url, ahead), url)
        self.size = _size(self._handle, url)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        count = max(min(len(buffer), self.size - self._at), 0)
        data = retried(lambda: self._exactly(count), self.url) if count else b""
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def _exactly(self, count: int) -> bytes:
        self._handle.seek(self._at)
        data = bytes(self._handle.read(count))
        while len(data) < count and (more := self._handle.read(count - len(data))):
            data += more
        if len(data) < count:
            raise Truncated(f"{len(data)} of {count} bytes at {self._at} arrived")
        return data

    def close(self) -> None:
        if not self.closed and hasattr(self, "_handle"):
            self._handle.close()
        super().close()


def _open_url(url: str, ahead: bool) -> Any:
    protocol, _, key = url.partition("://")
    if protocol in RUN_PROTOCOLS and "::" not in url:
        cache = "readahead" if ahead else "none"
        return filesystem(protocol).open(key, "rb", block_size=REMOTE_BLOCK_BYTES, cache_type=cache)
    return fsspec.open(url, "rb", **_http_options(protocol)).open()


def _http_options(protocol: str) -> dict[str, Any]:
    return {"client_kwargs": {"timeout": http_timeout()}} if protocol in ("http", "https") else {}


def chunks(path: str) -> Iterator[bytes]:
    """All bytes of a local path or URL, in order. Raises InputError."""
    with open_file(path) as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def sizes(paths: Iterable[str]) -> list[int | None]:
    """Bytes of each path or URL, those of one store asked for together; None where a server does not say.

    Raises:
        InputError: one is missing or unreadable.
    """
    paths = list(paths)
    found: dict[str, int | None] = {path: _local_size(path) for path in paths if not is_remote(path)}
    groups: dict[str, list[str]] = {}
    for path in paths:
        if is_remote(path):
            groups.setdefault(path.partition("://")[0], []).append(path)
    for urls in groups.values():
        found.update(_remote_sizes(urls))
    return [found[path] for path in paths]


def _local_size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", where=path) from error


def _remote_sizes(urls: list[str]) -> dict[str, int | None]:
    def ask() -> list[int | None]:
        store, _ = fsspec.core.url_to_fs(urls[0])
        if (protocol := urls[0].partition("://")[0]) in RUN_PROTOCOLS:
            store = filesystem(protocol)
        return list(store.sizes([fsspec.core.url_to_fs(url)[1] for url in urls]))

    try:
        return dict(zip(urls, retried(ask, urls[0]), strict=True))
    except FileNotFoundError as error:
        raise InputError("no such file", where=str(error) or urls[0], hint="check the path") from error


def _size(handle: BinaryIO, path: str) -> int:
    try:
        size = handle.seek(0, os.SEEK_END)
    except (OSError, ValueError) as error:
        hint = "download it first; this server gives no byte ranges"
        raise InputError("cannot seek in it", where=path, hint=hint) from error
    return handle.tell() if size is None else size  # some fsspec file objects return nothing from seek
