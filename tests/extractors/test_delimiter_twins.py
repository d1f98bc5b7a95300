"""Formulas between delimiters and formulas in normal form: the part in C and its definition in Python find the same.

Texts are made of what decides: marks of all kinds, what prices, words and commands look like, characters of all widths.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.layout import hot
from extractors.layout.native import NATIVE, twin
from extractors.math.normal import _normal

needs_twin = pytest.mark.skipif(not NATIVE, reason="extractors/layout/c is not built: no C compiler")

MARKS = (
    "\\\\(",
    "\\\\)",
    "\\\\",
    "$latex ",
    "\\begin{foo}",
    "\\end{foo}",
    "[tex]",
    "[/tex]",
    "$$",
    "\\(",
    "\\)",
    "\\[",
)
MARKS += ("\\]", "$`", "`$", "\\begin{align}", "`", "¤", "\n\n\n", "\\{", "\\}", "\\$", "\\`", "{", "}", "$")
CLOSING = {"\\\\(": "\\\\)", "$latex ": "$", "[tex]": "[/tex]", "$$": "$$", "\\(": "\\)", "\\[": "\\]", "$`": "`$"}
CLOSING |= {"`": "`", "¤": "¤", "\\begin{foo}": "x", "\\end{foo}": "$", "{": "}", "\n\n\n": "\n\n\n"}
SETS = (frozenset(("$$", "\\[")), frozenset(("$$", "\\[")), frozenset(("`",)))
ENVIRONMENTS = ("align", "cases", "equation")

_PARTS = r"""
$ $ $ $$ \( \) \[ \] \\ \\( \\) { } \{ \} \$ ` $` `$ ¤ \begin{align} \end{align} \begin{align*} \end{align*} \begin{foo}
\end{foo} \begin{cases} \end{cases} \begin{ \en [tex] [/tex] x y^2 _ \frac \alpha \, \a \ab \text{if~so} \text{ \mbox{b}
5 1,000 .5 two~words word-word ~ ~~ and - + = ≤ · --x -(x) f(x) ( ) < > HOME PATH/ / ' é α Ω ² ½ ٣ 😀
"""
PARTS = [part.replace("~", " ") for part in _PARTS.split()]
PARTS += ["\n", "\n\n", "\n \t\n", " ", "\u2028", "\x1c", "\x85", "\u3000", "\0"]
PARTS += [f"\\{name}{space}{{align}}" for name in ("begin", "end") for space in " \n\u2003\u205f\x1f"]
texts = st.lists(st.sampled_from(PARTS), max_size=40).map("".join)

TEX_PARTS = r"""
x y_1 \alpha { } ~ % $ <b <br/> < CD CDATA ]]> <![CDATA[ [ ] [] \[ \] \( \) \\ \ \displaystyle \textstyle \inline
\scriptstyle{ \begin{math} \end{math} \begin{displaymath} \begingroup \endgroup [tex] [/tex] é \begin{array}[]
"""
formulas = st.lists(
    st.sampled_from([*TEX_PARTS.replace("~", " ").split(), " ", "\n", "\t", " \n", "\r", "\xa0", "\0", "\x1c"]),
    max_size=8,
).map("".join)


def pair() -> tuple[hot.Delimiters, hot.Delimiters]:
    return tuple(make(MARKS, CLOSING, *SETS, ENVIRONMENTS) for make in (hot.Delimiters, twin.Delimiters))


def assert_same_finds(text: str) -> None:
    python, native = pair()
    for dollar in (True, False, None):
        for environments in (True, False):
            assert native.find(text, dollar, environments) == python.find(text, dollar, environments)


@needs_twin
@given(texts)
def test_twins_find_the_same_formulas(text: str) -> None:
    assert_same_finds(text)


@needs_twin
@pytest.mark.parametrize("seed", range(40))
def test_twins_find_the_same_in_long_texts(seed: int) -> None:
    chance = random.Random(seed)
    few = chance.sample(PARTS, 6)
    assert_same_finds("".join(chance.choice(few) for _ in range(2_000)))


@needs_twin
@pytest.mark.parametrize(
    "text",
    [
        "\\[" * 900 + "{" * 900 + "\\]" * 900,
        *("$" + "x" * chars + "$ $y$" for chars in (3_998, 3_999, 4_000, 4_001)),
        *("\\[" + "x" * chars + "\\]" for chars in (39_999, 40_000, 40_001)),
        *("\\(" + "{}" * braces + "\\)" for braces in (198, 199, 200, 201)),
        *("\\[" + "{}" * braces + "\\]" for braces in (1_998, 1_999, 2_000, 2_001)),
        "$a$$b$" * 400 + "$$" * 400,
        "\\begin{align}" * 300 + "\\end{align}" * 300,
        "\\begin\u3000{cases} x \\end\u3000{cases} \\begin {cases} x \\end{cases}",
    ],
)
def test_twins_stop_at_the_same_place(text: str) -> None:
    assert_same_finds(text)


@pytest.mark.parametrize("make", [hot.Delimiters, twin.Delimiters])
@pytest.mark.parametrize(
    ("text", "dollar", "found"),
    [
        ("let $x$ and $$y$$", None, [("$", "x", 4, 7), ("$$", "y", 12, 17)]),
        ("$5 and $6", None, []),
        ("$5 and $6", True, []),
        ("$a$$b$", None, [("$", "a", 0, 3), ("$", "b", 3, 6)]),
        ("$x$", False, []),
        ("\\(a \\text{ $b$ } \\)", None, [("\\(", "a \\text{ $b$ } ", 0, 19)]),
        ("¤ any two words ¤", None, [("¤", " any two words ", 0, 17)]),
        ("$$ two words $$", None, []),
        ("\\begin {align}x\\end {align}", None, [("\\begin {align}", "x", 0, 27)]),
        ("$ $ \\( \\)", None, []),
    ],
)
def test_what_is_found(make: type[hot.Delimiters], text: str, dollar: bool | None, found: list[hot.Delimiters]) -> None:
    assert make(MARKS, CLOSING, *SETS, ENVIRONMENTS).find(text, dollar, True) == found


@needs_twin
def test_marks_out_of_shape_are_refused() -> None:
    for marks, names in ((("",), ()), ((7,), ()), (("$",), ("é",)), (("$",), ("x" * 16,)), (("$",), ("a",) * 65)):
        with pytest.raises(ValueError):
            twin.Delimiters(marks, {}, *SETS, names)


@given(formulas)
def test_plain_tex_is_in_normal_form(raw: str) -> None:
    plain = hot.plain_tex(raw)
    assert plain == twin.plain_tex(raw)
    assert plain is None or plain == _normal(raw)


@pytest.mark.parametrize("make", [hot.plain_tex, twin.plain_tex])
def test_which_formulas_are_plain(make: object) -> None:
    assert callable(make)
    assert make(" \\frac{a}{b}\n") == "\\frac{a}{b}"
    assert make("a\n+ b") == "a\n+ b"
    for odd in ("\\displaystyle x", "{ \\displaystyle x}", "$x$", "a % b", "a\n\nb", "x\\", "\\[x\\]", "é", "<br>"):
        assert make(odd) is None
