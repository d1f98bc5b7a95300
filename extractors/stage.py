"""The page stage: pages of an archive in, documents out, rendered or rejected with a reason from a closed set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from extractors import peers, prefilter
from extractors.consent import read_consent
from extractors.layout.rejected import RenderRejected
from extractors.render import MAX_BODY_BYTES, MAX_NODES
from pipeline.document import Document, Page, document_id

STAGE = "render"
BLANK = "blank"  # the page shows nothing
UNRENDERABLE_TYPES = {  # family of a MIME type -> reason; the set stays small whatever servers send
    "image": "mime:image",
    "audio": "mime:audio",
    "video": "mime:video",
    "font": "mime:font",
    "text": "mime:text",
}
MIME_OTHER, MIME_PDF, MIME_JSON, MIME_XML = "mime:other", "mime:pdf", "mime:json", "mime:xml"


@dataclass(frozen=True, slots=True)
class RenderConfig:
    """How pages are rendered, and which of them.

    Attributes:
        source: name of the data source, a column of every shard.
        extractor: one of `extractors.peers.NAMES`.
        prefilter: what the bytes of a page must hold to be rendered: "math", "code", "both" (either), or "off".
        max_body_bytes, max_nodes: work budgets of one page.
    """

    source: str = "web"
    extractor: str = peers.OURS
    prefilter: str = prefilter.OFF
    max_body_bytes: int = MAX_BODY_BYTES
    max_nodes: int = MAX_NODES

    def __post_init__(self) -> None:
        if self.extractor not in peers.NAMES:
            raise ValueError(f"extractor is {self.extractor!r}; expected one of {', '.join(peers.NAMES)}")
        if self.prefilter not in (prefilter.OFF, *prefilter.REASONS):
            raise ValueError(f"prefilter is {self.prefilter!r}; expected off, {', '.join(prefilter.REASONS)}")


def render_pages(pages: Iterable[Page], *, config: RenderConfig) -> Iterator[Document]:
    """Render every page. A rejected one is yielded with `reject_stage` "render" and its reason; none is dropped."""
    for page in pages:
        yield render_page(page, config)


def render_page(page: Page, config: RenderConfig) -> Document:
    """One page to one document; `warc_path` becomes its basename."""
    document = Document(
        id=document_id(page.url, page.crawl_time, page.body),
        url=page.url,
        source=config.source,
        warc_path=page.warc_path.replace("\\", "/").rsplit("/", 1)[-1],
        offset=page.offset,
        crawl_time=page.crawl_time,
    )
    document.cluster_id = document.id
    if config.prefilter != prefilter.OFF and (reason := prefilter.reject_reason(page.body, config.prefilter)):
        return document.reject(prefilter.STAGE, reason)
    document.license, document.opt_out = read_consent(page)
    try:
        rendered = peers.extract(
            config.extractor,
            page.body,
            url=page.url,
            content_type=page.header("content-type"),
            max_body_bytes=config.max_body_bytes,
            max_nodes=config.max_nodes,
        )
    except RenderRejected as rejected:
        document.content_type = rejected.found_type
        return document.reject(STAGE, reject_reason(rejected))
    document.content_type, document.charset = rendered.content_type, rendered.charset
    document.title, document.text = rendered.title, rendered.text
    document.blocks, document.formulas = rendered.blocks, rendered.formulas
    return document if document.text else document.reject(STAGE, BLANK)


def reject_reason(rejected: RenderRejected) -> str:
    """Reason string of a reject: the budget that was passed, or `mime:` and the family of what was found."""
    if rejected.reason != "not_html":
        return rejected.reason
    found = rejected.found_type
    for word, reason in (("pdf", MIME_PDF), ("json", MIME_JSON), ("xml", MIME_XML)):
        if word in found:
            return reason
    return UNRENDERABLE_TYPES.get(found.split("/")[0], MIME_OTHER)
