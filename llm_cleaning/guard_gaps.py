"""Losses in plain text, where no mark says what was boilerplate: read on from what stayed until chrome begins.

Content goes on where content stopped. So from each border of a gap the lost blocks are read away from what was kept:
paragraphs, formulas and code before the first sign of chrome (a label of sharing, a heading "Comments", a run of
labels) are content that was lost; what stands behind that sign is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from llm_cleaning.guard_tokens import holds_formula, repaired
from llm_cleaning.guard_words import PROMOTION, says_chrome
from pipeline.document import Blocks

Says = Callable[[str], bool]
MAX_UNMARKED_LOSS = 4.0  # times the cleaned text: more prose than that around it is no chrome
MAX_CHROME_CHARS = 600  # longer blocks are text, whatever they mention
MAX_LABEL_CHARS = 60
EDGE_CHARS = (150, 100)  # where a long paragraph says that it is chrome: at its beginning, at its end
MIN_CONTENTS_LINES = 5  # of a list of titles
MAX_JUDGED_GAPS = 200  # where something is lost already
MAX_COUNTS, MAX_COUNT_CHARS = 3, 6  # in a row between lost blocks: "12", "1,024"
MAX_LABELS = 2  # in a row: three are a menu
MIN_PARAGRAPH_CHARS = 60
MIN_GAP_CHARS = 300  # of paragraphs between what stayed: captions, teasers and offers are shorter
MIN_HEAD_CHARS = 500  # before the first block that stayed, where leads and mottos may go
MIN_TAIL_CHARS = 250  # of paragraphs behind the last block that stayed, where remarks of the site stand as well
LONE_BLOCKS, MIN_LONE_CHARS = 2, 100  # all that follows: chrome of real pages is more than that
LABELLED = 0.5  # a paragraph behind a label counts so much: names, dates and "Related" come before what others wrote
WIDE_CHARS = 2.5  # letters that a character of Han, kana or Hangul stands for
_CONTENT = frozenset({"formula", "code", "title", "prose"})
_WIDE = re.compile("[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]")
_END = re.compile(r"[.!?:;…。！？؟۔।][\"'”’»)\]]*\s*\Z|[.!?](?<=[a-zß-ÿа-я].)\s+(?=[A-ZÀ-ÞА-Я])|[。！？]")
_BACK, _FORTH = frozenset("←«"), frozenset("→»")
_FORMULA = re.compile(r"\$[^$\n]{1,500}\$|\\\[.{1,600}?\\\]|\\\(.{1,600}?\\\)", re.DOTALL)
_DISPLAY = re.compile(r"\\\[|\\begin\{|\$\$")
_LINKED = re.compile(r"[ \t]*(?:[-*+] )?!?\[[^\[\]]*\](?:\([^()\s]*\))?[ \t]*")
_SEPARATORS = re.compile(r"[|»›·•→←]")


def lost_content(source: str, blocks: Blocks, gone: set[int], cleaned_chars: int, is_kept: Says) -> set[str]:
    """Reasons why blocks without marks, all of whose text went, should have stayed.

    `is_kept` says whether a text stands elsewhere in the cleaned one: what stood twice may be kept once.
    """
    reasons: set[str] = set()
    for number, run in enumerate(_runs(sorted(gone), source, blocks)):
        if reasons and number > MAX_JUDGED_GAPS:
            break
        if len(run) == 1 and _is_hole(source, blocks, run[0], is_kept):
            reasons.add("formula_changed" if blocks.kind[run[0]] != "list" else "content_lost")
        read = _Reading(source, blocks, _under_chrome(source, blocks, run), is_kept)
        if run[0] > 0:
            reasons |= read.on(run, _least(run, len(blocks)))
        if run[-1] + 1 < len(blocks):
            reasons |= read.on(run[::-1], MIN_GAP_CHARS if run[0] > 0 else MIN_HEAD_CHARS)
    sizes = (blocks.end[i] - blocks.start[i] for i in gone if blocks.kind[i] == "paragraph")
    prose = sum(size for size in sizes if size >= MIN_GAP_CHARS)
    if prose > MAX_UNMARKED_LOSS * cleaned_chars or (len(gone) == len(blocks) and _said(source, blocks)):
        return reasons | {"content_lost"}
    return reasons


def _is_hole(source: str, blocks: Blocks, index: int, is_kept: Says) -> bool:
    """Whether a block went alone from among others as it: a display, even one that stands twice; an item of a list."""
    text = source[blocks.start[index] : blocks.end[index]]
    if not 0 < index < len(blocks) - 1:
        return False
    if blocks.kind[index] == "list" == blocks.kind[index - 1] == blocks.kind[index + 1]:
        return says_something(text) and not is_kept(text)
    return _DISPLAY.match(text) is not None and holds_formula(text)


def _said(source: str, blocks: Blocks) -> bool:
    """Whether a text of which nothing is left had anything to say."""
    texts = [source[start:end] for start, end in zip(blocks.start, blocks.end, strict=True)]
    kinds = map(_kind, texts, blocks.kind)
    return sum(_size(text) for text, kind in zip(texts, kinds, strict=True) if kind in _CONTENT) >= MIN_LONE_CHARS


def _least(run: Sequence[int], count: int) -> int:
    if run[-1] + 1 < count:
        return MIN_GAP_CHARS
    return MIN_LONE_CHARS if len(run) <= LONE_BLOCKS else MIN_TAIL_CHARS


def _runs(gone: Sequence[int], source: str, blocks: Blocks) -> Iterable[list[int]]:
    """Lost blocks together. A bare number between them divides nothing: votes and pages are counted everywhere."""
    runs: list[list[int]] = []
    for index in gone:
        near = runs and index - runs[-1][-1] <= 1 + MAX_COUNTS
        if near and all(_is_count(source, blocks, kept) for kept in range(runs[-1][-1] + 1, index)):
            runs[-1].append(index)
        else:
            runs.append([index])
    return runs


def _is_count(source: str, blocks: Blocks, index: int) -> bool:
    start, end = blocks.start[index], blocks.end[index]
    return end - start <= MAX_COUNT_CHARS and not any(map(str.isalpha, source[start:end]))


class _Reading:
    """Lost blocks of one gap, which is read from both of its borders."""

    def __init__(self, source: str, blocks: Blocks, teasers: set[int], is_kept: Says) -> None:
        self._source, self._blocks, self._teasers, self._is_kept = source, blocks, teasers, is_kept
        self._known: dict[int, tuple[str, str]] = {}

    def _block(self, index: int) -> tuple[str, str]:
        """What a block is, and its text. What is kept elsewhere is nothing lost: of titles, those with formulas."""
        if index not in self._known:
            text = repaired(self._source[self._blocks.start[index] : self._blocks.end[index]])
            kind = _kind(text, self._blocks.kind[index])
            said = "\n".join(line for line in text.split("\n") if holds_formula(line)) if kind == "title" else text
            self._known[index] = ("kept" if kind in _CONTENT and self._is_kept(said) else kind), text
        return self._known[index]

    def on(self, run: Sequence[int], least: float) -> set[str]:
        """What is lost from a border on; paragraphs from `least` characters in all."""
        prose, labels = 0.0, 0
        for index in run:
            if index in self._teasers:
                continue
            kind, text = self._block(index)
            if kind == "chrome" or labels > MAX_LABELS:
                break
            if kind == "kept":
                continue
            if kind in ("formula", "code") or (kind == "title" and not prose and not labels):
                return {"code_changed" if kind == "code" else "formula_changed"}
            if kind == "prose":
                prose += _size(text) * (LABELLED if labels else 1.0)
            if prose >= least:
                return {"content_lost"}
            labels = labels + 1 if kind == "label" else 0
        return set()


def _under_chrome(source: str, blocks: Blocks, run: Sequence[int]) -> set[int]:
    """Blocks between a heading of chrome ("Read also") and the next heading."""
    found: set[int] = set()
    inside = False
    for index in sorted(run):
        if blocks.kind[index] == "heading":
            inside = _is_chrome(source[blocks.start[index] : blocks.end[index]].strip(" \t\n#*_"))
        elif inside:
            found.add(index)
    return found


def _kind(text: str, kind: str) -> str:
    """What a lost block is: formula, code, prose, label, chrome, or skipped (promotions, images, tables, teasers).

    A "title" holds a formula but is no sentence: the name of a section, or of another page.
    """
    body = text.strip(" \t\n#>*-_|")
    if kind == "code":
        return "code"
    if kind == "math":
        return "formula"
    if len(text) <= MAX_CHROME_CHARS and _is_chrome(body):
        return "skipped" if PROMOTION.match(body.lower()) else "chrome"
    if _is_contents(text):
        return "skipped"
    ends = _END.search(body) is not None
    if holds_formula(text):
        return "formula" if ends or _DISPLAY.match(body) else "title"
    if kind in ("paragraph", "quote") and _size(text) >= MIN_PARAGRAPH_CHARS and ends:
        return "prose"
    return "label" if len(body) <= MAX_LABEL_CHARS else "skipped"


def _is_chrome(body: str) -> bool:
    """Labels and phrases of chrome; a long paragraph is chrome if it begins or ends so."""
    if (
        len(body) <= MAX_LABEL_CHARS
        and (body[:1] in _BACK or body[-1:] in _FORTH)
        and not ("«" in body and "»" in body)
    ):
        return True
    near = body if len(body) <= sum(EDGE_CHARS) else f"{body[: EDGE_CHARS[0]]}\n{body[-EDGE_CHARS[1] :]}"
    return says_chrome(near) or _separators(body) >= 2


def _separators(body: str) -> int:
    return len(_SEPARATORS.findall(_FORMULA.sub("", body) if "$" in body or "\\" in body else body))


def _is_contents(text: str) -> bool:
    """A list of titles: many short lines that begin like titles, hardly one with a formula."""
    lines = text.split("\n")
    if len(lines) < MIN_CONTENTS_LINES:
        return False
    names = sum(len(line) < MAX_LABEL_CHARS and not line.strip(" -*+\t")[:1].islower() for line in lines)
    return names > 0.7 * len(lines) and sum("$" in line for line in lines) <= 0.2 * len(lines)


def says_something(line: str) -> bool:
    """Of an item or a row: it is no rule, no label of chrome, no link to elsewhere."""
    return any(map(str.isalnum, line)) and not _LINKED.fullmatch(line) and not says_chrome(line.strip(" \t-*+|"))


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text) + int((WIDE_CHARS - 1.0) * len(_WIDE.findall(text)))
