"""The two records that flow: `Page` (bytes, before rendering) and `Document` (text, blocks, formulas, scores).

Offsets are Unicode code points, half-open, into the document's own `text`. Spans are structs of parallel lists, in
memory and in Arrow alike: 160 span objects cost more to serialise than a page costs to render.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal, NamedTuple

BlockKind = Literal["heading", "paragraph", "list", "table", "code", "math", "quote", "other"]
BLOCK_KINDS: tuple[str, ...] = ("heading", "paragraph", "list", "table", "code", "math", "quote", "other")


@dataclass(frozen=True, slots=True)
class Page:
    """One HTTP 200 response from an archive, content encoding removed, body undecoded. Never shuffled.

    `warc_path` is the path as given; `offset` is the byte offset of the record in that file (of its gzip member where
    records are compressed one by one). `crawl_time` is ISO 8601 UTC, e.g. "2024-02-21T09:30:00Z", "" when unknown.
    """

    url: str
    warc_path: str
    offset: int
    crawl_time: str
    http_headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """First HTTP header with that name, case-insensitive."""
        wanted = name.lower()
        return next((value for key, value in self.http_headers if key.lower() == wanted), None)


class Block(NamedTuple):
    """View of one block: `text[start:end]`, in order, not overlapping."""

    start: int
    end: int
    kind: str
    lang: str | None  # programming language of a code block
    level: int | None  # of a heading, 1-6
    link_density: float  # share of characters inside links, 0-1
    dom_path: str  # e.g. "body/main.content/article/p"
    site_repeat: bool  # repeated on many pages of the same host
    keep_score: float | None  # rule cleaner's belief that this is content, 0-1; None before marking


class Formula(NamedTuple):
    """View of one formula: `text[start:end]` is the delimited LaTeX, e.g. `$x^2$`."""

    start: int
    end: int
    tex: str
    source_form: str  # "delimiters", "math_script", "katex", "mathml_annotation", "mathml", "image_alt", ...
    display: bool
    recovered: bool  # False: the page's visible text, not TeX


@dataclass(slots=True)
class Blocks:
    """Blocks of one document as parallel lists."""

    start: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)
    kind: list[str] = field(default_factory=list)
    lang: list[str | None] = field(default_factory=list)
    level: list[int | None] = field(default_factory=list)
    link_density: list[float] = field(default_factory=list)
    dom_path: list[str] = field(default_factory=list)
    site_repeat: list[bool] = field(default_factory=list)
    keep_score: list[float | None] = field(default_factory=list)

    def append(self, block: Block) -> None:
        for name, value in zip(Block._fields, block, strict=True):
            getattr(self, name).append(value)

    def __len__(self) -> int:
        return len(self.start)

    def __iter__(self) -> Iterator[Block]:
        columns = [getattr(self, name) for name in Block._fields]
        return map(Block._make, zip(*columns, strict=True))


@dataclass(slots=True)
class Formulas:
    """Formulas of one document as parallel lists."""

    start: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)
    tex: list[str] = field(default_factory=list)
    source_form: list[str] = field(default_factory=list)
    display: list[bool] = field(default_factory=list)
    recovered: list[bool] = field(default_factory=list)

    def append(self, formula: Formula) -> None:
        for name, value in zip(Formula._fields, formula, strict=True):
            getattr(self, name).append(value)

    def __len__(self) -> int:
        return len(self.start)

    def __iter__(self) -> Iterator[Formula]:
        columns = [getattr(self, name) for name in Formula._fields]
        return map(Formula._make, zip(*columns, strict=True))


@dataclass(slots=True)
class Languages:
    """The likeliest languages of one document as parallel lists, best first."""

    label: list[str] = field(default_factory=list)
    score: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Document:
    """One page on its way to tokens. Scores are floats in [0, 1] or None while not computed."""

    id: str  # 32 hex digits, see document_id
    url: str
    source: str  # name of the data source, from the recipe
    warc_path: str  # basename
    offset: int
    crawl_time: str
    content_type: str = ""  # sniffed: text/html, application/xhtml+xml, text/plain, application/x-ipynb+json
    charset: str = ""  # WHATWG name of the encoding that was decoded
    title: str = ""
    text: str = ""
    blocks: Blocks = field(default_factory=Blocks)
    formulas: Formulas = field(default_factory=Formulas)
    language: str = ""  # ISO 639-1 or fastText label, "" while unknown
    language_score: float | None = None
    languages: Languages = field(default_factory=Languages)
    math_score: float | None = None
    code_score: float | None = None
    quality: float | None = None
    cluster_id: str = ""  # of near-duplicates; its own id unless dedup says otherwise
    license: str = ""
    opt_out: list[str] = field(default_factory=list)
    reject_stage: str = ""
    reject_reason: str = ""  # from a small closed set: it is counted
    reject_detail: str = ""  # whatever helps a person: a status, a survivor's id

    def reject(self, stage: str, reason: str, detail: str = "") -> Document:
        """Mark as rejected and return self, so that a stage can `yield document.reject(...)`."""
        self.reject_stage, self.reject_reason, self.reject_detail = stage, reason, detail
        return self

    @property
    def rejected(self) -> bool:
        return bool(self.reject_reason)


def document_id(url: str, crawl_time: str, body: bytes) -> str:
    """128-bit blake2b of url, crawl time and payload digest, as 32 hex digits."""
    payload_digest = blake2b(body, digest_size=16).digest()
    key = b"\0".join((url.encode("utf-8", "surrogatepass"), crawl_time.encode(), payload_digest))
    return blake2b(key, digest_size=16).hexdigest()
