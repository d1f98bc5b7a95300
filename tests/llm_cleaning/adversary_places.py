"""Paragraphs and sentences in any script, where the third set plants its edits."""

from __future__ import annotations

import re
from itertools import pairwise

from planting import Span, fences, special

_END = re.compile(r"(?<=[^\W\d_]{2})[.!?](?= )|[。！？](?!\n)|(?<=[^\W\d_]{2})[.!?](?=\n\n|\Z)|[。！？](?=\n\n|\Z)")


def prose(text: str, least: int = 60) -> list[Span]:
    """Paragraphs of running text in any script: 60 letters in alphabets, 25 where a letter is a word."""
    spans = []
    taken = fences(text)
    for found in re.finditer(r"[^\n]+(?:\n[^\n]+)*", text):
        wide = len(re.findall(r"[\u3040-\u9fff]", found[0]))
        marked = re.search(r"(?m)^(?:[ \t]|[#>*+|`~$\\!:-]|\d+[.)] )", found[0]) or "|" in found[0]
        if not marked and len(found[0]) + 2 * wide >= least and re.search(r"[.!?:。！？][\"')」”]?\s*\Z", found[0]):
            spans.append(Span(*found.span()))
    return [span for span in spans if not any(span.start < t.end and t.start < span.end for t in taken)]


def statements(text: str) -> list[Span]:
    """Sentences with their full stop, cut at ends that lie in no formula, code or address."""
    spans = []
    exempt = special(text)
    for paragraph in prose(text):
        start = paragraph.start
        for found in _END.finditer(text, paragraph.start, paragraph.end):
            if any(s.start < found.end() <= s.end for s in exempt):
                continue
            spans.append(Span(start, found.end()))
            start = found.end() + (text[found.end() : found.end() + 1] == " ")
    return [span for span in spans if span.end - span.start >= 12]


def neighbours(text: str) -> list[tuple[Span, Span]]:
    """Sentences that follow each other in a paragraph."""
    found = statements(text)
    return [(a, b) for a, b in pairwise(found) if b.start - a.end <= 1]
