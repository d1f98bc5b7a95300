"""Real pages with truth beside peers, told apart by who wrote the truth.

    PEERS=~/.cache/warcmill-eval/venvs/peers/bin/python          # made by ../shared/eval/setup.sh
    $PEERS tests/quality/bench_pages.py --peers mineru_webkit,openwebmath,lynx,resiliparse_main,trafilatura_txt

Runs in the peers' environment, with the measures and the judge of ../shared/eval. MinerU's extractor is llm-webkit by
its older name: the truth of every set of that name is expected output from that project's own tests and benchmark,
written with its tool (../shared/data/README.md, data.py of the harness). Such truth fixes its spelling and its slips,
so pages with it are reported apart:

- MinerU's: `llm-webkit-*` of webmainbench (39 pages);
- annotated: WebMainBench's own sample (7 pages) and full articles of `extraction`;
- stated: formulas and `pre` that the pages of `mathpages` state in their markup.

Figures are shares in percent, of all items of a group: formulas equal and delimited, code lines kept and of the
indented ones those indented as in the truth, table rows and cells, ROUGE-5 recall and F1 (mean of pages). F1 falls with
every word of boilerplate, which rendering keeps; it is not part of the mean in the last column.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT / ".." / "shared"
OURS = "warcmill"
DEFAULT_PEERS = "mineru_webkit,openwebmath,lynx,inscriptis,resiliparse_all,resiliparse_main,trafilatura_txt"
TIMEOUT_S = 30.0
COLUMNS = ("formulas", "code lines", "indentation", "table rows", "table cells", "ROUGE-5 recall")
Page = dict[str, Any]


def writer(page: Page) -> str:
    """Who wrote the page's truth."""
    if "llm-webkit" in page["suite"]:
        return "MinerU's"
    return "stated" if "mathpages" in page["suite"] else "annotated"


def pages_with_truth(data: Any, limit: int) -> list[Page]:
    """Every page of webmainbench, and of the other sets `limit` pages each, evenly spaced."""
    wanted = [page for page in data.extra() if page["truth"] and page["truth_kind"] != "seg"]
    chosen = [page for page in wanted if "webmainbench" in page["suite"]]
    for name in ("extraction", "mathpages"):
        pages = [page for page in wanted if name in page["suite"] and len(page["html"]) < 1_000_000]
        chosen += pages[:: max(1, len(pages) // limit)][:limit]
    return chosen


def scores(compare: Any, peer: Any, pages: list[Page]) -> Iterator[tuple[Page, dict[str, Any]]]:
    found, failed = compare.run_pages(peer, pages, TIMEOUT_S)
    if failed:
        print(f"{peer.name} does not run: {failed}", file=sys.stderr)
        return
    for page in pages:
        text = found[page["id"]]["text"]
        yield page, compare.metrics.score_page((text, page["truth"], page["truth_kind"], None))


def judge_spellings(compare: Any, measured: dict[str, list[tuple[Page, dict[str, Any]]]]) -> None:
    """Formulas spelled otherwise count where they render the same."""
    tallies = [score["gt_math"] for rows in measured.values() for _, score in rows if "gt_math" in score]
    verdicts = compare.judge([(truth, ours, False) for tally in tallies for truth, ours in tally["pairs"]])
    for tally in tallies:
        same = sum(bool(verdicts.get((*pair, False), {}).get("equal")) for pair in tally["pairs"])
        tally["equal"] = tally["delimited"] + same


def figures(compare: Any, rows: list[tuple[Page, dict[str, Any]]]) -> dict[str, tuple[float | None, int]]:
    """{column: (share, items)} of one extractor on one group; None where the group has no such item."""
    sums = compare.aggregate(rows)
    formulas = sums.get("gt_math") or {}
    lines, cells, pages = sums.get("code_lines", 0), sums.get("table_rows", 0), sums.get("pages", 0)
    return {
        "formulas": (formulas.get("equal"), formulas.get("n", 0)),
        "code lines": (sums.get("code_kept"), lines),
        "indentation": (sums.get("code_indent_kept"), lines),
        "table rows": (sums.get("table_rows_kept"), cells),
        "table cells": (sums.get("table_cells_kept"), cells),
        "ROUGE-5 recall": (sums.get("rouge5_r"), pages),
        "F1": (sums.get("rouge5_f1"), pages),
    }


def print_group(title: str, table: dict[str, dict[str, tuple[float | None, int]]]) -> None:
    first = next(iter(table.values()))
    columns = [name for name in (*COLUMNS, "F1") if first[name][0] is not None]
    heads = " | ".join(f"{name} ({first[name][1]:,})" for name in columns)
    print(f"\n{title}\n\n| | {heads} | mean |\n|---|{'---|' * (len(columns) + 1)}")
    for peer, row in table.items():
        shares = [row[name][0] or 0.0 for name in columns]
        counted = [share for name, share in zip(columns, shares, strict=True) if name != "F1"]
        shown = " | ".join(f"{100 * share:.1f}" for share in shares)
        print(f"| {peer} | {shown} | {100 * sum(counted) / len(counted):.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", default=DEFAULT_PEERS, help="names of ../shared/eval/peers.py, by commas")
    parser.add_argument("--pages", type=int, default=60, help="pages of extraction and of mathpages, each")
    parser.add_argument("--eval", type=Path, default=SHARED / "eval", help="the harness, with its node_modules")
    parser.add_argument("--python", default=str(ROOT / ".venv/bin/python"), help="the interpreter that has warcmill")
    options = parser.parse_args()
    os.environ.setdefault("HARNESS_SPLIT", "dev")
    os.environ.setdefault("HARNESS_DATA", str(SHARED / "data"))
    sys.path.insert(0, str(options.eval))
    compare = importlib.import_module("compare")
    compare.metrics.USE_WMB = False
    compare.peers.project("extractors:html_to_text", str(ROOT), options.python, OURS)
    pages = pages_with_truth(compare.data, options.pages)
    names = [OURS, *filter(None, options.peers.split(","))]
    measured = {name: list(scores(compare, compare.peers.PEERS[name], pages)) for name in names}
    measured = {name: rows for name, rows in measured.items() if rows}
    judge_spellings(compare, measured)
    for group in ("annotated", "stated", "MinerU's"):
        ours = [page for page in pages if writer(page) == group]
        rows = {name: [row for row in found if writer(row[0]) == group] for name, found in measured.items()}
        print_group(f"truth: {group}, {len(ours)} pages", {n: figures(compare, row) for n, row in rows.items()})


if __name__ == "__main__":
    main()
