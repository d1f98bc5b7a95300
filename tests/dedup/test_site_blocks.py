"""Repeated blocks of a site, on pages whose blocks are written down here."""

from __future__ import annotations

import pyarrow as pa
import pytest

from dedup.site_blocks import SITE_SORT, SiteConfig, site_repeats, site_rows, without_labels
from pipeline.arrow_document import to_batch
from pipeline.document import Document
from pipeline.text.spans import markdown_to_blocks, scan_formulas

MENU, FORMULA, CODE = "Home | About | Contact us", "The rule is $x^2 + 1$ as always", "```\nimport math\n```"


def page(number: int, *blocks: str, host: str = "example.org") -> Document:
    text = "\n\n".join(blocks)
    found = markdown_to_blocks(text)
    return Document(
        id=f"{number:03}",
        url=f"https://{host}/{number}",
        source="",
        warc_path="",
        offset=0,
        crawl_time="",
        text=text,
        blocks=found,
        formulas=scan_formulas(text, found),
    )


def repeats(pages: list[Document], min_pages: int = 3, batch_rows: int = 2) -> list[tuple[str, int]]:
    rows = pa.Table.from_batches([site_rows(to_batch(pages), SiteConfig(min_pages=min_pages))])
    rows = rows.sort_by([(name, "ascending") for name in SITE_SORT]).combine_chunks()
    found = site_repeats(iter(rows.to_batches(batch_rows)), SiteConfig(min_pages=min_pages))
    return sorted((row["id"], row["block"]) for batch in found for row in batch.to_pylist())


@pytest.mark.parametrize("batch_rows", [1, 2, 100])
def test_a_block_of_enough_pages_is_marked_on_all_of_them(batch_rows):
    pages = [page(n, MENU.upper() if n % 2 else MENU, f"Page {n} tells its own story") for n in range(4)]
    assert repeats(pages, batch_rows=batch_rows) == [("000", 0), ("001", 0), ("002", 0), ("003", 0)]
    assert repeats(pages, min_pages=5, batch_rows=batch_rows) == []


def test_formulas_and_code_are_never_marked():
    assert repeats([page(n, FORMULA, CODE, f"Text {n}") for n in range(9)]) == []


def test_hosts_are_apart_and_one_page_counts_once():
    assert repeats([page(n, MENU, host=f"site{n}.org") for n in range(5)]) == []
    assert repeats([page(0, MENU, "Between", MENU, "After", MENU), page(1, MENU)]) == []
    three = [page(0, MENU, "Between", MENU), page(1, MENU), page(2, MENU)]
    assert repeats(three) == [("000", 0), ("000", 2), ("001", 0), ("002", 0)]


def test_pages_without_a_host_have_no_rows():
    assert repeats([page(n, MENU, host="") for n in range(5)]) == []


def test_a_long_block_is_content_however_often_it_stands_there():
    text = "A long paragraph that stands at several addresses of one site. " * 12
    pages = [page(n, MENU, text) for n in range(5)]
    assert {block for _, block in repeats(pages)} == {0}


def test_what_labels_the_content_of_a_page_is_not_repeated():
    text = "\n\n".join(
        [MENU, "## Solution", "Its own words.", "Proof.", "More of its own.", "## Related", "Log in", MENU]
    )
    blocks = markdown_to_blocks(text)
    assert len(blocks) == 8
    assert without_labels(text, blocks, frozenset({0, 1, 3, 5, 6, 7})) == [0, 5, 6, 7]
    assert without_labels(text, blocks, frozenset({0, 7})) == [0, 7]
