"""MathJax 2 CommonHTML boxes: MathML's names as classes (`mjx-msubsup`), characters as text, fonts as classes."""

from __future__ import annotations

from turbohtml import Element

from extractors.math.boxes import (
    BRACES,
    PRIVATE_GLYPHS,
    assembled,
    fold,
    limited,
    padded,
    phantom,
    plain_table,
    rest,
    role,
    row,
    scripted,
    splice,
    styled_space,
    table_cell,
    table_row,
)
from extractors.math.math_node import MathNode

_TOKENS = {"mjx-mi": "mi", "mjx-mo": "mo", "mjx-mn": "mn", "mjx-mtext": "mtext", "mjx-ms": "ms"}
_NOTHING = frozenset({"mjx-vsize", "mjx-strut", "mjx-surd", "mjx-hr", "mjx-sizer", "mjx-label"})
_GROUPS = frozenset({"mjx-mrow", "mjx-texatom", "mjx-mstyle", "mjx-math", "mjx-merror", "mjx-TeXmathchoice"})
_ROLES = frozenset(
    {
        "mjx-base",
        "mjx-sub",
        "mjx-presub",
        "mjx-presup",
        "mjx-sup",
        "mjx-over",
        "mjx-under",
        "mjx-op",
        "mjx-numerator",
        "mjx-denominator",
        "mjx-root",
    }
)
_LINES = frozenset("-−–")
_FONTS = (
    ("cal-B", "bold-script"),
    ("cal", "script"),
    ("script", "script"),
    ("frak-B", "bold-fraktur"),
    ("frak", "fraktur"),
    ("ams", ""),
    ("math-BI", "bold-italic"),
    ("main-B", "bold"),
    ("sans", "sans-serif"),
    ("type", "monospace"),
    ("main-I", "italic"),
    ("main-R", "normal"),
)


def to_tree(boxes: Element) -> MathNode | None:
    """`.mjx-math` as a tree of MathML nodes; None when it is larger than any formula."""
    return fold(boxes, _visit)


def _name(element: Element) -> str:
    """The class that says what the box is."""
    names = (element.attr("class") or "").split()
    return next((name for name in names if name.startswith("mjx-")), "")


def _visit(element: Element, kids: list[MathNode]) -> MathNode | None:
    name = _name(element)
    if name in _NOTHING:
        return None
    if name == "mjx-line":
        return MathNode("line")
    if name in _TOKENS:
        return _token(element, _TOKENS[name])
    if name in _GROUPS:
        return MathNode("mrow", "", {}, [kid for kid in kids if kid.tag != "line"])
    if name in _ROLES:
        return MathNode(name[4:], "", {}, kids)
    if name == "mjx-mpadded":
        return padded(element, [kid for kid in kids if kid.tag != "line"])
    structure = _STRUCTURES.get(name)
    return structure(element, kids) if structure is not None else splice(kids)


def _token(element: Element, tag: str) -> MathNode:
    glyphs = element.select(".mjx-char, .mjx-charbox")
    fonts = " ".join(glyph.attr("class") or "" for glyph in glyphs)
    text = element.text.translate(PRIVATE_GLYPHS)
    stretched = "size" in fonts or element.select_one(".mjx-delim-v, .mjx-delim-h") is not None
    if tag == "mo":
        if stretched:
            text = "".join(text.split())
            text = BRACES.get(text[:1]) or assembled(text)
        attrs = {"fence": "true"} if not text.strip() else {} if stretched else {"stretchy": "false"}
        return MathNode("mo", text, attrs)
    variant = next((variant for font, variant in _FONTS if f"TeX-{font}" in fonts), "")
    if "TeX-ams" in fonts and tag == "mi" and text.strip().isascii() and text.strip().isalpha():
        variant = "double-struck"
    if tag in ("mn", "mtext") and variant == "normal":
        variant = ""
    attrs = {"mathvariant": variant} if variant else {}
    if tag == "mtext":
        attrs["raw"] = "true"  # MathJax 2 shows the commands inside \\text as they were written
    if "color: red" in (element.attr("style") or ""):
        attrs["mathcolor"] = "red"
    return MathNode(tag, text, attrs)


def _scripts(_element: Element, kids: list[MathNode]) -> MathNode:
    base = role(kids, "base") or rest(kids, "sub", "sup")
    return scripted(base, role(kids, "sub"), role(kids, "sup"))


def _multiscripts(_element: Element, kids: list[MathNode]) -> MathNode:
    """Scripts on both sides of a base."""
    names = ("presub", "presup", "sub", "sup")
    parts = [role(kids, name) or MathNode("mrow") for name in names]
    base = role(kids, "base") or rest(kids, *names)
    return MathNode("mmultiscripts", "", {}, [base, *parts[2:], MathNode("mprescripts"), *parts[:2]])


def _limits(element: Element, kids: list[MathNode]) -> MathNode:
    if any(kid.tag in ("sub", "sup") for kid in kids):
        return _scripts(element, kids)
    base = role(kids, "op") or rest(kids, "over", "under")
    under = role(kids, "under")
    if under is not None and under.char() in _LINES and "stretchy" not in under.core().attrs:
        under = MathNode("mo", "_")  # before 2.7 an underline is a stretched minus
    return limited(base, under, role(kids, "over"))


def _fraction(_element: Element, kids: list[MathNode]) -> MathNode:
    top, bottom = role(kids, "numerator"), role(kids, "denominator")
    if top is None or bottom is None:
        return row([kid for kid in kids if kid.tag != "line"])
    lined = any(kid.tag == "line" for kid in kids)
    return MathNode("mfrac", "", {} if lined else {"linethickness": "0"}, [top, bottom])


def _square_root(_element: Element, kids: list[MathNode]) -> MathNode:
    return MathNode("msqrt", "", {}, kids)


def _root(_element: Element, kids: list[MathNode]) -> MathNode:
    return MathNode("mroot", "", {}, [rest(kids, "root"), role(kids, "root") or row([])])


def _enclose(element: Element, kids: list[MathNode]) -> MathNode:
    lines = element.select("line")
    notations = []
    for line in lines:
        rising = (line.attr("y1") or "0") > (line.attr("y2") or "0")
        notations.append("updiagonalstrike" if rising else "downdiagonalstrike")
    notation = " ".join(notations) if notations else "box"
    return MathNode("menclose", "", {"notation": notation}, [kid for kid in kids if kid.tag != "line"])


_STRUCTURES = {
    "mjx-msubsup": _scripts,
    "mjx-msub": _scripts,
    "mjx-msup": _scripts,
    "mjx-mmultiscripts": _multiscripts,
    "mjx-munderover": _limits,
    "mjx-munder": _limits,
    "mjx-mover": _limits,
    "mjx-mfrac": _fraction,
    "mjx-msqrt": _square_root,
    "mjx-mroot": _root,
    "mjx-mtable": plain_table,
    "mjx-mtr": table_row,
    "mjx-mlabeledtr": table_row,
    "mjx-mtd": table_cell,
    "mjx-menclose": _enclose,
    "mjx-mspace": styled_space,
    "mjx-mphantom": phantom,
}
