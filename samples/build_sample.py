"""Builds sample.warc.gz, sample-2.warc.gz and truth.jsonl from the sources beside it: `python samples/build_sample.py`.

The same sources give the same bytes. The truth is what the author of a page knows about it (front matter and the TeX
in the source), never the output of a run.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from archive import write_warc  # noqa: E402
from corpus import SamplePage, load_pages  # noqa: E402

CRAWLS = {1: "sample.warc.gz", 2: "sample-2.warc.gz"}
# Forms that carry no TeX, or another spelling of it (LaTeXML normalises): the formula itself is there, its source is not.
TEX_LOST = {
    "asciimath",
    "html_sub_sup",
    "katex_html",
    "latexml",
    "mathjax3_chtml",
    "mathjax3_chtml_assistive",
    "mathjax3_svg",
    "mathjax3_svg_assistive",
    "mathml_plain",
}


def build(folder: Path) -> None:
    """Write both WARCs and truth.jsonl into `folder`."""
    pages = load_pages()
    for crawl, name in CRAWLS.items():
        if chosen := [page for page in pages if _crawl(page) == crawl]:
            write_warc(folder / name, chosen)
    rows = [_truth(page) for page in pages]
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    (folder / "truth.jsonl").write_text("".join(lines), encoding="utf-8")


def _crawl(page: SamplePage) -> int:
    return int(page.front.get("crawl", 1))


def _truth(page: SamplePage) -> dict[str, Any]:
    front = page.front
    return {
        "url": page.url,
        "warc": CRAWLS[_crawl(page)],
        "date": page.date,
        "kind": front["kind"],
        "keep": front.get("keep", True),
        "reason": front.get("reason"),
        "duplicate_of": front.get("duplicate_of"),
        "near_but_different": front.get("near_but_different"),
        "language": front["language"],
        "content_type": page.content_type,
        "charset": page.charset,
        "status": page.status,
        "macros": front.get("macros", {}) | front.get("page_macros", {}),
        "formulas": [{**formula, "tex_in_page": formula["form"] not in TEX_LOST} for formula in page.formulas],
        "must_have": front.get("must_have", []) + page.prose,
        "boilerplate": _boilerplate(page),
    }


def _boilerplate(page: SamplePage) -> list[str]:
    """Those boilerplate phrases of the host that this page shows."""
    shown = page.body.decode(page.charset, errors="replace")
    return [phrase for phrase in page.front.get("boilerplate", []) if phrase in shown]


if __name__ == "__main__":
    build(HERE)
