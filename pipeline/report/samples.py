"""A few documents before and after cleaning: what was kept, what was cut, which formulas were found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.document import Document
from pipeline.report.document_view import document_card
from pipeline.report.facts import RunFacts
from pipeline.report.markup import Markup, join
from pipeline.report.rejects import Rejects
from pipeline.report.rows import Chosen, choose, lookup, read, scan

COLUMNS = ("id", "language", "math_score", "code_score")
WANTED = (("math", 3), ("code", 2), ("other language", 2), ("any", 8))  # in this order, up to KEPT documents
KEPT, REJECTED = 8, 4
BEFORE_STAGES = ("classify", "fuzzy_dedup", "clean", "tokenize", "exact_dedup")  # those whose rejects have a text


def samples(facts: RunFacts, rejects: Rejects) -> Markup:
    """Kept documents of several kinds, then rejected ones of several stages."""
    threshold = float(facts.manifest["recipe"]["resolved"].get("clean", {}).get("keep_threshold", 0.5))
    kept = [document_card(*pair, threshold, unfolded=not index) for index, pair in enumerate(_kept(facts))]
    rejected = [document_card(read(pick.place), None, threshold) for pick in _rejected(rejects)]
    return join(kept + rejected)


def _kept(facts: RunFacts) -> Iterable[tuple[Document, Document]]:
    cleaned, classified = facts.phase("clean"), facts.phase("classify")
    if cleaned is None or classified is None:
        return
    languages = facts.tally("language")
    main = min(languages, key=lambda name: (-languages[name], name), default="")
    candidates = choose(scan(cleaned, "data", COLUMNS), lambda row: _kinds(row, main), KEPT)
    picks = _spread(candidates)
    before = lookup(classified, "data", (pick.values["id"] for pick in picks))
    for pick in picks:
        place, _ = before[pick.values["id"]]
        yield read(place), read(pick.place)


def _kinds(row: Mapping[str, Any], main_language: str) -> list[str]:
    kinds = [kind for kind, name in (("math", "math_score"), ("code", "code_score")) if (row[name] or 0) >= 0.5]
    if row["language"] not in ("", "und", main_language):
        kinds.append("other language")
    return [*kinds, "any"]


def _spread(candidates: Mapping[str, list[Chosen]]) -> list[Chosen]:
    """Some of each kind, no document twice."""
    picks: list[Chosen] = []
    for kind, count in WANTED:
        fresh = [pick for pick in candidates.get(kind, []) if pick not in picks]
        picks += fresh[: min(count, KEPT - len(picks))]
    return picks


def _rejected(rejects: Rejects) -> list[Chosen]:
    """One of each stage, then more reasons of any stage."""
    stages = [rejects[stage] for stage in BEFORE_STAGES if stage in rejects]
    first = [examples[0] for examples in stages]
    rest = sorted(pick for examples in stages for pick in examples[1:])
    return (first + rest)[:REJECTED]
