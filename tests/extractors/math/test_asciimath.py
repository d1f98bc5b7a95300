"""AsciiMath by the grammar on asciimath.org."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.math.asciimath import asciimath_to_latex


@pytest.mark.parametrize(
    ("source", "tex"),
    [
        ("x^2+y_1^2", "x^{2}+y_{1}^{2}"),
        ("a/b", "\\frac{a}{b}"),
        ("(a+b)/(c+d)", "\\frac{a+b}{c+d}"),
        ("sqrt(x)", "\\sqrt{x}"),
        ("root(3)(x)", "\\sqrt[3]{x}"),
        ("sum_(i=1)^n i^3", "\\sum_{i=1}^{n}i^{3}"),
        ("alpha <= oo", "\\alpha\\leq\\infty"),
        ("sin x", "\\sin x"),
        ("sin^2 x", "\\sin^{2}x"),
        ("f(x)/2", "\\frac{f(x)}{2}"),
        ("[[a,b],[c,d]]", "\\begin{bmatrix} a & b \\\\ c & d \\end{bmatrix}"),
        ("((1,2),(3,4))", "\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}"),
        ("|x|", "|x|"),
        ("{x | x > 0}", "\\{x\\mid x>0\\}"),
        ('"for all" x', "\\text{for all}x"),
        ("text(if) x", "\\text{if}x"),
        ("hat x", "\\hat{x}"),
        ("bbb R sub RR", "\\mathbb{R}\\subset\\mathbb{R}"),
        ("abs(x)", "\\left|x\\right|"),
        ("lim_(x->0) 1/x", "\\lim_{x\\to0}\\frac{1}{x}"),
        ("2.5 xx 3", "2.5\\times3"),
        ("(a", "(a"),
        ("a)", "a)"),
        ("", ""),
    ],
)
def test_grammar(source, tex):
    assert asciimath_to_latex(source) == tex


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet='()[]{}|/^_ab1"\\ ,:sqrt', max_size=60))
def test_any_input_gives_some_latex(source):
    assert isinstance(asciimath_to_latex(source), str)


@pytest.mark.parametrize("unit", ["(", "|(", "sqrt ", "[[", "sin ", "a/", "a_", "{:"])
def test_bounded_nesting(unit):
    assert isinstance(asciimath_to_latex(unit * 5000), str)
