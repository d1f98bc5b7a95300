"""How diverse sources are and how much they repeat each other: numbers to choose weights by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blends.diversity import diversity_of_run
from pipeline.report.charts import percent
from pipeline.report.facts import RunFacts
from pipeline.report.markup import Markup, page_text, shortened, tag

NAME_CHARS = 60
_NOTE = (
    "Vendi score: as many wholly different documents would be as diverse; it grows with the sample. Repeated: token "
    "{n}-grams that the source holds more than once. Novel: those that no other source holds. Estimated from a uniform "
    "sample of each source, as warcmill diversity does, which also takes more documents, word vectors and gradients."
)


def diversity(facts: RunFacts) -> Markup:
    """The table of a run's own sources."""
    return diversity_table(diversity_of_run(facts.folder))


def diversity_table(report: Mapping[str, Any]) -> Markup:
    """One row per source, and what it shares with each of the others."""
    sources: Mapping[str, Any] = report["sources"]
    several = len(sources) > 1
    names = ["source", "documents", "Vendi", "repeated"] + ["novel"] * several
    names += [f"of it in {_shown(name)}" for name in sources if several]
    rows = [_row(name, source, list(sources) if several else []) for name, source in sources.items()]
    head = tag("tr", *(tag("th", name, scope="col", class_="n" if i else None) for i, name in enumerate(names)))
    lead = f"{report['embedding']}; {report['ngram']}-grams; Vendi of all together {report['vendi_of_all']:,.1f}"
    caption = tag("figcaption", tag("h3", "Sources of the sample"), tag("p", lead, class_="unit"))
    table = tag("table", tag("thead", head), tag("tbody", *rows), class_="plain")
    note = tag("p", _NOTE.format(n=report["ngram"]), class_="note")
    return tag("figure", caption, table, note, class_="wide")


def _shown(name: str) -> str:
    return shortened(name or "no source", NAME_CHARS)


def _row(name: str, source: Mapping[str, Any], others: list[str]) -> Markup:
    cells = [f"{source['documents']:,}", f"{source['vendi']:,.1f}", percent(source["repeated_ngrams"], 1)]
    if others:
        cells.append(percent(source["novelty"], 1))
    cells += ["–" if other == name else percent(source["overlap"][other], 1) for other in others]
    return tag("tr", tag("td", page_text(_shown(name))), *(tag("td", cell, class_="n") for cell in cells))
