"""One small page for each program that makes pages: the whole text as a reader would write it down.

`page_texts.jsonl`: {name, html, text}. The markup is written from the programs' documentation and source; no page of
anybody is in it.
"""

import json
from pathlib import Path

import pytest

from extractors import html_to_text

ROWS = [json.loads(line) for line in (Path(__file__).parent / "page_texts.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_a_page_reads_as_it_looks(row):
    assert html_to_text(row["html"]) == row["text"]


@pytest.mark.parametrize("hidden", ["hidden", "style='display:none'"])
def test_folded_content_is_shown_and_what_is_only_hidden_is_not(hidden):
    shown = ["role=tabpanel", "class=tab-pane", "id=answer3", "class='su-spoiler-content'", "id=sol1", "class=proof"]
    for attributes in shown:
        assert html_to_text(f"<p>a</p><div {attributes} {hidden}>It is 7.</div>") == "a\n\nIt is 7."
    for attributes in ("", "class=modal", "id=menu2", "role=dialog", "class=cookie-panel"):
        assert html_to_text(f"<p>a</p><div {attributes} {hidden}>It is 7.</div>") == "a"


def test_a_word_formula_in_a_comment_stands_in_its_sentence():
    page = "<p>Let <!--[if gte msEquation 12]><m:oMath><m:r>x</m:r></m:oMath><![endif]--> be.</p>"
    assert html_to_text(page) == "Let $x$ be."
    assert html_to_text('<p>a <object data="data:text/html,<b>b</b>" type="text/math"></object> c</p>') == "a b c"


def test_who_is_quoted_has_a_line_at_the_head_of_the_quotation():
    assert html_to_text("<blockquote><div><cite>ann wrote:</cite>Why?</div></blockquote>") == "> ann wrote:\n> Why?"
    assert (
        html_to_text("<blockquote><ul><li><cite>raise</cite> : an error</li></ul></blockquote>")
        == "> - raise : an error"
    )


def test_signs_for_screen_readers_stay_where_they_part_words():
    page = "<p>so <span class='sfrac'><span>1</span><span class='sr-only'>/</span><span>2</span></span> of it"
    assert html_to_text(page + "<span class='u-visually-hidden'>, said twice</span></p>") == "so 1/2 of it"


def test_what_tailwind_shows_again_is_text():
    page = "<p>a <span class='sr-only'>unseen</span> b <span class='sr-only md:not-sr-only'>seen</span> c</p>"
    assert html_to_text(page) == "a b seen c"
