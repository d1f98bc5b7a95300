r"""Markdown of notebook cells to HTML by markdown-it, with formulas kept away from it.

Formulas are found first, as Jupyter does, and stand in the source as one word each until Markdown is done: `_`, `*`
and lines of `=` or `-` mean something else there. Delimiters are Jupyter's: `$…$`, `$$…$$`, `\(…\)`, `\[…\]` (also
with the backslash doubled, which Markdown would halve) and `\begin{…}…\end{…}`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from html import escape

from markdown_it import MarkdownIt

MAX_MARKDOWN_CHARS = 50_000  # a longer cell is shown as it is: Markdown's worst cases are worse than linear,
MAX_BRACKETS = 5_000  # unclosed `[` worst of all
MAX_FORMULA_CHARS = 8_000

_OPEN, _CLOSE = "\ufdd0", "\ufdd1"  # noncharacters: no text has them, Markdown sees a word
_NOT_OURS = str.maketrans({_OPEN: "\ufffd", _CLOSE: "\ufffd", "\0": "\ufffd"})
_STAND_IN = re.compile(f"(?:{_OPEN}|%EF%B7%90)([0-9]+)(?:{_CLOSE}|%EF%B7%91)")  # percent-encoded inside a link's target
_START = re.compile(
    r"(?P<fence>^[ \t>]{0,40}(?:`{3,}|~{3,}))|(?P<code>`+)|(?P<begin>\\begin\{[A-Za-z]{1,30}\*?\})"
    r"|(?P<math>\$\$?|\\\\[(\[]|\\[(\[])|\\.",
    re.MULTILINE | re.DOTALL,
)
_CLOSING = {"$": "$", "$$": "$$", "\\(": "\\)", "\\[": "\\]", "\\\\(": "\\\\)", "\\\\[": "\\\\]"}
_TICKS = re.compile("`+")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9]{0,20}(?:\s[^<>]{0,500})?/?>")
_QUOTED_LINE = re.compile(r"\n[ \t]*>[ ]?")


def markdown_to_html(source: str) -> str:
    """HTML of CommonMark with tables and strike-through; formulas as written, HTML-escaped; raw HTML passes."""
    if len(source) > MAX_MARKDOWN_CHARS or source.count("[") > MAX_BRACKETS:
        return f"<pre>{escape(source, quote=False)}</pre>"
    source = source.replace("\r\n", "\n").translate(_NOT_OURS)
    spans = list(formula_spans(source))
    html: str = _markdown().render(_without_formulas(source, spans))
    formulas = [_unquoted(source, start, end) for start, end in spans]
    return _STAND_IN.sub(lambda match: escape(formulas[int(match[1])]), html)


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"maxNesting": 20}).enable(["table", "strikethrough"])


def _without_formulas(source: str, spans: list[tuple[int, int]]) -> str:
    parts, at = [], 0
    for number, (start, end) in enumerate(spans):
        parts += [source[at:start], f"{_OPEN}{number}{_CLOSE}"]
        at = end
    return "".join([*parts, source[at:]])


def _unquoted(source: str, start: int, end: int) -> str:
    """The formula; without the `>` of its further lines where it stands in a block quote."""
    line = source[source.rfind("\n", 0, start) + 1 : start]
    return _QUOTED_LINE.sub("\n", source[start:end]) if line.lstrip().startswith(">") else source[start:end]


def formula_spans(source: str) -> Iterator[tuple[int, int]]:
    """(start, end) of each formula with its delimiters, in order; code spans and fenced code hold none."""
    ticks = _tick_runs(source)
    at = 0
    while (match := _START.search(source, at)) is not None:
        at = match.end()
        if match["fence"]:
            at = _fence_end(source, match)
        elif match["code"]:
            at = _code_end(ticks, match)
        elif (end := _formula_end(source, match)) is not None:
            yield match.start(), end
            at = end


def _tick_runs(source: str) -> dict[int, list[int]]:
    """Starts of the backtick runs by length."""
    runs: dict[int, list[int]] = {}
    for match in _TICKS.finditer(source):
        runs.setdefault(len(match[0]), []).append(match.start())
    return runs


def _code_end(ticks: dict[int, list[int]], opening: re.Match[str]) -> int:
    """End of a code span; of the backticks alone where none of their length follow."""
    same = ticks.get(len(opening[0]), [])
    following = bisect_right(same, opening.start())
    return same[following] + len(opening[0]) if following < len(same) else opening.end()


def _fence_end(source: str, opening: re.Match[str]) -> int:
    mark = opening[0].lstrip(" \t>")
    closing = re.compile(rf"^[ \t>]{{0,40}}{mark[0]}{{{len(mark)},}}[ \t]*$", re.MULTILINE).search(
        source, opening.end()
    )
    return closing.end() if closing else len(source)


def _formula_end(source: str, opening: re.Match[str]) -> int | None:
    if opening["begin"]:
        closing = opening["begin"].replace("begin", "end", 1)
    elif opening["math"]:
        closing = _CLOSING[opening["math"]]
    else:
        return None
    at = _find_unescaped(source, closing, opening.end())
    inside = source[opening.end() : at] if at is not None else ""
    if at is None or not inside.strip() or _BLANK_LINE.search(inside) or _TAG.search(inside):
        return None
    return at + len(closing)


def _find_unescaped(source: str, closing: str, start: int) -> int | None:
    limit = min(len(source), start + MAX_FORMULA_CHARS)
    at = source.find(closing, start, limit)
    while at >= 0 and closing[0] == "$" and source[at - 1] == "\\":
        at = source.find(closing, at + 1, limit)
    return at if at >= 0 else None
