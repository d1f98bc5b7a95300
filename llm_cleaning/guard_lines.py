"""Lines of a text as the guard compares them first: most pages differ from their cleaned form in whole lines only."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from llm_cleaning.guard_tokens import Token, folded, repaired, tokens

_FENCE = re.compile(r"[ \t]{0,16}(`{3,}+|~{3,}+)[^`]*+$")


@dataclass(slots=True)
class Lines:
    """Lines with something on them, as columns.

    Attributes:
        key: what compares: white space collapsed, code exact but for trailing white space, fences without language.
        number: which line of the text it is, from 0.
        start, end: its span in the text.
        code: inside a fence; `fence`: the fence itself.
        open_fence: the text ends inside a fence.
    """

    key: list[str] = field(default_factory=list)
    number: list[int] = field(default_factory=list)
    start: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)
    code: list[bool] = field(default_factory=list)
    fence: list[bool] = field(default_factory=list)
    open_fence: bool = False


def lines_of(text: str) -> Lines:
    """Lines of a text in order; lines of white space are left out, except in code."""
    lines, until, start = Lines(), "", 0
    fenced = "```" in text or "~~~" in text
    for number, line in enumerate(text.split("\n")):
        end = start + len(line)
        fence = _FENCE.match(line) if fenced and ("```" in line or "~~~" in line) else None
        if fence and (not until or (fence[1].startswith(until) and line.strip() == fence[1])):
            until = "" if until else fence[1]
            _add(lines, "```", number, start, end, code=False, fence=True)
        elif until:
            _add(lines, "\0" + line.rstrip(), number, start, end, code=True, fence=False)
        elif key := " ".join(line.split()):
            _add(lines, key, number, start, end, code=False, fence=False)
        start = end + 1
    lines.open_fence = bool(until)
    return lines


def _add(lines: Lines, key: str, number: int, start: int, end: int, *, code: bool, fence: bool) -> None:
    lines.key.append(key)
    lines.number.append(number)
    lines.start.append(start)
    lines.end.append(end)
    lines.code.append(code)
    lines.fence.append(fence)


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
    number, seen, index = lines.number[first], 0, first
    for token in new:
        place = max(token.start - 1, 0)  # `tokens` puts a line break in front
        number += piece.count("\n", seen, place)
        seen = max(seen, place)
        while index + 1 < last and lines.number[index + 1] <= number:
            index += 1
        at.append(index)
