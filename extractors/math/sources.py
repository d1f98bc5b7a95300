"""Formulas whose source the page carries in markup: MathJax scripts, and MathML with its annotation or alttext."""

from __future__ import annotations

import re

from turbohtml import Element, Node, Text

from extractors.math.asciimath import recover_asciimath
from extractors.math.forms import Recovered
from extractors.math.mathml import markup_source_to_latex, mathml_to_latex
from extractors.math.normal import looks_like_tex, normal_tex, unescape_once

_TEX_ENCODING = re.compile(r"(?:^|[/\-\s])(?:x-)?(?:la|ams)?tex$|latex", re.I)


def is_math_script(node: Node | None) -> bool:
    """Whether a node is one of MathJax's `math/tex`, `math/asciimath`, `math/mml` scripts."""
    return isinstance(node, Element) and node.tag == "script" and (node.attr("type") or "").lower().startswith("math/")


def recover_script(script: Element) -> Recovered | None:
    """`<script type="math/tex; mode=display">`, `math/asciimath`, `math/mml` as MathJax defines them."""
    kind = (script.attr("type") or "").lower()
    display = "mode=display" in kind.replace(" ", "")
    source = script.text
    if not source.strip():
        return None
    if kind.startswith("math/asciimath"):
        return recover_asciimath(unescape_once(source), display=display)
    if kind.startswith("math/mml"):
        latex = markup_source_to_latex(source)
        if latex is None:
            return Recovered(source.strip(), "mathml", display, False)
        return Recovered(latex, "mathml", display or 'display="block"' in source, True)
    return Recovered(normal_tex(unescape_once(source)), "math_script", display, True)


def annotation_tex(math: Element) -> str | None:
    """Text of the TeX annotation inside a MathML element."""
    for annotation in math.select("annotation[encoding]"):
        if _TEX_ENCODING.search((annotation.attr("encoding") or "").strip()):
            text = annotation.text
            if text.strip():
                return text
    return None


def math_display(math: Element) -> bool:
    """Whether `<math>` asks for a line of its own (MathML 3 `display`, MathML 1 `mode`)."""
    return math.attr("display") == "block" or math.attr("mode") == "display"


def recover_math(math: Element, *, form: str = "mathml_annotation", display: bool | None = None) -> Recovered | None:
    """A `<math>` element: its TeX annotation, its alttext, else its structure, else its visible text."""
    shown = math_display(math) if display is None else display
    tex = annotation_tex(math)
    if tex is not None:
        return Recovered(normal_tex(tex), form, shown, True)
    alternative = math.attr("alttext")
    if alternative and looks_like_tex(alternative) and not _speaks(alternative):
        return Recovered(normal_tex(alternative), "alttext", shown, True)
    data = math.attr("data-latex")
    if data and data.strip():
        return Recovered(normal_tex(data), "data_attr", shown, True)
    if next(math.iter_elements(), None) is None and COMMAND_OR_SCRIPT.search(math.text):  # a wiki's source
        return Recovered(normal_tex(math.text), "tex_element", shown, True)
    latex = mathml_to_latex(math)
    if latex is None:
        visible = " ".join(math.text.split())
        return Recovered(visible, "mathml", shown, False) if visible else None
    return Recovered(latex, "mathml", shown, True) if _SPACES.sub("", latex) else None


COMMAND_OR_SCRIPT = re.compile(r"\\[A-Za-z]|[\^_](?:\{|\d)")
_SPACES = re.compile(r"\\(?:[,:;! ]|q?quad)|\s")
_SPEECH = re.compile(
    r"\b(?:left parenthesis|right parenthesis|equals|plus|minus|over|squared|times|fraction|sub|sup)\b"
)


def _speaks(alternative: str) -> bool:
    """MathType and EPUB put speech into alttext; TeX names such words only behind a backslash."""
    return "\\" not in alternative and _SPEECH.search(alternative) is not None


def previous_node(node: Node) -> Node | None:
    """The previous sibling that is not white space."""
    sibling = node.previous_sibling
    while isinstance(sibling, Text) and not sibling.data.strip():
        sibling = sibling.previous_sibling
    return sibling


def next_element(node: Node) -> Element | None:
    """The next sibling element when only white space stands between."""
    sibling = node.next_sibling
    while isinstance(sibling, Text) and not sibling.data.strip():
        sibling = sibling.next_sibling
    return sibling if isinstance(sibling, Element) else None
