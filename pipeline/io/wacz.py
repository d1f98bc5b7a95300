"""WACZ: a zip file whose `archive/` entries are WARC files (WACZ 1.1.1). Only those entries are read.

Entries are normally stored, so a record's offset can be its byte offset in the WACZ itself. In a deflated entry
(against the specification) it is the offset in the inflated entry plus the position of the entry's zip header.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO, cast

from pipeline.errors import InputError
from pipeline.io.archive_records import Packing, detect_packing, read_records
from pipeline.io.byte_source import ByteSource
from pipeline.io.read_limits import ReadLimits
from pipeline.io.record_frames import Loss, Record

ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
LOCAL_HEADER_BYTES = 30
# What zipfile raises on damage, on methods it does not know, on encryption and on names that are not UTF-8.
ZIP_ERRORS = (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, struct.error, zlib.error, EOFError)


def is_zip(source: ByteSource) -> bool:
    """Whether the file begins like a zip file."""
    return source.read_at(0, 4) in ZIP_MAGICS


def read_wacz(source: ByteSource, limits: ReadLimits) -> Iterator[Record | Loss]:
    """Records of every WARC in the file, in order of the entries' position.

    Without a readable zip directory (it stands at the end, so a cut download has none) the gzip members in the file
    are searched for records.

    Raises:
        InputError: a sound zip file without WARC entries.
    """
    try:
        archive = zipfile.ZipFile(cast(BinaryIO, _SourceFile(source)))
    except ZIP_ERRORS as error:
        yield Loss(0, "damaged", f"zip directory: {error}")
        yield from read_records(source, Packing("gzip", by_member=True), limits)
        return
    with archive:
        entries = [e for e in archive.infolist() if e.filename.startswith("archive/") and e.file_size]
        if not entries:
            raise InputError("is a zip file without archive/*.warc.gz", where=source.name, hint="is this a WACZ?")
        for entry in sorted(entries, key=lambda e: e.header_offset):
            if entry.compress_type == zipfile.ZIP_STORED:
                yield from _read_stored(entry, source, limits)
            else:
                yield from _read_deflated(archive, entry, source, limits)


def _read_stored(entry: zipfile.ZipInfo, source: ByteSource, limits: ReadLimits) -> Iterator[Record | Loss]:
    head = source.read_at(entry.header_offset, LOCAL_HEADER_BYTES)
    if len(head) < LOCAL_HEADER_BYTES or not head.startswith(ZIP_MAGICS[0]):
        yield _entry_loss(entry, "is not where the directory says")
        return
    start = entry.header_offset + LOCAL_HEADER_BYTES + sum(struct.unpack("<HH", head[26:30]))  # name and extra field
    part = source.part(start, min(entry.file_size, source.size - start))
    yield from _shifted(part, start, limits)


def _read_deflated(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, source: ByteSource, limits: ReadLimits
) -> Iterator[Record | Loss]:
    try:
        handle = archive.open(entry)
    except ZIP_ERRORS as error:
        yield _entry_loss(entry, str(error))
        return
    with handle:
        readable = _ReadableEntry(cast(BinaryIO, handle))
        part = ByteSource(cast(BinaryIO, readable), source.name, entry.file_size)
        yield from _shifted(part, entry.header_offset, limits)
        if readable.damage:
            yield _entry_loss(entry, readable.damage)


def _entry_loss(entry: zipfile.ZipInfo, what: str) -> Loss:
    return Loss(max(entry.header_offset, 0), "damaged", f"zip entry {entry.filename!r}: {what}")


def _shifted(part: ByteSource, shift: int, limits: ReadLimits) -> Iterator[Record | Loss]:
    for item in read_records(part, detect_packing(part, limits), limits):
        yield replace(item, position=item.position + shift)


class _SourceFile:
    """The file interface that zipfile asks for, on top of a ByteSource."""

    def __init__(self, source: ByteSource) -> None:
        self._source, self._position = source, 0

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = 0) -> int:
        self._position = offset + (0, self._position, self._source.size)[whence]
        return self._position

    def read(self, count: int = -1) -> bytes:
        data = self._source.read_at(self._position, self._source.size if count < 0 else count)
        self._position += len(data)
        return data


class _ReadableEntry:
    """A zip entry that ends where it stops inflating; what went wrong is kept in `damage`."""

    def __init__(self, handle: BinaryIO) -> None:
        self._handle, self.damage = handle, ""

    def seek(self, position: int) -> int:
        try:
            return self._handle.seek(position)
        except ZIP_ERRORS as error:
            self.damage = str(error)
            return position

    def read(self, count: int) -> bytes:
        if self.damage:
            return b""
        try:
            return self._handle.read(count)
        except ZIP_ERRORS as error:
            self.damage = str(error)
            return b""
