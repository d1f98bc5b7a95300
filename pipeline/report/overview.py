"""The top of the report: what ran, what came out, where records were lost, how long it took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.report.charts import Bar, bars, percent, ranked, segment
from pipeline.report.facts import PhaseTime, RunFacts
from pipeline.report.markup import Markup, join, page_text, shortened, tag

LEAD_INPUTS, MAX_INPUTS = 3, 12
STEPS = (  # label, phase of the manifest's funnel, stages whose rejects count here (None: all not counted before)
    ("rendered", "render", None),
    ("exact dedup", "classify", "exact_dedup"),
    ("classified", "classify", None),
    ("fuzzy dedup", "clean", "fuzzy_dedup"),
    ("cleaned", "clean", None),
    ("tokenized", "tokens", None),
)
_ALIGN = dict.fromkeys(("size", "rows in", "seconds", "rows/s"), "n")  # columns of numbers


def header(facts: RunFacts) -> Markup:
    """Recipe, inputs and the headline numbers."""
    recipe, named = facts.manifest["recipe"], facts.manifest["inputs"]
    name, digest = tag("strong", page_text(recipe["name"])), tag("code", recipe["sha256"][:12])
    lead = tag("p", "recipe ", name, " ", digest, f" · {_plural(len(named), 'input')}: ", *_named(named), class_="lead")
    return tag("header", tag("h1", "warcmill run report"), lead, _tiles(facts))


def _named(inputs: Sequence[Mapping[str, Any]]) -> Iterator[object]:
    """The first inputs in one line; the table further down has more."""
    for index, file in enumerate(inputs[:LEAD_INPUTS]):
        yield ", " if index else ""
        yield tag("strong", page_text(shortened(file["name"], 80)))
        yield f" {_bytes(file['bytes'])} "
        yield tag("code", file["sha256"][:12])
    if len(inputs) > LEAD_INPUTS:
        yield f", … {_bytes(sum(file['bytes'] for file in inputs))} in all"


def _tiles(facts: RunFacts) -> Markup:
    totals = facts.manifest["totals"]
    recovered, missed = sum(facts.tally("formulas").values()), sum(facts.tally("unrecovered").values())
    kinds, tokens = totals["tokens_by_kind"], totals["tokens"]
    failed = facts.lost_to_failures
    return tag(
        "div",
        _tile("documents", f"{totals['documents']:,}", f"{percent(totals['documents'], facts.records)} of records"),
        _tile("tokens", f"{tokens:,}", f"{_plural(totals['shards'], 'shard')}, {_bytes(totals['bytes'])}"),
        _tile("tokens in math", f"{kinds['math']:,}", percent(kinds["math"], tokens)),
        _tile("tokens in code", f"{kinds['code']:,}", percent(kinds["code"], tokens)),
        _tile("formulas as TeX", f"{recovered:,}", f"{percent(recovered, recovered + missed)} of those found"),
        _speed(facts),
        _tile("failed records", f"{failed:,}", "crash, hang or error", "bad" if failed else "good"),
        class_="tiles",
    )


def _speed(facts: RunFacts) -> Markup:
    """Time from start to end; nothing where run.json is missing."""
    if not facts.sessions:
        return Markup("")
    rate = _plural(len(facts.sessions), "session") if facts.rate is None else f"{facts.rate:,.1f} records/s"
    return _tile("this run", f"{facts.wall_s:,.0f} s", rate)


def _tile(name: str, value: str, detail: str, mood: str = "") -> Markup:
    parts = (tag("span", name), tag("strong", value), tag("small", detail))
    return tag("div", *parts, class_=f"tile {mood}".strip())


def funnel(facts: RunFacts) -> Markup:
    """From records read to documents tokenized; each bar shows what was kept and what that step lost."""
    records = facts.records
    rows = [_funnel_row("read", records, 0, records)]
    rows += [_funnel_row(label, kept, lost, records) for label, kept, lost in _steps(facts)]
    head = tag("thead", tag("tr", *(tag("th", name, scope="col") for name in ("", "", "kept", "of read", "lost"))))
    table = tag("table", head, tag("tbody", *rows), class_="bars funnel")
    caption = tag("figcaption", tag("h3", "From records to documents"), tag("p", _law(facts), class_="unit"))
    legend = tag("p", tag("i", class_="kept key"), " kept  ", tag("i", class_="lost key"), " lost here", class_="note")
    return tag("figure", caption, table, legend, class_="wide")


def _law(facts: RunFacts) -> str:
    totals = facts.manifest["totals"]
    return (
        f"records: {totals['rows_in']:,} read = {totals['documents']:,} kept + {totals['rows_dropped']:,} lost, "
        "every one with a reason"
    )


def _steps(facts: RunFacts) -> Iterator[tuple[str, int, int]]:
    """(label, rows kept so far, rows lost in this step)."""
    kept, early = facts.records, {stage for _, _, stage in STEPS if stage}
    for label, name, stage in STEPS:
        phase = facts.funnel_phase(name)
        lost = sum(rows for key, rows in phase["rejected"].items() if _belongs(key, stage, early))
        lost += phase["failed"] if stage is None else 0
        kept -= lost
        yield label, kept, lost


def _belongs(key: str, stage: str | None, early: set[str]) -> bool:
    return key.partition(":")[0] == stage if stage else key.partition(":")[0] not in early


def _funnel_row(label: str, kept: int, lost: int, records: int) -> Markup:
    pieces = segment(kept, records, "kept"), segment(lost, records, "lost")
    return tag(
        "tr",
        tag("th", label, scope="row"),
        tag("td", *pieces, class_="bar"),
        tag("td", f"{kept:,}", class_="n"),
        tag("td", percent(kept, records), class_="share"),
        tag("td", f"−{lost:,}" if lost else "", class_="n lost"),
    )


def drops(facts: RunFacts) -> Markup:
    """Why records were lost, and what was never a record of a page."""
    rows = sorted(facts.manifest["drops"], key=lambda drop: -drop["rows"])
    reasons = [Bar(_reason(drop), drop["rows"], "lost") for drop in rows]
    skipped: dict[str, int] = {}
    for phase in facts.manifest["funnel"]:
        for kind, count in phase["skipped"].items():
            skipped[kind] = skipped.get(kind, 0) + count
    return join(
        (
            bars("Why records were lost", "records by stage: reason", reasons, note="Shares are of all lost records."),
            bars(
                "Records that are no responses",
                "WARC records by type",
                ranked(skipped, "plain"),
                note="Skipped while reading and not part of the funnel.",
            ),
        )
    )


def _reason(drop: Mapping[str, Any]) -> str:
    return f"{drop['stage']}: {drop['reason']}" if drop["stage"] else f"{drop['phase']}: {drop['reason']}"


def inputs(facts: RunFacts) -> Markup:
    """Inputs by name, size and digest."""
    known = facts.manifest["inputs"]
    rows = [
        tag(
            "tr",
            tag("td", page_text(shortened(file["name"], 120))),
            tag("td", _bytes(file["bytes"]), class_="n"),
            tag("td", tag("code", file["sha256"][:16])),
        )
        for file in known[:MAX_INPUTS]
    ]
    more = len(known) - MAX_INPUTS
    note = f"and {more:,} more, listed in manifest.json" if more > 0 else ""
    return _table("Inputs", ("name", "size", "sha256 (first 16 digits)"), rows, note)


def times(facts: RunFacts) -> Markup:
    """Seconds and rates per phase, of this run on this machine."""
    last = facts.sessions[-1] if facts.sessions else {}
    note = (
        f"Measured in this run: {facts.wall_s:,.0f} s from start to end in {_plural(len(facts.sessions), 'session')}, "
        f"{last.get('workers', '?')} workers, engine {last.get('engine', '?')}. "
        "A session that was killed leaves no times. Rows are files for inputs, records for render, edges for "
        "components, spilled rows for the phases between, and documents elsewhere."
    )
    rows = [_time_row(time) for time in facts.times]
    return _table("Time per phase", ("phase", "rows in", "seconds", "rows/s"), rows, note)


def _time_row(time: PhaseTime) -> Markup:
    seconds = "–" if time.seconds is None else f"{time.seconds:,.2f}"
    rate = "–" if time.rate is None else f"{time.rate:,.{0 if time.rate >= 10 else 1}f}"
    return tag(
        "tr",
        tag("td", time.name),
        *(tag("td", value, class_="n") for value in (f"{time.rows:,}", seconds, rate)),
    )


def _table(title: str, names: tuple[str, ...], rows: list[Markup], note: str) -> Markup:
    head = tag("thead", tag("tr", *(tag("th", name, scope="col", class_=_ALIGN.get(name)) for name in names)))
    return tag(
        "figure",
        tag("figcaption", tag("h3", title)),
        tag("table", head, tag("tbody", *rows), class_="plain"),
        tag("p", note, class_="note") if note else "",
    )


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _bytes(count: int) -> str:
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"
