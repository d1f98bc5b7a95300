"""Notebooks to HTML: cells in order, math as written, hostile input refused (extractors/notebook*.py)."""

import json
from html import unescape

import pytest
import turbohtml

from extractors.notebook import MAX_CELLS, NotebookError, notebook_to_html
from extractors.notebook_markdown import MAX_MARKDOWN_CHARS, formula_spans, markdown_to_html
from pipeline.errors import WarcmillError


def _notebook(*cells, **metadata):
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}).encode()


def _markdown(source):
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def _code(source, *outputs):
    return {"cell_type": "code", "metadata": {}, "execution_count": 1, "source": source, "outputs": list(outputs)}


def _result(**data):
    return {
        "output_type": "execute_result",
        "metadata": {},
        "data": {f"text/{kind}": text for kind, text in data.items()},
    }


def _main(body):
    return turbohtml.parse(notebook_to_html(body)).select("main")[0]


def test_cells_come_in_order_with_their_kinds():
    html = notebook_to_html(
        _notebook(_markdown(["# One\n", "\n", "two *three*"]), _code("x = 1 < 2\ny"), _markdown("four"))
    )
    assert html.startswith("<!DOCTYPE html>")
    expected = [
        "<h1>One</h1>",
        "<p>two <em>three</em></p>",
        '<pre><code class="language-python">x = 1 &lt; 2\ny</code></pre>',
        "<p>four</p>",
    ]
    positions = [html.index(part) for part in expected]
    assert positions == sorted(positions)


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({}, "python"), ({"language_info": {"name": "Julia"}}, "julia"), ({"kernelspec": {"language": "R"}}, "r"),
        ({"language_info": {"name": 'x" onload="'}}, "python"), ({"language_info": 3, "kernelspec": None}, "python"),
        ({"language_info": {"name": "c++"}}, "c++"),
    ],
)  # fmt: skip
def test_language_of_the_kernel(metadata, language):
    assert f'class="language-{language}"' in notebook_to_html(_notebook(_code("1"), **metadata))


@pytest.mark.parametrize(
    "formula",
    [
        "$x$", "$a_1 * b_2 * c_3$", "$$\na\n=\nb\n$$", "$$\n- x\n+ y\n$$", r"\\(a_i \\ b_j\\)", r"\\[x^2\\]", r"\(x*y*z\)", r"\[ a_b c_d \]",
        "\\begin{align}\n  a &= b \\\\\n    c &= d\n\\end{align}", "\\begin{equation*}\n\n".replace("\n\n", "\n") + "x<y\\end{equation*}",
        r"$\text{cost } \$5 < y$", r"$a<b$", r"$[a](b)$", "$`a`$", r"$\{x \mid x > 0\}$", "$$\n    indented = 1\n$$", "$\\frac{1}{2}$",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "frame",
    [
        "{}",
        "text {} text",
        "# Title {}",
        "- item {}",
        "1. {}\n2. more",
        "<div>\n{}\n</div>",
        "**bold** {} _it_",
        "| a |\n|---|\n| {} |",
    ],
)
def test_math_is_exactly_as_written(formula, frame):
    if frame.startswith("|") and ("\n" in formula or "|" in formula):
        return  # a table row is one line
    tree = turbohtml.parse(markdown_to_html(frame.replace("{}", formula)))
    assert formula in tree.text


def test_math_in_a_block_quote_loses_the_quote_marks_only():
    assert "<p>$$ q\n- r $$</p>" in markdown_to_html("> $$ q\n> - r $$")


@pytest.mark.parametrize(
    "source", ["`$a` and `b$`", "```\n$x$ *y*\n```", "~~~sh\necho $A $B\n~~~", "    $indented$ *code*"]
)
def test_dollars_in_code_stay_code(source):
    html = markdown_to_html(source)
    assert "<code" in html
    assert "<em>" not in html
    assert unescape(html).count("$") == source.count("$")


@pytest.mark.parametrize(
    "source",
    [r"\$5 and \$6", "only one $ here", "$$", "a $ b\n\nc $ d", "<td>$5</td><td>$6</td>", r"\\begin{x} no end"],
)
def test_what_is_no_formula(source):
    assert list(formula_spans(source)) == []


def test_link_targets_and_alt_texts_get_their_dollars_back():
    html = markdown_to_html("[t](http://x.y/?$a=$b) ![alt $x_1$](i.png)")
    assert "\ufdd0" not in html
    assert "%EF%B7%90" not in html
    assert 'alt="alt $x_1$"' in html


def test_tables_strike_through_and_raw_html():
    html = markdown_to_html("| a | b |\n|---|---|\n| 1 | ~~2~~ |\n\n<sub>raw</sub>")
    assert "<table>" in html
    assert "<s>2</s>" in html
    assert "<sub>raw</sub>" in html


@pytest.mark.parametrize("hole", ["<script>", "<!-- ", "<div><div>", "<textarea>", "<style>", "<table><td>"])
def test_an_unclosed_tag_ends_with_its_cell(hole):
    main = _main(_notebook(_markdown(f"before {hole}"), _markdown("after")))
    assert [p.text for p in main.select("main > p")][-1] == "after"


def test_outputs():
    main = _main(
        _notebook(
            _code("1", {"output_type": "stream", "name": "stdout", "text": ["\x1b[31mred\x1b[0m <\n", "line"]}),
            _code("2", _result(latex="$\\displaystyle x_1 < 2$", plain="x1")),
            _code("3", _result(html="<table><tr><td>no math</td></tr></table>", plain="plain form")),
            _code("4", _result(html="<b>\\(y^2\\)</b>", plain="y2")),
            _code(
                "5", {"output_type": "error", "ename": "ValueError", "evalue": "bad", "traceback": ["\x1b[0;31m---"]}
            ),
            _code("6", {"output_type": "display_data", "metadata": {}, "data": {"image/png": "aGk="}}),
            _code("7", {"output_type": "display_data", "data": {"text/markdown": ["**m** $a_1*b*c$"]}}),
        )
    )
    assert [pre.text for pre in main.select("main > pre")] == [
        "1",
        "red <\nline",
        "2",
        "3",
        "plain form",
        "4",
        "5",
        "ValueError: bad",
        "6",
        "7",
    ]
    assert "$\\displaystyle x_1 < 2$" in main.text
    assert "x1" not in main.text
    assert "\\(y^2\\)" in main.text
    assert "no math" not in main.text
    assert "$a_1*b*c$" in main.text
    assert "aGk=" not in main.text


def test_nbformat_3():
    cells = [
        {"cell_type": "heading", "level": 2, "source": ["A < B"]},
        {"cell_type": "markdown", "source": "text $x_1$"},
        {
            "cell_type": "code",
            "language": "python",
            "input": ["print 1"],
            "outputs": [{"output_type": "pyout", "text": ["1"], "latex": ["$$1$$"]}],
        },
        {
            "cell_type": "code",
            "input": "2",
            "outputs": [
                {"output_type": "stream", "stream": "stdout", "text": "two"},
                {"output_type": "pyerr", "ename": "E", "evalue": "v"},
            ],
        },
    ]
    main = _main(
        json.dumps(
            {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": "Title"}, "worksheets": [{"cells": cells}]}
        ).encode()
    )
    assert [h.text for h in main.select("h2")] == ["A < B"]
    assert [pre.text for pre in main.select("pre")] == ["print 1", "2", "two", "E: v"]
    assert "$$1$$" in main.text


def test_title_raw_cells_surrogates_and_nul():
    html = notebook_to_html(_notebook({"cell_type": "raw", "source": "raw < \ud800 \0"}, title="A & B"))
    assert "<title>A &amp; B</title>" in html
    assert "<pre>raw &lt; \ufffd </pre>" in html


def test_a_leading_line_break_survives_pre():
    assert _main(_notebook(_code("\nx"))).select("code")[0].text.endswith("\nx")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"3", b"null", b"\xff\xfe\0", b"{}", b'{"nbformat": 4}', b'{"nbformat": true, "cells": []}', b'{"nbformat": 2, "worksheets": []}',
        b'{"nbformat": 4, "cells": {}}', b'{"nbformat": 4, "cells": [1]}', b'{"nbformat": 3, "worksheets": [[]]}',
        b'{"nbformat": 4, "cells": [{"cell_type": "markdown", "source": 1}]}', b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": [1]}]}',
        b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "", "outputs": 7}]}', b'{"nbformat": 4, "metadata": [], "cells": []}',
        b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "", "outputs": [{"output_type": "stream", "text": {}}]}]}',
        b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "", "outputs": [{"output_type": "display_data", "data": 1}]}]}',
        b"[" * 1_000_000, b'{"a":' * 200_000, b'{"nbformat": 4, "cells": [], "n": ' + b"9" * 10_000 + b"}", b'"' + b"\\" * 1_000_001,
    ],
)  # fmt: skip
def test_what_is_no_notebook_is_a_named_error(body):
    with pytest.raises(NotebookError) as caught:
        notebook_to_html(body)
    assert isinstance(caught.value, WarcmillError)
    assert caught.value.what
    assert caught.value.expected


def test_brackets_inside_strings_are_not_depth():
    assert "[[[[" in notebook_to_html(_notebook(_code("[" * 500 + '\\" {' * 200)))


def test_too_many_cells():
    with pytest.raises(NotebookError, match="cells"):
        notebook_to_html(_notebook(*[{"cell_type": "raw", "source": ""}] * (MAX_CELLS + 1)))


@pytest.mark.parametrize(
    "piece", ["$", "\\(", "`", "``` ", "[", "![", "*a _", "> ", "\\begin{a}", "- ", "<a ", "&#", "|"]
)
def test_hostile_markdown_is_bounded(piece):
    markdown_to_html((piece * 20_000)[:20_000])
    assert markdown_to_html(piece * (MAX_MARKDOWN_CHARS + 1)).startswith("<pre>")


@pytest.mark.parametrize("cell", [_markdown("word " * 1_000), _code("x", _result(markdown="word " * 1_000))])
def test_more_markdown_than_the_budget_is_refused(cell):
    with pytest.raises(NotebookError, match="characters of Markdown"):
        notebook_to_html(_notebook(*[cell] * 101))
