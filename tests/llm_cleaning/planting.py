"""Places in a Markdown-like text where an edit can be planted: prose, sentences, formulas, listings, numbers.

Written apart from the guard and reading nothing of it, so that the edits planted here test it from outside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from random import Random
from typing import NamedTuple


class Span(NamedTuple):
    """`text[start:end]`."""

    start: int
    end: int


_FENCED = re.compile(
    r"^[ \t]*(?:(?:[-*+:>]|\d+[.)])[ \t]+)?(```+|~~~+)[^\n]*\n(.*?)^[ \t]*\1[ \t]*$", re.DOTALL | re.MULTILINE
)
_MATH = re.compile(
    r"\$\$.+?\$\$|\\\[.+?\\\]|\\\(.+?\\\)|(?<![\\$\w])\$(?![\s$])[^$\n]*?(?<![\s\\])\$(?![\d$])", re.DOTALL
)
_TICKS = re.compile(r"``[^\n]+?``|`[^`\n]+`")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|\]\([^)\s]*\)|[\w.+-]+@[\w-]+\.\w+")
_SENTENCE_END = re.compile(r"(?<=[a-z)\]$])[.!?][\"')]?(?= [A-Z])")


def listings(text: str) -> list[Span]:
    """Bodies of fenced code."""
    return [Span(*found.span(2)) for found in _FENCED.finditer(text) if found[2].strip()]


def fences(text: str) -> list[Span]:
    return [Span(*found.span()) for found in _FENCED.finditer(text)]


def _outside(spans: Iterable[Span], taken: list[Span]) -> list[Span]:
    return [span for span in spans if not any(span.start < other.end and other.start < span.end for other in taken)]


def formulas(text: str) -> list[Span]:
    """With their delimiters, outside listings and inline code."""
    code = fences(text)
    code += _outside((Span(*found.span()) for found in _TICKS.finditer(text)), code)
    return _outside((Span(*found.span()) for found in _MATH.finditer(text)), code)


def ticks(text: str) -> list[Span]:
    """Inline code."""
    return _outside((Span(*found.span()) for found in _TICKS.finditer(text)), fences(text))


def special(text: str) -> list[Span]:
    """All that is no prose."""
    return [*fences(text), *formulas(text), *ticks(text), *(Span(*found.span()) for found in _ADDRESS.finditer(text))]


def found_in_prose(pattern: str, text: str, flags: int = 0) -> list[Span]:
    return _outside((Span(*found.span()) for found in re.finditer(pattern, text, flags)), special(text))


def paragraphs(text: str, least: int = 80) -> list[Span]:
    """Running text: from `least` characters on, ending like a sentence, no list, heading, table or quotation."""
    taken = fences(text)
    spans = []
    for found in re.finditer(r"[^\n]+(?:\n[^\n]+)*", text):
        body = found[0].strip()
        marked = re.search(r"(?m)^(?:[ \t]|[#>*+|`~$\\!:-]|\d+[.)] )", found[0])
        prose = marked is None and "|" not in body
        if prose and len(body) >= least and re.search(r"[.!?:][\"')]?\Z", body):
            spans.append(Span(*found.span()))
    return _outside(spans, taken)


def sentences(text: str) -> list[Span]:
    """Sentences of running text that have both neighbours or a border, with their full stop."""
    spans = []
    for paragraph in paragraphs(text):
        start = paragraph.start
        for found in _SENTENCE_END.finditer(text, *paragraph):
            spans.append(Span(start, found.end()))
            start = found.end() + 1
        spans.append(Span(start, paragraph.end))
    return [span for span in spans if span.end - span.start >= 30]


def swap(text: str, span: Span, new: str) -> str:
    return text[: span.start] + new + text[span.end :]


def one(rng: Random, text: str, spans: list[Span], edit: Callable[[str], str | None]) -> str | None:
    """The text with one of the places edited; None where no place changes."""
    for span in rng.sample(spans, min(len(spans), 12)):
        old = text[span.start : span.end]
        new = edit(old)
        if new is not None and new != old:
            return swap(text, span, new)
    return None


def every(text: str, spans: list[Span], edit: Callable[[str], str]) -> str:
    """The text with all of the places edited."""
    for span in sorted(spans, reverse=True):
        text = swap(text, span, edit(text[span.start : span.end]))
    return text


def by_lines(text: str, edit: Callable[[str], str]) -> str:
    """Every line outside listings edited."""
    inside, out = "", []
    for line in text.split("\n"):
        mark = re.match(r"[ \t]*(```+|~~~+)", line)
        if mark and not inside:
            inside = mark[1]
        elif mark and line.strip() == inside:
            inside = ""
        out.append(line if mark or inside else edit(line))
    return "\n".join(out)
