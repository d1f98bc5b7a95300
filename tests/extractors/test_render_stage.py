"""The page stage: every page comes out once, rendered or rejected with a reason from a small set."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from extractors.stage import RenderConfig, render_pages
from pipeline.arrow_document import from_batch, to_batch
from pipeline.document import Document, Page, document_id
from pipeline.stage import PageStage


def page(body: bytes, content_type: str = "text/html") -> Page:
    headers = (("Content-Type", content_type),)
    return Page("https://example.org/a", "crawl/x/part-1.warc.gz", 42, "2024-02-21T09:30:00Z", headers, body)


DEFAULT = RenderConfig()


def run(pages: Iterable[Page], config: RenderConfig = DEFAULT) -> list[Document]:
    stage: PageStage = partial(render_pages, config=config)
    return list(stage(pages))


def test_a_page_becomes_a_document() -> None:
    body = b"<title>T</title><h1>Head</h1><p>Let \\(x\\) be.</p>"
    (document,) = run([page(body)], RenderConfig(source="crawl-a"))
    assert document.text == "# Head\n\nLet $x$ be."
    assert document.id == document_id("https://example.org/a", "2024-02-21T09:30:00Z", body) == document.cluster_id
    assert (document.source, document.warc_path, document.offset) == ("crawl-a", "part-1.warc.gz", 42)
    assert (document.title, document.content_type, document.charset) == ("T", "text/html", "utf-8")
    assert not document.rejected
    assert next(iter(from_batch(to_batch([document])))).text == document.text


def test_rejects_keep_their_place_and_say_why() -> None:
    pages = [
        page(b"<p>a"),
        page(b"<div></div>"),
        page(b"%PDF-1.4 x", "application/pdf"),
        page(b"\x89PNG\r\n\x1a\n...."),
    ]
    documents = run([*pages, page(b"<p>x" * 50)], RenderConfig(max_nodes=40))
    assert [d.reject_reason for d in documents] == ["", "blank", "mime:pdf", "mime:image", "too_many_nodes"]
    assert [d.reject_stage for d in documents] == ["", "render", "render", "render", "render"]
    assert documents[2].content_type == "application/pdf"
    assert all(not d.text for d in documents[1:])
