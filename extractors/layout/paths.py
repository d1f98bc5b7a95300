"""Where a block sat in the page: `body/main.content/article/p`, each place on a page computed once."""

from __future__ import annotations

from extractors.layout.tags import TABLE_MARKS
from extractors.layout.text import attribute

MAX_PATH_CHARS = 240
MAX_SEGMENT_CHARS = 60


class Paths(dict[tuple[str, str], str]):
    """Path of (path of the parent, start tag without its brackets); siblings that look alike share one entry."""

    def __missing__(self, place: tuple[str, str]) -> str:
        parent, head = place
        path = f"{parent}/{segment(head)}" if parent else segment(head)
        if len(path) > MAX_PATH_CHARS:  # a long one keeps its beginning and its end
            path = f"{path[: MAX_PATH_CHARS // 2 - 3]}...{path[-(MAX_PATH_CHARS // 2) :]}"
        self[place] = path
        return path


def segment(head: str) -> str:
    """`tag#id.class.class` of a start tag, at most two classes."""
    tag, _, attributes = head.partition(" ")
    text = "table" if tag in TABLE_MARKS else tag
    if attributes:
        identifier, classes = attribute(head, "id"), attribute(head, "class")
        if identifier:
            text = f"{text}#{identifier.strip()}"
        if classes:
            text = ".".join((text, *classes.split(maxsplit=2)[:2]))
    return text[:MAX_SEGMENT_CHARS].replace("/", "_") if len(text) > MAX_SEGMENT_CHARS or "/" in text else text
