"""The response store of a run whose folder is in an object store, where no file can be appended to.

Answers are kept in a local file and, before any of them is used, also written as one new object named by its content.
Opening reads all objects of the task. Nobody holds a lock there: two attempts at the same time may both ask, but what
was stored when an attempt began is never paid for again, and the first answer by name wins on every replay.
"""

from __future__ import annotations

from contextlib import ExitStack
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import cast

from llm_cleaning.messages import ModelIdentity, Reply, Request
from llm_cleaning.store import ResponseStore
from pipeline.io.storage import StorePath, put_bytes, read_all


class SharedResponseStore:
    """`ResponseStore` with an object per batch of answers behind it."""

    def __init__(self, folder: StorePath) -> None:
        self._folder = folder
        with ExitStack() as stack:
            self._file = Path(stack.enter_context(TemporaryDirectory(prefix="warcmill-responses-"))) / "responses.log"
            self._file.write_bytes(b"".join(read_all(cast("list[Path]", sorted(folder.glob("*.log"))))))
            self._local = stack.enter_context(ResponseStore(self._file))
            self._shared_bytes = self._file.stat().st_size
            self._stack = stack.pop_all()

    def __contains__(self, key: str) -> bool:
        return key in self._local

    def __enter__(self) -> SharedResponseStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def get(self, key: str) -> Reply | None:
        """The stored answer, or None."""
        return self._local.get(key)

    def put(self, key: str, request: Request, model: ModelIdentity, reply: Reply) -> None:
        """Keep an answer; `sync` stores it."""
        self._local.put(key, request, model, reply)

    def sync(self) -> None:
        """Store what was put since the last time.

        Raises:
            OutputError: the object store does not take it.
        """
        with self._file.open("rb") as file:
            file.seek(self._shared_bytes)
            batch = file.read()
        if batch:
            name = blake2b(batch, digest_size=16).hexdigest()
            put_bytes(self._folder / f"{name}.log", batch)
            self._shared_bytes += len(batch)
