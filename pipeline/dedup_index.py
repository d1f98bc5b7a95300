"""The index of `warcmill dedup --index DIR`: what a run needs of those before it, so that no old input is read again.

DIR/segments/NNNN-<digest>/   what one run added: finished phases of it, copied
    ids-rows, exact-rows, propose-rows   sorted runs of keys, merged with those of the next run
    evidence                 texts that exact dedup left, read where a component has a new document
    verdicts                 which documents are removed, and for which other
    gone                     old documents that an exact copy has replaced
DIR/generation-NNNN.json     created if absent, last: the segments of this and all earlier runs

A run is bound to the generation that it found first, and adds the next one when its rows are written. Of two runs that
start from one generation, the second to finish is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.errors import CommitConflict, UsageError
from pipeline.io.commit import Commit, PhaseDirectory, canonical_json, create_if_absent, digest
from pipeline.io.storage import names_in
from pipeline.job import Finished, Job, Plan
from pipeline.phases.index import copy_part
from pipeline.phases.placed import DocumentShard
from pipeline.stage import Context, Counters, Task
from pipeline.text.sketch import HASHES_VERSION

PARTS = ("ids-rows", "exact-rows", "propose-rows", "evidence", "verdicts")


@dataclass(frozen=True, slots=True)
class Index:
    """One generation of an index; `segments` are (folder, shards) in order, `base` all shards together."""

    folder: Path
    generation: int
    segments: tuple[tuple[str, int], ...]

    @property
    def base(self) -> int:
        return sum(shards for _, shards in self.segments)

    @property
    def turn(self) -> int:
        """The number under which this run's verdicts go."""
        return 2 * (self.generation + 1)

    @property
    def gone(self) -> PhaseDirectory | None:
        """Old documents that an exact copy has replaced; every segment but the first has the whole list."""
        return self._phase(self.segments[-1][0], "gone") if len(self.segments) > 1 else None

    def spills(self, name: str) -> list[PhaseDirectory]:
        """Sorted runs of one kind, of every segment."""
        return [self._phase(segment, name) for segment, _ in self.segments]

    def texts(self) -> list[DocumentShard]:
        """Every shard of old texts."""
        files = [(phase, commit.data) for phase in self.spills("evidence") for commit in phase.commits()]
        return [DocumentShard(phase, data, number) for number, (phase, data) in enumerate(files)]

    def _phase(self, segment: str, name: str) -> PhaseDirectory:
        return PhaseDirectory(self.folder / "segments" / segment / name, name)


def open_index(job: Job, folder: Path, settings: Mapping[str, Any]) -> Index:
    """The newest generation when this run began; an empty index where there is none yet.

    Raises:
        UsageError: it was made with other settings or other hashes, or is no longer what this run began with.
    """

    def plan(directory: PhaseDirectory) -> Plan:
        return partial(find_generation, directory=directory), [Task("00000", 0, folder)]

    found = job.phase("index-base", {"version": 1, "settings": dict(settings)}, plan)
    facts = found.commits[0].facts
    if not facts["generation"]:
        return Index(folder, 0, ())
    content = _generation(folder, facts["generation"])
    if digest(content) != facts["digest"]:
        raise UsageError("is not the index that this run began with", where=str(folder), hint="choose another -o")
    if content.get("hashes", 1) != HASHES_VERSION:
        raise UsageError(
            "was made by a warcmill that hashed words otherwise: its keys would meet none of today's",
            where=str(folder),
            expected=f"hashes of version {HASHES_VERSION}, found {content.get('hashes', 1)}",
            hint="make a new one: deduplicate the inputs of its runs once more, in order, with another --index folder",
        )
    if content["settings"] != json.loads(canonical_json(settings)):
        known = content["settings"]
        other = [
            f"{part}.{name} was {known[part].get(name)!r}"
            for part, values in settings.items()
            for name, value in values.items()
            if known.get(part, {}).get(name) != value
        ]
        raise UsageError(f"was made with other settings: {', '.join(other)}", where=str(folder), hint="use those again")
    return Index(folder, facts["generation"], tuple((entry["name"], entry["shards"]) for entry in content["segments"]))


def find_generation(task: Task, context: Context, *, directory: PhaseDirectory) -> None:  # noqa: ARG001
    """Note number and digest of the newest generation; `task.source` is the index's folder."""
    folder: Path = task.source
    numbers = [int(name[11:-5]) for name in names_in(folder) if name.startswith("generation-")]
    newest = max(numbers, default=0)
    known = digest(_generation(folder, newest)) if newest else ""
    directory.commit(Commit(task.name, (), (), Counters(), {"generation": newest, "digest": known}))


def _generation(folder: Path, number: int) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / f"generation-{number:04d}.json").read_bytes())
    return content


def add_segment(job: Job, index: Index, phases: Sequence[Finished], shards: int, settings: Mapping[str, Any]) -> None:
    """Copy what this run adds, then the generation that names it.

    Raises:
        CommitConflict: another run has added that generation meanwhile.
    """
    identity = digest([done.directory.sha256 for done in phases])
    segment = f"{index.generation + 1:04d}-{identity[:12]}"
    target = index.folder / "segments" / segment

    def plan(directory: PhaseDirectory) -> Plan:
        copies = [copy for done in phases for copy in _copies(done.directory, target / done.directory.name)]
        tasks = [Task(f"{number:06d}", number, copy) for number, copy in enumerate(copies)]
        return partial(copy_part, directory=directory), tasks

    job.phase("index", {"version": 1, "segment": segment}, plan)
    segments = [*index.segments, (segment, shards)]
    content = {
        "hashes": HASHES_VERSION,
        "settings": dict(settings),
        "segments": [{"name": name, "shards": count} for name, count in segments],
    }
    path = index.folder / f"generation-{index.generation + 1:04d}.json"
    try:
        create_if_absent(path, canonical_json(content))
    except CommitConflict as conflict:
        raise CommitConflict(
            "another run has extended the index since this one began",
            where=str(path),
            expected=f"generation {index.generation} to be the newest",
            hint="run again with another -o folder: it will see what the other one added",
        ) from conflict


def _copies(phase: PhaseDirectory, target: Path) -> list[tuple[Path, Path]]:
    names = [f"data/{file.path}" for file in phase.files()]
    return [(phase.path / name, target / name) for name in [*names, "manifest.json", "_SUCCESS"]]
