"""Other extractors behind our door: same page in, text with blocks out, every kind of failure told apart."""

from __future__ import annotations

import shutil

import pytest

from extractors import RenderRejected, peers
from extractors.stage import RenderConfig, render_pages
from pipeline.document import Page
from pipeline.errors import UsageError

needs_lynx = pytest.mark.skipif(shutil.which("lynx") is None, reason="needs the lynx binary (apt-get install lynx)")
PAGE = (
    "<html><head><title>T</title></head><body><main><article><h1>Größe</h1>"
    "<p>Let \\(x^2\\) be a number; this sentence is long enough that every extractor takes it for content.</p>"
    "<pre><code>if a:\n    b = 2</code></pre></article></main></body></html>"
)
ALL = [pytest.param(name, marks=needs_lynx if name == "lynx" else []) for name in peers.NAMES]


@pytest.mark.parametrize("name", ALL)
def test_every_extractor_finds_the_sentence_and_the_code(name: str) -> None:
    rendered = peers.extract(name, PAGE.encode("latin-1"), content_type="text/html; charset=iso-8859-1")
    assert "Größe" in rendered.text
    assert "long enough that every extractor" in rendered.text
    assert "\n    b = 2" in rendered.text
    assert rendered.blocks.end[-1] == len(rendered.text)
    assert all(rendered.text[f.start : f.end].strip("$") == f.tex for f in rendered.formulas)


@pytest.mark.parametrize("name", ALL)
def test_a_blank_page_is_an_empty_text(name: str) -> None:
    assert peers.extract(name, b"<html><body><div></div></body></html>").text == ""


@pytest.mark.parametrize("name", ALL)
def test_lone_surrogates_never_reach_a_document(name: str) -> None:
    peers.extract(name, f"<article><p>{'a sentence of words. ' * 20}\ud800</p></article>").text.encode("utf-8")


@pytest.mark.parametrize("name", ALL)
def test_what_is_no_page_is_rejected_alike(name: str) -> None:
    with pytest.raises(RenderRejected, match="not_html"):
        peers.extract(name, b"%PDF-1.4 x", content_type="application/pdf")
    with pytest.raises(RenderRejected, match="too_large"):
        peers.extract(name, b"<p>" + b"x" * 100, max_body_bytes=50)


def test_markdown_of_a_peer_gets_blocks_and_formulas() -> None:
    rendered = peers.extract("trafilatura", PAGE)
    assert [block.kind for block in rendered.blocks] == ["heading", "paragraph", "code"]
    assert [formula.tex for formula in rendered.formulas] == ["x^2"]


def test_an_unknown_extractor_is_refused_before_any_work() -> None:
    with pytest.raises(UsageError) as caught:
        peers.require("w3m")
    assert "warcmill, trafilatura, resiliparse, lynx" in caught.value.expected
    with pytest.raises(ValueError, match="w3m"):
        RenderConfig(extractor="w3m")


def test_a_missing_binary_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError) as caught:
        peers.require("lynx")
    assert "apt-get install lynx" in caught.value.hint


def test_the_page_stage_takes_the_extractor_from_its_config() -> None:
    page = Page("https://example.org/", "a.warc", 0, "", (("content-type", "text/html; charset=utf-8"),), PAGE.encode())
    (document,) = render_pages([page], config=RenderConfig(extractor="resiliparse"))
    assert document.text.startswith("Größe\n")
    assert "\\(x^2\\)" in document.text  # resiliparse leaves delimiters as they are
    assert not document.rejected


@needs_lynx
class TestLynx:
    def test_time_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(peers, "LYNX_CPU_S", 0)
        with pytest.raises(RenderRejected, match=peers.TIMEOUT):
            peers.extract("lynx", "<p>x<table><tr><td>b" * 200_000)

    def test_out_of_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(peers, "LYNX_MEMORY_KB", 20_000)
        with pytest.raises(RenderRejected, match=peers.MEMORY):
            peers.extract("lynx", "<p>x" * 1_000_000)

    def test_too_much_output(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(peers, "LYNX_OUTPUT_BYTES", 1 << 20)
        with pytest.raises(RenderRejected, match=peers.OUTPUT):  # each centred word is padded with 500 spaces
            peers.extract("lynx", "<center>x</center>" * 5000)

    def test_crash(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(peers, "LYNX_FLAGS", (*peers.LYNX_FLAGS, "-no-such-flag"))
        with pytest.raises(RenderRejected, match=peers.CRASH):
            peers.extract("lynx", PAGE)

    @pytest.mark.parametrize(
        "html",
        [
            "<meta http-equiv=refresh content='0;url=file:///etc/passwd'><p>x",
            "<iframe src=file:///etc/passwd></iframe>",
            "<frameset><frame src=file:///etc/passwd></frameset>",
            "<base href=file:///etc/><img src=passwd><object data=passwd>x</object>",
        ],
    )
    def test_a_page_cannot_make_it_read_files(self, html: str) -> None:
        assert "root:" not in peers.extract("lynx", html).text
