"""Is this the record that was asked for, whole? Checked before a byte of it goes into our archive.

A gzip record must be exactly one member with a right CRC; it must inflate to exactly one WARC record whose length is
the one it states, whose digest is right, and whose URL is the one asked for. Memory is bounded: records are inflated
piece by piece. Formats: WARC 1.1 (ISO 28500), RFC 1952.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.io.fetch.surt import UrlRefused, surt_key

RECORD_REASONS: tuple[str, ...] = (
    "not_a_record",  # no WARC record begins there
    "damaged",  # gzip CRC, a cut member, or a length that is not the stated one
    "digest",  # the bytes are not those the record's own digest is of
    "other_record",  # a whole record, of another URL
    "too_large",  # inflates to more than MAX_INFLATED_BYTES
    "beyond_end",  # the file ends before the record does
)
MAX_INFLATED_BYTES = 2 << 30
MAX_HEAD_BYTES = 256 << 10
PIECE_BYTES = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"
_HTTP_END = re.compile(rb"\r?\n\r?\n")
_END = b"\r\n\r\n"


class RecordRefused(Exception):
    """Bytes that are not the record asked for; `reason` is one of RECORD_REASONS."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """What a checked record says of itself."""

    record_type: str
    url: str
    date: str
    tail: bytes  # what ends the record: CR LF CR LF, or less


def check_record(data: bytes, url: str = "") -> RecordFacts:
    """Check one record as stored: one gzip member, or plain bytes.

    Args:
        data: exactly the bytes at the record's offset and length.
        url: asked for; "" if unknown. Compared by SURT key.

    Raises:
        RecordRefused: with one of RECORD_REASONS.
    """
    pieces = _inflated(data) if data.startswith(GZIP_MAGIC) else iter((data,))
    head, pieces = _head(pieces)
    fields = _fields(head)
    tail = _check_block(fields, pieces)
    found = fields.get("warc-target-uri", "").strip("<>")
    if url and not _same_page(url, found):
        raise RecordRefused("other_record", f"it is of {found[:200]!r}")
    return RecordFacts(fields.get("warc-type", ""), found, fields.get("warc-date", ""), tail)


def _inflated(data: bytes) -> Iterator[bytes]:
    inflate = zlib.decompressobj(31)
    size = 0
    while not inflate.eof:
        try:
            piece = inflate.decompress(data, PIECE_BYTES)
        except zlib.error as error:
            raise RecordRefused("damaged", str(error)) from error
        data = inflate.unconsumed_tail
        size += len(piece)
        if size > MAX_INFLATED_BYTES:
            raise RecordRefused("too_large", f"more than {MAX_INFLATED_BYTES} bytes")
        if not piece and not inflate.eof and not data:
            raise RecordRefused("damaged", "the gzip member is cut off")
        yield piece
    if inflate.unused_data:
        raise RecordRefused("damaged", "bytes after the gzip member: the length is not the record's")


def _head(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The record's header, and the pieces after it."""
    held = b""
    for piece in pieces:
        held += piece
        if not b"WARC/".startswith(held[:5]):
            raise RecordRefused("not_a_record", f"begins with {held[:16]!r}")
        end = held.find(_END)
        if end >= 0:
            return held[:end], _after(held[end + len(_END) :], pieces)
        if len(held) > MAX_HEAD_BYTES:
            break
    raise RecordRefused("not_a_record" if len(held) < 5 else "damaged", "no end of the header")


def _after(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _fields(head: bytes) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in head.decode("utf-8", "replace").split("\r\n")[1:]:
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), value.strip())
    return fields


def _check_block(fields: dict[str, str], pieces: Iterator[bytes]) -> bytes:
    """Check length and digest of the block; returns what stands after it."""
    stated = fields.get("content-length", "")
    if not stated.isascii() or not stated.isdigit() or len(stated) > 15:
        raise RecordRefused("damaged", "no Content-Length")
    left, tail = int(stated), b""
    digest = _digest(fields.get("warc-block-digest", "")) or _payload_digest(fields)
    for piece in pieces:
        body, piece = piece[:left], piece[left:]
        left -= len(body)
        if digest:
            digest.update(body)
        tail += piece
        if len(tail) > len(_END):
            raise RecordRefused("damaged", "more bytes than the record's length")
    if left:
        raise RecordRefused("damaged", f"{left} bytes are missing")
    if tail not in (_END, b"\r\n", b"\n\n", b""):
        raise RecordRefused("damaged", "does not end as a record does")
    if digest:
        digest.check()
    return tail


@dataclass(slots=True)
class _Digest:
    stated: str
    hash: Any

    def update(self, data: bytes) -> None:
        self.hash.update(data)

    def check(self) -> None:
        if not _equal(self.stated, self.hash):
            raise RecordRefused("digest", f"the record states {self.stated[:80]}")


@dataclass(slots=True)
class _Payload:
    """Digest of what follows the HTTP header; some writers took it after undoing chunks, which is accepted too."""

    stated: str
    hash: Any
    head: bytes = b""
    body: bool = False
    chunked: bool = False

    def update(self, data: bytes) -> None:
        if not self.body:
            self.head += data
            match = _HTTP_END.search(self.head)
            if match is None:
                return
            self.body, data = True, self.head[match.end() :]
            self.chunked = b"chunked" in self.head[: match.end()].lower()
        self.hash.update(data)

    def check(self) -> None:
        if self.body and not self.chunked and not _equal(self.stated, self.hash):
            raise RecordRefused("digest", f"the record states {self.stated[:80]}")


def _digest(stated: str) -> _Digest | None:
    made = _hash(stated)
    return _Digest(stated, made) if made else None


def _payload_digest(fields: dict[str, str]) -> _Payload | None:
    made = _hash(fields.get("warc-payload-digest", ""))
    whole = fields.get("warc-type") == "response" and "http" in fields.get("content-type", "")
    return _Payload(fields["warc-payload-digest"], made) if made and whole else None


def _hash(stated: str) -> Any:
    name = stated.partition(":")[0].lower().replace("-", "")
    return hashlib.new(name, usedforsecurity=False) if name in ("sha1", "sha256", "md5") else None


def _equal(stated: str, made: Any) -> bool:
    value = stated.partition(":")[2].strip()
    return value.upper() == base64.b32encode(made.digest()).decode() or value.lower() == made.hexdigest()


def _same_page(asked: str, found: str) -> bool:
    if asked == found:
        return True
    try:
        return surt_key(asked) == surt_key(found)
    except UrlRefused:
        return False
