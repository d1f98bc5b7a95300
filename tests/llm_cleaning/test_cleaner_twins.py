"""The C twin of the rule cleaner's inner loops gives what Python defines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_cleaning import hot, names, native

pytestmark = pytest.mark.skipif(not native.NATIVE, reason="needs the C extension (built by pip install -e .)")

WORDS = [
    "nav",
    "sideBar",
    "side-bar",
    "comment-list",
    "disqus_x",
    "Categories",
    "widget-wrap",
    "x1",
    "é",
    "ad",
    "ot-sdk",
]
SEGMENTS = st.lists(st.sampled_from([*"#._-:1aZ", *WORDS, "div", "section", "w" * 40])).map("".join)


@given(st.one_of(SEGMENTS, st.text(max_size=40)))
def test_marks(segment):
    assert native.twin.marks(segment, names._TABLE) == hot.marks(segment, names._TABLE)


@given(SEGMENTS)
def test_sets_of_words_say_what_the_patterns_say(segment):
    assert names.said(segment) == names._read(segment)


@given(st.lists(st.text("ab/", max_size=8)))
def test_elements(paths):
    assert native.twin.elements(paths) == hot.elements(paths)


def test_elements_of_two_paths():
    found = native.twin.elements(["html/body/p", "", "html/div", "html/body"])
    assert found == (
        ["html", "html/body", "html/body/p", "html/div"],
        [-1, 0, 1, 0],
        ["html", "body", "p", "div"],
        [2, -1, 3, 1],
    )


@pytest.mark.parametrize("wrong", [("a",), ["a", 1], None])
def test_what_is_no_list_of_strings_is_refused(wrong):
    with pytest.raises(TypeError):
        native.twin.elements(wrong)
