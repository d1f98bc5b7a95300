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
MIN_PARAGRAPH_CHARS = 100
MAX_UNMARKED_LOSS = 1.0  # of the cleaned text: prose around it that no mark calls content, as comments and teasers are
_WORD = re.compile(r"\w+")
_SENTENCE = re.compile(r"[.!?:;…。！？][\"'”’»)\]]*(?=\s|$)|[。！？，、]|, ")


class Loss(NamedTuple):
    """Reasons for failing, and characters of lesser content (lists, tables, headings) that went."""

    reasons: set[str]
    minor_chars: int


def losses(source: str, blocks: Blocks | None, lost: list[tuple[int, int]], cleaned: str) -> Loss:
    """Judge lost lines, given as sorted spans of the source."""
    known = blocks if blocks is not None and len(blocks) else markdown_to_blocks(source)
    by_block: dict[int, list[tuple[int, int]]] = {}
    for span in lost:
        by_block.setdefault(bisect_right(known.start, span[0] + _indent(source, span)) - 1, []).append(span)
    kept: set[str] | None = None
    reasons: set[str] = set()
    minor = unmarked = 0
    for index, spans in by_block.items():
        score = known.keep_score[index] if index >= 0 else None
        if score is not None and score < 0.5:
            continue
        text = "\n".join(source[start:end] for start, end in spans)
        whole = index < 0 or _visible(text) >= _visible(source[known.start[index] : known.end[index]])
        reason = _judged(text, known.kind[index] if index >= 0 else "other", score, whole)
        if not reason and score is None:
            continue
        if reason in ("formula_changed", "code_changed"):  # `plain` cannot tell x+1 from x-1
            reasons.add(reason)
            continue
        kept = kept if kept is not None else {plain(line) for line in cleaned.split("\n")}
        if all(plain(line) in kept for line in text.split("\n")):
            continue  # said twice, kept once
        if (
            reason == "content_lost"
            and score is None
            and whole
            and not _is_next_to_kept(source, known, index, by_block)
        ):
            unmarked += len(text)
        elif reason:
            reasons.add(reason)
        elif score is not None:
            minor += len(text)
    if unmarked > MAX_UNMARKED_LOSS * len(cleaned):
        reasons.add("content_lost")
    return Loss(reasons, minor)


def plain(line: str) -> str:
    """The words of a line, for finding it again in another layout."""
    return " ".join(_WORD.findall(line)).casefold()


def _is_next_to_kept(source: str, blocks: Blocks, index: int, lost: dict[int, list[tuple[int, int]]]) -> bool:
    """A paragraph beside one that stayed: articles are runs of paragraphs, chrome stands apart from them."""
    beside = [near for near in (index - 1, index + 1) if 0 <= near < len(blocks) and near not in lost]
    return _is_paragraph(source, blocks, index) and any(_is_paragraph(source, blocks, near) for near in beside)


def _is_paragraph(source: str, blocks: Blocks, index: int) -> bool:
    text = source[blocks.start[index] : blocks.end[index]]
    return blocks.kind[index] in ("paragraph", "quote") and len(text) >= MIN_PARAGRAPH_CHARS and is_prose(text, 1)


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
    if text.lstrip("-* ").startswith("![") and text.endswith("]"):
        return ""
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
