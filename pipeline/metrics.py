"""A run's state as OpenMetrics text (https://prometheus.io/docs/specs/om/open_metrics_spec/), for whatever scrapes it.

Read from commits like `warcmill status`, so a counter never includes lost or repeated attempts. There is no server:
the text goes to a file for node_exporter's textfile collector, or to whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from pipeline.status import PhaseStatus, RunStatus

STATES = ("running", "stopped", "finished")
Sample = tuple[dict[str, str], float]
PER_PHASE: tuple[tuple[str, str, str, Callable[[PhaseStatus], float | None]], ...] = (
    ("rows", "counter", "Rows read by committed tasks.", lambda phase: phase.records),
    ("rows_kept", "counter", "Rows kept.", lambda phase: phase.kept),
    ("poisoned", "gauge", "Records given up.", lambda phase: phase.poisoned),
    ("failures", "gauge", "Tasks that failed.", lambda phase: len(phase.failures)),
    ("rows_per_second", "gauge", "Rows committed per second.", lambda phase: phase.per_s),
    ("left_seconds", "gauge", "Estimate of what the phase still takes.", lambda phase: phase.left_s),
)


def openmetrics(status: RunStatus) -> str:
    """All metric families of a run, each labelled with the run's folder and the phase."""
    run = {"run": status.path}
    phases = [({**run, "phase": phase.name}, phase) for phase in status.phases]
    states = [({**run, "warcmill_run": state}, float(state == status.state)) for state in STATES]
    lines = _family("warcmill_run", "stateset", "Whether the run is at work.", states)
    lines += _family("warcmill_tasks", "gauge", "Tasks of a phase.", _tasks(phases))
    lines += _family("warcmill_rows_lost", "counter", "Rows rejected or failed, by reason.", _lost(phases))
    for name, kind, text, read in PER_PHASE:
        values = [(labels, read(phase)) for labels, phase in phases]
        known = [(labels, value) for labels, value in values if value is not None]
        lines += _family(f"warcmill_{name}", kind, text, known)
    return "\n".join([*lines, "# EOF", ""])


def _tasks(phases: list[tuple[dict[str, str], PhaseStatus]]) -> Iterator[Sample]:
    for labels, phase in phases:
        yield {**labels, "state": "done"}, phase.tasks_done
        if phase.tasks is not None:
            yield {**labels, "state": "waiting"}, phase.tasks - phase.tasks_done


def _lost(phases: list[tuple[dict[str, str], PhaseStatus]]) -> Iterator[Sample]:
    for labels, phase in phases:
        for reason, rows in sorted(phase.lost.items()):
            yield {**labels, "reason": reason}, rows


def _family(name: str, kind: str, text: str, samples: Iterable[Sample]) -> list[str]:
    suffix = "_total" if kind == "counter" else ""
    head = [f"# TYPE {name} {kind}", f"# HELP {name} {text}"]
    return head + [f"{name}{suffix}{{{_labels(labels)}}} {value:.15g}" for labels, value in samples]


def _labels(labels: dict[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
