"""Chunks of a page that fit a model's context: cut on block borders, code and tables on lines, nothing dropped.

A chunk carries what stood between it and the one before, so that the chunks of a page, merged by their order, give back
every character of its blocks and of the white space between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from llm_cleaning.messages import CountTokens
from pipeline.document import Blocks


class Chunk(NamedTuple):
    """One piece of a document: `text == source[start:end]`, `before` what stands between it and the last chunk."""

    order: int
    before: str
    start: int
    end: int
    text: str


def chunks(text: str, blocks: Blocks, max_tokens: int, count: CountTokens) -> list[Chunk]:
    """Chunks of at most `max_tokens` tokens each, in order.

    Blocks are filled up greedily. A block that is too long is split on lines, a line that is too long between words, a
    word that is too long between characters; a single character may exceed the limit, since nothing is dropped.

    Args:
        text: the page's text.
        blocks: its blocks, in order; text outside them belongs to the neighbouring chunk borders.
        max_tokens: at least 1.
        count: tokens of a string, by the model's own tokenizer.
    """
    if max_tokens < 1:
        raise ValueError(f"max_tokens is {max_tokens}, expected at least 1")
    spans: list[tuple[int, int]] = []
    used = 0  # tokens of the last span, counted piece by piece: as a whole it has no more
    for start, end, size in _pieces(text, blocks, max_tokens, count):
        between = count(text[spans[-1][1] : start]) if spans else 0
        if spans and used + between + size <= max_tokens:
            spans[-1], used = (spans[-1][0], end), used + between + size
        else:
            spans.append((start, end))
            used = size
    ends = [0, *(end for _, end in spans)]
    return [
        Chunk(order, text[ends[order] : start], start, end, text[start:end]) for order, (start, end) in enumerate(spans)
    ]


def merge(found: Iterable[Chunk], texts: dict[int, str] | None = None) -> str:
    """The page again, from its chunks in any order; `texts` holds cleaned texts by order, "" where all was dropped."""
    parts: list[str] = []
    for chunk in sorted(found, key=lambda chunk: chunk.order):
        text = chunk.text if texts is None else texts[chunk.order]
        if text:
            parts += [chunk.before if parts or texts is None else "", text]
    return "".join(parts)


def _pieces(text: str, blocks: Blocks, max_tokens: int, count: CountTokens) -> Iterator[tuple[int, int, int]]:
    """Spans that fit, or cannot be split any further, with their tokens, covering all but white space at borders."""
    for span in _units(text, blocks):
        waiting = [span]
        while waiting:
            start, end = waiting.pop()
            size = count(text[start:end])
            if end - start <= 1 or size <= max_tokens:
                yield start, end, size
            else:
                waiting += reversed(_halves(text, start, end))


def _units(text: str, blocks: Blocks) -> Iterator[tuple[int, int]]:
    """Blocks and what stands between them, without white space around, in order."""
    at = 0
    for start, end in zip(blocks.start, blocks.end, strict=True):
        if end <= at:
            continue  # inside the block before
        yield from _stripped(text, at, start)
        yield from _stripped(text, max(at, start), end, keep_indent=True)
        at = end
    yield from _stripped(text, at, len(text))


def _stripped(text: str, start: int, end: int, *, keep_indent: bool = False) -> Iterator[tuple[int, int]]:
    piece = text[start:end]
    if piece.strip():
        indent = 0 if keep_indent else len(piece) - len(piece.lstrip())
        yield start + indent, start + len(piece.rstrip())


def _halves(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Two parts cut near the middle: at a line break, else at a space, else between characters. They touch."""
    middle = (start + end) // 2
    for mark in ("\n", " "):
        before, after = text.rfind(mark, start + 1, middle), text.find(mark, middle, end - 1)
        places = [place for place in (before, after) if place > start]
        if places:
            cut = min(places, key=lambda place: (abs(place - middle), place)) + 1
            return [(start, cut), (cut, end)]
    return [(start, middle), (middle, end)]
