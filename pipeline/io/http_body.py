"""An HTTP response block to status, headers and decoded body.

Transfer and content codings are undone only where the bytes agree with the header: archives often keep the header of a
body that they store decoded (Common Crawl renames it, ClueWeb does not). Sources: RFC 9112 (chunked), RFC 9110 8.4.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass

import brotli

from pipeline.io.byte_source import ByteSource
from pipeline.io.compressed_members import (
    SLICE_BYTES,
    WBITS_GZIP,
    WBITS_RAW,
    WBITS_ZLIB,
    ZSTD_MAGIC,
    InflateMember,
    Member,
    MemberDamaged,
    Meter,
    ZstdMember,
)
from pipeline.io.read_limits import ReadLimits

MAX_CODINGS = 4
MAX_CHUNK_LINE_BYTES = 1 << 10
SNIFF_BYTES = 512
_STATUS_LINE = re.compile(rb"HTTP/\d(?:\.\d)?[ \t]+(\d{3})(?:[ \t\r\n]|$)")
_CHUNK_LINE = re.compile(rb"[ \t]*([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]{0,900})?\r?\n")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_IDENTITY = frozenset({"", "identity", "none", "binary", "7bit", "8bit"})


class BodyRefused(Exception):
    """A response that cannot become a page; `reason` is one of warc.BAD_RECORD_REASONS."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True, slots=True)
class HttpHead:
    """Status and headers (Latin-1, order and duplicates kept); the body begins at `body_start` of the block."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body_start: int

    def values(self, name: str) -> str:
        """All values of a header, comma-joined and lower-case; `name` in lower case."""
        return ",".join(value for key, value in self.headers if key.lower() == name).lower()


def parse_http_head(block: bytes, limits: ReadLimits) -> HttpHead:
    """Status line and headers of a response block.

    Raises:
        BodyRefused: malformed_http (no status line) or headers_too_large.
    """
    status = _STATUS_LINE.match(block)
    if not status:
        raise BodyRefused("malformed_http", f"no status line: {block[:40]!r}")
    crlf = block.find(b"\n\r\n", 0, limits.max_header_bytes)
    bare = block.find(b"\n\n", 0, limits.max_header_bytes if crlf < 0 else crlf + 1)
    end = bare + 2 if bare >= 0 else crlf + 3 if crlf >= 0 else len(block)
    if end > limits.max_header_bytes:
        raise BodyRefused("headers_too_large", f"no end of the HTTP headers in {limits.max_header_bytes} bytes")
    return HttpHead(int(status[1]), _headers(block[:end]), end)


def _headers(head: bytes) -> tuple[tuple[str, str], ...]:
    pairs: list[tuple[str, str]] = []
    for line in head.decode("latin-1").split("\n")[1:]:
        if line[:1] in (" ", "\t") and pairs:
            pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]} {line.strip()}".strip())
            continue
        name, colon, value = line.partition(":")
        if colon and name.strip():
            pairs.append((name.strip(), value.strip()))
    return tuple(pairs)


def decode_body(head: HttpHead, body: bytes, limits: ReadLimits) -> tuple[bytes, str]:
    """Body with its codings undone, and what cut it short: "", "chunked", "content-coding" or both, comma-joined.

    Raises:
        BodyRefused: bad_content_encoding, truncated (cut before the first byte), inflate_ratio, record_too_large.
    """
    cuts: list[str] = []
    transfer = [token.strip() for token in head.values("transfer-encoding").split(",")]
    if "chunked" in transfer:
        body, complete = unchunk(body)
        if not complete:
            cuts.append("chunked")
    codings = [t for t in head.values("content-encoding").split(",") + transfer if t.strip() != "chunked"]
    codings = [coding.strip() for coding in codings if coding.strip() not in _IDENTITY]
    if len(codings) > MAX_CODINGS:
        raise BodyRefused("bad_content_encoding", f"{len(codings)} codings stacked")
    for coding in reversed(codings):
        body, complete = _decode(coding, body, limits)
        if not complete:
            cuts.append("content-coding")
    if len(body) > limits.max_body_bytes:
        raise BodyRefused("record_too_large", f"body of {len(body)} bytes")
    return body, ",".join(dict.fromkeys(cuts))


def unchunk(body: bytes) -> tuple[bytes, bool]:
    """Body without chunk framing, and whether the last chunk was seen. An unframed body is returned as it is."""
    parts: list[bytes] = []
    position = 0
    while line := _CHUNK_LINE.match(body, position, position + MAX_CHUNK_LINE_BYTES):
        size = int(line[1], 16)
        if size == 0:
            return b"".join(parts), True
        chunk = body[line.end() : line.end() + size]
        position = line.end() + size
        separator = body[position : position + 2]
        if not parts and separator and not separator.startswith((b"\n", b"\r\n")):
            return body, True  # the first line only looked like a chunk size
        parts.append(chunk)
        position += 2 if separator == b"\r\n" else 1 if separator[:1] == b"\n" else 0
    return (b"".join(parts), False) if parts else (body, True)


def looks_decoded(body: bytes) -> bool:
    """Whether the beginning is text: compressed data hits a C0 control byte within a few dozen bytes."""
    return _CONTROL.search(body, 0, SNIFF_BYTES) is None


def _decode(coding: str, body: bytes, limits: ReadLimits) -> tuple[bytes, bool]:
    if not body:
        return body, True
    if coding in ("gzip", "x-gzip"):
        return _by_magic(body, b"\x1f\x8b", coding, limits)
    if coding == "zstd":
        return _by_magic(body, ZSTD_MAGIC, coding, limits)
    if coding == "deflate":
        zlib_header = len(body) > 1 and body[0] & 15 == 8 and int.from_bytes(body[:2]) % 31 == 0
        return _tried(coding, body, limits, "zlib" if zlib_header else "raw")
    if coding == "br":
        return _tried(coding, body, limits, "br")
    if looks_decoded(body):
        return body, True  # e.g. "Content-Encoding: UTF-8"
    raise BodyRefused("bad_content_encoding", f"unknown coding {coding[:40]!r}")


def _by_magic(body: bytes, magic: bytes, coding: str, limits: ReadLimits) -> tuple[bytes, bool]:
    """Formats with a magic number: its absence means that the body is stored decoded."""
    if not body.startswith(magic):
        if looks_decoded(body) or not magic.startswith(body[: len(magic)]):
            return body, True
        raise BodyRefused("truncated", f"only {len(body)} bytes of {coding}")
    return _accept(coding, *_run(body, "gzip" if coding.endswith("gzip") else coding, limits))


def _tried(coding: str, body: bytes, limits: ReadLimits, variant: str) -> tuple[bytes, bool]:
    """Formats without a magic number: believed when they decode to their end, else text stays as it is."""
    out, damage = _run(body, variant, limits)
    if damage is not None and damage.reason != "inflate_ratio" and looks_decoded(body):
        return body, True
    return _accept(coding, out, damage)


def _accept(coding: str, out: bytes, damage: MemberDamaged | None) -> tuple[bytes, bool]:
    if damage is None:
        return out, True
    if damage.reason == "truncated" and out:
        return out, False
    reason = "bad_content_encoding" if damage.reason == "damaged" else damage.reason
    raise BodyRefused(reason, f"{coding}: {damage.detail}")


def _run(body: bytes, variant: str, limits: ReadLimits) -> tuple[bytes, MemberDamaged | None]:
    """All output of the coded body, and the damage that ended it early."""
    source = ByteSource(io.BytesIO(body), "body", len(body))
    out, position = bytearray(), 0
    try:
        while position < len(body):
            member = _open_variant(variant, source, position, limits)
            while chunk := member.pull():
                out += chunk
                if len(out) > limits.max_body_bytes:
                    raise MemberDamaged("record_too_large", f"inflates to more than {limits.max_body_bytes} bytes")
            position = member.end
            if variant not in ("gzip", "zstd") or body[position : position + 2] not in (b"\x1f\x8b", b"\x28\xb5"):
                break  # anything but a further member is padding
    except MemberDamaged as damage:
        return bytes(out), damage
    return bytes(out), None


def _open_variant(variant: str, source: ByteSource, position: int, limits: ReadLimits) -> Member:
    if variant == "zstd":
        return ZstdMember(source, position, limits)
    if variant == "br":
        return BrotliStream(source, limits)
    return InflateMember(source, position, limits, {"gzip": WBITS_GZIP, "zlib": WBITS_ZLIB, "raw": WBITS_RAW}[variant])


class BrotliStream:
    """A brotli stream (RFC 7932); it carries no magic number and no checksum."""

    def __init__(self, source: ByteSource, limits: ReadLimits) -> None:
        self.end = 0
        self._source, self._decoder, self._meter = source, brotli.Decompressor(), Meter(limits)

    def pull(self) -> bytes:
        while not self._decoder.is_finished():
            data = b""
            if self._decoder.can_accept_more_data():
                data = self._source.read_at(self.end, SLICE_BYTES)
                self.end += len(data)
                if not data:
                    raise MemberDamaged("truncated", "brotli stream ends early")
            try:
                out: bytes = self._decoder.process(data, output_buffer_limit=SLICE_BYTES)
            except brotli.error as error:
                raise MemberDamaged("damaged", f"brotli: {error}") from error
            self._meter.add(len(data), len(out))
            if out:
                return out
        return b""
