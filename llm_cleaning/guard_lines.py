"""Lines of a text as the guard compares them first: most pages differ from their cleaned form in whole lines only."""

from __future__ import annotations

import re
from itertools import accumulate
from typing import NamedTuple

from llm_cleaning.guard_tokens import Token, folded, repaired, tokens
from pipeline.document import Blocks

# Written but not seen.
_INVISIBLE = re.compile("[\u200b-\u200f\u2060-\u2064\ufeff\u00ad]")
_MARK = r"(?:(?:[-*+:>]|\d{1,3}[.)])[ \t]+)?"  # a fence may be the first thing of a list item or a definition
_QUOTED = re.compile(r"[ \t]{0,3}> ?")
_HEADING = re.compile(r"#{1,6}[ \t]+\S")
_ITEM = re.compile(r"(?:[-*+]|\d{1,9}[.)]) \S")
_FENCE = re.compile(rf"[ \t]{{0,16}}{_MARK}(`{{3,}}+|~{{3,}}+)[^`]*+$")


class Lines(NamedTuple):
    """Lines with something on them, as columns.

    Attributes:
        key: what compares: white space collapsed, code exact but for trailing white space, fences without language.
        number: which line of the text it is, from 0.
        start, end: its span in the text.
        code: inside a fence; `fence`: the fence itself.
        open_fence: the text ends inside a fence.
    """

    key: list[str]
    number: list[int]
    start: list[int]
    end: list[int]
    code: list[bool]
    fence: list[bool]
    open_fence: bool


def lines(text: str) -> Lines:
    """Lines of a text in order; lines of white space are left out, except in code."""
    raw = text.split("\n")
    # most lines need no change but at their ends, and asking is cheaper than splitting
    keys = [
        line.strip() if "  " not in line and line.isprintable() else " ".join(_INVISIBLE.sub("", line).split())
        for line in raw
    ]
    ends = list(accumulate(map(len, raw), initial=0))  # but for the line breaks before
    code, fence, is_open = (
        _fences(raw, keys) if "```" in text or "~~~" in text else ([False] * len(raw),) * 2 + (False,)
    )
    numbers = [number for number, key in enumerate(keys) if key]
    return Lines(
        [keys[n] for n in numbers],
        numbers,
        [ends[n] + n for n in numbers],
        [ends[n + 1] + n for n in numbers],
        [code[n] for n in numbers],
        [fence[n] for n in numbers],
        is_open,
    )


def _fences(raw: list[str], keys: list[str]) -> tuple[list[bool], list[bool], bool]:
    """Which lines are code, which are fences, and whether the last fence is open; their keys are rewritten."""
    code, fence = [False] * len(raw), [False] * len(raw)
    until, first, indent, quote = "", 0, 0, " "
    for number, key in enumerate(keys):
        line = raw[number] if raw[number].isascii() else _INVISIBLE.sub("", raw[number])
        found = _FENCE.match(line) if "```" in key or "~~~" in key else None
        if found and (not until or (found[1].startswith(until) and key.lstrip(quote) == found[1])):
            if until:
                _dedent(keys, first, number, indent)
            until, first, indent = "" if until else found[1], number + 1, found.start(1)
            quote = "> " if key.startswith(">") else " "  # within a quotation, as every line of it, the last is marked
            keys[number], fence[number] = "```", True
        elif until:
            keys[number], code[number] = "\0" + (_QUOTED.sub("", line, 1) if ">" in quote else line).rstrip(), True
    return code, fence, bool(until)


def _dedent(keys: list[str], first: int, last: int, indent: int) -> None:
    """A listing within a list item is indented as a whole."""
    spaces = " " * indent
    if indent and all(len(key) == 1 or key.startswith(spaces, 1) for key in keys[first:last]):
        keys[first:last] = ["\0" + key[1 + indent :] for key in keys[first:last]]


def adopt_indented(text: str, lines: Lines, other: Lines) -> None:
    """Lines indented by four spaces are code where the other text has every line of such a run in a fence."""
    if sum(lines.code) == sum(other.code) or not any(other.code) or "\n    " not in text:
        return
    fenced = {key for key, is_code in zip(other.key, other.code, strict=True) if is_code}
    run: list[tuple[int, str]] = []
    for index in range(len(lines.key) + 1):
        raw = text[lines.start[index] : lines.end[index]] if index < len(lines.key) and not lines.code[index] else ""
        if raw.startswith("    "):
            run.append((index, "\0" + raw[4:].rstrip()))
            continue
        if run and all(key in fenced for _, key in run):
            for place, key in run:
                lines.key[place], lines.code[place] = key, True
        run = []


def spans(
    text: str,
    keys: list[str],
    numbers: list[int],
    start: list[int],
    end: list[int],
    code: list[bool],
    fence: list[bool],
) -> tuple[list[int], list[int], list[str]]:
    """Starts, ends and kinds of blocks, as `pipeline.text.spans.markdown_to_blocks` tells them, of columns of Lines."""
    starts: list[int] = []
    ends: list[int] = []
    kinds: list[str] = []
    last, kind, until = -2, "", ""  # until: what closes the block that is open
    for index, key in enumerate(keys):
        if until == "$$" and numbers[index] != last + 1:
            until = ""  # no formula crosses a blank line
        if until:
            ends[-1], last = end[index], numbers[index]
            if fence[index] if until == "```" else key.endswith("$$"):
                until, kind = "", ""
            continue
        now = "code" if code[index] or fence[index] else _kind(text, start[index], key)
        joined = now == kind or (now == "paragraph" and kind in ("list", "quote"))
        if kind and numbers[index] == last + 1 and joined and now not in ("heading", "math", "code"):
            ends[-1] = end[index]
        else:
            starts.append(start[index])
            ends.append(end[index])
            kinds.append(now)
            kind = now
        last = numbers[index]
        until = "```" if fence[index] else "$$" if now == "math" and "$$" not in key[2:] else ""
    return starts, ends, kinds


def _kind(text: str, start: int, key: str) -> str:
    first = key[0]
    if first.isalpha():
        return "paragraph"
    if first == "$" and key.startswith("$$"):
        return "math" if "$$" not in key[2:] or key.endswith("$$") else "paragraph"
    if first == "|" or first == ">":
        return ("table" if first == "|" else "quote") if text.startswith(first, start) else "paragraph"
    if first == "#" and _HEADING.match(text, start):
        return "heading"
    return "list" if _ITEM.match(key) else "paragraph"


def blocks_of(starts: list[int], ends: list[int], kinds: list[str]) -> Blocks:
    """Blocks of which nothing more is known."""
    count = len(starts)
    return Blocks(
        starts,
        ends,
        kinds,
        [None] * count,
        [None] * count,
        [0.0] * count,
        [""] * count,
        [False] * count,
        [None] * count,
    )


class Read(NamedTuple):
    """Tokens of some lines, the line that each begins on, and the text that their places count in."""

    tokens: list[Token]
    at: list[int]
    text: str


def line_tokens(text: str, lines: Lines, first: int, last: int) -> Read:
    """Tokens of lines [first, last). A line of code is one token, a fence none."""
    found: list[Token] = []
    at: list[int] = []
    whole = ""
    index = first
    while index < last:
        if lines.code[index] or lines.fence[index]:
            if lines.code[index] and len(lines.key[index]) > 1:
                found.append(Token("codeline", repaired(lines.key[index]), lines.key[index][1:], len(whole)))
                at.append(index)
            index += 1
            continue
        stop = index + 1
        while stop < last and not (lines.code[stop] or lines.fence[stop]):
            stop += 1
        whole += _prose(text, lines, index, stop, len(whole), found, at)
        index = stop
    return Read(found, at, whole)


def _prose(text: str, lines: Lines, first: int, last: int, base: int, found: list[Token], at: list[int]) -> str:
    """Tokens of consecutive lines without code. Folding keeps line breaks, so that they count lines on both sides."""
    piece = folded(text[lines.start[first] : lines.end[last - 1]])
    new = tokens(piece)
    found += [token._replace(start=token.start + base) for token in new] if base else new
    breaks = list(accumulate((len(line) + 1 for line in piece.split("\n")), initial=0))
    numbers = lines.number[first:last]
    row, index, base, count = 0, 0, numbers[0], len(numbers)
    append = at.append
    for token in new:
        place = token[3] - 1  # its start; `tokens` puts a line break in front
        while breaks[row + 1] <= place:
            row += 1
        while index + 1 < count and numbers[index + 1] <= base + row:
            index += 1
        append(first + index)
    return "\n" + piece
