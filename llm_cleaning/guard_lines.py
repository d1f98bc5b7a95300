"""Lines of a text as the guard compares them first: most pages differ from their cleaned form in whole lines only."""

from __future__ import annotations

import re
from itertools import accumulate
from typing import NamedTuple

from llm_cleaning.guard_tokens import Token, folded, repaired, tokens

# Written but not seen.
_INVISIBLE = re.compile("[\u200b-\u200f\u2060-\u2064\ufeff\u00ad]")
_MARK = r"(?:(?:[-*+:>]|\d{1,3}[.)])[ \t]+)?"  # a fence may be the first thing of a list item or a definition
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


def lines_of(text: str) -> Lines:
    """Lines of a text in order; lines of white space are left out, except in code."""
    raw = text.split("\n")
    # most lines need no change but at their ends, and asking is cheaper than splitting
    keys = [
        line.strip() if "  " not in line and line.isprintable() else " ".join(_INVISIBLE.sub("", line).split())
        for line in raw
    ]
    ends = list(accumulate((len(line) + 1 for line in raw), initial=-1))
    code, fence, is_open = (
        _fences(raw, keys) if "```" in text or "~~~" in text else ([False] * len(raw),) * 2 + (False,)
    )
    numbers = [number for number, key in enumerate(keys) if key]
    return Lines(
        [keys[n] for n in numbers],
        numbers,
        [ends[n] + 1 for n in numbers],
        [ends[n + 1] for n in numbers],
        [code[n] for n in numbers],
        [fence[n] for n in numbers],
        is_open,
    )


def _fences(raw: list[str], keys: list[str]) -> tuple[list[bool], list[bool], bool]:
    """Which lines are code, which are fences, and whether the last fence is open; their keys are rewritten."""
    code, fence = [False] * len(raw), [False] * len(raw)
    until = ""
    for number, key in enumerate(keys):
        line = raw[number] if raw[number].isascii() else _INVISIBLE.sub("", raw[number])
        found = _FENCE.match(line) if "```" in key or "~~~" in key else None
        if found and (not until or (found[1].startswith(until) and key == found[1])):
            until = "" if until else found[1]
            keys[number], fence[number] = "```", True
        elif until:
            keys[number], code[number] = "\0" + line.rstrip(), True
    return code, fence, bool(until)


def line_tokens(text: str, lines: Lines, first: int, last: int) -> tuple[list[Token], list[int]]:
    """Tokens of lines [first, last), and for each the line it begins on. A line of code is one token, a fence none."""
    found: list[Token] = []
    at: list[int] = []
    index = first
    while index < last:
        if lines.code[index] or lines.fence[index]:
            if lines.code[index] and len(lines.key[index]) > 1:
                found.append(Token("codeline", repaired(lines.key[index]), lines.key[index][1:], 0))
                at.append(index)
            index += 1
            continue
        stop = index + 1
        while stop < last and not (lines.code[stop] or lines.fence[stop]):
            stop += 1
        _prose(text, lines, index, stop, found, at)
        index = stop
    return found, at


def _prose(text: str, lines: Lines, first: int, last: int, found: list[Token], at: list[int]) -> None:
    """Tokens of consecutive lines without code. Folding keeps line breaks, so that they count lines on both sides."""
    piece = folded(text[lines.start[first] : lines.end[last - 1]])
    new = tokens(piece)
    found += new
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
