"""What the public functions promise for every input."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors import Rendered, RenderRejected, html_to_text, render
from extractors.layout.rejected import REASONS

TAGS = "div p ul ol li table tr td th pre code h2 blockquote a span sup sub br dl dt dd b math mi q ruby rt img script"
ATTRIBUTES = (
    "",
    ' class="language-py"',
    " hidden",
    ' start="3"',
    ' colspan="2"',
    ' rowspan="3"',
    ' href="x"',
    ' alt="a b c"',
)
TEXTS = (
    "word",
    " ",
    "\n",
    "$x_1$",
    "\\(a\\)",
    "$$b$$",
    "|",
    "`",
    "&amp;",
    "\u00a0",
    "\ue000",
    "&#xe001;",
    "\u200b",
    "é",
    "2",
)
PIECE = st.one_of(
    st.sampled_from(TEXTS),
    st.builds("<{}{}>".format, st.sampled_from(TAGS.split()), st.sampled_from(ATTRIBUTES)),
    st.builds("</{}>".format, st.sampled_from(TAGS.split())),
)
PAGES = st.lists(PIECE, max_size=40).map("".join)


def check(page: Rendered) -> None:
    """Blocks ordered, apart, in range, covering all text; formulas inside, delimited as their TeX says."""
    end = 0
    for block in page.blocks:
        assert end <= block.start < block.end <= len(page.text)
        assert not page.text[end : block.start].strip()
        assert 0.0 <= block.link_density <= 1.0
        assert len(block.dom_path) <= 240
        end = block.end
    assert not page.text[end:].strip()
    end = 0
    for formula in page.formulas:
        assert end <= formula.start < formula.end <= len(page.text)
        mark = ("$$" if formula.display else "$") if formula.recovered else ""
        assert page.text[formula.start : formula.end] == f"{mark}{formula.tex}{mark}"
        end = formula.end
    page.text.encode()  # no lone surrogates


@settings(max_examples=300, deadline=None)
@given(PAGES)
def test_any_page_renders_consistently(html: str) -> None:
    page = render(html)
    check(page)
    assert render(html) == page


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200)), st.sampled_from([None, "text/html", "text/plain"]))
def test_any_input_renders_or_is_rejected(body: bytes | str, content_type: str | None) -> None:
    found = rendered_or_reason(body, content_type)
    assert found in REASONS if isinstance(found, str) else check(found) is None


def rendered_or_reason(body: bytes | str, content_type: str | None) -> Rendered | str:
    try:
        return render(body, content_type=content_type)
    except RenderRejected as rejected:
        return rejected.reason


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from(["a", "b1", "c."]), min_size=1, max_size=6), st.sampled_from([" ", "\n", "\t  \n", "  "])
)
def test_white_space_between_words_never_matters(words: list[str], gap: str) -> None:
    assert html_to_text(f"<p>{gap.join(words)}</p>") == " ".join(words)


def test_bytes_and_text_agree() -> None:
    html = "<title>Tä</title><p>Grüße \\(x\\)"
    page = render(html.encode(), content_type="text/html; charset=utf-8")
    assert (page.text, page.title, page.charset, page.content_type) == ("Grüße $x$", "Tä", "utf-8", "text/html")
    assert render(html).text == page.text


def test_blank_page_is_the_empty_string() -> None:
    assert html_to_text("<html><body><script>x()</script><div> &nbsp; </div></body></html>") == ""


def test_plain_text_keeps_paragraphs_and_indented_code() -> None:
    page = render(b"Title\n\nFirst line\nsecond line.\n\n\n    x = 1\n      y = 2\n", content_type="text/plain")
    assert page.text == "Title\n\nFirst line\nsecond line.\n\n    x = 1\n      y = 2"
    assert page.blocks.kind == ["paragraph", "paragraph", "code"]
    check(page)


def test_reserved_characters_of_a_page_do_not_become_formulas() -> None:
    page = render("<p>a\ue0000\ue001b &#xE000;0&#57345; <span class='math'>\\(z\\)</span></p>")
    assert [formula.tex for formula in page.formulas] == ["z"]
    assert "\ue000" not in page.text
    assert page.text.startswith("a\ufffd0\ufffdb \ufffd0\ufffd")


def test_lone_surrogates_become_replacement_characters() -> None:
    assert html_to_text("<p>a\ud800b</p>") == "a\ufffdb"


@pytest.mark.parametrize(
    ("body", "budget", "reason"),
    [
        (b"%PDF-1.7 ...", {}, "not_html"),
        (b"<p>" + b"x" * 100, {"max_body_bytes": 50}, "too_large"),
        (b"<p>x" * 100, {"max_nodes": 50}, "too_many_nodes"),
    ],
)
def test_rejects_are_named(body: bytes, budget: dict[str, int], reason: str) -> None:
    with pytest.raises(RenderRejected) as caught:
        render(body, url="https://example.org/x", **budget)  # type: ignore[arg-type]
    assert caught.value.reason == reason
    assert pickle.loads(pickle.dumps(caught.value)).reason == reason  # survives process borders


def test_block_of_a_formula_with_a_prefix_has_exact_spans() -> None:
    page = render("<blockquote><ul><li>one<br>two \\(a\\)<br>three \\(b\\)</ul></blockquote>")
    assert page.text == "> - one\n>   two $a$\n>   three $b$"
    check(page)


def test_link_density_and_paths() -> None:
    page = render('<body><nav class="top bar x" id="n"><ul><li><a href="/a">Home</a></li></ul></nav><p>Some text.</p>')
    assert page.blocks.dom_path == ["html/body/nav#n.top.bar/ul/li", "html/body/p"]
    assert page.blocks.link_density == [4 / 6, 0.0]  # "- Home"
    assert page.blocks.kind == ["list", "paragraph"]
