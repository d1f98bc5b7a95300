"""Phases of a verb that works on tables: the run's folder, its phases in order, an exchange, the published manifest.

The same commits, resume and lock as the main job has; a verb adds only what its phases do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

from pipeline.engines.choose import open_engine
from pipeline.engines.local import LocalConfig
from pipeline.engines.protocol import Engine
from pipeline.io.commit import PhaseDirectory, canonical_json, write_atomic
from pipeline.io.inputs import Input, input_names
from pipeline.io.user_tables import json_columns
from pipeline.job import Finished, Job, Plan, Reporter, fingerprint
from pipeline.phases.bad_rows import REJECT, rejected_rows, require_some
from pipeline.phases.inputs import InputFacts, facts_of, inspect_input, require_unchanged
from pipeline.phases.placed import DocumentShard
from pipeline.phases.repeated_ids import repeated_rows
from pipeline.phases.tables import TABLES_VERSION, Table, read_table
from pipeline.stage import Task

MANIFEST, SUCCESS = "manifest.json", "_SUCCESS"
SOFTWARE = ("warcmill", "pyarrow", "numpy")
NOTED = 5  # rejected rows that a summary shows


@dataclass(frozen=True, slots=True)
class Place:
    """Where a verb reads, writes and runs; nothing of it decides the output but the inputs' content."""

    inputs: tuple[str, ...]  # as expanded and ordered by pipeline.io.inputs.expand_tables
    output: Path
    local: LocalConfig = field(default_factory=LocalConfig)
    engine: str = "local"
    engine_options: tuple[str, ...] = ()
    strict: bool = False  # a row that cannot be used is an error, not a reject

    def open_engine(self) -> AbstractContextManager[Engine]:
        """The engine, without a limit on the time of one record: a reducer's step here is many rows."""
        return open_engine(self.engine, self.engine_options, replace(self.local, record_timeout_s=None))


class TableJob(Job):
    """One run of a verb over tables."""

    def __init__(self, place: Place, engine: Engine, reporter: Reporter) -> None:
        super().__init__(place.output, engine, reporter)
        self.place = place

    def tables(self, base: int = 0) -> tuple[list[InputFacts], Finished, list[Table]]:
        """Hash the inputs, refuse changed ones, and copy what comparisons need into shards, numbered from `base`."""
        facts, hashed = self.hashed("inputs", self.place.inputs)

        def plan(directory: PhaseDirectory) -> Plan:
            tasks = [Task(f"{i:05d}", i, source) for i, source in enumerate(inputs_of(self.place.inputs))]
            return partial(read_table, directory=directory, strict=self.place.strict), tasks

        read = self.phase("read", fingerprint(TABLES_VERSION, {}, hashed), plan)
        require_some(read.directory, read.counters)
        return facts, read, _tables(self.place.inputs, read, base)

    def hashed(self, name: str, paths: Sequence[str]) -> tuple[list[InputFacts], Finished]:
        """Name, sha256 and size of files, as when the run began.

        Raises:
            UsageError: one has another size now.
        """

        def plan(directory: PhaseDirectory) -> Plan:
            tasks = [Task(f"{i:05d}", i, path) for i, path in enumerate(paths)]
            return partial(inspect_input, directory=directory, split_bytes=None), tasks

        names = input_names(paths)
        done = self.phase(name, {"version": 1, "names": names}, plan)
        facts = [replace(facts_of(commit), name=name) for commit, name in zip(done.commits, names, strict=True)]
        require_unchanged(paths, facts)
        return facts, done

    def publish(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Write the run's manifest, then `_SUCCESS`: from here on readers may open the run."""
        whole = {**manifest, "software": {name: version(name) for name in SOFTWARE}}
        content = canonical_json(whole)
        write_atomic(self.place.output / MANIFEST, content)
        write_atomic(self.place.output / SUCCESS, f"{hashlib.sha256(content).hexdigest()}\n".encode())
        return whole


def funnel_entry(done: Finished) -> dict[str, Any]:
    """One line of the manifest's funnel."""
    return {"phase": done.directory.name, **done.counters.to_json()}


def input_entries(facts: Sequence[InputFacts], tables: Sequence[Table]) -> list[dict[str, Any]]:
    """The manifest's inputs: name, sha256, bytes, rows, and columns of JSON text (pipeline.io.user_tables)."""
    return [
        {"name": known.name, "sha256": known.sha256, "bytes": known.bytes, "rows": table.rows}
        | ({"json_columns": columns} if (columns := json_columns(table.arrow_schema)) else {})
        for known, table in zip(facts, tables, strict=True)
    ]


def inputs_of(paths: Sequence[str]) -> list[Input]:
    """Inputs with their names."""
    return list(map(Input, paths, input_names(paths)))


def reject_entries(read: Finished, ids: Finished, output: Path) -> list[dict[str, Any]]:
    """The manifest's rejected rows: files with their places and reasons, paths relative to the run."""
    folder, repeats = (done.directory.path.relative_to(output) for done in (read, ids))
    files = [(folder / REJECT, file) for commit in read.commits for file in commit.reject]
    files += [(repeats / "data", file) for file in ids.files]
    return [
        {"path": str(place / file.path), "sha256": file.sha256, "bytes": file.bytes, "rows": file.rows}
        for place, file in files
    ]


def notes_of(output: Path, manifest: Mapping[str, Any]) -> list[str]:
    """What a person should know of a finished run over tables: rows that could not be used, columns of JSON text."""
    notes = []
    for name, folder, rejects in (("read", REJECT, rejected_rows), ("ids", "data", repeated_rows)):
        for path in (output / "phases").glob(f"[0-9][0-9]-{name}"):
            notes += _rejected_notes(path / folder, rejects(PhaseDirectory(path, name)))
    for entry in manifest["inputs"]:
        if columns := entry.get("json_columns"):
            names = ", ".join(columns)
            notes.append(f"note: {entry['name']}: values of several types in {names}: kept as text (JSON)")
    return notes


def _rejected_notes(folder: Path, rejects: Iterator[dict[str, Any]]) -> list[str]:
    lines = [f"  {row['file']}:{row['line']}  {row['reason']}: {row['detail']}" for row in islice(rejects, NOTED)]
    if more := sum(1 for _ in rejects):
        lines.append(f"  … {more:,} more")
    return [f"rejected  {folder}", *lines] if lines else []


def _tables(paths: Sequence[str], read: Finished, base: int) -> list[Table]:
    tables, index = [], base
    for source, commit in zip(inputs_of(paths), read.commits, strict=True):
        shards = tuple(DocumentShard(read.directory, (file,), index + k) for k, file in enumerate(commit.data))
        tables.append(Table(*source, commit.facts["schema"], shards))
        index += len(shards)
    return tables
