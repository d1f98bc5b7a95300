"""Measure what a model would cost on real pages: tokens in and out of every mode, by a real tokenizer, ideal answers.

    python tests/quality/bench_llm.py [--pages N]

Pages are rendered by `extractors.render`, each asked about in each mode without the router, then with it. The ideal
answer of `select` keeps what the rule cleaner keeps; that of `rewrite` is the text the rule cleaner cuts. No model is
asked. Of `select` also: the longest answer that its limit of tokens would allow.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/llm_cleaning"), str(ROOT / "tests/quality")]

from bench_guard import html_pages  # noqa: E402

from extractors import RenderRejected, render  # noqa: E402
from llm_cleaning.messages import Request  # noqa: E402
from llm_cleaning.pages import clean_page  # noqa: E402
from llm_cleaning.routing import RouteConfig, route  # noqa: E402
from llm_cleaning.selecting import SelectConfig, listings  # noqa: E402
from llm_cleaning.stage import CleanConfig, mark_one  # noqa: E402
from llm_cleaning.token_counts import bundled_counter  # noqa: E402
from pipeline.cleaning_estimate import ideal_answer  # noqa: E402
from pipeline.document import Document  # noqa: E402
from pipeline.text.spans import cut  # noqa: E402

MODES = ("select", "rewrite")


def documents(limit: int) -> Iterator[Document]:
    """Marked pages of every set."""
    for number, (html, url) in enumerate(html_pages(limit)):
        try:
            page = render(html, url=url)
        except RenderRejected:
            continue
        found = Document(str(number), "", "", "", 0, "", text=page.text, blocks=page.blocks, formulas=page.formulas)
        mark_one(found, CleanConfig())
        yield found


def first_round(document: Document, mode: str, count) -> list[Request]:
    config = CleanConfig(backend="openai", mode=mode, route=RouteConfig(enabled=False))
    try:
        return next(clean_page(document, config, count))
    except StopIteration:
        return []


def ideal(document: Document, mode: str, count) -> str:
    """The answers to all of a page's questions, one per line."""
    keep = [score >= 0.5 for score in document.blocks.keep_score]
    if mode == "select":
        lists = listings(document.text, document.blocks, SelectConfig(), count)
        return "\n".join(ideal_answer(keep[part.first : part.last]) for part in lists)
    return cut(document.text, document.blocks, deepcopy(document.formulas), keep)[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=60, help="pages per set")
    options = parser.parse_args()
    count = bundled_counter()
    total: Counter[str] = Counter()
    routes: Counter[str] = Counter()
    for document in documents(options.pages):
        total["pages"] += 1
        for mode in MODES:
            requests = first_round(document, mode, count)
            total[f"{mode} requests"] += len(requests)
            total[f"{mode} in"] += sum(count(request.system) + count(request.user) for request in requests)
            total[f"{mode} out"] += count(ideal(document, mode, count)) if requests else 0
            total[f"{mode} limit"] += sum(request.sampling.max_tokens for request in requests)
        for mode in ("auto", "select", "rewrite"):
            routes[f"{mode}: {route(document, mode, RouteConfig())}"] += 1
    print(f"{total['pages']} pages, tokens by the tokenizer of DeepSeek")
    for mode in MODES:
        line = f"{total[f'{mode} in']:>10,} in {total[f'{mode} out']:>9,} out (limit {total[f'{mode} limit']:,})"
        print(f"{mode:<10}{total[f'{mode} requests']:>6,} requests {line}")
    print(f"select / rewrite, tokens out: {total['select out'] / total['rewrite out']:.2%}")
    print(f"select, tokens out per page: {total['select out'] / total['pages']:.1f}")
    print("routes:", ", ".join(f"{name} {n}" for name, n in sorted(routes.items())))


if __name__ == "__main__":
    main()
