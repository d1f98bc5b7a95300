"""One spelling per formula; formulas that differ stay different."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.text.latex import canonical, is_well_formed, tokens, visible_symbols


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("\\dfrac12", "\\frac{1}{2}"),
        ("a\\le b", "a \\leq {b}"),
        ("\\left( x \\right)", "(x)"),
        ("\\left.x\\right|_0", "x|_0"),
        ("{\\rm dim} V", "\\mathrm{dim}V"),
        ("\\operatorname{sin}x", "\\sin x"),
        ("x_1^2", "x^2_{1}"),
        ("f'", "f^{\\prime}"),
        ("{a\\over b}", "\\frac ab"),
        ("\\binom nk", "{n\\choose k}"),
        ("\\mathbf{xy}", "\\mathbf{x}\\mathbf y"),
        ("α+β", "\\alpha+\\beta"),
        ("ℝ", "\\mathbb{R}"),
        ("x\\,y\\quad z", "xyz"),
        (
            "\\begin{pmatrix}a&b\\\\c&d\\end{pmatrix}",
            "\\left(\\begin{array}{cc}a&b\\\\[2pt]c&d\\\\\\end{array}\\right)",
        ),
        ("\\begin{align*}a&=b\\end{align*}", "\\begin{aligned}a&=b\\end{aligned}"),
        ("\\sqrt[3]x", "\\sqrt[3]{x}"),
        ("x % comment\n+y", "x+y"),
        ("\\textcolor{red}{x}", "x"),
    ],
)
def test_spellings_of_one_formula_agree(one, other):
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a+b", "a-b"),
        ("x_1", "x_2"),
        ("x_1", "x^1"),
        ("\\mathbf x", "x"),
        ("\\mathcal{A}", "\\mathbb{A}"),
        ("x^{ab}", "x^ab"),
        ("\\frac{a}{b}", "\\frac{b}{a}"),
        ("\\sqrt{a+b}", "\\sqrt{a}+b"),
        ("\\hat x", "\\tilde x"),
        ("a\\leq b", "a<b"),
        ("\\begin{pmatrix}a&b\\end{pmatrix}", "\\begin{pmatrix}a\\\\b\\end{pmatrix}"),
    ],
)
def test_different_formulas_stay_different(one, other):
    assert canonical(one) != canonical(other)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "\\frac",
                "{",
                "}",
                "^",
                "_",
                "a",
                "\\alpha",
                "\\left",
                "(",
                "\\rm",
                "\\over",
                "[",
                "'",
                "\\\\",
                "&",
                "ℝ",
                "\\begin{array}",
                "\\end{array}",
            ]
        ),
        max_size=25,
    )
)
def test_any_token_soup_has_a_canonical_form(parts):
    tex = " ".join(parts)
    assert isinstance(canonical(tex), str)
    assert isinstance(is_well_formed(tex), bool)


@pytest.mark.parametrize(
    "unit", ["\\hat", "{", "\\rm a", "x^", "\\frac", "{a\\over ", "\\sqrt[", "\\begin{array}", "\\", "'"]
)
def test_linear_on_repetition(unit):
    assert isinstance(canonical(unit * 5000), str)


def test_tokens():
    assert tokens("\\frac ab%x\n\\begin {a}\\,\\ 1") == ["\\frac", "a", "b", "\\begin{a}", "\\,", "\\ ", "1"]


@pytest.mark.parametrize(
    ("tex", "well_formed"),
    [
        ("\\left(\\frac{a}{b}\\right)", True),
        ("\\begin{a}x\\end{a}", True),
        ("", True),
        ("{a", False),
        ("a}", False),
        ("\\left(a", False),
        ("\\begin{a}\\left(\\end{a}\\right)", False),
        ("\\begin{a}\\end{b}", False),
        ("x^", False),
        ("x\\", False),
        ("\\{", True),
    ],
)
def test_well_formed(tex, well_formed):
    assert is_well_formed(tex) is well_formed


def test_visible_symbols_ignore_structure():
    assert visible_symbols("\\frac{a+b}{a}") == {"a": 2, "+": 1, "b": 1}
    assert visible_symbols("\\dfrac{a+b}a") == visible_symbols("{a+b \\over a}")


def test_brackets_of_a_second_row_are_no_option_of_the_row_end():
    assert canonical(r"a \\ \begin{bmatrix} x \end{bmatrix}") != canonical(r"a \\ \begin{bmatrix} y \end{bmatrix}")
    assert canonical(r"a \\ [0,1]") != canonical(r"a \\ [0,2]")
    assert canonical(r"a \\[2pt] b") == canonical(r"a \\ b") == canonical(r"a \\[\baselineskip] b")
