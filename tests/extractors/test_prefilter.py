"""The prefilter: every written form of mathematics and code is seen in the bytes, and what only looks like them is not."""

import gzip
import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors import prefilter as module
from extractors.prefilter import Found, prefilter, reject_reason
from extractors.stage import RenderConfig, render_page
from pipeline.document import Page

SHARED = Path(__file__).resolve().parents[2] / "../shared"
NEWS = "<html><head><title>News</title></head><body><p>The council met on Monday, {} said a speaker.</p></body></html>"

MATH = [
    "<math><mi>x</mi></math>",
    '<m:math xmlns:m="http://www.w3.org/1998/Math/MathML"><m:mi>x</m:mi></m:math>',
    '<script type="math/tex">x^2</script>',
    "<SCRIPT TYPE='math/tex; mode=display'>x</SCRIPT>",
    '<script type="math/asciimath">x^2</script>',
    '<span class="katex"><span class="katex-html">x</span></span>',
    '<span class="mjx-chtml"><span class="mjx-math">x</span></span>',
    "<mjx-container><mjx-math>x</mjx-math></mjx-container>",
    '<span class="MathJax_Preview">x</span>',
    '<span class="math inline"><em>x</em></span>',
    '<div class="math notranslate nohighlight">x</div>',
    '<span class="mwe-math-element">x</span>',
    '<span class="texhtml">x</span>',
    '<img class="latex" alt="x">',
    '<img src="https://s0.wp.com/latex.php?latex=x%5E2">',
    '<img src="https://latex.codecogs.com/svg.latex?x">',
    '<img src="f.png" alt="$x$">',
    "<IMG SRC='f.png' ALT='$x &lt; y$'>",
    r'<img src="f.png" alt="\frac{1}{2}">',
    "<!-- MATH $x$ --><i>x</i>",
    r"\(x\) and \(y\)",
    r"\[ x = y \]",
    r"\begin{equation} x \end{equation}",
    r"$\alpha$",
    "$x$, then",
    "$x_i$, then",
    "$$x + y = z$$",
    "$f(x)$, then",
    "$latex x^2$",
    "[tex]x[/tex]",
    "<asciimath>x</asciimath>",
    '<math-field value="x"></math-field>',
    '<div data-latex="x">x</div>',
    '<code class="language-math">x</code>',
    "<script>ASCIIMath = 1; asciimath</script> where `x^2` is",
    "∀ε ∃δ ∈ ℝ",
    "&forall;e &exist;d &isin; R",
    "&#8704;e &#8707;d &#8712; R",
    "𝑥 + 𝑦 = 𝑧",
    "<i>x</i><sub>1</sub> <i>x</i><sub>2</sub> <i>x</i><sup>2</sup> <em>y</em><sub>2</sub>",
]
CODE = [
    "<pre>x = 1</pre>",
    '<PRE class="x">x</PRE>',
    "<code>x = 1\n y = 2</code>",
    "<code>x = 1<br>y = 2</code>",
    "<xmp>x</xmp>",
    '<td class="blob-code blob-code-inner">x</td>',
    '<div class="fragment"><div class="line">x</div></div>',
    '<div class="CodeMirror-code">x</div>',
    '<ol class="dp-c"><li>x</li></ol>',
]
NEITHER = [
    "",
    "the price is $5 and the other is $6, that is $11",
    "$5/$6 or US$10,000-$20,000 in all",
    "$HOME/$USER and ${a}${b} and $name.$suffix",
    "<script>var a = '\\\\(x\\\\)', $ = jQuery; $('.x').on($); if (a < b) { '\\frac{1}{2}' }</script>",
    '<script src="https://cdn.jsdelivr.net/npm/mathjax@3/es5/tex-mml-chtml.js"></script>',
    '<link rel="stylesheet" href="katex.min.css"><script src="katex.min.js"></script>',
    "<style>.katex { color: $x$ } .math { x: y }</style>",
    "<!-- $x$ \\frac <pre>x</pre> -->",
    r"C:\temp\alphabet and C:\texts",
    "mathematics, equations and formulas are words; code is one too",
    "a temperature of ≥ 20 °C",
    "use <code>print</code> for it",
    "CO<sub>2</sub> and m<sup>2</sup> and the 1<sup>st</sup>",
    '<div class="aftermath text-xl codebook">x</div>',
    "<textarea></textarea>",
]


@pytest.mark.parametrize("snippet", MATH)
def test_every_form_of_mathematics_is_seen(snippet):
    assert prefilter(NEWS.format(snippet).encode()).has_math


@pytest.mark.parametrize("snippet", CODE)
def test_every_form_of_code_is_seen(snippet):
    assert prefilter(NEWS.format(snippet).encode()).has_code


@pytest.mark.parametrize("snippet", NEITHER)
def test_what_only_looks_like_it_is_not(snippet):
    assert prefilter(NEWS.replace("{}", snippet).encode()) == Found(False, False)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_bypasses(encoding):
    assert prefilter((NEWS * 20).encode(encoding)) == Found(True, True)


def test_a_notebook_holds_code():
    body = json.dumps({"cells": [{"cell_type": "code", "source": ["1"]}], "nbformat": 4}).encode()
    assert prefilter(body).has_code


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300), st.sampled_from(MATH))
def test_a_formula_is_seen_wherever_it_stands(around, snippet):
    """Unless what stands before it opens a tag, a comment or another formula: markup is not looked into."""
    text = "".join(" " if char in "<>$`\\&\"'" else char for char in around)
    assert prefilter(f"<p>{text}</p> <p>{snippet}</p> {text}".encode()).has_math


@given(st.binary(max_size=400))
def test_any_bytes_have_an_answer(body):
    assert isinstance(prefilter(body), Found)


@pytest.mark.parametrize(
    "unit",
    [
        "<script>",
        "<!--",
        "<!-- -",
        "\\(",
        "\\[",
        "$",
        "$x",
        "$$x",
        "<img ",
        '<img alt="$',
        'class="',
        "`",
        "<code>",
        "\xe2\x88\x80",
    ],
)
def test_hostile_repetition_is_linear(unit):
    body = (unit * (1_000_000 // len(unit))).encode("latin-1")
    before = time.process_time()
    prefilter(body)
    assert time.process_time() - before < 3.0


@pytest.mark.parametrize(
    ("want", "math", "code", "neither"),
    [
        ("math", None, "no_math", "no_math"),
        ("code", "no_code", None, "no_code"),
        ("both", None, None, "no_math_or_code"),
    ],
)
def test_recipes_choose(want, math, code, neither):
    pages = (b"<p>$x^2$</p>", b"<pre>x</pre>", b"<p>x</p>")
    assert [reject_reason(page, want) for page in pages] == [math, code, neither]


def test_the_render_stage_rejects_before_it_renders():
    page = Page("https://example.org/", "a.warc", 0, "", (), b"<p>nothing to see</p>")
    rejected = render_page(page, RenderConfig(prefilter="math"))
    assert (rejected.reject_stage, rejected.reject_reason, rejected.text) == (module.STAGE, "no_math", "")
    assert not render_page(page, RenderConfig()).rejected
    with pytest.raises(ValueError, match="prefilter"):
        RenderConfig(prefilter="maths")


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared (the project's data folder beside the checkout)")
def test_forms_of_real_renderers_are_seen():
    with gzip.open(SHARED / "data/mathforms/dev/mathforms.jsonl.gz") as lines:
        lost = [r["form"] for r in map(json.loads, lines) if not prefilter(NEWS.format(r["html"]).encode()).has_math]
    assert set(lost) <= {"src_dollars"}, "a lone `$12345$` without configuration is a price"
    assert len(lost) < 100
