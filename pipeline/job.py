"""A run in the making: phases in order, each finished once and bound to what it reads, and the exchange between two.

The main job (`pipeline.run`) and the verbs over tables (`pipeline.table_job`) are lists of such phases.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from pipeline.engines.protocol import Engine, Work
from pipeline.engines.work import Emit, Partition, Reduce, Sorting, reduce_partition, spill
from pipeline.io.commit import Commit, PhaseDirectory
from pipeline.io.shards import ShardFile
from pipeline.io.storage import remove_tree
from pipeline.phases.placed import DocumentShard, Removals
from pipeline.stage import Counters, Task
from pipeline.status import note_plan

PARTITION_BYTES = 256 << 20  # of spilled rows; decides the number of partitions from the data alone
Plan = tuple[Work, Sequence[Task]]


class Reporter(Protocol):
    """Where a run tells how it is going."""

    def begin(self, phase: str, tasks: int) -> None: ...

    def progress(self, finished: int, records: int) -> None: ...

    def end(self, phase: str, counters: Counters) -> None: ...


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

    def shards(self, *removals: Removals) -> list[DocumentShard]:
        """The kept documents, one shard per task that kept any."""
        kept = [commit.data for commit in self.commits if commit.data]
        return [DocumentShard(self.directory, files, index, removals) for index, files in enumerate(kept)]

    def removals(self, stage: str) -> Removals:
        """The rows that a dedup phase removed, under the name of a stage."""
        return Removals(self.directory, stage)


@dataclass(slots=True)
class Job:
    """The phases of one run so far: its folder, the engine they run on, seconds by phase."""

    output: Path
    engine: Engine
    reporter: Reporter
    seconds: dict[str, float] = field(default_factory=dict)
    number: int = 0
    spilled: dict[str, Finished] = field(default_factory=dict)

    def phase(self, name: str, fingerprint: Mapping[str, Any], plan: Callable[[PhaseDirectory], Plan]) -> Finished:
        """Run one phase unless it is finished, and return its commits.

        Raises:
            UsageError: the phase was begun with another fingerprint.
        """
        directory = PhaseDirectory(self.output / "phases" / f"{self.number:02d}-{name}", name)
        self.number += 1
        directory.bind({"phase": name, **fingerprint})
        if not directory.finished:
            started = time.monotonic()
            work, tasks = plan(directory)
            note_plan(directory.path, len(tasks), datetime.now(UTC))
            self.reporter.begin(name, len(tasks))
            self.engine.map_shards(directory, tasks, work, self.reporter.progress)
            manifest = directory.finish(task.name for task in tasks)
            self.reporter.end(name, Counters.from_json(manifest["counters"]))
            self.seconds[name] = round(time.monotonic() - started, 3)
        return Finished(directory, directory.commits())

    def spill(
        self, name: str, fingerprint: Mapping[str, Any], tasks: Sequence[Task], emit: Emit, sorting: Sorting
    ) -> Finished:
        """Write the rows that `emit` makes of each task, sorted, to be merged by key range."""
        return self.phase(
            name,
            fingerprint,
            lambda directory: (partial(spill, directory=directory, emit=emit, sorting=sorting), tasks),
        )

    def exchange(
        self,
        name: str,
        fingerprint: Mapping[str, Any],
        tasks: Sequence[Task],
        emit: Emit,
        reduce: Reduce,
        sorting: Sorting,
        schema: pa.Schema,
        beside: Sequence[PhaseDirectory] = (),
        keep: bool = False,
    ) -> Finished:
        """Spill rows sorted by key, then reduce each key range to one Parquet file.

        `beside`: spills of an index that are merged in. `keep`: the spilled rows stay, in `spilled`, for an index.
        """
        spilled = self.spill(f"{name}-rows", fingerprint, tasks, emit, sorting)
        others = tuple(beside)

        def plan(directory: PhaseDirectory) -> Plan:
            files = [*spilled.files, *(file for phase in others for file in phase.files())]
            count = max(1, -(-sum(file.bytes for file in files) // PARTITION_BYTES))
            work = partial(
                reduce_partition, directory=directory, reduce=reduce, sorting=sorting, schema=schema, grouping={}
            )
            return work, partitions(spilled, count, others)

        reads = [spilled.directory.sha256, *(phase.sha256 for phase in others)]
        reduced = self.phase(name, {**fingerprint, "rows": reads}, plan)
        if keep:
            self.spilled[name] = spilled
        else:
            forget_spill(spilled)
        return reduced


def tasks_of(shards: Sequence[DocumentShard]) -> list[Task]:
    """One task per shard."""
    return [Task(f"{shard.index:05d}", shard.index, shard) for shard in shards]


def partitions(spilled: Finished, count: int, beside: tuple[PhaseDirectory, ...] = ()) -> list[Task]:
    """One task per key range of a spill, and of others merged into it."""
    parts = (Partition(spilled.directory, index, count, beside) for index in range(count))
    return [Task(f"{part.index:05d}", part.index, part) for part in parts]


def forget_spill(spilled: Finished) -> None:
    """Free the space of spilled rows that have been reduced."""
    remove_tree(spilled.directory.path / "data")


def fingerprint(version: int, config: Mapping[str, Any], *sources: Finished | Removals) -> dict[str, Any]:
    """What a phase is bound to: its version, its config, and the manifests of the phases it reads."""
    read = [source.directory.sha256 for source in sources]
    return {"version": version, "config": dict(config), "reads": read}
