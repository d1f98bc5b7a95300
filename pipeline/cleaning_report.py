"""The report of `warcmill clean`: keep rate, tokens, verdicts, and samples side by side, as one page or as Markdown."""

from __future__ import annotations

import difflib
import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from html import escape
from pathlib import Path

from llm_cleaning.pages import CleanedPage
from pipeline.cleaning_rows import CleanSummary, Labelled, clean_text
from pipeline.io.shards import writing

SAMPLES = 12
MAX_SHOWN_CHARS = 6_000
MAX_CHANGES = 60
_STYLE = """body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:1500px;padding:0 1rem;color:#1a1a1a}
table{border-collapse:collapse;margin:.5rem 0 1.5rem}
td,th{padding:.2rem .8rem;text-align:left;border-bottom:1px solid #ddd}
td.n{text-align:right;font-variant-numeric:tabular-nums}.side{display:grid;grid-template-columns:1fr 1fr 1fr;gap:1rem}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f6f6f4;padding:.8rem;max-height:32rem}
pre{overflow:auto;font-size:13px}
.fail{color:#a40000}.minus{color:#a40000}.plus{color:#00622a}h3{margin-bottom:.2rem}@media(max-width:900px){.side{display:block}}
@media(prefers-color-scheme:dark){body{background:#161616;color:#e4e4e4}pre{background:#222}td,th{border-color:#444}
.fail,.minus{color:#ff8a80}.plus{color:#8fe0ac}}"""


@dataclass(frozen=True, slots=True, order=True)
class _Sample:
    """One row of the report, ordered by what makes it worth seeing, then by a hash of its id."""

    rank: tuple[int, str]
    name: str = field(compare=False)
    facts: str = field(compare=False)
    failed: bool = field(compare=False)
    source: str = field(compare=False)
    cleaned: str = field(compare=False)


class ReportSamples:
    """Collects the rows to show: the same ones whatever their order. Those with refused answers come first."""

    def __init__(self) -> None:
        self._heap: list[tuple[tuple[int, int], int, _Sample]] = []
        self._seen = 0

    def see(self, label: Labelled, page: CleanedPage) -> None:
        """Take a row into account."""
        if label.problem:
            return
        sample = _sample(label, page)
        self._seen += 1
        order = (-sample.rank[0], -int(sample.rank[1], 16))
        heapq.heappush(self._heap, (order, self._seen, sample))
        if len(self._heap) > SAMPLES:
            heapq.heappop(self._heap)

    def samples(self) -> list[_Sample]:
        """The rows to show, best first."""
        return sorted(sample for _, _, sample in self._heap)


def _sample(label: Labelled, page: CleanedPage) -> _Sample:
    document, cleaned = label.document, clean_text(page)
    refused = Counter(reason for chunk in page.chunks for _, reasons in chunk.attempts for reason in reasons)
    interest = 0 if not page.verdict.passed else 1 if refused else 2 if cleaned != document.text else 3
    verdict = "pass" if page.verdict.passed else f"fail: {', '.join(page.verdict.reasons)}"
    facts = f"route {page.route}, mode {page.mode}, guard {verdict}"
    if refused:
        facts += f"; answers refused for {', '.join(sorted(refused))}"
    name = str(label.row.get("url") or document.id)
    digest = blake2b(document.id.encode("utf-8", "replace"), digest_size=8).hexdigest()
    short = document.text[:MAX_SHOWN_CHARS], cleaned[:MAX_SHOWN_CHARS]
    return _Sample((interest, digest), name, facts, not page.verdict.passed, *short)


def write_clean_report(path: Path, summary: CleanSummary, samples: ReportSamples) -> None:
    """Write the report: Markdown where the name ends in .md, else HTML.

    Raises:
        OutputError: it cannot be written.
    """
    lines = _markdown(summary, samples) if path.suffix == ".md" else _html(summary, samples)
    with writing(path):
        path.write_text("\n".join(lines) + "\n", encoding="utf-8", errors="replace")


def summary_rows(summary: CleanSummary) -> list[tuple[str, str]]:
    """What happened, as (name, value)."""
    rate = summary.chars_out / summary.chars_in if summary.chars_in else 0.0
    rows = [
        ("rows", f"{summary.rows:,}"),
        ("without text", f"{summary.empty:,}"),
        ("kept", f"{rate:.1%} of {summary.chars_in:,} characters"),
        ("failed the guard", f"{summary.failed:,}"),
    ]
    rows += [(f"cleaned by {mode}", f"{count:,}") for mode, count in sorted(summary.modes.items())]
    rows += [(f"route {way}", f"{count:,}") for way, count in sorted(summary.routes.items()) if summary.model]
    spent = summary.spent
    for mode in sorted(spent.tokens_in.keys() | spent.asked.keys()):
        rows.append((f"{mode}: requests asked / replayed", f"{spent.asked[mode]:,} / {spent.replayed[mode]:,}"))
        rows.append((f"{mode}: tokens in / out", f"{spent.tokens_in[mode]:,} / {spent.tokens_out[mode]:,}"))
    rows += [(f"guard: {reason}", f"{count:,}") for reason, count in summary.reasons.most_common()]
    rows += [(f"refused answer: {name}", f"{count:,}") for name, count in summary.refused.most_common()]
    if summary.model:
        rows += [("model", summary.model), ("tokens counted by", summary.tokenizer)]
    return rows + [("note", note) for note in summary.notes]


def _changes(sample: _Sample) -> Iterator[tuple[str, str]]:
    """("-" or "+", line) of what went and what came."""
    before, after = sample.source.split("\n"), sample.cleaned.split("\n")
    shown = 0
    for line in difflib.unified_diff(before, after, lineterm="", n=0):
        if line[:3] in ("---", "+++") or line[0] not in "+-" or not line[1:].strip():
            continue
        if (shown := shown + 1) > MAX_CHANGES:
            yield " ", "…"
            return
        yield line[0], line[1:]


def _markdown(summary: CleanSummary, samples: ReportSamples) -> Iterator[str]:
    yield "# Cleaning\n"
    yield "| what | |\n|---|---|"
    for name, value in summary_rows(summary):
        yield f"| {_cell(name)} | {_cell(value)} |"
    for sample in samples.samples():
        yield f"\n## {_cell(sample.name)}\n\n{_cell(sample.facts)}\n"
        for title, text in (("source", sample.source), ("cleaned", sample.cleaned), ("changed", _diff(sample))):
            yield f"**{title}**\n"
            yield _indented(text)


def _diff(sample: _Sample) -> str:
    return "\n".join(f"{mark} {line}" for mark, line in _changes(sample)) or "nothing"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.split("\n")) + "\n"  # code by indentation: fences cannot break out


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _html(summary: CleanSummary, samples: ReportSamples) -> Iterator[str]:
    yield "<!doctype html><html lang=en><meta charset=utf-8><title>warcmill clean</title>"
    yield "<meta name=viewport content='width=device-width'>"
    yield f"<style>{_STYLE}</style><h1>Cleaning</h1><table>"
    for name, value in summary_rows(summary):
        yield f"<tr><td>{escape(name)}<td class=n>{escape(value)}"
    yield "</table><h2>Samples</h2>"
    for sample in samples.samples():
        yield f"<h3>{escape(sample.name)}</h3><p{' class=fail' if sample.failed else ''}>{escape(sample.facts)}"
        changes = "\n".join(_change(mark, line) for mark, line in _changes(sample)) or "nothing"
        yield "<div class=side>"
        for title, body in (
            ("source", escape(sample.source)),
            ("cleaned", escape(sample.cleaned)),
            ("changed", changes),
        ):
            yield f"<div><b>{title}</b><pre>{body}</pre></div>"
        yield "</div>"


def _change(mark: str, line: str) -> str:
    return f"<span class={'minus' if mark == '-' else 'plus'}>{mark} {escape(line)}</span>"
