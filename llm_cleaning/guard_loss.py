"""What was cut: boilerplate, or content the cleaned text should have kept.

Marks of the rule cleaner decide where the source has them. Plain text has none: there it is judged by what reads like
chrome, and by where it stood (guard_gaps.py).
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from typing import NamedTuple

from llm_cleaning.guard_gaps import lost_content, says_something
from llm_cleaning.guard_lines import Lines, blocks_of
from llm_cleaning.guard_tokens import folded, holds_formula, tokens
from llm_cleaning.guard_words import says_chrome
from llm_cleaning.native import twin
from pipeline.document import Blocks

Span = tuple[int, int]

MIN_MARKED_PROSE_WORDS = 5  # where the rule cleaner calls the block content
MIN_SAID_CHARS = 8
MIN_KEPT_ITEMS = 2  # of a list that is content
MAX_SIDE_LINE_CHARS = 60  # a line cut out of a paragraph that stays: a button, a credit
_WORD = re.compile(r"\w+")
_BEGINNING = re.compile(r"(?:\s*\d{1,3}[.)] )?([^$\\`\d&]*)")
_SENTENCE = re.compile(r"[.!?:;…。！？][\"'”’»)\]]*(?=\s|$)|[。！？，、]|, ")


class Loss(NamedTuple):
    """Reasons for failing, and characters of lesser content (lists, tables, headings) that went."""

    reasons: set[str]
    minor_chars: int


def losses(source: str, blocks: Blocks | None, lines: Lines, lost: list[Span], cleaned: str) -> Loss:
    """Judge lost lines, given as sorted spans of the source, whose `lines` tell blocks where none are given."""
    known = blocks if blocks is not None and len(blocks) else blocks_of(*twin.spans(source, *lines[:6]))
    kept = _Kept(cleaned)
    by_block: dict[int, list[Span]] = {}
    for span in lost:
        by_block.setdefault(bisect_right(known.start, span[0] + _indent(source, span)) - 1, []).append(span)
    reasons: set[str] = set()
    whole: set[int] = set()  # blocks without a mark that went altogether
    minor = 0
    for index, spans in by_block.items():
        score = known.keep_score[index] if index >= 0 else None
        if score is not None and score < 0.5:
            continue
        if score is None and index >= 0 and _is_whole(source, spans, known.start[index], known.end[index]):
            whole.add(index)
            continue
        text = "\n".join(source[start:end] for start, end in spans)
        if index >= 0 and known.kind[index] in ("list", "table"):
            inner = _inner(lines, spans, known.start[index], known.end[index], is_table=known.kind[index] == "table")
            if any(says_something(source[start:end]) and not kept.says(source[start:end]) for start, end in inner):
                reasons.add("content_lost")
        is_code = index >= 0 and known.kind[index] == "code"
        if not (kept.says_as_it_is(text) if is_code else kept.says(text)):
            reason = _judged(text, known.kind[index] if index >= 0 else "other", score)
            reasons |= {reason} - {""}
            minor += len(text) if score is not None and not reason else 0
    return Loss(reasons | lost_content(source, known, whole, len(cleaned), kept.says), minor)


def _inner(lines: Lines, lost: list[Span], start: int, end: int, *, is_table: bool) -> list[Span]:
    """Lost lines of a list that have others before and behind them which stayed; of a table its last rows too."""
    gone = {span[0] for span in lost}
    first, last = bisect_left(lines.start, start), bisect_left(lines.start, end)
    kept = [place for place in lines.start[first:last] if place not in gone]
    if len(kept) < max(MIN_KEPT_ITEMS, len(lost)):
        return []  # a menu of which some label stands in the text as well
    return [span for span in lost if kept[0] < span[0] and (is_table or span[0] < kept[-1])]


def _is_whole(source: str, spans: list[Span], start: int, end: int) -> bool:
    """Whether lost lines are all that a block has."""
    if spans[0][0] <= start and spans[0][1] >= end:
        return True
    return sum(_visible(source[one:two]) for one, two in spans) >= _visible(source[start:end])


class _Kept:
    """What the cleaned text says: a line that stood twice may be kept once."""

    def __init__(self, cleaned: str) -> None:
        self._cleaned = cleaned
        self._plain: set[str] | None = None
        self._begun: dict[str, list[str]] = {}  # lines with formulas, by the words before the first
        self._exact: dict[str, set[str]] = {}  # the tokens of those that were asked for

    def says(self, text: str) -> bool:
        """Whether every line is still there. Words of a line find it in another layout; formulas must be the same.

        Of a bare number or a single word nobody can say so.
        """
        return len(text) >= MIN_SAID_CHARS and all(map(self._says_line, text.split("\n")))

    def says_as_it_is(self, code: str) -> bool:
        """Whether every line of a listing stands elsewhere as it is."""
        return len(code) >= MIN_SAID_CHARS and set(map(str.strip, code.split("\n"))) <= set(
            map(str.strip, self._cleaned.split("\n"))
        )

    def _says_line(self, line: str) -> bool:
        if self._plain is None:
            self._plain = set()
            for kept in self._cleaned.split("\n"):
                self._plain.add(plain(kept))
                if _has_formula(kept):
                    self._begun.setdefault(_begun(kept), []).append(kept)
        if not _has_formula(line):
            return plain(line) in self._plain
        begun = _begun(line)
        if begun not in self._exact:
            self._exact[begun] = set(map(exact, self._begun.get(begun, [])))
        return exact(line) in self._exact[begun]


def _has_formula(line: str) -> bool:
    return "$" in line or "\\" in line


def _begun(line: str) -> str:
    """Words before the first formula: lines that differ in them are different, at a small part of the price."""
    found = _BEGINNING.match(line)
    return plain(folded(found[1])) if found else ""


def plain(line: str) -> str:
    """The words of a line."""
    return " ".join(_WORD.findall(line)).casefold()


def exact(line: str) -> str:
    """The tokens of a line with formulas."""
    return " ".join(token.key for token in tokens(folded(line)) if token.kind not in ("soft", "end", "ordinal"))


def _indent(source: str, span: Span) -> int:
    if source[span[0]] > " ":
        return 0
    line = source[span[0] : span[1]]
    return len(line) - len(line.lstrip())


def _visible(text: str) -> int:
    return sum(map(len, text.split()))


def _judged(text: str, kind: str, score: float | None) -> str:
    """Reason why these lines of a block should have stayed, "" where they may go.

    Without a score part of the block stayed.
    """
    if kind == "code":
        return "code_changed"
    if kind == "math" or holds_formula(text):
        return "formula_changed"
    if text.lstrip("-* ").startswith("![") and text.endswith("]"):
        return ""
    if score is None:
        is_chrome_line = len(text) <= MAX_SIDE_LINE_CHARS or says_chrome(text)
        return "" if is_chrome_line or kind not in ("paragraph", "quote") else "content_lost"
    return "content_lost" if is_prose(text, MIN_MARKED_PROSE_WORDS) else ""


def is_prose(text: str, least: int) -> bool:
    """Enough words and the punctuation of sentences; a script without word spaces counts characters."""
    words = len(text.split()) if text.isascii() else max(len(text.split()), sum(char > "\u3000" for char in text) // 2)
    return words >= least and _SENTENCE.search(text) is not None


def is_chrome(text: str) -> bool:
    """A sentence or phrase that may be cut out of a text that stays."""
    return len(text) <= MAX_SIDE_LINE_CHARS and says_chrome(text)
