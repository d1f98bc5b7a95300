"""Scripts and limits of MathML as LaTeX: sub, sup, under, over, accents, braces, arrows, prescripts."""

from __future__ import annotations

import re

from extractors.math.math_node import ROWS, TOKENS, MathNode, group
from extractors.math.math_tables import substack
from extractors.math.math_tokens import join
from pipeline.text.latex.symbols import (
    ACCENTS_OVER,
    ACCENTS_UNDER,
    BIG_OPERATORS,
    EXTENSIBLE_ARROWS,
    FUNCTIONS,
    INTEGRALS,
    LIMIT_FUNCTIONS,
    WIDE_ACCENT,
)

_PRIMES = re.compile(r"(?:\\prime\s*)+$|'+$")
_MORE_OVER = {"‵": "grave", "⟵": "overleftarrow", "⟶": "overrightarrow", "⟷": "overleftrightarrow", "˙˙˙": "dddot"}
_MORE_OVER |= {"...": "dddot", "⃛": "dddot", "....": "ddddot", "˙˙˙˙": "ddddot"}
_MORE_UNDER = {"⟵": "underleftarrow", "⟶": "underrightarrow", "⟷": "underleftrightarrow"}
_LABELLED = ("\\overbrace", "\\underbrace", "\\overbracket", "\\underbracket", "\\overparen", "\\underparen")
_SIMPLE = TOKENS | {"mfrac", "msqrt", "mroot", "mover", "munder", "mtable", "menclose"}


def _kid(node: MathNode, index: int) -> MathNode:
    return node.kids[index] if index < len(node.kids) else group("mrow")


def _base(node: MathNode) -> str:
    """The base as LaTeX lets a script follow it."""
    if not node.tex:
        return "{}"
    core = node.core()
    if core.tag in _SIMPLE:
        return node.tex
    if core.tag in ROWS and _closes(core):
        return node.tex
    return f"{{{node.tex}}}"


def _closes(node: MathNode) -> bool:
    """A row that ends with its closing fence carries scripts as it stands."""
    kids = [kid for kid in node.kids if not kid.is_blank()]
    last = kids[-1].core() if kids else node
    return last.tag == "mo" and last.text in (")", "]", "}", "|", "⟩", "‖") and kids[0].core().tag == "mo"


def _sup(tex: str) -> str:
    if not tex:
        return ""
    if _PRIMES.match(tex):
        return "'" * (tex.count("\\prime") or len(tex))
    return f"^{{{tex}}}"


def _sub(tex: str) -> str:
    return f"_{{{tex}}}" if tex else ""


def _script_tex(node: MathNode) -> str:
    return substack(node.core()) if node.core().tag == "mtable" else node.tex


def _drop_application(node: MathNode) -> None:
    """KaTeX before 0.12 leaves the invisible "function application" among base and scripts."""
    if len(node.kids) > (3 if node.tag in ("msubsup", "munderover") else 2):
        node.kids = [kid for kid in node.kids if kid.text != "\u2061"]


def scripts(node: MathNode) -> str:
    """`msub`, `msup`, `msubsup`."""
    _drop_application(node)
    base = _kid(node, 0)
    sub = _script_tex(_kid(node, 1)) if node.tag != "msup" else ""
    sup = _script_tex(_kid(node, 1 if node.tag == "msup" else 2)) if node.tag != "msub" else ""
    if not sub and not sup:
        return base.tex
    core = base.core()
    if _can_add(core, sub=sub, sup=sup):
        return base.tex + _sub(sub) + _sup(sup)
    return _base(base) + _sub(sub) + _sup(sup)


def _can_add(core: MathNode, *, sub: str, sup: str) -> bool:
    """`x_{a}` may take a superscript without braces, `x^{2}` a subscript."""
    if core.tag == "msub":
        return bool(sup) and not sub
    return core.tag == "msup" and bool(sub) and not sup and not core.tex.endswith("'")


def limits(node: MathNode) -> str:
    """`munder`, `mover`, `munderover`: accents, braces, arrows, limits, stacked symbols, in that order."""
    _drop_application(node)
    base = _kid(node, 0)
    under = _kid(node, 1) if node.tag != "mover" else None
    over = _kid(node, 1 if node.tag == "mover" else 2) if node.tag != "munder" else None
    return _limits(base, under, over)


def _limits(base: MathNode, under: MathNode | None, over: MathNode | None) -> str:
    if over is not None and (accent := _accent(over, ACCENTS_OVER, base, is_over=True)):
        inner = MathNode("mover", tex=accent, kids=[base, over])
        return _limits(inner, under, None) if under is not None else accent
    if under is not None and (accent := _accent(under, ACCENTS_UNDER, base, is_over=False)):
        inner = MathNode("munder", tex=accent, kids=[base, under])
        return _limits(inner, None, over) if over is not None else accent
    below = _script_tex(under) if under is not None else ""
    above = _script_tex(over) if over is not None else ""
    if not below and not above:
        return base.tex
    char = base.char()
    if (base.tex, above) == ("\\leftharpoondown-", "-\\rightharpoonup"):  # how mhchem draws it in MathJax 3
        return "\\rightleftharpoons"
    if base.tex.startswith(_LABELLED):
        return base.tex + _sub(below) + _sup(above)
    arrow = EXTENSIBLE_ARROWS.get(char)
    if arrow is not None and char != "=":
        return f"\\{arrow}{f'[{below}]' if below else ''}{{{above}}}"
    return _operator_limits(base, char, below, above) or _stacked(base, below, above)


def _operator_limits(base: MathNode, char: str, below: str, above: str) -> str | None:
    if char in BIG_OPERATORS:
        return base.tex + _sub(below) + _sup(above)
    if char in INTEGRALS:
        return base.tex + "\\limits" + _sub(below) + _sup(above)
    if base.tex[1:] in LIMIT_FUNCTIONS:
        return base.tex + _sub(below) + _sup(above)
    if base.tex[1:] in FUNCTIONS and base.tex[0] == "\\":
        return f"\\operatorname*{{{base.tex[1:]}}}" + _sub(below) + _sup(above)
    if base.tex.startswith("\\operatorname{"):
        return "\\operatorname*" + base.tex[13:] + _sub(below) + _sup(above)
    if char.isascii() and len(char) > 1 and char.isalpha() and base.core().tag in ("mi", "mo", "mtext"):
        return f"\\operatorname*{{{char}}}" + _sub(below) + _sup(above)
    return None


def _stacked(base: MathNode, below: str, above: str) -> str:
    tex = base.tex
    if above:
        tex = f"\\overset{{{above}}}{{{tex}}}"
    return f"\\underset{{{below}}}{{{tex}}}" if below else tex


def _accent(mark: MathNode, names: dict[str, str], base: MathNode, *, is_over: bool) -> str | None:
    core = mark.core()
    if core.tag not in TOKENS:
        return None
    char = core.text.strip()
    command = names.get(char) or (_MORE_OVER.get(char) if is_over else _MORE_UNDER.get(char))
    if command is None:
        return None
    if base.char() in EXTENSIBLE_ARROWS and char not in "^~":
        return None
    if is_over and base.tex and _is_wide(core, base):
        command = WIDE_ACCENT.get(command, command)
    return f"\\{command}{{{base.tex}}}"


def _is_wide(mark: MathNode, base: MathNode) -> bool:
    if mark.attrs.get("stretchy") == "false":
        return False
    char = base.char()
    return len(char) != 1 or (mark.attrs.get("stretchy") == "true" and len(char) != 1)


def multiscripts(node: MathNode) -> str:
    """`mmultiscripts`: prescripts hang on an empty base in front, postscripts on the base."""
    kids = node.kids
    split = next((i for i, kid in enumerate(kids) if kid.tag == "mprescripts"), len(kids))
    base = kids[0] if kids and split > 0 else group("mrow")
    before, after = kids[split + 1 :], kids[1:split]
    tex = join([_columns("{}", before), _base(base) if after else base.tex])
    return _columns(tex, after)


def _columns(base: str, pairs: list[MathNode]) -> str:
    """`base` with (sub, sup) pairs, each further pair on an empty base so that columns stay apart."""
    tex = ""
    for index in range(0, len(pairs), 2):
        sub = pairs[index].tex
        sup = pairs[index + 1].tex if index + 1 < len(pairs) else ""
        if sub or sup:
            tex += (base if not tex else "{}") + _sub(sub) + _sup(sup)
    return tex or ("" if base == "{}" else base)
