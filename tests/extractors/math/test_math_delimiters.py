"""Formulas in running text, the page's configuration, its macros, and what only looks like a formula."""

import pytest
import turbohtml

from extractors.math.delimiters import scan
from extractors.math.macros import Macro, expand, take_definitions
from extractors.math.normal import normal_tex
from extractors.math.page_config import MathConfig, page_config

SILENT = MathConfig()
DOLLARS = MathConfig(dollar=True)


@pytest.mark.parametrize(
    ("text", "config", "expected"),
    [
        ("so \\(a+b\\) and \\[c\\] end", SILENT, [("a+b", False), ("c", True)]),
        ("so $$a+b$$ end", SILENT, [("a+b", True)]),
        ("let $x^2$ and $y$ be", SILENT, [("x^2", False), ("y", False)]),
        ("let $ x^2 $ be", DOLLARS, [("x^2", False)]),
        ("\\begin{align*}a&=b\\end{align*}", SILENT, [("\\begin{align*}a&=b\\end{align*}", True)]),
        ("\\begin{equation}a=b\\end{equation}", SILENT, [("a=b", True)]),
        ("[tex]x^2[/tex] [itex]y[/itex]", SILENT, [("x^2", False), ("y", False)]),
        ("$latex x^2$ text", SILENT, [("x^2", False)]),
        ("\\(a \\text{ if \\(b\\)} c\\)", SILENT, [("a \\text{ if \\(b\\)} c", False)]),
        ("\\\\(x\\\\)", SILENT, [("x", False)]),
    ],
)
def test_formulas(text, config, expected):
    found = scan(text, config)
    assert [(span.tex, span.display) for span in found] == expected
    assert all(text[span.start : span.end].strip() for span in found)


@pytest.mark.parametrize("config", [SILENT, DOLLARS])
@pytest.mark.parametrize(
    "text",
    [
        "it costs $5 and $10 today",
        "from $1,000 to $2,000",
        "US$20 or A$30",
        "an escaped \\$x\\$ here",
        "one $ alone",
        "unbalanced \\(x and more",
        "a\n\n$b\n\nc$ d",
        "",
    ],
)
def test_not_formulas(text, config):
    assert scan(text, config) == []


@pytest.mark.parametrize("text", ["echo $HOME $PATH now", "run $HOME/$USER/bin", "cost: $5-$10 each", "$foo = $bar;"])
def test_shell_and_prices_without_configuration(text):
    assert scan(text, SILENT) == []


def test_a_page_that_leaves_dollars_out_has_no_dollar_math():
    assert scan("let $x^2$ be", MathConfig(dollar=False)) == []


def test_asciimath_only_where_the_page_uses_it():
    assert scan("so `x/2` end", SILENT) == []
    (span,) = scan("so `x/2` end", MathConfig(ascii_pairs=(("`", "`"),)))
    assert (span.tex, span.source_form) == ("\\frac{x}{2}", "asciimath")


@pytest.mark.parametrize(
    "unit", ["$ \\( ", "\\(", "\\( { ", "$$ x ", "\\begin{align} ", "[tex]", "`", "$x\n\n", "$5 and "]
)
def test_linear_on_any_repetition(unit):
    config = MathConfig(dollar=True, ascii_pairs=(("`", "`"),))
    assert isinstance(scan(unit * 20_000, config), list)


def config_of(script: str) -> MathConfig:
    return page_config(turbohtml.parse(f"<script>{script}</script>"))


def test_mathjax_2_and_3_and_katex_configuration():
    two = config_of(
        'MathJax.Hub.Config({tex2jax: {inlineMath: [["$","$"], ["\\\\(","\\\\)"]], ignoreClass: "raw|old"}});'
    )
    assert (two.dollar, two.inline) == (True, (("\\(", "\\)"),))
    assert {"raw", "old", "tex2jax_ignore"} <= two.ignore_classes
    three = config_of(
        "window.MathJax = {tex: {inlineMath: [['\\\\(', '\\\\)']], macros: {R: '{\\\\bf R}', p: ['(#1)', 1]}}}"
    )
    assert three.dollar is False
    assert three.macros == {"\\R": Macro(0, "{\\bf R}"), "\\p": Macro(1, "(#1)")}
    katex = config_of('renderMathInElement(document.body, {delimiters: [{left: "$", right: "$", display: false}]})')
    assert katex.dollar is True


def test_asciimath_configuration():
    document = turbohtml.parse('<script src="https://example.org/MathJax.js?config=AM_HTMLorMML"></script>')
    assert page_config(document).ascii_pairs == (("`", "`"),)


def test_macros_expand_and_definitions_go():
    rest, macros = take_definitions("\\newcommand{\\v}[1]{\\mathbf{#1}}\\def\\e{\\mathrm{e}} x")
    assert rest.strip() == "x"
    assert expand("\\v{a}+\\e^x", macros) == "\\mathbf{a}+\\mathrm{e}^x"
    assert expand("\\newcommand{\\k}[2][2]{#2^{#1}}\\k{x}", {}) == "x^{2}"


def test_recursive_macros_leave_the_source():
    assert expand("\\a", {"\\a": Macro(0, "\\b\\b"), "\\b": Macro(0, "\\a\\a")}) == "\\a"
    looping = page_config(turbohtml.parse("<p>\\newcommand{\\a}{\\b\\b}\\newcommand{\\b}{\\a\\a}</p>"))
    assert looping.macros == {}


@pytest.mark.parametrize(
    ("raw", "tex"),
    [
        ("  x \n\n y  ", "x\ny"),
        ("{\\displaystyle {\\frac {a}{b}}}", "{\\frac {a}{b}}"),
        ("\\displaystyle x", "x"),
        ("$$x$$", "x"),
        ("a % comment\n b", "a b"),
        ("50\\% x", "50\\% x"),
        ("\\text{if $x$}", "\\text{if \\(x\\)}"),
        ("a $ b", "a \\$ b"),
        ("x \\", "x"),
        ("x \\\\", "x"),
        ("\\begin{array}[]{l}x\\end{array}", "\\begin{array}{l}x\\end{array}"),
    ],
)
def test_normal_form(raw, tex):
    assert normal_tex(raw) == tex
    assert normal_tex(tex) == tex


@pytest.mark.parametrize(
    "text",
    [
        "[ C:\\temp ]",
        "( \\n )",
        "[ \\d+ ]",
        "( see \\alpha and so on )",  # prose
        "(\\alpha)",  # no space inside: written by hand
        "f( \\alpha )",
        "( \\myown{x} )",
        "[ x + y ]",
        "see [ \\frac{a}{b} ] here",  # no line of its own
    ],
)
def test_brackets_without_backslash_that_are_no_formulas(text):
    assert scan(text, MathConfig()) == []


def test_brackets_without_backslash_that_can_be_nothing_else():
    text = "Where ( \\alpha_1 ) is:\n[ \\frac{a}{(b + c)} ]\nand stem:[\\sqrt{2}] too"
    found = [(span.tex, span.display) for span in scan(text, MathConfig())]
    assert found == [("\\alpha_1", False), ("\\frac{a}{(b + c)}", True), ("\\sqrt{2}", False)]


def test_a_page_configures_a_few_delimiters():
    pairs = ",".join(f'["${number}$", "{number}$"]' for number in range(500))
    page = turbohtml.parse(f"<script>MathJax = {{tex: {{inlineMath: [{pairs}], displayMath: [{pairs}]}}}};</script>")
    config = page_config(page)
    assert config.inline[0] == config.display[0] == ("$0$", "0$")
    assert len(config.inline) == len(config.display) < 100
    assert [span.tex for span in scan("see $0$x0$ and $5$y5$", config)] == ["x", "y"]


def test_delimiters_of_katex_are_short():
    long = "$" * 1_000
    entries = f"{{left: '{long}', right: '$', display: false}}, {{left: '[m]', right: '[e]', display: true}}"
    config = page_config(turbohtml.parse(f"<script>renderMathInElement(b, {{delimiters: [{entries}]}})</script>"))
    assert ("[m]", "[e]") in config.display
    assert all(len(left) < 100 for left, _ in config.inline)
