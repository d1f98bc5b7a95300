"""Appearance only: boxes as KaTeX 0.16/0.19 and MathJax 2/3 draw them, read without any MathML."""

import turbohtml

from extractors.math.resolve import resolve_formulas


def tex_of(markup: str, form: str) -> str:
    (formula,) = resolve_formulas(turbohtml.parse(markup))
    assert (formula.source_form, formula.recovered) == (form, True)
    return formula.tex


def glyph(code: str, tag: str = "mi") -> str:
    return f'<mjx-{tag}><mjx-c class="mjx-c{code}"></mjx-c></mjx-{tag}>'


def test_chtml_scripts_fraction_and_limits():
    scripts = f"<mjx-msubsup>{glyph('1D465')}<mjx-script>{glyph('32', 'mn')}<mjx-spacer></mjx-spacer>{glyph('1D45B')}</mjx-script></mjx-msubsup>"
    fraction = (
        f"<mjx-mfrac><mjx-frac><mjx-num><mjx-nstrut></mjx-nstrut>{glyph('31', 'mn')}</mjx-num><mjx-dbox><mjx-dtable>"
        f"<mjx-line></mjx-line><mjx-row><mjx-den><mjx-dstrut></mjx-dstrut>{glyph('32', 'mn')}</mjx-den></mjx-row></mjx-dtable></mjx-dbox></mjx-frac></mjx-mfrac>"
    )
    sum_ = (
        f"<mjx-munderover><mjx-over>{glyph('1D45B')}</mjx-over><mjx-box><mjx-munder><mjx-row><mjx-base>{glyph('2211', 'mo')}</mjx-base></mjx-row>"
        f"<mjx-row><mjx-under>{glyph('1D456')}</mjx-under></mjx-row></mjx-munder></mjx-box></mjx-munderover>"
    )
    markup = (
        f"<mjx-container jax='CHTML'><mjx-math>{sum_}{scripts}{glyph('2B', 'mo')}{fraction}</mjx-math></mjx-container>"
    )
    assert tex_of(markup, "chtml") == "\\sum_{i}^{n}x_{n}^{2}+\\frac{1}{2}"


def test_chtml_stretched_brace_before_a_table_is_cases():
    brace = '<mjx-mo><mjx-stretchy-v class="mjx-c7B"><mjx-beg><mjx-c></mjx-c></mjx-beg></mjx-stretchy-v></mjx-mo>'
    rows = "".join(
        f"<mjx-mtr><mjx-mtd>{glyph(code)}<mjx-tstrut></mjx-tstrut></mjx-mtd></mjx-mtr>" for code in ("1D44E", "1D44F")
    )
    table = f"<mjx-mtable><mjx-table><mjx-itable>{rows}</mjx-itable></mjx-table></mjx-mtable>"
    markup = f"<mjx-container><mjx-math><mjx-mrow>{brace}{table}<mjx-mo></mjx-mo></mjx-mrow></mjx-math></mjx-container>"
    assert tex_of(markup, "chtml") == "\\begin{cases} a \\\\ b \\end{cases}"


def g(node: str, inner: str, move: str = "0,0") -> str:
    return f'<g data-mml-node="{node}" transform="translate({move})">{inner}</g>'


def test_svg_scripts_by_height_and_fraction_by_its_line():
    letter = {
        c: f'<path data-c="{code}" d="M1 1"></path>' for c, code in (("x", "1D465"), ("a", "1D44E"), ("b", "1D44F"))
    }
    scripts = g("msubsup", g("mi", letter["x"]) + g("mi", letter["b"], "500,413") + g("mi", letter["a"], "500,-247"))
    fraction = g("mfrac", g("mi", letter["a"], "0,676") + g("mi", letter["b"], "0,-686") + '<rect x="1"></rect>')
    stacked = g("mfrac", g("mi", letter["a"], "0,676") + g("mi", letter["b"], "0,-686"))
    svg = f"<svg><g>{g('math', scripts + fraction + stacked)}</g></svg>"
    tex = tex_of(f'<mjx-container jax="SVG">{svg}</mjx-container>', "mathjax_svg")
    assert tex == "x_{a}^{b}\\frac{a}{b}\\genfrac{}{}{0pt}{}{a}{b}"


def span(names: str, inner: str = "", style: str = "") -> str:
    return f'<span class="{names}"{f" style={style!r}" if style else ""}>{inner}</span>'


def vlist(*items: tuple[str, str]) -> str:
    inner = "".join(
        f'<span style="top:{top}em;"><span class="pstrut" style="height:3em;"></span>{item}</span>'
        for top, item in items
    )
    return span(
        "vlist-t vlist-t2",
        span("vlist-r", span("vlist", inner) + span("vlist-s", "\u200b"))
        + span("vlist-r", span("vlist", "<span></span>")),
    )


def katex(inner: str) -> str:
    return span("katex", span("katex-html", span("base", span("strut") + inner)))


def test_katex_scripts_by_offset():
    both = span(
        "mord",
        span("mord mathnormal", "x")
        + span("msupsub", vlist(("-2.4", span("mord mtight", "1")), ("-3.4", span("mord mtight", "2")))),
    )
    only_sub = span("mord", span("mord mathnormal", "y") + span("msupsub", vlist(("-2.5", span("mord mtight", "1")))))
    assert tex_of(katex(both + span("mbin", "+") + only_sub), "katex_html") == "x_{1}^{2}+y_{1}"


def test_katex_fraction_root_and_alphabets_under_both_class_schemes():
    for prefix in ("", "katex-"):
        fraction = span(
            "mfrac", vlist(("-2.3", span("mord", "2")), ("-3.2", span("frac-line")), ("-3.7", span("mord", "1")))
        )
        root = span(
            "mord sqrt",
            vlist(
                ("-3", span("mord mathnormal", "z")),
                ("-2.8", span("hide-tail", "<svg><path d='M95,702'></path></svg>")),
            ),
        )
        accent = span(
            f"mord {prefix}accent",
            vlist(("-3", span("mord mathnormal", "u")), ("-3.2", span("accent-body", span("mord", "^")))),
        )
        assert (
            tex_of(katex(fraction + root + accent + span("mord mathbb", "R")), "katex_html")
            == "\\frac{1}{2}\\sqrt{z}\\hat{u}\\mathbb{R}"
        )


def test_katex_not_equal_is_one_relation():
    slash = span(
        "mrel", span("mord vbox", span("thinbox", span("rlap", span("inner", span("mord", span("mrel", "\ue020"))))))
    )
    assert tex_of(katex(span("mrel", slash + span("mspace nobreak") + span("mrel", "="))), "katex_html") == "\\neq"


def test_common_html_scripts_and_limits():
    def token(kind: str, char: str, font: str = "math-I") -> str:
        return span(f"mjx-{kind}", span(f"mjx-char MJXc-TeX-{font}", char))

    scripts = span(
        "mjx-msubsup",
        span("mjx-base", token("mi", "x"))
        + span("mjx-stack", span("mjx-sup", token("mn", "2", "main-R")) + span("mjx-sub", token("mi", "n"))),
    )
    hat = span(
        "mjx-munderover",
        span("mjx-stack", span("mjx-over", token("mo", "^", "main-R")) + span("mjx-op", token("mi", "S", "cal-R"))),
    )
    markup = span("mjx-chtml", span("mjx-math", span("mjx-mrow", scripts + hat)))
    assert tex_of(markup, "common_html") == "x_{n}^{2}\\hat{\\mathcal{S}}"


def test_a_drawing_that_cannot_be_read_keeps_its_text():
    (formula,) = resolve_formulas(turbohtml.parse('<span class="MathJax"><span class="unknown">x 2</span></span>'))
    assert (formula.tex, formula.recovered) == ("x 2", False)
