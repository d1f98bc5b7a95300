"""The layout walk: one pass over the prepared tree with an explicit stack, block and inline flow as lynx would do it.

An element is a block (its content is flushed as leaves of its own), an inline piece with a rule (links, code, scripts,
images, breaks) or transparent.
"""

from __future__ import annotations

from collections.abc import Iterator

from turbohtml import Document, Element, Node, Text

from extractors.layout.rejected import RenderRejected
from extractors.layout.rules import ACTIONS, Closer
from extractors.layout.state import Walk


def lay_out(document: Document, walk: Walk, max_nodes: int) -> None:
    """Walk the whole tree into `walk.flow`. Raises RenderRejected("too_many_nodes") past the budget."""
    stack: list[tuple[Iterator[Node], Closer | None]] = [(iter(document.children), None)]
    buffer, visited = walk.buffer, 0
    while stack:
        for node in stack[-1][0]:
            if type(node) is Text:
                data = node.data
                if buffer or not data.isspace():
                    buffer.append(data)
                    if walk.in_link:
                        walk.link_chars += len(data)
            elif type(node) is Element:
                action = ACTIONS.get(node.tag)
                closer = None
                if action is not None:
                    descend, closer = action(walk, node)
                    if not descend:
                        continue
                children = node.children
                visited += len(children) + 1
                stack.append((iter(children), closer))
                break
        else:
            closer = stack.pop()[1]
            if closer is not None:
                closer(walk)
        if visited > max_nodes:
            raise RenderRejected("too_many_nodes", expected=f"at most {max_nodes} nodes")
    walk.flush()
