"""The small parts of the layout: ordinals, paths, code languages, plain-text prose, table grids."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import turbohtml

from extractors import render
from extractors.code import CodeBlock, fenced, language
from extractors.layout import hot
from extractors.layout.lists import ordinal
from extractors.layout.native import twin
from extractors.layout.paths import MAX_PATH_CHARS, segment


@pytest.mark.parametrize(
    ("value", "style", "text"),
    [
        (3, "1", "3"),
        (1, "a", "a"),
        (27, "a", "aa"),
        (28, "A", "AB"),
        (1994, "i", "mcmxciv"),
        (4, "I", "IV"),
        (0, "a", "0"),
    ],
)
def test_ordinals(value: int, style: str, text: str) -> None:
    assert ordinal(value, style) == text


def test_path_segment() -> None:
    assert segment('div id="main" class="a b c"') == "div#main.a.b"


def test_long_paths_are_bounded() -> None:
    page = render("<section id='" + "x" * 50 + "'>" * 1 + "<div class=very-long-name-of-a-box>" * 50 + "text")
    assert len(page.blocks.dom_path[0]) <= MAX_PATH_CHARS
    assert page.blocks.dom_path[0].endswith("div.very-long-name-of-a-box")


@pytest.mark.parametrize(
    ("html", "lang"),
    [
        ('<pre><code class="language-c++">x</code></pre>', "c++"),
        ('<pre class="brush: php; gutter: true">x</pre>', "php"),
        ('<div class="highlight-source-rust"><pre>x</pre></div>', "rust"),
        ('<div class="highlight-default notranslate"><div class="highlight"><pre>x</pre></div></div>', None),
        ('<div class="mw-highlight mw-highlight-lang-sql"><pre>x</pre></div>', "sql"),
        ('<pre class="sourceCode haskell">x</pre>', "haskell"),
        ('<pre data-lang="Go">x</pre>', "go"),
        ('<pre class="language-none">x</pre>', None),
        ('<pre class="src src-python">x</pre>', "python"),
        ('<article class="python"><pre>x</pre></article>', None),
        ("<pre>x</pre>", None),
    ],
)
def test_language(html: str, lang: str | None) -> None:
    pre = turbohtml.parse(html).find("pre")
    assert pre is not None
    assert language(pre) == lang


@pytest.mark.parametrize("attribute", ['class="language-go"', 'class="go"', 'data-lang="go"'])
def test_languages_among_many_blocks(attribute: str) -> None:
    block = "<div><pre>x := 1;\ny := 2;</pre></div>"
    assert set(render(block * 600).blocks.lang) == {None}
    named = render(f"<body>{block * 600}<div><pre {attribute}>x := 1;\ny := 2;</pre></div>").blocks
    assert named.lang == [None] * 600 + ["go"]


def test_fence_is_longer_than_any_run_inside() -> None:
    assert fenced(CodeBlock("a\n````\nb", "md")) == "`````md\na\n````\nb\n`````"


@pytest.mark.parametrize("looks_like_prose", [hot.looks_like_prose, twin.looks_like_prose])
def test_prose_and_code_in_pre(looks_like_prose: Callable[[str], bool]) -> None:
    assert looks_like_prose("Dear all, we meet on Monday at noon in the small room.")
    assert looks_like_prose("Über Größe läßt sich täglich trefflich streiten, café")
    assert not looks_like_prose("for (i = 0; i < n; i++) { total += value[i]; print(total); }")
    assert not looks_like_prose("3 1 4 1 5 9")
    assert not looks_like_prose("one two three four five six seven")  # a word is missing
    assert not looks_like_prose("one two three four five six seven eight 9999999999")  # letters: 32 of 42 characters


@pytest.mark.parametrize("to_pipe", [hot.to_pipe, twin.to_pipe])
def test_grid_repeats_rowspans_and_header_colspans(to_pipe: Callable[[list[list[hot.Cell]]], str]) -> None:
    rows = [
        [("k", 1, 1, True), ("v", 2, 1, True)],
        [("a|b", 1, 2, False), ("wide", 2, 1, False)],
        [("1", 1, 1, False), ("2", 1, 1, False)],
    ]
    expected = ["| k | v | v |", "| --- | --- | --- |", "| a\\|b | wide |  |", "| a\\|b | 1 | 2 |"]
    assert to_pipe(rows).split("\n") == expected


def test_a_row_wider_than_any_grid_keeps_all_its_cells() -> None:
    page = render("<table><tr><th>h" + "<td>c" * 3000 + "<tr><td>x<td>y</table>")
    assert page.text.split("\n")[0].count("| c ") == 3000


def test_conditional_comments_take_nothing_with_them() -> None:
    old = '<!--[if lt IE 9]><html class="old"><![endif]--><!--[if gt IE 8]><!--><html class="new"><!--<![endif]-->'
    page = render(f"<!doctype html>{old}<body><p>a <!-- <b> > --> c<!----> d")
    assert page.text == "a c d"
    assert page.blocks.dom_path == ["html.new/body/p"]
