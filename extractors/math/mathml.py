"""MathML to LaTeX: presentation MathML 3 and Core, and content MathML through the presentation it stands for."""

from __future__ import annotations

from turbohtml import Element, parse_fragment

from extractors.math.mathml_content import CONTENT_TAGS, to_presentation
from extractors.math.mathtree import from_element, tree_to_latex

_MAX_MARKUP_CHARS = 500_000
_WIRIS = str.maketrans({"«": "<", "»": ">", "¨": '"', "§": "&", "`": "'"})


def from_safe_xml(markup: str) -> str:
    """MathML out of MathType's spelling of it that survives editors: « » ¨ § for < > " &."""
    return markup.translate(_WIRIS)


def mathml_to_latex(math: Element) -> str | None:
    """LaTeX of a `<math>` element ("" when it shows nothing); None when it is too deep or too large to be a formula."""
    root = from_element(math)
    if root is None:
        return None
    if any(kid.tag in CONTENT_TAGS for kid in root.kids):
        to_presentation(root)
    return tree_to_latex(root)


def markup_source_to_latex(markup: str) -> str | None:
    """LaTeX of MathML held as text in an attribute or script; None when there is no `<math>` in it."""
    if len(markup) > _MAX_MARKUP_CHARS:
        return None
    if "«" in markup:
        markup = from_safe_xml(markup)
    math = parse_fragment(markup).select_one("math")
    return mathml_to_latex(math) if math is not None else None
