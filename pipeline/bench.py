"""`warcmill bench extractors`: ours and others on the user's own pages, so that nobody has to believe our tables.

Every extractor runs in a process of its own that stays up for all passes; passes alternate the order, since machines
warm up and slow down. Cost is CPU time of that process and its children (lynx), decoding included, start-up not.
"""

from __future__ import annotations

import multiprocessing
import re
import resource
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from extractors import RenderRejected, peers
from pipeline.bench_pages import BenchPage
from pipeline.errors import UsageError
from pipeline.text.latex import is_well_formed
from pipeline.text.spans import markdown_to_blocks, mask, scan_formulas

WARM_UP = BenchPage(
    "https://example.com/", "text/html", b"<article><p>warm up page, please ignore this one.</p></article>"
)
START_TIMEOUT_S = 120.0
CRASHED, TIMED_OUT, EMPTY = "crashed", "timed_out", "empty"
# Up to the next delimiter of the same kind, so that openers without closer cost one pass, not one each.
_BACKSLASH_FORMULA = re.compile(
    r"\\\((?P<inline>[^\\\n]*+(?:\\[^()\n][^\\\n]*+)*+)\\\)|\\\[(?P<display>[^\\]*+(?:\\[^\[\]][^\\]*+)*+)\\\]"
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one extractor made of one page. `failure` is "", EMPTY, a reject's reason, CRASHED or TIMED_OUT."""

    cpu_s: float = 0.0
    characters: int = 0
    formulas: int = 0
    code_blocks: int = 0
    tables: int = 0
    failure: str = ""
    peak_bytes: int = 0


@dataclass(slots=True)
class Score:
    """Sums over the pages of one extractor; `cpu_s` has one entry per pass, over the pages it answered."""

    name: str
    pages: int = 0
    characters: int = 0
    formulas: int = 0
    code_blocks: int = 0
    tables: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    cpu_s: list[float] = field(default_factory=list)
    answered: int = 0
    peak_bytes: int = 0

    @property
    def pages_per_s(self) -> float:
        """Answered pages (empty and rejected ones too) per CPU second, median of the passes."""
        return self.answered / max(statistics.median(self.cpu_s), 1e-9)

    def add_pass(self, outcomes: Sequence[Outcome]) -> None:
        """Count a pass. Text is counted once: it is the same in every pass."""
        answered = [outcome for outcome in outcomes if outcome.failure not in (CRASHED, TIMED_OUT)]
        self.peak_bytes = max([self.peak_bytes, *(outcome.peak_bytes for outcome in outcomes)])
        self.cpu_s.append(sum(outcome.cpu_s for outcome in answered))
        if len(self.cpu_s) > 1:
            return
        self.pages, self.answered = len(outcomes), len(answered)
        for name in ("characters", "formulas", "code_blocks", "tables"):
            setattr(self, name, sum(getattr(outcome, name) for outcome in outcomes))
        self.failures.update(outcome.failure for outcome in outcomes if outcome.failure)

    def to_json(self, ours: Score | None) -> dict[str, Any]:
        """The row of the table; `times_ours` is None where warcmill was not among the extractors."""
        return {
            "extractor": self.name,
            "pages": self.pages,
            "pages_per_s": round(self.pages_per_s, 2),
            "times_ours": round(self.pages_per_s / ours.pages_per_s, 4) if ours else None,
            "characters": self.characters,
            "formulas": self.formulas,
            "code_blocks": self.code_blocks,
            "tables": self.tables,
            "failures": dict(sorted(self.failures.items())),
            "peak_mb": round(self.peak_bytes / 1e6, 1),
        }


def choose(only: str | None, say: Callable[[str], None]) -> list[str]:
    """Extractors named in the comma-separated `only`; without it every installed one, and the others are said.

    Raises:
        UsageError: a named extractor is unknown or not installed.
    """
    if only is not None:
        return [peers.require(name.strip()) for name in only.split(",")]
    chosen = []
    for name in peers.NAMES:
        try:
            chosen.append(peers.require(name))
        except UsageError as missing:
            say(f"left out: {missing.what}; {missing.hint}")
    return chosen


def compare(
    pages: Sequence[BenchPage],
    names: Sequence[str],
    *,
    passes: int = 3,
    timeout_s: float = 30.0,
    say: Callable[[str], None] = lambda _line: None,
) -> list[Score]:
    """Run every extractor over all pages, `passes` times, in alternating order.

    Raises:
        UsageError: an extractor is unknown, not installed, or does not start.
    """
    scores = {peers.require(name): Score(name) for name in names}
    workers = {name: _Worker(name, timeout_s) for name in scores}
    try:
        for number in range(passes):
            for name in list(scores) if number % 2 == 0 else reversed(scores):
                start = time.monotonic()
                scores[name].add_pass([workers[name].run(page) for page in pages])
                say(f"pass {number + 1}/{passes}  {name:<12} {time.monotonic() - start:6.1f} s")
    finally:
        for worker in workers.values():
            worker.stop()
    return list(scores.values())


class _Worker:
    """One extractor in a process that is started again after a crash or a kill."""

    def __init__(self, name: str, timeout_s: float) -> None:
        self._name, self._timeout_s = name, timeout_s
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None

    def run(self, page: BenchPage) -> Outcome:
        pipe = self._pipe or self._start()
        failure = CRASHED
        try:
            pipe.send(page)
            if pipe.poll(self._timeout_s):
                outcome: Outcome = pipe.recv()
                return outcome
            failure = TIMED_OUT
        except (EOFError, OSError):  # the process died of this page
            pass
        self.stop()
        return Outcome(failure=failure)

    def _start(self) -> Connection:
        context = multiprocessing.get_context("spawn")
        pipe, child = context.Pipe()
        self._process = context.Process(target=_serve, args=(self._name, child), daemon=True)
        self._process.start()
        child.close()
        self._pipe = pipe
        if not pipe.poll(START_TIMEOUT_S) or not _greeted(pipe):
            self.stop()
            raise UsageError(
                f"extractor {self._name!r} does not start", hint=f"warcmill bench extractors --only {peers.OURS}"
            )
        return pipe

    def stop(self) -> None:
        if self._process and self._pipe:
            self._pipe.close()
            self._process.kill()
            self._process.join()
        self._process = self._pipe = None


def _greeted(pipe: Connection) -> bool:
    try:
        return bool(pipe.recv())
    except EOFError:
        return False


def _serve(name: str, pipe: Connection) -> None:
    """Loop of the child: pages in, outcomes out. What an extractor raises ends the process, and the page is blamed."""
    _outcome(name, WARM_UP)
    pipe.send(True)
    while True:
        try:
            page = pipe.recv()
        except EOFError:
            return
        pipe.send(_outcome(name, page))


def _outcome(name: str, page: BenchPage) -> Outcome:
    before = _cpu_s()
    try:
        text = peers.extract(name, page.body, url=page.url, content_type=page.content_type).text
    except RenderRejected as rejected:
        return Outcome(_cpu_s() - before, failure=rejected.reason, peak_bytes=_peak_bytes())
    cpu_s, peak_bytes = _cpu_s() - before, _peak_bytes()  # before we count: counting has its own cost
    kinds = Counter(markdown_to_blocks(text).kind)
    failure = "" if text.strip() else EMPTY
    return Outcome(cpu_s, len(text), count_formulas(text), kinds["code"], kinds["table"], failure, peak_bytes)


def count_formulas(text: str) -> int:
    r"""Well-formed formulas between `$…$`, `$$…$$`, `\(…\)` or `\[…\]`, outside code."""
    blocks = markdown_to_blocks(text)
    found = [formula.tex for formula in scan_formulas(text, blocks)]
    prose = mask(text, ((block.start, block.end) for block in blocks if block.kind == "code"), "\n\n")
    found += [match[match.lastgroup or 0] for match in _BACKSLASH_FORMULA.finditer(prose)]
    return sum(1 for tex in found if tex.strip() and is_well_formed(tex))


def _cpu_s() -> float:
    usages = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _peak_bytes() -> int:
    """Peak resident memory of this process or of its largest child, whichever is more."""
    unit = 1 if sys.platform == "darwin" else 1024
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit
    status = Path("/proc/self/status")
    if not status.exists():
        return max(child, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
    # not ru_maxrss: on Linux a child begins with the peak of the process that started it
    peak = next((line for line in status.read_text().splitlines() if line.startswith("VmHWM:")), "VmHWM: 0 kB")
    return max(child, int(peak.split()[1]) * 1024)


COLUMNS = ("extractor", "pages/s", "x ours", "characters", "formulas", "code", "tables", "empty", "failed", "peak MB")


def rows(scores: Sequence[Score]) -> list[dict[str, Any]]:
    """One JSON-able mapping per extractor."""
    ours = next((score for score in scores if score.name == peers.OURS), None)
    return [score.to_json(ours) for score in scores]


def table(scores: Sequence[Score]) -> str:
    """The comparison as aligned text, one line per extractor; failures by reason below it."""
    cells = [COLUMNS, *(_cells(row) for row in rows(scores))]
    widths = [max(len(row[i]) for row in cells) for i in range(len(COLUMNS))]
    lines = [_aligned(row, widths) for row in cells]
    for score in scores:
        reasons = sorted(set(score.failures) - {EMPTY})
        lines += [f"{score.name}: {score.failures[reason]:,} {reason}" for reason in reasons]
    return "\n".join(lines)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    numbers = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
    return "  ".join([row[0].ljust(widths[0]), *numbers])


def _cells(facts: dict[str, Any]) -> tuple[str, ...]:
    failures = facts["failures"]
    failed = sum(failures.values()) - failures.get(EMPTY, 0)
    times = "-" if facts["times_ours"] is None else f"{facts['times_ours']:.2f}"
    counts = [f"{facts[name]:,}" for name in ("characters", "formulas", "code_blocks", "tables")]
    return (facts["extractor"], f"{facts['pages_per_s']:.1f}", times, *counts,
            f"{failures.get(EMPTY, 0):,}", f"{failed:,}", f"{facts['peak_mb']:.0f}")  # fmt: skip
