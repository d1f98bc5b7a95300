"""Files of an export: written under a temporary name, hashed on the way, synced, renamed."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from pipeline.io import scratch
from pipeline.io.shards import ShardFile, writing
from pipeline.io.storage import StorePath, put_file


@dataclass(slots=True, eq=False)
class NewFile:
    """A file that is being written; `file` is what it became, set when its block ends."""

    raw: IO[bytes]
    name: str
    size: int = 0
    rows: int = 0
    digest: Any = field(default_factory=hashlib.sha256)
    file: ShardFile | None = None

    def write(self, content: bytes | memoryview, *, rows: int = 0) -> None:
        """Append bytes that hold so many rows."""
        self.raw.write(content)
        self.digest.update(content)
        self.size += len(content)
        self.rows += rows

    @property
    def written(self) -> ShardFile:
        """Name, digest and size of the finished file."""
        if self.file is None:
            raise ValueError(f"{self.name} is not finished")
        return self.file


@contextmanager
def new_file(directory: Path, name: str) -> Iterator[NewFile]:
    """A file that appears under its name when the block ends without an error, whole and synced.

    In an object store it is one upload, from scratch space.

    Raises:
        OutputError: the disk is full or the directory cannot be written.
    """
    temporary = (
        scratch.new_file() if isinstance(directory, StorePath) else directory / "_tmp" / f"{uuid.uuid4().hex}.part"
    )
    with writing(directory / name):
        temporary.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as raw:
                file = NewFile(raw, name)
                yield file
                raw.flush()
                os.fsync(raw.fileno())
            if isinstance(directory, StorePath):
                put_file(temporary, directory / name)
            else:
                directory.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
                temporary.replace(directory / name)
            file.file = ShardFile(name, file.digest.hexdigest(), file.size, file.rows, ())
        finally:
            temporary.unlink(missing_ok=True)
