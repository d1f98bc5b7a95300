"""Tables and stretched signs as KaTeX and MathJax 4 draw them, read without MathML."""

import turbohtml

from extractors.math.resolve import resolve_formulas


def tex_of(markup: str) -> str:
    (formula,) = resolve_formulas(turbohtml.parse(markup))
    assert formula.recovered
    return formula.tex


def katex(inner: str) -> str:
    return f'<span class="katex"><span class="katex-html"><span class="base">{inner}</span></span></span>'


def item(inner: str, above: float) -> str:
    """An item of a vertical list whose baseline is `above` em over that of the list."""
    return f'<span style="top:{-3 - above}em;"><span class="pstrut" style="height:3em;"></span>{inner}</span>'


def mord(text: str) -> str:
    return f'<span class="mord"><span class="mord">{text}</span></span>'


def column(*cells: tuple[str, float]) -> str:
    items = "".join(item(mord(text), above) for text, above in cells)
    return f'<span class="col-align-c"><span class="vlist-t"><span class="vlist">{items}</span></span></span>'


def tall(path: str) -> str:
    svg = f'<span><svg><path d="{path}"/></svg></span>'
    return f'<span class="delimsizing mult"><span class="vlist">{item(svg, 0)}</span></span>'


LEFT = "M403 1759 V84 H666 V0 H319 V1759 v0 v1759 v84 h347 v-84\nH403z M403 1759 V0 H319 V1759 v0 v1759 v84 h84z"
RIGHT = "M347 1759 V0 H0 V84 H263 V1759 v0 v1759 H0 v84 H347z\nM347 1759 V0 H263 V1759 v0 v1759 h84z"


def test_katex_cells_that_a_column_lacks_leave_their_row_empty():
    table = column(("1", 1.2), ("2", 0.0), ("3", -1.2)), column(("4", 0.0)), column(("5", 1.2), ("6", -1.2))
    tex = tex_of(katex(f'<span class="mord"><span class="mtable">{"".join(table)}</span></span>'))
    assert " ".join(tex.split()) == "\\begin{matrix} 1 & & 5 \\\\ 2 & 4 & \\\\ 3 & & 6 \\end{matrix}"


def test_katex_tall_brackets():
    table = f'<span class="mord"><span class="mtable">{column(("1", 1.2), ("2", 0.0), ("3", -1.2))}</span></span>'
    inner = f'<span class="minner"><span class="mopen">{tall(LEFT)}</span>{table}<span class="mclose">{tall(RIGHT)}</span></span>'
    assert tex_of(katex(inner)) == "\\begin{bmatrix} 1 \\\\ 2 \\\\ 3 \\end{bmatrix}"


def test_katex_rules_between_rows_and_columns():
    separator = '<span class="vertical-separator" style="border-right-style:solid;"></span>'
    table = f'<span class="mtable">{column(("a", 0.6), ("c", -0.6))}{separator}{column(("b", 0.6), ("d", -0.6))}</span>'
    rule = '<span class="hline" style="border-bottom-width:0.04em;"></span>'
    stacked = f'<span class="mord"><span class="vlist">{item(table, 0)}{item(rule, 0.1)}</span></span>'
    expected = "\\begin{array}{c|c} \\mathrm{a} & \\mathrm{b} \\\\ \\hline \\mathrm{c} & \\mathrm{d} \\end{array}"
    assert tex_of(katex(stacked)) == expected


def test_katex_before_0_14_accents_and_long_decimals():
    accent = f'<span class="mord accent"><span class="vlist">{item(mord("1"), 0)}<span style="top:-3.2500000000000004em;"><span class="pstrut" style="height:3em;"></span><span class="accent-body">ˇ</span></span></span></span>'
    assert tex_of(katex(accent)) == "\\check{1}"


def test_katex_both_limits_of_a_named_operator():
    limits = item(mord("1"), -0.8) + item('<span><span class="mop">sup</span></span>', 0) + item(mord("2"), 0.8)
    assert tex_of(katex(f'<span class="mop op-limits"><span class="vlist">{limits}</span></span>')) == "\\sup_{1}^{2}"


def g(node: str, inner: str, move: str = "0,0") -> str:
    return f'<g data-mml-node="{node}" transform="translate({move})">{inner}</g>'


def use(code: str) -> str:
    return f'<use data-c="{code}"></use>'


def test_mathjax_4_svg_in_pieces_is_one_formula():
    pieces = (g("mi", use("1D44E")), g("mo", use("3D")) + g("mi", use("1D44F"), "1,0"))
    svgs = '<mjx-break size="3"> </mjx-break>'.join(f"<svg><g>{g('math', piece)}</g></svg>" for piece in pieces)
    assert tex_of(f'<mjx-container jax="SVG">{svgs}</mjx-container>') == "a=b"


def test_mathjax_4_root_index_stands_behind_the_sign():
    root = g("mroot", g("mo", use("221A")) + g("mn", use("33")) + f"<g>{g('mi', use('1D465'))}</g><rect></rect>")
    assert tex_of(f"<mjx-container><svg>{g('math', root)}</svg></mjx-container>") == "\\sqrt[3]{x}"


def test_mathjax_4_stretched_sign_is_its_ends():
    arrow = g("mo", f"{use('2192')}<svg>{use('2190')}</svg>", "0,800")
    over = g("mover", g("mrow", g("mi", use("1D44E")) + g("mi", use("1D44F"), "500,0")) + arrow)
    assert tex_of(f"<mjx-container><svg>{g('math', over)}</svg></mjx-container>") == "\\overrightarrow{ab}"
    primes = g("msup", g("mi", use("1D453")) + g("mo", use("2032") * 3, "500,363"))
    assert tex_of(f"<mjx-container><svg>{g('math', primes)}</svg></mjx-container>") == "f'''"
