"""The numbers of a report: read once from manifest.json and run.json, never counted again from texts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from blends.manifest import load_manifest
from pipeline.inspection import phase_directories
from pipeline.io.commit import PhaseDirectory
from pipeline.run_folder import RUN_FILE


@dataclass(frozen=True, slots=True)
class PhaseTime:
    """One phase of this run: rows that went in, and seconds, None where no session noted them."""

    name: str
    rows: int
    seconds: float | None

    @property
    def rate(self) -> float | None:
        return self.rows / self.seconds if self.seconds else None


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A finished run. `tallies` are summed over phases; `sessions` of run.json that ran a phase, oldest first."""

    folder: Path
    manifest: Mapping[str, Any]
    phases: tuple[PhaseDirectory, ...]
    tallies: Counter[str]
    sessions: tuple[Mapping[str, Any], ...]
    times: tuple[PhaseTime, ...]

    @property
    def records(self) -> int:
        return int(self.manifest["totals"]["rows_in"])

    @property
    def wall_s(self) -> float:
        """Seconds from start to end, summed over sessions; whole seconds, as run.json has them."""
        return sum(_between(session["started"], session["finished"]) for session in self.sessions)

    @property
    def rate(self) -> float | None:
        """Records per second of the whole run; None where sessions were stopped or left no times."""
        whole = len(self.sessions) == 1 and all(time.seconds is not None for time in self.times)
        return self.records / self.wall_s if whole and self.wall_s else None

    @property
    def lost_to_failures(self) -> int:
        """Rows of pages that crashed, hung or raised."""
        return sum(int(phase["failed"]) for phase in self.manifest["funnel"])

    def funnel_phase(self, name: str) -> Mapping[str, Any]:
        empty = {"phase": name, "rows_in": 0, "rows_out": 0, "failed": 0, "rejected": {}, "skipped": {}}
        return next((phase for phase in self.manifest["funnel"] if phase["phase"] == name), empty)

    def phase(self, name: str) -> PhaseDirectory | None:
        return next((phase for phase in self.phases if phase.name == name), None)

    def tally(self, prefix: str) -> dict[str, int]:
        """Counts of "prefix:…", by what follows the colon."""
        start = f"{prefix}:"
        return {name[len(start) :]: count for name, count in self.tallies.items() if name.startswith(start)}


def read_facts(run: Path) -> RunFacts:
    """Everything but texts.

    Raises:
        VerificationError: the run is unfinished, or its manifest was altered.
        UsageError: the folder is not a run.
    """
    phases = tuple(phase_directories(run))
    manifest, _ = load_manifest(run)
    tallies = sum((Counter[str](phase["tallies"]) for phase in manifest["funnel"]), Counter[str]())
    sessions = _sessions(run)
    return RunFacts(run, manifest, phases, tallies, sessions, _times(phases, sessions))


def _sessions(run: Path) -> tuple[Mapping[str, Any], ...]:
    path = run / RUN_FILE
    sessions = json.loads(path.read_bytes())["sessions"] if path.exists() else []
    return tuple(session for session in sessions if session["phase_seconds"])  # others found all of it finished


def _times(phases: tuple[PhaseDirectory, ...], sessions: tuple[Mapping[str, Any], ...]) -> tuple[PhaseTime, ...]:
    seconds = {name: value for session in sessions for name, value in session["phase_seconds"].items()}
    return tuple(
        PhaseTime(phase.name, phase.manifest()["counters"]["rows_in"], seconds.get(phase.name)) for phase in phases
    )


def _between(started: str, finished: str) -> float:
    return (datetime.fromisoformat(finished) - datetime.fromisoformat(started)).total_seconds()
