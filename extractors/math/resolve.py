"""Finds every formula of a page in its tree, recovers its LaTeX, and puts a sentinel in its place.

One CSS selection in C finds the candidates; Python runs on those only. The outermost element that is a formula decides,
and everything inside it goes, so that source, rendering, preview, assistive copy and fallback image of one formula
yield one formula.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from turbohtml import Comment, Document, Element, Node, Text

from extractors.layout.signs import ALL, Selectors, Signs, holds_any, tag_sign
from extractors.math import ignored
from extractors.math.asciimath import recover_asciimath
from extractors.math.attributes import (
    ASCII_NAMES,
    LOOSE_NAMES,
    MATHML_NAMES,
    TEX_NAMES,
    described_ascii,
    described_tex,
    image_tex,
)
from extractors.math.forms import CLOSE, OPEN, Recovered, sentinel
from extractors.math.html_markup import write_code_scripts
from extractors.math.macros import expand
from extractors.math.mathml import markup_source_to_latex
from extractors.math.normal import looks_like_tex, normal_tex
from extractors.math.omml import recover_omml
from extractors.math.page_config import ConfigReader, MathConfig, page_config
from extractors.math.rendered import (
    recover_katex,
    recover_katex_error,
    recover_mathjax_2,
    recover_mathjax_3,
    recover_mathquill,
    recover_preview,
    recover_titled_svg,
    recover_wikipedia,
)
from extractors.math.sources import is_math_script, next_element, previous_node, recover_math, recover_script
from extractors.math.tex_elements import (
    LOOSE_CLASSES,
    SURE_CLASSES,
    TAGS,
    is_display,
    is_math_block,
    recover_attributes,
    recover_display_table,
    recover_substack,
    recover_text_element,
    recover_variable,
)
from extractors.math.tex_elements import SELECTORS as TEX_ELEMENT_SELECTORS
from pipeline.text.latex import canonical

_MATHJAX_2_CLASSES = (
    "MathJax",
    "MathJax_Display",
    "MathJax_SVG",
    "MathJax_SVG_Display",
    "MathJax_CHTML",
    "MathJax_MathML",
    "MathJax_MathContainer",
    "MathJax_PHTML",
    "MathJax_PHTML_Display",
    "mjx-chtml",
    "MJXc-display",
)
_MATHQUILL_CLASSES = ("mathquill-rendered-math", "mq-math-mode", "dcg-mq-math-mode")
# of images: the tag is asked once for all of them
_IMAGES = Selectors(
    (
        '[class*="math"]',
        '[class*="tex"]',
        '[class*="formula" i]',
        '[class*="equation"]',
        '[src*="tex"]',
        '[src*="codecogs"]',
        '[src*="math"]',
        '[src*="chl="]',
        '[src*="equation"]',
        '[src*="upmath"]',
        '[src*="s2cms"]',
        '[data-src*="latex"]',
        '[data-src*="codecogs"]',
        '[data-src*="equation?"]',
        '[data-lazy-src*="latex"]',
        '[data-lazy-src*="codecogs"]',
        '[alt*="\\\\"]',
        '[alt^="$"]',
        "[alt^='{\"']",
        "[title^='{\"']",
        '[alt^="tex2html"]',
    )
)
_MATH_TAGS = ("math", "m:math", "mml:math", "m:omathpara", "m:omath", "mjx-container", "var", *TAGS)
_TAGS = Selectors(name.replace(":", "\\:") for name in _MATH_TAGS)
_SCRIPTS = Selectors(['script[type^="math/" i]'])
_CLASSES = Selectors(
    (
        '[class*="math" i]',  # every class with "math" in it at once: each selector costs a pass over the page
        ".mjx-chtml",
        ".MJXc-display",
        ".katex",
        ".katex-display",
        ".katex-error",
        ".latex-rendered[data-attrs]",
        "svg[aria-labelledby^='MathJax-SVG']",
        *(selector for selector in TEX_ELEMENT_SELECTORS if selector not in TAGS),
    )
)
_DATA = Selectors(f"[{name}]" for name in (*TEX_NAMES, *LOOSE_NAMES, *MATHML_NAMES, *ASCII_NAMES))
_KINDS = (_TAGS, _SCRIPTS, _CLASSES, _DATA)
_IMAGE, _CODE, _SCRIPT_TAGS = tag_sign("img"), tag_sign("code"), frozenset((tag_sign("sup"), tag_sign("sub")))
SIGNS = (
    *(sign for kind in (*_KINDS, _IMAGES) for sign in kind.signs),
    *sorted({*ignored.SIGNS, _IMAGE, _CODE, *_SCRIPT_TAGS}),
)
# Classes and tags that mean something to `_decide_by_class`.
_TELLING = frozenset(
    ("latex-rendered", "katex", "katex-display", "katex-error", "MathJax_Preview", "MJXp-math", "mwe-math-element")
)
_TELLING |= {*_MATHJAX_2_CLASSES, *_MATHQUILL_CLASSES, *SURE_CLASSES, *LOOSE_CLASSES, *TAGS, "pre"}
_SELF_CONTAINED = frozenset({"math", "mjx-container"})
_MAX_REMEMBERED = 5_000
_MAX_REPEAT_DEPTH = 3
_MAX_REMEMBERED_CHARS = 5_000
_MAX_COMPARED_CHARS = 20_000_000  # formulas inside formulas are written out again and again
_DISPLAY_STARTS = ("\\[", "$$", "\\begin{displaymath}")
_BLOCK_IMAGE = re.compile(r"display|formulaDsp|latexcenter|block", re.I)
_FRAME_ID = re.compile(r"^(MathJax-Element-\d+)-Frame$")

_Verdict = Recovered | bool | None  # a formula; False: a duplicate, remove it; None: no formula, look inside


def resolve_formulas(
    document: Document, config: Callable[[], MathConfig] | None = None, signs: Signs = ALL
) -> list[Recovered]:
    """Replace every formula element of the tree by its sentinel, in place; return the formulas by sentinel index.

    A display formula's sentinel is wrapped in a `<div>`. Formulas written with delimiters in running text stay as they
    are, for `delimiters.scan` over the laid-out prose. `config` gives the page's configuration and is asked only where
    there are formulas; `signs` are those of the page among SIGNS. Work is linear in the size of the page.
    """
    formulas = _resolve(document, config, signs)
    if holds_any(signs, ignored.SIGNS):
        ignored.show_ignored_as_code(document, config() if config else page_config(document))
    if _CODE in signs and holds_any(signs, _SCRIPT_TAGS):
        write_code_scripts(document)
    return formulas


def _resolve(document: Document, config: Callable[[], MathConfig] | None, signs: Signs) -> list[Recovered]:
    candidates = _candidates(document, signs)
    if not candidates:
        return []
    read = config or ConfigReader(document).read
    inside = set(candidates)
    scripts = filter(is_math_script, candidates) if _SCRIPTS.of(signs) else ()
    script_ids = {identifier for node in scripts if (identifier := node.attr("id"))}
    formulas: list[Recovered] = []
    known = _Known()
    skip = 0
    for element in candidates:
        if skip:
            skip -= 1
            continue
        verdict = _remembered(element, script_ids, known)
        if verdict is None or element.tag == "html":  # nothing can stand in the root's place
            continue
        skip = len(inside.intersection(element.iter_elements())) if len(inside) > 1 else 0
        if isinstance(verdict, Recovered) and verdict.tex:
            formula = _expanded(verdict, read)
            if formulas and _repeats(element, formula, formulas[-1], len(formulas) - 1):
                element.extract()
                continue
            _replace(element, len(formulas), display=verdict.display)
            formulas.append(formula)
        elif element.tag != "script":
            element.extract()
    return formulas


def _candidates(document: Document, signs: Signs) -> list[Element]:
    """Elements that may be formulas, in document order."""
    selectors = [kind.of(signs) for kind in _KINDS]
    if _IMAGE in signs and (images := _IMAGES.of(signs)):
        selectors.append(f"img:is({images})")
    wanted = ",".join(filter(None, selectors))
    return document.select(wanted) if wanted else []


@dataclass(slots=True)
class _Known:
    """Formulas of the page by their markup, within budgets."""

    verdicts: dict[str, Recovered] = field(default_factory=dict)
    chars_left: int = _MAX_COMPARED_CHARS


def _remembered(element: Element, script_ids: set[str], known: _Known) -> _Verdict:
    """Pages repeat their symbols: the same markup is read once. MathJax 2 frames depend on what stands beside them."""
    if element.tag in _SELF_CONTAINED and _has_twin(element):
        return False
    if known.chars_left <= 0 or (element.tag not in _SELF_CONTAINED and not element.has_class("katex")):
        return _decide(element, script_ids)
    markup = element.html
    known.chars_left -= len(markup)
    verdict: _Verdict = known.verdicts.get(markup)
    if verdict is None:
        verdict = _decide(element, script_ids)
        short = len(markup) <= _MAX_REMEMBERED_CHARS and len(known.verdicts) < _MAX_REMEMBERED
        if isinstance(verdict, Recovered) and short:
            known.verdicts[markup] = verdict
    return verdict


def _repeats(element: Element, formula: Recovered, last: Recovered, index: int) -> bool:
    """Whether the formula is the one right before it in another form: a hidden source, or a copy for screen readers."""
    if formula.source_form == last.source_form:
        return False
    node: Node | None = element
    for _ in range(_MAX_REPEAT_DEPTH):
        before = previous_node(node) if node is not None else None
        if before is not None:
            return before.text.rstrip().endswith(sentinel(index)) and canonical(formula.tex) == canonical(last.tex)
        node = node.parent if node is not None else None
    return False


def _replace(element: Element, index: int, *, display: bool) -> None:
    if not display:
        element.text = sentinel(index)
        element.unwrap()  # costs half of what a text node to put in its place does
        return
    block = Element("div")
    block.text = sentinel(index)
    element.replace_with(block)


def _expanded(formula: Recovered, read: Callable[[], MathConfig]) -> Recovered:
    if "\\" not in formula.tex or not formula.recovered or not read().macros:
        return formula
    tex = expand(formula.tex, read().macros)
    return Recovered(normal_tex(tex), formula.source_form, formula.display, True) if tex != formula.tex else formula


def _decide(element: Element, script_ids: set[str]) -> _Verdict:
    tag = element.tag
    if tag == "script":
        return (recover_script(element) or False) if is_math_script(element) else None
    if tag == "math" or tag.endswith(":math"):
        return False if _has_twin(element) else recover_math(element) or False
    if tag in ("m:omath", "m:omathpara"):
        return recover_omml(element) or False
    if tag == "mjx-container":
        return recover_mathjax_3(element)
    if tag == "svg" and (element.attr("aria-labelledby") or "").startswith("MathJax-SVG"):
        return recover_titled_svg(element)
    if tag == "img":
        return _decide_image(element)
    if tag == "var" and not element.attrs:
        return recover_variable(element)
    return _decide_by_class(element, script_ids)


def _has_twin(math: Element) -> bool:
    """Whether a formula repeats what stands beside it: MathJax's script, JATS' `tex-math`, the image of an editor."""
    if math.tag == "mjx-container":
        return is_math_script(next_element(math))
    parent = math.parent
    if not isinstance(parent, Element):
        return False
    if parent.tag == "alternatives":
        return parent.select_one("tex-math") is not None
    before = previous_node(parent) if parent.has_class("hidden-readable") else None
    return isinstance(before, Text) and before.data.rstrip().endswith(CLOSE)


def _decide_by_class(element: Element, script_ids: set[str]) -> _Verdict:
    if element.tag == "table":
        return recover_display_table(element)
    names = set((element.attr("class") or "").split())
    if names and len(element.attrs) == 1 and names.isdisjoint(_TELLING) and element.tag not in _TELLING:
        return None  # most of what has "math" in its class
    if "latex-rendered" in names:
        return recover_attributes(element, known_math=True) or recover_substack(element)
    if "katex" in names or ("katex-display" in names and "wp-katex-eq" not in names):
        return recover_katex(element)
    if "katex-error" in names:
        return recover_katex_error(element)
    if "MathJax_Preview" in names:
        return _decide_preview(element)
    if not names.isdisjoint(_MATHJAX_2_CLASSES):
        return _decide_mathjax_2(element, script_ids)
    if "MJXp-math" in names:
        return recover_preview(element)
    if "mwe-math-element" in names:
        return recover_wikipedia(element)
    if not names.isdisjoint(_MATHQUILL_CLASSES):
        return recover_mathquill(element)
    if not _is_known(element, names):
        return recover_attributes(element, known_math=False)
    if element.select_one("math, .katex, mjx-container, script, img") is not None:
        return recover_attributes(element, known_math="ql-formula" in names)
    return recover_text_element(element)


def _is_known(element: Element, names: set[str]) -> bool:
    if not names.isdisjoint(SURE_CLASSES) or not names.isdisjoint(LOOSE_CLASSES) or element.tag in TAGS:
        return True
    if element.attr("role") == "math" or is_math_block(element):
        return True
    return bool(element.attr("data-math-style") or element.attr("data-canonical-lang"))


def _decide_preview(preview: Element) -> _Verdict:
    following = next_element(preview)
    if following is None:
        return None if preview.text.strip() or preview.select_one("img") else False
    follows = (
        is_math_script(following) or following.has_class("MathJax") or following.attr("class") in _MATHJAX_2_CLASSES
    )
    rendered = (
        follows
        or following.tag == "mjx-container"
        or following.has_class("mjx-chtml")
        or following.has_class("MathJax_Display")
    )
    return False if rendered or not preview.text.strip() else None


def _decide_mathjax_2(frame: Element, script_ids: set[str]) -> _Verdict:
    if is_math_script(next_element(frame)):
        return False
    for part in (frame, *frame.select("[id$=-Frame]")[:2]):
        match = _FRAME_ID.match(part.attr("id") or "")
        if match and match.group(1) in script_ids:
            return False
    return recover_mathjax_2(frame)


def _decide_image(image: Element) -> _Verdict:
    parent = image.parent
    if isinstance(parent, Element) and parent.tag == "noscript":
        before = parent.previous_sibling
        if isinstance(before, Text) and before.data.startswith(OPEN):
            return False  # the lazy loader's twin of the image just resolved
    attributes = recover_attributes(image, known_math=False)
    if attributes is not None:
        return attributes
    if (image.attr("alt") or image.attr("title") or "").startswith("{") and (described := _described(image)):
        return described
    if source := described_ascii(image):
        return recover_asciimath(source, display=is_display(image))
    found = _latex2html(image) or image_tex(image)
    if found is None:
        return None
    tex, form = found
    display = _BLOCK_IMAGE.search(image.attr("class") or "") is not None or tex.startswith(_DISPLAY_STARTS)
    return Recovered(normal_tex(tex), form, display or is_display(image), True)


def _described(image: Element) -> Recovered | None:
    """An image of MathType or Auto-LaTeX Equations in Google Docs."""
    source, kind = described_tex(image) or ("", "")
    if kind == "mathml":
        latex = markup_source_to_latex(source)
        return Recovered(latex, "mathml", is_display(image), True) if latex else None
    shown = is_display(image) or source.startswith(_DISPLAY_STARTS)
    return Recovered(normal_tex(source), "image_alt", shown, True) if looks_like_tex(source) else None


def _latex2html(image: Element) -> tuple[str, str] | None:
    """LaTeX2HTML names its images after macros of its own and keeps the source in a comment before them."""
    if not (image.attr("alt") or "").startswith("tex2html"):
        return None
    before = previous_node(image)
    source = before.data.strip() if isinstance(before, Comment) else ""
    return (source.removeprefix("MATH").strip(), "image_alt") if source.startswith("MATH") else None
