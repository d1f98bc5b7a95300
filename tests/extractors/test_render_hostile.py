"""Pages built to hurt: each is rendered or rejected by name, in seconds of CPU time, without recursion."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path

import pytest

from extractors import RenderRejected, html_to_text, render

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
MANY = 100_000
MAX_CPU_S = 10.0
NESTED = {
    "div": "<div>",
    "span": "<span>",
    "list": "<ul><li>t",
    "quote": "<blockquote>a",
    "table": "<table><tr><td>x<td>y",
    "headed_table": "<table><tr><th>x<td>y",
    "pre": "<pre>x",
    "code": "<code><div>x",
    "pre_div": "<pre><div>",
    "superscript": "<sup><div>x",
    "definition": "<dl><dt>a<dd>b",
    "link": "<a href=x>x",
    "noscript": "<noscript>x",
    "template": "<template>x",
    "hidden": "<div hidden>x",
    "select": "<select><option>x",
    "kept_lines": "<div style='white-space:pre'>x\n",
    "roles": "<div role=table><div role=row><div role=cell>x",
    "lined_code": "<code>a<br>",
    "raised": "<sup>1",
    "office": "<m:oMath>x",
}
FLAT = {
    "cells": "<table>" + ("<tr>" + "<td>c" * 100) * 1000,
    "one_row": "<table><tr><th>h" + "<td>c" * MANY + "<tr><td>x",
    "rowspans": "<table>" + "<tr><td rowspan=65534>a<td>b" * 5000,
    "colspans": "<table><tr><th>a<th>b" + "<tr><td colspan=1000>a<td>b" * 10_000,
    "attributes": "<div " + " ".join(f"a{i}=b" for i in range(1_000_000)) + ">x",
    "classes": "<pre class='" + "brush: " * 500_000 + "'>x = 1",
    "nulls": "<p>\0a\0b" * MANY,
    "unclosed": "<p><b><i><table><tr><td><ul><li><a href=x>y" * 5000,
    "entities": "<p>" + "&amp;&lt;&#x41;&notit;" * MANY,
    "breaks": "a<br>" * MANY,
    "empty_superscripts": "<p>" + "<sup></sup>" * MANY,
    "nested_formulas": "<span class=math>" * MANY + "x",
    "nested_tag_names": "<x<code>" * MANY,
    "codes": "<p>" + "<code>a$b</code>" * MANY,
    "pres": "<pre><code>x = 1</code></pre>" * 20_000,
    "gutter": "<table><tr><td><pre>" + "\n".join(map(str, range(MANY))) + "</pre><td><pre>x=1</pre></table>",
    "less_than": "<" * 2_000_000,
    "spaces": "<p>" + " " * 5_000_000 + "x",
    "words": "<p>" + "word " * 2_000_000,
    "backslashes": "<p>" + "\\" * 1_000_000,
    "dollars": "<p>" + "$ " * 500_000,
    "formulas": "<p>" + "\\(x\\) " * MANY,
}
HOSTILE = {f"nested_{name}": tag * MANY for name, tag in NESTED.items()} | FLAT
FAST = (
    "nested_div",
    "nested_list",
    "nested_quote",
    "nested_pre_div",
    "cells",
    "nulls",
    "unclosed",
    "empty_superscripts",
)


def render_within_budget(html: str) -> None:
    start = time.process_time()
    assert outcome(html) in ("text", "too_large", "too_many_nodes")
    assert time.process_time() - start < MAX_CPU_S


def outcome(html: str) -> str:
    try:
        html_to_text(html)
    except RenderRejected as rejected:
        return rejected.reason
    return "text"


@pytest.mark.parametrize("name", FAST)
def test_hostile_page(name: str) -> None:
    render_within_budget(HOSTILE[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(HOSTILE) - set(FAST)))
def test_more_hostile_pages(name: str) -> None:
    render_within_budget(HOSTILE[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mathpages/dev/pages", "webmainbench/dev/math_code_bench", "extraction/dev/articles"])
def test_every_real_page_renders(name: str) -> None:
    path = SHARED / f"{name}.jsonl.gz"
    if not path.exists():
        pytest.skip("needs ../shared (the project's data folder beside the checkout)")
    with gzip.open(path, "rt", encoding="utf-8", errors="surrogatepass") as rows:
        for row in rows:
            page = render(json.loads(row)["html"].encode("utf-8", "replace"), content_type="text/html; charset=utf-8")
            assert all(start < end for start, end in zip(page.blocks.start, page.blocks.end, strict=True))
