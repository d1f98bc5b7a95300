"""Elements whose text is the formula: `<tex>`, `span.math`, `code.language-math`, `div.arithmatex`, `<math-field>`."""

from __future__ import annotations

import json
import re
from functools import lru_cache

from turbohtml import Element

from extractors.math import tth_tables
from extractors.math.asciimath import recover_asciimath
from extractors.math.attributes import (
    ASCII_NAMES,
    KNOWN_MATH_NAMES,
    LOOSE_NAMES,
    MATHML_NAMES,
    TEX_NAMES,
    label_tex,
    named_attribute,
    tex_attribute,
)
from extractors.math.display_tables import is_display_formula
from extractors.math.forms import Recovered
from extractors.math.html_markup import INLINE_TAGS, markup_to_latex
from extractors.math.mathml import markup_source_to_latex
from extractors.math.normal import looks_like_tex, normal_tex, strip_delimiters
from extractors.math.sources import COMMAND_OR_SCRIPT
from extractors.math.tth_tables import tth_latex

# Elements and classes that hold nothing but a formula: their text is taken without asking whether it looks like TeX.
_TEX_TAGS = """
tex latex texmath tex-math math-field asciimath la-tex latex-js d-math x-tex x-latex math-jax math-tex math-formula
katex-element katex-inline katex-block ng-katex inline-math block-math display-math mathjax mathjax-formula amp-mathml
tex-inline tex-block eqn eq math-span math-div anki-mathjax embed-katex nwc-formula math-inline math-display
"""
# Tags that hold a formula in one vocabulary (PreTeXt, TEI, JATS) and something else in others.
LOOSE_TAGS = ("m", "me", "men", "formula", "equation")
TAGS = (*_TEX_TAGS.split(), *LOOSE_TAGS)
_TAG_ATTRIBUTES = (
    "tex",
    "latex",
    "expression",
    "equation",
    "formula",
    "katex",
    "value",
    "data-formula",
    "expr",
    "math",
)
SURE_CLASSES = (
    "math-inline",
    "math-display",
    "math-tex",
    "math-block",
    "arithmatex",
    "mathjax-tex",
    "language-math",
    "js-render-math",
    "ql-formula",
    "math-container",
    "math-latex",
    "tex-math",
    "latex-formula",
    "mathquill-embedded-latex",
    "katex-eq",
    "wp-katex-eq",
    "tex-span",
    "render_latex",
    "asciimath",
    *("inlineMath", "displayMath", "blockMath", "inline-math", "display-math", "block-math", "math_inline"),
    *("math_display", "math_block"),
)
LOOSE_CLASSES = ("math", "tex", "latex", "equation", "formula", "texhtml")
# Classes with "math" in them are selected together, see `resolve`.
SELECTORS = (
    *TAGS,
    "table.display",
    tth_tables.SELECTOR,
    *(f".{name}:not(img):not(script)" for name in (*SURE_CLASSES, *LOOSE_CLASSES) if "math" not in name),
    "[role=math]",
    "[data-math-style]",
    "[data-canonical-lang=math]",
    "[data-lang=math] pre",
)
_MAX_CHARS = 20_000
_MAX_INLINE = 2_000  # nested formula elements each look at their whole inside
_DISPLAY_CLASS = re.compile(r"(?:^|[\s_-])(?:display|block|displaymath|math-display|math-block)(?:$|[\s_-])")
# from the last \begin{document} before the first \end: openers without an end cost one pass, not one each
_TEX_DOCUMENT = re.compile(
    r"\\begin\s*\{document\}((?:[^\\]++|\\(?!(?:begin|end)\s*\{document\}))*+)\\end\s*\{document\}"
)
_SOURCES = frozenset((*TEX_NAMES, *LOOSE_NAMES, *KNOWN_MATH_NAMES, *MATHML_NAMES, *ASCII_NAMES))
_SOURCE = re.compile(r"[\\^_]")
_BACKTICKS = re.compile(r"\s*`([^`]+)`\s*")
_ONE_SCRIPT = re.compile(r"[A-Za-z][_^][A-Za-z]")
_DISPLAY_START = re.compile(
    r"\s*(?:\$\$|\\\[|\\begin\{(?:equation|align(?:ed|at|edat)?|gather|multline|eqnarray|flalign|displaymath)\*?\})"
)
_STRONG = re.compile(r"\\[A-Za-z]|[\^_{}=<>→←↔⇒⇔↦≅≈≡∼≤≥≠∈∉⊂⊆∑∏∫√]")


def recover_attributes(element: Element, *, known_math: bool) -> Recovered | None:
    """A formula held in the element's own `data-*` attributes, as TeX, MathML or AsciiMath."""
    if _SOURCES.isdisjoint(element.attrs):
        return None
    tex = tex_attribute(element, known_math=known_math)
    if tex is not None:
        return Recovered(normal_tex(tex), "data_attr", is_display(element) or _means_display(tex), True)
    markup = named_attribute(element, MATHML_NAMES)
    if markup is not None and ("<" in markup or "«" in markup):
        latex = markup_source_to_latex(markup)
        if latex:
            return Recovered(latex, "mathml", is_display(element), True)
    ascii_source = named_attribute(element, ASCII_NAMES)
    if ascii_source is not None and ascii_source not in ("true", "false"):
        return recover_asciimath(ascii_source, display=is_display(element))
    return None


def recover_substack(element: Element) -> Recovered | None:
    """Substack's `.latex-rendered`: the formula is `persistentExpression` of the JSON in `data-attrs`."""
    try:
        held = json.loads(element.attr("data-attrs") or "")
    except (ValueError, RecursionError):
        return None
    tex = held.get("persistentExpression") if isinstance(held, dict) else None
    return Recovered(normal_tex(tex), "data_attr", True, True) if isinstance(tex, str) and tex.strip() else None


_DISPLAY_TAGS = frozenset(
    {"div", "pre", "p", "block-math", "display-math", "katex-block", "tex-block", "eqn", "math-div", "me", "men"}
)
_DISPLAY_ATTRIBUTES = (
    "data-math-style",
    "mode",
    "data-display",
    "data-katex-display",
    "display-mode",
    "displaymode",
    "env",
)


_DISPLAY_NAMES = frozenset(("display", "block", *_DISPLAY_ATTRIBUTES))


def is_display(element: Element) -> bool:
    """Whether the element's tag, class or attributes say that the formula stands on its own line."""
    if element.tag in _DISPLAY_TAGS:
        return True
    attributes = element.attrs
    if not _DISPLAY_NAMES.isdisjoint(attributes):
        if attributes.get("display") in ("true", "block", "") or "block" in attributes:
            return True
        if any(
            attributes.get(name) in ("display", "true", "block", "displaymath", "1") for name in _DISPLAY_ATTRIBUTES
        ):
            return True
    return _is_display_class(element.attr("class") or "")


@lru_cache(maxsize=256)
def _is_display_class(classes: str) -> bool:
    return _DISPLAY_CLASS.search(classes) is not None


def _means_display(tex: str) -> bool:
    return _DISPLAY_START.match(tex) is not None


def recover_text_element(element: Element) -> Recovered | None:
    """The formula that is the text of an element made for TeX, or None when the element is something else."""
    found = recover_attributes(element, known_math=True)
    if found is not None:
        return found
    tags = _inline_tags(element)
    if tags is None:
        return _from_label(element)
    text = element.text
    if not text.strip():
        return _from_attribute(element)
    if len(text) > _MAX_CHARS:
        return None
    quoted = _BACKTICKS.fullmatch(text)
    if quoted or element.tag == "asciimath" or element.has_class("asciimath"):
        return recover_asciimath(quoted[1] if quoted else text, display=is_display(element))
    inner = _TEX_DOCUMENT.search(text)
    tex, delimited_display = strip_delimiters(inner.group(1) if inner else text)
    if delimited_display is not None:
        inline = element.tag == "tex-math" and element.closest("inline-formula") is not None  # JATS writes $$ in both
        return Recovered(normal_tex(tex), "delimiters", delimited_display and not inline, True)
    return _undelimited(element, tex, tags)


def _undelimited(element: Element, tex: str, tags: set[str]) -> Recovered | None:
    if element.has_class("texhtml") or tags & {"sub", "sup", "em", "i", "var", "b", "strong"}:
        return _from_markup(element)
    if not _holds_only_tex(element) and not (_STRONG.search(tex) and looks_like_tex(tex)):
        return _from_label(element)
    if element.has_class("math") and not _SOURCE.search(tex):
        return _from_markup(element)  # what a reader sees, where braces are braces
    if _has_own_delimiters(tex) or "\ue000" in tex:
        return None  # several formulas, or prose around one: left to the delimiter scan
    return Recovered(normal_tex(tex), "tex_element", is_display(element) or _means_display(tex), True)


def recover_variable(var: Element) -> Recovered | None:
    """`<var>` that holds TeX (AtCoder's statements); one with a plain name in it is text."""
    text = var.text
    scripted = COMMAND_OR_SCRIPT.search(text) or _ONE_SCRIPT.fullmatch(text)
    if len(text) > _MAX_CHARS or not scripted or next(var.iter_elements(), None) is not None:
        return None
    return Recovered(normal_tex(text), "tex_element", False, True)


def _from_label(element: Element) -> Recovered | None:
    label = label_tex(element) if element.attr("role") == "math" else None
    return Recovered(normal_tex(label), "aria_label", is_display(element), True) if label else None


def _has_own_delimiters(tex: str) -> bool:
    return any(mark in tex for mark in ("\\(", "\\[", "$", "[tex]", "[math]")) and "\\text" not in tex


def _from_attribute(element: Element) -> Recovered | None:
    """Custom elements may hold their TeX in an attribute, AMP's with delimiters."""
    value = next((value for name in _TAG_ATTRIBUTES if (value := element.attr(name))), "")
    if element.tag not in TAGS or not value.strip():
        return None
    tex, display = strip_delimiters(value)
    return Recovered(normal_tex(tex), "data_attr", is_display(element) if display is None else display, True)


def recover_display_table(table: Element) -> Recovered | None:
    """A display formula in HeVeA's or TtH's tables; None for any other table."""
    if table.has_class("display"):
        latex = markup_to_latex(table) if is_display_formula(table) else None
    else:
        latex = tth_latex(table)
    return Recovered(latex, "html_markup", True, True) if latex else None


def _from_markup(element: Element) -> Recovered | None:
    latex = markup_to_latex(element)
    return Recovered(latex, "html_markup", is_display(element), True) if latex else None


def is_math_block(element: Element) -> bool:
    """A block of code whose language is math, as Markdown has it (Qiita)."""
    return element.tag == "pre" and element.closest("[data-lang=math]") is not None


def _holds_only_tex(element: Element) -> bool:
    if element.tag in TAGS:
        return element.tag not in LOOSE_TAGS
    if element.attr("data-math-style") or element.attr("data-canonical-lang") == "math" or is_math_block(element):
        return True
    names = (element.attr("class") or "").split()
    return any(name in SURE_CLASSES for name in names) or (
        "math" in names and ("inline" in names or "display" in names)
    )


def _inline_tags(element: Element) -> set[str] | None:
    """Tags inside the element, or None when one of them, or their number, shows that this is no plain formula."""
    tags: set[str] = set()
    for number, child in enumerate(element.iter_elements()):
        if (child.tag not in INLINE_TAGS and child.tag not in ("pre", "code")) or number == _MAX_INLINE:
            return None
        tags.add(child.tag)
    return tags
