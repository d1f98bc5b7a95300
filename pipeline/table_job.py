"""Phases of a verb that works on tables: the run's folder, its phases in order, an exchange, the published manifest.

The same commits, resume and lock as the main job has; a verb adds only what its phases do.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from pipeline.engines.choose import open_engine
from pipeline.engines.local import LocalConfig
from pipeline.engines.protocol import Engine, Work
from pipeline.engines.work import Emit, Partition, Reduce, Sorting, reduce_partition, spill
from pipeline.io.commit import Commit, PhaseDirectory, canonical_json, write_atomic
from pipeline.io.inputs import basename
from pipeline.io.shards import ShardFile
from pipeline.phases.documents import DocumentShard, Removals
from pipeline.phases.inputs import InputFacts, facts_of, inspect_input, require_unchanged
from pipeline.phases.tables import TABLES_VERSION, Table, read_table
from pipeline.stage import Counters, Task

PARTITION_BYTES = 256 << 20  # of spilled rows; decides the number of partitions from the data alone
MANIFEST, SUCCESS = "manifest.json", "_SUCCESS"
SOFTWARE = ("warcmill", "pyarrow", "numpy")
Plan = tuple[Work, Sequence[Task]]


class Reporter(Protocol):
    """Where a run tells how it is going."""

    def begin(self, phase: str, tasks: int) -> None: ...

    def progress(self, finished: int, records: int) -> None: ...

    def end(self, phase: str, counters: Counters) -> None: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where a verb reads, writes and runs; nothing of it decides the output but the inputs' content."""

    inputs: tuple[str, ...]  # as expanded, ordered by basename
    output: Path
    local: LocalConfig = field(default_factory=LocalConfig)
    engine: str = "local"
    engine_options: tuple[str, ...] = ()

    def open_engine(self) -> AbstractContextManager[Engine]:
        """The engine, without a limit on the time of one record: a reducer's step here is many rows."""
        return open_engine(self.engine, self.engine_options, replace(self.local, record_timeout_s=None))


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished phase."""

    directory: PhaseDirectory
    commits: Sequence[Commit]

    @property
    def files(self) -> tuple[ShardFile, ...]:
        return tuple(file for commit in self.commits for file in commit.data)

    @property
    def counters(self) -> Counters:
        return Counters.from_json(self.directory.manifest()["counters"])

    def removals(self, stage: str) -> Removals:
        return Removals(self.directory, self.files, stage)


@dataclass(slots=True)
class TableJob:
    """One run of a verb: its folder, engine and the phases so far."""

    place: Place
    engine: Engine
    reporter: Reporter
    seconds: dict[str, float] = field(default_factory=dict)
    number: int = 0

    def phase(self, name: str, fingerprint: Mapping[str, Any], plan: Callable[[PhaseDirectory], Plan]) -> Finished:
        """Run one phase unless it is finished, and return its commits."""
        directory = PhaseDirectory(self.place.output / "phases" / f"{self.number:02d}-{name}", name)
        self.number += 1
        directory.bind({"phase": name, **fingerprint})
        if not directory.finished:
            started = time.monotonic()
            work, tasks = plan(directory)
            self.reporter.begin(name, len(tasks))
            self.engine.map_shards(directory, tasks, work, self.reporter.progress)
            manifest = directory.finish(task.name for task in tasks)
            self.reporter.end(name, Counters.from_json(manifest["counters"]))
            self.seconds[name] = round(time.monotonic() - started, 3)
        return Finished(directory, directory.commits())

    def exchange(
        self,
        name: str,
        fingerprint: Mapping[str, Any],
        shards: Sequence[DocumentShard],
        emit: Emit,
        reduce: Reduce,
        sorting: Sorting,
        schema: pa.Schema,
    ) -> Finished:
        """Spill rows sorted by key, then reduce each key range to one Parquet file."""
        tasks = [Task(f"{shard.index:05d}", shard.index, shard) for shard in shards]

        def plan_spill(directory: PhaseDirectory) -> Plan:
            return partial(spill, directory=directory, emit=emit, sorting=sorting), tasks

        spilled = self.phase(f"{name}-rows", fingerprint, plan_spill)

        def plan_reduce(directory: PhaseDirectory) -> Plan:
            count = max(1, -(-sum(file.bytes for file in spilled.files) // PARTITION_BYTES))
            parts = [Partition(spilled.directory, spilled.files, index, count) for index in range(count)]
            work = partial(
                reduce_partition, directory=directory, reduce=reduce, sorting=sorting, schema=schema, grouping={}
            )
            return work, [Task(f"{part.index:05d}", part.index, part) for part in parts]

        reduced = self.phase(name, {**fingerprint, "rows": spilled.directory.sha256}, plan_reduce)
        shutil.rmtree(spilled.directory.path / "data", ignore_errors=True)
        return reduced

    def tables(self) -> tuple[list[InputFacts], Finished, list[Table]]:
        """Hash the inputs, refuse changed ones, and copy what comparisons need into shards."""
        facts, hashed = self.hashed("inputs", self.place.inputs)

        def plan(directory: PhaseDirectory) -> Plan:
            tasks = [Task(f"{i:05d}", i, path) for i, path in enumerate(self.place.inputs)]
            return partial(read_table, directory=directory), tasks

        read = self.phase("read", fingerprint(TABLES_VERSION, {}, hashed), plan)
        return facts, read, _tables(self.place.inputs, read)

    def hashed(self, name: str, paths: Sequence[str]) -> tuple[list[InputFacts], Finished]:
        """Name, sha256 and size of files, as when the run began.

        Raises:
            UsageError: one has another size now.
        """

        def plan(directory: PhaseDirectory) -> Plan:
            tasks = [Task(f"{i:05d}", i, path) for i, path in enumerate(paths)]
            return partial(inspect_input, directory=directory, split_bytes=None), tasks

        done = self.phase(name, {"version": 1, "names": [basename(path) for path in paths]}, plan)
        facts = [facts_of(commit) for commit in done.commits]
        for path, known in zip(paths, facts, strict=True):
            require_unchanged(path, known)
        return facts, done

    def publish(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Write the run's manifest, then `_SUCCESS`: from here on readers may open the run."""
        whole = {**manifest, "software": {name: version(name) for name in SOFTWARE}}
        content = canonical_json(whole)
        write_atomic(self.place.output / MANIFEST, content)
        write_atomic(self.place.output / SUCCESS, f"{hashlib.sha256(content).hexdigest()}\n".encode())
        return whole


def fingerprint(version: int, config: Mapping[str, Any], *sources: Finished | Removals | None) -> dict[str, Any]:
    """What a phase is bound to: its version, its config, and the manifests of the phases it reads."""
    read = [source.directory.sha256 for source in sources if source is not None]
    return {"version": version, "config": dict(config), "reads": read}


def funnel_entry(done: Finished) -> dict[str, Any]:
    """One line of the manifest's funnel."""
    return {"phase": done.directory.name, **done.counters.to_json()}


def input_entries(facts: Sequence[InputFacts], tables: Sequence[Table]) -> list[dict[str, Any]]:
    """The manifest's inputs: name, sha256, bytes, rows."""
    return [
        {"name": known.name, "sha256": known.sha256, "bytes": known.bytes, "rows": table.rows}
        for known, table in zip(facts, tables, strict=True)
    ]


def _tables(paths: Sequence[str], read: Finished) -> list[Table]:
    tables, index = [], 0
    for path, commit in zip(paths, read.commits, strict=True):
        shards = tuple(DocumentShard(read.directory, (file,), index + k) for k, file in enumerate(commit.data))
        tables.append(Table(path, commit.facts["schema"], shards))
        index += len(shards)
    return tables
