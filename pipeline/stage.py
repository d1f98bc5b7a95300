"""What a stage is, and how its rows are counted.

A stage is a plain generator function with its config bound by `functools.partial`. It yields every document it was
given: kept ones unchanged or enriched, rejected ones with `reject_stage` and `reject_reason` set. It catches only its
own named errors. No clock, no unseeded randomness, no `hash()`, no arrival order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.document import Document, Page
from pipeline.errors import ConservationError

PageStage = Callable[[Iterable[Page]], Iterator[Document]]
Stage = Callable[[Iterable[Document]], Iterator[Document]]


@dataclass(frozen=True, slots=True)
class Task:
    """One unit of work of a phase: `name` names its outputs, `index` its place, `source` what it reads."""

    name: str
    index: int
    source: Any


IDLE = -1  # position of a task that is at no record, e.g. while it commits


@dataclass(slots=True)
class Context:
    """What a running task tells the engine and hears from it.

    `skip` maps positions (WARC offset, row number) of records that crashed, hung or raised before to the reason.
    `careful` is set on a retry: work on one record at a time, so that a crash is blamed on the right one.
    """

    skip: Mapping[int, str] = field(default_factory=dict)
    report: Callable[[int], None] | None = None
    careful: bool = False

    def at(self, position: int) -> None:
        """Say which record is being worked on, so that a crash can be blamed on it."""
        if self.report:
            self.report(position)


@dataclass(slots=True)
class Counters:
    """Rows of one shard by fate. `skipped` counts WARC records that are not HTTP responses, by record type.

    rows_in does not include skipped records; `rows_in == rows_out + rejected + failed` must hold.
    """

    rows_in: int = 0
    rows_out: int = 0
    rejected: Counter[str] = field(default_factory=Counter)  # "stage:reason" -> rows
    failed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    tallies: Counter[str] = field(default_factory=Counter)  # free counters, e.g. "formulas:mathml"

    def reject(self, stage: str, reason: str) -> None:
        self.rejected[f"{stage}:{reason}"] += 1

    def check(self, where: str) -> None:
        """Raise ConservationError unless every row in has exactly one fate."""
        accounted = self.rows_out + self.rejected.total() + self.failed
        if self.rows_in != accounted:
            raise ConservationError(
                f"{self.rows_in} rows in, but {self.rows_out} out"
                f" + {self.rejected.total()} rejected + {self.failed} failed",
                where=where,
                expected="every row is kept, rejected with a reason, or failed",
                hint="a stage dropped or repeated a document; run that input alone with `--workers 1`",
            )

    def add(self, other: Counters) -> None:
        self.rows_in += other.rows_in
        self.rows_out += other.rows_out
        self.failed += other.failed
        self.rejected += other.rejected
        self.skipped += other.skipped
        self.tallies += other.tallies

    def to_json(self) -> dict[str, Any]:
        return {
            "rows_in": self.rows_in,
            "rows_out": self.rows_out,
            "failed": self.failed,
            "rejected": dict(sorted(self.rejected.items())),
            "skipped": dict(sorted(self.skipped.items())),
            "tallies": dict(sorted(self.tallies.items())),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Counters:
        return cls(
            rows_in=data["rows_in"],
            rows_out=data["rows_out"],
            failed=data["failed"],
            rejected=Counter(data["rejected"]),
            skipped=Counter(data["skipped"]),
            tallies=Counter(data["tallies"]),
        )
