"""What was cut: boilerplate, or content the cleaned text should have kept.

Marks of the rule cleaner decide where the source has them. Without marks (plain text, chunks) prose, formulas and code
are content unless they read like chrome.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NamedTuple

from llm_cleaning.guard_words import CHROME
from pipeline.document import Blocks
from pipeline.text.spans import markdown_to_blocks, scan_formulas

MIN_PROSE_WORDS = 8
MIN_MARKED_PROSE_WORDS = 5  # where the rule cleaner calls the block content
MAX_CHROME_CHARS = 600  # longer blocks are text, whatever they mention
MAX_SIDE_LINE_CHARS = 60  # a line cut out of a paragraph that stays: a button, a credit
_SENTENCE = re.compile(r"[.!?:;…。！？][\"'”’»)\]]*(?=\s|$)|[。！？，、]|, ")


class Loss(NamedTuple):
    """Reasons for failing, and characters of lesser content (lists, tables, headings) that went."""

    reasons: set[str]
    minor_chars: int


def losses(source: str, blocks: Blocks | None, lost: list[tuple[int, int]], kept: set[str]) -> Loss:
    """Judge lost lines, given as sorted spans; `kept` holds the lines of the cleaned text, white space collapsed."""
    known = blocks if blocks is not None and len(blocks) else markdown_to_blocks(source)
    by_block: dict[int, list[tuple[int, int]]] = {}
    for span in lost:
        by_block.setdefault(bisect_right(known.start, span[0] + _indent(source, span)) - 1, []).append(span)
    reasons: set[str] = set()
    minor = 0
    for index, spans in by_block.items():
        score = known.keep_score[index] if index >= 0 else None
        if score is not None and score < 0.5:
            continue
        text = "\n".join(source[start:end] for start, end in spans)
        if all(" ".join(line.split()) in kept for line in text.split("\n")):
            continue  # said twice, kept once
        whole = index < 0 or _visible(text) >= _visible(source[known.start[index] : known.end[index]])
        if reason := _judged(text, known.kind[index] if index >= 0 else "other", score, whole):
            reasons.add(reason)
        elif score is not None:
            minor += len(text)
    return Loss(reasons, minor)


def _indent(source: str, span: tuple[int, int]) -> int:
    line = source[span[0] : span[1]]
    return len(line) - len(line.lstrip())


def _visible(text: str) -> int:
    return sum(map(len, text.split()))


def _judged(text: str, kind: str, score: float | None, whole: bool) -> str:
    """Reason why these lines of one block should have stayed, "" where they may go."""
    if kind == "code":
        return "code_changed"
    if kind == "math" or ("$" in text and len(scan_formulas(text))):
        return "formula_changed"
    if score is None and len(text) <= MAX_CHROME_CHARS and CHROME.search(text):
        return ""
    if not whole and kind in ("paragraph", "quote"):
        return "content_lost" if len(text) > MAX_SIDE_LINE_CHARS else ""
    return "content_lost" if is_prose(text, MIN_PROSE_WORDS if score is None else MIN_MARKED_PROSE_WORDS) else ""


def is_prose(text: str, least: int) -> bool:
    """Enough words and the punctuation of sentences; a script without word spaces counts characters."""
    words = len(text.split()) if text.isascii() else max(len(text.split()), sum(char > "\u3000" for char in text) // 2)
    return words >= least and _SENTENCE.search(text) is not None


def is_chrome(text: str) -> bool:
    """A sentence or phrase that may be cut out of a text that stays."""
    return len(text) <= MAX_SIDE_LINE_CHARS and CHROME.search(text) is not None
