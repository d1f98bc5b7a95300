"""MathJax 2 SVG: glyphs and rules in nested groups, with positions and nothing else.

A glyph's name holds its font and code (`#MJMATHI-62`). MathJax wraps the parts of one construct in one `<g>`, or leaves
them among the first parts of the row they begin. So parts are read in source order: a rule with a box above and one
below is a fraction, a root sign with a rule has its content behind it, smaller boxes are scripts of what stands before
them, groups of stacked boxes side by side are a table. Lengths are in 1/1000 em.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise, takewhile

from turbohtml import Element

from extractors.math.boxes import BRACES, PRIVATE_GLYPHS, assembled, fold, in_pieces, limited, row, scripted
from extractors.math.drawn_tables import nearest, row_heights, ruled
from extractors.math.math_node import MathNode

_GLYPH = re.compile(r"#(?:MJX?-?\d*-?)?(?:E\d+-)?(?:MJ)?([A-Z]{2,7}\d?)-([0-9A-F]{1,5})$")
_MOVE = re.compile(r"translate\(\s*(-?[\d.]{1,20})\s*,\s*(-?[\d.]{1,20})\s*\)")
_SCALE = re.compile(r"scale\(\s*([\d.]{1,20})\s*\)")
_STRETCH = re.compile(r"scale\([\d.]{1,20},")
_NUMBER = re.compile(r"-?\d{1,12}(?:\.\d{1,20})?$")
_FONTS = {
    "MAINB": "bold",
    "MAINI": "italic",
    "MATHBI": "bold-italic",
    "CAL": "script",
    "CALB": "bold-script",
    "SCR": "script",
    "FRAK": "fraktur",
    "FRAKB": "bold-fraktur",
    "SS": "sans-serif",
    "SSB": "sans-serif",
    "SSI": "sans-serif",
    "TT": "monospace",
}
_ACCENTS = frozenset("^~ˆ˜¯ˉ⃗˙¨ˇ˘´ˊ`ˋ˚")
_OVER = _ACCENTS | frozenset("→←↔⏞⏜")
_UNDER = frozenset("–_⏟→←↔⏝")
_DOTS = ("...", "....")  # accents
_MARKS = _OVER | _UNDER
_ARROWS = frozenset("→←↔⇒⇐⇔↦↪↩⇌⇋↠↞=")
# Widths of Computer Modern's upright letters: what is beyond them is a space between words.
_WIDE = {"m": 833, "w": 722, "i": 278, "l": 278, "f": 306, "j": 306, "t": 389, "r": 392, "s": 394, "W": 1028, "M": 917}
_Build = Callable[[MathNode, MathNode | None, MathNode | None], MathNode]
_AXIS = (80, 320)  # a fraction's line, in scripts and outside
_AXIS_HEIGHT, _LINE_MIDDLE, _SIZES = 250, 30, (1.0, 0.707, 0.5)
_MIN_STACK = 500
_MAX_SEPARATORS = 50


@dataclass(slots=True)
class _Box:
    """A glyph, a group, or a rule at (x, y) of its parent; `scale` is the size of its largest glyph."""

    x: float
    y: float
    scale: float
    node: MathNode
    kind: str = "node"  # node, glyph, sign, rule, line, stack
    cells: list[_Box] = field(default_factory=list)
    pieces: str | None = None  # operators that the box is drawn from, None where something else is in it
    stretched: bool = False


def to_tree(container: Element) -> MathNode | None:
    """The SVG in `container` as a tree of MathML nodes; None when it is too large or holds none of these glyphs."""
    boxes: dict[int, _Box] = {}

    def visit(element: Element, kids: list[MathNode]) -> MathNode | None:
        box = _box(element, [boxes[int(kid.text)] for kid in kids])
        if box is None:
            return None
        boxes[len(boxes)] = box
        return MathNode("box", str(len(boxes) - 1))

    root = fold(container, visit)
    return boxes[int(root.text)].node if root is not None else None


def _number(element: Element, name: str) -> float:
    raw = element.attr(name) or "0"
    return float(raw) if _NUMBER.match(raw) else 0.0


def _box(element: Element, inside: list[_Box]) -> _Box | None:
    transform = element.attr("transform") or ""
    move, factor = _MOVE.search(transform), _SCALE.search(transform)
    x, y = (float(move[1]), float(move[2])) if move and max(move[1].count("."), move[2].count(".")) < 2 else (0.0, 0.0)
    scale = float(factor[1]) if factor and factor[1].count(".") < 2 else 1.0
    if element.tag == "use":
        return _glyph(element, scale)
    if element.tag == "rect":
        return _Box(_number(element, "x"), _number(element, "y"), 1.0, MathNode("rule"), "rule")
    if element.tag == "line":
        return _Box(x, y, 1.0, _line(element), "line")
    if element.tag == "text":
        return _Box(x, y, scale, MathNode("mtext", element.text), "glyph") if element.text.strip() else None
    if (
        element.tag in ("defs", "path", "title", "math")
        or not inside
        or (element.attr("id") or "").startswith("mjx-eqn")
    ):
        return None
    text = "".join(box.node.text for box in inside) if element.attr("fill") == "red" else ""
    if text.startswith("\\"):  # a command that MathJax does not know
        return _Box(x, y, scale, MathNode("mtext", text, {"mathcolor": "red"}))
    box = _group(x, y, inside)
    box.stretched = box.stretched or _STRETCH.search(transform) is not None
    return box


def _line(line: Element) -> MathNode:
    x1, x2, y1, y2 = (_number(line, name) for name in ("x1", "x2", "y1", "y2"))
    if y1 == y2 or x1 == x2:
        return MathNode("rule" if y1 == y2 else "separator", "solid")
    return MathNode("strike", "updiagonalstrike" if (x2 - x1) * (y2 - y1) > 0 else "downdiagonalstrike")


def _glyph(use: Element, scale: float) -> _Box | None:
    match = _GLYPH.search(use.attr("xlink:href") or use.attr("href") or "")
    if match is None:
        return None
    font, char = match[1], chr(int(match[2], 16)).translate(PRIVATE_GLYPHS)
    char = char if char.isprintable() or char in BRACES or "\ue000" <= char <= "\uf8ff" else ""
    node = _token(font, char)
    pieces = char if node.tag == "mo" else None
    return _Box(_number(use, "x") * scale, _number(use, "y") * scale, scale, node, "glyph", pieces=pieces)


def _token(font: str, char: str) -> MathNode:
    variant = _FONTS.get(font, "")
    if font == "AMS" and char.isascii() and char.isalpha():
        variant = "double-struck"
    if char.isdigit():
        return MathNode("mn", char, {"mathvariant": variant} if variant else {})
    if char.isalpha() and not char.startswith("ˆ") and char not in _ACCENTS:
        upright = font == "MAIN" and char.isascii()
        return MathNode("mi", char, {"mathvariant": variant or "normal"} if variant or upright else {})
    attrs = {} if font.startswith("SZ") else {"stretchy": "false"}
    return MathNode("mo", char, attrs | ({"mathvariant": variant} if variant else {}))


def _group(x: float, y: float, inside: list[_Box]) -> _Box:
    sizes = [_size_at(box.y) for index, box in enumerate(inside) if _is_fraction(inside, index)]
    scale = max(sizes + [box.scale for box in inside if box.kind not in ("rule", "line")], default=1.0)
    pieces = "".join(box.pieces for box in inside if box.pieces is not None)
    whole = pieces if all(box.pieces is not None for box in inside) else None
    stretched = any(box.stretched for box in inside)
    if len(inside) == 1 and inside[0].kind != "stack":
        only = inside[0]
        return _Box(x + only.x, y + only.y, only.scale, only.node, only.kind, pieces=whole, stretched=stretched)
    if whole and (sign := _sign(inside, whole, stretched)):
        return _Box(x, y, scale, MathNode("mo", sign), "sign", pieces=whole, stretched=stretched)
    inside = _long_arrow(inside)
    if _is_table(inside):
        return _Box(x, y, scale, _table(inside))
    if _is_stack(inside):
        return _Box(x, y, scale, _atop(inside), "stack", inside)
    return _Box(x, y, scale, _row(inside), pieces=whole, stretched=stretched)


def _sign(inside: list[_Box], pieces: str, stretched: bool) -> str:
    """The stretched sign that a group of pieces draws, "" for a row of operators."""
    if "⎷" in pieces:
        return "√"
    if pieces[0] in BRACES:
        return BRACES[pieces[0]]
    tall = len(set(pieces)) == 1 and pieces[0] in "|∣∥‖" and len({box.y for box in inside}) > 1
    wide = set(pieces) in ({"–"}, {"¯"}) or (inside[0].x < 0 and (pieces[-1] in "→¯–" or pieces[0] in "←¯–"))
    shaft = len(pieces) > 1 and (set(pieces[:-1]) == {"−"} and pieces[-1] == "→")
    shaft = shaft or (len(pieces) > 1 and set(pieces[1:]) == {"−"} and pieces[0] == "←")
    shaft = shaft or (len(pieces) > 2 and set(pieces[1:-1]) == {"−"} and pieces[0] + pieces[-1] == "↽⇀")
    if not (stretched or tall or wide or shaft or in_pieces(pieces)):
        return ""
    found = assembled(pieces)
    return found if len(found) == 1 else ""


def _long_arrow(inside: list[_Box]) -> list[_Box]:
    """The boxes with the pieces of an arrow that comes first, before what stands over and under it, made one sign."""
    run = list(takewhile(lambda box: box.pieces is not None and box.y == 0, inside))
    if len(run) < 2 or run[0].x >= 0 or not (sign := _sign(run, "".join(box.pieces or "" for box in run), False)):
        return inside
    return [_Box(0, 0, run[0].scale, MathNode("mo", sign), "sign", pieces=sign), *inside[len(run) :]]


def _is_stack(inside: list[_Box]) -> bool:
    """Boxes one above the other: a column of a table, or two parts without a line between them."""
    if len(inside) < 2 or any(box.kind in ("rule", "line", "sign") or box.node.text in _MARKS for box in inside):
        return False
    if inside[-1].pieces in _DOTS:
        return False
    heights = sorted(box.y for box in inside)
    largest = max(box.scale for box in inside)
    return all(high - low >= _MIN_STACK * largest for low, high in pairwise(heights)) and all(
        box.scale >= 0.9 * largest for box in inside
    )


def _is_table(inside: list[_Box]) -> bool:
    """Columns side by side: stacks, and boxes that stand at the height of one of their cells."""
    heights = {round((box.y + cell.y) / 20) for box in inside if box.kind == "stack" for cell in box.cells}
    others = {round(box.y / 20) for box in inside if box.kind not in ("stack", "rule", "line")}
    return bool(heights) and others <= heights | {height + 1 for height in heights} | {height - 1 for height in heights}


def _atop(inside: list[_Box]) -> MathNode:
    ordered = sorted(inside, key=lambda box: -box.y)
    if len(ordered) == 2:
        return MathNode("mfrac", "", {"linethickness": "0"}, [box.node for box in ordered])
    return MathNode("mtable", "", {}, [_cells([box.node]) for box in ordered])


def _cells(nodes: list[MathNode]) -> MathNode:
    return MathNode("mtr", "", {}, [MathNode("mtd", "", {}, [node]) for node in nodes])


def _table(inside: list[_Box]) -> MathNode:
    columns = [box for box in inside if box.kind not in ("rule", "line")]
    placed = [
        [((box.y + cell.y) / 1000, cell.node) for cell in box.cells] or [(box.y / 1000, box.node)] for box in columns
    ]
    heights = row_heights([height for column in placed for height, _ in column])
    cells = [{nearest(heights, height): node for height, node in column} for column in placed]
    rows = []
    for index, height in enumerate(heights):
        line = _cells([column.get(index) or MathNode("mrow") for column in cells])
        line.attrs["above"] = f"{height:.4f}"
        rows.append(line)
    separators = [box.x for box in inside if box.node.tag == "separator"][:_MAX_SEPARATORS]
    lines = ["solid" if any(a.x < x < b.x for x in separators) else "none" for a, b in pairwise(columns)]
    table = MathNode("mtable", "", {"columnlines": " ".join(lines)} if "solid" in lines else {}, rows)
    return ruled(table, [(box.y / 1000, "solid") for box in inside if box.node.tag == "rule" and box.kind == "line"])


def _row(inside: list[_Box]) -> MathNode:
    done: list[_Box] = []
    index = 0
    while index < len(inside):
        index = _construct(inside, index, done) or _plain(inside, index, done)
    strikes = sorted({box.node.text for box in inside if box.node.tag == "strike"})
    content = _words([box for box in done if box.node.tag != "strike"])
    return MathNode("menclose", "", {"notation": " ".join(strikes)}, content) if strikes else row(content)


def _construct(inside: list[_Box], index: int, done: list[_Box]) -> int:
    """Read a fraction or a root that begins at `index`; the index behind it, 0 where there is none."""
    box = inside[index]
    behind = inside[index + 1 : index + 3]
    if _is_fraction(inside, index):
        top, bottom = sorted(behind, key=lambda part: -part.y)
        scale = max(_size_at(box.y), *(part.scale for part in behind))
        done.append(_Box(box.x, 0, scale, MathNode("mfrac", "", {}, [top.node, bottom.node])))
        return index + 3
    if box.node.text[:1] in ("√", "⎷") and len(behind) == 2 and behind[0].kind == "rule":
        node = MathNode("msqrt", "", {}, [behind[1].node])
        if len(done) == 1 and done[0].scale < 0.75 * box.scale and done[0].y > 0:
            node = MathNode("mroot", "", {}, [behind[1].node, done.pop().node])
        done.append(_Box(box.x, 0, behind[1].scale, node))
        return index + 3
    return 0


def _size_at(line: float) -> float:
    """The size of the formula around a fraction, by the height of its line, which is on the axis."""
    return min(_SIZES, key=lambda size: abs(line + _LINE_MIDDLE - _AXIS_HEIGHT * size))


def _is_fraction(inside: list[_Box], index: int) -> bool:
    """Whether a rule on the axis begins here, with a part above it and a part below it behind."""
    rule, pair = inside[index], inside[index + 1 : index + 3]
    if rule.kind != "rule" or len(pair) < 2 or not _AXIS[0] * rule.scale <= rule.y <= _AXIS[1]:
        return False
    return max(part.y for part in pair) > rule.y > min(part.y for part in pair)


def _plain(inside: list[_Box], index: int, done: list[_Box]) -> int:
    """Put one box behind, over, under, or into the scripts of, what is done; the next index."""
    box = inside[index]
    if box.kind in ("rule", "line") or not done:
        done.append(box) if box.kind != "rule" else None
        return index + 1
    last = done[-1]
    char = box.node.text if box.node.tag == "mo" else ""
    if len(done) <= 2 and all(_is_prescript(part, box) for part in done):
        lower = next((part.node for part in done if part.y < 0), None)
        upper = next((part.node for part in done if part.y > 0), None)
        if len(done) == (lower is not None) + (upper is not None):
            done[:] = [_Box(last.x, 0, box.scale, scripted(MathNode("mrow"), lower, upper))]
            last = done[0]
    if char == "\u0338" and last.node.tag in ("mo", "mi"):
        last.node = MathNode("mo", unicodedata.normalize("NFC", last.node.text + char), {"stretchy": "false"})
        return index + 1
    if box.y > 300 and box.pieces in _DOTS:
        done[:] = [_Box(done[0].x, 0, last.scale, limited(_all(done), None, MathNode("mo", box.pieces)))]
    elif char in _OVER and (char in _ACCENTS or box.y > 300):
        done[:] = [_Box(done[0].x, 0, last.scale, limited(_all(done), None, box.node))]
    elif char in _UNDER and box.y < -300:
        mark = MathNode("mo", "_") if char == "–" else box.node
        done[:] = [_Box(done[0].x, 0, last.scale, limited(_all(done), mark, None))]
    elif abs(box.y) > 60 and (box.scale < 0.8 * last.scale or box.scale <= 0.5):
        _attach(box, done)
    elif box.x < last.x and abs(box.y - last.y) > _MIN_STACK:  # set over or under it at full size
        over = box.y > last.y
        done[:] = [
            _Box(done[0].x, 0, last.scale, limited(_all(done), None if over else box.node, box.node if over else None))
        ]
    else:
        done.append(box)
    return index + 1


def _is_prescript(part: _Box, base: _Box) -> bool:
    """Whether a box before the first full-sized one is a script in front of it."""
    return part.scale < 0.8 * base.scale and abs(part.y) > 60 and part.kind in ("glyph", "node")


def _attach(box: _Box, done: list[_Box]) -> None:
    """A smaller box: script of the last one; where it begins left of that, or on an arrow, limit of all before it."""
    while len(done) > 1 and (gap := _gap(done[-2], done[-1])) is not None and gap <= 200:
        right = done.pop()
        done[-1].node.text += right.node.text
    last = done[-1]
    upper = box.node if box.y > 0 else None
    lower = box.node if upper is None else None
    core = last.node.kids[0] if last.node.tag in ("munder", "mover", "msub", "msup") else last.node
    room = 900 if last.kind != "sign" else float("inf")
    if box.x < last.x - 20 or (core.tag == "mo" and core.text in _ARROWS and box.x < last.x + room):
        whole = done if box.x < last.x - 20 else [last]
        base = _merged(_all(whole), lower, upper, ("munder", "mover"), limited)
        done[len(done) - len(whole) :] = [_Box(whole[0].x, 0, last.scale, base, last.kind)]
    else:
        last.node = _merged(last.node, lower, upper, ("msub", "msup"), scripted)
        last.kind = "node"


def _merged(
    node: MathNode, lower: MathNode | None, upper: MathNode | None, names: tuple[str, str], build: _Build
) -> MathNode:
    """Both scripts, or both limits, of one base in one node."""
    if node.tag == names[0] and lower is None:
        return build(node.kids[0], node.kids[1], upper)
    if node.tag == names[1] and upper is None:
        return build(node.kids[0], lower, node.kids[1])
    return build(node, lower, upper)


def _all(done: list[_Box]) -> MathNode:
    return row(_words(done))


def _words(boxes: list[_Box]) -> list[MathNode]:
    """Nodes of a row: digits side by side are a number, upright letters a word or, with room between them, text."""
    out: list[MathNode] = []
    before: _Box | None = None
    for box in boxes:
        gap = _gap(before, box) if before is not None else None
        if gap is not None and before is not None and out:
            if gap > 200 and out[-1].tag == "mi":
                out[-1].tag = "mtext"
                out[-1].attrs = {}
            out[-1].text += (" " if gap > 200 else "") + box.node.text
        else:
            out.append(box.node)
        before = box
    return out


def _gap(left: _Box, right: _Box) -> float | None:
    """Room between two glyphs of one word or number, None where they are none."""
    if left.kind != "glyph" or right.kind != "glyph" or left.scale != right.scale or left.y != right.y:
        return None
    first, second = left.node.text[-1:], right.node.text[-1:]
    numbers = left.node.tag == "mn" and (right.node.tag == "mn" or second == ".")
    both = {left.node.attrs.get("mathvariant"), right.node.attrs.get("mathvariant")} == {"normal"}
    letters = both and left.node.tag in ("mi", "mtext") and first.isalpha() and second.isalpha()
    if not numbers and not letters:
        return None
    gap = (right.x - left.x) / left.scale - (500 if numbers else _WIDE.get(first, 556 if first.islower() else 750))
    return gap if gap < (150 if numbers else 700) else None
