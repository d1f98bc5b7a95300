"""Every answer a model gave, on disk before it is used: a killed run pays for nothing twice, a rerun is byte-identical.

One append-only file of lines `<checksum> <json>`, each written by a single call. A torn last line is cut off when the
file is opened; a damaged line inside is counted, left in place and never read. One process writes at a time.
"""

from __future__ import annotations

import fcntl
import json
import os
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any

from llm_cleaning.messages import ModelIdentity, Reply, Request
from pipeline.errors import OutputError, VerificationError

_CHECKSUM_CHARS = 16


class ResponseStore:
    """Answers by key. Memory holds keys and places; texts stay on disk.

    Opening waits for the lock, so that a second attempt at the same shard replays the first one's answers.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places: dict[str, tuple[int, int]] = {}  # key -> offset and length of its line
        self.damaged_lines = 0
        self.torn_bytes = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise OutputError(f"cannot open the response store: {error.strerror}", where=str(path)) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX)
            self._size = self._load()
        except BaseException:
            os.close(self._fd)
            raise

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def __enter__(self) -> ResponseStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file and its lock."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def get(self, key: str) -> Reply | None:
        """The stored answer, or None.

        Raises:
            VerificationError: the line was altered since the store was opened.
        """
        place = self._places.get(key)
        if place is None:
            return None
        record = _record(os.pread(self._fd, place[1], place[0]))
        if record is None or record["key"] != key:
            raise VerificationError("a stored response was altered", where=f"{self._path}:{place[0]}")
        return Reply.from_json(record["reply"])

    def put(self, key: str, request: Request, model: ModelIdentity, reply: Reply) -> None:
        """Store an answer. The first one under a key stays.

        Raises:
            OutputError: it cannot be written.
        """
        if key in self._places:
            return
        line = _line(key, request, model, reply)
        try:
            written = os.write(self._fd, line)
            if written != len(line):
                os.ftruncate(self._fd, self._size)
                raise OutputError("disk full", where=str(self._path), hint="free space and run the same command again")
        except OSError as error:
            raise OutputError(f"cannot store a response: {error.strerror}", where=str(self._path)) from error
        self._places[key] = (self._size, len(line))
        self._size += len(line)

    def sync(self) -> None:
        """Have the disk hold what was stored, so that a power cut costs nothing either."""
        os.fsync(self._fd)

    def _load(self) -> int:
        """Index every good line, cut a torn last one off; returns the size in bytes."""
        position = 0
        with os.fdopen(os.dup(self._fd), "rb") as file:
            file.seek(0)
            for line in file:
                if not line.endswith(b"\n"):
                    self.torn_bytes = len(line)
                    os.ftruncate(self._fd, position)
                    return position
                record = _record(line)
                if record is None:
                    self.damaged_lines += 1
                else:
                    self._places.setdefault(record["key"], (position, len(line)))
                position += len(line)
        return position


def _line(key: str, request: Request, model: ModelIdentity, reply: Reply) -> bytes:
    record = {
        "key": key,
        "document": request.document,
        "chunk": request.chunk,
        "prompt": request.prompt_sha,
        "model": model.name,
        "revision": model.revision,
        "sampling": [request.sampling.max_tokens, request.sampling.temperature, request.sampling.seed],
        "reply": reply.to_json(),
    }
    body = json.dumps(record, sort_keys=True).encode()  # ASCII: no line break, no lone surrogate can break the format
    return _checksum(body) + b" " + body + b"\n"


def _record(line: bytes) -> dict[str, Any] | None:
    """A line's record, or None where it is damaged."""
    checksum, _, body = line.rstrip(b"\n").partition(b" ")
    if len(checksum) != _CHECKSUM_CHARS or checksum != _checksum(body):
        return None
    record: dict[str, Any] = json.loads(body)
    return record


def _checksum(body: bytes) -> bytes:
    return blake2b(body, digest_size=_CHECKSUM_CHARS // 2).hexdigest().encode()
