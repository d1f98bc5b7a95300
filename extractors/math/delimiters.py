"""Formulas written with delimiters in running text: `$ $$ \\( \\[ [tex]` and bare environments.

Where they stand is found by `layout.hot.delimiters` or its twin in C; here is which marks there are and what LaTeX
stands between them.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from extractors.layout.native import twin
from extractors.math.asciimath import asciimath_to_latex
from extractors.math.bare import bare_formulas
from extractors.math.macros import expand, has_definitions
from extractors.math.normal import normal_tex
from extractors.math.page_config import MathConfig, Pair


class Span(NamedTuple):
    """One formula at `text[start:end]`, delimiters included; code points, half-open. `tex` may be "" (definitions)."""

    start: int
    end: int
    tex: str
    display: bool
    source_form: str


_TAG_PAIRS: tuple[Pair, ...] = (
    ("[tex]", "[/tex]"),
    ("[itex]", "[/itex]"),
    ("[math]", "[/math]"),
    ("[latex]", "[/latex]"),
    ("[TEX]", "[/TEX]"),
    ("[ITEX]", "[/ITEX]"),
    ("[MATH]", "[/MATH]"),
    ("[LATEX]", "[/LATEX]"),
    ("[mathjaxinline]", "[/mathjaxinline]"),
    ("[$]", "[/$]"),
    ("[;", ";]"),
    ("<tex>", "</tex>"),
    ("<latex>", "</latex>"),
    ("<math>", "</math>"),
    ('<math display="inline">', "</math>"),
    ("<ce>", "</ce>"),
    ("<chem>", "</chem>"),
    ("$latex ", "$"),
    ("$`", "`$"),
    ("\\\\(", "\\\\)"),
    ("\\(", "\\)"),
)
_TAG_DISPLAY: tuple[Pair, ...] = (
    ("\\\\[", "\\\\]"),
    ("\\[", "\\]"),
    ("$$", "$$"),
    ("[dtex]", "[/dtex]"),
    ('<math display="block">', "</math>"),
    ("[mathjax]", "[/mathjax]"),
    ("[$$]", "[/$$]"),
)
_CHEMISTRY = frozenset(("<ce>", "<chem>"))
_DOUBTFUL = frozenset(("$$", "[math]", "[MATH]", "[$]", "<math>", "\\[", "\\\\["))
_ENVIRONMENT_NAMES = """
equation align alignat aligned alignedat gather gathered multline eqnarray flalign split displaymath math array
matrix pmatrix bmatrix Bmatrix vmatrix Vmatrix smallmatrix cases dcases rcases CD subequations prooftree dmath tikzcd
"""
_PLAIN_ENVIRONMENT = re.compile(r"\\begin\{(equation\*?|displaymath|math|dmath\*?)\}(.*)\\end\{\1\}", re.S)


@dataclass(frozen=True, slots=True)
class _Grammar:
    """The marks of a page, and those of its opening marks that mean a display formula or AsciiMath."""

    delimiters: twin.Delimiters
    display: frozenset[str]
    ascii: frozenset[str]


@lru_cache(maxsize=64)
def _grammar(inline: tuple[Pair, ...], display: tuple[Pair, ...], ascii_pairs: tuple[Pair, ...]) -> _Grammar:
    closing = dict((*_TAG_PAIRS, *_TAG_DISPLAY, *inline, *display, *ascii_pairs))
    marks = sorted({*closing, *closing.values()} - {"$"}, key=lambda mark: (-len(mark), mark))
    escaped = [mark for mark in marks if mark.startswith("\\\\")]
    others = [mark for mark in marks if not mark.startswith("\\\\")]
    order = tuple(dict.fromkeys((*escaped, "\\\\", *others, "\\{", "\\}", "\\$", "\\`", "{", "}", "$")))
    shown = frozenset(opening for opening, _ in (*_TAG_DISPLAY, *display))
    ascii_math = frozenset(opening for opening, _ in ascii_pairs)
    names = tuple(_ENVIRONMENT_NAMES.split())
    return _Grammar(twin.Delimiters(order, closing, shown, _DOUBTFUL, ascii_math, names), shown, ascii_math)


def scan(text: str, config: MathConfig) -> list[Span]:
    """Formulas in laid-out prose, in order, not overlapping. The caller leaves code out. Linear in `len(text)`."""
    if not (config.ascii_pairs or "$" in text or "\\" in text or "[" in text or "`" in text or "</" in text):
        return []
    grammar = _grammar(config.inline, config.display, config.ascii_pairs)
    found = grammar.delimiters.find(text, config.dollar, config.process_environments)
    spans = [_span(text, *place, grammar, config) for place in found]
    return _with_bare(text, spans) if "\\" in text or ":[" in text else spans


def _with_bare(text: str, spans: list[Span]) -> list[Span]:
    """Formulas without TeX's delimiters join those with them, where they do not overlap."""
    found = bare_formulas(text)
    if not found:
        return spans
    taken = [(span.start, span.end) for span in spans]
    for start, end, tex, display in found:
        place = bisect_left(taken, (start, end))
        if (place == 0 or taken[place - 1][1] <= start) and (place == len(taken) or end <= taken[place][0]):
            spans.append(Span(start, end, tex, display, "delimiters"))
    return sorted(spans)


def _span(text: str, mark: str, inner: str, start: int, end: int, grammar: _Grammar, config: MathConfig) -> Span:
    if mark in grammar.ascii:
        return Span(start, end, asciimath_to_latex(inner), False, "asciimath")
    environment = mark.startswith("\\begin")
    tex = text[start:end] if environment else inner
    if "\\begin" in tex and (plain := _PLAIN_ENVIRONMENT.fullmatch(tex.strip())):
        tex = plain.group(2)
    if mark in _CHEMISTRY:
        tex = f"\\ce{{{tex.strip()}}}"
    if "\\" in tex and (config.macros or has_definitions(tex)):
        tex = expand(tex, config.macros)
    shown = mark in grammar.display or (environment and mark != "\\begin{math}")
    return Span(start, end, normal_tex(tex), shown, "delimiters")
