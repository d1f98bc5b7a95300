"""The gate's own suite: the bundled archives against what the authors of their pages know (samples/truth.jsonl)."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gate_tally import Tally, formulas_of, found_of, squeezed

from extractors import Rendered, RenderRejected, render
from llm_cleaning.stage import CleanConfig, clean, mark
from pipeline.document import Document, Page
from pipeline.io.warc import Split, read_split

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
ARCHIVES = ("sample.warc.gz", "sample-2.warc.gz")


def files() -> list[Path]:
    return [SAMPLES / name for name in (*ARCHIVES, "truth.jsonl")]


def measure(tally: Tally) -> None:
    """Formulas by form, phrases of the text, and what the rule cleaner keeps and drops."""
    truth = {(row["warc"], row["url"], row["date"]): row for row in _truth() if row["keep"]}
    for archive in ARCHIVES:
        for page in _pages(archive):
            row = truth.pop((archive, page.url, page.crawl_time), None)
            if row is not None:
                _measure_page(page, row, tally)
    tally.add("pages found in the archives", 0, len(truth))  # a truth without its page is a miss


def _truth() -> Iterator[dict[str, Any]]:
    return (json.loads(line) for line in (SAMPLES / "truth.jsonl").read_text(encoding="utf-8").splitlines())


def _pages(archive: str) -> Iterator[Page]:
    return (item for item in read_split(Split(str(SAMPLES / archive))) if isinstance(item, Page))


def _measure_page(page: Page, row: dict[str, Any], tally: Tally) -> None:
    try:
        rendered = render(page.body, url=page.url, content_type=page.header("content-type"))
    except RenderRejected:
        rendered = Rendered("")
    tally.add("pages found in the archives", int(bool(rendered.text)), 1)
    _measure_formulas(rendered, row["formulas"], row["macros"], tally)
    text = squeezed(rendered.text)
    tally.add("phrases of the text", sum(squeezed(words) in text for words in row["must_have"]), len(row["must_have"]))
    _measure_cleaning(page.url, rendered, row, tally)


def _measure_formulas(rendered: Rendered, wanted: list[dict[str, Any]], macros: dict[str, Any], tally: Tally) -> None:
    hits = found_of((_expanded(formula["tex"], macros) for formula in wanted), formulas_of(rendered))
    for formula, hit in zip(wanted, hits, strict=True):
        tally.add(f"formulas: {formula['form']}", int(hit), 1)
    tally.add("formulas, not more than there are", _not_too_many(rendered, wanted), 1)


def _expanded(tex: str, macros: dict[str, Any]) -> str:
    """The page's own macros written out: `"R": "\\mathbb{R}"` and `"set": ["\\{#1\\}", 1]`."""
    for name, definition in macros.items():
        body, takes = (definition, 0) if isinstance(definition, str) else definition
        argument = r"\{([^{}]*)\}" if takes else r"(?![A-Za-z])()"
        tex = re.sub(rf"\\{name}{argument}", lambda match, body=body: body.replace("#1", match[1]), tex)
    return tex


def _not_too_many(rendered: Rendered, wanted: list[dict[str, Any]]) -> int:
    """Each formula once, and no price taken for one: the page has no more formulas than its author wrote."""
    return int(len(rendered.formulas) <= len(wanted))


def _measure_cleaning(url: str, rendered: Rendered, row: dict[str, Any], tally: Tally) -> None:
    document = Document("0" * 32, url, "", "", 0, "", text=rendered.text)
    document.blocks, document.formulas = rendered.blocks, rendered.formulas
    config = CleanConfig()
    (cleaned,) = clean(mark([document], config=config), config=config)
    text = "" if cleaned.rejected else squeezed(cleaned.text)
    kept = sum(squeezed(words) in text for words in row["must_have"])
    tally.add("phrases kept by cleaning", kept, len(row["must_have"]))
    dropped = sum(squeezed(words) not in text for words in row["boilerplate"])
    tally.add("boilerplate dropped by cleaning", dropped, len(row["boilerplate"]))
    before, after = _count(rendered.formulas.tex), _count(cleaned.formulas.tex if text else [])
    tally.add("formulas kept by cleaning", sum((before & after).values()), before.total())


def _count(formulas: list[str]) -> Counter[str]:
    return Counter(formulas)
