"""What a person sees of a fetch: bytes, rate and time left while it reads; a table of fates at the end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from pipeline.phases.fetch_records import UNIT_BYTES
from pipeline.progress import LINE_EVERY_S, ConsoleReporter
from pipeline.stage import Counters


class FetchReporter(ConsoleReporter):
    """As ConsoleReporter, but the fetch itself counts in bytes: a task there reports every UNIT_BYTES it reads."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._expected = 0

    def expect_bytes(self, total: int) -> None:
        """How many bytes the fetch that begins next will read, gaps between records not counted."""
        self._expected = total

    def progress(self, finished: int, records: int) -> None:
        if self._phase != "fetch":
            super().progress(finished, records)
            return
        now = time.monotonic()
        read = records * UNIT_BYTES
        rate = read / max(now - self._started_s, 1e-3)
        left = max(self._expected - read, 0)
        said = f"{decimal(read)} of {decimal(max(self._expected, read))}, {decimal(int(rate))}/s"
        if self._bar:
            self._bar.update(self._task, completed=finished, rate=said)
        elif now - self._line_s >= LINE_EVERY_S:
            self._line_s = now
            eta = f", about {left / rate:.0f} s left" if rate else ""
            self._console.print(f"fetch: {finished}/{self._total} files, {said}{eta}", highlight=False)

    def end(self, phase: str, counters: Counters) -> None:
        super().end(phase, counters)
        if phase in ("list", "choose", "fetch"):
            what = {"list": "listed", "choose": "looked up", "fetch": "fetched"}[phase]
            lost = counters.rejected.total()
            self._console.print(f"{what:<12} {counters.rows_out:>9,} kept {lost:>9,} not", highlight=False)


def result_table(manifest: Mapping[str, Any]) -> Table:
    """Rows found and not found, by reason; records and files written."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("result")
    table.add_column("rows", justify="right")
    table.add_column("why")
    results = manifest["results"]
    table.add_row("found", f"{results['found']:,}", "")
    for reason, count in sorted(results["not_found"].items(), key=lambda item: (-item[1], item[0])):
        table.add_row("not found", f"{count:,}", reason)
    files = manifest["files"]
    if files:
        size = decimal(sum(file["bytes"] for file in files))
        records = sum(file["records"] for file in files)
        table.add_row("written", f"{len(files):,}", f"files, {size}" + (f", {records:,} records" if records else ""))
    return table
