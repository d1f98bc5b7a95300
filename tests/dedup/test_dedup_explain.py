"""The overlap of two texts, on texts whose difference is written down here."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dedup.explain import overlap, printable

A = "Menu Home. The bridge over the river was built in 1890 by local masons, and it still carries every cart."
B = "the BRIDGE over the river was built in 1912 by local masons, and it still carries every cart. Share this page"


def test_what_is_shared_replaced_and_added():
    parts = overlap(A, B)
    assert [part.kind for part in parts] == ["removed", "shared", "replaced", "shared", "added"]
    assert A[parts[0].a_start : parts[0].a_end] == "Menu Home"
    assert (A[parts[2].a_start : parts[2].a_end], B[parts[2].b_start : parts[2].b_end]) == ("1890", "1912")
    assert B[parts[4].b_start : parts[4].b_end] == "Share this page"
    assert printable(A, B)[2] == "~      1 words  1890 → 1912"


def test_spelling_of_a_formula_is_no_difference():
    assert [part.kind for part in overlap(r"so \(x^2 \le \frac12\) holds", "so $x² ≤ ½$ holds")] == ["shared"]


def test_long_passages_are_shortened():
    [line] = printable("word " * 500, "word " * 500)
    assert line.startswith("=    500 words  word word")
    assert len(line) < 200


def test_empty_texts():
    assert overlap("", "") == []
    assert [part.kind for part in overlap("", "x y")] == ["added"]


@given(st.text("ab c.", max_size=60), st.text("ab c.", max_size=60))
def test_every_word_is_in_one_passage(a, b):
    parts = overlap(a, b)
    shared = sum(part.words for part in parts if part.kind == "shared")
    ours = sum(len(a[part.a_start : part.a_end].replace(".", " ").split()) for part in parts)
    assert shared <= ours == len(a.replace(".", " ").split())
