"""WARC bytes for the reader's tests: hand-framed records, so that damage can be put at a known place, and packers."""

import gzip
import io
from pathlib import Path

import lz4.frame
import zstandard
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from pipeline.document import Page
from pipeline.io.warc import BadRecord, Skipped, Split, read_split

DATE = "2024-02-21T09:30:00Z"


def http(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", "Content-Type: text/html", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def record(block: bytes, url="http://example.org/", kind="response", extra=(), length=None, end=b"\r\n\r\n") -> bytes:
    lines = ["WARC/1.0", f"WARC-Type: {kind}", f"WARC-Date: {DATE}", f"WARC-Target-URI: {url}", *extra]
    lines += [f"Content-Length: {len(block) if length is None else length}", "", ""]
    return "\r\n".join(lines).encode() + block + end


def page(number: int, block: bytes = b"") -> bytes:
    return record(block or http(f"<p>page {number}</p>".encode()), f"http://example.org/{number}")


def gz(data: bytes) -> bytes:
    return gzip.compress(data, 6, mtime=0)


def zst(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=3, write_checksum=True).compress(data)


def lz(data: bytes) -> bytes:
    return lz4.frame.compress(data, content_checksum=True)


def identity(data: bytes) -> bytes:
    return data


PACKERS = {"plain": identity, "gzip": gz, "zstd": zst, "lz4": lz}


def write(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


def read(path: str, limits=None, start=0, end=None) -> list[Page | BadRecord | Skipped]:
    split = Split(path, start, end)
    return list(read_split(split, limits) if limits else read_split(split))


def pages(items) -> list[Page]:
    return [item for item in items if isinstance(item, Page)]


def bad(items) -> list[BadRecord]:
    return [item for item in items if isinstance(item, BadRecord)]


def urls(items) -> list[str]:
    return [item.url.rsplit("/", 1)[-1] for item in pages(items)]


def warcio_archive(bodies: list[bytes], compress: bool) -> bytes:
    """A warcinfo and one 200 response per body, written by warcio."""
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=compress)
    writer.write_record(writer.create_warcinfo_record("x.warc.gz", {"software": "test"}))
    for number, body in enumerate(bodies):
        headers = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.1")
        url = f"http://example.org/{number}"
        writer.write_record(
            writer.create_warc_record(url, "response", payload=io.BytesIO(body), length=len(body), http_headers=headers)
        )
    return out.getvalue()
