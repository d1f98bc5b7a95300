"""Commits: how a shard becomes part of a phase exactly once, and a phase part of a run.

<phase>/phase.json            fingerprint the phase is bound to
<phase>/data/ reject/         Parquet, content-addressed names
<phase>/_commit/<task>.json   created if absent: files, counters. Nothing counts before it, everything after
<phase>/_poison/<task>-<position>.json   verdict on one record that crashed, hung or raised
<phase>/manifest.json         built from the commits, never from a listing
<phase>/_SUCCESS              sha256 of manifest.json; written last

A phase is a local folder or a prefix of an object store (pipeline.io.storage).
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipeline.errors import CommitConflict, UsageError, VerificationError
from pipeline.io.shards import ShardFile, writing
from pipeline.io.storage import StorePath, create_bytes, names_in, put_bytes, read_all, remove_tree
from pipeline.stage import Counters


@dataclass(frozen=True, slots=True)
class Commit:
    """What one task did: files it wrote (by folder), rows by fate, and facts for the next phase."""

    task: str
    data: tuple[ShardFile, ...]
    reject: tuple[ShardFile, ...]
    counters: Counters
    facts: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {
            "task": self.task,
            "data": [file.to_json() for file in self.data],
            "reject": [file.to_json() for file in self.reject],
            "counters": self.counters.to_json(),
            "facts": dict(self.facts),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Commit:
        return cls(
            data["task"],
            tuple(map(ShardFile.from_json, data["data"])),
            tuple(map(ShardFile.from_json, data["reject"])),
            Counters.from_json(data["counters"]),
            data["facts"],
        )


def canonical_json(value: Any) -> bytes:
    """Bytes of a JSON value: sorted keys, two spaces, one trailing newline."""
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def digest(value: Any) -> str:
    """sha256 of the canonical JSON of a value, hex."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def write_atomic(path: Path, content: bytes) -> None:
    """Write a small file so that readers see all of it or nothing."""
    if isinstance(path, StorePath):
        put_bytes(path, content)
        return
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    with writing(path), _removed_at_exit(temporary):
        _write_synced(temporary, content)
        temporary.replace(path)


def create_if_absent(path: Path, content: bytes) -> None:
    """Create `path` with `content`, or check that it already holds the same.

    Raises:
        CommitConflict: it holds something else.
    """
    if isinstance(path, StorePath):
        if not create_bytes(path, content):
            _compare(path, content)
        return
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    with writing(path), _removed_at_exit(temporary):
        _write_synced(temporary, content)
        try:
            os.link(temporary, path)  # atomic, and fails where the name exists: rename would not
        except FileExistsError:
            _compare(path, content)


@contextmanager
def _removed_at_exit(path: Path) -> Iterator[None]:
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _write_synced(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _compare(path: Path, content: bytes) -> None:
    if path.read_bytes() != content:
        raise CommitConflict(
            "two attempts at this shard produced different results",
            where=str(path),
            expected="the same bytes from every attempt",
            hint="a stage is not deterministic, or an input changed while it was read; remove the run and start again",
        )


@dataclass(frozen=True, slots=True)
class PhaseDirectory:
    """One phase's folder in a run."""

    path: Path
    name: str

    def bind(self, fingerprint: Mapping[str, Any]) -> None:
        """Tie the folder to a fingerprint; refuse one that belongs to another.

        Raises:
            UsageError: the folder was written with other settings, inputs, models or stage versions.
        """
        marker = self.path / "phase.json"
        if marker.exists():
            known = json.loads(marker.read_bytes())
            if known != json.loads(canonical_json(fingerprint)):
                raise UsageError(
                    f"phase {self.name} was written with other {', '.join(_differences(known, fingerprint))}",
                    where=str(self.path),
                    expected="the recipe, inputs, models and stage versions it was begun with",
                    hint="choose another output folder with -o, or remove this one",
                )
        else:
            write_atomic(marker, canonical_json(fingerprint))

    def commit(self, commit: Commit) -> None:
        commit.counters.check(f"{self.name}/{commit.task}")
        create_if_absent(self.path / "_commit" / f"{commit.task}.json", canonical_json(commit.to_json()))

    def committed(self, task: str) -> Commit | None:
        try:
            content = (self.path / "_commit" / f"{task}.json").read_bytes()
        except FileNotFoundError:
            return None
        return Commit.from_json(json.loads(content))

    def done(self) -> set[str]:
        """Names of the tasks that have a commit now."""
        return {name.removesuffix(".json") for name in names_in(self.path / "_commit")}

    def poison(self, task: str, position: int, verdict: Mapping[str, Any]) -> None:
        create_if_absent(self.path / "_poison" / f"{task}-{position}.json", canonical_json(verdict))

    def poisoned(self, task: str) -> dict[int, str]:
        """Positions of records a worker must not touch again, with the reason."""
        folder = self.path / "_poison"
        names = [name for name in names_in(folder) if name.startswith(f"{task}-") and name.endswith(".json")]
        verdicts = map(json.loads, read_all([folder / name for name in names]))
        return {
            int(name.removesuffix(".json").rpartition("-")[2]): verdict["reason"]
            for name, verdict in zip(names, verdicts, strict=True)
        }

    @property
    def finished(self) -> bool:
        return (self.path / "_SUCCESS").exists()

    @property
    def sha256(self) -> str:
        """Digest of the manifest of a finished phase."""
        return (self.path / "_SUCCESS").read_text(encoding="ascii").strip()

    def finish(self, tasks: Iterable[str]) -> dict[str, Any]:
        """Build the phase's manifest from its commits, check the sums, write `_SUCCESS`.

        Raises:
            VerificationError: a task has no commit.
            ConservationError: rows do not add up.
        """
        commits = self._require(list(tasks))
        counters = Counters()
        for commit in commits:
            counters.add(commit.counters)
        counters.check(self.name)
        manifest = {
            "phase": self.name,
            "fingerprint": json.loads((self.path / "phase.json").read_bytes()),
            "counters": counters.to_json(),
            "commits": [commit.to_json() for commit in commits],
        }
        content = canonical_json(manifest)
        write_atomic(self.path / "manifest.json", content)
        write_atomic(self.path / "_SUCCESS", hashlib.sha256(content).hexdigest().encode() + b"\n")
        if not isinstance(self.path, StorePath):  # which holds no unfinished files
            for leftover in self.path.rglob("_tmp"):
                remove_tree(leftover)
        return manifest

    def _require(self, tasks: Sequence[str]) -> list[Commit]:
        done = self.done()
        missing = next((task for task in tasks if task not in done), None)
        if missing is not None:
            what = f"task {missing} has no commit"
            raise VerificationError(what, where=str(self.path), expected="one commit per task")
        return self.read_commits(tasks)

    def read_commits(self, tasks: Sequence[str]) -> list[Commit]:
        """The commits of tasks that have one."""
        contents = read_all([self.path / "_commit" / f"{task}.json" for task in tasks])
        return [Commit.from_json(json.loads(content)) for content in contents]

    def manifest(self) -> dict[str, Any]:
        """The manifest of a finished phase.

        Raises:
            VerificationError: the phase is unfinished, or the manifest is not the one `_SUCCESS` names.
        """
        if not self.finished:
            raise VerificationError("no _SUCCESS", where=str(self.path), hint="run the same command again: it resumes")
        content = (self.path / "manifest.json").read_bytes()
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise VerificationError(
                "manifest.json was altered", where=str(self.path), expected="the sha256 in _SUCCESS"
            )
        data: dict[str, Any] = json.loads(content)
        return data

    def commits(self) -> list[Commit]:
        return [Commit.from_json(commit) for commit in self.manifest()["commits"]]

    def files(self) -> tuple[ShardFile, ...]:
        """The data files of a finished phase, in order of tasks. A task names a phase, and looks its files up here."""
        return _files(self, self.sha256)


@lru_cache(maxsize=32)
def _files(phase: PhaseDirectory, _sha256: str) -> tuple[ShardFile, ...]:
    """Once per process: the manifest of a phase of 100,000 tasks is large."""
    commits = phase.manifest()["commits"]
    return tuple(ShardFile.from_json(file) for commit in commits for file in commit["data"])


def _differences(known: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    wanted = json.loads(canonical_json(wanted))
    return sorted(key for key in known.keys() | wanted.keys() if known.get(key) != wanted.get(key))
