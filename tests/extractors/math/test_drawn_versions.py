"""Drawings of particular versions: KaTeX 0.9, MathJax 2's PreviewHTML, HTML-CSS 2.5, CommonHTML, the font of MathJax 4."""

import turbohtml

from extractors import html_to_text
from extractors.math.resolve import resolve_formulas


def tex_of(markup: str, form: str) -> str:
    (formula,) = resolve_formulas(turbohtml.parse(markup))
    assert (formula.source_form, formula.recovered) == (form, True)
    return formula.tex


def p(name: str, inner: str, style: str = "") -> str:
    return f'<span class="MJXp-{name}" style="{style}">{inner}</span>'


X, TWO = p("mi MJXp-italic", "x"), p("mn", "2")


def preview(inner: str) -> str:
    frame = f'<span class="MathJax_PHTML" id="MathJax-Element-1-Frame">{p("math", inner)}</span>'
    return tex_of(f"<p>{frame}</p>", "common_html")


def test_preview_html_scripts_by_their_raise_and_by_their_order():
    raised = p("mn MJXp-script", "2", "vertical-align: 0.5em;")
    lowered = p("mn MJXp-script", "2", "vertical-align: -0.4em;")
    assert preview(p("msubsup", X + raised) + p("msubsup", X + lowered)) == "x^{2}x_{2}"
    upper = f'<span class=" MJXp-script"><span><span>{TWO}</span></span></span>'
    lower = f'<span class=" MJXp-script"><span><span>{X}</span></span></span>'
    assert preview(p("msubsup", X + p("script-box", upper + lower))) == "x_{x}^{2}"


def test_preview_html_fraction_by_its_rule_root_and_limits():
    def fraction(rule: str) -> str:
        denominator = p("denom", f"<span>{p('rule', '', rule)}</span><span>{p('box', TWO)}</span>")
        return p("mfrac", p("box", X) + p("box", denominator))

    assert preview(fraction("border-bottom: 1px solid") + fraction("")) == "\\frac{x}{2}\\genfrac{}{}{0pt}{}{x}{2}"
    surd = p("surd", "<span>√</span>") + p("root", p("rule", "") + p("box", X))
    assert preview(p("msqrt", surd)) == "\\sqrt{x}"
    over = p("over", f'<span class="">{p("mo", "ˆ")}</span><span class="">{X}</span>')
    assert preview(p("munderover", f"<span>{over}</span>")) == "\\hat{x}"
    under = f'<span class="">{p("mo", "max")}</span><span class=" MJXp-script">{X}</span>'
    assert preview(p("munderover", under)) == "\\max_{x}"


def test_a_fast_preview_whose_rendering_is_missing_is_the_formula():
    assert tex_of(f'<p><span class="MathJax_Preview">{p("math", X)}</span></p>', "common_html") == "x"


def item(top: float, inner: str) -> str:
    return f'<span style="top:{top}em;"><span class="pstrut" style="height:3em;"></span>{inner}</span>'


RULE = "<span class='stretchy'><svg><path d='M0 80H400000 v40H0z M0 80H400000 v40H0z'/></svg></span>"


def katex(inner: str) -> str:
    return tex_of(f'<span class="katex"><span class="katex-html">{inner}</span></span>', "katex_html")


def vlist(*items: str) -> str:
    return f'<span class="vlist-t"><span class="vlist-r"><span class="vlist">{"".join(items)}</span></span></span>'


def test_katex_before_0_10_draws_the_line_of_a_fraction():
    letter = '<span class="mord mathit">%s</span>'
    parts = (item(-2.3, letter % "b"), item(-3.2, RULE), item(-3.7, letter % "a"))
    assert katex(f'<span class="mord"><span class="mfrac">{vlist(*parts)}</span></span>') == "\\frac{a}{b}"
    assert (
        katex(f'<span class="mord overline">{vlist(item(-3, letter % "a"), item(-3.6, RULE))}</span>')
        == "\\overline{a}"
    )


def test_katex_strikes_and_negations_keep_what_they_strike():
    letters = '<span class="mord cancel-pad"><span class="mord mathnormal">x</span><span class="mord mathnormal">y</span></span>'
    strike = '<span class="svg-align" style="top:-2.8em"><span class="pstrut" style="height:3em;"></span><span><svg><line x1="0" y1="100%" x2="100%" y2="0"/></svg></span></span>'
    assert katex(f'<span class="mord cancel-lap">{vlist(item(-3, letters), strike)}</span>') == "\\cancel{xy}"
    slash = '<span class="base"><span class="mrel"><span class="inner"><span class="mrel">\ue020</span></span></span></span>'
    assert katex(f'{slash}<span class="base"><span class="mrel">=</span></span>') == "\\neq"


def test_html_css_2_5_draws_lines_as_wide_borders():
    def placed(top: float, inner: str) -> str:
        strut = '<span style="display: inline-block; width: 0px; height: 4em;"></span>'
        return f'<span style="position: absolute; top: {top}em; left: 0em;">{inner}{strut}</span>'

    line = '<span style="border-left: 0.475em solid; display: inline-block; width: 0px; height: 1.25px;"></span>'
    top, bottom = placed(-4.4, '<span class="mn">1</span>'), placed(-3.6, '<span class="mn">2</span>')
    inner = f'<span class="mfrac"><span>{top}{bottom}{placed(-4.3, line)}</span></span>'
    markup = f'<span class="MathJax"><nobr><span class="math">{inner}</span></nobr></span>'
    assert tex_of(markup, "html_css") == "\\frac{1}{2}"


def common(inner: str) -> str:
    return tex_of(f'<span class="mjx-chtml"><span class="mjx-math">{inner}</span></span>', "common_html")


def test_common_html_braces_and_scripts_in_front():
    letter = '<span class="mjx-mi"><span class="mjx-char MJXc-TeX-math-I">a</span></span>'
    brace = '<span class="mjx-mo"><span class="mjx-delim-h"><span class="mjx-char MJXc-TeX-size4-R">\ue152</span></span></span>'
    under = f'<span class="mjx-munderover"><span class="mjx-op">{letter}</span><span class="mjx-under">{brace}</span></span>'
    assert common(under) == "\\underbrace{a}"
    six = '<span class="mjx-mn"><span class="mjx-char MJXc-TeX-main-R">6</span></span>'
    before = f'<span class="mjx-prestack"><span class="mjx-presup">{six}</span><span class="mjx-presub">{letter}</span></span>'
    assert common(f'<span class="mjx-mmultiscripts">{before}{letter}</span>') == "{}_{a}^{6}a"


def test_mathjax_4_calligraphic_by_its_outline():
    def letter(start: str) -> str:
        svg = f'<svg><g data-mml-node="math"><g data-mml-node="mi"><path data-c="4E" d="M{start}C1 2 3 4Z"/></g></g></svg>'
        return tex_of(f'<mjx-container jax="SVG">{svg}</mjx-container>', "mathjax_svg")

    assert letter("41 49") == "\\mathcal{N}"
    assert letter("576 15") == "\\mathrm{N}"


def test_accents_and_primes_of_plain_markup():
    html = '<span class="math inline"><em>χ̄</em><sub><em>α̇</em></sub> = <em>f</em>′(<em>x</em>) + <em>x</em>′<sup>2</sup></span>'
    (formula,) = resolve_formulas(turbohtml.parse(html))
    assert formula.tex == "\\bar{\\chi}_{\\dot{\\alpha}}=f'(x)+x^{\\prime2}"


def test_mathml_prime_on_the_line_poor_mans_bold_and_foreign_words():
    prime = "<math><mi>f</mi><mo>′</mo><mo>(</mo><mi>x</mi><mo>)</mo></math>"
    assert tex_of(prime, "mathml") == "f'(x)"
    twice = '<math><mrow><mpadded width="0"><mi>x</mi></mpadded></mrow><mspace width=".06em"/><mrow><mi>x</mi></mrow></math>'
    assert tex_of(twice, "mathml") == "\\boldsymbol{x}"
    assert tex_of("<math><mi>速度</mi><mo>=</mo><mn>1</mn></math>", "mathml") == "\\text{速度}=1"


def test_wikipedia_markup_with_fractions_roots_and_words():
    parts = '<span class="num">1</span><span class="sr-only">/</span><span class="den"><i>n</i></span>'
    inner = f'<span class="sfrac">{parts}</span> + √<span style="border-top:1px solid">2</span> if <i>x</i> is even'
    assert tex_of(f'<span class="texhtml">{inner}</span>', "html_markup") == (
        "\\frac{1}{n}+\\sqrt{2}\\text{ if }x\\text{ is even}"
    )


def test_scripts_on_both_sides_in_svg():
    """MathJax 3 and 4: unnamed groups before and behind the base, superscripts first."""
    digit = '<g><g data-mml-node="mn"><use data-c="3%d"></use></g></g>'
    base = '<g data-mml-node="mo"><use data-c="220F"></use></g>'
    rows = f"{digit % 2}{digit % 1}{base}{digit % 4}{digit % 3}"
    markup = f'<g data-mml-node="math"><g data-mml-node="mmultiscripts">{rows}</g></g>'
    page = html_to_text(f'<p><mjx-container jax="SVG"><svg>{markup}</svg></mjx-container></p>')
    assert page == "${}_{1}^{2}\\prod_{3}^{4}$"


def test_chemical_arrows_of_mathjax_4_in_mathml():
    """They are private characters of its font, marked by a variant."""
    arrow = '<mo data-mjx-variant="-mhchem" stretchy="true">&#xE429;</mo>'
    assert html_to_text(f"<p><math><mi>A</mi>{arrow}<mi>B</mi></math></p>") == "$A\\longrightarrow B$"


def test_labelled_chemical_arrows_of_mathjax_4_in_mathml():
    """`\\ce{A ->[a][b] B}`: here the private character has a class and no variant."""
    arrow = '<mo data-mjx-texclass="ORD" stretchy="true">&#xE429;</mo>'
    markup = f"<mi>A</mi><munderover>{arrow}<mi>b</mi><mi>a</mi></munderover><mi>B</mi>"
    assert html_to_text(f"<p><math>{markup}</math></p>") == "$A\\xrightarrow[b]{a}B$"


def svg2(markup: str) -> str:
    return html_to_text(f'<p><span class="MathJax_SVG"><svg><g>{markup}</g></svg></span></p>')


def test_long_arrows_of_mathjax_2_in_svg():
    """Minus signs that overlap, and a head: one arrow, what is over it its label. Minus signs side by side stay."""
    minus, head = '<use xlink:href="#MJMAIN-2212" x="%d"/>', '<use xlink:href="#MJMAIN-2192" x="%d"/>'
    label = '<g transform="translate(300,712)"><use transform="scale(0.707)" xlink:href="#MJMATHI-6E"/></g>'
    letters = [f'<use xlink:href="#MJMATHI-{code}" x="{x}"/>' for code, x in (("61", 0), ("62", 3000))]
    shaft = f'<g transform="translate(1028,0)">{minus % -85}{minus % 400}{head % 906}{label}</g>'
    assert svg2(f"{letters[0]}{shaft}{letters[1]}") == "$a\\xrightarrow{n}b$"
    apart = f"{letters[0]}{minus % 751}{minus % 1752}{head % 2400}{letters[1]}"
    assert svg2(apart) == "$a--\\rightarrow b$"
