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

On a busy machine a peer may need minutes to start and the judge more than its time limit: both are tried again, and
what did not answer is said, since a page without an answer counts as an empty one. Ends with a line that says why where
our own extractor or the judge does not run.
"""

from __future__ import annotations

import argparse
import importlib
import os
import shutil
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT / ".." / "shared"
OURS = "warcmill"
DEFAULT_PEERS = "mineru_webkit,openwebmath,lynx,inscriptis,resiliparse_all,resiliparse_main,trafilatura_txt"
TIMEOUT_S = 30.0
START_TIMEOUT_S = 300.0
TRIES = 2
JUDGED_AT_ONCE = 500
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


def texts_of(compare: Any, peer: Any, pages: list[Page]) -> dict[str, str]:
    """{page id: text}; nothing, and a line that says why, for an extractor that does not run."""
    failed: object = ""
    for _ in range(TRIES):
        try:
            found, failed = compare.run_pages(peer, pages, TIMEOUT_S)
        except OSError as error:  # no interpreter: the environment was not made
            failed = error
        if not failed:
            break
    else:
        print(f"{peer.name} is left out, it does not run with {peer.python}: {failed}", file=sys.stderr)
        return {}
    silent = Counter(str(answer["err"])[:80] for answer in found.values() if answer["err"])
    if silent:
        reasons = ", ".join(f"{count} {reason}" for reason, count in silent.most_common(3))
        print(f"{peer.name}: {sum(silent.values())} of {len(pages)} pages count as empty: {reasons}", file=sys.stderr)
    return {name: answer["text"] for name, answer in found.items()}


def scores(compare: Any, peer: Any, pages: list[Page]) -> list[tuple[Page, dict[str, Any]]]:
    """(page, its measures) of one extractor."""
    texts = texts_of(compare, peer, pages)
    score = compare.metrics.score_page
    return [(page, score((texts[page["id"]], page["truth"], page["truth_kind"], None))) for page in pages if texts]


def verdicts_of(compare: Any, pairs: list[tuple[str, str, bool]]) -> dict[tuple[str, str, bool], dict[str, Any]]:
    """What the judge says of each pair, asked in parts so that no part meets its time limit."""
    asked = sorted(set(pairs))
    found: dict[tuple[str, str, bool], dict[str, Any]] = {}
    for start in range(0, len(asked), JUDGED_AT_ONCE):
        part = asked[start : start + JUDGED_AT_ONCE]
        for _ in range(TRIES):
            try:
                answers = compare.judge(part)
            except (subprocess.TimeoutExpired, ValueError):  # ValueError: an answer that ends in the middle
                continue
            if answers:
                break
        else:
            sys.exit(
                f"the judge does not answer: does `node {compare.HERE}/mathml_equal.mjs` run, with its node_modules?"
            )
        found |= answers
    return found


def judge_spellings(compare: Any, measured: dict[str, list[tuple[Page, dict[str, Any]]]]) -> None:
    """Formulas spelled otherwise count where they render the same."""
    tallies = [score["gt_math"] for rows in measured.values() for _, score in rows if "gt_math" in score]
    verdicts = verdicts_of(compare, [(truth, ours, False) for tally in tallies for truth, ours in tally["pairs"]])
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
    first = table[OURS]
    columns = [name for name in (*COLUMNS, "F1") if first[name][0] is not None]
    heads = " | ".join(f"{name} ({first[name][1]:,})" for name in columns)
    print(f"\n{title}\n\n| | {heads} | mean |\n|---|{'---|' * (len(columns) + 1)}")
    for peer, row in table.items():
        shares = [row[name][0] or 0.0 for name in columns]
        counted = [share for name, share in zip(columns, shares, strict=True) if name != "F1"]
        shown = " | ".join(f"{100 * share:.1f}" for share in shares)
        print(f"| {peer} | {shown} | {100 * sum(counted) / max(1, len(counted)):.1f} |")


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
    compare: Any = importlib.import_module("compare")
    compare.metrics.USE_WMB = False
    compare.Worker = partial(compare.Worker, start_timeout=START_TIMEOUT_S)
    compare.peers.project("extractors:html_to_text", str(ROOT), options.python, OURS)
    pages = pages_with_truth(compare.data, options.pages)
    names = [OURS, *filter(None, options.peers.split(","))]
    if unknown := [name for name in names if name not in compare.peers.PEERS]:
        sys.exit(f"no such peer: {', '.join(unknown)}; there are {', '.join(sorted(compare.peers.PEERS))}")
    if shutil.which("node") is None:
        sys.exit("the judge of formulas needs node")
    measured = {name: scores(compare, compare.peers.PEERS[name], pages) for name in names}
    measured = {name: rows for name, rows in measured.items() if rows}
    if OURS not in measured:
        sys.exit(f"warcmill does not run with {options.python}: --python names the interpreter that has it")
    judge_spellings(compare, measured)
    for group in ("annotated", "stated", "MinerU's"):
        ours = [page for page in pages if writer(page) == group]
        rows = {name: [row for row in found if writer(row[0]) == group] for name, found in measured.items()}
        print_group(f"truth: {group}, {len(ours)} pages", {n: figures(compare, row) for n, row in rows.items()})


if __name__ == "__main__":
    main()
