"""Formulas written with delimiters in running text: `$ $$ \\( \\[ [tex]` and bare environments.

A dollar sign is also a price, a shell variable and a placeholder, so a single dollar is math only if the page's
configuration says so or what it encloses looks like nothing else.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

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
_ENVIRONMENTS = (
    "equation|align|alignat|aligned|alignedat|gather|gathered|multline|eqnarray|flalign|split|displaymath|math|array|"
    "matrix|pmatrix|bmatrix|Bmatrix|vmatrix|Vmatrix|smallmatrix|cases|dcases|rcases|CD|subequations|prooftree|dmath|tikzcd"
)
_PLAIN_ENVIRONMENT = re.compile(r"\\begin\{(equation\*?|displaymath|math|dmath\*?)\}(.*)\\end\{\1\}", re.S)
_MAX_INLINE_CHARS = 4_000
_MAX_DISPLAY_CHARS = 40_000
_MAX_TRIES = 400
_STEPS_PER_TOKEN = 12
_MAY_OPEN = re.compile(r"[$\\\[`]|</")
_DOLLAR = re.compile(r"\$")
_NEVER_OPEN = frozenset(("{", "}", "\\{", "\\}", "\\$"))


@dataclass(frozen=True, slots=True)
class _Grammar:
    pattern: re.Pattern[str]
    closing: dict[str, str]
    display: frozenset[str]
    ascii: frozenset[str]


@lru_cache(maxsize=64)
def _grammar(inline: tuple[Pair, ...], display: tuple[Pair, ...], ascii_pairs: tuple[Pair, ...]) -> _Grammar:
    pairs = dict((*_TAG_PAIRS, *_TAG_DISPLAY, *inline, *display, *ascii_pairs))
    marks = sorted({*pairs, *pairs.values()} - {"$"}, key=lambda mark: (-len(mark), mark))
    escaped = [re.escape(mark) for mark in marks if mark.startswith("\\\\")]
    others = [re.escape(mark) for mark in marks if not mark.startswith("\\\\")]
    pattern = "|".join(
        (
            *escaped,
            r"\\\\",
            *others,
            rf"\\(?:begin|end)\s?\{{(?:{_ENVIRONMENTS})\*?\}}",
            r"\\[{}$`]",
            r"\{|\}|\$",  # not a set: where every alternative begins with a literal, `re` skips to one of those
            r"\n[ \t]*\n",
        )
    )
    shown = frozenset(opening for opening, _ in (*_TAG_DISPLAY, *display))
    return _Grammar(re.compile(pattern), pairs, shown, frozenset(opening for opening, _ in ascii_pairs))


def scan(text: str, config: MathConfig) -> list[Span]:
    """Formulas in laid-out prose, in order, not overlapping. The caller leaves code out. Linear in `len(text)`."""
    if _MAY_OPEN.search(text) is None and not config.ascii_pairs:
        return []
    grammar = _grammar(config.inline, config.display, config.ascii_pairs)
    tokens = list(grammar.pattern.finditer(text))
    if config.dollar is not False and "$$" in text:
        tokens = _apart(text, tokens)
    names = [token[0] for token in tokens]
    spans: list[Span] = []
    last = {name: index for index, name in enumerate(names)}
    budget = _STEPS_PER_TOKEN * len(tokens) + _MAX_TRIES
    index = 0
    while index < len(tokens):
        if budget <= 0 or (names[index] in _NEVER_OPEN and names[index] not in grammar.closing):
            close, steps = None, 1
        else:
            close, steps = _find_close(tokens, names, index, grammar, last, config)
        budget -= steps
        span = _span(text, tokens[index], tokens[close], grammar, config) if close is not None else None
        if span is None or close is None:
            index += 1
            continue
        spans.append(span)
        index = close + 1
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


def _apart(text: str, tokens: list[re.Match[str]]) -> list[re.Match[str]]:
    """`$a$$b$`: two formulas side by side. There `$$` stands between single dollars, closes one and opens the next."""
    dollars = [(index, token) for index, token in enumerate(tokens) if token[0] in ("$", "$$") or token[0][0] == "\n"]
    split: set[int] = set()
    opened = False
    for turn, (index, token) in enumerate(dollars):
        if token[0] == "$":
            opened = not opened
        elif token[0] != "$$":
            opened = False
        elif opened and turn + 1 < len(dollars) and dollars[turn + 1][1][0] == "$" and dollars[turn - 1][1][0] == "$":
            around = text[token.start() - 1] + text[token.end()]
            if not (around[0].isspace() or around[1].isspace()):
                split.add(index)
    if not split:
        return tokens
    halves = [
        (_DOLLAR.match(text, token.start()), _DOLLAR.match(text, token.start() + 1)) if index in split else (token,)
        for index, token in enumerate(tokens)
    ]
    return [half for pair in halves for half in pair if half is not None]


def _find_close(
    tokens: list[re.Match[str]],
    names: list[str],
    index: int,
    grammar: _Grammar,
    last: dict[str, int],
    config: MathConfig,
) -> tuple[int | None, int]:
    """(index of the token that closes the one at `index` at brace depth 0, tokens looked at)."""
    opening = names[index]
    closing = _closing_of(opening, grammar, config)
    if closing is None or last.get(closing, -1) <= index:
        return None, 1
    nests = opening.startswith("\\begin")
    shown = nests or opening in grammar.display
    deep = nests or opening[0] in "[<`"
    limit = tokens[index].end() + (_MAX_DISPLAY_CHARS if shown else _MAX_INLINE_CHARS)
    depth = level = 0
    for position in range(index + 1, min(len(tokens), index + 1 + _MAX_TRIES * (10 if shown else 1))):
        if tokens[position].start() > limit:
            return None, position - index
        name = names[position]
        if name == closing and (depth <= 0 or deep) and level == 0:
            return position, position - index
        if name == "{":
            depth += 1
        elif name == "}":
            depth -= 1
        elif nests and name == opening:
            level += 1
        elif nests and name == closing:
            level -= 1
        elif not shown and (name[0] == "\n" or (name == "$$" and opening == "$")):
            return None, position - index
    return None, _MAX_TRIES


def _closing_of(opening: str, grammar: _Grammar, config: MathConfig) -> str | None:
    if opening == "$":
        return None if config.dollar is False else "$"
    if opening.startswith("\\begin"):
        return opening.replace("\\begin", "\\end", 1) if config.process_environments else None
    return grammar.closing.get(opening)


def _span(
    text: str, opening: re.Match[str], closing: re.Match[str], grammar: _Grammar, config: MathConfig
) -> Span | None:
    mark = opening[0]
    inner = text[opening.end() : closing.start()]
    if not inner.strip():
        return None
    if mark in grammar.ascii:
        return Span(opening.start(), closing.end(), asciimath_to_latex(inner), False, "asciimath")
    if mark == "$" and not _is_dollar_math(text, opening, closing, inner, config):
        return None
    if mark in ("$$", "[math]", "[MATH]", "[$]", "<math>", "\\[", "\\\\[") and not _is_display_math(inner):
        return None
    environment = mark.startswith("\\begin")
    tex = text[opening.start() : closing.end()] if environment else inner
    plain = _PLAIN_ENVIRONMENT.fullmatch(tex.strip()) if "\\begin" in tex else None
    if plain:
        tex = plain.group(2)
    if mark in _CHEMISTRY:
        tex = f"\\ce{{{tex.strip()}}}"
    if "\\" in tex and (config.macros or has_definitions(tex)):
        tex = expand(tex, config.macros)
    shown = mark in grammar.display or (environment and mark != "\\begin{math}")
    return Span(opening.start(), closing.end(), normal_tex(tex), shown, "delimiters")


_COMMAND = re.compile(r"\\[A-Za-z]{2,}|\\[,;!|{}]|[\^_]")
_WORDS = re.compile(r"[^\W\d_]{2}(?:\s+|-)[^\W\d_]{2}")
_TEXT_GROUP = re.compile(r"\\(?:text\w*|mbox|hbox|operatorname|mathrm)\*?\s*\{[^{}]*\}")
_PRICE = re.compile(
    r"\s*\d[\d,.]*\s*(?:[kKmMbB](?:n|illion)?\b|million|billion|USD|per\b|a\b|/|-|–|\+|and\b|to\b|or\b|,|\.|;)?"
)
_SHELL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:[/:.,;\s=\"'-]|$)")
_PLAIN_MATH = re.compile(
    r"[A-Za-zα-ωΑ-Ω]'{0,3}$|[-+]?[\d.,]*[A-Za-zα-ω]?\s*(?:[-+*/=<>≤≥≠∈×·]\s*[\w.()α-ω]+\s*)*$|[A-Za-z]\([^()\s]{1,20}\)"
)


def _is_dollar_math(text: str, opening: re.Match[str], closing: re.Match[str], inner: str, config: MathConfig) -> bool:
    if "\\(" in inner and "\\)" not in inner:
        return False
    before = text[opening.start() - 1 : opening.start()]
    after = text[closing.end() : closing.end() + 1]
    bare = _TEXT_GROUP.sub("", inner) if "{" in inner else inner
    strong = _COMMAND.search(bare) is not None
    if config.dollar and strong:
        return True
    prose = _WORDS.search(bare) is not None
    if config.dollar:
        if prose:
            return not (_PRICE.match(inner) or inner[0].isspace() or inner[-1].isspace() or after.isalnum())
        return not (after.isdigit() and _PRICE.match(inner))
    if inner[0].isspace() or inner[-1].isspace() or after.isalnum() or before.isalnum():
        return strong and not prose and "\\" in inner and not after.isalnum()
    if strong:
        return "\\" in bare or not (prose or (_SHELL_NAME.match(inner) and after == "/"))
    return not prose and _PLAIN_MATH.match(inner) is not None and not inner.replace(".", "").replace(",", "").isdigit()


def _is_display_math(inner: str) -> bool:
    """`$$` is also a shell's process id and two prices' worth of sign; `\\[` also a regular expression's."""
    bare = _TEXT_GROUP.sub("", inner) if "{" in inner else inner
    return _COMMAND.search(bare) is not None or _WORDS.search(bare) is None
