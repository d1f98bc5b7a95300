"""The rules on pages of our own in the markup of 61 kinds of sites and twelve languages: what is lost, what is left.

In cms/*.html content stands in {+ +} and chrome in {- -}; the marks are taken out before a page is rendered. Words,
people and products are invented; class names are those that such software writes.
"""

import html
import re
from pathlib import Path

import pytest

from extractors import render
from llm_cleaning.stage import CleanConfig, clean, mark
from pipeline.document import Document

PAGES = sorted((Path(__file__).parent / "cms").glob("*.html"))
MARKED = re.compile(r"\{([+-])(.*?)\1\}", re.DOTALL)
TAG = re.compile(r"<[^>]+>")


def flat(text):
    return " ".join(text.split())


def cleaned(source):
    page = render(MARKED.sub(lambda match: match[2], source), url="https://example.org/page")
    document = Document("0" * 32, "", "t", "", 0, "", text=page.text, blocks=page.blocks, formulas=page.formulas)
    config = CleanConfig()
    whole = flat(page.text)
    (result,) = clean(mark([document], config=config), config=config)
    return whole, "" if result.rejected else flat(result.text)


def pieces(source, sign):
    return [flat(html.unescape(TAG.sub("", match[2]))) for match in MARKED.finditer(source) if match[1] == sign]


def lost_and_left(path):
    """(content, of it lost, chrome, of it left) of one page; only what rendering shows counts."""
    source = path.read_text(encoding="utf-8")
    whole, after = cleaned(source)
    content = [piece for piece in pieces(source, "+") if piece in whole]
    beside = " ".join(content)
    chrome = [piece for piece in pieces(source, "-") if piece in whole and piece not in beside]
    return content, [p for p in content if p not in after], chrome, [p for p in chrome if p in after]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_most_of_the_content_of_every_page_stays(path):
    content, lost, _, _ = lost_and_left(path)
    assert content
    assert len(lost) <= 0.4 * len(content), lost


def test_shares_over_all_pages():
    found = [lost_and_left(path) for path in PAGES]
    content, lost, chrome, left = (sum(len(row[column]) for row in found) for column in range(4))
    assert len(PAGES) == 61
    assert content > 450
    assert chrome > 1250
    assert lost <= 0.07 * content
    assert left <= 0.11 * chrome


@pytest.mark.parametrize("path", [path for path in PAGES if path.stem.startswith("forum_")], ids=lambda path: path.stem)
def test_posts_of_forums_stay_in_order_without_who_wrote_them(path):
    source = path.read_text(encoding="utf-8")
    _, after = cleaned(source)
    content, lost, chrome, left = lost_and_left(path)
    at = 0
    for piece in content:
        if piece not in lost:
            at = after.index(piece, at) + len(piece)
    assert len(left) <= 0.4 * len(chrome), left
