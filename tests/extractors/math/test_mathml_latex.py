"""MathML structure to LaTeX, expected values written by hand from MathML 3 and LaTeX's manual."""

import pytest
import turbohtml

from extractors.math.mathml import markup_source_to_latex, mathml_to_latex


def latex(markup: str) -> str | None:
    return mathml_to_latex(turbohtml.parse(f"<math>{markup}</math>").select_one("math"))


X, N, TWO = "<mi>x</mi>", "<mi>n</mi>", "<mn>2</mn>"
TABLE = "<mtable><mtr><mtd><mi>a</mi></mtd><mtd><mi>b</mi></mtd></mtr><mtr><mtd><mi>c</mi></mtd><mtd><mi>d</mi></mtd></mtr></mtable>"


@pytest.mark.parametrize(
    ("markup", "tex"),
    [
        (f"<msup>{X}{TWO}</msup>", "x^{2}"),
        (f"<msubsup>{X}{N}{TWO}</msubsup>", "x_{n}^{2}"),
        (f"<msup>{X}<mo>′</mo></msup>", "x'"),
        (f"<msup>{X}<mrow><mo>′</mo><mo>′</mo></mrow></msup>", "x''"),
        (f"<mfrac>{X}{TWO}</mfrac>", "\\frac{x}{2}"),
        (f"<mroot>{X}<mn>3</mn></mroot>", "\\sqrt[3]{x}"),
        (f"<msqrt>{X}<mo>+</mo><mn>1</mn></msqrt>", "\\sqrt{x+1}"),
        ("<mi>α</mi><mi>x</mi>", "\\alpha x"),
        ("<mi>sin</mi><mo>&#x2061;</mo><mi>x</mi>", "\\sin x"),
        ("<mi>lcm</mi><mo>&#x2061;</mo><mi>x</mi>", "\\operatorname{lcm}x"),
        ('<mi mathvariant="bold">x</mi>', "\\mathbf{x}"),
        ("<mi>ℝ</mi><mi>𝐱</mi><mi>𝔤</mi><mi>ℒ</mi>", "\\mathbb{R}\\mathbf{x}\\mathfrak{g}\\mathcal{L}"),
        ('<mstyle mathvariant="double-struck"><mi>R</mi></mstyle>', "\\mathbb{R}"),
        ('<mi mathvariant="normal">d</mi><mi>x</mi>', "\\mathrm{d}x"),
        ("<mo>≤</mo><mo>∈</mo><mo>−</mo><mo>×</mo>", "\\leq\\in-\\times"),
        ("<mo>≠</mo>", "\\neq"),
        ("<mn>1,024</mn>", "1{,}024"),
        ("<mtext>if </mtext><mi>x</mi><mo>&lt;</mo><mn>5</mn>", "\\text{if }x<5"),
        ("<mtext>50% of $x_1</mtext>", "\\text{50\\% of \\$x\\_1}"),
        ("<mover><mi>x</mi><mo>^</mo></mover>", "\\hat{x}"),
        ("<mover><mrow><mi>A</mi><mi>B</mi></mrow><mo>→</mo></mover>", "\\overrightarrow{AB}"),
        ("<mover><mi>v</mi><mo>→</mo></mover>", "\\vec{v}"),
        (f"<munder><munder><mrow>{X}<mo>+</mo>{N}</mrow><mo>⏟</mo></munder>{N}</munder>", "\\underbrace{x+n}_{n}"),
        ("<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi></munderover>", "\\sum_{i=1}^{n}"),
        ("<munder><mi>lim</mi><mi>n</mi></munder>", "\\lim_{n}"),
        ("<munder><mi>argmax</mi><mi>n</mi></munder>", "\\operatorname*{argmax}_{n}"),
        ("<mover><mo>→</mo><mi>f</mi></mover>", "\\xrightarrow{f}"),
        ("<mover><mo>=</mo><mtext>def</mtext></mover>", "\\overset{\\text{def}}{=}"),
        (f"<mrow><mo>(</mo>{TABLE}<mo>)</mo></mrow>", "\\begin{pmatrix} a & b \\\\ c & d \\end{pmatrix}"),
        (f"<mrow><mo>{{</mo>{TABLE}</mrow>", "\\begin{cases} a & b \\\\ c & d \\end{cases}"),
        (
            TABLE.replace("<mtable>", '<mtable columnalign="right left">'),
            "\\begin{aligned} a & b \\\\ c & d \\end{aligned}",
        ),
        ("<mrow><mo>(</mo><mfrac><mn>1</mn><mn>2</mn></mfrac><mo>)</mo></mrow>", "\\left(\\frac{1}{2}\\right)"),
        ('<mrow><mo stretchy="false">(</mo><mi>x</mi><mo stretchy="false">)</mo></mrow>', "(x)"),
        ("<mrow><mo>(</mo><mfrac linethickness='0'><mi>n</mi><mi>k</mi></mfrac><mo>)</mo></mrow>", "\\binom{n}{k}"),
        ('<mfenced open="[" close=")"><mi>a</mi><mi>b</mi></mfenced>', "[a,b)"),
        (
            "<mmultiscripts><mi>X</mi><mi>c</mi><none/><mprescripts/><mi>a</mi><mi>b</mi></mmultiscripts>",
            "{}_{a}^{b}X_{c}",
        ),
        ('<menclose notation="box"><mi>x</mi></menclose>', "\\boxed{x}"),
        ('<menclose notation="updiagonalstrike"><mi>x</mi></menclose>', "\\cancel{x}"),
        ("<mphantom><mi>x</mi></mphantom><mi>y</mi>", "\\phantom{x}y"),
        ('<mi>a</mi><mspace width="1em"></mspace><mi>b</mi>', "a\\quad b"),
        ("<msup><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mn>2</mn></msup>", "{a+b}^{2}"),
        ("<mrow></mrow>", ""),
    ],
)
def test_structure(markup, tex):
    assert latex(markup) == tex


def test_markup_in_an_attribute_and_in_wiris_quotes():
    assert markup_source_to_latex("<math><mi>x</mi></math>") == "x"
    assert markup_source_to_latex("«math»«msup»«mi»x«/mi»«mn»2«/mn»«/msup»«/math»") == "x^{2}"
    assert markup_source_to_latex("no markup") is None


def test_deeper_than_any_formula_is_none():
    assert latex("<mrow>" * 1000 + "<mi>x</mi>" + "</mrow>" * 1000) is None


@pytest.mark.parametrize(
    ("markup", "tex"),
    [
        ("<apply><plus/><ci>a</ci><cn>2</cn></apply>", "a+2"),
        ("<apply><times/><apply><plus/><ci>a</ci><ci>b</ci></apply><ci>c</ci></apply>", "(a+b)c"),
        ("<apply><minus/><ci>a</ci><apply><minus/><ci>b</ci><ci>c</ci></apply></apply>", "a-(b-c)"),
        ("<apply><divide/><ci>a</ci><pi/></apply>", "\\frac{a}{\\pi}"),
        ("<apply><power/><ci>x</ci><cn>2</cn></apply>", "x^{2}"),
        ("<apply><eq/><apply><sin/><ci>x</ci></apply><cn>0</cn></apply>", "\\sin(x)=0"),
        ("<apply><root/><ci>x</ci></apply>", "\\sqrt{x}"),
        ("<cn type='rational'>1<sep/>2</cn>", "\\frac{1}{2}"),
        (
            "<apply><sum/><bvar><ci>i</ci></bvar><lowlimit><cn>1</cn></lowlimit><uplimit><ci>n</ci></uplimit><ci>i</ci></apply>",
            "\\sum_{i=1}^{n}i",
        ),
    ],
)
def test_content_markup(markup, tex):
    assert latex(markup) == tex
