"""Where a block sat in the page: `body/main.content/article/p`, built only for blocks that are written."""

from __future__ import annotations

import re

from extractors.layout.tags import TABLE_MARKS
from extractors.layout.text import unescape

MAX_PATH_CHARS = 240
MAX_SEGMENT_CHARS = 60
_NAMING = re.compile(r' (id|class)="([^"]*)"')


class PathStack:
    """Start tags of the open block elements; a level's path is computed once, when a leaf first needs it."""

    __slots__ = ("heads", "segments", "texts")

    def __init__(self) -> None:
        self.heads: list[str] = []  # start tags without their brackets: `div class="x"`
        self.texts: list[str] = []
        self.segments: dict[str, str] = {}  # of start tags seen on this page

    def push(self, name: str, attributes: str) -> None:
        """Enter a block element."""
        self.heads.append(f"{name} {attributes}" if attributes else name)

    def pop(self) -> None:
        """Leave the innermost block element."""
        if self.heads:
            self.heads.pop()
            if len(self.texts) > len(self.heads):
                self.texts.pop()

    def text(self) -> str:
        """Path of the innermost open block; a long one keeps its beginning and its end."""
        texts, heads = self.texts, self.heads
        if len(texts) < len(heads):
            self._extend()
        return texts[-1] if texts else ""

    def _extend(self) -> None:
        texts, segments = self.texts, self.segments
        path = texts[-1] if texts else ""
        for head in self.heads[len(texts) :]:
            part = segments.get(head)
            if part is None:
                part = segments[head] = segment(head)
            path = f"{path}/{part}" if path else part
            if len(path) > MAX_PATH_CHARS:
                path = f"{path[: MAX_PATH_CHARS // 2 - 3]}...{path[-(MAX_PATH_CHARS // 2) :]}"
            texts.append(path)


def segment(head: str) -> str:
    """`tag#id.class.class` of a start tag, at most two classes."""
    tag, _, attributes = head.partition(" ")
    text = "table" if tag in TABLE_MARKS else tag
    if attributes:
        named = dict(_NAMING.findall(f" {attributes}"))
        identifier, classes = unescape(named.get("id", "")), unescape(named.get("class", ""))
        if identifier:
            text = f"{text}#{identifier.strip()}"
        if classes:
            text = ".".join((text, *classes.split(maxsplit=2)[:2]))
    return text[:MAX_SEGMENT_CHARS].replace("/", "_") if len(text) > MAX_SEGMENT_CHARS or "/" in text else text
