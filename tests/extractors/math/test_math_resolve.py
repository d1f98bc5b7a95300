"""Formulas found in the tree: one per formula, from the best source, with a sentinel in its place."""

import pytest
import turbohtml

from extractors.math.forms import SOURCE_FORMS, Recovered
from extractors.math.resolve import resolve_formulas


def resolve(markup: str) -> tuple[list[Recovered], str]:
    document = turbohtml.parse(f"<body><p>before {markup} after</p></body>")
    return resolve_formulas(document), document.text


def one(markup: str) -> Recovered:
    found, text = resolve(markup)
    assert len(found) == 1, found
    assert found[0].source_form in SOURCE_FORMS
    assert text.split() == ["before", "\ue0000\ue001", "after"]
    return found[0]


ANNOTATED = "<math><semantics><mi>q</mi><annotation encoding='application/x-tex'>q_1 &lt; \\alpha</annotation></semantics></math>"


@pytest.mark.parametrize(
    ("markup", "tex", "form", "display"),
    [
        ('<script type="math/tex">q_1 < \\alpha</script>', "q_1 < \\alpha", "math_script", False),
        ('<script type="math/tex; mode=display">% <![CDATA[\nq %]]></script>', "q", "math_script", True),
        ('<script type="math/asciimath">q/2</script>', "\\frac{q}{2}", "asciimath", False),
        ('<script type="math/mml"><math><msup><mi>q</mi><mn>2</mn></msup></math></script>', "q^{2}", "mathml", False),
        (ANNOTATED, "q_1 < \\alpha", "mathml_annotation", False),
        (f'<span class="katex"><span class="katex-mathml">{ANNOTATED}</span><span class="katex-html">q1</span></span>',
         "q_1 < \\alpha", "katex_annotation", False),
        (f'<span class="katex-display"><span class="katex">{ANNOTATED}</span></span>', "q_1 < \\alpha", "katex_annotation", True),
        ('<math alttext="{\\displaystyle q+1}" display="block"><mi>q</mi></math>', "q+1", "alttext", True),
        ('<math alttext="q squared"><msup><mi>q</mi><mn>2</mn></msup></math>', "q^{2}", "mathml", False),
        ('<span class="mwe-math-element"><span style="display:none">' + ANNOTATED + '</span>'
         '<img class="mwe-math-fallback-image-inline" alt="{\\displaystyle q}"></span>', "q_1 < \\alpha", "mathml_annotation", False),
        ('<img class="latex" src="https://s0.wp.com/latex.php?latex=q%5E2%2B1+%3E+0&#038;bg=fff" alt="q^2+1 &gt; 0">',
         "q^2+1 > 0", "image_src", False),
        ('<img src="https://latex.codecogs.com/gif.latex?\\dpi{120}&space;q&plus;1">', "q+1", "image_src", False),
        ('<img class="formulaDsp" alt="\\[ q^2 \\]" src="form_1.png">', "q^2", "image_alt", True),
        ('<img src="/equation?tex=q%5E%7B2%7D" alt="[公式]">', "q^{2}", "image_src", False),
        ('<img class="equation_image" alt="LaTeX: q^2" src="/equation_images/q%255E2">', "q^2", "image_src", False),
        ('<span class="math inline">\\(q^2\\)</span>', "q^2", "delimiters", False),
        ('<span class="math display">\\[q^2\\]</span>', "q^2", "delimiters", True),
        ('<span class="math inline"><em>q</em><sup>2</sup></span>', "q^{2}", "html_markup", False),
        ('<code class="language-math">q_2</code>', "q_2", "tex_element", False),
        ("<tex>q^2</tex>", "q^2", "tex_element", False),
        ('<span class="ql-formula" data-value="q^2"><span>garbled</span></span>', "q^2", "data_attr", False),
        ('<span data-tex="q^2">q2</span>', "q^2", "data_attr", False),
        ('<mjx-container jax="CHTML" display="true"><mjx-math data-latex="q^2"><mjx-mi></mjx-mi></mjx-math></mjx-container>',
         "q^2", "data_attr", True),
        ('<mjx-container><mjx-math>x</mjx-math><mjx-assistive-mml><math><mi>q</mi></math></mjx-assistive-mml></mjx-container>',
         "q", "mathml", False),
        ('<span class="mjx-chtml"><span class="mjx-math" aria-label="q^2"><span class="mjx-mrow">q2</span></span></span>',
         "q^2", "aria_label", False),
        ('<span class="MathJax_Preview">[math]</span><span class="MathJax" id="MathJax-Element-3-Frame">q</span>'
         '<script type="math/tex" id="MathJax-Element-3">q^2</script>', "q^2", "math_script", False),
        ('<span class="MathJax" data-mathml="<math><msup><mi>q</mi><mn>2</mn></msup></math>">q2</span>', "q^{2}", "mathml", False),
        ('<m:math><m:mi>q</m:mi></m:math>', "q", "mathml", False),
    ],
)  # fmt: skip
def test_one_formula_from_the_best_source(markup, tex, form, display):
    assert one(markup) == Recovered(tex, form, display, True)


def test_display_formula_stands_in_its_own_block():
    document = turbohtml.parse('<p>a<script type="math/tex; mode=display">x</script>b</p>')
    resolve_formulas(document)
    assert document.select_one("p > div").text == "\ue0000\ue001"


@pytest.mark.parametrize(
    "markup",
    [
        '<div class="math">Mathematics department</div>',
        '<img src="/math/portrait.jpg" alt="Portrait of Emmy Noether">',
        '<img src="C.png" alt="C:\\new\\text file">',
        '<div data-math="true"><p>text</p></div>',
        '<div data-formula="17">text</div>',
        '<a data-equation="https://example.org/a_b=c">text</a>',
        "<script>var price = '$5';</script>",
        '<script class="rank-math-schema" type="application/ld+json">{"name": "x^2"}</script>',
        '<div class="math-department-news"><p>x = y</p></div>',
    ],
)
def test_what_is_no_formula_stays(markup):
    found, _ = resolve(markup)
    assert found == []


def test_several_formulas_in_order():
    found, text = resolve('<math><mi>a</mi></math> and <script type="math/tex">b</script> and <tex>c</tex>')
    assert [formula.tex for formula in found] == ["a", "b", "c"]
    assert [part for part in text if part in "012"] == ["0", "1", "2"]


def test_lazy_loaded_image_and_its_noscript_twin_are_one():
    image = '<img class="latex" alt="x^2" src="https://s0.wp.com/latex.php?latex=x%5E2">'
    assert len(resolve(f"{image}<noscript>{image}</noscript>")[0]) == 1


def test_macros_of_the_page_are_expanded():
    document = turbohtml.parse(
        '<script>window.MathJax = {tex: {macros: {RR: "\\\\mathbb{R}", norm: ["\\\\|#1\\\\|", 1]}}};</script>'
        '<p><script type="math/tex">\\norm{x} \\in \\RR</script></p>'
    )
    assert resolve_formulas(document)[0].tex == "\\|x\\| \\in \\mathbb{R}"


def test_nesting_beyond_any_formula_keeps_the_visible_text():
    found, _ = resolve("<math>" + "<mrow>" * 2000 + "<mi>x</mi>" + "</mrow>" * 2000 + "</math>")
    assert found == [Recovered("x", "mathml", False, False)]


@pytest.mark.parametrize(
    "markup",
    [
        "<math>" * 3000,
        '<span class="katex">' * 3000,
        "<mjx-container>" * 3000,
        '<div class="MathJax_Display">' * 2000,
        '<span class="math">' * 3000,
        "<math>" + "<mo>(</mo>" * 20000,
        "<math>" + "<mfrac><mn>1</mn>" * 2000,
        '<math alttext="x">' * 1000 + "<mtable><mtr>" * 1000,
    ],
)
def test_hostile_nesting_ends(markup):
    resolve_formulas(turbohtml.parse(markup))
