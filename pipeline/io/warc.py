"""WARC, ARC and WACZ files to pages: the first door of the house.

Every record of a file comes out once, as a Page (an HTTP 200 response), a BadRecord (counted reject: it was, or may
have been, a page) or a Skipped (never a page). Damage is a BadRecord with file and offset, then reading goes on at the
next record. Decisions and their reasons: docs/decisions/0003-reading-archives.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.document import Page
from pipeline.errors import InputError
from pipeline.io.archive_records import detect_packing, read_range
from pipeline.io.byte_source import ByteSource, open_source
from pipeline.io.http_body import BodyRefused, decode_body, parse_http_head
from pipeline.io.read_limits import ReadLimits
from pipeline.io.record_frames import Loss, Record
from pipeline.io.record_heads import url_scheme
from pipeline.io.wacz import is_zip, read_wacz

__all__ = [
    "BAD_RECORD_REASONS",
    "TRUNCATED_HEADER",
    "BadRecord",
    "ReadLimits",
    "Skipped",
    "Split",
    "plan_splits",
    "read_split",
]

BAD_RECORD_REASONS: tuple[str, ...] = (
    "http_status",  # detail: the status
    "revisit",  # a pointer to an earlier capture, no body
    "truncated",  # the archive, or the coded body, ends before the first usable byte
    "damaged",  # bytes that give no record; detail says how many were passed over
    "record_too_large",  # block, or decoded body, over its limit
    "inflate_ratio",  # compression bomb
    "headers_too_large",
    "bad_content_encoding",
    "no_url",
    "malformed_http",
)
# Added to http_headers of a page whose body is known to be cut. Values: WARC-Truncated's own ("length", "time",
# "disconnect", …), "segment", "chunked", "content-coding"; comma-joined.
TRUNCATED_HEADER = "X-Warcmill-Truncated"
DEFAULT_LIMITS = ReadLimits()
MAX_HEADLESS_LOSSES = 1000


@dataclass(frozen=True, slots=True)
class Split:
    """Records of a file whose offset lies in [start, end), byte positions in the file as stored.

    A file compressed as a whole, and a WACZ, belong entirely to the split that starts at 0.
    """

    path: str
    start: int = 0
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record that is not an HTTP response: "request", "metadata", "filedesc", "response:dns", …"""

    record_type: str
    offset: int


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A counted reject. `reason` is one of BAD_RECORD_REASONS; url and crawl_time are "" where no header was."""

    url: str
    warc_path: str
    offset: int
    crawl_time: str
    reason: str
    detail: str


def plan_splits(path: str, split_bytes: int) -> list[Split]:
    """Splits of about `split_bytes` for plain and per-record-compressed files; one split for anything else.

    Raises:
        InputError: the file cannot be opened, is empty, or holds no record.
    """
    with open_source(path) as source:
        if source.size <= split_bytes or is_zip(source):
            return [Split(path)]
        packing = detect_packing(source, DEFAULT_LIMITS)
        if not packing.splittable:
            return [Split(path)]
        records = read_range(source, packing, DEFAULT_LIMITS, 0, None)
        next(_require_archive(records, Split(path)))
        starts = range(0, source.size, max(split_bytes, 1))
        return [Split(path, at, at + split_bytes if at + split_bytes < source.size else None) for at in starts]


def read_split(split: Split, limits: ReadLimits = DEFAULT_LIMITS) -> Iterator[Page | BadRecord | Skipped]:
    """Every record of the split, in file order.

    `offset` is the byte position of the record in the file; of its member where records are compressed one by one
    (several records in one member share it); in a file compressed as a whole, the position in the inflated stream.

    Raises:
        InputError: missing, a directory, empty, or without a single WARC or ARC record.
    """
    with open_source(split.path) as source:
        records = _records(source, split, limits)
        for item in _require_archive(records, split) if split.start == 0 else records:
            yield _loss(item, split.path) if isinstance(item, Loss) else _outcome(item, split.path, limits)


def _records(source: ByteSource, split: Split, limits: ReadLimits) -> Iterator[Record | Loss]:
    if is_zip(source):
        return read_wacz(source, limits) if split.start == 0 else iter(())
    return read_range(source, detect_packing(source, limits), limits, split.start, split.end)


def _require_archive(items: Iterator[Record | Loss], split: Split) -> Iterator[Record | Loss]:
    """Hold back losses without a header until the first record, so that a file of another kind is an InputError."""
    held: list[Loss] = []
    for item in items:
        if isinstance(item, Loss) and item.head is None and len(held) < MAX_HEADLESS_LOSSES:
            held.append(item)
            continue
        yield from held
        yield item
        yield from items
        return
    if split.end is not None:
        yield from held  # the first record may begin in a later split; plan_splits has seen one
    else:
        raise InputError(
            "is no archive: not one WARC or ARC record in it",
            where=split.path,
            expected="WARC, ARC or WACZ; plain, gzip, zstd or lz4",
            hint="for HTML files use `warcmill render FILE`",
        )


def _loss(loss: Loss, path: str) -> BadRecord:
    url, crawl_time = (loss.head.url, loss.head.crawl_time) if loss.head else ("", "")
    return BadRecord(url, path, loss.position, crawl_time, loss.reason, loss.detail)


def _outcome(record: Record, path: str, limits: ReadLimits) -> Page | BadRecord | Skipped:
    head = record.head
    if head.record_type == "revisit":
        return BadRecord(head.url, path, record.position, head.crawl_time, "revisit", "")
    if head.record_type != "response":
        return Skipped(head.record_type, record.position)
    url = head.url
    if _is_other_protocol(url, record.block):
        return Skipped(f"response:{url_scheme(url)}", record.position)
    try:
        return _page(url, record, path, limits)
    except BodyRefused as refusal:
        return BadRecord(url, path, record.position, head.crawl_time, refusal.reason, refusal.detail)


def _is_other_protocol(url: str, block: bytes | None) -> bool:
    """dns:, ftp:, whois: … responses; a response without URL counts as HTTP, so that it becomes a reject."""
    if not url or url_scheme(url) in ("http", "https"):
        return False
    return block is None or not block.startswith(b"HTTP/")


def _page(url: str, record: Record, path: str, limits: ReadLimits) -> Page:
    head = record.head
    if not url:
        raise BodyRefused("no_url", "response without WARC-Target-URI")
    if record.block is None:
        raise BodyRefused("record_too_large", f"block of {head.length} bytes")
    http = parse_http_head(record.block, limits)
    if http.status != 200:
        raise BodyRefused("http_status", str(http.status))
    body, cut = decode_body(http, record.block[http.body_start :], limits)
    cuts = ",".join(cause for cause in (head.truncated, cut) if cause)
    headers = (*http.headers, (TRUNCATED_HEADER, cuts)) if cuts else http.headers
    return Page(url, path, record.position, head.crawl_time, headers, body)
