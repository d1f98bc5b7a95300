"""Content MathML (`apply`, `ci`, `cn`) through the presentation it stands for (MathML 3, chapter 4)."""

from __future__ import annotations

from extractors.math.math_node import MathNode, leaf

_INFIX = {
    "plus": ("+", 1),
    "minus": ("−", 1),
    "times": ("", 2),
    "eq": ("=", 0),
    "neq": ("≠", 0),
    "lt": ("<", 0),
    "gt": (">", 0),
    "leq": ("≤", 0),
    "geq": ("≥", 0),
    "equivalent": ("≡", 0),
    "approx": ("≈", 0),
    "in": ("∈", 0),
    "notin": ("∉", 0),
    "subset": ("⊆", 0),
    "prsubset": ("⊂", 0),
    "union": ("∪", 1),
    "intersect": ("∩", 1),
    "setdiff": ("∖", 1),
    "and": ("∧", 1),
    "or": ("∨", 1),
    "implies": ("⇒", 0),
    "compose": ("∘", 2),
    "tendsto": ("→", 0),
}
_CONSTANTS = {
    "pi": "π",
    "infinity": "∞",
    "exponentiale": "e",
    "imaginaryi": "i",
    "emptyset": "∅",
    "reals": "ℝ",
    "integers": "ℤ",
    "naturalnumbers": "ℕ",
    "rationals": "ℚ",
    "complexes": "ℂ",
    "eulergamma": "γ",
}
_FENCED = {"abs": ("|", "|"), "floor": ("⌊", "⌋"), "ceiling": ("⌈", "⌉"), "card": ("|", "|")}
_BIG = {"sum": "∑", "product": "∏", "int": "∫", "limit": "lim", "forall": "∀", "exists": "∃"}
_QUALIFIERS = frozenset({"bvar", "lowlimit", "uplimit", "degree", "logbase", "condition", "interval"})
CONTENT_TAGS = frozenset({"apply", "ci", "cn", "csymbol", "reln", "set", "list", "vector", "matrix", *_CONSTANTS})


def to_presentation(root: MathNode) -> None:
    """Rewrite content elements below `root` in place, innermost first."""
    order = [root]
    for node in order:
        order.extend(node.kids)
    for node in reversed(order):
        _rewrite(node)


def _rewrite(node: MathNode) -> None:
    if node.tag in ("ci", "csymbol"):
        node.tag = "mi" if node.text else "mrow"
    elif node.tag == "cn":
        _number(node)
    elif node.tag in _CONSTANTS:
        node.tag, node.text, node.kids = "mi", _CONSTANTS[node.tag], []
    elif node.tag in ("apply", "reln") and node.kids:
        written = _apply(node.kids[0], node.kids[1:])
        node.attrs["precedence"] = str(_INFIX[node.kids[0].tag][1]) if node.kids[0].tag in _INFIX else "9"
        node.tag, node.kids = "mrow", written
    elif node.tag in ("set", "list", "vector"):
        opening, closing = ("{", "}") if node.tag == "set" else ("(", ")")
        node.kids = [leaf("mo", opening), *_separated(node.kids, ","), leaf("mo", closing)]
        node.tag = "mrow"
    elif node.tag in ("matrix", "matrixrow"):
        _matrix(node)


def _number(node: MathNode) -> None:
    parts = [kid.text for kid in node.kids if kid.tag == "mtext"]
    if node.attrs.get("type") == "rational" and len(parts) == 2:
        node.tag, node.kids = "mfrac", [leaf("mn", part) for part in parts]
    else:
        node.tag, node.text, node.kids = "mn", node.text or "".join(parts), []


def _matrix(node: MathNode) -> None:
    if node.tag == "matrixrow":
        node.tag, node.kids = "mtr", [MathNode("mtd", "", {}, [kid]) for kid in node.kids]
    else:
        table = MathNode("mtable", "", {}, node.kids)
        node.tag, node.kids = "mrow", [leaf("mo", "("), table, leaf("mo", ")")]


def _separated(kids: list[MathNode], mark: str) -> list[MathNode]:
    out: list[MathNode] = []
    for kid in kids:
        if out and mark:
            out.append(leaf("mo", mark))
        out.append(kid)
    return out


def _fenced(kid: MathNode) -> MathNode:
    return MathNode("mrow", "", {}, [leaf("mo", "("), kid, leaf("mo", ")")])


def _operand(kid: MathNode, precedence: int) -> MathNode:
    """An operand that binds less tightly than its operator stands in parentheses."""
    return _fenced(kid) if int(kid.attrs.get("precedence", "9")) < precedence else kid


def _qualifier(arguments: list[MathNode], name: str) -> MathNode | None:
    found = next((kid for kid in arguments if kid.tag == name), None)
    return MathNode("mrow", "", {}, found.kids) if found is not None else None


def _apply(head: MathNode, arguments: list[MathNode]) -> list[MathNode]:
    operands = [kid for kid in arguments if kid.tag not in _QUALIFIERS]
    if head.tag in _INFIX:
        sign, precedence = _INFIX[head.tag]
        if head.tag == "minus" and len(operands) == 1:
            return [leaf("mo", sign), _operand(operands[0], 2)]
        return _separated(
            [_operand(kid, precedence + (head.tag == "minus" and i > 0)) for i, kid in enumerate(operands)], sign
        )
    if head.tag in ("divide", "power") and len(operands) == 2:
        if head.tag == "divide":
            return [MathNode("mfrac", "", {}, operands)]
        return [MathNode("msup", "", {}, [_operand(operands[0], 3), operands[1]])]
    if head.tag == "root" and operands:
        degree = _qualifier(arguments, "degree")
        return (
            [MathNode("mroot", "", {}, [operands[0], degree])] if degree else [MathNode("msqrt", "", {}, operands[:1])]
        )
    if head.tag in _FENCED:
        opening, closing = _FENCED[head.tag]
        return [leaf("mo", opening), *operands, leaf("mo", closing)]
    if head.tag in ("factorial", "not") and operands:
        return (
            [_operand(operands[0], 3), leaf("mo", "!")] if head.tag == "factorial" else [leaf("mo", "¬"), operands[0]]
        )
    if head.tag in _BIG:
        return [*_limits(head.tag, arguments), *operands]
    name = head if head.tag in ("mi", "mrow", "msub", "msup") else leaf("mi", head.text or head.tag)
    return [name, leaf("mo", "("), *_separated(operands, ","), leaf("mo", ")")]


def _limits(tag: str, arguments: list[MathNode]) -> list[MathNode]:
    symbol = leaf("mi" if tag == "limit" else "mo", _BIG[tag])
    variable, low, high = (_qualifier(arguments, name) for name in ("bvar", "lowlimit", "uplimit"))
    low = low or _qualifier(arguments, "condition")
    if tag in ("forall", "exists"):
        return [symbol, *([variable] if variable else [])]
    below = low
    if variable is not None and low is not None and tag != "int":
        below = MathNode("mrow", "", {}, [variable, leaf("mo", "→" if tag == "limit" else "="), low])
    kids = [node for node in (symbol, below or variable, high) if node is not None]
    if len(kids) == 1:
        return kids
    return [
        MathNode(
            {2: "munder", 3: "munderover"}[len(kids)] if tag != "int" else {2: "msub", 3: "msubsup"}[len(kids)],
            "",
            {},
            kids,
        )
    ]
