"""AsciiMath by the grammar on asciimath.org."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors import render
from extractors.math.ascii_symbols import BINARY, CONSTANTS, FUNCTIONS, UNARY
from extractors.math.asciimath import asciimath_to_latex
from pipeline.text.latex import is_well_formed


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
        ("x^-1", "x^{-1}"),
        ("2^-x/3", "\\frac{2^{-x}}{3}"),
        ("x^- y", "x^{-}y"),
        ("a/b/c", "\\frac{a}{b}/c"),
        ("|x|/2", "\\frac{|x|}{2}"),
        ("x/<<a,b>>", "\\frac{x}{\\langle a,b\\rangle}"),
        ("dim V/2", "\\dim\\frac{V}{2}"),
        ("left(a+b right)^2", "(a+b)^{2}"),
        ("([[a,b],[c,d]])/2", "\\frac{\\begin{bmatrix} a & b \\\\ c & d \\end{bmatrix}}{2}"),
        ("[(1,2,3)]", "\\begin{bmatrix} 1 & 2 & 3 \\end{bmatrix}"),
        ("|[a,b],[c,d]|", "\\begin{vmatrix} a & b \\\\ c & d \\end{vmatrix}"),
        ("[[a,|,b],[c,|,d]]", "\\left[\\begin{array}{c|c} a & b \\\\ c & d \\end{array}\\right]"),
        ("bb(alpha)", "\\boldsymbol{\\alpha}"),
        ("x\\,y", "x,y"),
        ("a^b^c", "a^{b}\\hat{}c"),
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


def test_a_source_that_is_too_long_is_kept_and_never_cut():
    source = "a+" * 3_000 + "b"
    page = render(f'<body>sum <script type="math/asciimath">{source}</script>')
    assert (page.formulas.tex, page.formulas.recovered) == ([source], [False])
    assert source in page.text


_ATOMS = st.sampled_from([*CONSTANTS, "x", "n", "2", "3.5", '"if"', "f(x)"])


def _larger(parts):
    pairs = st.tuples(parts, parts)
    return st.one_of(
        pairs.map(lambda two: f"{two[0]} {two[1]}"),
        pairs.map(lambda two: f"({two[0]})/({two[1]})"),
        pairs.map(lambda two: f"({two[0]})_({two[1]})"),
        pairs.map(lambda two: f"({two[0]})^({two[1]})"),
        pairs.map(lambda two: f"[[{two[0]},x],[y,{two[1]}]]"),
        st.tuples(st.sampled_from([*UNARY, *FUNCTIONS]), parts).map(lambda two: f"{two[0]} ({two[1]})"),
        st.tuples(st.sampled_from([*BINARY]), parts).map(lambda two: f"{two[0]} ({two[1]}) ({two[1]})"),
        st.tuples(st.sampled_from(["()", "[]", "{}", "||"]), parts).map(lambda two: f"{two[0][0]}{two[1]}{two[0][1]}"),
    )


@settings(max_examples=300, deadline=None)
@given(st.recursive(_ATOMS, _larger, max_leaves=12))
def test_every_formula_of_the_grammar_is_well_formed(source):
    assert is_well_formed(asciimath_to_latex(source))


@pytest.mark.parametrize("name", sorted({*CONSTANTS, *UNARY, *FUNCTIONS, *BINARY}))
def test_every_word_of_the_vocabulary_stands_alone(name):
    assert is_well_formed(asciimath_to_latex(name))
    assert is_well_formed(asciimath_to_latex(f"a {name} b"))
