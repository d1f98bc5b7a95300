"""Measure the rule cleaner against real truth, with trafilatura on the same pages in the same run.

    python tests/quality/bench_cleaning.py [--limit N]

Articles: pages with full truth are scored by F1 over word 4-grams, pages with segments by the F1 of segments found
(must-have) and avoided (must-not), as their authors do. Math and code: of what rendering found of the truth, how much
survives the cut. Cost: CPU time of mark + clean over that of rendering.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trafilatura

from extractors import RenderRejected, render
from llm_cleaning.stage import CleanConfig, clean, mark
from pipeline.document import Document

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"
ARTICLES = SHARED / "extraction/dev/articles.jsonl.gz"
MATH_CODE = SHARED / "webmainbench/dev/math_code_bench.jsonl.gz"
MATH_PAGES = SHARED / "mathpages/dev/pages.jsonl.gz"
_SPACE = re.compile(r"\s+")
_WORD = re.compile(r"\w+")


def pages(path: Path, limit: int) -> list[dict[str, Any]]:
    """Rows of a gzipped JSONL file, spread evenly over it."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    step = max(1, len(rows) // limit) if limit else 1
    return rows[::step]


@dataclass
class Clock:
    """CPU seconds of each part."""

    seconds: Counter[str] = field(default_factory=Counter)

    def run(self, name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        before = time.process_time()
        try:
            return function(*args, **kwargs)
        finally:
            self.seconds[name] += time.process_time() - before


def document(row: dict[str, Any], clock: Clock) -> Document | None:
    try:
        page = clock.run("render", render, row["html"], url=row["url"])
    except RenderRejected:
        return None
    return Document(
        row["id"], row["url"] or "", "", "", 0, "", text=page.text, blocks=page.blocks, formulas=page.formulas
    )


def cleaned(page: Document, clock: Clock) -> str:
    """Cleaned text; "" where nothing was kept."""
    config = CleanConfig()
    (result,) = clock.run("clean", lambda: list(clean(mark([page], config=config), config=config)))
    return "" if result.rejected else result.text


def shingles(text: str) -> Counter[tuple[str, ...]]:
    words = _WORD.findall(text.lower())
    return Counter(zip(*(words[i:] for i in range(4)), strict=False)) if len(words) >= 4 else Counter([tuple(words)])


def overlap(found: str, truth: str) -> tuple[float, float]:
    """Precision and recall over word 4-grams."""
    a, b = shingles(found), shingles(truth)
    common = (a & b).total()
    return common / max(1, a.total()), common / max(1, b.total())


def f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def truth_text(row: dict[str, Any]) -> str:
    gt = row["gt"]
    if row["gt_type"] == "html":
        return render(gt).text
    return gt["content"] if isinstance(gt, dict) else gt


def articles(limit: int, clock: Clock) -> Iterator[str]:
    scores: dict[str, list[tuple[float, float]]] = {}
    segments: dict[str, Counter[str]] = {}
    for row in pages(ARTICLES, limit):
        for system, text in outputs(row, clock):
            if row["gt_type"] == "segments":
                segments.setdefault(system, Counter()).update(segment_hits(text, row["gt"]))
            else:
                for group in ("all", row["source"], row["kind"]):
                    scores.setdefault(f"{group:<30}{system}", []).append(overlap(text, truth_text(row)))
    yield "full truth, mean over pages      system         precision  recall  F1     pages"
    for name, pairs in sorted(scores.items()):
        mean = [sum(column) / len(pairs) for column in zip(*pairs, strict=True)]
        mean_f1 = sum(f1(*pair) for pair in pairs) / len(pairs)
        yield f"{name:<48}{mean[0]:.3f}      {mean[1]:.3f}   {mean_f1:.3f}  {len(pairs)}"
    yield "segments                         system         precision  recall  F1"
    for system, hits in sorted(segments.items()):
        precision = hits["found"] / max(1, hits["found"] + hits["leaked"])
        recall = hits["found"] / max(1, hits["found"] + hits["lost"])
        yield f"{'':<30}{system:<18}{precision:.3f}      {recall:.3f}   {f1(precision, recall):.3f}"


def outputs(row: dict[str, Any], clock: Clock) -> Iterator[tuple[str, str]]:
    page = document(row, clock)
    yield "whole page", page.text if page else ""
    yield "warcmill", cleaned(page, clock) if page else ""
    yield "trafilatura", clock.run("trafilatura", trafilatura.extract, row["html"]) or ""


def segment_hits(text: str, gt: dict[str, list[str]]) -> Counter[str]:
    flat = _SPACE.sub(" ", text)
    has = [_SPACE.sub(" ", segment).strip() in flat for segment in gt["must_have"]]
    leaks = [_SPACE.sub(" ", segment).strip() in flat for segment in gt["must_not"]]
    return Counter(found=sum(has), lost=len(has) - sum(has), leaked=sum(leaks))


def math_code(limit: int, clock: Clock) -> Iterator[str]:
    kept: Counter[str] = Counter()
    for row in pages(MATH_CODE, limit):
        flat = row.get("gt_flat") or {}
        if (page := document(row, clock)) is None:
            continue
        whole = page.text
        after = cleaned(page, clock)
        other = trafilatura.extract(row["html"], output_format="markdown") or ""
        formulas = [*flat.get("inline", []), *flat.get("display", [])]
        count("formulas", formulas, whole, after, other, kept)
        count(
            "code lines",
            [line for code in flat.get("code", []) for line in code.split("\n")],
            whole,
            after,
            other,
            kept,
        )
    yield from kept_lines("WebMainBench truth", kept, ("formulas", "code lines"))


def count(name: str, truth: list[str], whole: str, after: str, other: str, kept: Counter[str]) -> None:
    """Truth strings by where they are found, white space ignored; only those of at least two characters."""
    texts = {key: _SPACE.sub("", text) for key, text in (("whole", whole), ("after", after), ("other", other))}
    for item in truth:
        needle = _SPACE.sub("", item if isinstance(item, str) else str(item)).strip("$")
        if len(needle) < 2:
            continue
        kept[f"{name} truth"] += 1
        kept[f"{name} trafilatura"] += needle in texts["other"]
        if needle in texts["whole"]:
            kept[f"{name} whole"] += 1
            kept[f"{name} after"] += needle in texts["after"]


def math_pages(limit: int, clock: Clock) -> Iterator[str]:
    """Every formula and code line that rendering found, on pages of documentation and lectures."""
    kept: Counter[str] = Counter()
    for row in pages(MATH_PAGES, limit):
        if (page := document(row, clock)) is None:
            continue
        lines = [n for b in page.blocks if b.kind == "code" for n in page.text[b.start : b.end].split("\n")[1:-1]]
        kept["formulas truth"] += len(page.formulas)
        kept["formulas whole"] += len(page.formulas)
        kept["words whole"] += len(page.text.split())
        whole = page.text
        after = cleaned(page, clock)
        kept["words after"] += len(after.split())
        kept["formulas after"] += 0 if page.rejected else len(page.formulas)
        count("code lines", lines, whole, after, "", kept)
    yield from kept_lines("math pages, all that was rendered", kept, ("formulas", "code lines", "words"))


def kept_lines(title: str, kept: Counter[str], names: tuple[str, ...]) -> Iterator[str]:
    yield f"{title:<36}truth    rendered  kept     kept of rendered  trafilatura"
    for name in names:
        whole, after = kept[f"{name} whole"], kept[f"{name} after"]
        share = after / whole if whole else 1.0
        rest = f"{kept[f'{name} truth']:<9}{whole:<10}{after:<9}{share:<18.4f}{kept[f'{name} trafilatura']}"
        yield f"  {name:<34}{rest}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("articles", "math_code", "math_pages"), help="one set instead of all three")
    parser.add_argument("--limit", type=int, default=0, help="pages per set, spread evenly (default: all)")
    options = parser.parse_args()
    if not ARTICLES.exists():
        sys.exit("bench_cleaning: needs ../shared (the project's data folder beside the checkout)")
    clock = Clock()
    for part in (articles, math_code, math_pages):
        for line in part(options.limit, clock) if options.only in (None, part.__name__) else ():
            print(line, flush=True)
    share = clock.seconds["clean"] / max(1e-9, clock.seconds["render"])
    print(
        f"CPU: render {clock.seconds['render']:.1f} s, mark + clean {clock.seconds['clean']:.1f} s = {share:.0%} of it;"
    )
    print(f"     trafilatura {clock.seconds['trafilatura']:.1f} s on the articles alone")


if __name__ == "__main__":
    main()
