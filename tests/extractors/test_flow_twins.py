"""Formulas written out where their sentinels stand: the part in C and its definition in Python write the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.layout import hot
from extractors.layout.native import NATIVE, twin
from extractors.math.forms import Recovered, sentinel

needs_twin = pytest.mark.skipif(not NATIVE, reason="extractors/layout/c is not built: no C compiler")

FORMULAS = [
    Recovered("x", "delimiters", False, True),
    Recovered(" \\frac{a}{b}\n+ c \n", "alttext", True, True),
    Recovered("", "delimiters", False, True),
    Recovered("seen, not known", "mathml", True, False),
    Recovered("\u3000α😀\u2028", "mathml", False, True),
    Recovered("5 $", "mathml", False, False),
]
PARTS = [sentinel(index) for index in range(len(FORMULAS))]
PARTS += ["$", "a", "\n", "text ", "é", "😀", "\ue000", "\ue001", "\ue0001", "\ue0001234567890\ue001"]
leaves = st.lists(st.lists(st.sampled_from(PARTS), max_size=12).map("".join), max_size=4)


def written(make: type[hot.FlowBase], texts: list[str], marker: str) -> tuple[object, ...]:
    flow = make(list(FORMULAS))
    flow.enter(marker, " " * len(marker))
    for text in texts:
        flow.write(text, "paragraph", "p")
    flow.leave()
    return "".join(flow.parts), flow.starts, flow.ends, flow.formula_columns()


@needs_twin
@given(leaves, st.sampled_from(("", "- ", "1. ")))
def test_twins_write_the_same(texts: list[str], marker: str) -> None:
    assert written(twin.FlowBase, texts, marker) == written(hot.FlowBase, texts, marker)


@pytest.mark.parametrize("make", [hot.FlowBase, twin.FlowBase])
def test_what_is_written(make: type[hot.FlowBase]) -> None:
    text, starts, ends, columns = written(make, [f"a\n{sentinel(0)}{sentinel(1)}$ {sentinel(2)}{sentinel(3)}"], "- ")
    assert text == "- a\n  $x$ $$\\frac{a}{b} + c$$ $ seen, not known"
    assert (starts, ends) == ([0], [len(str(text))])
    assert columns == [
        [6, 10, 32],
        [9, 29, 47],
        ["x", "\\frac{a}{b} + c", "seen, not known"],
        ["delimiters", "alttext", "mathml"],
        [False, True, True],
        [True, True, False],
    ]


@pytest.mark.parametrize("make", [hot.FlowBase, twin.FlowBase])
def test_a_sentinel_without_a_formula_is_an_error(make: type[hot.FlowBase]) -> None:
    with pytest.raises(IndexError):
        written(make, [sentinel(len(FORMULAS))], "")
