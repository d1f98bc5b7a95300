"""Where a block sat in the page: `body/main.content/article/p`, built only for blocks that are written."""

from __future__ import annotations

from turbohtml import Element

MAX_PATH_CHARS = 240
MAX_SEGMENT_CHARS = 60


class PathStack:
    """Open block elements; the path text of each level is computed once, when a leaf first needs it."""

    __slots__ = ("nodes", "texts")

    def __init__(self) -> None:
        self.nodes: list[Element] = []
        self.texts: list[str] = []

    def push(self, node: Element) -> None:
        """Enter a block element."""
        self.nodes.append(node)

    def pop(self) -> None:
        """Leave the innermost block element."""
        self.nodes.pop()
        if len(self.texts) > len(self.nodes):
            self.texts.pop()

    def tag(self) -> str:
        """Tag of the innermost block element."""
        return self.nodes[-1].tag

    def text(self) -> str:
        """Path of the innermost open block; a long one keeps its beginning and its end."""
        texts = self.texts
        if len(texts) < len(self.nodes):
            parent = texts[-1] if texts else ""
            for node in self.nodes[len(texts) :]:
                path = f"{parent}/{segment(node)}" if parent else segment(node)
                if len(path) > MAX_PATH_CHARS:
                    path = f"{path[: MAX_PATH_CHARS // 2 - 3]}...{path[-(MAX_PATH_CHARS // 2) :]}"
                texts.append(path)
                parent = path
        return texts[-1] if texts else ""


def segment(node: Element) -> str:
    """`tag#id.class.class`, at most two classes."""
    text = node.tag
    identifier, classes = node.attr("id"), node.attr("class")
    if identifier:
        text = f"{text}#{identifier.strip()}"
    if classes:
        text = ".".join((text, *classes.split(maxsplit=2)[:2]))
    return text[:MAX_SEGMENT_CHARS].replace("/", "_") if len(text) > MAX_SEGMENT_CHARS or "/" in text else text
