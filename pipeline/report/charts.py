"""Two kinds of charts, without script or image: bars in a table for names, columns for ordered bins.

Both carry a title, a unit and the counts as text, so that they can be read aloud, copied and printed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.report.markup import Markup, join, shortened, tag

MAX_BARS = 24
LABEL_CHARS = 60


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: a label, a count, and a colour by meaning: kept, lost, math, code, plain."""

    label: str
    count: int
    colour: str = "kept"


def percent(part: float, whole: float) -> str:
    """A share as text that never rounds something to nothing, or less than all to all."""
    if not part or not whole:
        return "0 %"
    share = 100 * part / whole
    if share < 0.05:
        return "<0.1 %"
    return ">99.9 %" if 99.95 <= share < 100 else f"{share:.1f} %"


def bars(title: str, unit: str, rows: Sequence[Bar], *, whole: int | None = None, note: str = "") -> Markup:
    """Bars in the order given, with count and share of `whole` (default: their sum). At most MAX_BARS, then "other"."""
    rows = _limited(rows)
    whole = sum(row.count for row in rows) if whole is None else whole
    most = max((row.count for row in rows), default=0)
    body = join(_bar_row(row, most, whole) for row in rows)
    table = tag("table", tag("tbody", body), class_="bars") if rows else tag("p", "none", class_="none")
    return _figure(title, f"{unit}, {whole:,} in all", table, note)


def _limited(rows: Sequence[Bar]) -> list[Bar]:
    shown, rest = list(rows[:MAX_BARS]), rows[MAX_BARS:]
    if rest:
        shown.append(Bar(f"{len(rest)} others", sum(row.count for row in rest), "plain"))
    return shown


def _bar_row(row: Bar, most: int, whole: int) -> Markup:
    return tag(
        "tr",
        tag("th", shortened(row.label, LABEL_CHARS), scope="row"),
        tag("td", segment(row.count, most, row.colour), class_="bar"),
        tag("td", f"{row.count:,}", class_="n"),
        tag("td", percent(row.count, whole), class_="share"),
    )


def segment(count: int, most: int, colour: str) -> Markup:
    """One coloured piece of a bar, `count / most` of its cell wide."""
    width = 100 * count / most if most else 0
    return tag("i", class_=colour, style=f"width:{width:.2f}%") if count else Markup("")


def columns(title: str, unit: str, bins: Sequence[Bar], *, note: str = "") -> Markup:
    """Columns of ordered bins, empty bins included, each with its count above and its label below."""
    most = max((row.count for row in bins), default=0)
    whole = sum(row.count for row in bins)
    body = join(_column(row, most) for row in bins)
    chart = tag("ol", body, class_="columns") if whole else tag("p", "none", class_="none")
    return _figure(title, f"{unit}, {whole:,} in all", chart, note)


def _column(row: Bar, most: int) -> Markup:
    height = 100 * row.count / most if most else 0
    count = tag("b", f"{row.count:,}" if row.count else "")
    rod = tag("i", class_=row.colour, style=f"height:{height:.2f}%")
    return tag("li", tag("span", count, rod, class_="rod"), tag("span", row.label, class_="bin"))


def _figure(title: str, unit: str, chart: Markup, note: str) -> Markup:
    caption = tag("figcaption", tag("h3", title), tag("p", unit, class_="unit"))
    return tag("figure", caption, chart, tag("p", note, class_="note") if note else "")


def ranked(counts: Mapping[str, int], colour: str = "kept") -> list[Bar]:
    """Bars from counts, largest first, ties by name."""
    order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [Bar(name or "unknown", count, colour) for name, count in order if count]
