"""gzip members, zstd frames and lz4 frames: inflate one at a time, bounded, and find the next one after damage.

All three formats are sequences of independent members. `Member.pull` hands out bounded chunks and afterwards `end` says
where the next member begins, which is what gives records their offsets (RFC 1952, RFC 8878, LZ4 frame format 1.6).
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable
from typing import Protocol

import lz4.frame
import zstandard

from pipeline.io.byte_source import ByteSource
from pipeline.io.read_limits import ReadLimits

FIRST_SLICE_BYTES = 16 << 10  # most records fit in a few slices; small first reads keep tiny members cheap
SLICE_BYTES = 64 << 10
CHUNK_BYTES = 1 << 20
SCAN_BYTES = 1 << 20
PROBE_BYTES = 4 << 10
MAX_DICTIONARY_BYTES = 16 << 20
ZSTD_MAX_WINDOW_BYTES = 1 << 27
ZSTD_MAX_BLOCK_BYTES = 128 << 10
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
WBITS_GZIP, WBITS_ZLIB, WBITS_RAW = 31, 15, -15


class MemberDamaged(Exception):
    """A member cannot be inflated further. `reason` is one of warc.BAD_RECORD_REASONS."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


class Member(Protocol):
    """One compressed member being read."""

    end: int  # position after the member; valid once pull() returned b""

    def pull(self) -> bytes:
        """Next chunk (at most CHUNK_BYTES), b"" at the end.

        Raises:
            MemberDamaged: reason truncated, damaged or inflate_ratio.
        """


class Meter:
    """Stops a member whose output is out of proportion to its input."""

    __slots__ = ("_floor_bytes", "_ratio", "bytes_in", "bytes_out")

    def __init__(self, limits: ReadLimits) -> None:
        self._ratio, self._floor_bytes = limits.max_inflate_ratio, limits.inflate_floor_bytes
        self.bytes_in = self.bytes_out = 0

    def add(self, bytes_in: int, bytes_out: int) -> None:
        self.bytes_in += bytes_in
        self.bytes_out += bytes_out
        if self.bytes_out > self._floor_bytes and self.bytes_out > self._ratio * self.bytes_in:
            raise MemberDamaged("inflate_ratio", f"{self.bytes_in} bytes inflate to more than {self.bytes_out}")


class InflateMember:
    """One deflate stream: gzip member (default), zlib, or raw deflate by `wbits`."""

    def __init__(self, source: ByteSource, position: int, limits: ReadLimits, wbits: int = WBITS_GZIP) -> None:
        self.end = position
        self._source, self._inflater, self._meter = source, zlib.decompressobj(wbits), Meter(limits)
        self._slice_bytes = FIRST_SLICE_BYTES

    def pull(self) -> bytes:
        inflater = self._inflater
        while not inflater.eof:
            data = inflater.unconsumed_tail or self._read()
            try:
                out = inflater.decompress(data, CHUNK_BYTES)
            except zlib.error as error:
                raise MemberDamaged("damaged", f"deflate: {error}") from error
            left = len(inflater.unused_data) if inflater.eof else len(inflater.unconsumed_tail)
            self._meter.add(len(data) - left, len(out))
            if inflater.eof:
                self.end -= left
            if out:
                return out
        return b""

    def _read(self) -> bytes:
        data = self._source.read_at(self.end, self._slice_bytes)
        if not data:
            raise MemberDamaged("truncated", "the file ends inside a compressed member")
        self.end += len(data)
        self._slice_bytes = SLICE_BYTES
        return data


class Lz4Member:
    """One lz4 frame."""

    def __init__(self, source: ByteSource, position: int, limits: ReadLimits) -> None:
        self.end = position
        self._source, self._decoder, self._meter = source, lz4.frame.LZ4FrameDecompressor(), Meter(limits)

    def pull(self) -> bytes:
        while not self._decoder.eof:
            data = self._read() if self._decoder.needs_input else b""
            try:
                out: bytes = self._decoder.decompress(data, max_length=CHUNK_BYTES)
            except (RuntimeError, EOFError) as error:  # what lz4.frame raises on bad data
                raise MemberDamaged("damaged", f"lz4: {error}") from error
            self._meter.add(len(data), len(out))
            if self._decoder.eof:
                self.end -= len(self._decoder.unused_data or b"")
            if out:
                return out
        return b""

    def _read(self) -> bytes:
        data = self._source.read_at(self.end, SLICE_BYTES)
        if not data:
            raise MemberDamaged("truncated", "the file ends inside an lz4 frame")
        self.end += len(data)
        return data


class ZstdMember:
    """One zstd frame, fed block by block: a block inflates to at most 128 KiB, which bounds memory."""

    def __init__(self, source: ByteSource, position: int, limits: ReadLimits, dictionary: bytes = b"") -> None:
        self.end = position
        self._source, self._meter = source, Meter(limits)
        words = zstandard.ZstdCompressionDict(dictionary) if dictionary else None
        self._decoder = zstandard.ZstdDecompressor(words, max_window_size=ZSTD_MAX_WINDOW_BYTES).decompressobj()
        self._started = self._done = False
        self._checksum_bytes = 0

    def pull(self) -> bytes:
        while not self._done:
            data = self._block() if self._started else self._header()
            try:
                out = self._decoder.decompress(data)
            except zstandard.ZstdError as error:
                raise MemberDamaged("damaged", f"zstd: {error}") from error
            self._meter.add(len(data), len(out))
            if out:
                return out
        return b""

    def _header(self) -> bytes:
        descriptor = self._take(5)[4]
        single, dictionary_flag = descriptor >> 5 & 1, descriptor & 3
        self._checksum_bytes = (descriptor >> 2 & 1) * 4
        size_bytes = (single, 2, 4, 8)[descriptor >> 6]
        self._started = True
        rest = (1 - single) + (0, 1, 2, 4)[dictionary_flag] + size_bytes
        return self._source.read_at(self.end - 5, 5) + self._take(rest)

    def _block(self) -> bytes:
        head = self._take(3)
        bits = int.from_bytes(head, "little")
        last, kind, size = bits & 1, bits >> 1 & 3, bits >> 3
        if kind == 3 or size > ZSTD_MAX_BLOCK_BYTES:
            raise MemberDamaged("damaged", "zstd: impossible block header")
        self._done = bool(last)
        return head + self._take((1 if kind == 1 else size) + (self._checksum_bytes if last else 0))

    def _take(self, count: int) -> bytes:
        data = self._source.read_at(self.end, count)
        if len(data) < count:
            raise MemberDamaged("truncated", "the file ends inside a zstd frame")
        self.end += count
        return data


class SkippableFrame:
    """A zstd or lz4 skippable frame: no content of its own."""

    def __init__(self, source: ByteSource, position: int) -> None:
        head = source.read_at(position, 8)
        self.end = position + 8 + (struct.unpack("<I", head[4:])[0] if len(head) == 8 else 0)
        self._cut = len(head) < 8 or self.end > source.size

    def pull(self) -> bytes:
        if self._cut:
            raise MemberDamaged("truncated", "the file ends inside a skippable frame")
        return b""


SKIPPABLE = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")
MAGICS: dict[str, re.Pattern[bytes]] = {
    "gzip": re.compile(rb"\x1f\x8b\x08[\x00-\x1f]"),
    "zstd": re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"),
    "lz4": re.compile(rb"\x04\x22\x4d\x18|[\x50-\x5f]\x2a\x4d\x18"),
}


def codec_at(source: ByteSource, position: int) -> str:
    """Codec whose magic stands at `position`, "" for none."""
    head = source.read_at(position, 4)
    return next((name for name, magic in MAGICS.items() if magic.match(head)), "")


class Members:
    """Opens members of one codec in one source."""

    def __init__(self, source: ByteSource, codec: str, limits: ReadLimits) -> None:
        self.source, self.codec, self.limits = source, codec, limits
        self._magic = MAGICS[codec]
        self._dictionary = _dictionary(source, limits) if codec == "zstd" else b""

    def starts_at(self, position: int) -> bool:
        return self._magic.match(self.source.read_at(position, 4)) is not None

    def open(self, position: int) -> Member:
        """The member at `position`, which must be one where `starts_at` holds."""
        if self.codec == "gzip":
            return InflateMember(self.source, position, self.limits)
        if SKIPPABLE.match(self.source.read_at(position, 4)):
            return SkippableFrame(self.source, position)
        if self.codec == "zstd":
            return ZstdMember(self.source, position, self.limits, self._dictionary)
        return Lz4Member(self.source, position, self.limits)

    def find(self, position: int, accept: Callable[[bytes], bool], stop: int | None = None) -> int:
        """First position >= `position` where a member starts whose first bytes satisfy `accept`; `stop` if none."""
        stop = self.source.size if stop is None else min(stop, self.source.size)
        while position < stop:
            data = self.source.read_at(position, SCAN_BYTES + 3)
            for hit in self._magic.finditer(data):
                if hit.start() < SCAN_BYTES and accept(self._first_bytes(position + hit.start())):
                    return min(position + hit.start(), stop)
            position += SCAN_BYTES
        return stop

    def _first_bytes(self, position: int) -> bytes:
        """First output of the member at `position`, from a few KiB of input; b"" if it does not inflate."""
        try:
            if self.codec == "gzip":
                return zlib.decompressobj(WBITS_GZIP).decompress(
                    self.source.read_at(position, PROBE_BYTES), PROBE_BYTES
                )
            return self.open(position).pull()
        except (zlib.error, MemberDamaged):
            return b""


def _dictionary(source: ByteSource, limits: ReadLimits) -> bytes:
    """Dictionary of a .warc.zst file: its first frame is skippable with magic 0x184D2A5D (IIPC WARC zstd draft)."""
    head = source.read_at(0, 8)
    if head[:4] != b"\x5d\x2a\x4d\x18" or len(head) < 8:
        return b""
    size = struct.unpack("<I", head[4:])[0]
    raw = source.read_at(8, min(size, MAX_DICTIONARY_BYTES))
    if not raw.startswith(ZSTD_MAGIC):
        return raw
    member, inflated = ZstdMember(source, 8, limits), bytearray()
    try:
        while (chunk := member.pull()) and len(inflated) <= MAX_DICTIONARY_BYTES:
            inflated += chunk
    except MemberDamaged:  # every frame that needs the dictionary will say so itself
        return b""
    return bytes(inflated)
