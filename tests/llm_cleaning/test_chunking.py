"""Chunks: within the limit, in order, and every kept character comes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_cleaning.chunking import chunks, merge
from pipeline.document import Blocks
from pipeline.text.spans import markdown_to_blocks

MARKDOWN = st.lists(
    st.sampled_from(["# Title", "words and more words of a paragraph", "- item", "$$x^2$$", "```\na = 1\n\n  b = 2\n```",
                     "| a | b |\n|---|---|\n| 1 | 2 |", "    indented", "x" * 50, "\n", "日本語の文章"]),
    max_size=12,
).map("\n\n".join)  # fmt: skip


def words(text):
    return len(text.split())


@given(MARKDOWN, st.integers(1, 20))
def test_merged_chunks_are_the_page(text, limit):
    found = chunks(text, markdown_to_blocks(text), limit, words)
    assert merge(reversed(found)) == text.rstrip() if found else not text.strip()
    assert [chunk.order for chunk in found] == list(range(len(found)))
    assert all(words(chunk.text) <= limit for chunk in found)


@given(st.text("ab \n", max_size=200), st.integers(1, 9))
def test_any_text_survives_a_count_by_characters(text, limit):
    found = chunks(text, markdown_to_blocks(text), limit, len)
    assert merge(found) == text.rstrip() if found else not text.strip()
    assert all(len(chunk.text) <= limit for chunk in found)


def test_short_blocks_share_a_chunk_and_borders_are_block_borders():
    text = "one two\n\nthree four\n\nfive six"
    assert [chunk.text for chunk in chunks(text, markdown_to_blocks(text), 4, words)] == [
        "one two\n\nthree four",
        "five six",
    ]


def test_a_long_block_of_code_is_cut_on_lines():
    text = "```\n" + "".join(f"line {i} of code\n" for i in range(40)) + "```"
    found = chunks(text, markdown_to_blocks(text), 30, words)
    assert len(found) > 5
    assert all(line in text.split("\n") for chunk in found for line in chunk.text.strip("\n").split("\n"))


def test_a_word_longer_than_the_limit_is_cut_not_dropped():
    found = chunks("x" * 1000, markdown_to_blocks("x" * 1000), 64, len)
    assert merge(found) == "x" * 1000


def test_text_outside_blocks_is_kept():
    blocks = Blocks(
        start=[6],
        end=[10],
        kind=["paragraph"],
        lang=[None],
        level=[None],
        link_density=[0.0],
        dom_path=[""],
        site_repeat=[False],
        keep_score=[None],
    )
    assert merge(chunks("head, body, tail", blocks, 2, words)) == "head, body, tail"


def test_cleaned_chunks_are_merged_by_order_and_empty_ones_leave_no_gap():
    text = "alpha\n\nbeta\n\ngamma"
    found = chunks(text, markdown_to_blocks(text), 1, words)
    assert merge(found[::-1], {0: "", 1: "BETA", 2: "gamma"}) == "BETA\n\ngamma"


def test_a_limit_below_one_is_refused():
    with pytest.raises(ValueError, match="max_tokens"):
        chunks("a", Blocks(), 0, len)
