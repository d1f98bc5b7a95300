"""Does a page hold mathematics or code at all? Asked of the raw bytes, before anything is decoded or parsed.

Pages without either are most of the web, and rendering them is most of the cost of a crawl. Scripts, styles and
comments are cut out first, since dollars, backslashes and the names of math libraries mean nothing there: a page that
loads MathJax has no formula yet. One automaton (RE2: one pass whatever the number of patterns, linear on any input)
then looks for tags, classes, images and TeX. A false positive costs one page's rendering, a false negative costs the
page, so every form that `extractors.math` recovers has a mark here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

import re2

from extractors.charset import utf16_by_nuls

STAGE = "prefilter"
OFF = "off"
REASONS = {"math": "no_math", "code": "no_code", "both": "no_math_or_code"}  # what a recipe wants -> reject reason
MIN_SIGNS = 3  # operators in a page without TeX; a page of news has a stray one
MIN_SCRIPTS = 4  # of <i>x</i><sub>2</sub> in a page without TeX
MAX_INLINE_BYTES, MAX_DISPLAY_BYTES = 1_000, 8_000  # longest formula between dollars
TAIL_BYTES = 4_096  # where a notebook says that it is one


class Found(NamedTuple):
    """Whether a page seems to hold formulas, and blocks of code."""

    has_math: bool
    has_code: bool


def prefilter(body: bytes) -> Found:
    """Look for mathematics and code in the bytes of a page in any encoding that contains ASCII.

    UTF-16 bypasses: both are said to be there. Inline code alone is no code. Linear in `len(body)`, never fails.
    """
    if body.startswith((b"\xff\xfe", b"\xfe\xff")) or utf16_by_nuls(body) is not None:
        return Found(True, True)
    visible = _HIDDEN.sub(b" ", body)
    code = b'"nbformat"' in body[-TAIL_BYTES:]
    first = _ANY.search(visible)
    if first is None:
        return Found(False, code)
    visible = visible[first.start() :]  # the others find nothing before the leftmost of any
    math = _MATH.search(visible) is not None or _holds_dollars(visible) or _holds_signs(visible)
    return Found(math or _holds_asciimath(visible, body), code or _CODE.search(visible) is not None)


def reject_reason(body: bytes, want: str) -> str | None:
    """Why a recipe that wants "math", "code" or "both" (either of them) drops a page; None keeps it."""
    found = prefilter(body)
    wanted = (found.has_math and want != "code") or (found.has_code and want != "math")
    return None if wanted else REASONS[want]


# What is not shown. Formula sources stay: MathJax's scripts, and the comments of latex2html. Possessive: linear.
# Spelled in three cases, since IGNORECASE costs half the speed; <sCrIpT> is looked into.
_SCRIPT = rb"(?![^>]{0,200}[\s\"'=](?i:math)/)[^<]*+(?:<(?!/(?i:script))[^<]*+)*+"
_HIDDEN = re.compile(
    rb"<(?:s(?:cript" + _SCRIPT + rb"|tyle[^<]*+)|S(?:(?:CRIPT|cript)" + _SCRIPT + rb"|(?:TYLE|tyle)[^<]*+)"
    rb"|!--(?! MATH)[^-]*+(?:-(?!->)[^-]*+)*+)"
)
_CLASS = r"class=[\"']?(?:[^\"'<>]*\s)?"
_TAGS = r"<(?:(?:[a-z]+:)?math[\s>/]|math-field|mjx-|(?:tex|latex|texmath|tex-math|asciimath)>|script|!-- math)"
_CLASSES = (
    _CLASS + r"(?:math(?:jax|ml|inline|display|[\s\"'-])|katex|mwe-math|ltx_(?:math|equation)|texhtml|mjx"
    r"|(?:(?:la)?tex|tex-math|(?:ql-|inline-|disp-)?formula|(?:inline-)?equation|displaymath|arithmatex|js-render-math)"
    r"[\s\"'>])|role=[\"']?math|data-(?:mathml|mml|latex|tex|katex|asciimath|math|equation|formula)=|language-math"
)
_IMAGES = (
    r"<img\s[^>]*(?:latex|mathtex|mimetex|texrender|codecogs|texify|upmath\.|cht=tx|[/?&;]tex=|equation_images|render/math"
    r"|equation\?|math\.(?:now|vercel)|(?:alt|title)=(?:\"\s*(?:\$[^$\"]+\$|\\[\[(a-z])|'\s*(?:\$[^$']+\$|\\[\[(a-z])))"
)
# TeX that is no path, regular expression or escape of another language.
_COMMANDS = (
    r"\\(?:[dt]?frac|sqrt|sum|prod|i?int|oint|lim|infty|partial|nabla|alpha|beta|gamma|delta|(?:var)?epsilon|zeta|theta"
    r"|lambda|sigma|(?:var)?phi|psi|omega|math(?:bb|cal|bf|rm|frak|sf|scr|it|op)|operatorname|[cl]?dots|[cv]dot|times|leq"
    r"|geq|neq|equiv|approx|simeq|subset(?:eq)?|forall|exists|(?:long)?(?:left|right)arrow|mapsto|displaystyle|textstyle"
    r"|overline|widehat|widetilde|binom|ell|otimes|oplus|[lr]angle|boldsymbol|[bp]mod|varnothing)(?:[^a-z]|$)"
    r"|\\(?:left|right)(?:[(\[{|.)\]}]|\\[{}|])"
    r"|\\begin\s?\{(?:equation|align|gather|multline|eqnarray|[bpv]?matrix|cases|array|displaymath|split|math|cd)"
)
_PAIRS = r"\\\([^<]*\\\)|\\\[[^<]*\\\]|\[/(?:d?i?tex|math|latex)\]|\$latex\s|\$`"
_CODE_MARKS = (
    r"<(?:pre|xmp|listing)[\s>]|<code[^>]*>[^<\n]*(?:<br|\n\s*[^<\s])|"
    + _CLASS
    + r"(?:blob-code|crayon-|codemirror-code"
    r"|view-lines|blockcode|geshi|mw-geshi|dp-c|line-?content|code-line|hljs|diff-line|syntaxhighlighter|highlight-source"
    r"|codehilite|sourcecode)|<div class=\"fragment\"|<td class=\"code\""
)
_SIGN_MARKS = (
    r"\xe2[\x88-\x8b]|\xf0\x9d|&(?:sum|int|radic|infin|part|nabla|isin|forall|exist|sube?|cup|cap|equiv|#8[78])"
)
_DOLLARS = r"\$[^\s$][^$]*\$|\$\$"
_VARIABLES = r"</(?:i|em|var)>\s?<su[bp]>"
_MATH_MARKS = "|".join((_TAGS, _CLASSES, _IMAGES, _COMMANDS, _PAIRS))


def _automaton(pattern: str) -> re2._Regexp[bytes]:
    options = re2.Options()
    options.encoding, options.max_mem, options.never_capture = re2.Options.Encoding.LATIN1, 64 << 20, True
    options.case_sensitive = False
    return re2.compile(pattern.encode("ascii"), options)


_MATH, _CODE = _automaton(_MATH_MARKS), _automaton(_CODE_MARKS)
_ANY = _automaton("|".join((_MATH_MARKS, _CODE_MARKS, _SIGN_MARKS, _VARIABLES, "`", _DOLLARS)))
_WEAK = _automaton("|".join((_SIGN_MARKS, _VARIABLES)))
_SIGNS = re.compile(rb"\xe2[\x88-\x8b][\x80-\xbf]")  # U+2200 to U+22FF
_LETTERS = re.compile(rb"\xf0\x9d[\x90-\x9f]")  # U+1D400 to U+1D7FF
_COMMON_SIGNS = frozenset(char.encode() for char in "−∕∗∘∙∼≈≤≥⋅⋆⋮⋯")  # in prices, bullets, reports
_ENTITIES = re.compile(
    rb"&(?:sum|int|radic|infin|part|nabla|isin|notin|forall|exist|sube?|cup|cap|equiv|prop|oplus|otimes|prod|empty|and"
    rb"|alpha|beta|gamma|delta|epsilon|theta|lambda|sigma|phi|psi|omega|#8(?:7[0-9]{2}|8[0-8][0-9]));",
    re.IGNORECASE,
)
_SCRIPTS = re.compile(_VARIABLES.encode(), re.IGNORECASE)
_BACKTICKS = re.compile(rb"`[^`<>\n]{1,200}`")
_BREAKS = re.compile(rb"</?(?:br|em|i|sub|sup|p|span|wbr)\b[^<>]{0,100}>", re.IGNORECASE)
_FORMULA_LIKE = re.compile(
    rb"\\[a-z,;!{|]|[\^_]|[<>=+]|&[lg]t;|^\s*[-(]?[a-z](?:['\s,)]|$)|^[a-z]\([^()\s]{1,20}\)$", re.IGNORECASE
)
_PROSE = re.compile(
    rb"(?<![a-z])[a-z]{3,}+[\s,.]++[a-z]{2,}+[\s,.]++[a-z]{2}|[a-z]{3}://|function|var |[;{]\s*\n|\b[a-z]++:",
    re.IGNORECASE,
)


def _holds_signs(visible: bytes) -> bool:
    """Several operators, or variables with indices, of a page that writes mathematics without TeX."""
    if _WEAK.search(visible) is None:
        return False
    signs = (sign for match in _SIGNS.finditer(visible) if (sign := match[0]) not in _COMMON_SIGNS)
    if _at_least(signs, MIN_SIGNS) or _at_least(_LETTERS.finditer(visible), MIN_SIGNS):
        return True
    return _at_least(_ENTITIES.finditer(visible), MIN_SIGNS) or _at_least(_SCRIPTS.finditer(visible), MIN_SCRIPTS)


def _at_least(found: Iterable[object], count: int) -> bool:
    return sum(1 for _ in islice(found, count)) == count


def _holds_asciimath(visible: bytes, body: bytes) -> bool:
    return _BACKTICKS.search(visible) is not None and b"asciimath" in body.lower()


def _holds_dollars(visible: bytes) -> bool:
    """A pair of `$` or `$$` around something that looks like a formula, not like prices or code."""
    parts = visible.split(b"$")
    for index in range(1, len(parts) - 1):
        inner, after = parts[index], parts[index + 1]
        if not 0 < len(inner) <= MAX_DISPLAY_BYTES:
            continue
        double = not after and not parts[index - 1] and 1 < index < len(parts) - 2
        if (double or (len(inner) <= MAX_INLINE_BYTES and _is_tight(inner, after[:1]))) and _is_formula_like(inner):
            return True
    return False


def _is_tight(inner: bytes, after: bytes) -> bool:
    """pandoc's rule, and no shell variable or template: `$5 and $6`, `$HOME/$USER`, `${a}${b}`."""
    return not (inner[:1].isspace() or inner[-1:].isspace() or after.isalnum() or after in (b"{", b"(", b"_", b"/"))


def _is_formula_like(inner: bytes) -> bool:
    return b"<" not in _BREAKS.sub(b"", inner) and _FORMULA_LIKE.search(inner) is not None and not _PROSE.search(inner)
