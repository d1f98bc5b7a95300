"""Formulas as sites mark them up: custom elements, attributes, plugins, and parts that the page excludes."""

import pytest

from extractors import render

TEX = "\\frac{a}{b}+x_{1}"
WIRIS = "«math»«msup»«mi»x«/mi»«mn»2«/mn»«/msup»«/math»"


@pytest.mark.parametrize(
    "markup",
    [
        f"<d-math>{TEX}</d-math>",
        f"<la-tex>{TEX}</la-tex>",
        f'<katex-element expression="{TEX}"></katex-element>',
        f'<amp-mathml layout="container" inline data-formula="\\({TEX}\\)"></amp-mathml>',
        f'<span data-LATEX="{TEX}">a/b</span>',
        f'<span class="ql-formula" data-value="{TEX}"><span class="katex">ab</span></span>',
        f'<span class="katex-eq" data-katex-display="false">{TEX}</span>',
        f'<code data-math-style="inline" class="code">{TEX}</code>',
        f'<span class="mathquill-rendered-math"><span class="selectable">${TEX}$</span><span>ab</span></span>',
        f'<svg role="math" aria-label="{TEX}"><path d="M0"/></svg>',
        f"<var>{TEX}</var>",
        f"[;{TEX};]",
        f'<span class="katex"><span class="katex-mathml">\n  a\n\n  {TEX}\n \n</span><span class="katex-html">a</span></span>',
    ],
)
def test_inline_forms(markup):
    page = render(f"<p>Let {markup} be.</p>")
    assert page.text == f"Let ${TEX}$ be."


@pytest.mark.parametrize(
    "markup",
    [
        f'<div class="katex-eq" data-katex-display="true"><pre>{TEX}</pre></div>',
        f'<pre data-canonical-lang="math" data-math-style="display"><code>{TEX}</code></pre>',
        f'<amp-mathml layout="container" data-formula="\\[{TEX}\\]"></amp-mathml>',
        f"<block-math>{TEX}</block-math>",
    ],
)
def test_display_forms(markup):
    assert render(f"<p>Let</p>{markup}<p>be.</p>").text == f"Let\n\n$${TEX}$$\n\nbe."


def test_wiris_image_by_its_mathml():
    page = render(f'<p>Let <img class="Wirisformula" alt="x squared" data-mathml="{WIRIS}"> be.</p>')
    assert page.text == "Let $x^{2}$ be."


def test_plain_variables_stay_text_and_code_keeps_its_powers():
    page = render("<p><var>n</var> is at most <code>10<sup>5</sup></code> or <code>a<sub>i+1</sub></code>.</p>")
    assert page.text == "n is at most `10^5` or `a_{i+1}`."
    assert not len(page.formulas)


def test_ignored_classes_show_source_as_code():
    page = render(
        '<div class="tex2jax_ignore"><p>Write \\(x\\) and $y^2$, it costs $5 or $6, '
        '<span class="mathjax_process">\\(z\\)</span> <span class="math">\\(w\\)</span>.</p></div><p>\\(v\\)</p>'
    )
    assert page.text == "Write `\\(x\\)` and `$y^2$`, it costs $5 or $6, $z$ $w$.\n\n$v$"


def test_pages_that_process_one_class_only():
    config = '<script>window.MathJax = {options: {ignoreHtmlClass: ".*|", processHtmlClass: "arithmatex"}}</script>'
    page = render(f'{config}<p>\\(x\\) and <span class="arithmatex">\\(y\\)</span></p>')
    assert page.text == "`\\(x\\)` and $y$"


def test_katex_auto_render_ignores_classes():
    config = '<script>renderMathInElement(document.body, {ignoredClasses: ["raw", "quiet"]})</script>'
    page = render(f'{config}<p class="quiet">\\(x\\)</p><p>\\(y\\)</p>')
    assert page.text == "`\\(x\\)`\n\n$y$"
