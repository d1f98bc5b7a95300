"""Where archives and indexes lie: a folder, an HTTP(S) server, an object store; read by path and byte range.

The base is what the user gave (`--base-url`, `--index`), and it is trusted; paths below it come from lists and indexes
and were screened by `url_rules`. One attempt per call here; trying again is `retry`'s.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from pipeline.errors import UsageError
from pipeline.io.retries import error_code, explained, is_transient
from pipeline.io.storage import filesystem

CHUNK_BYTES = 64 << 10
OBJECT_CHUNK_BYTES = 8 << 20  # an object store answers one request per chunk


class ReadFailed(Exception):
    """One attempt at a read failed.

    Args:
        reason: http_404, http_503, timeout, reset, truncated, no_ranges, private_address, refused_redirect, dns, …
        detail: for a person.
        transient: another attempt may succeed.
        retry_after_s: the wait the server asked for.
    """

    def __init__(
        self, reason: str, detail: str = "", *, transient: bool = False, retry_after_s: float | None = None
    ) -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason, self.detail, self.transient, self.retry_after_s = reason, detail, transient, retry_after_s


class Store(Protocol):
    """Files below a base, by relative path. Safe for many threads."""

    base: str

    def chunks(self, path: str, start: int, stop: int | None) -> Iterator[bytes]:
        """Bytes [start, stop), fewer only where the file ends before; stop None is the end of the file."""

    def size(self, path: str) -> int:
        """Size in bytes."""


class FolderStore:
    """A local folder. Links may not lead out of it."""

    def __init__(self, base: str) -> None:
        self.base = base
        self._root = Path(base.removeprefix("file://")).resolve()

    def chunks(self, path: str, start: int, stop: int | None) -> Iterator[bytes]:
        with self._open(path) as file:
            size = file.seek(0, 2)
            if start >= size:
                raise ReadFailed("beyond_end", f"the file has {size} bytes")
            file.seek(start)
            left = (size if stop is None else min(stop, size)) - start
            while left > 0 and (chunk := file.read(min(left, 1 << 20))):
                left -= len(chunk)
                yield chunk

    def size(self, path: str) -> int:
        with self._open(path) as file:
            return int(file.seek(0, 2))

    def _open(self, path: str) -> Any:
        place = (self._root / path).resolve()
        if not place.is_relative_to(self._root):
            raise ReadFailed("bad_path", "leads out of the base")
        try:
            return place.open("rb")
        except OSError as error:
            raise _os_failure(error) from error


class ObjectStore:
    """Any fsspec file system: s3://, gs://, hf://, memory://. Credentials and endpoints are those of its package."""

    def __init__(self, base: str) -> None:
        self.base = base if base.endswith("/") else base + "/"
        protocol = base.partition("://")[0]
        try:
            self._files: Any = filesystem(protocol)  # without retries of its own: ours obey one policy
            self._root = str(self._files._strip_protocol(self.base)).rstrip("/")
        except ValueError as error:
            raise UsageError(f"cannot open this: {error}", where=base, hint="install the fsspec file system") from error

    def chunks(self, path: str, start: int, stop: int | None) -> Iterator[bytes]:
        while stop is None or start < stop:
            end = start + OBJECT_CHUNK_BYTES if stop is None else min(stop, start + OBJECT_CHUNK_BYTES)
            data = self._call(self._files.cat_file, path, start=start, end=end)
            if data:
                yield data
            start += len(data)
            if start < end:
                return

    def size(self, path: str) -> int:
        return int(self._call(self._files.info, path)["size"])

    def _call(self, function: Any, path: str, **options: Any) -> Any:
        try:
            return function(f"{self._root}/{path}", **options)
        except Exception as error:  # classified: the packages of object stores raise errors of their own
            raise _object_failure(error, self.base + path) from error


def _object_failure(error: Exception, where: str) -> Exception:
    """The named failure of one read, or the error that stops the job: no credentials, an unknown store."""
    if isinstance(error, ValueError) or error_code(error) == "InvalidRange":  # fsspec: a range beyond the end
        return ReadFailed("http_416", str(error)[:300])
    if isinstance(error, FileNotFoundError | IsADirectoryError | NotADirectoryError | PermissionError):
        return _os_failure(error)
    if is_transient(error):
        slow = "http_503" if error_code(error) == "SlowDown" else "read_error"
        return ReadFailed("timeout" if isinstance(error, TimeoutError) else slow, str(error)[:300], transient=True)
    if isinstance(error, OSError) and error.errno == errno.EINVAL:
        return ReadFailed("http_416", str(error)[:300])
    return explained(error, where, writes=False)


def _os_failure(error: OSError) -> ReadFailed:
    """The failure as HTTP would name it, so that a not-found list reads the same wherever the archive lies."""
    if isinstance(error, FileNotFoundError | IsADirectoryError | NotADirectoryError):
        return ReadFailed("http_404", "no such file")
    if isinstance(error, PermissionError):
        return ReadFailed("http_403", "not allowed")
    return ReadFailed("read_error", str(error)[:300], transient=True)
