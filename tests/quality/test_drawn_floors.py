"""Formulas of our own as 15 versions of KaTeX, MathJax and Temml draw them, stripped of every source: a floor each.

`drawn_formulas.jsonl.gz` holds {form, tex, html}: a list written by hand through KaTeX 0.9, 0.12 and 0.19 (HTML without
MathML, MathML without annotation), Temml 0.13, and MathJax 2.5, 2.7, 3.0, 3.2 and 4.1 in Chromium (HTML-CSS, CommonHTML,
SVG, PreviewHTML, CHTML). Scripts, labels, `data-*` and assistive MathML are removed, outlines cut after their beginning.
Equal means equal in canonical spelling, so that shares are lower bounds; MathJax 4 drew no chemistry.
"""

import gzip
import json
from collections import Counter
from pathlib import Path

from extractors import html_to_text
from extractors.math.normal import strip_delimiters
from pipeline.text.latex import canonical

ROWS = Path(__file__).parent / "drawn_formulas.jsonl.gz"
FLOORS = {
    "katex012_htmlonly": 131,
    "katex019_htmlonly": 135,
    "katex019_mathmlonly": 136,
    "katex09_htmlonly": 128,
    "mj25_htmlcss": 136,
    "mj27_chtml": 136,
    "mj27_htmlcss": 136,
    "mj27_phtml": 133,
    "mj27_svg": 132,
    "mj30_chtml": 136,
    "mj32_chtml": 137,
    "mj32_svg": 139,
    "mj41_chtml": 137,
    "mj41_svg": 138,
    "temml013": 133,
}


def found_by_form() -> tuple[Counter[str], Counter[str]]:
    """(formulas, formulas found equal) by form."""
    total: Counter[str] = Counter()
    equal: Counter[str] = Counter()
    with gzip.open(ROWS, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            text = html_to_text(f"<p>before {row['html']} after</p>").removeprefix("before").removesuffix("after")
            tex, display = strip_delimiters(text.strip())
            total[row["form"]] += 1
            equal[row["form"]] += display is not None and canonical(tex) == canonical(row["tex"])
    return total, equal


def test_no_drawing_is_read_worse_than_before() -> None:
    total, equal = found_by_form()
    assert sum(total.values()) > 2_000
    assert {form: equal[form] for form in FLOORS if equal[form] < FLOORS[form]} == {}
    assert set(total) == set(FLOORS)


if __name__ == "__main__":
    total, equal = found_by_form()
    for form in sorted(total):
        print(f"{form:22s} {equal[form]:4d} of {total[form]:4d}  {100 * equal[form] / total[form]:.1f}%")
