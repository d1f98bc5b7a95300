"""The one tree every drawn or structured formula becomes before it is written as LaTeX, and its only writer.

MathML elements, MathJax's and KaTeX's boxes and MathJax's SVG groups are all read into `MathNode`s. Trees are walked
without recursion: variants go down in one pass, LaTeX comes up in another.
"""

from __future__ import annotations

from collections.abc import Callable

from turbohtml import Element, Text

from extractors.math import math_layout, math_scripts, math_tables, math_tokens
from extractors.math.boxes import PRIVATE_GLYPHS
from extractors.math.math_node import TOKENS, MathNode

_MAX_NODES = 100_000
_MAX_DEPTH = 300  # nesting beyond any formula; also bounds the copying of ever longer strings
_DROPPED = frozenset({"annotation", "annotation-xml", "maligngroup", "malignmark", "script", "style", "mlabel"})
_FUNCTION_APPLICATION = "\u2061"
_LEAVES = TOKENS | {"ci", "csymbol"}
_BOXES = TOKENS | {
    "mrow",
    "mstyle",
    "msub",
    "msup",
    "msubsup",
    "mover",
    "munder",
    "munderover",
    "mfrac",
    "msqrt",
    "mroot",
}

_WRITERS: dict[str, Callable[[MathNode], str]] = {
    "mi": math_tokens.mi,
    "mn": math_tokens.mn,
    "mo": math_tokens.mo,
    "mtext": math_tokens.mtext,
    "ms": math_tokens.ms,
    "mspace": math_tokens.mspace,
    "mfrac": math_layout.mfrac,
    "msqrt": math_layout.msqrt,
    "mroot": math_layout.mroot,
    "menclose": math_layout.menclose,
    "mfenced": math_layout.mfenced,
    "mphantom": math_layout.mphantom,
    "mpadded": math_layout.mpadded,
    "maction": math_layout.maction,
    "msub": math_scripts.scripts,
    "msup": math_scripts.scripts,
    "msubsup": math_scripts.scripts,
    "munder": math_scripts.limits,
    "mover": math_scripts.limits,
    "munderover": math_scripts.limits,
    "mmultiscripts": math_scripts.multiscripts,
    "mtable": math_tables.mtable,
    "none": lambda _node: "",
    "mprescripts": lambda _node: "",
}


def tree_to_latex(root: MathNode) -> str | None:
    """LaTeX of the tree, "" when it shows nothing, None when it is larger or deeper than any formula."""
    order = _preorder(root)
    if order is None:
        return None
    for node in reversed(order):
        if node.tag == "mo" and node.text == "\u2061":
            continue
        node.tall = math_layout.is_tall(node)
        node.tex = _WRITERS.get(node.tag, math_layout.row)(node)
    tex = root.tex.strip()
    while tex.endswith("\\") and not tex.endswith("\\\\"):
        tex = tex[:-1].rstrip()
    return tex


def _preorder(root: MathNode) -> list[MathNode] | None:
    """Nodes parents first, `variant` inherited on the way; None over a limit."""
    order: list[MathNode] = []
    stack = [(root, "", 0)]
    while stack:
        node, inherited, depth = stack.pop()
        node.variant = node.attrs.get("mathvariant") or node.variant or inherited
        order.append(node)
        if depth > _MAX_DEPTH or len(order) > _MAX_NODES:
            return None
        for index, kid in enumerate(node.kids):
            following = node.kids[index + 1] if index + 1 < len(node.kids) else None
            kid.applied = following is not None and following.tag == "mo" and _FUNCTION_APPLICATION in following.text
        stack.extend((kid, node.variant, depth + 1) for kid in reversed(node.kids))
    return order


def from_element(math: Element) -> MathNode | None:
    """A MathML element as a tree; namespace prefixes dropped. None when it nests deeper than any formula."""
    root = MathNode("math", "", _attributes(math))
    stack: list[tuple[Element, MathNode, int]] = [(math, root, 0)]
    count = 0
    while stack:
        element, node, depth = stack.pop()
        for child in element.children:
            if isinstance(child, Element):
                tag = child.tag.rpartition(":")[2].lower()
                if tag in _DROPPED:
                    continue
                if tag in _LEAVES and next(child.iter_elements(), None) is not None and _holds_boxes(child, tag):
                    tag = "mrow"  # KaTeX writes \\mathop as an <mi> around boxes
                kid = MathNode(tag, "", _attributes(child))
                node.kids.append(kid)
                count += 1
                if tag in _LEAVES:
                    kid.text = child.text
                    if "\ue408" <= kid.text <= "\ue42e" and any(name.startswith("data-mjx-") for name in kid.attrs):
                        # MathJax 4's mhchem: glyphs of its own font
                        kid.text = kid.text.translate(PRIVATE_GLYPHS)
                else:
                    stack.append((child, kid, depth + 1))
            elif isinstance(child, Text) and (text := child.data.strip()):
                node.kids.append(MathNode("mtext", text))
        if depth > _MAX_DEPTH or count > _MAX_NODES:
            return None
    return root


def _holds_boxes(token: Element, tag: str) -> bool:
    """Whether a token element is none: it holds elements of a formula and not only markup of its text."""
    return tag in ("ci", "csymbol") or any(part.tag in _BOXES for part in token.iter_elements())


def _attributes(element: Element) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else " ".join(value)
        for name, value in element.attrs.items()
        if value is not None
    }
