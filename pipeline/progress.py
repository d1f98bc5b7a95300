"""What a person sees while a run works: a live bar on a terminal, plain lines elsewhere, a funnel at the end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from pipeline.stage import Counters

LINE_EVERY_S = 10.0
MAPPED = {"render": "rendered", "classify": "classified", "clean": "cleaned", "tokens": "tokenized"}
REMOVING = {"exact": "exact_dedup", "resolve": "fuzzy_dedup"}  # phases, and the stages under which rows are then lost


class ConsoleReporter:
    """Reports phases on a rich console (stderr). Use as a context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description:<14}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(compact=True),
        )
        self._bar = Progress(*columns, console=console, transient=True) if console.is_terminal else None
        self._task: Any = None
        self._phase, self._total = "", 0
        self.phases = 0  # that had something to do
        self._started_s = self._line_s = 0.0

    def __enter__(self) -> ConsoleReporter:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def begin(self, phase: str, tasks: int) -> None:
        self._phase, self._total = phase, tasks
        self.phases += 1
        self._started_s = self._line_s = time.monotonic()
        if self._bar:
            self._task = self._bar.add_task(phase, total=tasks, rate="")

    def progress(self, finished: int, records: int) -> None:
        now = time.monotonic()
        rate = f"{records / max(now - self._started_s, 1e-3):,.0f} records/s"
        if self._bar:
            self._bar.update(self._task, completed=finished, rate=rate)
        elif now - self._line_s >= LINE_EVERY_S:
            self._line_s = now
            left_s = (now - self._started_s) / finished * (self._total - finished) if finished else None
            eta = "" if left_s is None else f", about {left_s:.0f} s left"
            self._console.print(f"{self._phase}: {finished}/{self._total} tasks, {records:,} records, {rate}{eta}")

    def end(self, phase: str, counters: Counters) -> None:
        seconds = time.monotonic() - self._started_s
        if self._bar:
            self._bar.remove_task(self._task)
        if phase in MAPPED:
            lost = counters.rejected.total() + counters.failed
            self._console.print(
                f"{MAPPED[phase]:<12} {counters.rows_out:>9,} kept {lost:>9,} rejected  {seconds:7.1f} s",
                highlight=False,
            )


def funnel_table(manifest: Mapping[str, Any]) -> Table:
    """Rows in and out per phase, with rejects by reason, largest first."""
    table = Table(title=None, box=None, pad_edge=False, header_style="bold")
    for name, justify in (
        ("phase", "left"),
        ("in", "right"),
        ("kept", "right"),
        ("rejected", "right"),
        ("why", "left"),
    ):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]  # rich types the literal, not str
    for phase in manifest["funnel"]:
        given, lost = without_removed(phase["rows_in"], phase["rejected"])
        for stage in REMOVING.values():
            removed = {reason: rows for reason, rows in phase["rejected"].items() if _stage(reason) == stage}
            if removed:
                _add_phase(table, stage, phase["rows_in"], given, removed)
        failed = {"failed": phase["failed"]} if phase["failed"] else {}
        _add_phase(table, phase["phase"], given, phase["rows_out"], lost | failed)
    return table


def without_removed(rows: int, lost: Mapping[str, int]) -> tuple[int, dict[str, int]]:
    """A phase's rows and losses without what dedup had removed before: it is only passed over there."""
    own = {reason: count for reason, count in lost.items() if _stage(reason) not in REMOVING.values()}
    return rows - sum(lost.values()) + sum(own.values()), own


def _stage(reason: str) -> str:
    return reason.partition(":")[0]


def _add_phase(table: Table, name: str, given: int, kept: int, lost: Mapping[str, int]) -> None:
    """A phase's line, and one more for each further reason; `failed` first."""
    reasons = sorted(lost.items(), key=lambda item: (item[0] != "failed", -item[1], item[0]))
    first, *rest = reasons or [("", 0)]
    table.add_row(name, f"{given:,}", f"{kept:,}", f"{sum(lost.values()):,}", _reason(*first))
    for reason in rest:
        table.add_row("", "", "", "", _reason(*reason))


def _reason(name: str, rows: int) -> str:
    return f"{rows:>7,}  {name}" if name else ""


def totals_line(manifest: Mapping[str, Any]) -> str:
    """One line: documents, tokens by kind, shards."""
    totals = manifest["totals"]
    kinds = totals["tokens_by_kind"]
    return (
        f"{totals['documents']:,} documents, {totals['tokens']:,} tokens "
        f"({kinds['math']:,} in formulas, {kinds['code']:,} in code), {totals['shards']:,} shards, "
        f"{totals['bytes']:,} bytes"
    )
