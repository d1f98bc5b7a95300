"""Pages to WARC records: fixed dates, fixed record ids, gzip members without a time, so that bytes repeat."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import uuid
from collections.abc import Iterator
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import brotli
from corpus import SamplePage
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

NAMESPACE = uuid.UUID("6f0d8f0a-52f3-5f0e-9c57-0d0f6c1d2b11")
REASONS = {200: "OK", 301: "Moved Permanently", 404: "Not Found", 503: "Service Unavailable"}


def write_warc(path: Path, pages: list[SamplePage]) -> None:
    """One gzip member per record: warcinfo, then per page [request] response [metadata]."""
    with path.open("wb") as file:
        writer = WARCWriter(file, gzip=True, warc_version="1.0")
        _write_info(writer, path.name, pages[0].date)
        for page in pages:
            for record in _records(writer, path.name, page):
                writer.write_record(record)


def _id(*parts: str) -> str:
    return f"<urn:uuid:{uuid.uuid5(NAMESPACE, ' '.join(parts))}>"


def _payload(body: bytes) -> dict[str, Any]:
    """With its length: without one warcio buffers in a temporary file that it does not close."""
    return {"payload": io.BytesIO(body), "length": len(body)}


def _write_info(writer: Any, name: str, date: str) -> None:
    info = {
        "software": "warcmill sample builder (samples/build_sample.py)",
        "format": "WARC File Format 1.0",
        "description": "Sample corpus of warcmill: pages written for it, on hosts under example domains",
        "conformsTo": "http://bibnum.bnf.fr/WARC/WARC_ISO_28500_version1_latestdraft.pdf",
        "isPartOf": name.split(".", 1)[0],
    }
    payload = "".join(f"{key}: {value}\r\n" for key, value in info.items()).encode()
    headers = {
        "WARC-Record-ID": _id(name, "warcinfo"),
        "WARC-Date": date,
        "WARC-Filename": name,
        "Content-Type": "application/warc-fields",
    }
    record = writer.create_warc_record(None, "warcinfo", **_payload(payload), warc_headers_dict=headers)
    writer.write_record(record)


def _records(writer: Any, name: str, page: SamplePage) -> Iterator[Any]:
    extra = page.front.get("records", [])
    if "request" in extra:
        yield _request(writer, name, page)
    if page.front.get("revisit_of"):
        yield _revisit(writer, name, page)
        return
    yield _response(writer, name, page)
    if "metadata" in extra:
        yield _metadata(writer, name, page)


def _warc_headers(name: str, page: SamplePage, kind: str) -> dict[str, str]:
    headers = {"WARC-Record-ID": _id(name, page.url, page.date, kind), "WARC-Date": page.date}
    if kind in {"request", "metadata"}:
        headers["WARC-Concurrent-To"] = _id(name, page.url, page.date, "response")
    headers["WARC-Warcinfo-ID"] = _id(name, "warcinfo")
    return headers


def _request(writer: Any, name: str, page: SamplePage) -> Any:
    path = "/" + page.url.split("/", 3)[3]
    lines = [
        ("User-Agent", "warcmill-sample/1.0"),
        ("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"),
        ("Accept-Encoding", "br,gzip"),
        ("Host", page.front["host"]),
        ("Connection", "Keep-Alive"),
    ]
    http = StatusAndHeaders(f"GET {path} HTTP/1.1", lines, is_http_request=True)
    headers = _warc_headers(name, page, "request")
    return writer.create_warc_record(page.url, "request", http_headers=http, warc_headers_dict=headers)


def _response(writer: Any, name: str, page: SamplePage) -> Any:
    headers, body = _http(page)
    http = StatusAndHeaders(f"{page.status} {REASONS[page.status]}", headers, protocol="HTTP/1.1")
    return writer.create_warc_record(
        page.url,
        "response",
        **_payload(body),
        http_headers=http,
        warc_headers_dict=_warc_headers(name, page, "response"),
    )


def _metadata(writer: Any, name: str, page: SamplePage) -> Any:
    payload = b"fetchTimeMs: 187\r\ncharset-detected: " + page.charset.upper().encode() + b"\r\n"
    headers = {**_warc_headers(name, page, "metadata"), "Content-Type": "application/warc-fields"}
    return writer.create_warc_record(page.url, "metadata", **_payload(payload), warc_headers_dict=headers)


def _revisit(writer: Any, name: str, page: SamplePage) -> Any:
    headers, _ = _http(page)
    http = StatusAndHeaders("200 OK", headers, protocol="HTTP/1.1")
    digest = "sha1:" + base64.b32encode(hashlib.sha1(page.body).digest()).decode()  # the format asks for SHA-1
    return writer.create_revisit_record(
        page.url,
        digest,
        page.url,
        page.front["revisit_of"],
        http_headers=http,
        warc_headers_dict=_warc_headers(name, page, "revisit"),
    )


def _http(page: SamplePage) -> tuple[list[tuple[str, str]], bytes]:
    """Response headers and the bytes on the wire, after content and transfer encodings."""
    body, wire = page.body, page.front.get("wire", [])
    headers = [("Date", _http_date(page.date)), ("Server", page.front.get("server", "nginx"))]
    headers.append(("Content-Type", _content_type(page)))
    for encoding in wire:
        body = _ENCODERS[encoding](body)
    headers += [_ENCODING_HEADERS[encoding] for encoding in wire]
    if "common_crawl" in page.front.get("records", []):
        headers += _common_crawl_headers(page)
    if location := page.front.get("location"):
        headers.append(("Location", location))
    if "chunked" not in wire:
        headers.append(("Content-Length", str(len(body))))
    return headers, body


def _content_type(page: SamplePage) -> str:
    declares = page.front.get("declared", "both") in {"both", "header"} and page.content_type.startswith(
        ("text/", "application/xhtml")
    )
    return f"{page.content_type}; charset={page.charset}" if declares else page.content_type


def _common_crawl_headers(page: SamplePage) -> list[tuple[str, str]]:
    """Common Crawl stores the decoded body and renames the headers that no longer hold."""
    packed = str(len(gzip.compress(page.body, mtime=0)) // 100 * 100)  # rounded: zlib builds differ by some bytes
    return [
        ("X-Crawl-Transfer-Encoding", "chunked"),
        ("Connection", "keep-alive"),
        ("Vary", "Accept-Encoding"),
        ("X-Crawl-Content-Encoding", "gzip"),
        ("X-Crawl-Content-Length", packed),
    ]


def _chunked(body: bytes, size: int = 4096) -> bytes:
    parts = [body[i : i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def _http_date(iso: str) -> str:
    return format_datetime(datetime.fromisoformat(iso), usegmt=True)


_ENCODERS = {"gzip": lambda body: gzip.compress(body, mtime=0), "br": brotli.compress, "chunked": _chunked}
_ENCODING_HEADERS = {
    "gzip": ("Content-Encoding", "gzip"),
    "br": ("Content-Encoding", "br"),
    "chunked": ("Transfer-Encoding", "chunked"),
}
