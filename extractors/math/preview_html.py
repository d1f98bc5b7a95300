"""MathJax 2 PreviewHTML boxes (`MJXp-`): MathML's names as classes, scripts and limits by their place in source order.

It is the fast preview that stands in the page until another output replaces it, and an output of its own. Class names
and their nesting are those that `jax/output/PreviewHTML` of MathJax 2.5 to 2.7 writes.
"""

from __future__ import annotations

from turbohtml import Element

from extractors.math.boxes import (
    fold,
    limited,
    phantom,
    plain_table,
    row,
    scripted,
    splice,
    styled_space,
    table_cell,
    table_row,
)
from extractors.math.math_node import MathNode

_TOKENS = {"MJXp-mi": "mi", "MJXp-mo": "mo", "MJXp-mn": "mn", "MJXp-mtext": "mtext", "MJXp-ms": "ms"}
_NOTHING = frozenset({"MJXp-surd", "MJXp-mlabel"})
_GROUPS = frozenset({"MJXp-mrow", "MJXp-mstyle", "MJXp-mpadded", "MJXp-TeXmathchoice", "MJXp-math", "MJXp-merror"})
_FONTS = (
    ("MJXp-cal", "script"),
    ("MJXp-scr", "script"),
    ("MJXp-frak", "fraktur"),
    ("MJXp-mono", "monospace"),
    ("MJXp-sf", "sans-serif"),
    ("undefined", "double-struck"),  # the only alphabet of TeX that it has no class for
)


def to_tree(boxes: Element) -> MathNode | None:
    """`.MJXp-math` as a tree of MathML nodes; None when it is larger than any formula."""
    return fold(boxes, _visit)


def _visit(element: Element, kids: list[MathNode]) -> MathNode | None:
    names = (element.attr("class") or "").split()
    if not _NOTHING.isdisjoint(names):
        return None
    for name in names:
        if name in _TOKENS:
            return _token(element, _TOKENS[name], names)
        if name in _GROUPS:
            return row(kids)
        if name in _STRUCTURES:
            return _STRUCTURES[name](element, kids)
    if "MJXp-rule" in names:
        return MathNode("rule", "solid" if "solid" in (element.attr("style") or "") else "")
    if "MJXp-over" in names or "MJXp-box" in names or "MJXp-script-box" in names:
        return MathNode(names[0][5:], "", {}, kids)
    return _plain(element, names, kids)


def _plain(element: Element, names: list[str], kids: list[MathNode]) -> MathNode:
    """A span without a name is a part where it has an (empty) class, and vanishes where it has none."""
    return MathNode("part", "", {}, kids) if element.attr("class") is not None and not names else _script(names, kids)


def _script(names: list[str], kids: list[MathNode]) -> MathNode:
    return MathNode("part", "", {}, kids) if names == ["MJXp-script"] else splice(kids)


def _token(element: Element, tag: str, names: list[str]) -> MathNode:
    text = element.text
    if tag == "mo":
        stretched = element.select_one(".MJXp-right") is not None
        attrs = {"fence": "true"} if not text.strip() else {} if stretched else {"stretchy": "false"}
        return MathNode("mo", text, attrs)
    variant = next((variant for name, variant in _FONTS if name in names), "")
    if "MJXp-bold" in names:
        variant = {"": "bold-italic" if "MJXp-italic" in names else "bold"}.get(variant, f"bold-{variant}")
    elif tag == "mi" and not variant and "MJXp-italic" not in names and len(text) == 1:
        variant = "normal"
    attrs = {"mathvariant": variant} if variant else {}
    if tag == "mtext":
        attrs |= {"raw": "true"} | ({"mathcolor": "red"} if "color: red" in (element.attr("style") or "") else {})
    return MathNode(tag, text, attrs)


def _inside(node: MathNode) -> MathNode:
    """A part's content as one node, rules left out."""
    return row([kid for kid in node.kids if kid.tag != "rule"])


def _parts(kids: list[MathNode]) -> list[MathNode]:
    return [_inside(kid) if kid.tag == "part" else kid for kid in kids]


def _scripts(element: Element, kids: list[MathNode]) -> MathNode:
    """Two scripts stand in one box, the upper first; a single one says by `vertical-align` which it is."""
    both = next((kid for kid in kids if kid.tag == "script-box"), None)
    if both is not None:
        scripts = _parts(both.kids)
        base = row([kid for kid in kids if kid is not both])
        return scripted(base, scripts[1] if len(scripts) > 1 else None, scripts[0] if scripts else None)
    if len(kids) < 2:
        return row(_parts(kids))
    last = next((child for child in reversed(list(element.children)) if isinstance(child, Element)), element)
    raised = "vertical-align: -" not in (last.attr("style") or "") and "vertical-align:-" not in (
        last.attr("style") or ""
    )
    base, script = row(_parts(kids[:-1])), _parts(kids[-1:])[0]
    return scripted(base, None if raised else script, script if raised else None)


def _limits(_element: Element, kids: list[MathNode]) -> MathNode:
    """What is over stands before its base in a box with it; what is under comes last."""
    upper = next((kid for kid in kids if kid.tag == "over"), None)
    if upper is not None:
        over, base = [*_parts(upper.kids), row([]), row([])][:2]
        under = _parts([kid for kid in kids if kid is not upper])
        return limited(base, row(under) if under else None, over)
    found = _parts(kids)
    return limited(found[0], row(found[1:]), None) if len(found) > 1 else row(found)


def _fraction(_element: Element, kids: list[MathNode]) -> MathNode:
    """Two boxes; the lower one holds the rule, without a border where no line is drawn."""
    boxes = [kid for kid in kids if kid.tag == "box"]
    if len(boxes) < 2:
        return row(kids)
    lower = [kid for kid in boxes[1].kids if kid.tag == "box"]
    rule = next((kid.text for kid in boxes[1].kids if kid.tag == "rule"), "")
    bottom = _inside(lower[0]) if lower else _inside(boxes[1])
    return MathNode("mfrac", "", {} if rule else {"linethickness": "0"}, [_inside(boxes[0]), bottom])


def _square_root(_element: Element, kids: list[MathNode]) -> MathNode:
    return MathNode("msqrt", "", {}, [_inside(kid) if kid.tag == "box" else kid for kid in kids if kid.tag != "rule"])


def _root(_element: Element, kids: list[MathNode]) -> MathNode:
    """The index comes first."""
    content = [_inside(kid) if kid.tag == "box" else kid for kid in kids[1:] if kid.tag != "rule"]
    return MathNode("mroot", "", {}, [row(content), row(_parts(kids[:1]))])


def _enclose(_element: Element, kids: list[MathNode]) -> MathNode:
    return row(kids)


_STRUCTURES = {
    "MJXp-msubsup": _scripts,
    "MJXp-msup": _scripts,
    "MJXp-msub": _scripts,
    "MJXp-munderover": _limits,
    "MJXp-munder": _limits,
    "MJXp-mover": _limits,
    "MJXp-mfrac": _fraction,
    "MJXp-msqrt": _square_root,
    "MJXp-mroot": _root,
    "MJXp-mtable": plain_table,
    "MJXp-mtr": table_row,
    "MJXp-mlabeledtr": table_row,
    "MJXp-mtd": table_cell,
    "MJXp-menclose": _enclose,
    "MJXp-mspace": styled_space,
    "MJXp-mphantom": phantom,
}
