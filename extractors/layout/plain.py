"""Plain-text pages: paragraphs as they stand, indented code kept, headings of old text files left alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from extractors.layout.flow import Flow

_BLANK_LINES = re.compile(r"\n(?:[ \t\f\v\r]*\n)+")
_INDENT = re.compile(r"(?: {4,}|\t)\S")


def lay_out_plain(text: str, flow: Flow, mask: Callable[[str], str]) -> None:
    """Write the paragraphs of a text/plain page into `flow`; a paragraph whose lines are all indented is code."""
    for chunk in _chunks(text):
        lines = [line.rstrip() for line in chunk.split("\n")]
        body = "\n".join(lines)
        if all(_INDENT.match(line) for line in lines):
            flow.write(body, "code", "")
        else:
            flow.write(mask(body), "paragraph", "")


def _chunks(text: str) -> Iterator[str]:
    """Runs of lines between blank lines, without outer blank lines; inner indentation of the first line is kept."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for chunk in _BLANK_LINES.split(text):
        chunk = chunk.strip("\n").rstrip()
        if chunk:
            yield chunk
