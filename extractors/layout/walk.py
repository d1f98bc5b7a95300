"""The layout walk: one pass over the prepared tree with an explicit stack, block and inline flow as lynx would do it.

An element is a plain block (its content is flushed as leaves of its own), has a rule (lists, links, code, scripts,
tables, breaks) or is transparent. Plain blocks are handled in the loop itself, being every third element of a page.
"""

from __future__ import annotations

from collections.abc import Iterator

from turbohtml import Document, Element, Node, Text

from extractors.layout.rejected import RenderRejected
from extractors.layout.rules import ACTIONS, PLAIN_BLOCKS, SKIP, Closer, close_block
from extractors.layout.state import Walk


def lay_out(document: Document, walk: Walk, max_nodes: int) -> None:
    """Walk the whole tree into `walk.flow`. Raises RenderRejected("too_many_nodes") past the budget."""
    stack: list[tuple[Iterator[Node], Closer | None]] = []
    children: Iterator[Node] = iter(document.children)
    closer: Closer | None = None
    buffer, nodes, visited = walk.buffer, walk.path.nodes, 0
    while True:
        for node in children:
            if type(node) is Text:
                data = node.data
                if buffer or not data.isspace():
                    buffer.append(data)
                    if walk.in_link:
                        walk.link_chars += len(data)
            elif type(node) is Element:
                tag = node.tag
                opened: Closer | None = None
                if tag in PLAIN_BLOCKS:
                    if buffer:
                        walk.flush()
                    nodes.append(node)
                    opened = close_block
                elif tag in ACTIONS:
                    opened = ACTIONS[tag](walk, node)
                    if opened is SKIP:
                        continue
                below = node.children
                visited += len(below) + 1
                stack.append((children, closer))
                children, closer = iter(below), opened
                break
        else:
            if closer is not None:
                closer(walk)
            if not stack:
                break
            children, closer = stack.pop()
            continue
        if visited > max_nodes:
            raise RenderRejected("too_many_nodes", expected=f"at most {max_nodes} nodes")
    walk.flush()
