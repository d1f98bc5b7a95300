"""The rule cleaner behind the real renderer: floors on formulas, code and text of real pages."""

import gzip
import json
from pathlib import Path

import pytest

from extractors import RenderRejected, render
from llm_cleaning.stage import CleanConfig, clean, mark
from pipeline.document import Document

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"
MATH_CODE = SHARED / "webmainbench/dev/math_code_bench.jsonl.gz"

PAGE = """<html><body><nav><a href=/>Home</a> <a href=/x>Topics</a></nav><main><h1>Series</h1>
<p>Every absolutely convergent series converges, and its value does not depend on the order.</p>
<p>For \\(|q| < 1\\) we have</p><p>$$\\sum_k q^k = \\frac{1}{1-q}.$$</p>
<pre><code class="language-python">def total(q):
    return 1 / (1 - q)</code></pre></main><footer>© 2024 Example. All rights reserved.</footer></body></html>"""


def documents(html, url=None):
    page = render(html, url=url)
    return [Document("0" * 32, url or "", "t", "", 0, "", text=page.text, blocks=page.blocks, formulas=page.formulas)]


def test_a_rendered_page_loses_its_chrome_and_nothing_else():
    config = CleanConfig()
    (result,) = clean(mark(documents(PAGE), config=config), config=config)
    assert result.text.startswith("# Series\n\nEvery absolutely")
    assert "return 1 / (1 - q)" in result.text
    assert "Topics" not in result.text
    assert "rights reserved" not in result.text
    assert len(result.formulas) == 2
    assert all(f.tex in result.text[f.start : f.end] for f in result.formulas)


@pytest.mark.slow
@pytest.mark.skipif(not MATH_CODE.exists(), reason="needs ../shared (the project's data folder beside the checkout)")
def test_formulas_and_code_of_real_pages_survive_cleaning():
    """Issue 6: formulas kept >= 99 %, code lines kept >= 98 %; not those in blocks of links (contents, related)."""
    config, before, after = CleanConfig(), [0, 0], [0, 0]
    with gzip.open(MATH_CODE, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    for row in rows:
        try:
            page = documents(row["html"], row["url"])
        except RenderRejected:
            continue
        before = [a + b for a, b in zip(before, sizes(page[0]), strict=True)]
        (result,) = clean(mark(page, config=config), config=config)
        after = [a + b for a, b in zip(after, (0, 0) if result.rejected else sizes(result), strict=True)]
    assert before[0] > 100
    assert after[0] >= 0.99 * before[0]
    assert after[1] >= 0.98 * before[1]


def sizes(document):
    """Formulas outside blocks that are mostly links, and code lines."""
    text = [(b.start, b.end) for b in document.blocks if b.link_density <= 0.6]
    formulas = sum(any(start <= at < end for start, end in text) for at in document.formulas.start)
    code = (b for b in document.blocks if b.kind == "code")
    return formulas, sum(document.text[b.start : b.end].count("\n") for b in code)
