"""MathJax 3 and 4 CHTML boxes without MathML: glyph classes to characters, nested boxes to MathML's elements.

The tags are MathML's with `mjx-` in front; what differs is the order of scripts and limits, and that a character is the
code point in a class (`mjx-c1D465`), not text.
"""

from __future__ import annotations

import re

from turbohtml import Element, Text

from extractors.math.boxes import (
    PRIVATE_GLYPHS,
    assembled,
    fold,
    limited,
    padded,
    phantom,
    rest,
    role,
    row,
    scripted,
    splice,
    table_cell,
    table_row,
)
from extractors.math.math_node import ROWS, MathNode

_CODE = re.compile(r"(?:^|\s)mjx-c([0-9A-F]{1,6})(?=\s|$)")
_BIG = re.compile(r"(?:-S|-LO|-SO|lop|sop|mjx-s)\d?")
_NOTHING_TAGS = """
mjx-nstrut mjx-dstrut mjx-tstrut mjx-spacer mjx-mark mjx-line mjx-surd mjx-labels mjx-strut mjx-break mjx-assistive-mml
mjx-linestrut mjx-lbreak mjx-speech mjx-cspan
"""
_NOTHING = frozenset(_NOTHING_TAGS.split())
_GROUPS = frozenset(f"mjx-{name}" for name in ROWS | {"texatom", "inferredmrow"}) - {"mjx-mtd", "mjx-mpadded"}
_ROLES = {"mjx-num", "mjx-den", "mjx-over", "mjx-under", "mjx-base", "mjx-root"}
_TOKENS = {"mjx-mi": "mi", "mjx-mo": "mo", "mjx-mn": "mn", "mjx-mtext": "mtext", "mjx-ms": "ms"}
_STRIKES = {
    "mjx-ustrike": "updiagonalstrike",
    "mjx-dstrike": "downdiagonalstrike",
    "mjx-hstrike": "horizontalstrike",
    "mjx-vstrike": "verticalstrike",
    "mjx-uarrow": "updiagonalarrow",
}
_WIDTH = re.compile(r"(?:^|[;\s])(?:width|margin-left):\s*(-?[\d.]{1,12}em)")


def to_tree(boxes: Element) -> MathNode | None:
    """`<mjx-math>` as a tree of MathML nodes; None when it is larger than any formula."""
    return fold(boxes, _visit)


def _visit(element: Element, kids: list[MathNode]) -> MathNode | None:
    tag = element.tag.lower()
    if tag in _NOTHING:
        return None
    if tag in _TOKENS:
        return _token(element, _TOKENS[tag])
    if tag in _GROUPS:
        texclass = element.attr("texclass")
        return MathNode("mrow", "", {"data-mjx-texclass": texclass} if texclass else {}, kids)
    if tag in _ROLES or tag == "mjx-script":
        return MathNode(tag[4:], "", {}, kids)
    if tag in _STRIKES:
        return MathNode("strike", _STRIKES[tag])
    if tag == "mjx-mpadded":
        return padded(element, kids)
    structure = _STRUCTURES.get(tag)
    return structure(element, kids) if structure is not None else splice(kids)


def _token(element: Element, tag: str) -> MathNode:
    glyphs: list[str] = []
    names: list[str] = [element.attr("class") or ""]
    for part in element.iter_elements():
        if part.tag in ("mjx-c", "mjx-stretchy-v", "mjx-stretchy-h"):
            name = part.attr("class") or ""
            glyphs.extend(chr(int(code, 16)) for code in _CODE.findall(name) if int(code, 16) < 0x110000)
            names.append(f"{name} {part.tag}" if part.tag != "mjx-c" else name)
        elif part.tag == "mjx-utext":
            glyphs.append(part.text)
    glyphs.extend(child.data for child in element.children if isinstance(child, Text))
    text = "".join(glyphs).encode("utf-8", "replace").decode().translate(PRIVATE_GLYPHS)
    if tag == "mo" and "mjx-stretchy" in " ".join(names):
        text = assembled(text)
    attrs = _attributes(tag, text, names)
    if "color: red" in (element.attr("style") or ""):
        attrs["mathcolor"] = "red"
    return MathNode(tag, text, attrs)


def _attributes(tag: str, text: str, names: list[str]) -> dict[str, str]:
    own, all_names = names[0].split(), " ".join(names)
    if "mjx-cal" in own or "mjx-sc" in own or re.search(r"-C\b|-SC\b", all_names):
        return {"mathvariant": "bold-script" if "mjx-b" in own else "script"}
    if tag == "mi" and len(text) == 1 and text.isascii() and text.isalpha():
        return {"mathvariant": "normal"}
    if tag == "mo" and not _BIG.search(all_names) and "mjx-stretchy" not in all_names and text:
        return {"stretchy": "false"}
    if tag == "mo" and not text:
        return {"fence": "true"}
    return {}


def _scripts(element: Element, kids: list[MathNode]) -> MathNode:
    """Base, then one `mjx-script` box; with two scripts the upper one stands first."""
    base = rest(kids, "script")
    script = next((kid.kids for kid in kids if kid.tag == "script"), [])
    if len(script) >= 2:
        return scripted(base, script[1], script[0])
    content = row(script) if script else None
    return (
        scripted(base, content, None)
        if "sub" in element.tag or "under" in element.tag
        else scripted(base, None, content)
    )


def _multiscripts(_element: Element, kids: list[MathNode]) -> MathNode:
    """Scripts on both sides of a base: columns of three rows, the upper script, room, the lower one."""
    before, after = (_lower_and_upper(kids, name) for name in ("prescripts", "scripts"))
    base = rest(kids, "prescripts", "scripts")
    return MathNode("mmultiscripts", "", {}, [base, *after, MathNode("mprescripts"), *before])


def _lower_and_upper(kids: list[MathNode], name: str) -> list[MathNode]:
    rows = next(([row([kid]) for kid in box.kids] for box in kids if box.tag == name), [])
    return [rows[-1], rows[0]] if len(rows) >= 2 else []


def _limits(element: Element, kids: list[MathNode]) -> MathNode:
    if any(kid.tag == "script" for kid in kids):
        return _scripts(element, kids)
    over, under, base = role(kids, "over"), role(kids, "under"), role(kids, "base")
    if base is None:
        inner = rest(kids, "over", "under")
        if inner.tag == "munder" and over is not None and under is None:
            return limited(inner.kids[0], inner.kids[1], over)
        base = inner
    return limited(base, under, over)


def _fraction(element: Element, kids: list[MathNode]) -> MathNode:
    top, bottom = role(kids, "num"), role(kids, "den")
    if top is None or bottom is None:
        return row(kids)
    atop = element.select_one("mjx-frac[atop=true]") is not None and element.select_one("mjx-frac") is not None
    own = next((child for child in element.children if isinstance(child, Element)), element)
    return MathNode("mfrac", "", {"linethickness": "0"} if atop and own.attr("atop") == "true" else {}, [top, bottom])


def _square_root(_element: Element, kids: list[MathNode]) -> MathNode:
    return MathNode("msqrt", "", {}, kids)


def _root(_element: Element, kids: list[MathNode]) -> MathNode:
    index = role(kids, "root")
    return MathNode("mroot", "", {}, [rest(kids, "root"), index or row([])])


def _table(_element: Element, kids: list[MathNode]) -> MathNode:
    rows = [kid for kid in kids if kid.tag == "mtr"]
    return MathNode("mtable", "", _rules(rows), rows)


def _rules(rows: list[MathNode]) -> dict[str, str]:
    """`rowlines` and `columnlines` from the borders of the cells."""
    attrs: dict[str, str] = {}
    below = [_border(row.kids[0].attrs.get("style", ""), "bottom") if row.kids else "none" for row in rows]
    if any(line != "none" for line in below):
        attrs["rowlines"] = " ".join(below)
    right = [_border(cell.attrs.get("style", ""), "right") for cell in rows[0].kids] if rows else []
    if any(line != "none" for line in right):
        attrs["columnlines"] = " ".join(right)
    return attrs


def _border(style: str, side: str) -> str:
    start = style.find(f"border-{side}:")
    if start < 0:
        return "none"
    value = style[start : start + 60].split(";")[0]
    return "dashed" if "dashed" in value else "solid" if "solid" in value else "none"


def _enclose(element: Element, kids: list[MathNode]) -> MathNode:
    notations = [kid.text for kid in kids if kid.tag == "strike"]
    if not notations:
        box = next(
            (child for child in element.children if isinstance(child, Element) and child.tag == "mjx-box"), element
        )
        style = box.attr("style") or ""
        sides = [side for side in ("top", "bottom", "left", "right") if f"border-{side}" in style]
        notations = ["box"] if "border:" in style or len(sides) in (0, 4) else sides
    return MathNode("menclose", "", {"notation": " ".join(notations)}, [kid for kid in kids if kid.tag != "strike"])


def _space(element: Element, _kids: list[MathNode]) -> MathNode:
    match = _WIDTH.search(element.attr("style") or "")
    return MathNode("mspace", "", {"width": match.group(1)} if match else {})


_STRUCTURES = {
    "mjx-msub": _scripts,
    "mjx-msup": _scripts,
    "mjx-msubsup": _scripts,
    "mjx-mmultiscripts": _multiscripts,
    "mjx-prescripts": lambda _element, kids: MathNode("prescripts", "", {}, kids),
    "mjx-scripts": lambda _element, kids: MathNode("scripts", "", {}, kids),
    "mjx-munder": _limits,
    "mjx-mover": _limits,
    "mjx-munderover": _limits,
    "mjx-mfrac": _fraction,
    "mjx-msqrt": _square_root,
    "mjx-mroot": _root,
    "mjx-mtable": _table,
    "mjx-mtr": table_row,
    "mjx-mlabeledtr": table_row,
    "mjx-mtd": table_cell,
    "mjx-menclose": _enclose,
    "mjx-mspace": _space,
    "mjx-mphantom": phantom,
}
