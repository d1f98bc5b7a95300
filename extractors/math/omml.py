"""Office's formulas (OMML, ECMA-376 part 1, 22.1) in pages saved from Word: `m:*`, mostly in conditional comments.

The HTML parser lowers names and knows no empty elements of theirs, so the source is rewritten before it is parsed.
"""

from __future__ import annotations

import re

from turbohtml import Comment, Document, Element, parse_fragment

from extractors.math.boxes import fold, limited, row, scripted
from extractors.math.forms import Recovered
from extractors.math.html_markup import tokens
from extractors.math.math_node import MathNode
from extractors.math.mathtree import tree_to_latex

SIGN = "<m:omath"
_EMPTY = re.compile(r"<(m:[A-Za-z]{1,20})((?:\s[^<>]{0,300})?)/>")
_CONDITION = re.compile(r"^\[if [^\]]{1,60}\]>|<!\[endif\]$")
_SCRIPTS = {"roman": "", "script": "script", "fraktur": "fraktur", "double-struck": "double-struck"}
_SCRIPTS |= {"sans-serif": "sans-serif", "monospace": "monospace"}
_STYLES = {"p": "normal", "b": "bold", "i": "italic", "bi": "bold-italic"}
_PARTS = frozenset({"e", "num", "den", "sub", "sup", "deg", "lim", "fname", "mr"})
_OFF = frozenset({"0", "off", "false"})
_MAX_COMMENTS = 20_000


def close_empty(html: str) -> str:
    """Empty elements of OMML with an end tag."""
    return _EMPTY.sub(r"<\1\2></\1>", html)


def open_comments(document: Document) -> None:
    """Put what conditional comments hold for programs that know OMML in their place."""
    found = [node for node in document.descendants if isinstance(node, Comment) and SIGN in node.data.lower()]
    for comment in found[:_MAX_COMMENTS]:
        if not isinstance(comment.parent, Element):
            continue  # beside the root element, where nothing is shown
        opened = parse_fragment(_CONDITION.sub("", comment.data.strip()))
        opened.tag = "span"  # it may stand inside a sentence
        comment.replace_with(opened)


def recover_omml(math: Element) -> Recovered | None:
    """`m:oMath` or `m:oMathPara` as LaTeX; None when it shows nothing."""
    root = fold(math, _visit)
    tex = tree_to_latex(root) if root is not None else None
    display = math.tag == "m:omathpara"
    if tex:
        return Recovered(tex, "mathml", display, True)
    visible = " ".join(math.text.split())
    return Recovered(visible, "mathml", display, False) if visible else None


def _visit(element: Element, kids: list[MathNode]) -> MathNode | None:
    name = element.tag.removeprefix("m:")
    if name == "r":
        return _run(element)
    if name in _PARTS:
        return MathNode(name, "", {}, kids)
    if name.endswith("pr"):
        return MathNode("properties", "", {kid.tag: kid.text for kid in kids if kid.tag.startswith("pr-")})
    value = element.attr("m:val")
    if not kids and (value is not None or name in ("nor", "deghide")):
        return MathNode(f"pr-{name}", value or "")
    structure = _STRUCTURES.get(name)
    if structure is None:
        return row([kid for kid in kids if kid.tag != "properties" and not kid.tag.startswith("pr-")])
    properties = next((kid.attrs for kid in kids if kid.tag == "properties"), {})
    return structure(properties, [kid for kid in kids if kid.tag != "properties"])


def _run(element: Element) -> MathNode:
    text = " ".join(element.text.split())
    properties = {
        part.tag: part.attr("m:val") or ""
        for part in element.iter_elements()
        if part.tag in ("m:sty", "m:scr", "m:nor")
    }
    if "m:nor" in properties and properties["m:nor"] not in _OFF:
        return MathNode("mtext", text)
    variant = _SCRIPTS.get(properties.get("m:scr", ""), "") or _STYLES.get(properties.get("m:sty", ""), "")
    if variant == "normal" and len(text) > 1 and text.isalpha():
        return MathNode("mi", text)
    attrs = {"mathvariant": variant} if variant not in ("", "italic") else {}
    return MathNode("mrow", "", attrs, [part for token in tokens(text) for part in _letters(token)])


def _letters(token: MathNode) -> list[MathNode]:
    """A word in a run is a product of letters unless the run says that it is upright."""
    return [MathNode("mi", char) for char in token.text] if token.tag == "mi" and token.text.isascii() else [token]


def _parts(kids: list[MathNode], name: str) -> list[MathNode]:
    return [row(kid.kids) for kid in kids if kid.tag == name]


def _part(kids: list[MathNode], name: str) -> MathNode:
    return next(iter(_parts(kids, name)), MathNode("mrow"))


def _fraction(properties: dict[str, str], kids: list[MathNode]) -> MathNode:
    kind = properties.get("pr-type", "")
    attrs = {"noBar": {"linethickness": "0"}, "lin": {"bevelled": "true"}, "skw": {"bevelled": "true"}}.get(kind, {})
    return MathNode("mfrac", "", dict(attrs), [_part(kids, "num"), _part(kids, "den")])


def _scripts(_properties: dict[str, str], kids: list[MathNode]) -> MathNode:
    sub, sup = _parts(kids, "sub"), _parts(kids, "sup")
    return scripted(_part(kids, "e"), sub[0] if sub else None, sup[0] if sup else None)


def _prescripts(_properties: dict[str, str], kids: list[MathNode]) -> MathNode:
    parts = [_part(kids, "e"), MathNode("mprescripts"), _part(kids, "sub"), _part(kids, "sup")]
    return MathNode("mmultiscripts", "", {}, parts)


def _radical(properties: dict[str, str], kids: list[MathNode]) -> MathNode:
    hidden = properties.get("pr-deghide", "off") not in _OFF
    degree = _part(kids, "deg")
    if hidden or not (degree.kids or degree.text):
        return MathNode("msqrt", "", {}, [_part(kids, "e")])
    return MathNode("mroot", "", {}, [_part(kids, "e"), degree])


def _delimiters(properties: dict[str, str], kids: list[MathNode]) -> MathNode:
    opening, closing = properties.get("pr-begchr", "("), properties.get("pr-endchr", ")")
    between = properties.get("pr-sepchr", "|")
    inside: list[MathNode] = []
    for part in _parts(kids, "e"):
        inside += [MathNode("mo", between)] if inside else []
        inside.append(part)
    fences = [
        MathNode("mo", char, {"fence": "true", "form": form})
        for char, form in ((opening, "prefix"), (closing, "postfix"))
    ]
    return MathNode("mrow", "", {}, [fences[0], *inside, fences[1]])


def _nary(properties: dict[str, str], kids: list[MathNode]) -> MathNode:
    sub, sup = _parts(kids, "sub"), _parts(kids, "sup")
    under = sub[0] if sub and (sub[0].kids or sub[0].text) else None
    over = sup[0] if sup and (sup[0].kids or sup[0].text) else None
    sign = MathNode("mo", properties.get("pr-chr", "∫"))
    build = limited if properties.get("pr-limloc") == "undOvr" else scripted
    return MathNode("mrow", "", {}, [build(sign, under, over), _part(kids, "e")])


def _function(_properties: dict[str, str], kids: list[MathNode]) -> MathNode:
    return MathNode("mrow", "", {}, [_part(kids, "fname"), MathNode("mo", "\u2061"), _part(kids, "e")])


def _lower_limit(_properties: dict[str, str], kids: list[MathNode]) -> MathNode:
    return limited(_part(kids, "e"), _part(kids, "lim"), None)


def _upper_limit(_properties: dict[str, str], kids: list[MathNode]) -> MathNode:
    return limited(_part(kids, "e"), None, _part(kids, "lim"))


def _accent(properties: dict[str, str], kids: list[MathNode]) -> MathNode:
    return limited(_part(kids, "e"), None, MathNode("mo", properties.get("pr-chr", "\u0302")))


def _bar(properties: dict[str, str], kids: list[MathNode]) -> MathNode:
    line = MathNode("mo", "\u203e" if properties.get("pr-pos") == "top" else "_")
    base = _part(kids, "e")
    return limited(base, None, line) if properties.get("pr-pos") == "top" else limited(base, line, None)


def _group_sign(properties: dict[str, str], kids: list[MathNode]) -> MathNode:
    sign = MathNode("mo", properties.get("pr-chr", "⏟"))
    base = _part(kids, "e")
    return limited(base, None, sign) if properties.get("pr-pos") == "top" else limited(base, sign, None)


def _matrix(_properties: dict[str, str], kids: list[MathNode]) -> MathNode:
    rows = [[MathNode("mtd", "", {}, [cell]) for cell in _parts(kid.kids, "e")] for kid in kids if kid.tag == "mr"]
    return MathNode("mtable", "", {}, [MathNode("mtr", "", {}, cells) for cells in rows])


def _equations(_properties: dict[str, str], kids: list[MathNode]) -> MathNode:
    rows = [MathNode("mtr", "", {}, [MathNode("mtd", "", {}, [part])]) for part in _parts(kids, "e")]
    return MathNode("mtable", "", {}, rows)


def _boxed(_properties: dict[str, str], kids: list[MathNode]) -> MathNode:
    return MathNode("menclose", "", {"notation": "box"}, [_part(kids, "e")])


def _phantom(properties: dict[str, str], kids: list[MathNode]) -> MathNode:
    shown = properties.get("pr-show", "on") not in _OFF
    return MathNode("mrow" if shown else "mphantom", "", {}, [_part(kids, "e")])


_STRUCTURES = {
    "f": _fraction,
    "ssup": _scripts,
    "ssub": _scripts,
    "ssubsup": _scripts,
    "spre": _prescripts,
    "rad": _radical,
    "d": _delimiters,
    "nary": _nary,
    "func": _function,
    "limlow": _lower_limit,
    "limupp": _upper_limit,
    "acc": _accent,
    "bar": _bar,
    "groupchr": _group_sign,
    "m": _matrix,
    "eqarr": _equations,
    "borderbox": _boxed,
    "phant": _phantom,
}
