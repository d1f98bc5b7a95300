"""How far a run is, read from its folder alone: whichever engine works on it, and also when none does any more.

Counters come from commits and never from an engine, whose counters include attempts that were lost or repeated.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError
from pipeline.io.commit import canonical_json, write_atomic
from pipeline.io.storage import last_modified_s, names_in, read_all
from pipeline.progress import MAPPED, REMOVING, without_removed
from pipeline.run_folder import RECIPE_FILE, at_work
from pipeline.stage import Counters

PLAN = "plan.json"


@dataclass(frozen=True, slots=True)
class PhaseStatus:
    """One phase that was begun.

    What exact or fuzzy dedup finds is counted in the phase that finds it, `exact` or `resolve`; the phase that then
    passes over those rows, `classify` or `clean`, is given the others.

    Args:
        records: rows read by the tasks that are done.
        per_s: of these, committed per second since the phase was last begun; None where nothing was.
        left_s: at that speed, counting tasks; None unless the run is at work on it.
        poisoned: records given up after crashes, hangs or exceptions.
        failures: messages of tasks that stopped the run.
    """

    name: str
    finished: bool
    tasks_done: int
    tasks: int | None
    records: int
    kept: int
    lost: dict[str, int]
    per_s: float | None
    left_s: float | None
    poisoned: int
    failures: list[str]


@dataclass(frozen=True, slots=True)
class RunStatus:
    """`state` is running, stopped or finished."""

    path: str
    state: str
    phases: list[PhaseStatus]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def note_plan(phase: Path, tasks: int, begun: datetime) -> None:
    """Write down, for `read_status` only, how many tasks a phase has and when this session began it."""
    write_atomic(phase / PLAN, canonical_json({"tasks": tasks, "begun": begun.timestamp()}))


def read_status(run: Path, now: datetime | None = None) -> RunStatus:
    """The state of a run.

    Raises:
        UsageError: `run` is no run folder.
    """
    if not (run / RECIPE_FILE).exists():
        raise UsageError("is not a warcmill run", where=str(run), expected="a folder that `warcmill run -o` made")
    state = "finished" if (run / "_SUCCESS").exists() else "running" if at_work(run) else "stopped"
    folders = sorted(folder for folder in (run / "phases").glob("*") if (folder / "phase.json").exists())
    now_s = (now or datetime.now(UTC)).timestamp()
    phases = [_phase(folder, now_s, state == "running") for folder in folders]
    rows = {phase.name: phase.records for phase in phases}
    return RunStatus(str(run), state, [_in_funnel(phase, rows) for phase in phases])


def _in_funnel(phase: PhaseStatus, rows: dict[str, int]) -> PhaseStatus:
    """The phase with the rows that a funnel counts there; `rows` are those read by each phase."""
    if phase.name in REMOVING:
        if "render" not in rows:  # a verb over tables, which may compare with rows of other runs
            return replace(phase, lost={})
        given = rows[f"{phase.name}-rows"]
        return replace(phase, records=given, kept=given - sum(phase.lost.values()))
    given, lost = without_removed(phase.records, phase.lost)
    return replace(phase, records=given, lost=lost)


def _phase(folder: Path, now_s: float, running: bool) -> PhaseStatus:
    finished = (folder / "_SUCCESS").exists()
    plan: dict[str, Any] = {"tasks": None, "begun": None}
    if (folder / PLAN).exists():
        plan = json.loads((folder / PLAN).read_bytes())
    total, fresh_tasks, fresh_rows, done, last_s = Counters(), 0, 0, 0, 0.0
    for changed_s, counters in _commits(folder):
        total.add(counters)
        done += 1
        last_s = max(last_s, changed_s)
        if plan["begun"] is not None and changed_s >= int(plan["begun"]):  # stores tell whole seconds
            fresh_tasks += 1
            fresh_rows += counters.rows_in
    at_work = running and not finished
    seconds = ((now_s if at_work else last_s) - plan["begun"]) if fresh_tasks else 0.0
    left = (plan["tasks"] - done) * seconds / fresh_tasks if at_work and fresh_tasks else None
    name = folder.name.partition("-")[2]
    lost = dict(total.rejected) | ({"failed": total.failed} if total.failed else {})
    if name in REMOVING and total.tallies["rows"]:
        lost[REMOVING[name]] = total.tallies["rows"]  # one row of the audit for each
    return PhaseStatus(
        name=name,
        finished=finished,
        tasks_done=done,
        tasks=plan["tasks"],
        records=total.rows_in,
        kept=total.rows_out,
        lost=lost,
        per_s=fresh_rows / seconds if seconds > 0 else None,
        left_s=left,
        poisoned=sum(name.endswith(".json") for name in names_in(folder / "_poison")),
        failures=[] if finished else list(_failures(folder)),
    )


def _commits(folder: Path) -> Iterator[tuple[float, Counters]]:
    changed_s = last_modified_s(folder / "_commit")
    contents = read_all([folder / "_commit" / name for name in changed_s])
    for seconds, content in zip(changed_s.values(), contents, strict=True):
        yield seconds, Counters.from_json(json.loads(content)["counters"])


def _failures(folder: Path) -> Iterator[str]:
    names = [name for name in names_in(folder / "_failed") if name.endswith(".json")]
    for said in map(json.loads, read_all([folder / "_failed" / name for name in names])):
        yield f"{said['where']}: {said['what']}" if said["where"] else said["what"]


def status_text(status: RunStatus) -> str:
    """A few lines per phase that was begun, the funnel first where rows are kept or lost."""
    lines = [f"{status.path}: {status.state}"]
    for phase in status.phases:
        lines.append(_phase_line(phase))
        if phase.name in MAPPED or phase.lost:
            lines += [f"{rows:>27,}  {reason}" for reason, rows in sorted(phase.lost.items(), key=_largest_first)]
        if phase.poisoned:
            lines.append(f"{phase.poisoned:>27,}  records given up, see _poison in the phase's folder")
        lines += [f"    failed: {failure}" for failure in phase.failures[:5]]
    if status.state == "stopped":
        lines.append("hint: the command that began it resumes it")
    return "\n".join(lines)


def _largest_first(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def _phase_line(phase: PhaseStatus) -> str:
    tasks = f"{phase.tasks_done}/{'?' if phase.tasks is None else phase.tasks} tasks"
    parts = [f"{phase.name:<14}{tasks:>16}", f"{phase.records:,} rows"]
    if phase.name in MAPPED or phase.lost:
        parts.append(f"{phase.kept:,} kept")
    if phase.per_s is not None:
        parts.append(f"{phase.per_s:,.1f} rows/s")
    if phase.left_s is not None:
        parts.append(f"about {phase.left_s:,.0f} s left")
    return ", ".join(parts)
