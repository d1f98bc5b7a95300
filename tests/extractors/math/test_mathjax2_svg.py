"""MathJax 2 SVG without source: glyph names and positions only, as MathJax 2.7 writes them."""

import turbohtml

from extractors.math.resolve import resolve_formulas


def tex_of(inner: str) -> str:
    markup = f'<span class="MathJax_SVG" id="MathJax-Element-1-Frame"><svg><g transform="matrix(1 0 0 -1 0 0)">{inner}</g></svg></span>'
    (formula,) = resolve_formulas(turbohtml.parse(markup))
    assert (formula.source_form, formula.recovered) == ("html_css", True)
    return formula.tex


def use(name: str, x: float = 0, y: float = 0, scale: str = "") -> str:
    transform = f' transform="scale({scale})"' if scale else ""
    return f'<use{transform} xlink:href="#MJ{name}" x="{x}" y="{y}"></use>'


def g(x: float, y: float, *inner: str) -> str:
    return f'<g transform="translate({x},{y})">{"".join(inner)}</g>'


A, B, TWO = use("MATHI-61"), use("MATHI-62"), "MAIN-32"


def test_scripts_of_the_box_before_them():
    assert tex_of(A + use(TWO, 748, 583, "0.707")) == "a^{2}"
    assert tex_of(A + use(TWO, 748, -213, "0.707") + use("MATHI-6E", 748, 583, "0.707")) == "a_{2}^{n}"
    # beyond the second level everything has the smallest size: height alone tells
    assert tex_of(A + g(500, 412, use("MATHI-62", 0, 0, "0.5") + use(TWO, 500, 408, "0.5"))) == "a^{b^{2}}"


def test_fractions_and_roots():
    rect = '<rect width="692" height="60" x="0" y="220"></rect>'
    assert tex_of(g(120, 0, rect, use("MATHI-61", 60, 676), use("MATHI-62", 60, -686))) == "\\frac{a}{b}"
    stack = g(736, 0, use("MATHI-61", 0, 676), use("MATHI-62", 0, -686))
    assert tex_of(use("SZ3-28") + stack + use("SZ3-29", 1337)) == "\\binom{a}{b}"
    bar = '<rect width="764" height="60" x="1000" y="982"></rect>'
    assert tex_of(use("MAIN-221A") + bar + use("MATHI-61", 833)) == "\\sqrt{a}"
    assert (
        tex_of(use("MAIN-33", 843, 492, "0.5") + use("SZ2-221A", 0, -109) + bar + use("MATHI-61", 1000))
        == "\\sqrt[3]{a}"
    )


def test_limits_accents_and_stretched_signs():
    limits = use("SZ2-2211") + g(147, -1090, use("MATHI-69", 0, 0, "0.707")) + use("MATHI-6E", 721, 1627, "0.707")
    assert tex_of(limits) == "\\sum_{i}^{n}"
    assert tex_of(A + use("MAIN-5E", 14, -1)) == "\\hat{a}"
    arrow = g(
        0,
        816,
        use("MAIN-2212", -85),
        '<g transform="translate(416,0) scale(0.5,1)">',
        use("MAIN-2212"),
        "</g>",
        use("MAIN-2192", 565),
    )
    assert tex_of(g(28, 0, A, use("MATHI-62", 529)) + arrow) == "\\overrightarrow{ab}"


def test_words_numbers_and_alphabets():
    assert tex_of(use("MAIN-73") + use("MAIN-69", 394) + use("MAIN-6E", 673) + use("MATHI-61", 1300)) == "\\sin a"
    assert tex_of(use("MAIN-31") + use("MAIN-32", 500) + use("MAIN-2E", 1001) + use("MAIN-35", 1279)) == "12.5"
    assert tex_of(use("AMS-52") + use("CAL-4C", 722) + use("FRAK-67", 1400)) == "\\mathbb{R}\\mathcal{L}\\mathfrak{g}"


def test_matrix_of_columns():
    columns = (
        g(-13, 0, use("MATHI-61", 0, 650), use("MATHI-63", 0, -750)),
        g(1516, 0, use("MATHI-62", 0, 650), use("MATHI-64", 0, -750)),
    )
    matrix = use("SZ3-5B") + g(695, 0, *columns) + use("SZ3-5D", 2600)
    assert tex_of(matrix) == "\\begin{bmatrix} a & b \\\\ c & d \\end{bmatrix}"
    lone = g(-13, 0, use("MATHI-61", 0, 650), use("MATHI-63", 0, -750)), use("MATHI-64", 1516, -750)
    assert " ".join(tex_of(g(167, 0, *lone)).split()) == "\\begin{matrix} a & \\\\ c & d \\end{matrix}"
