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
        self.nodes.append(node)

    def pop(self) -> None:
        self.nodes.pop()
        if len(self.texts) > len(self.nodes):
            self.texts.pop()

    def tag(self) -> str:
        return self.nodes[-1].tag

    def text(self) -> str:
        """Path of the innermost open block; a long one keeps its beginning and its end."""
        for node in self.nodes[len(self.texts) :]:
            parent = self.texts[-1] if self.texts else ""
            self.texts.append(_join(parent, segment(node)) if node.tag != "html" else parent)
        return self.texts[-1] if self.texts else ""


def segment(node: Element) -> str:
    """`tag#id.class.class`, at most two classes."""
    identifier = (node.attr("id") or "").split()
    classes = (node.attr("class") or "").split(maxsplit=2)[:2]
    text = node.tag + "".join(f"#{part}" for part in identifier[:1]) + "".join(f".{part}" for part in classes)
    return text.replace("/", "_")[:MAX_SEGMENT_CHARS]


def _join(parent: str, child: str) -> str:
    path = f"{parent}/{child}" if parent else child
    if len(path) <= MAX_PATH_CHARS:
        return path
    return f"{path[: MAX_PATH_CHARS // 2 - 3]}...{path[-(MAX_PATH_CHARS // 2) :]}"
