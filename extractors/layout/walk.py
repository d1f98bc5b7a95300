"""The layout walk: one pass over the prepared tree, written out as markup and cut at its tags in C.

`markup.split("<")` gives one piece per tag: its name and attributes, ">", and the text up to the next tag. The
serialiser escapes "<" and ">" in text and attributes, so the cut is sound, and a piece costs a third of what visiting
a tree node through its wrapper costs (docs/decisions/0004). Plain blocks are handled in the loop itself, being every
third element of a page; an element with a rule has an action at its start tag and one at its end tag; any other
element is transparent. No recursion: what is open is on the stacks of `Walk`.
"""

from __future__ import annotations

from extractors.layout.rejected import RenderRejected
from extractors.layout.rules import ACTIONS, BLOCK_END, BLOCK_START
from extractors.layout.state import Walk
from extractors.layout.text import unescape

MAX_LOOKS_PER_PIECE = 8  # pieces that rules may look ahead, on average: keeps any input linear


def lay_out(markup: str, walk: Walk, max_nodes: int) -> None:
    """Walk the page into `walk.flow`. Raises RenderRejected("too_many_nodes") past the budget of tags."""
    if markup.count("<") > max_nodes:
        raise RenderRejected("too_many_nodes", expected=f"at most {max_nodes} tags")
    pieces = walk.pieces = markup.split("<")
    walk.looks_left = MAX_LOOKS_PER_PIECE * len(pieces)
    buffer, paths, places, actions = walk.buffer, walk.paths, walk.places, ACTIONS
    for index, piece in enumerate(pieces):
        head, _, text = piece.partition(">")
        action = actions.get(head)
        if action is None and " " in head:
            action = actions.get(head.partition(" ")[0])
        if action is None:
            pass  # transparent
        elif action is BLOCK_START:
            if buffer:
                walk.flush()
            paths.append(places[paths[-1], head])
        elif action is BLOCK_END:
            if buffer:
                walk.flush()
            if len(paths) > 1:
                paths.pop()
        else:
            action(walk, head, index)
            if walk.swallowed:  # the action has dealt with the text of its piece
                walk.swallowed = False
                continue
        if text and (buffer or not text.isspace()):
            if "&" in text:
                text = unescape(text)
            buffer.append(text)
            if walk.in_link:
                walk.link_chars += len(text)
    walk.flush()
