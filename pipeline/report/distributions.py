"""Histograms of what is in the documents, from the tallies that the phases counted."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.report.charts import Bar, bars, columns, ranked
from pipeline.report.facts import RunFacts
from pipeline.report.markup import Markup, join, tag

FIFTHS = 5
SCORE_NAMES = {"math_score": "Mathness", "code_score": "code score", "quality": "Quality"}
KIND_COLOURS = {"math": "math", "code": "code", "prose": "kept", "eos": "plain"}


def distributions(facts: RunFacts) -> Markup:
    """Every histogram, each over the documents that its phase kept."""
    charts: tuple[Callable[[RunFacts], Markup], ...] = (
        _forms,
        _math_scores,
        _code_scores,
        _quality,
        _agreement,
        _masked,
        _consent,
        _lengths,
        _languages,
        _charsets,
        _block_kinds,
        _content_types,
    )
    return join(chart(facts) for chart in charts)


def tokens(facts: RunFacts) -> Markup:
    """Tokens of prose, formulas and code."""
    kinds = facts.manifest["totals"]["tokens_by_kind"]
    rows = [Bar(row.label, row.count, KIND_COLOURS.get(row.label, "plain")) for row in ranked(kinds)]
    return bars("Tokens by kind", "tokens in shards", rows, note="eos: one end-of-text token per document.")


def _forms(facts: RunFacts) -> Markup:
    """Forms that gave TeX, then those of which only the visible characters could be kept."""
    missed = [Bar(f"{row.label} (no TeX)", row.count, "lost") for row in ranked(facts.tally("unrecovered"))]
    note = "“no TeX”: only the visible characters could be kept." if missed else "All of them gave TeX."
    rows = ranked(facts.tally("formulas"), "math") + missed
    return bars("Formulas by form in the page", "formulas in rendered documents", rows, note=note if rows else "")


def _languages(facts: RunFacts) -> Markup:
    return bars("Languages", "classified documents", ranked(facts.tally("language")))


def _charsets(facts: RunFacts) -> Markup:
    return bars("Charsets", "rendered documents", ranked(facts.tally("charset")))


def _content_types(facts: RunFacts) -> Markup:
    return bars("Content types", "rendered documents", ranked(facts.tally("content_type")))


def _block_kinds(facts: RunFacts) -> Markup:
    return bars("Kinds of blocks", "blocks in rendered documents", ranked(facts.tally("blocks")))


def _quality(facts: RunFacts) -> Markup:
    return _scores(facts, "quality", "Quality", "kept")


def _math_scores(facts: RunFacts) -> Markup:
    return _scores(facts, "math_score", "Mathness", "math")


def _code_scores(facts: RunFacts) -> Markup:
    return _scores(facts, "code_score", "Code score", "code")


def _scores(facts: RunFacts, name: str, title: str, colour: str) -> Markup:
    """Ten bins of width 0.1, and one for documents without a score where there are any."""
    counts = facts.tally(name)
    bins = [Bar(f"{tenth / 10:.1f}", counts.get(f"{tenth / 10:.1f}", 0), colour) for tenth in range(10)]
    if counts.get("none"):
        bins.append(Bar("none", counts["none"], "plain"))
    return columns(title, "classified documents by score (bins of 0.1, lower edge)", bins)


def _agreement(facts: RunFacts) -> Markup:
    """How each two scores go together: documents by fifths of both, darker where there are more."""
    tallies = facts.tally("both")
    pairs = sorted({name.partition(":")[0] for name in tallies})
    return join(_pair(pair, tallies) for pair in pairs)


def _pair(pair: str, tallies: dict[str, int]) -> Markup:
    across, _, down = pair.partition("/")
    counts = [[tallies.get(f"{pair}:{i}{j}", 0) for i in range(FIFTHS)] for j in range(FIFTHS)]
    most = max(map(max, counts))
    rows = [
        tag("tr", tag("th", f"{j / FIFTHS:.1f}", scope="row"), *(_cell(count, most) for count in counts[j]))
        for j in reversed(range(FIFTHS))
    ]
    head = tag("tr", tag("th", ""), *(tag("th", f"{i / FIFTHS:.1f}", scope="col") for i in range(FIFTHS)))
    title = f"{SCORE_NAMES.get(down, down)} by {SCORE_NAMES.get(across, across)}"
    unit = f"classified documents, {sum(map(sum, counts)):,} in all; {across} from left, {down} from below, lower edges"
    caption = tag("figcaption", tag("h3", title), tag("p", unit, class_="unit"))
    return tag("figure", caption, tag("table", tag("tbody", *rows, head), class_="plain"))


def _cell(count: int, most: int) -> Markup:
    shade = round(70 * count / most) if most else 0
    return tag("td", f"{count:,}" if count else "", class_="n", style=f"background:rgb(70 130 180 / {shade}%)")


def _masked(facts: RunFacts) -> Markup:
    counts = facts.tally("masked")
    return bars("Masked", "private things in kept documents", ranked(counts)) if counts else Markup("")


def _consent(facts: RunFacts) -> Markup:
    """Opt-out marks and licences, where a page bears any."""
    charts = (("Opt-out marks", "opt_out", "lost"), ("Licences", "license", "kept"))
    found = ((title, ranked(facts.tally(name), colour)) for title, name, colour in charts)
    return join(bars(title, "rendered documents", rows) for title, rows in found if rows)


def _lengths(facts: RunFacts) -> Markup:
    """Bins double in width; a bin is named by its lower edge."""
    counts = {int(bits): count for bits, count in facts.tally("length").items()}
    span = range(min(counts), max(counts) + 1) if counts else range(0)
    bins = [Bar(_short(1 << (bits - 1) if bits else 0), counts.get(bits, 0)) for bits in span]
    return columns("Length after cleaning", "documents by characters (bins double, lower edge)", bins)


def _short(number: int) -> str:
    for power, unit in ((20, "Mi"), (10, "Ki")):
        if number >= 1 << power:
            return f"{number >> power}{unit}"
    return str(number)
