"""One text in two notations that are provably the same, where lines and tokens alone do not show it.

A formula written as Unicode text and as TeX, a display in a fence of its own, a listing indented by tabs. What TeX says
with structure (fractions, roots, scripts of several letters) has no other notation in a line: it is never the same.
"""

from __future__ import annotations

import re

from llm_cleaning.guard_lines import Lines
from llm_cleaning.guard_tokens import Token, canonical_cached
from pipeline.text.latex.symbols import FUNCTIONS

MAX_LINEAR_CHARS = 300  # of a formula without structure
MAX_BETWEEN_CHARS = 40  # brackets and commas from one token to the next
MAX_FENCE_LINES = 200
TAB_WIDTHS = (4, 2, 8)

_INDENTED = re.compile(r"(\0)(\t+)(?=[^\t ])")
_MATH_FENCE = re.compile(r"^([ \t]*(?:> ?)?)```math[ \t]*$", re.MULTILINE)
_END_FENCE = re.compile(r"[ \t]*(?:> ?)?```[ \t]*$")
_OPENED = re.compile(r"[(\[|]*\Z")
_CLOSED = re.compile(r"[ `]*(?:\$\$?|\\\)|\\\])?")
_UNSAID = re.compile(r"[$\\`]|(?<![\^_])\{")  # not in a line of plain mathematics
_NAMES = re.compile(rf"(?<![A-Za-z\\])(?:{'|'.join(sorted(FUNCTIONS, key=len, reverse=True))})(?![A-Za-z])")
_PROSE_KINDS = frozenset({"word", "number", "symbol", "formula"})


def displayed(text: str) -> str:
    """GitHub's and GitLab's ```math fences as `$$`, each of the same length, so that places in the text hold."""
    if "```math" not in text:
        return text
    parts, at = [], 0
    for opener in _MATH_FENCE.finditer(text):
        if opener.start() < at:
            continue
        end = opener.end() + 1
        for _ in range(MAX_FENCE_LINES):
            stop = text.find("\n", end)
            line = text[end : stop if stop >= 0 else len(text)]
            if not line.strip() or "```" in line or stop < 0:
                break
            end = stop + 1
        if not _END_FENCE.match(line):
            continue
        mark = end + line.index("```")
        body = text[opener.end() : mark]
        parts += [text[at : opener.end(1)], "$$".ljust(opener.end() - opener.end(1)), body, "$$ "]
        at = mark + 3
    return "".join([*parts, text[at:]])


def adopt_tabs(lines: Lines, other: Lines) -> None:
    """A listing indented by tabs reads like the other text's where one width of tabs makes every line of it so."""
    if not any(key.startswith("\0\t") for key in lines.key) or not any(other.code):
        return
    known = {key for key, is_code in zip(other.key, other.code, strict=True) if is_code}
    start = 0
    for index in range(len(lines.key) + 1):
        if index < len(lines.key) and lines.code[index]:
            continue
        for width in TAB_WIDTHS:
            keys = [_INDENTED.sub(lambda m, w=width: m[1] + " " * w * len(m[2]), key) for key in lines.key[start:index]]  # type: ignore[misc]
            if keys and all(map(known.__contains__, keys)):
                lines.key[start:index] = keys
                break
        start = index + 1


def same_mathematics(old: tuple[str, list[Token], int, int], new: tuple[str, list[Token], int, int]) -> bool:
    """Whether two stretches of tokens, given with their text, are one formula, with TeX's marks on one side at most."""
    written = [_written(*side) for side in (old, new)]
    return None not in written and canonical_cached(written[0] or "") == canonical_cached(written[1] or "")


def _written(text: str, found: list[Token], first: int, last: int) -> str | None:
    """A stretch with the brackets around it as TeX; None where it is no mathematics in a line."""
    if first >= last or any(token.kind not in _PROSE_KINDS for token in found[first:last]):
        return None
    start = found[first].start
    parts = [_OPENED.search(text[max(0, start - 4) : start])[0]]  # type: ignore[index]  # it matches nothing too
    for index in range(first, last):
        token = found[index]
        stop = found[index + 1].start if index + 1 < len(found) else text.find("\n", token.start)
        stop = stop if stop >= 0 else len(text)
        piece = text[token.start : min(stop, token.start + len(token.raw) + MAX_BETWEEN_CHARS)]
        if token.kind == "formula":
            behind = text.find(token.raw, token.start) + len(token.raw)
            closed = _CLOSED.match(text, behind)
            piece = f" {token.raw} {text[closed.end() if closed else behind : max(behind, stop)]}"
        elif _UNSAID.search(piece):
            return None
        elif token.key == "×":
            piece = "×" + piece[len(token.raw) :]
        else:
            piece = _NAMES.sub(r"\\\g<0>", piece)
        parts.append(piece)
    written = "".join(parts).strip(" \t\n,.;:")
    return written if len(written) <= MAX_LINEAR_CHARS else None
