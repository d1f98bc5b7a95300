"""Mode `select`: the model sees numbered blocks and answers with ranges to keep; the text is assembled from the page.

It cannot invent a word, and its answer is tens of tokens a page. What it may leave out is checked against the marks of
the rule cleaner.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from llm_cleaning.guard import FINISHED
from llm_cleaning.messages import CountTokens, Reply, Request, Sampling, canonical_schema
from llm_cleaning.neutral import fenced, one_line
from llm_cleaning.prompt_texts import prompt
from pipeline.document import Blocks

MODE = "select"
MAX_RANGES = 200
TOKENS_PER_RANGE = 12  # `[1234, 1240], ` in the worst tokenizer: one token per character
CONTENT_SCORE = 0.5


@dataclass(frozen=True, slots=True)
class SelectConfig:
    """How a page is listed, and how far a selection may overrule the rules.

    Attributes:
        head_chars, tail_chars: what is shown of a long block.
        max_list_tokens: of one list; longer pages are asked about in several lists.
        max_overruled: share of the characters the rules call content that a selection may drop.
    """

    head_chars: int = 160
    tail_chars: int = 60
    max_list_tokens: int = 3000
    max_overruled: float = 0.5


@dataclass(frozen=True, slots=True)
class Listing:
    """Blocks [first, last) of a page, numbered from 1, as one request's text."""

    order: int
    first: int
    last: int
    text: str


def listings(text: str, blocks: Blocks, config: SelectConfig, count: CountTokens) -> list[Listing]:
    """Lists of all blocks, each within the token limit unless a single line is longer."""
    rows = list(_rows(text, blocks, config))
    if not rows:
        return []
    whole = _listing(0, 0, len(rows), rows)
    if count(whole.text) <= config.max_list_tokens:
        return [whole]
    found: list[Listing] = []
    first = used = 0
    for index, row in enumerate(rows):
        size = count(row) + 4  # the line's number, and its line break
        if index > first and used + size > config.max_list_tokens:
            found.append(_listing(len(found), first, index, rows))
            first, used = index, 0
        used += size
    return [*found, _listing(len(found), first, len(rows), rows)]


def _rows(text: str, blocks: Blocks, config: SelectConfig) -> Iterator[str]:
    for start, end, kind in zip(blocks.start, blocks.end, blocks.kind, strict=True):
        yield f"{kind}: {one_line(text[start:end], config.head_chars, config.tail_chars)}"


def _listing(order: int, first: int, last: int, rows: Sequence[str]) -> Listing:
    lines = [f"{number} {row}" for number, row in enumerate(rows[first:last], start=1)]
    return Listing(order, first, last, fenced("\n".join(lines)))


def select_request(document: str, place: str, listing: Listing, seed: int, *, may_be_empty: bool = True) -> Request:
    """The question about one list; `place` is the chunk it is part of, "" for a whole page."""
    count = listing.last - listing.first
    ranges = min(MAX_RANGES, (count + 1) // 2)
    sampling = Sampling(max_tokens=16 + TOKENS_PER_RANGE * ranges, seed=seed)
    schema = canonical_schema(answer_schema(count, 0 if may_be_empty else 1))
    return Request(document, f"{place}{MODE}/{listing.order:04d}", MODE, prompt(MODE), listing.text, sampling, schema)


def answer_schema(count: int, least: int = 0) -> dict[str, Any]:
    """JSON schema of an answer about `count` blocks, of `least` ranges at least."""
    number = {"type": "integer", "minimum": 1, "maximum": count}
    pair = {"type": "array", "items": number, "minItems": 2, "maxItems": 2}
    ranges: dict[str, Any] = {"type": "array", "items": pair, "maxItems": min(MAX_RANGES, (count + 1) // 2)}
    if least:
        ranges["minItems"] = least
    return {"type": "object", "properties": {"keep": ranges}, "required": ["keep"], "additionalProperties": False}


def read_selection(reply: Reply, count: int) -> tuple[list[bool], str]:
    """(keep flag per block, "") or ([], reason): an answer is used whole or not at all.

    Reasons: truncated, not_finished, refused, bad_answer, out_of_range.
    """
    if reply.finish_reason not in FINISHED:
        return [], {"length": "truncated", "refused": "refused"}.get(reply.finish_reason, "not_finished")
    ranges = _ranges(reply.text)
    if ranges is None:
        return [], "bad_answer"
    keep = [False] * count
    for first, last in ranges:
        if not 1 <= first <= last <= count:
            return [], "out_of_range"
        keep[first - 1 : last] = [True] * (last - first + 1)
    return keep, ""


def _ranges(text: str) -> list[tuple[int, int]] | None:
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return None
    ranges = answer.get("keep") if isinstance(answer, dict) and len(answer) == 1 else None
    if not isinstance(ranges, list) or len(ranges) > MAX_RANGES:
        return None
    is_pair = (isinstance(r, list) and len(r) == 2 and all(type(number) is int for number in r) for r in ranges)
    return [(first, last) for first, last in ranges] if all(is_pair) else None


def with_safe(blocks: Blocks, formula_starts: Sequence[int], keep: Sequence[bool]) -> list[bool]:
    """The selection and every block with a formula or code that the rules call content: those are never dropped."""
    with_formula = _holders(blocks, formula_starts)
    return [
        wanted or (_is_content(score) and (with_formula[index] or blocks.kind[index] in ("code", "math")))
        for index, (wanted, score) in enumerate(zip(keep, blocks.keep_score, strict=True))
    ]


def lost_content(blocks: Blocks, keep: Sequence[bool], config: SelectConfig) -> bool:
    """Whether a selection drops more of what the rules call content than it may."""
    sizes = [
        (end - start, wanted)
        for start, end, score, wanted in zip(blocks.start, blocks.end, blocks.keep_score, keep, strict=True)
        if _is_content(score)
    ]
    lost = sum(size for size, wanted in sizes if not wanted)
    return lost > config.max_overruled * sum(size for size, _ in sizes)


def _is_content(score: float | None) -> bool:
    return score is not None and score >= CONTENT_SCORE


def _holders(blocks: Blocks, formula_starts: Sequence[int]) -> list[bool]:
    """Which blocks hold the start of a formula; both are in order."""
    found, at = [], 0
    for start, end in zip(blocks.start, blocks.end, strict=True):
        while at < len(formula_starts) and formula_starts[at] < start:
            at += 1
        found.append(at < len(formula_starts) and formula_starts[at] < end)
    return found
