"""Examples of rejected documents, by stage: the reason, and enough of the text to judge it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.document import Document
from pipeline.report.facts import RunFacts
from pipeline.report.markup import Markup, join, page_text, shortened, tag
from pipeline.report.rows import Chosen, choose, read, scan

COLUMNS = ("id", "reject_stage", "reject_reason")
PHASES = ("render", "classify", "clean")
PER_STAGE, EXTRACT_CHARS, DETAIL_CHARS, URL_CHARS, TITLE_CHARS = 3, 320, 160, 200, 120
Rejects = Mapping[str, list[Chosen]]  # by stage, in the order of phases


def choose_rejects(facts: RunFacts) -> Rejects:
    """PER_STAGE rejected documents of each stage, of different reasons where there are."""
    chosen: dict[str, list[Chosen]] = {}
    for name in PHASES:
        phase = facts.phase(name)
        if phase is None:
            continue
        for key, picks in choose(scan(phase, "reject", COLUMNS), _stage_and_reason, PER_STAGE).items():
            chosen.setdefault(key.partition(":")[0], []).extend(
                Chosen(bytes([rank]) + pick.rank, pick.place, pick.values) for rank, pick in enumerate(picks)
            )
    return {stage: sorted(picks)[:PER_STAGE] for stage, picks in chosen.items()}


def _stage_and_reason(row: Mapping[str, Any]) -> list[str]:
    return [f"{row['reject_stage']}:{row['reject_reason']}"]


def reject_examples(rejects: Rejects) -> Markup:
    """One group per stage."""
    return join(
        tag("section", tag("h3", stage), *(_example(read(pick.place)) for pick in picks), class_="stage")
        for stage, picks in rejects.items()
    )


def _example(document: Document) -> Markup:
    detail = f" ({shortened(document.reject_detail, DETAIL_CHARS)})" if document.reject_detail else ""
    text = " ".join(document.text[: 4 * EXTRACT_CHARS].split())
    return tag(
        "article",
        tag("p", tag("span", document.reject_reason, class_="badge lost"), page_text(detail)),
        tag("p", page_text(shortened(document.url, URL_CHARS)), class_="url"),
        tag("p", page_text(shortened(document.title, TITLE_CHARS)), class_="title") if document.title else "",
        tag("blockquote", page_text(shortened(text, EXTRACT_CHARS)) if text else tag("em", "no text")),
        class_="reject",
    )
