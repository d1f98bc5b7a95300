"""MathJax 3 and 4 SVG without MathML: `data-mml-node` names the element, `data-c` the character.

What the drawing keeps only as geometry is read from it: which of two scripts is the upper one (its `translate`),
whether a fraction has a line (its `rect`), which letters are calligraphic where no font is named (their outline).
"""

from __future__ import annotations

import re
from itertools import pairwise

from turbohtml import Element

from extractors.math.boxes import BRACES, PRIVATE_GLYPHS, assembled, fold, in_pieces, limited, row, scripted, splice
from extractors.math.math_node import MathNode

_TRANSLATE = re.compile(r"translate\(\s*-?[\d.]{1,12}[\s,]+(-?[\d.]{1,12})\s*\)")
_FONT = re.compile(r"(?:TEX|NCM)-([A-Z0-9]{1,4})-[0-9A-F]{1,6}$")
_STARTS = """
A576,668 B304,342 C201,-25 D37,475 E144,470 F199,579 G216,68 H18,487 I174,0 J148,78 K194,618 L62,-22 M28,9 N343,705
O308,428 P37,475 Q114,286 R37,475 S554,512 T49,475 U8,592 V25,633 W25,633 X324,614 Y65,599 Z694,220
"""
_NEW_STARTS = """
A399,233 B577,388 C229-15 D332,4 E487,519 F809,605 G108,37 H194,417 I242,493 J657,667 K884,576 L234,176 M40,49 N41,49
O583,525 P415,648 Q211,111 R688,386 S114,133 T137,111 U131,114 V575,709 W902,586 X94,120 Y472,252 Z548,153
"""
_NEW_BOLD_STARTS = """
A897,87 B872,552 C699,560 D954,388 E597,106 F966,686 G729,665 H1047,623 I675,699 J732,698 K974,570 L822,278 M404,568
N1054,664 O652,519 P832,511 Q788,429 R771,84 S679,605 T870,684 U813,695 V558,620 W160,616 X928,634 Y698,691 Z760,667
"""


def _outlines(starts: str) -> frozenset[tuple[str, str]]:
    return frozenset((entry[0], entry[1:].replace(",", " ")) for entry in starts.split())


# Where the outlines of calligraphic capitals begin in MathJax 3 and in the font of MathJax 4; upright capitals share
# their codes, not their outlines.
_CALLIGRAPHIC = _outlines(_STARTS) | _outlines(_NEW_STARTS)
_BOLD_CALLIGRAPHIC = _outlines(_NEW_BOLD_STARTS)
_START = re.compile(r"M(-?\d{1,5}[ ,]?-?\d{1,5})")
_TOKENS = frozenset({"mi", "mo", "mn", "mtext", "ms"})
_GROUPS = frozenset({"texatom", "mrow", "mstyle", "mpadded", "math", "merror", "inferredmrow", "semantics", "maction"})
_SCRIPTS = frozenset({"msub", "msup", "msubsup"})
_LIMITS = frozenset({"munder", "mover", "munderover"})


def to_tree(container: Element) -> MathNode | None:
    """The SVG inside `container` as a tree of MathML nodes; None when it is larger than any formula.

    MathJax 4 draws a formula in text as several `<svg>`, one for each piece between possible line breaks.
    """
    return fold(container, _visit)


def _visit(element: Element, kids: list[MathNode]) -> MathNode | None:
    kind = (element.attr("data-mml-node") or "").lower()
    if not kind:
        return _drawing(element, kids)
    if kind in _TOKENS:
        return _token(element, kind)
    node = _structure(element, kind, kids)
    height = _TRANSLATE.findall(element.attr("transform") or "")
    node.attrs["y"] = height[-1] if height else "0"
    return node


def _drawing(element: Element, kids: list[MathNode]) -> MathNode | None:
    """Elements without a MathML name: lines and rectangles keep a mark, groups vanish, labels go."""
    if element.tag in ("rect", "line"):
        return MathNode("line", element.tag, {name: element.attr(name) or "" for name in _LINE_ATTRIBUTES})
    if element.tag in ("defs", "path", "use", "text", "title") or element.attr("data-labels"):
        return None
    return splice(kids)


_LINE_ATTRIBUTES = ("y1", "y2", "x1", "x2", "width", "height", "data-line", "class")


def _token(element: Element, kind: str) -> MathNode:
    glyphs: list[str] = []
    variant = ""
    stretched = element.select_one("svg") is not None
    for part in _ends_of(element) if stretched else element.iter_elements():
        code = part.attr("data-c")
        if code and part.tag in ("path", "use"):
            char = chr(int(code, 16)) if re.fullmatch(r"[0-9A-Fa-f]{1,5}", code) else ""
            glyphs.append(char)
            variant = variant or _variant(part, char)
        elif part.tag == "text":
            glyphs.append(part.text)
    text = "".join(glyphs)
    if kind == "mo":
        text = BRACES.get(text[:1], assembled(text) if stretched or in_pieces(text) else text)
    text = text.encode("utf-8", "replace").decode().translate(PRIVATE_GLYPHS)
    node = MathNode(kind, text, {"mathvariant": variant} if variant else {})
    if element.attr("fill") == "red":
        node.attrs["mathcolor"] = "red"
    if kind == "mi" and not variant and len(text) == 1 and text.isascii() and text.isalpha():
        node.attrs["mathvariant"] = "normal"
    if kind == "mo" and not text:
        node.attrs["fence"] = "true"
    height = _TRANSLATE.findall(element.attr("transform") or "")
    node.attrs["y"] = height[-1] if height else "0"
    return node


def _ends_of(mark: Element) -> list[Element]:
    """Parts of a stretched sign without what fills the room between its ends, unless that is all there is."""
    fillers = {part for filler in mark.select("svg") for part in filler.iter_elements()}
    ends = [part for part in mark.iter_elements() if part not in fillers]
    return ends if any(part.attr("data-c") for part in ends) else list(mark.iter_elements())


def _variant(glyph: Element, char: str) -> str:
    font = _FONT.search(glyph.attr("xlink:href") or glyph.attr("href") or "")
    if font is not None:
        return {"C": "script", "SC": "script", "CB": "bold-script", "C-B": "bold-script"}.get(font.group(1), "")
    start = _START.match(glyph.attr("d") or "")
    outline = (char, start.group(1).replace(",", " ")) if start else ("", "")
    return "script" if outline in _CALLIGRAPHIC else "bold-script" if outline in _BOLD_CALLIGRAPHIC else ""


def _structure(element: Element, kind: str, kids: list[MathNode]) -> MathNode:
    lines = [kid for kid in kids if kid.tag == "line"]
    inside = [kid for kid in kids if kid.tag != "line"]
    if kind in _GROUPS:
        texclass = element.attr("data-mjx-texclass")
        return MathNode("mrow", "", {"data-mjx-texclass": texclass} if texclass else {}, inside)
    if kind in _SCRIPTS:
        return _scripts(kind, inside)
    if kind in _LIMITS:
        return _limits(kind, inside)
    if kind == "mfrac" and len(inside) >= 2:
        return MathNode("mfrac", "", {} if lines else {"linethickness": "0"}, inside[:2])
    if kind == "msqrt":
        return MathNode("msqrt", "", {}, _without_surd(inside))
    if kind == "mroot":
        return _root(inside, _without_surd(inside))
    if kind == "mtable":
        return _table(inside, lines)
    if kind in ("mtr", "mlabeledtr"):
        return MathNode("mtr", "", {}, [kid for kid in inside if kid.tag == "mtd"])
    if kind == "menclose":
        return MathNode("menclose", "", {"notation": _notation(lines)}, inside)
    if kind == "mspace":
        return MathNode("mspace")
    if kind == "mmultiscripts":
        return _multiscripts(element, inside)
    return MathNode(kind if kind in ("mtd", "mphantom") else "mrow", "", {}, inside)


def _multiscripts(element: Element, kids: list[MathNode]) -> MathNode:
    """Rows of scripts stand in unnamed groups before and behind the base, the only group with a name."""
    parts = [child for child in element.children if isinstance(child, Element)]
    base = next((number for number, part in enumerate(parts) if part.attr("data-mml-node")), -1)
    if base < 0 or len(parts) != len(kids):
        return MathNode("mrow", "", {}, kids)
    scripts = [*_pair(kids[base + 1 :]), MathNode("mprescripts"), *_pair(kids[:base])]
    return MathNode("mmultiscripts", "", {}, [kids[base], *scripts])


def _pair(rows: list[MathNode]) -> list[MathNode]:
    """Subscript and superscript; MathJax draws the row of superscripts first."""
    return rows[1::-1] if len(rows) >= 2 else [MathNode("none"), *rows][: 2 * len(rows)]


def _y(node: MathNode) -> float:
    raw = node.attrs.get("y", "0")
    return float(raw) if raw.count(".") <= 1 and raw.strip("-.") else 0.0


def _scripts(kind: str, kids: list[MathNode]) -> MathNode:
    if len(kids) >= 3:
        lower, upper = sorted(kids[1:3], key=_y)
        return scripted(kids[0], lower, upper)
    if len(kids) < 2:
        return row(kids)
    return scripted(kids[0], None, kids[1]) if kind == "msup" else scripted(kids[0], kids[1], None)


def _limits(kind: str, kids: list[MathNode]) -> MathNode:
    if len(kids) >= 3:
        lower, upper = sorted(kids[1:3], key=_y)
        return limited(kids[0], lower, upper)
    if len(kids) < 2:
        return row(kids)
    return limited(kids[0], None, kids[1]) if kind == "mover" else limited(kids[0], kids[1], None)


def _without_surd(kids: list[MathNode]) -> list[MathNode]:
    """Content of a root: its sign is the last operator `√` (or the pieces of one) drawn in it."""
    for index in range(len(kids) - 1, -1, -1):
        if kids[index].tag == "mo" and (kids[index].text[:1] in ("√", "⎷") or "\ue001" in kids[index].text):
            return kids[:index] + kids[index + 1 :]
    return kids


def _root(kids: list[MathNode], content: list[MathNode]) -> MathNode:
    """The index is the last part in MathJax 3, and the one behind the root sign, the first part, in MathJax 4."""
    if len(content) < 2:
        return MathNode("mroot", "", {}, content)
    first = kids[0] is not content[0]
    index = content[0] if first else content[-1]
    return MathNode("mroot", "", {}, [row(content[1:] if first else content[:-1]), index])


def _table(kids: list[MathNode], lines: list[MathNode]) -> MathNode:
    rows = [kid for kid in kids if kid.tag == "mtr"]
    table = MathNode("mtable", "", {}, rows)
    if rows and any(line.attrs.get("data-line") == "h" for line in lines):
        table.attrs["rowlines"] = _row_rules(rows, lines)
    return table


def _row_rules(rows: list[MathNode], lines: list[MathNode]) -> str:
    """A rule lies between two rows when its height does."""
    heights = [
        float(line.attrs["y1"]) for line in lines if re.fullmatch(r"-?\d{1,9}(\.\d{1,9})?", line.attrs.get("y1", ""))
    ]
    marks = []
    for upper, lower in pairwise(rows):
        between = any(_y(lower) < height < _y(upper) for height in heights)
        marks.append("solid" if between else "none")
    return " ".join(marks) or "none"


def _notation(lines: list[MathNode]) -> str:
    """`menclose` by its lines: a rectangle is a box, a diagonal a strike by its direction."""
    found = set()
    for line in lines:
        ends = [line.attrs.get(name, "") for name in ("x1", "x2", "y1", "y2")]
        if line.text == "rect":
            found.add("box")
        elif all(re.fullmatch(r"-?\d{1,9}(\.\d{1,9})?", end) for end in ends):
            x1, x2, y1, y2 = map(float, ends)
            rising = (x2 - x1) * (y2 - y1)
            found.add("updiagonalstrike" if rising > 0 else "downdiagonalstrike" if rising < 0 else _flat(x1, x2, y1))
    return " ".join(sorted(found)) or "none"


def _flat(x1: float, x2: float, y1: float) -> str:
    if x1 == x2:
        return "verticalstrike"
    return "horizontalstrike" if -100 < y1 < 600 else "top" if y1 > 0 else "bottom"
