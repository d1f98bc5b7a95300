"""Formulas whose delimiters lost their backslashes or were never read: `[ \\frac{a}{b} ]`, `( \\alpha )`, `stem:[...]`.

Copies from a chat drop the backslash of `\\[` and `\\(`; Asciidoctor's macros stay in the text of a page that another
program wrote. A bracket is a formula only if all in it is TeX with at least one command that everybody knows.
"""

from __future__ import annotations

import re
from itertools import islice

from extractors.math.asciimath import asciimath_to_latex
from extractors.math.normal import normal_tex
from pipeline.text.latex.names import ONE_ARGUMENT
from pipeline.text.latex.symbols import FUNCTIONS, LATEX_OF

_MACRO = re.compile(r"\b(stem|latexmath|asciimath):\[((?:[^\]\\\n:]|:(?!\[)|\\.){1,2000})\]")
_LINE_OPENS = re.compile(r"^[ \t]*\[(?=\s)", re.M)
# a bracket first, then what must stand before it: `re` seeks letters fast
_LINE_CLOSES = re.compile(r"\](?<=\s\])[ \t]*$", re.M)
_OPENS, _CLOSES = re.compile(r"\((?= )(?<!\S\()"), re.compile(r"\)(?<= \))")
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_TEXT = re.compile(r"\\(?:text\w*|mbox|operatorname|math(?:rm|bf|it|sf|tt|cal|bb))\*?\s?\{[^{}]*\}")
_PROSE = re.compile(r"[^\W\d_]{2}[.,;:]?\s+[^\W\d_]{2}")
_WORDS = """
frac dfrac tfrac binom sqrt sum prod int iint oint lim infty left right begin end mathbb mathbf mathcal mathrm mathit
mathfrak operatorname text boxed quad qquad cdot cdots ldots dots times div pm mp to le ge ne leq geq neq approx equiv
implies iff land lor neg not hat bar vec tilde dot ddot overline underline underbrace overbrace big Big bigg Bigg bigl
bigr Bigl Bigr displaystyle mid gets prime langle rangle lvert rvert lVert rVert tag
"""
_KNOWN = {
    *_WORDS.split(),
    *FUNCTIONS,
    *(name[1:] for name in (*LATEX_OF.values(), *ONE_ARGUMENT) if name.startswith("\\")),
}
_MAX_CHARS = 2_000
_MAX_TRIES = 4
_LOOKS = 20  # times a text that its brackets may be looked into, one inside the other
_MAX_FOUND = 2_000

Found = tuple[int, int, str, bool]


def bare_formulas(text: str) -> list[Found]:
    """(start, end, LaTeX, display) of such formulas in laid-out prose, in order, not overlapping."""
    found = [*_macros(text)] if ":[" in text else []
    if "[ " in text or "[\n" in text:
        found += _bracketed(text, _LINE_OPENS, _LINE_CLOSES, display=True)
    if "( " in text:
        found += _bracketed(text, _OPENS, _CLOSES, display=False)
    kept: list[Found] = []
    for formula in sorted(found):
        if not kept or formula[0] >= kept[-1][1]:
            kept.append(formula)
    return kept


def _macros(text: str) -> list[Found]:
    found = []
    for match in islice(_MACRO.finditer(text), _MAX_FOUND):
        ascii_math = match[1] == "asciimath" or (match[1] == "stem" and not _COMMAND.search(match[2]))
        tex = asciimath_to_latex(match[2]) if ascii_math else normal_tex(match[2].replace("\\]", "]"))
        found.append((match.start(), match.end(), tex, False))
    return found


def _bracketed(text: str, opens: re.Pattern[str], closes: re.Pattern[str], *, display: bool) -> list[Found]:
    """Each opening bracket with one of the next closing ones, if what they enclose can be nothing but TeX."""
    ends = [match.start() for match in islice(closes.finditer(text), _MAX_FOUND)]
    if not ends:
        return []
    found: list[Found] = []
    first, budget = 0, _LOOKS * len(text)
    for opening in islice(opens.finditer(text), _MAX_FOUND):
        while first < len(ends) and ends[first] < opening.end():
            first += 1
        for end in ends[first : first + _MAX_TRIES]:
            inner = text[opening.end() : end]
            budget -= len(inner)
            if len(inner) > _MAX_CHARS or budget < 0:
                break
            if _is_tex(inner):
                found.append((opening.end() - 1, end + 1, normal_tex(inner), display))
                break
    return found


def _is_tex(inner: str) -> bool:
    names = _COMMAND.findall(inner)
    if not names or not _KNOWN.issuperset(names) or "\n\n" in inner:
        return False
    if inner.count("(") != inner.count(")") or inner.count("{") != inner.count("}"):
        return False
    return _PROSE.search(_COMMAND.sub(" ", _TEXT.sub(" ", inner))) is None
