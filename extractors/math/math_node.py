"""`MathNode`: one element of a formula, as MathML names it, whatever markup drew it."""

from __future__ import annotations

from dataclasses import dataclass, field

TOKENS = frozenset({"mi", "mn", "mo", "mtext", "ms"})
# Elements that only group: several children stand in a row inside them.
ROWS = frozenset({"math", "mrow", "mstyle", "mpadded", "semantics", "merror", "mtd", "maction", "mscarry"})


@dataclass(slots=True, eq=False)
class MathNode:
    """`text` is a token's text; `kids` everything else's children. `tex`, `variant`, `tall` are the writer's.

    `tall` says that the box is higher than a line, so that fences around it are drawn stretched.
    """

    tag: str
    text: str = ""
    attrs: dict[str, str] = field(default_factory=dict)
    kids: list[MathNode] = field(default_factory=list)
    variant: str = ""
    applied: bool = False  # an invisible "function application" follows
    tex: str = ""
    tall: bool = False

    def core(self) -> MathNode:
        """The node itself, or what stands alone inside its grouping elements."""
        node = self
        while node.tag in ROWS:
            kids = [kid for kid in node.kids if not kid.is_blank()]
            if len(kids) != 1:
                return node
            node = kids[0]
        return node

    def is_blank(self) -> bool:
        """Whether it shows nothing: an empty group, an invisible operator, a space."""
        return not self.tex and self.tag in _MAYBE_BLANK

    def char(self) -> str:
        """The text of the single token inside, "" when there is more."""
        core = self.core()
        return core.text if core.tag in TOKENS else ""


_MAYBE_BLANK = TOKENS | ROWS | {"mspace", "mprescripts", "none"}


def leaf(tag: str, text: str, **attrs: str) -> MathNode:
    """A token node."""
    return MathNode(tag, text, attrs)


def group(tag: str, *kids: MathNode, **attrs: str) -> MathNode:
    """A node with children."""
    return MathNode(tag, "", attrs, list(kids))
