"""The gate's suite of real pages and real renderer output, from ../shared/data: a fixed sample, under a minute of CPU."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gate_tally import Tally, formulas_of, found_of, spelled

from extractors import Rendered, RenderRejected, render
from pipeline.text.spans import markdown_to_blocks, scan_formulas

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
BENCH = DATA / "webmainbench/dev/math_code_bench.jsonl.gz"
PAGES = DATA / "mathpages/dev/pages.jsonl.gz"
FORMS = DATA / "mathforms/dev/mathforms.jsonl.gz"
PER_FORM = 120
EXPLICIT = frozenset({"class_math", "img_alt", "script_mathtex", "annotation"})
_BACKSLASH = re.compile(r"\\\((.+?)\\\)|\\\[(.+?)\\\]", re.S)


def files() -> list[Path]:
    return [BENCH, PAGES, FORMS]


def measure(tally: Tally) -> None:
    _measure_bench(tally)
    _measure_pages(tally)
    _measure_forms(tally)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _render(html: str, url: str | None) -> Rendered:
    try:
        return render(html, url=url or "")
    except RenderRejected:
        return Rendered("")


def _measure_bench(tally: Tally) -> None:
    """Formulas and code lines of human and MinerU-made truth, found on the page."""
    for row in _rows(BENCH):
        truth = _truth(row["gt_type"], row["gt"])
        if not truth:
            continue
        page = _render(row["html"], row["url"])
        hits = found_of(_truth_formulas(truth), formulas_of(page))
        tally.add("real pages: formulas of the truth", sum(hits), len(hits))
        wanted, have = _code_lines(truth), _code_lines(page.text)
        tally.add("real pages: code lines with indentation", sum((wanted & have).values()), wanted.total())


def _truth(kind: str | None, truth: Any) -> str:
    """A page's truth as Markdown, "" where there is none that we can read."""
    if kind == "markdown":
        return str(truth or "")
    if kind == "content_list":
        return str(truth.get("content") or "")
    if kind == "code_blocks":
        return "\n\n".join(f"````\n{block['code']}\n````" for block in truth)
    if kind == "expected_formula_html":
        lines = (line.strip() for text in truth.values() for line in str(text).split("\n"))
        return "\n\n".join(f"\\[{line}\\]" for line in lines if line)
    return ""


def _truth_formulas(markdown: str) -> list[str]:
    blocks = markdown_to_blocks(markdown)
    found = [formula.tex for formula in scan_formulas(markdown, blocks)]
    return found + [match[1] or match[2] for match in _BACKSLASH.finditer(markdown)]


def _code_lines(markdown: str) -> Counter[str]:
    """Lines of fenced code, indentation kept; a line of one character says nothing."""
    blocks = (block for block in markdown_to_blocks(markdown) if block.kind == "code")
    lines = (line.rstrip() for block in blocks for line in markdown[block.start : block.end].split("\n")[1:-1])
    return Counter(line.expandtabs(4) for line in lines if len(line.strip()) > 1)


def _measure_pages(tally: Tally) -> None:
    """Formulas whose source stands in the markup of manuals and lecture pages, by kind of markup."""
    explicit = [row for row in _rows(PAGES) if row["formula_kinds"] and EXPLICIT.issuperset(row["formula_kinds"])]
    for row in explicit:
        hits = found_of(row["oracle_formulas"], formulas_of(_render(row["html"], row["url"])))
        tally.add(f"manuals: {'+'.join(sorted(set(row['formula_kinds'])))}", sum(hits), len(hits))


def _measure_forms(tally: Tally) -> None:
    """Renderer output by form: the one formula of a small page, delimited and spelled the same."""
    by_form: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in _rows(FORMS):
        by_form[row["form"]].append(row)
    for form, rows in sorted(by_form.items()):
        for row in rows[:: max(1, len(rows) // PER_FORM)][:PER_FORM]:
            page = _render(f"<!doctype html><body><p>Before the formula {row['html']} and after it.</p>", None)
            tally.add(f"form: {form}", int(spelled(row["tex"]) in formulas_of(page)), 1)
