"""What the readers of drawn formulas share: a fold over elements without recursion, and glyph codes."""

from __future__ import annotations

from collections.abc import Callable

from turbohtml import Element

from extractors.math.math_node import MathNode

_MAX_ELEMENTS = 200_000
_MAX_DEPTH = 1_500
# A node of this tag is spliced into its parent: an element that only positions what is in it.
SPLICE = "splice"

# Pieces that tall delimiters are assembled from (Unicode's Miscellaneous Technical block).
_PIECES = (
    ({"⎛", "⎝"}, "("),
    ({"⎞", "⎠"}, ")"),
    ({"⎡", "⎣"}, "["),
    ({"⎤", "⎦"}, "]"),
    ({"⎡"}, "⌈"),
    ({"⎤"}, "⌉"),
    ({"⎣"}, "⌊"),
    ({"⎦"}, "⌋"),
    ({"⎨"}, "{"),
    ({"⎬"}, "}"),
    ({"⎧", "⎩"}, "{"),
    ({"⎫", "⎭"}, "}"),
    ({"⎧", "⎭"}, "⎰"),
    ({"⎫", "⎩"}, "⎱"),
    ({"⏐"}, "|"),
)

# AMS glyphs that MathJax's and KaTeX's fonts keep in the private use area, as the characters of the same commands.
PRIVATE_GLYPHS = str.maketrans(
    "\ue408\ue409\ue40a\ue428\ue429\ue42a\ue42b\ue42c\ue42d\ue42e\ue410"  # arrows and bonds of mhchem in MathJax 4
    "\ue006\ue007\ue00c\ue00d\ue00e\ue00f\ue010\ue011\ue016\ue017\ue018\ue019\ue01a\ue01b\ue131\ue237",
    "⇌⇌⇌⟵⟶⟷⇆←→↔⋯∤∦≨≩≱≱≰≰⊈⫋⊉⫌⊊⊋ıȷ",
)
# The first piece of MathJax's wide braces, which are in its private area.
BRACES = {"\ue150": "⏞", "\ue152": "⏟", "\ue155": "⏞", "\ue156": "⏟"}
_EXTENDERS = frozenset("-−–—=|∣‖∥⏐⎪⎜⎟⎢⎥")
_REPEATED = frozenset("′'‵.˙·⋅!")  # signs that stand in a row by themselves
_BOTH_ENDS = {"←→": "↔", "⇐⇒": "⇔", "↑↓": "↕", "⇑⇓": "⇕", "↽⇀": "⇌"}


def assembled(glyphs: str) -> str:
    """The delimiter that `glyphs` draw together, or `glyphs`; a repeated glyph stretches one character."""
    if len(set(glyphs)) == 1 and not glyphs[0].isalnum():
        return glyphs if glyphs[0] in _REPEATED else glyphs[0]
    ends = "".join(sorted(set(glyphs) - _EXTENDERS))
    if ends in _BOTH_ENDS:
        return _BOTH_ENDS[ends]
    if len(ends) == 1 < len(set(glyphs)) and not ends.isalnum() and ends not in "⎡⎤⎣⎦":
        return ends
    found = set(glyphs)
    return next((char for pieces, char in _PIECES if pieces <= found), glyphs)


def in_pieces(glyphs: str) -> bool:
    """Whether glyphs of one sign are the pieces of a tall or wide one, nothing drawn between them."""
    return glyphs in _BOTH_ENDS or (len(glyphs) > 1 and all("⎛" <= glyph <= "⎭" for glyph in glyphs))


def fold(root: Element, visit: Callable[[Element, list[MathNode]], MathNode | None]) -> MathNode | None:
    """`visit(element, nodes of its children)` for every element, children first; None over a limit."""
    order: list[tuple[Element, int, int]] = [(root, -1, 0)]
    position = 0
    stack = [0]
    while stack:
        position = stack.pop()
        element, _, depth = order[position]
        if depth > _MAX_DEPTH or len(order) > _MAX_ELEMENTS:
            return None
        for child in element.children:
            if isinstance(child, Element):
                order.append((child, position, depth + 1))
                stack.append(len(order) - 1)
    kids: list[list[MathNode]] = [[] for _ in order]
    result: MathNode | None = None
    for index in range(len(order) - 1, -1, -1):
        element, parent, _ = order[index]
        below = kids[index]
        below.reverse()
        node = visit(element, below)
        if parent < 0:
            result = node
        elif node is not None:
            kids[parent].extend(reversed(node.kids) if node.tag == SPLICE else (node,))
    return result


def splice(kids: list[MathNode]) -> MathNode:
    """Children without a node of their own."""
    return MathNode(SPLICE, "", {}, kids)


def row(kids: list[MathNode], **attrs: str) -> MathNode:
    """Children in a row; one child stands for itself."""
    return kids[0] if len(kids) == 1 and not attrs else MathNode("mrow", "", attrs, kids)


def padded(element: Element, kids: list[MathNode]) -> MathNode:
    """`mpadded` of MathJax's HTML: the first box inside says where it takes no room."""
    box = next((child for child in element.children if isinstance(child, Element)), element)
    return MathNode("mpadded", "", {"width": "0"} if "width: 0px" in (box.attr("style") or "") else {}, kids)


def role(kids: list[MathNode], name: str) -> MathNode | None:
    """The content of the first kid whose tag is `name`."""
    return next((row(kid.kids) for kid in kids if kid.tag == name), None)


def rest(kids: list[MathNode], *names: str) -> MathNode:
    """The kids that have none of these tags, as one node."""
    return row([kid for kid in kids if kid.tag not in names])


def scripted(base: MathNode, sub: MathNode | None, sup: MathNode | None) -> MathNode:
    """`msub`, `msup` or `msubsup`, by which scripts there are."""
    if sub is None and sup is None:
        return base
    kids = [node for node in (base, sub, sup) if node is not None]
    return MathNode("msubsup" if len(kids) == 3 else "msup" if sub is None else "msub", "", {}, kids)


def limited(base: MathNode, under: MathNode | None, over: MathNode | None) -> MathNode:
    """`munder`, `mover` or `munderover`, by which limits there are."""
    if under is None and over is None:
        return base
    kids = [node for node in (base, under, over) if node is not None]
    return MathNode("munderover" if len(kids) == 3 else "mover" if under is None else "munder", "", {}, kids)


def plain_table(_element: Element, kids: list[MathNode]) -> MathNode:
    """A table of its rows, without rules."""
    return MathNode("mtable", "", {}, [kid for kid in kids if kid.tag == "mtr"])


def table_row(_element: Element, kids: list[MathNode]) -> MathNode:
    """A row of its cells."""
    return MathNode("mtr", "", {}, [kid for kid in kids if kid.tag == "mtd"])


def table_cell(element: Element, kids: list[MathNode]) -> MathNode:
    """A cell; its style says how it is aligned and ruled."""
    return MathNode("mtd", "", {"style": element.attr("style") or ""}, kids)


def styled_space(element: Element, _kids: list[MathNode]) -> MathNode:
    """A space as wide as its style says."""
    style = element.attr("style") or ""
    width = next((part.split(":", 1)[1].strip() for part in style.split(";") if part.strip().startswith("width:")), "")
    return MathNode("mspace", "", {"width": width})


def phantom(_element: Element, kids: list[MathNode]) -> MathNode:
    """What takes space and is not seen."""
    return MathNode("mphantom", "", {}, kids)
