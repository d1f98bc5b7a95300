"""MathJax 1 and 2 HTML-CSS boxes: MathML's names as classes, parts placed by `top` in absolute boxes.

Every placed box holds a strut; its height and the box's `top` give the height of the baseline. From that come sub or
sup, numerator or denominator, limits and the rows of a table. Characters are text, alphabets are font families.
"""

from __future__ import annotations

import re

from turbohtml import Element, Text

from extractors.math.boxes import BRACES, PRIVATE_GLYPHS, assembled, fold, in_pieces, limited, row, scripted, splice
from extractors.math.drawn_tables import nearest, row_heights, ruled
from extractors.math.math_node import MathNode

_TOKENS = frozenset({"mi", "mo", "mn", "mtext", "ms"})
_GROUPS = frozenset({"mrow", "texatom", "mstyle", "mpadded", "TeXmathchoice", "math", "merror", "semantics", "maction"})
_LENGTH = re.compile(r"(?:^|[;\s])(top|height|width|left):\s*(-?\d{0,6}(?:\.\d{1,24})?)(em|%|px)")
_STROKE = re.compile(r"border-left:\s*(\d{1,6}(?:\.\d{1,24})?)em\s+solid")
_MIN_STROKE_EM = 0.01
_FAMILY = re.compile(r"font-family:\s*([^;]{1,200})")
_FONTS = (
    ("Caligraphic-bold", "bold-script"),
    ("Caligraphic", "script"),
    ("Script", "script"),
    ("Fraktur-bold", "bold-fraktur"),
    ("Fraktur", "fraktur"),
    ("DoubleStruck", "double-struck"),
    ("AMS", "ams"),
    ("Math-bold-italic", "bold-italic"),
    ("BoldItalic", "bold-italic"),
    ("Main-bold", "bold"),
    ("General-bold", "bold"),
    ("SansSerif-bold", "bold-sans-serif"),
    ("SansSerif", "sans-serif"),
    ("Typewriter", "monospace"),
    ("Monospace", "monospace"),
    ("italic", "italic"),
    ("Main", "normal"),
)
_MIN_RISE_EM = -0.02  # a wide tilde may stand at the height of its base


def to_tree(boxes: Element) -> MathNode | None:
    """`span.math` as a tree of MathML nodes; None when it is larger than any formula."""
    return fold(boxes, _visit)


def _visit(element: Element, kids: list[MathNode]) -> MathNode | None:
    if element.tag == "line":
        rising = (element.attr("y1") or "0") > (element.attr("y2") or "0")
        return MathNode("strike", "updiagonalstrike" if rising else "downdiagonalstrike")
    name = next((name for name in (element.attr("class") or "").split() if name in _KNOWN), "")
    style = element.attr("style") or ""
    if name in _TOKENS:
        return _token(element, name, style)
    if name in _GROUPS:
        return MathNode("mrow", "", {}, _content(kids))
    if name:
        return _STRUCTURES[name](element, kids)
    return _box(element, style, kids)


def _box(element: Element, style: str, kids: list[MathNode]) -> MathNode | None:
    """A span without a name: a placed box, a strut, a rule, or only room."""
    lengths = {name: (float(value), unit) for name, value, unit in _LENGTH.findall(style) if value.strip("-.")}
    if "border" in style and "solid" in style and not kids:
        return _rule(style, lengths)
    if not kids and lengths.get("width") == (0.0, "px") and "height" in lengths:
        return MathNode("strut", "", {"height": str(lengths["height"][0])})
    if "absolute" in style:
        strut = next((float(kid.attrs["height"]) for kid in kids if kid.tag == "strut"), 0.0)
        above = -lengths.get("top", (0.0, ""))[0] - strut
        inside = [kid for kid in kids if kid.tag != "strut"]
        side = "center" if "50%" in style else "right" if "right:" in style else "left"
        return MathNode("item", side, {"above": f"{above:.4f}"}, inside)
    text = "".join(child.data for child in element.children if isinstance(child, Text)).strip()
    return MathNode("glyph", text) if text else splice(kids)


def _rule(style: str, lengths: dict[str, tuple[float, str]]) -> MathNode | None:
    if "border-left: 0px" in style:
        return None
    above = f"{-lengths.get('top', (0.0, ''))[0]:.4f}"
    stroke = _STROKE.search(style)
    if stroke and "border:" not in style and lengths.get("width") == (0.0, "px"):  # before 2.6 a line is a wide border
        height, unit = lengths.get("height", (0.0, "em"))
        if float(stroke.group(1)) > height * (1 / 16 if unit == "px" else 1.0):
            return MathNode("rule", "solid", {"above": above})
        if float(stroke.group(1)) < _MIN_STROKE_EM:
            return None
    if "border-top:" in style and "border-left:" not in style:
        return MathNode("rule", "dashed" if "dashed" in style else "solid", {"above": above})
    left = f"{lengths.get('left', (0.0, ''))[0]:.4f}"
    return MathNode("frame" if "border:" in style else "separator", "solid", {"left": left})


def _token(element: Element, tag: str, style: str) -> MathNode:
    parts = [part.attr("style") or "" for part in element.iter_elements()]
    text = element.text.translate(PRIVATE_GLYPHS)
    if tag == "mo":
        text = "".join(text.split())
        pieces = any("absolute" in part for part in parts)
        text = BRACES.get(text[:1], assembled(text) if pieces or in_pieces(text) else text)
        big = pieces or any("MathJax_Size" in part for part in (style, *parts))
        attrs = {"fence": "true"} if not text else {} if big else {"stretchy": "false"}
        return MathNode("mo", text, attrs | ({"small": "true"} if "font-size" in style else {}))
    family = _FAMILY.search(" ".join((style, *parts)))
    variant = next((variant for font, variant in _FONTS if family and font in family.group(1)), "")
    if variant == "ams":
        variant = "double-struck" if text.isascii() and text.strip().isalpha() else ""
    if tag in ("mn", "mtext") and variant == "normal":
        variant = ""
    attrs = {"mathvariant": variant} if variant else {}
    if tag == "mtext":
        attrs["raw"] = "true"  # the commands inside \\text are shown as they were written
    if "color: red" in style:
        attrs["mathcolor"] = "red"
    return MathNode(tag, text, attrs)


def _content(kids: list[MathNode]) -> list[MathNode]:
    """What stands in a row: placed boxes stand for what is in them, rules and stray glyphs for nothing."""
    out: list[MathNode] = []
    for kid in kids:
        if kid.tag == "item":
            out.extend(node for node in kid.kids if node.tag not in _MARKS)
        elif kid.tag not in _MARKS:
            out.append(kid)
    return out


_MARKS = frozenset({"strut", "rule", "separator", "frame", "glyph", "strike", "item"})


def _items(kids: list[MathNode]) -> list[MathNode]:
    """Placed boxes with something of the formula in them, in source order."""
    return [kid for kid in kids if kid.tag == "item" and any(node.tag not in _MARKS for node in kid.kids)]


def _one(item: MathNode) -> MathNode:
    return row(_content(item.kids))


def _above(item: MathNode) -> float:
    return float(item.attrs["above"])


def _scripts(_element: Element, kids: list[MathNode]) -> MathNode:
    items = _items(kids)
    if not items:
        return row(_content(kids))
    ordered = sorted(items[1:3], key=_above)
    if len(ordered) == 2:
        return scripted(_one(items[0]), _one(ordered[0]), _one(ordered[1]))
    script = _one(ordered[0]) if ordered else None
    raised = bool(ordered) and _above(ordered[0]) > _above(items[0])
    return scripted(_one(items[0]), None if raised else script, script if raised else None)


def _limits(_element: Element, kids: list[MathNode]) -> MathNode:
    items = _items(kids)
    if not items:
        return row(_content(kids))
    under = over = None
    for item in items[1:3]:
        part = _one(item)
        if _above(item) - _above(items[0]) >= _MIN_RISE_EM or _is_accent(part):
            over = part
        else:
            under = MathNode("mo", "_") if part.text in _LINES and "small" not in part.attrs else part
    return limited(_one(items[0]), under, over)


_ACCENTS = frozenset("^ˆ~˜ˇ˘˙¨´ˊ`ˋ˚¯ˉ⃗")
_LINES = frozenset("-−–")  # an underline of one glyph


def _is_accent(mark: MathNode) -> bool:
    """Whether a mark is an accent, which stands low over a low base such as an ellipsis."""
    return mark.tag == "mo" and mark.text in _ACCENTS and "small" not in mark.attrs


def _fraction(_element: Element, kids: list[MathNode]) -> MathNode:
    items = sorted(_items(kids), key=_above)
    if len(items) < 2:
        return row(_content(kids))
    lined = any(node.tag == "rule" for kid in kids if kid.tag == "item" for node in kid.kids)
    return MathNode("mfrac", "", {} if lined else {"linethickness": "0"}, [_one(items[-1]), _one(items[0])])


def _root(element: Element, kids: list[MathNode]) -> MathNode:
    items = _items(kids)
    if len(items) > 1 and "mroot" in (element.attr("class") or ""):
        return MathNode("mroot", "", {}, [_one(items[0]), _one(items[-1])])
    return MathNode("msqrt", "", {}, [_one(items[0])] if items else _content(kids))


def _table(_element: Element, kids: list[MathNode]) -> MathNode:
    placed = _columns(kids)
    heights = row_heights([height for column in placed for height, _ in column])
    cells = [{nearest(heights, height): item for height, item in column} for column in placed]
    rows = []
    for index, height in enumerate(heights):
        line = [MathNode("mtd", "", {}, _content(column[index].kids) if index in column else []) for column in cells]
        rows.append(MathNode("mtr", "", {"above": f"{height:.4f}"}, line))
    sides = [column[-1][1].text for column in placed]
    attrs = {"columnalign": " ".join(sides)} if len(set(sides)) > 1 or sides[:1] != ["center"] else {}
    table = MathNode("mtable", "", attrs, rows)
    if any(kid.tag == "frame" for kid in kids):
        table.attrs["frame"] = "solid"
    return ruled(table, [(_above(kid), kid.text) for kid in kids if kid.tag == "rule"])


def _columns(kids: list[MathNode]) -> list[list[tuple[float, MathNode]]]:
    """(height, cell) of every column; a numbered or full-width table has boxes around its columns."""
    columns: list[list[tuple[float, MathNode]]] = []
    stack = [(kid, _above(kid)) for kid in reversed(kids) if kid.tag == "item"]
    while stack:
        item, above = stack.pop()
        inside = [(kid, above + _above(kid)) for kid in item.kids if kid.tag == "item"]
        cells = [(height, kid) for kid, height in inside if _is_cell(kid)]
        if cells:
            columns.append(cells)
        else:
            stack.extend(reversed(inside))
    return columns


def _is_cell(item: MathNode) -> bool:
    return item.tag == "item" and any(kid.tag == "mtd" for kid in item.kids)


def _cell(element: Element, kids: list[MathNode]) -> MathNode | None:
    number = (element.attr("id") or "").startswith("mjx-eqn")
    return None if number else MathNode("mtd", "", {}, _content(kids))


def _enclose(_element: Element, kids: list[MathNode]) -> MathNode:
    strikes = [node.text for kid in kids for node in (kid, *kid.kids) if node.tag == "strike"]
    boxed = any(kid.tag == "frame" for kid in kids)
    return MathNode("menclose", "", {"notation": " ".join(strikes) or ("box" if boxed else "none")}, _content(kids))


def _space(element: Element, _kids: list[MathNode]) -> MathNode:
    lengths = {name: f"{value}{unit}" for name, value, unit in _LENGTH.findall(element.attr("style") or "")}
    return MathNode("mspace", "", {"width": lengths.get("width", "")})


def _phantom(_element: Element, kids: list[MathNode]) -> MathNode:
    return MathNode("mphantom", "", {}, _content(kids))


_STRUCTURES = {
    "msubsup": _scripts,
    "msub": _scripts,
    "msup": _scripts,
    "munderover": _limits,
    "munder": _limits,
    "mover": _limits,
    "mfrac": _fraction,
    "msqrt": _root,
    "mroot": _root,
    "mtable": _table,
    "mtd": _cell,
    "menclose": _enclose,
    "mspace": _space,
    "mphantom": _phantom,
}
_KNOWN = _TOKENS | _GROUPS | frozenset(_STRUCTURES)
