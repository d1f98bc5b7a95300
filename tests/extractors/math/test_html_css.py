"""MathJax 1 and 2 HTML-CSS without source: boxes placed by `top`, as MathJax 2.7 writes them (struts shortened)."""

import turbohtml

from extractors.math.resolve import resolve_formulas

STRUT = '<span style="display: inline-block; width: 0px; height: 4em;"></span>'


def placed(inner: str, top: float, left: str = "left: 0em") -> str:
    """A box whose baseline is `-4 - top` em above that of its parent."""
    return f'<span style="position: absolute; top: {top}em; {left};">{inner}{STRUT}</span>'


def box(name: str, *inner: str) -> str:
    joined = "".join(inner)
    return f'<span class="{name}" id="MathJax-Span-1"><span style="display: inline-block; position: relative; width: 1em; height: 0px;">{joined}</span></span>'


def token(tag: str, text: str, font: str = "MathJax_Main") -> str:
    return f'<span class="{tag}" id="MathJax-Span-2" style="font-family: {font};">{text}</span>'


def tex_of(*row: str) -> str:
    inner = "".join(row)
    markup = f'<span class="MathJax" id="MathJax-Element-1-Frame"><nobr><span class="math"><span><span style="position: absolute; top: -2em;"><span class="mrow">{inner}</span></span></span></span></nobr></span>'
    (formula,) = resolve_formulas(turbohtml.parse(markup))
    assert (formula.source_form, formula.recovered) == ("html_css", True)
    return formula.tex


X, TWO = token("mi", "x", "MathJax_Math-italic"), token("mn", "2")
LINE = (
    '<span style="display: inline-block; overflow: hidden; border-top: 1.3px solid; width: 1em; height: 0px;"></span>'
)


def test_scripts_by_height():
    assert tex_of(box("msubsup", placed(X, -4), placed(TWO, -4.4))) == "x^{2}"
    assert tex_of(box("msubsup", placed(X, -4), placed(TWO, -3.8))) == "x_{2}"
    assert (
        tex_of(box("msubsup", placed(X, -4), placed(TWO, -4.4), placed(token("mi", "n"), -3.8)))
        == "x_{\\mathrm{n}}^{2}"
    )


def test_fractions_with_and_without_line_and_roots():
    assert tex_of(box("mfrac", placed(X, -4.7), placed(TWO, -3.3), placed(LINE, -1.3))) == "\\frac{x}{2}"
    fence = token("mo", "("), token("mo", ")")
    assert tex_of(fence[0], box("mfrac", placed(X, -4.7), placed(TWO, -3.3)), fence[1]) == "\\binom{x}{2}"
    sign = placed('<span style="font-family: MathJax_Main;">√</span>', -4)
    bar = placed('<span style="position: absolute; top: -4em;">−</span>', -4.6)
    assert tex_of(box("msqrt", placed(X, -4), bar, sign)) == "\\sqrt{x}"
    assert tex_of(box("mroot", placed(X, -4), bar, sign, placed(token("mn", "3"), -4.3))) == "\\sqrt[3]{x}"


def test_limits_accents_and_alphabets():
    big = token("mo", "∑", "MathJax_Size2")
    assert tex_of(box("munderover", placed(big, -4), placed(X, -2.9), placed(TWO, -5.2))) == "\\sum_{x}^{2}"
    assert tex_of(box("munderover", placed(X, -4), placed(token("mo", "^"), -4.06))) == "\\hat{x}"
    assert tex_of(box("munderover", placed(X, -4), placed(token("mo", "−"), -3.4))) == "\\underline{x}"
    assert tex_of(token("mi", "R", "MathJax_AMS"), token("mi", "g", "MathJax_Fraktur")) == "\\mathbb{R}\\mathfrak{g}"


def test_table_by_the_heights_of_its_cells():
    def cell(text: str) -> str:
        return f'<span class="mtd"><span class="mrow">{token("mn", text)}</span></span>'

    first = placed(f"<span>{placed(cell('1'), -5)}{placed(cell('3'), -3)}</span>", -4)
    second = placed(f"<span>{placed(cell('2'), -5)}{placed(cell('4'), -3)}</span>", -4)
    table = box("mtable", first, second)
    assert tex_of(token("mo", "["), table, token("mo", "]")) == "\\begin{bmatrix} 1 & 2 \\\\ 3 & 4 \\end{bmatrix}"
    rule = '<span style="display: inline-block; border-top: 1.3px solid; width: 4em; height: 0px; position: absolute; top: 0em; left: 0em;"></span>'
    ruled = box("mtable", first, second, rule)
    assert tex_of(ruled) == "\\begin{array}{ll} 1 & 2 \\\\ \\hline 3 & 4 \\end{array}"


def test_a_drawing_without_boxes_stays_visible_text():
    markup = '<span class="MathJax"><nobr><span class="math"></span>x2</nobr></span>'
    (formula,) = resolve_formulas(turbohtml.parse(markup))
    assert (formula.tex, formula.recovered) == ("x2", False)
