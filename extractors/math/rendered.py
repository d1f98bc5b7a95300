"""Formulas already drawn by KaTeX, MathJax or a wiki: the source inside or beside the drawing, else the drawing."""

from __future__ import annotations

from turbohtml import Element

from extractors.math import chtml, common_html, html_css, katex_html, mathjax2_svg, mathjax_svg, preview_html
from extractors.math.attributes import MATHML_NAMES, image_tex, label_tex, named_attribute, tex_attribute
from extractors.math.forms import Recovered
from extractors.math.math_node import MathNode
from extractors.math.mathml import markup_source_to_latex
from extractors.math.mathtree import tree_to_latex
from extractors.math.normal import looks_like_tex, normal_tex
from extractors.math.sources import annotation_tex, math_display, recover_math

_MAX_ANNOTATION_CHARS = 20_000
_MATH = "math, m\\:math, mml\\:math"
_MATHJAX_2 = ".mjx-math, .math, svg, .MathJax, .MathJax_SVG, .MathJax_CHTML, .mjx-chtml"


def _drawn(root: MathNode | None, element: Element, form: str, *, display: bool) -> Recovered | None:
    """LaTeX read off a drawing, or its visible text, marked as not recovered."""
    latex = tree_to_latex(root) if root is not None else None
    if latex:
        return Recovered(latex, form, display, True)
    visible = " ".join(element.text.split())
    return Recovered(visible, form, display, False) if visible else None


def recover_katex(katex: Element) -> Recovered | None:
    """KaTeX output (`.katex`, `.katex-display`): annotation, else MathML, else its HTML boxes."""
    display = katex.has_class("katex-display")
    tex = annotation_tex(katex)
    if tex is not None:
        return Recovered(normal_tex(tex), "katex_annotation", display, True)
    tex = tex_attribute(katex, known_math=True)
    if tex is not None:
        return Recovered(normal_tex(tex), "data_attr", display, True)
    math = katex.select_one("math")
    if math is not None:
        return recover_math(math, form="katex_annotation", display=display or math_display(math))
    boxes = katex.select_one(".katex-html")
    tex = _stripped_annotation(katex)
    if tex is not None:
        return Recovered(normal_tex(tex), "katex_annotation", display, True)
    if boxes is None:
        return None
    return _drawn(katex_html.to_tree(boxes), boxes, "katex_html", display=display)


def _stripped_annotation(katex: Element) -> str | None:
    """The annotation where a site (CSDN) has taken the tags out of KaTeX's MathML: the last lines of what is left."""
    source = katex.select_one(".katex-mathml")
    lines = [line.strip() for line in source.text.strip()[-_MAX_ANNOTATION_CHARS:].split("\n")] if source else []
    if "" not in lines:
        return None
    blank = len(lines) - 1 - lines[::-1].index("")
    return "\n".join(lines[blank + 1 :])


def recover_mathquill(rendered: Element) -> Recovered | None:
    """MathQuill's static math: its TeX stands in a hidden `.selectable` between dollars."""
    source = rendered.select_one(".selectable,.mq-selectable,.dcg-mq-selectable")
    text = source.text.strip() if source is not None else ""
    return Recovered(normal_tex(text), "tex_element", False, True) if text else None


def recover_katex_error(error: Element) -> Recovered | None:
    """KaTeX shows the source that it could not parse."""
    text = error.text.strip()
    return Recovered(normal_tex(text), "tex_element", False, True) if text else None


def recover_mathjax_3(container: Element) -> Recovered | None:
    """`<mjx-container>` of MathJax 3 and 4: `data-latex`, assistive MathML, else glyphs."""
    display = container.attr("display") in ("true", "block")
    tex = tex_attribute(container, known_math=True)
    if tex is None:
        root = container.select_one("mjx-math, g[data-mml-node=math]")
        tex = tex_attribute(root, known_math=False) if root is not None else None
    if tex is not None:
        return Recovered(normal_tex(tex), "data_attr", display, True)
    math = container.select_one("mjx-assistive-mml math")
    if math is not None:
        return recover_math(math, display=display or math_display(math))
    if container.select_one("svg") is not None:
        return _drawn(mathjax_svg.to_tree(container), container, "mathjax_svg", display=display)
    boxes = container.select_one("mjx-math")
    if boxes is None:
        return None
    return _drawn(chtml.to_tree(boxes), container, "chtml", display=display)


def recover_mathjax_2(frame: Element) -> Recovered | None:
    """A MathJax 1/2 frame whose script is gone: `data-mathml`, assistive MathML, aria-label, else glyphs."""
    names = frame.attr("class") or ""
    display = "isplay" in names or frame.select_one(".MathJax_Display, .MathJax_SVG_Display, .MJXc-display") is not None
    parts = [frame, *frame.select(_MATHJAX_2)[:8]]
    for part in parts:
        label = label_tex(part)
        if label is not None and "\\" in label:
            return Recovered(normal_tex(label), "aria_label", display, True)
        markup = named_attribute(part, MATHML_NAMES)
        latex = markup_source_to_latex(markup) if markup else None
        if latex:
            return Recovered(latex, "mathml", display, True)
    for part in parts:
        label = label_tex(part) or _spelled_out(part)
        if label is not None:
            return Recovered(normal_tex(label), "aria_label", display, True)
    math = frame.select_one(_MATH)
    if math is not None:
        return recover_math(math, display=display or math_display(math))
    return _mathjax_2_drawing(frame, display=display)


def _spelled_out(part: Element) -> str | None:
    """A label that is, but for spaces, what the formula shows: TeX without commands, such as a word or a number."""
    label = part.attr("aria-label") or ""
    same = label and "".join(label.split()) == "".join(part.text.split())
    return label if same else None


def _mathjax_2_drawing(frame: Element, *, display: bool) -> Recovered | None:
    boxes = frame.select_one(".mjx-math")
    if boxes is not None:
        return _drawn(common_html.to_tree(boxes), boxes, "common_html", display=display)
    boxes = frame.select_one(".MJXp-math")
    if boxes is not None:
        return recover_preview(boxes, display=display)
    boxes = frame.select_one("span.math")
    if boxes is not None:
        return _drawn(html_css.to_tree(boxes), frame, "html_css", display=display)
    if frame.select_one("svg") is not None:
        return _drawn(mathjax2_svg.to_tree(frame), frame, "html_css", display=display)
    return _drawn(None, frame, "html_css", display=display)


def recover_preview(boxes: Element, *, display: bool = False) -> Recovered | None:
    """MathJax 2's fast preview or PreviewHTML output: `.MJXp-math`."""
    display = display or boxes.has_class("MJXp-display")
    return _drawn(preview_html.to_tree(boxes), boxes, "common_html", display=display)


def recover_wikipedia(element: Element) -> Recovered | None:
    """MediaWiki's `.mwe-math-element`: hidden MathML beside a fallback image, one formula."""
    display = element.select_one(".mwe-math-mathml-display, .mwe-math-fallback-image-display") is not None
    math = element.select_one("math")
    if math is not None:
        return recover_math(math, display=display)
    image = element.select_one("img")
    found = image_tex(image) if image is not None else None
    if found is None:
        lazy = element.select_one("[data-alt]")  # the mobile site's place of an image that is not there yet
        found = (lazy.attr("data-alt") or "", "image_alt") if lazy is not None else None
    if found is None or not found[0].strip():
        return None
    return Recovered(normal_tex(found[0]), found[1], display, True)


def recover_titled_svg(svg: Element) -> Recovered | None:
    """SVG that mathjax-node drew (`aria-labelledby="MathJax-SVG-1-Title"`): its title is the source, or speech."""
    title = svg.select_one("title")
    text = title.text.strip() if title is not None else ""
    if text and looks_like_tex(text):
        return Recovered(normal_tex(text), "aria_label", False, True)
    return _drawn(mathjax2_svg.to_tree(svg), svg, "html_css", display=False)
