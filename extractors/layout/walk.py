"""The layout walk: one pass over the prepared tree, written out as markup.

The serialiser escapes "<" and ">" in text and attributes, so tags are found by looking for the two, and a tag costs a
third of what visiting a tree node through its wrapper costs (docs/decisions/0004). An element with a rule has an action
at its start tag and one at its end tag; any other element is transparent. No recursion: what is open is on the stacks
of `Walk`.
"""

from __future__ import annotations

from extractors.layout.native import twin
from extractors.layout.rejected import RenderRejected
from extractors.layout.rules import ACTIONS
from extractors.layout.state import Walk

MIN_TAG_CHARS = 3
MIN_LOOKS, LOOKS_PER_CHAR = 100, 1  # tags that rules may look ahead: keeps any input linear

_RULES = twin.TagTable(ACTIONS)


def lay_out(markup: str, walk: Walk, max_nodes: int) -> None:
    """Walk the page into `walk.flow`. Raises RenderRejected("too_many_nodes") past the budget of tags."""
    if len(markup) > MIN_TAG_CHARS * max_nodes and markup.count("<") > max_nodes:
        raise RenderRejected("too_many_nodes", expected=f"at most {max_nodes} tags")
    walk.looks_left = MIN_LOOKS + len(markup) * LOOKS_PER_CHAR
    twin.lay_out_markup(walk, markup, _RULES)
