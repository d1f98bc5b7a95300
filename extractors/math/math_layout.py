"""Boxes of MathML as LaTeX: rows with their fences, fractions, roots, enclosures."""

from __future__ import annotations

from extractors.math.math_node import TOKENS, MathNode, group
from extractors.math.math_tables import cases, fenced_matrix
from extractors.math.math_tokens import clean, join
from pipeline.text.latex.symbols import BIG_OPERATORS, FENCES, INTEGRALS

_OPEN = frozenset("([{⟨〈〈⌊⌈⟦⟮⎰⌜⌞")
_CLOSE = frozenset(")]}⟩〉〉⌋⌉⟧⟯⎱⌝⌟")
_PAIRS = frozenset(zip("([{⟨〈〈⌊⌈⟦⟮⎰⌜⌞|∣‖∥", ")]}⟩〉〉⌋⌉⟧⟯⎱⌝⌟|∣‖∥", strict=True))
_TALL = frozenset({"mfrac", "mtable", "munder", "mover", "munderover", "mroot"})


def row(node: MathNode) -> str:
    """Children in a row, fences that stretch over tall content written with `\\left` and `\\right`."""
    kids = node.kids
    if len(kids) == 1:
        return kids[0].tex
    if node.attrs.get("data-mjx-texclass") == "OP" and (operator := _operator_name(kids)):
        return operator
    parts = [kid.tex for kid in kids]
    _printed_twice(kids, parts)
    _primes(kids, parts)
    pairs = _fence_pairs(kids)
    for opening, closing in sorted(pairs, reverse=True):
        _fence(kids, parts, opening, closing)
    _lonely_fences(kids, parts, {index for pair in pairs for index in pair})
    return join(parts)


def _printed_twice(kids: list[MathNode], parts: list[str]) -> None:
    """`\\pmb`: MathJax sets the formula without width, a little space, and the formula once more."""
    for index in range(len(kids) - 2):
        if parts[index] and parts[index] == parts[index + 2] and not parts[index + 1] and _has_no_width(kids[index]):
            parts[index], parts[index + 2] = f"\\boldsymbol{{{parts[index]}}}", ""


_PRIMES = {"′": 1, "″": 2, "‴": 3}


def _primes(kids: list[MathNode], parts: list[str]) -> None:
    """A prime that stands on the line behind its letter."""
    for index in range(1, len(kids)):
        count = _PRIMES.get(kids[index].text, 0) if kids[index].tag == "mo" else 0
        if count and parts[index - 1] and kids[index - 1].core().tag != "mo":
            parts[index] = "'" * count


def _has_no_width(node: MathNode) -> bool:
    while node.tag in ("mrow", "mstyle") and len(node.kids) == 1:
        node = node.kids[0]
    width = node.attrs.get("width", "")
    return node.tag == "mpadded" and width[:1] == "0" and not width.strip("0.pxemt")


def _operator_name(kids: list[MathNode]) -> str | None:
    """`\\mathop{\\rm dim}`: upright letters that act as one operator."""
    shown = [kid for kid in kids if not kid.is_blank()]
    letters = "".join(kid.text for kid in shown if kid.tag in ("mi", "mn", "mtext") and kid.variant in ("normal", ""))
    upright = all(kid.tag == "mtext" or kid.variant == "normal" or len(kid.text) > 1 for kid in shown)
    if (
        len(shown) > 1
        and upright
        and letters.isascii()
        and letters.isalnum()
        and len(letters) == sum(len(k.text) for k in shown)
    ):
        return f"\\operatorname{{{letters}}}"
    return None


def fence_char(node: MathNode) -> str:
    """The delimiter that this node is, "." for an explicit empty one, "" when it is none."""
    core = node.core()
    if core.tag != "mo":
        return ""
    if core.text in FENCES:
        return core.text
    explicit = core.attrs.get("fence") == "true" or core.attrs.get("data-mjx-texclass") in ("OPEN", "CLOSE")
    return "." if not core.text and explicit else ""


def _role(node: MathNode, char: str) -> str:
    core = node.core()
    texclass, form = core.attrs.get("data-mjx-texclass", ""), core.attrs.get("form", "")
    if texclass == "OPEN" or form == "prefix":
        return "open"
    if texclass == "CLOSE" or form == "postfix":
        return "close"
    if char in _OPEN:
        return "open"
    if char in _CLOSE:
        return "close"
    return "either"


def _fence_pairs(kids: list[MathNode]) -> list[tuple[int, int]]:
    """(opening, closing) indexes of delimiters that belong together in one row."""
    stack: list[int] = []
    pairs: list[tuple[int, int]] = []
    for index, kid in enumerate(kids):
        char = fence_char(kid)
        if not char or (char in "<>/\\∖↑↓↕" and not _explicit(kid)):
            continue
        role = _role(kid, char)
        if role == "either":
            if char not in "|∣‖∥." or not (index in (0, len(kids) - 1) or _explicit(kid)):
                continue
            role = (
                "close"
                if stack and (index == len(kids) - 1 or fence_char(kids[stack[-1]]) in ("|", "∣", "‖", "∥"))
                else "open"
            )
        if role == "open":
            stack.append(index)
        elif stack:
            opening = stack.pop()
            if _explicit(kid) or (fence_char(kids[opening]), char) in _PAIRS:
                pairs.append((opening, index))
    return pairs


def _explicit(node: MathNode) -> bool:
    attrs = node.core().attrs
    return (
        attrs.get("fence") == "true"
        or attrs.get("data-mjx-texclass") in ("OPEN", "CLOSE")
        or attrs.get("stretchy") == "true"
    )


def _stretches(node: MathNode) -> bool:
    attrs = node.core().attrs
    return attrs.get("stretchy") != "false" and not attrs.get("minsize")


def _fence(kids: list[MathNode], parts: list[str], opening: int, closing: int) -> None:
    """Rewrite parts[opening..closing] as one matrix, binomial, or stretched pair where that is what they are."""
    inside = [kid for kid in kids[opening + 1 : closing] if not kid.is_blank()]
    left, right = fence_char(kids[opening]), fence_char(kids[closing])
    if len(inside) == 1:
        core = inside[0].core()
        whole = _binomial(core, left, right) if core.tag == "mfrac" else fenced_matrix(core, left, right)
        if whole is not None:
            parts[opening : closing + 1] = [whole, *[""] * (closing - opening)]
            return
    tall = any(kid.tall for kid in inside)
    if "." in (left, right) or (tall and _stretches(kids[opening]) and _stretches(kids[closing])):
        parts[opening] = "\\left" + _delimiter(left)
        parts[closing] = "\\right" + _delimiter(right)


def _delimiter(char: str) -> str:
    return FENCES.get(char, ".")


def _binomial(fraction: MathNode, left: str, right: str) -> str | None:
    if not no_line(fraction) or (left, right) != ("(", ")"):
        return None
    return f"\\binom{{{fraction.kids[0].tex}}}{{{fraction.kids[1].tex}}}"


def _lonely_fences(kids: list[MathNode], parts: list[str], paired: set[int]) -> None:
    """`{` before a table is `cases`; an empty fence without partner shows nothing."""
    for index, kid in enumerate(kids):
        char = fence_char(kid)
        if index in paired or char not in ("{", "."):
            continue
        following = next((i for i in range(index + 1, min(len(kids), index + 6)) if not kids[i].is_blank()), None)
        if char == "." or following is None:
            parts[index] = "" if char == "." else parts[index]
        elif kids[following].core().tag == "mtable" and parts[index]:
            parts[index], parts[following] = "", cases(kids[following].core())


def no_line(fraction: MathNode) -> bool:
    """Whether an `mfrac` is drawn without its line."""
    thickness = fraction.attrs.get("linethickness", "").strip()
    return len(fraction.kids) >= 2 and thickness[:1] == "0" and not thickness.strip("0.pxemt%")


def _kid(node: MathNode, index: int) -> MathNode:
    return node.kids[index] if index < len(node.kids) else group("mrow")


def mfrac(node: MathNode) -> str:
    """Fraction, `\\binom` without delimiters, or bevelled fraction."""
    top, bottom = _kid(node, 0).tex, _kid(node, 1).tex
    if no_line(node):
        return f"\\genfrac{{}}{{}}{{0pt}}{{}}{{{top}}}{{{bottom}}}"
    if node.attrs.get("bevelled") == "true":
        return f"{{{top}}}/{{{bottom}}}"
    return f"\\frac{{{top}}}{{{bottom}}}"


def msqrt(node: MathNode) -> str:
    """Square root over the inferred row."""
    return f"\\sqrt{{{row(node)}}}"


def mroot(node: MathNode) -> str:
    """Root with its index."""
    index = _kid(node, 1).tex
    if not index:
        return f"\\sqrt{{{_kid(node, 0).tex}}}"
    return f"\\sqrt[{'{' + index + '}' if ']' in index else index}]{{{_kid(node, 0).tex}}}"


_NOTATIONS = (
    ({"box"}, "boxed"),
    ({"roundedbox"}, "boxed"),
    ({"left", "right", "top", "bottom"}, "boxed"),
    ({"updiagonalstrike", "downdiagonalstrike"}, "xcancel"),
    ({"updiagonalstrike"}, "cancel"),
    ({"updiagonalarrow"}, "cancel"),
    ({"downdiagonalstrike"}, "bcancel"),
    ({"horizontalstrike"}, "sout"),
    ({"top"}, "overline"),
    ({"bottom"}, "underline"),
    ({"radical"}, "sqrt"),
    ({"actuarial"}, "angl"),
    ({"phasorangle"}, "phase"),
)


def menclose(node: MathNode) -> str:
    """Box, strike, or line around the inferred row; an unknown notation leaves the content."""
    notation = set(node.attrs.get("notation", "longdiv").split())
    content = row(node)
    for needed, command in _NOTATIONS:
        if needed <= notation:
            return f"\\{command}{{{content}}}"
    if "longdiv" in notation:
        return f"\\overline{{){content}}}"
    return content


def mfenced(node: MathNode) -> str:
    """`<mfenced>` (MathML 1-3): the row it stands for."""
    opening, closing = node.attrs.get("open", "(").strip(), node.attrs.get("close", ")").strip()
    separators = "".join(node.attrs.get("separators", ",").split())
    kids = [MathNode("mo", opening, {"fence": "true", "form": "prefix"}, tex=FENCES.get(opening, opening))]
    for index, kid in enumerate(node.kids):
        if index and separators:
            mark = separators[min(index - 1, len(separators) - 1)]
            kids.append(MathNode("mo", mark, tex=FENCES.get(mark, mark)))
        kids.append(kid)
    kids.append(MathNode("mo", closing, {"fence": "true", "form": "postfix"}, tex=FENCES.get(closing, closing)))
    return row(MathNode("mrow", "", {}, kids))


def mphantom(node: MathNode) -> str:
    """Invisible content that takes its room."""
    content = row(node)
    return f"\\phantom{{{content}}}" if content else ""


def mpadded(node: MathNode) -> str:
    """Padding is appearance; `mpadded` without content is space."""
    return row(node)


def maction(node: MathNode) -> str:
    """The selected (first) alternative."""
    selection = node.attrs.get("selection", "1")
    index = int(selection) - 1 if selection.isdigit() and 0 < int(selection[:6]) <= len(node.kids) else 0
    return node.kids[index].tex if node.kids else ""


def is_tall(node: MathNode) -> bool:
    """Whether the box reaches above or below one line (scripts do not count)."""
    if node.tag in _TALL:
        return True
    if node.tag in TOKENS:
        text = clean(node.text)
        return text in BIG_OPERATORS or text in INTEGRALS
    if node.tag in ("msub", "msup", "msubsup", "mmultiscripts"):
        return bool(node.kids) and node.kids[0].tall
    return any(kid.tall for kid in node.kids)
