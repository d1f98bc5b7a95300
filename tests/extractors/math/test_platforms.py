"""One small page for each platform's way to mark up a formula: every formula comes once, as the LaTeX it is.

`platform_forms.jsonl`: {name, html, tex: formulas in order, type: Content-Type, text/html by default}. The markup is
written from the platforms' documentation and source; no page of anybody is in it.
"""

import json
from pathlib import Path

import pytest

from extractors import render
from extractors.math.normal import normal_tex
from pipeline.text.latex import canonical

ROWS = [json.loads(line) for line in (Path(__file__).parent / "platform_forms.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_every_formula_comes_once(row):
    page = row["html"] if row["html"].startswith("<?xml") else f"<!DOCTYPE html><body><h1>Title</h1>{row['html']}"
    formulas = render(page.encode(), content_type=row.get("type", "text/html; charset=utf-8")).formulas
    assert all(formula.recovered for formula in formulas)
    assert [canonical(formula.tex) for formula in formulas] == [canonical(normal_tex(tex)) for tex in row["tex"]]


def test_a_repeated_formula_is_no_copy_of_the_one_before():
    page = render("<p><span class='math-tex'>\\(x_1\\)</span> <span class='math-tex'>\\(x_1\\)</span></p>")
    assert page.text == "$x_1$ $x_1$"


def test_redrawn_standard_symbols_keep_their_names():
    macros = "{equiv: '\\\\mathrel{\\\\rule{9pt}{1pt}}', RR: '\\\\mathbb{R}'}"
    page = render(f"<script>MathJax = {{tex: {{macros: {macros}}}}}</script><p>\\(a \\equiv b \\in \\RR\\)</p>")
    assert page.text == "$a \\equiv b \\in \\mathbb{R}$"
