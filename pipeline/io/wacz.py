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
from pipeline.io.archive_records import detect_packing, read_records
from pipeline.io.byte_source import ByteSource
from pipeline.io.read_limits import ReadLimits
from pipeline.io.record_frames import Loss, Record

ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
LOCAL_HEADER_BYTES = 30
HINT = "fetch it again, or unpack it and name the files under archive/"


def is_zip(source: ByteSource) -> bool:
    """Whether the file begins like a zip file."""
    return source.read_at(0, 4) in ZIP_MAGICS


def read_wacz(source: ByteSource, limits: ReadLimits) -> Iterator[Record | Loss]:
    """Records of every WARC in the file, in order of the entries' position.

    Raises:
        InputError: no readable zip directory, or no WARC in it.
    """
    try:
        with zipfile.ZipFile(cast(BinaryIO, _SourceFile(source))) as archive:
            entries = [e for e in archive.infolist() if e.filename.startswith("archive/") and e.file_size]
            if not entries:
                raise InputError("is a zip file without archive/*.warc.gz", where=source.name, hint="is this a WACZ?")
            for entry in sorted(entries, key=lambda e: e.header_offset):
                yield from _read_entry(archive, entry, source, limits)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:  # damaged, odd method, encrypted
        raise InputError(f"cannot be read as zip: {error}", where=source.name, hint=HINT) from error


def _read_entry(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, source: ByteSource, limits: ReadLimits
) -> Iterator[Record | Loss]:
    if entry.compress_type == zipfile.ZIP_STORED:
        start = _data_start(source, entry)
        part = source.part(start, min(entry.file_size, source.size - start))
        yield from _shifted(part, start, limits)
        return
    with archive.open(entry) as handle:
        readable = _ReadableEntry(cast(BinaryIO, handle))
        part = ByteSource(cast(BinaryIO, readable), source.name, entry.file_size)
        yield from _shifted(part, entry.header_offset, limits)
        if readable.damage:
            yield Loss(entry.header_offset, "damaged", f"zip entry {entry.filename!r}: {readable.damage}")


def _shifted(part: ByteSource, shift: int, limits: ReadLimits) -> Iterator[Record | Loss]:
    for item in read_records(part, detect_packing(part, limits), limits):
        yield replace(item, position=item.position + shift)


def _data_start(source: ByteSource, entry: zipfile.ZipInfo) -> int:
    head = source.read_at(entry.header_offset, LOCAL_HEADER_BYTES)
    if len(head) < LOCAL_HEADER_BYTES or not head.startswith(ZIP_MAGICS[0]):
        raise InputError(f"zip entry {entry.filename!r} is not where it should be", where=source.name, hint=HINT)
    name_bytes, extra_bytes = struct.unpack("<HH", head[26:30])
    return int(entry.header_offset + LOCAL_HEADER_BYTES + name_bytes + extra_bytes)


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
        except (zlib.error, zipfile.BadZipFile, EOFError) as error:
            self.damage = str(error)
            return position

    def read(self, count: int) -> bytes:
        if self.damage:
            return b""
        try:
            return self._handle.read(count)
        except (zlib.error, zipfile.BadZipFile, EOFError) as error:
            self.damage = str(error)
            return b""
