"""Text inside KaTeX's boxes: which symbol of which alphabet, by the classes around it."""

from __future__ import annotations

from extractors.math.boxes import PRIVATE_GLYPHS
from extractors.math.math_node import MathNode

_VARIANTS = {
    "mathbb": "double-struck",
    "textbb": "double-struck",
    "mathcal": "script",
    "mathscr": "script",
    "textscr": "script",
    "mathfrak": "fraktur",
    "textfrak": "fraktur",
    "mathboldfrak": "bold-fraktur",
    "mathbf": "bold",
    "textbf": "bold",
    "boldsymbol": "bold-italic",
    "mathsf": "sans-serif",
    "textsf": "sans-serif",
    "mathtt": "monospace",
    "texttt": "monospace",
    "mathrm": "normal",
    "textrm": "normal",
    "textup": "normal",
    "mathit": "italic",
    "textit": "italic",
    "amsrm": "",
    "mathnormal": "",
    "mathdefault": "",
}
_OPERATORS = frozenset({"mbin", "mrel", "mopen", "mclose", "mpunct", "op-symbol", "minner"})


def leaf_of(text: str, names: list[str]) -> MathNode:
    """A token, or a row of letters: KaTeX writes neighbours of one font as one text."""
    text = text.translate(PRIVATE_GLYPHS)
    fonts = [_VARIANTS[name] for name in names if name in _VARIANTS]  # a family, a weight and a shape
    variant = next((font for font in fonts if font not in ("normal", "")), fonts[0] if fonts else None)
    attrs = {"mathvariant": variant} if variant else {}
    if "delimsizing" in names or "delimsizinginner" in names:
        return MathNode("mo", text)
    if not _OPERATORS.isdisjoint(names):
        return MathNode("mo", text, {"stretchy": "false"})
    if "mop" in names or (variant == "normal" and len(text) > 1 and text.isascii() and text.isalpha()):
        return MathNode("mi", text, attrs)
    nodes = _letters(text, attrs, upright=variant is None)
    return nodes[0] if len(nodes) == 1 else MathNode("mrow", "", {}, nodes)


def _letters(text: str, attrs: dict[str, str], *, upright: bool) -> list[MathNode]:
    """KaTeX writes letters of one font side by side as one text; each is a symbol, digits stay together."""
    nodes: list[MathNode] = []
    for char in text:
        if char.isdigit() or (char == "." and nodes and nodes[-1].tag == "mn"):
            if nodes and nodes[-1].tag == "mn":
                nodes[-1].text += char
            else:
                nodes.append(MathNode("mn", char, dict(attrs)))
        elif char.isspace():
            nodes.append(MathNode("mtext", " "))
        elif char.isalpha():
            roman = upright and char.isascii()
            nodes.append(MathNode("mi", char, {"mathvariant": "normal"} if roman else dict(attrs)))
        else:
            bold = {"mathvariant": "bold"} if "bold" in attrs.get("mathvariant", "") else {}
            nodes.append(MathNode("mo", char, {"stretchy": "false", "text": "1"} | bold))
    return nodes


_TEXT_FONTS = frozenset({"normal", "bold", "italic", "bold-italic", "monospace", "sans-serif"})


def is_text(node: MathNode) -> bool:
    """Whether a token inside `\\text` is text: letters of formulas have no font, their operators a class."""
    return (
        node.tag in ("mtext", "mn")
        or (node.tag == "mi" and node.attrs.get("mathvariant") in _TEXT_FONTS)
        or (node.tag == "mo" and "text" in node.attrs)
    )


def text_font(node: MathNode) -> str:
    """The font of a text token, "" for upright."""
    font = node.attrs.get("mathvariant", "")
    return "" if font == "normal" else font
