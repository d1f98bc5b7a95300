"""Formulas in what the parser takes for no formula: objects, frames of the page's own, MathType's « », TeX in comments.

Each is put into the tree as the element it stands for, before formulas are looked for. LaTeX2HTML writes `<!-- MATH
$x^2$ -->` before a formula in plain HTML and nothing behind it: the formula ends where all its symbols were seen.
"""

from __future__ import annotations

import re
from collections import Counter
from html import unescape
from urllib.parse import unquote

from turbohtml import Comment, Document, Element, Node, Text, parse_fragment

from extractors.layout.signs import ALL, Selectors, Signs
from extractors.math.mathml import from_safe_xml
from pipeline.text.latex.symbols import FUNCTIONS, LATEX_OF
from pipeline.text.latex.visible import visible_symbols

_HOLDERS = Selectors(
    (
        *("object[type*='math' i]", "embed[type*='math' i]", "embed[mmldata]", "iframe[srcdoc]"),
        "d2l-html-block[html]",
    )
)
_SYMBOL_FONT = Selectors(
    ("font[face='symbol' i]", "[style*='font-family:symbol' i]", "[style*='font-family: symbol' i]")
)
_COMMENT_SIGN, SAFE_XML_SIGN, SAFE_XML = "<!-- math", "math", "«math"
SIGNS = (*_HOLDERS.signs, *_SYMBOL_FONT.signs, _COMMENT_SIGN, SAFE_XML_SIGN)
_MAY_HOLD_FORMULA = re.compile(r"<math|math/|katex|\\[(\[]", re.I)
_MAX_HOLDERS = 200
_MAX_COMMENTS = 5_000
_MAX_SOURCE_CHARS = 10_000
_MAX_PIECES = 200
_MAX_SAFE_CHARS = 100_000
_SAFE = re.compile(rf"(?<![\"'=])«math\b[^«»]{{0,500}}»(?:(?!«/?math\b).){{0,{_MAX_SAFE_CHARS}}}?«/math»", re.S)

# Adobe's Symbol encoding, by the characters that Latin-1 has in its places.
_SYMBOLS = str.maketrans(
    "\"$'*-@ABCDEFGHIJKLMNOPQRSTUVWXYZ\\^`abcdefghijklmnopqrstuvwxyz~"
    "¡¢£¤¥¦§¨©ª«¬\u00ad®¯²³´µ¶·¸¹º»¼ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÕÖ×ØÙÚÛÜÝÞßàáåñòæçèéêëìíîïóôõö÷øùúûüýþ",
    "∀∃∋∗−≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ∴⊥‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ∼"
    "ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓″≥×∝∂•÷≠≡≈…ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇∏√⋅¬∧∨⇔⇐⇑⇒⇓◊⟨∑⟩∫⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭",
)
_PRIVATE = {0xF000 + code: chr(code) for code in range(0x20, 0xFF)}  # where Word keeps them


def open_safe_xml(html: str) -> str:
    """The page with MathType's safe XML in its text, `«math»«mi»x«/mi»«/math»`, as the MathML that it is."""
    return _SAFE.sub(lambda match: from_safe_xml(match[0]), html)


def open_embedded(document: Document, signs: Signs) -> Signs:
    """Put embedded formulas in their places; the signs of the page as it is then."""
    found = 0
    if holders := _HOLDERS.of(signs):
        for holder in document.select(holders)[:_MAX_HOLDERS]:
            found += _open(holder)
    if symbol := _SYMBOL_FONT.of(signs):
        _read_symbols(document, symbol)
    if _COMMENT_SIGN in signs:
        comments = [node for node in document.descendants if isinstance(node, Comment) and _source(node)]
        found += sum(map(_take_rendering, comments[:_MAX_COMMENTS]))
    return ALL if found else signs


def _open(holder: Element) -> bool:
    """Replace an embedding element by what it embeds; an object without readable data shows what is inside it."""
    markup = holder.attr("srcdoc") or holder.attr("mmldata") or holder.attr("html") or ""
    data = holder.attr("data") or holder.attr("src") or ""
    if not markup and data.startswith("data:") and ";base64" not in data.partition(",")[0]:
        markup = unquote(data.partition(",")[2])
    if "«" in markup:
        markup = from_safe_xml(markup)
    if holder.tag == "iframe" and _MAY_HOLD_FORMULA.search(markup) is None:
        return False  # advertisements, notices
    if markup:
        _put(markup, holder)
    elif holder.tag == "object":
        holder.unwrap()
    else:
        return False
    return True


def _put(markup: str, holder: Element) -> None:
    fragment = parse_fragment(markup)
    if holder.tag != "iframe":
        fragment.tag = "span"
    fragment.remove("style,template,title")
    holder.replace_with(fragment)


def _read_symbols(document: Document, selector: str) -> None:
    nested = 0  # elements in this font inside the one read last
    for font in document.select(selector):
        if nested:
            nested -= 1
            continue
        for text in [node for node in font.descendants if isinstance(node, Text)]:
            text.replace_with(Text(text.data.translate(_PRIVATE).translate(_SYMBOLS)))
        nested = len(font.select(selector))


def _source(comment: Comment) -> str:
    text = comment.data.strip()
    return text[4:].strip() if text.startswith("MATH") and len(text) <= _MAX_SOURCE_CHARS else ""


_INLINE = frozenset(("i", "b", "em", "strong", "sub", "sup", "span", "font", "nobr", "tt", "big", "small"))
_CHAR_OF = {name: char for char, name in LATEX_OF.items()}
_SAME = str.maketrans("−–′", "--'")


def _take_rendering(comment: Comment) -> bool:
    """Put the source of a comment in the place of its rendering; an image brings its source along."""
    source = _source(comment)
    node = comment.next_sibling
    while isinstance(node, Text) and not node.data.strip():
        node = node.next_sibling
    rendering: list[Node] | None = None
    if isinstance(node, Element) and (node.tag == "table" or (node.attr("class") or "").lower() == "math"):
        whole = node.select_one("img") is None and (node.tag != "table" or source.startswith("\\begin"))
        rendering = [node] if whole else None
    elif node is not None:
        rendering = _rendering_of(source, node)
    if rendering is None:
        return False
    formula = Element("tex")
    formula.text = source
    comment.replace_with(formula)
    for part in rendering:
        part.extract()
    return True


def _rendering_of(source: str, node: Node | None) -> list[Node] | None:
    """The nodes from `node` on that show exactly the symbols of the source; text behind them is split off."""
    wanted = _symbols(source.strip("$"))
    missing = sum(wanted.values())
    nodes: list[Node] = []
    while missing > 0 and node is not None:
        if isinstance(node, Element) and node.tag in _INLINE and (inside := _shown_in(node)) is not None:
            shown = inside
        elif isinstance(node, Text):
            shown = "".join(node.data.split())[:missing]
        else:
            return None
        nodes.append(node)
        wanted.subtract(shown.translate(_SAME))
        missing -= len(shown)
        if missing <= 0 and isinstance(node, Text):
            node.insert_after(Text(_behind(node.data, len(shown))))
        node = node.next_sibling
    return nodes if nodes and not any(wanted.values()) else None


def _shown_in(element: Element) -> str | None:
    """Text of a short piece of a formula; None where it is long or holds an image."""
    parts: list[str] = []
    for number, node in enumerate(element.descendants):
        if number > _MAX_PIECES or (isinstance(node, Element) and node.tag == "img"):
            return None
        if isinstance(node, Text):
            parts += node.data.split()
    return "".join(parts)


def _behind(text: str, shown: int) -> str:
    """What follows the first `shown` characters that are no white space."""
    position = 0
    while shown:
        shown -= not text[position].isspace()
        position += 1
    return text[position:]


def _symbols(source: str) -> Counter[str]:
    """Characters a reader sees in a formula; a command whose characters are unknown is kept, and matches nothing."""
    seen: Counter[str] = Counter()
    for symbol, times in visible_symbols(unescape(source)).items():
        char = _CHAR_OF.get(symbol, symbol[1:] if symbol[1:] in FUNCTIONS else symbol)
        for part in char.translate(_SAME) if not char.startswith("\\") else (char,):
            seen[part] += times
    return seen
