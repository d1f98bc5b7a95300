"""`warcmill classify RUN`: another recipe's scores and rules on a run's rendered documents, and what would change.

Nothing is rendered and nothing in the run is touched: documents are read from the render phase as the classify phase of
the run read them, and verdicts are compared with those that phase committed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from classifiers.stage import STAGE, ClassifyConfig, require_files
from llm_cleaning.stage import CleanConfig
from pipeline.document import Document
from pipeline.errors import UsageError
from pipeline.inspection import phase_directories
from pipeline.io.commit import Commit, PhaseDirectory
from pipeline.io.json_lines import json_line, lines_out
from pipeline.io.shards import read_shard
from pipeline.phases.documents import classify_shard
from pipeline.phases.placed import DocumentShard, Removals
from pipeline.stage import Context, Counters, Task

KEPT = ""
FATE = ["id", "reject_stage", "reject_reason", "language", "math_score", "code_score", "quality"]
SCORES = ("math_score", "code_score", "quality")


@dataclass(slots=True)
class Change:
    """What another recipe does to a run; `moves` counts (reason before, reason now), "" for kept."""

    documents: int = 0
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    languages: int = 0  # documents with another language
    drift: dict[str, float] = field(default_factory=lambda: dict.fromkeys(SCORES, 0.0))  # sums of |now - before|

    def rules(self) -> list[tuple[str, int, int, int, int]]:
        """(rule, rejected before, rejected now, of those kept before, now kept), by name; first all rules together."""
        names = sorted({reason for move in self.moves for reason in move} - {KEPT})
        return [self._row("all rules", None), *(self._row(name, name) for name in names)]

    def _row(self, label: str, name: str | None) -> tuple[str, int, int, int, int]:
        def hit(reason: str) -> bool:
            return reason != KEPT if name is None else reason == name

        def count(before: Any, now: Any) -> int:
            return sum(rows for (old, new), rows in self.moves.items() if before(old) and now(new))

        def anything(_: str) -> bool:
            return True

        def kept(reason: str) -> bool:
            return reason == KEPT

        return label, count(hit, anything), count(anything, hit), count(kept, hit), count(hit, kept)


def rescore(run: Path, config: ClassifyConfig, marking: CleanConfig, output: str | None) -> Iterator[Change]:
    """Classify every document that the run's classify phase judged; yields the change so far after every document.

    Args:
        output: JSON lines {"id", "url", scores, "reject_reason", "reject_reason_before"} to write, or None.

    Raises:
        UsageError: not a run, or one whose classify phase is unfinished.
        VerificationError: files of the run are missing or altered.
    """
    require_files(config)
    phases = _phases(run)
    judged = phases[STAGE]
    change = Change()
    with lines_out(output) if output else nullcontext() as out:
        for shard, verdicts in zip(_shards(phases), judged.commits(), strict=True):
            before = {row["id"]: row for row in _fates(judged, verdicts)}
            task = Task(verdicts.task, shard.index, shard)
            repeats = phases.get("site")
            for document in classify_shard(
                task, Context(), Counters(), marking=marking, config=config, repeats=repeats
            ):
                known = before.pop(document.id, None) if document.reject_stage in ("", STAGE) else None
                if known is not None:
                    _note(change, known, document)
                    if out is not None:
                        out.write(json_line(_row(known, document)))
                    yield change


def _phases(run: Path) -> dict[str, PhaseDirectory]:
    phases = {phase.name: phase for phase in phase_directories(run)}
    for name in ("render", STAGE):
        if name not in phases or not phases[name].finished:
            raise UsageError(
                f"phase {name} is not finished", where=str(run), hint="run `warcmill run` again: it resumes"
            )
    return phases


def _shards(phases: dict[str, PhaseDirectory]) -> list[DocumentShard]:
    """The rendered shards as the classify phase read them: without what exact dedup had removed."""
    render = phases["render"]
    removals = tuple(Removals(phases[name], "exact_dedup") for name in ("url", "exact") if name in phases)
    kept = [commit.data for commit in render.commits() if commit.data]
    return [DocumentShard(render, files, index, removals) for index, files in enumerate(kept)]


def _fates(phase: PhaseDirectory, commit: Commit) -> Iterator[dict[str, Any]]:
    """What the classify phase decided; what dedup had removed before it is left out."""
    for folder, files in (("data", commit.data), ("reject", commit.reject)):
        for file in files:
            for batch in read_shard(phase.path / folder, file, columns=FATE):
                yield from (row for row in batch.to_pylist() if row["reject_stage"] in ("", STAGE))


def _note(change: Change, before: dict[str, Any], document: Document) -> None:
    change.documents += 1
    change.moves[before["reject_reason"], document.reject_reason] += 1
    change.languages += before["language"] != document.language
    for name in SCORES:
        change.drift[name] += abs((getattr(document, name) or 0.0) - (before[name] or 0.0))


def _row(before: dict[str, Any], document: Document) -> dict[str, Any]:
    return {
        "id": document.id,
        "url": document.url,
        "language": document.language,
        "language_score": document.language_score,
        "math_score": document.math_score,
        "code_score": document.code_score,
        "quality_score": document.quality,
        "reject_reason": document.reject_reason or None,
        "reject_reason_before": before["reject_reason"] or None,
    }


def total(run: Path) -> int:
    """Documents that the run's classify phase read, those removed by exact dedup included."""
    return int(_phases(run)[STAGE].manifest()["counters"]["rows_in"])
