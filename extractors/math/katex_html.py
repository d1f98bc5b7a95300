"""KaTeX's HTML boxes without MathML: vertical lists read by their offsets, classes for what a box is.

KaTeX stacks boxes in `.vlist`s; an item's height above the baseline is minus its `top` minus the strut's height in it.
From that come sub or sup, numerator or denominator, limits, rows. Class names are compared without the `katex-` that
newer versions put in front.
"""

from __future__ import annotations

import re
import unicodedata
from functools import partial

from turbohtml import Element, Text

from extractors.math.boxes import assembled, fold, limited, row, scripted, splice
from extractors.math.drawn_tables import column_lines, nearest, row_heights, ruled
from extractors.math.katex_leaves import is_text, leaf_of, text_font
from extractors.math.katex_shapes import CONTOURS, RULE, combined, shape_of
from extractors.math.math_node import MathNode

_NOTHING = frozenset(
    {"strut", "pstrut", "vlist-s", "arraycolsep", "fix", "tag", "rule", "nulldelimiter-", "katex-mathml"}
)
_WORDS = frozenset({"mi", "mo", "mn", "mtext", "mrow"})
_EM = re.compile(r"(-?\d{0,6}(?:\.\d{1,24})?)em")
_MAX_READS = 8  # of each character of a formula by nested leaves; KaTeX itself nests them once or twice
_SLASH = "\ue020"  # KaTeX's glyph for \not


def to_tree(boxes: Element) -> MathNode | None:
    """`.katex-html` as a tree of MathML nodes; None when it is larger than any formula."""
    left = [_MAX_READS * len(boxes.text) + 1000]
    root = fold(boxes, partial(_visit, left))
    return row(_joined(root.kids)) if root is not None and left[0] >= 0 else None


def _classes(element: Element) -> list[str]:
    return [name.removeprefix("katex-") for name in (element.attr("class") or "").split()]


def _visit(left: list[int], element: Element, kids: list[MathNode]) -> MathNode | None:
    """`left[0]`: characters that leaves may still read; nested boxes with text at every level read all below anew."""
    if element.tag in ("svg", "line", "path"):
        return _shape(element, kids)
    names = _classes(element)
    style = element.attr("style") or ""
    if not _NOTHING.isdisjoint(names) or "color:transparent" in style:
        return _strut(style) if "pstrut" in names else None
    if "accent-body" in names:
        return MathNode("accent", "", {}, kids or _letter(element))
    text = _own_text(element)
    if text and all(kid.tag in _WORDS or (kid.tag == "mspace" and "mop" in names) for kid in kids):
        left[0] -= len(element.text)
        return leaf_of(element.text.replace("\u200b", ""), names) if left[0] >= 0 else None
    for name in names:
        reader = _READERS.get(name)
        if reader is not None:
            return reader(names, style, kids)
    if "vlist" in names:
        return splice([kid for kid in kids if kid.tag == "item"])
    return _item(names, style, kids)


def _own_text(element: Element) -> str:
    return "".join(child.data for child in element.children if isinstance(child, Text)).replace("\u200b", "")


def _strut(style: str) -> MathNode:
    return MathNode("strut", "", {"height": _em(style, "height:")})


def _em(style: str, name: str) -> str:
    start = style.find(name)
    match = _EM.match(style, start + len(name)) if start >= 0 else None
    return match.group(1) if match and any(char.isdigit() for char in match.group(1)) else "0"


def _item(names: list[str], style: str, kids: list[MathNode]) -> MathNode:
    """A span with `top` is an item of a vertical list (it holds the strut); any other span vanishes."""
    strut = next((kid for kid in kids if kid.tag == "strut"), None)
    content = [kid for kid in kids if kid.tag != "strut"]
    if strut is None:
        if "mord" in names or "mop" in names or "minner" in names or "mtight" in names:
            return _group(content, names)
        return splice(content)
    above = -float(_em(style, "top:")) - float(strut.attrs["height"])
    return MathNode("item", "", {"above": f"{above:.4f}"}, content)


def _group(kids: list[MathNode], names: list[str]) -> MathNode:
    """A box of the formula's own: stacked items without a better name are limits on what stands on the baseline."""
    items = [kid for kid in kids if kid.tag == "item"]
    if items and len(items) == len([kid for kid in kids if kid.tag != "mspace"]):
        return _stack(items)
    if "text" in names:
        return _text(kids)
    return row(_joined(kids)) if len(kids) != 1 or kids[0].tag == "scripts" else kids[0]


def _text(kids: list[MathNode]) -> MathNode:
    """`\\text`: words come as tokens; nested math keeps its structure."""
    merged: list[MathNode] = []
    for kid in kids:
        for part in kid.kids if kid.tag == "mrow" and all(map(is_text, kid.kids)) else (kid,):
            if part.tag == "mspace" and merged and merged[-1].tag == "mtext":
                merged[-1].text += " "
            elif not is_text(part):
                merged.append(part)
            elif merged and merged[-1].tag == "mtext" and merged[-1].variant == (font := text_font(part)):
                merged[-1].text += part.text
            else:
                font = text_font(part)
                merged.append(MathNode("mtext", part.text, {"mathvariant": font} if font else {}, variant=font))
    return row(_joined(merged))


def _joined(kids: list[MathNode]) -> list[MathNode]:
    """Scripts onto the box before them, `\\not` onto the one behind it."""
    out: list[MathNode] = []
    for kid in kids:
        if kid.tag == "scripts":
            base = out.pop() if out else MathNode("mrow")
            out.append(scripted(base, *_sub_and_sup(kid.kids)))
        elif out and out[-1].char() == _SLASH and kid.tag != "mspace":
            out[-1] = MathNode("mo", unicodedata.normalize("NFC", kid.char() + "\u0338"), {"stretchy": "false"})
        elif kid.tag == "slash" and out:
            out[-1] = MathNode("mo", unicodedata.normalize("NFC", out[-1].char() + "\u0338"), {"stretchy": "false"})
        elif kid.tag == "mspace" and not kid.attrs.get("width"):
            continue
        elif kid.tag not in ("item", "strut", "line", "shape", "rule", "separator"):
            out.append(kid)
        elif kid.tag == "item":
            out.extend(kid.kids)
    return out


def _above(item: MathNode) -> float:
    return float(item.attrs["above"])


def _content(item: MathNode) -> MathNode:
    return row(_joined(item.kids))


def _sub_and_sup(items: list[MathNode]) -> tuple[MathNode | None, MathNode | None]:
    ordered = sorted(items, key=_above)
    if len(ordered) >= 2:
        return _content(ordered[0]), _content(ordered[-1])
    if not ordered:
        return None, None
    return (None, _content(ordered[0])) if _above(ordered[0]) > 0 else (_content(ordered[0]), None)


def _items(kids: list[MathNode]) -> list[MathNode]:
    return [kid for kid in kids if kid.tag == "item"]


def _has(item: MathNode, tag: str) -> bool:
    return any(kid.tag == tag for kid in item.kids)


def _scripts(_names: list[str], _style: str, kids: list[MathNode]) -> MathNode:
    return MathNode("scripts", "", {}, _items(kids))


def _fraction(_names: list[str], _style: str, kids: list[MathNode]) -> MathNode:
    items = _items(kids)
    boxes = sorted((item for item in items if not _has(item, "line")), key=_above)
    if len(boxes) < 2:
        return row(_joined(kids))
    lined = len(boxes) < len(items)
    return MathNode("mfrac", "", {} if lined else {"linethickness": "0"}, [_content(boxes[-1]), _content(boxes[0])])


def _line(_names: list[str], _style: str, _kids: list[MathNode]) -> MathNode:
    return MathNode("line")


def _rule(names: list[str], _style: str, _kids: list[MathNode]) -> MathNode:
    """A rule of a table, which is stacked on it."""
    return MathNode("rule", "dashed" if "hdashline" in names else "solid")


def _separator(_names: list[str], style: str, _kids: list[MathNode]) -> MathNode:
    return MathNode("separator", "dashed" if "dashed" in style else "solid")


def _root(_names: list[str], _style: str, kids: list[MathNode]) -> MathNode:
    index = next((kid for kid in kids if kid.tag == "root"), None)
    inside = [item for item in _items(kids) if not _has(item, "shape")]
    content = row(_joined([kid for item in inside for kid in item.kids]))
    return (
        MathNode("msqrt", "", {}, [content]) if index is None else MathNode("mroot", "", {}, [content, row(index.kids)])
    )


def _root_index(_names: list[str], _style: str, kids: list[MathNode]) -> MathNode:
    return MathNode("root", "", {}, [row(_joined([kid for item in _items(kids) for kid in item.kids]))])


def _mark(item: MathNode) -> MathNode | None:
    """The accent, brace or arrow that an item draws, None when it holds formula."""
    node = next((kid for kid in item.kids if kid.tag in ("shape", "line", "accent")), None)
    if node is None:
        return None
    if node.tag == "accent":
        return (
            row(node.kids)
            if node.kids and node.kids[0].tag != "shape"
            else MathNode("mo", node.kids[0].text if node.kids else "")
        )
    return MathNode("mo", "‾" if node.tag == "line" else node.text)


def _accent(_names: list[str], _style: str, kids: list[MathNode]) -> MathNode:
    items = _items(kids)
    marks = [(item, mark) for item in items if (mark := _mark(item)) is not None]
    bases = [item for item in items if _mark(item) is None]
    base = row(_joined([kid for item in bases for kid in item.kids]))
    for item, mark in marks:
        over = not bases or _above(item) >= _above(bases[0])
        base = limited(base, None, mark) if over else limited(base, mark, None)
    return base


def _letter(accent: Element) -> list[MathNode]:
    """The accent itself where KaTeX before 0.14 puts it: as text of the box."""
    text = accent.text.replace("\u200b", "").strip()
    return [MathNode("mo", text)] if text else []


def _stack(items: list[MathNode]) -> MathNode:
    """Limits, braces, boxes and strikes: what lies nearest the baseline is the base, the rest is above or below it."""
    rules = [item for item in items if _has(item, "rule")]
    items = [item for item in items if not _has(item, "rule")]
    formula = [item for item in items if _mark(item) is None]
    if not formula:
        return row([])
    notation = next(
        (kid.text for item in items for kid in item.kids if kid.tag == "shape" and kid.text in _NOTATIONS), None
    )
    base = min(formula, key=lambda item: abs(_above(item)))
    contour = next((kid.text for item in items for kid in item.kids if kid.text in CONTOURS), "")
    if contour:
        return MathNode("mo", contour)
    if notation is not None:
        return MathNode("menclose", "", {"notation": notation}, [_content(base)])
    node = _content(base)
    if rules:
        return ruled(node, [(_above(item), item.kids[-1].text) for item in rules])
    over = under = None
    for item in sorted((item for item in items if item is not base), key=lambda item: abs(_above(item))):
        mark, content = _mark(item), _content(item)
        if mark is not None:
            node = _marked(limited(node, under, over), mark, over=_above(item) > _above(base))
            over = under = None
        elif _above(item) > _above(base):
            over = content if over is None else row([over, content])
        else:
            under = content if under is None else row([under, content])
    return limited(node, under, over)


_NOTATIONS = frozenset(
    {"box", "updiagonalstrike", "downdiagonalstrike", "updiagonalstrike downdiagonalstrike", "horizontalstrike"}
)


def _marked(node: MathNode, mark: MathNode, *, over: bool) -> MathNode:
    if mark.tag == "mo" and not mark.text:
        return node
    return limited(node, None, mark) if over else limited(node, mark, None)


def _arrow(_names: list[str], _style: str, kids: list[MathNode]) -> MathNode:
    items = _items(kids)
    drawn = next((item for item in items if _has(item, "shape")), None)
    char = combined([kid.text for kid in drawn.kids if kid.tag == "shape"]) if drawn is not None else ""
    arrow = MathNode("mo", char or "→")
    over = under = None
    for item in items:
        if item is not drawn and drawn is not None:
            if _above(item) > _above(drawn):
                over = _content(item)
            else:
                under = _content(item)
    return limited(arrow, under, over)


def _table(_names: list[str], _style: str, kids: list[MathNode]) -> MathNode:
    columns = [kid for kid in kids if kid.tag == "column"]
    heights = row_heights([_above(item) for column in columns for item in column.kids])
    cells = [{nearest(heights, _above(item)): _content(item) for item in column.kids} for column in columns]
    rows = []
    for index, height in enumerate(heights):
        found = [column.get(index) or MathNode("mrow") for column in cells]
        rows.append(
            MathNode("mtr", "", {"above": f"{height:.4f}"}, [MathNode("mtd", "", {}, [cell]) for cell in found])
        )
    attrs = {"columnalign": " ".join(column.text for column in columns)}
    return MathNode("mtable", "", attrs | column_lines(kids), rows)


def _column(names: list[str], _style: str, kids: list[MathNode]) -> MathNode:
    side = {"col-align-l": "left", "col-align-r": "right"}.get(names[0], "center")
    return MathNode("column", side, {}, _items(kids))


def _delimiter(_names: list[str], _style: str, kids: list[MathNode]) -> MathNode:
    """A delimiter built from pieces in a list, or drawn."""
    pieces = [kid for item in kids for kid in (item.kids if item.tag == "item" else [item])]
    glyphs = "".join(piece.text for piece in pieces if piece.tag == "mo")
    drawn = next((piece.text for piece in pieces if piece.tag == "shape" and piece.text), "")
    return MathNode("mo", assembled(glyphs) if glyphs else drawn)


def _null(_names: list[str], _style: str, _kids: list[MathNode]) -> MathNode:
    return MathNode("mo", "")


def _space(_names: list[str], style: str, _kids: list[MathNode]) -> MathNode:
    width = float(_em(style, "margin-right:"))
    return MathNode("mspace", "", {"width": f"{width}em"} if width >= 0.9 else {})


def _stretchy(names: list[str], _style: str, kids: list[MathNode]) -> MathNode:
    if "fbox" in names:
        return MathNode("shape", "box")
    symbol = combined([kid.text for kid in kids if kid.tag == "shape"])
    return MathNode("line") if symbol == RULE else MathNode("shape", symbol)


def _struck_out(_names: list[str], _style: str, kids: list[MathNode]) -> MathNode:
    return MathNode("menclose", "", {"notation": "horizontalstrike"}, _joined(kids))


def _left_lap(_names: list[str], _style: str, kids: list[MathNode]) -> MathNode:
    return MathNode("slash") if any(kid.char() == "/" for kid in kids) else splice(kids)


def _shape(element: Element, kids: list[MathNode]) -> MathNode | None:
    if element.tag == "line":
        return MathNode("shape", "updiagonalstrike" if element.attr("y1") != "0" else "downdiagonalstrike")
    if element.tag == "path":
        return MathNode("shape", shape_of(element.attr("d") or ""))
    found = sorted({kid.text for kid in kids if kid.text}, reverse=True)
    return MathNode("shape", " ".join(found) if len(found) != 1 else found[0])


_READERS = {
    "msupsub": _scripts,
    "mfrac": _fraction,
    "frac-line": _line,
    "overline-line": _line,
    "underline-line": _line,
    "hline": _rule,
    "hdashline": _rule,
    "vertical-separator": _separator,
    "sqrt": _root,
    "root": _root_index,
    "accent": _accent,
    "accentunder": _accent,
    "overline": _accent,
    "underline": _accent,
    "x-arrow": _arrow,
    "mtable": _table,
    "col-align-l": _column,
    "col-align-c": _column,
    "col-align-r": _column,
    "delimsizing": _delimiter,
    "nulldelimiter": _null,
    "mspace": _space,
    "stretchy": _stretchy,
    "sout": _struck_out,
    "llap": _left_lap,
}
