"""The layout walk: one pass over the prepared tree, written out as markup and cut at its tags in C.

`markup.split("<")` gives one piece per tag: its name and attributes, ">", and the text up to the next tag. The
serialiser escapes "<" and ">" in text and attributes, so the cut is sound, and a piece costs a third of what visiting
a tree node through its wrapper costs (docs/decisions/0004). An element with a rule has an action at its start tag and
one at its end tag; any other element is transparent. No recursion: what is open is on the stacks of `Walk`.
"""

from __future__ import annotations

from extractors.layout import hot
from extractors.layout.native import compile_rules, lay_out_pieces
from extractors.layout.rejected import RenderRejected
from extractors.layout.rules import ACTIONS
from extractors.layout.state import Walk

MAX_LOOKS_PER_PIECE = 8  # pieces that rules may look ahead, on average: keeps any input linear

_RULES = compile_rules(ACTIONS, hot)


def lay_out(markup: str, walk: Walk, max_nodes: int) -> None:
    """Walk the page into `walk.flow`. Raises RenderRejected("too_many_nodes") past the budget of tags."""
    if markup.count("<") > max_nodes:
        raise RenderRejected("too_many_nodes", expected=f"at most {max_nodes} tags")
    walk.pieces.extend(markup.split("<"))
    walk.looks_left = MAX_LOOKS_PER_PIECE * len(walk.pieces)
    lay_out_pieces(walk, _RULES)
