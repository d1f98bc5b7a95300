"""What recovering a formula yields, and the closed set of names for where its LaTeX came from.

| source_form          | the page held                                                                    |
|----------------------|----------------------------------------------------------------------------------|
| `delimiters`         | TeX between `$ $$ \\( \\[ [tex]` ... or a bare environment, in text                |
| `math_script`        | `<script type="math/tex">`                                                       |
| `katex_annotation`   | the annotation inside KaTeX's own output                                         |
| `mathml_annotation`  | `<annotation encoding="application/x-tex">` in other MathML                      |
| `alttext`            | `<math alttext="...">`                                                           |
| `data_attr`          | `data-latex`, `data-tex`, `data-expr`, ...                                       |
| `aria_label`         | `aria-label` or `title` of a rendered formula, holding TeX                       |
| `image_alt`          | `alt` or `title` of an image of a formula                                        |
| `image_src`          | the query of an image service (`latex.php?latex=`, codecogs, ...)                |
| `tex_element`        | text of an element made for TeX (`<tex>`, `span.math`, `code.language-math`, ...) |
| `asciimath`          | AsciiMath between delimiters or in `<script type="math/asciimath">`              |
| `mathml`             | MathML structure without source                                                  |
| `katex_html`         | KaTeX's boxes without MathML                                                     |
| `chtml`              | MathJax 3/4 CHTML boxes without assistive MathML                                 |
| `mathjax_svg`        | MathJax 3/4 SVG without assistive MathML                                         |
| `common_html`        | MathJax 2 CommonHTML boxes                                                       |
| `html_css`           | MathJax 1/2 HTML-CSS and SVG boxes                                               |
| `html_markup`        | a formula written with `<i> <sub> <sup>` in an element marked as math            |
"""

from __future__ import annotations

from typing import NamedTuple

SOURCE_FORMS = (
    "delimiters",
    "math_script",
    "katex_annotation",
    "mathml_annotation",
    "alttext",
    "data_attr",
    "aria_label",
    "image_alt",
    "image_src",
    "tex_element",
    "asciimath",
    "mathml",
    "katex_html",
    "chtml",
    "mathjax_svg",
    "common_html",
    "html_css",
    "html_markup",
)

OPEN = "\ue000"
CLOSE = "\ue001"


class Recovered(NamedTuple):
    """One formula of a page, in document order.

    `tex` is normal-form LaTeX without delimiters. With `recovered` False it is the formula's visible text instead: a
    formula whose TeX cannot be known is kept as seen, and no guess is passed off as TeX.
    """

    tex: str
    source_form: str
    display: bool
    recovered: bool


def sentinel(index: int) -> str:
    """The text that stands for formula `index` in the tree while it is laid out."""
    return f"{OPEN}{index}{CLOSE}"
