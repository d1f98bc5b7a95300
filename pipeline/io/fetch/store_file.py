"""A file of a store as the file object pyarrow wants, so that every byte it reads is retried and counted."""

from __future__ import annotations

import io

from pipeline.io.fetch.retry import Reader


class StoreFile(io.RawIOBase):
    """Read-only, seekable. One range request per read."""

    def __init__(self, reader: Reader, path: str) -> None:
        super().__init__()
        self._reader, self._path = reader, path
        self._size, self._at = reader.size(path), 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        stop = self._size if size < 0 else min(self._at + size, self._size)
        if stop <= self._at:
            return b""
        data = self._reader.read(self._path, self._at, stop)
        self._at += len(data)
        return data
