"""Scores of models whose last bits batch size could move, kept per document and model, and replayed.

A transformer's score depends, in its last bits, on what else is in the batch and on which machine it runs. Whoever asks
first decides; every later run, engine or batch size reads that number. One SQLite file, safe for several processes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from hashlib import blake2b
from pathlib import Path

from pipeline.errors import InputError, OutputError

WAIT_S = 60.0  # for another process's write
_READ_AT_ONCE = 500  # SQLite's limit on variables is 999 in old builds
_TABLE = """
CREATE TABLE IF NOT EXISTS scores (model TEXT NOT NULL, document TEXT NOT NULL, score REAL NOT NULL,
PRIMARY KEY (model, document)) WITHOUT ROWID
"""


def key(document_id: str, text: str) -> str:
    """What a score belongs to: the document's id and the text that was scored, a later revision of it being another."""
    return blake2b(f"{document_id}\0{text}".encode("utf-8", "replace"), digest_size=16).hexdigest()


class ScoreStore:
    """Scores by (model, document). One instance per process.

    Raises:
        InputError: the file is no store.
        OutputError: it cannot be created.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._open()) as base, base:
                base.execute(_TABLE)
        except sqlite3.DatabaseError as problem:
            raise InputError(f"no score store: {problem}", where=str(path), hint="delete it, or name another") from None
        except OSError as problem:
            raise OutputError(f"the score store cannot be made: {problem}", where=str(path)) from problem

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=WAIT_S)

    def get(self, model: str, documents: Sequence[str]) -> dict[str, float]:
        """Known scores of these documents by this model."""
        found: dict[str, float] = {}
        with closing(self._open()) as base:
            for start in range(0, len(documents), _READ_AT_ONCE):
                part = documents[start : start + _READ_AT_ONCE]
                query = (
                    f"SELECT document, score FROM scores WHERE model = ? AND document IN ({','.join('?' * len(part))})"  # noqa: S608 - only question marks
                )
                found.update(base.execute(query, (model, *part)))
        return found

    def put(self, model: str, scores: Mapping[str, float]) -> dict[str, float]:
        """Add scores; gives what the store holds afterwards: the first writer's numbers."""
        rows = [(model, document, score) for document, score in sorted(scores.items())]
        with closing(self._open()) as base, base:
            base.executemany("INSERT OR IGNORE INTO scores VALUES (?, ?, ?)", rows)
        return self.get(model, sorted(scores))
