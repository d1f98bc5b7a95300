"""The guard on the third set of planted edits, on pages of our own in six languages; what is the same in two notations."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/quality"))

import bench_guard  # noqa: E402
from adversary_pages import written_pages  # noqa: E402

from llm_cleaning.guard import check  # noqa: E402

TABBED = "Code:\n\n```\nif x:\n\ty = 1\n\tif z:\n\t\tw()\n```\n"
SPACED = "Code:\n\n```\nif x:\n    y = 1\n    if z:\n        w()\n```\n"
LETTERED = "Do:\n\na) one thing\nb) two things\nc) three things"
NUMBERED = "See it:\n\n$$a = b$$ (1)\n\nand go."
THE_SAME = [
    ("Let α ≤ β be real.", "Let $\\alpha \\le \\beta$ be real."),
    ("We have x² ≥ 0 here.", "We have $x^2 \\ge 0$ here."),
    ("It takes O(n log n) time.", "It takes $O(n \\log n)$ time."),
    ("The set (α) is it, see x₁₀.", "The set ($\\alpha$) is it, see $x_{10}$."),
    ("A 3 × 4 grid is 12.", "A 3 x 4 grid is 12."),
    ("A 3x4 grid is 12.", "A 3×4 grid is 12."),
    ("A 3 × 4 grid is 12.", "A 3 $\\times$ 4 grid is 12."),
    (NUMBERED, "See it:\n\n$$a = b \\tag{1}$$\n\nand go."),
    ("See it:\n\n$$a = b$$\n\nand go.", "See it:\n\n```math\na = b\n```\n\nand go."),
    ("Take m<sup>2</sup> of it, H<sub>2</sub>O.", "Take m² of it, H₂O."),
    ("Take $10^{-8}$ of it.", "Take 10⁻⁸ of it."),
    (LETTERED, "Do:\n\n- one thing\n- two things\n- three things"),
    (LETTERED, "Do:\n\n1. one thing\n2. two things\n3. three things"),
    (TABBED, SPACED),
    ("## Alpha [Bearbeiten | Quelltext bearbeiten]\n\nText is here.", "## Alpha\n\nText is here."),
]
DIFFERENT = [
    ("Let α ≤ β be real.", "Let $\\alpha < \\beta$ be real."),
    ("We have x² ≥ 0 here.", "We have $x^3 \\ge 0$ here."),
    ("Take x^n+1 here.", "Take $x^{n+1}$ here."),
    ("It is 1/2 now.", "It is $\\frac{1}{3}$ now."),
    ("Take (a+b)c here.", "Take $a+bc$ here."),
    ("Use $2x3$ here.", "Use $2\\times3$ here."),
    ("Value 0x10 is it.", "Value 0×10 is it."),
    (NUMBERED, "See it:\n\n$$a = b \\tag{2}$$\n\nand go."),
    (LETTERED, LETTERED.replace("a)", "d)")),
    (TABBED, SPACED.replace("        w", "    w")),
    ("Is it so? Yes it is.", "Is it so. Yes it is."),
    ("Take x₁ of it.", "Take x of it."),
    ("One two.\n\n- a thing\n- b thing\n- c thing", "One two.\n\n- a thing\n- c thing"),
    ("It is so.\n\n\\[ |a| = |b| \\]\n\nIt is also so.", "It is so.\n\nIt is also so."),
    ("One is here.\n\nTwo is here.\n\nThree.", "One is here.\n\n[...]\n\nThree."),
]


@pytest.mark.parametrize(("one", "two"), THE_SAME)
def test_notations_that_say_the_same_pass_both_ways(one, two):
    assert check(one, two).passed
    assert check(two, one).passed


@pytest.mark.parametrize(("one", "two"), DIFFERENT)
def test_what_looks_like_it_and_is_not_the_same_fails(one, two):
    assert not check(one, two).passed


def test_the_third_set_on_our_own_pages():
    pairs = [(source, None, cleaned) for source, cleaned in written_pages()]
    assert all(check(source, cleaned).passed for source, _, cleaned in pairs)
    caught, passed = [], []
    for _, bad, verdict, *_ in bench_guard.plant_later(pairs, bench_guard.ADVERSARY, with_blocks=False):
        (caught if bad else passed).append(verdict.passed != bad)
    assert len(caught) > 700
    assert len(passed) > 500
    assert sum(caught) / len(caught) >= 0.99
    assert sum(passed) / len(passed) >= 0.98
