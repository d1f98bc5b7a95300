"""What dedup removed: counts by rule, and a few pairs to look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.dedup_losses import losses_in
from pipeline.report.charts import Bar, bars, ranked
from pipeline.report.facts import RunFacts
from pipeline.report.markup import Markup, join, page_text, shortened, tag
from pipeline.report.rows import Chosen, choose, lookup, scan

COLUMNS = ("removed_id", "kept_id", "rule", "jaccard", "containment")
AUDITS = ("url", "exact", "resolve")  # phases whose data is an audit
STAGES = ("exact_dedup", "fuzzy_dedup")
PAIRS_PER_RULE, URL_CHARS, TITLE_CHARS = 3, 200, 100


def duplicates(facts: RunFacts) -> Markup:
    """Counts, then removed and kept pages side by side."""
    pairs = _pairs(facts)
    pages = _pages(facts, pairs)
    return join((_counts(facts), _losses(facts), *(_pair(pick.values, pages) for pick in pairs)))


def _counts(facts: RunFacts) -> Markup:
    rules = {
        f"{stage}: {rule}": rows
        for phase in facts.manifest["funnel"]
        for (stage, _, rule), rows in ((key.partition(":"), rows) for key, rows in phase["rejected"].items())
        if stage in STAGES
    }
    rows: list[Bar] = ranked(rules, "lost")
    note = "The evidence for every one is in audit/*.parquet: removed id, kept id, rule, similarity."
    return bars("Duplicates by rule", "removed documents", rows, note=note)


def _losses(facts: RunFacts) -> Markup:
    """Which source loses how much: a rate near one is a source that disappears."""
    found = losses_in(facts.manifest["funnel"])
    shares = sorted(found.items(), key=lambda item: (-item[1]["removed"] / item[1]["rows"], item[0]))
    rows = [Bar(f"{name}, of {counts['rows']:,}", counts["removed"], "lost") for name, counts in shares]
    whole = sum(counts["rows"] for counts in found.values())
    return (
        bars("Removed by source", "removed documents of all that came to dedup", rows, whole=whole)
        if rows
        else join(())
    )


def _pairs(facts: RunFacts) -> list[Chosen]:
    picked: list[Chosen] = []
    for name in AUDITS:
        phase = facts.phase(name)
        if phase is not None:
            rows = scan(phase, "data", COLUMNS)
            by_rule = choose(rows, lambda row: [row["rule"]], PAIRS_PER_RULE, "removed_id")
            picked += [pick for picks in by_rule.values() for pick in picks]
    return picked


def _pages(facts: RunFacts, pairs: list[Chosen]) -> Mapping[str, Mapping[str, Any]]:
    phase = facts.phase("render")
    ids = {pick.values[name] for pick in pairs for name in ("removed_id", "kept_id")}
    found = lookup(phase, "data", ids, ("id", "url", "title")) if phase and ids else {}
    return {id_: values for id_, (_, values) in found.items()}


def _pair(audit: Mapping[str, Any], pages: Mapping[str, Mapping[str, Any]]) -> Markup:
    scores = [f"{name} {audit[name]:.2f}" for name in ("jaccard", "containment") if audit[name] is not None]
    return tag(
        "article",
        tag("p", tag("span", audit["rule"], class_="badge lost"), " ", ", ".join(scores)),
        _page("removed", audit["removed_id"], pages),
        _page("kept", audit["kept_id"], pages),
        class_="pair",
    )


def _page(fate: str, id_: str, pages: Mapping[str, Mapping[str, Any]]) -> Markup:
    page = pages.get(id_, {"url": id_, "title": ""})
    title = page_text(shortened(page["title"], TITLE_CHARS))
    return tag("p", tag("b", fate), " ", title, " ", page_text(shortened(page["url"], URL_CHARS), class_="url"))
