"""Measure the rule cleaner against real truth, with other extractors of main text on the same pages in the same run.

    python tests/quality/bench_cleaning.py [--limit N] [--peers PYTHON] [--only PART]

Articles: pages with full truth are scored by F1 over word 4-grams, pages with segments by the F1 of segments found
(must-have) and avoided (must-not), as their authors do. Math and code: of the formulas and code lines of the truth, how
many are found, and of what rendering found, how much survives the cut. Boilerplate: word 4-grams, of words of letters,
that are not in the truth. Cost: CPU time of mark + clean over that of rendering, page by page. cleaning_peers.py says
where the others come from.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cleaning_peers import Extract, peers

from extractors import RenderRejected, render
from llm_cleaning.stage import CleanConfig, clean, mark
from pipeline.document import Document

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"
ARTICLES = SHARED / "extraction/dev/articles.jsonl.gz"
MATH_CODE = SHARED / "webmainbench/dev/math_code_bench.jsonl.gz"
MATH_PAGES = SHARED / "mathpages/dev/pages.jsonl.gz"
OURS, WHOLE = "warcmill", "whole page"
CONFIG = CleanConfig()
_SPACE = re.compile(r"\s+")
_WORD = re.compile(r"\w+")
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_FORMULA = re.compile(r"\$\$?[^$]{1,2000}\$\$?")


def pages(path: Path, limit: int) -> list[dict[str, Any]]:
    """Rows of a gzipped JSONL file, spread evenly over it."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    step = max(1, len(rows) // limit) if limit else 1
    return rows[::step]


def document(row: dict[str, Any]) -> Document | None:
    try:
        page = render(row["html"], url=row["url"])
    except RenderRejected:
        return None
    return Document(
        row["id"], row["url"] or "", "", "", 0, "", text=page.text, blocks=page.blocks, formulas=page.formulas
    )


def cleaned(page: Document) -> str:
    """Cleaned text; "" where nothing was kept."""
    (result,) = clean(mark([page], config=CONFIG), config=CONFIG)
    return "" if result.rejected else result.text


def grams(text: str, word: re.Pattern[str] = _WORD) -> Counter[tuple[str, ...]]:
    words = word.findall(text.lower())
    return Counter(zip(*(words[i:] for i in range(4)), strict=False)) if len(words) >= 4 else Counter([tuple(words)])


def overlap(found: str, truth: str) -> tuple[float, float]:
    """Precision and recall over word 4-grams."""
    a, b = grams(found), grams(truth)
    common = (a & b).total()
    return common / max(1, a.total()), common / max(1, b.total())


def boilerplate(found: str, truth: str) -> int:
    """Word 4-grams of a text that its truth does not have, formulas left out, which everybody writes in another way."""
    return (grams(_FORMULA.sub(" ", found), _LETTERS) - grams(_FORMULA.sub(" ", truth), _LETTERS)).total()


def f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def outputs(row: dict[str, Any], others: Extract) -> dict[str, str]:
    """Text of every system, by name."""
    page = document(row)
    found = {WHOLE: page.text if page else "", OURS: cleaned(page) if page else ""}
    return found | others(row["html"], row["url"] or "")


def truth_text(row: dict[str, Any]) -> str:
    """The whole truth about a page as text, "" where there is none."""
    gt = row["gt"]
    if row["gt_type"] == "html":
        return render(gt).text
    if row["gt_type"] not in ("text", "markdown", "content_list"):
        return ""
    return str((gt.get("content") if isinstance(gt, dict) else gt) or "")


def articles(limit: int, others: Extract) -> Iterator[str]:
    scores: dict[tuple[str, str], list[tuple[float, float]]] = {}
    segments: dict[str, Counter[str]] = {}
    extra: Counter[str] = Counter()
    for row in pages(ARTICLES, limit):
        for system, text in outputs(row, others).items():
            if row["gt_type"] == "segments":
                segments.setdefault(system, Counter()).update(segment_hits(text, row["gt"]))
                continue
            truth = truth_text(row)
            extra[system] += boilerplate(text, truth)
            for group in ("all", row["source"], row["kind"]):
                scores.setdefault((group, system), []).append(overlap(text, truth))
    yield f"{'full truth, mean over pages':<30}{'system':<15}precision  recall  F1     pages"
    for (group, system), pairs in sorted(scores.items()):
        precision, recall = (sum(column) / len(pairs) for column in zip(*pairs, strict=True))
        mean_f1 = sum(f1(*pair) for pair in pairs) / len(pairs)
        yield f"  {group:<28}{system:<15}{precision:.3f}      {recall:.3f}   {mean_f1:.4f} {len(pairs)}"
    yield f"{'segments':<30}{'system':<15}precision  recall  F1     must-not segments kept"
    for system, hits in sorted(segments.items()):
        precision = hits["found"] / max(1, hits["found"] + hits["leaked"])
        recall = hits["found"] / max(1, hits["found"] + hits["lost"])
        yield f"{'':<30}{system:<15}{precision:.3f}      {recall:.3f}   {f1(precision, recall):.4f} {hits['leaked']}"
    yield from boilerplate_lines("full truth", extra)


def boilerplate_lines(title: str, extra: Counter[str]) -> Iterator[str]:
    yield f"{'boilerplate kept, ' + title:<30}{'system':<15}4-grams    of lynx's"
    for system, found in sorted(extra.items()):
        share = f"{found / extra['lynx']:.2f}" if extra["lynx"] else "?"
        yield f"{'':<30}{system:<15}{found:<11}{share}"


def segment_hits(text: str, gt: dict[str, list[str]]) -> Counter[str]:
    flat = _SPACE.sub(" ", text)
    has = [_SPACE.sub(" ", segment).strip() in flat for segment in gt["must_have"]]
    leaks = [_SPACE.sub(" ", segment).strip() in flat for segment in gt["must_not"]]
    return Counter(found=sum(has), lost=len(has) - sum(has), leaked=sum(leaks))


def math_code(limit: int, others: Extract) -> Iterator[str]:
    kept: Counter[str] = Counter()
    extra: Counter[str] = Counter()
    for row in pages(MATH_CODE, limit):
        flat = row.get("gt_flat") or {}
        texts = outputs(row, others)
        count("formulas", [*flat.get("inline", []), *flat.get("display", [])], texts, kept)
        count("code lines", [line for code in flat.get("code", []) for line in code.split("\n")], texts, kept)
        if truth := truth_text(row):
            extra.update({system: boilerplate(text, truth) for system, text in texts.items()})
    yield from kept_lines("WebMainBench truth", kept)
    yield from boilerplate_lines("WebMainBench", extra)


def count(name: str, truth: list[str], texts: dict[str, str], kept: Counter[str]) -> None:
    """Truth strings by where they are found, white space ignored; only those of at least two characters."""
    flat = {system: _SPACE.sub("", text) for system, text in texts.items()}
    for item in truth:
        needle = _SPACE.sub("", item if isinstance(item, str) else str(item)).strip("$")
        if len(needle) >= 2:
            kept[f"{name} truth"] += 1
            kept[f"{name} kept"] += needle in flat[WHOLE] and needle in flat[OURS]
            kept.update(f"{name} {system}" for system, text in flat.items() if needle in text)


def kept_lines(title: str, kept: Counter[str]) -> Iterator[str]:
    """Of the truth what every system has; of what rendering found, what cleaning kept."""
    for name in ("formulas", "code lines", "words"):
        if whole := kept[f"{name} {WHOLE}"]:
            truth = f"truth {kept[f'{name} truth']}, " if kept[f"{name} truth"] else ""
            systems = (key.removeprefix(name).strip() for key in sorted(kept) if key.startswith(f"{name} "))
            found = (f"{key} {kept[f'{name} {key}']}" for key in systems if key not in ("truth", "kept"))
            share = kept[f"{name} kept"] / whole
            yield f"{title}, {name}: {truth}{', '.join(found)}; of what was rendered {share:.4f} are kept"


def math_pages(limit: int, _: Extract) -> Iterator[str]:
    """Every formula and code line that rendering found, on pages of documentation and lectures."""
    kept: Counter[str] = Counter()
    for row in pages(MATH_PAGES, limit):
        if (page := document(row)) is None:
            continue
        lines = [n for b in page.blocks if b.kind == "code" for n in page.text[b.start : b.end].split("\n")[1:-1]]
        whole, formulas = page.text, len(page.formulas)
        after = cleaned(page)
        count("code lines", lines, {WHOLE: whole, OURS: after}, kept)
        left = 0 if page.rejected else len(page.formulas)
        words = len(after.split())
        kept.update({f"formulas {WHOLE}": formulas, f"formulas {OURS}": left, "formulas kept": left})
        kept.update({f"words {WHOLE}": len(whole.split()), f"words {OURS}": words, "words kept": words})
    yield from kept_lines("documentation and lectures", kept)


def cost(limit: int, _: Extract) -> Iterator[str]:
    """CPU seconds of rendering and of mark + clean, page by page."""
    for path in (ARTICLES, MATH_CODE, MATH_PAGES):
        rendering = cleaning = 0.0
        for row in pages(path, limit):
            start_s = time.process_time()
            page = document(row)
            rendered_s = time.process_time()
            if page is not None:
                cleaned(page)
                cleaning += time.process_time() - rendered_s
                rendering += rendered_s - start_s
        share = cleaning / max(1e-9, rendering)
        yield f"CPU, {path.name}: render {rendering:.2f} s, mark + clean {cleaning:.2f} s = {share:.0%} of it"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = (articles, math_code, math_pages, cost)
    names = [part.__name__ for part in parts]
    parser.add_argument("--only", choices=names, help="one part instead of all")
    parser.add_argument("--limit", type=int, default=0, help="pages per set, spread evenly (default: all)")
    parser.add_argument("--peers", metavar="PYTHON", help="an interpreter that has magic-html and html2text")
    options = parser.parse_args()
    if not ARTICLES.exists():
        sys.exit("bench_cleaning: needs ../shared (the project's data folder beside the checkout)")
    with peers(options.peers) as others:
        for part in parts:
            for line in part(options.limit, others) if options.only in (None, part.__name__) else ():
                print(line, flush=True)


if __name__ == "__main__":
    main()
