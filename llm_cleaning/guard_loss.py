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
MAX_UNMARKED_LOSS = 4.0  # of the cleaned text: prose around it that no mark calls content, as comments and teasers are
MIN_HOLE_CHARS = 160  # of paragraphs gone from between blocks that stayed: a shorter one may be a promotion
MIN_HOLE_PROSE = 0.6  # of everything gone there: a corner of chrome holds more labels than paragraphs
MAX_LONE_BLOCKS = 2  # lost at the end of a text: chrome of real pages is more than that
MAX_HOLE_BLOCKS = 3  # more in a row must have stood between two paragraphs
MAX_TAIL_LOSS_CHARS = 400  # of paragraphs right behind the last one that stayed: beyond it the text was cut off
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
    minor = 0
    unmarked: dict[int, int] = {}  # block without a mark -> characters of prose that went
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
        if reason == "content_lost" and score is None and whole:
            unmarked[index] = len(text)
        elif reason:
            reasons.add(reason)
        elif score is not None:
            minor += len(text)
    if sum(unmarked.values()) > MAX_UNMARKED_LOSS * len(cleaned) or _has_hole(source, known, unmarked, by_block):
        reasons.add("content_lost")
    return Loss(reasons, minor)


def plain(line: str) -> str:
    """The words of a line, for finding it again in another layout."""
    return " ".join(_WORD.findall(line)).casefold()


def _has_hole(source: str, blocks: Blocks, unmarked: dict[int, int], lost: dict[int, list[tuple[int, int]]]) -> bool:
    """Paragraphs gone from between two blocks that stayed, or many right behind the last one.

    Articles are runs of paragraphs; what stands before, behind or in a corner of them may be chrome.
    """
    runs: list[list[int]] = []
    for index in sorted(lost):
        if runs and runs[-1][-1] == index - 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return any(_is_hole(source, blocks, run, unmarked) for run in runs)


def _is_hole(source: str, blocks: Blocks, run: list[int], unmarked: dict[int, int]) -> bool:
    prose = sum(unmarked.get(index, 0) for index in run if _is_paragraph(source, blocks, index))
    if not prose or run[0] < 1:
        return False
    after_paragraph = _is_paragraph(source, blocks, run[0] - 1)
    if run[-1] + 1 >= len(blocks):
        # comments and teasers begin with a title or a name, the rest of an article with its next paragraph
        is_next = after_paragraph and _is_paragraph(source, blocks, run[0])
        return is_next and (len(run) <= MAX_LONE_BLOCKS or prose > MAX_TAIL_LOSS_CHARS)
    sides = after_paragraph + _is_paragraph(source, blocks, run[-1] + 1)
    if sides == 2 and len(run) == 1:
        return True
    everything = sum(blocks.end[index] - blocks.start[index] for index in run)
    is_dense = prose >= max(MIN_HOLE_CHARS, MIN_HOLE_PROSE * everything)
    return is_dense and sides >= (1 if len(run) <= MAX_HOLE_BLOCKS else 2)


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
