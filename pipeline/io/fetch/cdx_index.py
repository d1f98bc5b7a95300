"""CDX and CDXJ indexes: plain or gzip files read through, and zipnum collections (cluster.idx) read by block.

CDXJ lines are `surt timestamp {json}`; CDX lines have 9 to 11 space-separated fields, named by a header line
` CDX N b a m s k r M S V g` or, without one, in that order. A line that is neither is counted, not guessed at.
Zipnum: every block of a cdx-NNNNN.gz is a gzip member of some 3000 lines; cluster.idx names the first key of each.
"""

from __future__ import annotations

import calendar
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.errors import InputError
from pipeline.io.fetch.captures import INDEX_SCHEMA
from pipeline.io.fetch.retry import Reader
from pipeline.io.fetch.surt import UrlRefused
from pipeline.io.fetch.url_rules import screened_range

PIECE_BYTES = 16 << 20  # of lines held at a time when a file is read through
MAX_LINE_BYTES = 1 << 20
MAX_BLOCK_BYTES = 64 << 20  # of one zipnum block, inflated
DEFAULT_FIELDS = tuple("NbamskrMSVg")
_NAMES = {"a": "url", "m": "mime", "s": "status", "k": "digest", "S": "length", "V": "offset", "g": "filename"}


@dataclass(frozen=True, slots=True)
class CdxPiece:
    """Some lines of an index, with the keys that bound them."""

    lines: list[bytes]
    fields: tuple[str, ...]
    bytes: int

    @property
    def rows(self) -> int:
        return len(self.lines)

    @property
    def low(self) -> str | None:
        return None  # the lines are here already: nothing to save

    @property
    def high(self) -> str | None:
        return None

    def keys(self) -> pa.Array:
        """SURT keys, shape (rows,)."""
        keys = [line.partition(b" ")[0].decode("utf-8", "replace") for line in self.lines]
        return pa.array(keys, pa.string())

    def captures(self, rows: np.ndarray, keys: pa.Array) -> pa.Table:
        """The named rows as INDEX_SCHEMA. A line that cannot be read keeps its key, with an empty file name."""
        found = [_parsed(self.lines[row], self.fields) for row in rows.tolist()]
        columns: dict[str, Any] = {name: [row[name] for row in found] for name in INDEX_SCHEMA.names[1:]}
        columns["surt"] = keys.take(pa.array(rows))
        return pa.table({name: columns[name] for name in INDEX_SCHEMA.names}, schema=INDEX_SCHEMA)


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a zipnum file: keys in [low, high] (high "" is unknown), its place in `path`."""

    path: str
    offset: int
    length: int
    low: str
    high: str


def file_pieces(reader: Reader, path: str) -> Iterator[CdxPiece]:
    """A whole .cdx, .cdxj (also gzip) file, in pieces.

    Raises:
        InputError: damaged compression, or a line longer than MAX_LINE_BYTES.
    """
    fields = DEFAULT_FIELDS
    for lines, size in _line_groups(_inflated(reader, path), reader.store.base + path):
        if lines and lines[0].startswith(b" CDX "):
            fields = tuple(lines[0].decode("ascii", "replace").split()[1:])
            lines = lines[1:]
        yield CdxPiece([line for line in lines if line.strip()], fields, size)


def block_pieces(reader: Reader, blocks: Iterable[Block], max_gap_bytes: int = 0) -> Iterator[CdxPiece]:
    """Blocks of zipnum files; blocks that follow each other are read by one request.

    Raises:
        InputError: a block is no gzip, or too large.
    """
    for path, start, stop in _joined(blocks, max_gap_bytes):
        data = reader.read(path, start, stop)
        lines = _gunzip(data, f"{reader.store.base}{path}:{start}").split(b"\n")
        yield CdxPiece([line for line in lines if line.strip()], DEFAULT_FIELDS, len(data))


def cluster_blocks(reader: Reader, path: str) -> Iterator[Block]:
    """Blocks that a cluster.idx names, in order of their keys; paths are relative to the reader's base.

    Lines are `surt timestamp TAB file TAB offset TAB length TAB number`.

    Raises:
        InputError: a line of another form.
    """
    folder = path.rpartition("/")[0]
    before: Block | None = None
    number = 0
    for lines, _ in _line_groups(_inflated(reader, path), reader.store.base + path):
        for line in lines:
            number += 1
            if not line.strip():
                continue
            block = _block(line, folder, f"{reader.store.base}{path}:{number}")
            if before:
                yield Block(before.path, before.offset, before.length, before.low, block.low)
            before = block
    if before:
        yield before


def _block(line: bytes, folder: str, where: str) -> Block:
    parts = line.decode("utf-8", "replace").split("\t")
    try:
        key, name, offset, length = parts[0], parts[1], int(parts[2]), int(parts[3])
    except (IndexError, ValueError) as error:
        raise InputError("is no line of a cluster.idx", where=where, expected="key, file, offset, length") from error
    if "/" in name or name in (".", "..") or not 0 < length <= MAX_BLOCK_BYTES or offset < 0:
        raise InputError(f"names an impossible block: {name[:80]!r}", where=where, hint="fetch the index again")
    return Block(f"{folder}/{name}" if folder else name, offset, length, key.partition(" ")[0], "")


def _joined(blocks: Iterable[Block], max_gap_bytes: int) -> Iterator[tuple[str, int, int]]:
    current: tuple[str, int, int] | None = None
    for block in blocks:
        stop = block.offset + block.length
        near = current and block.path == current[0] and 0 <= block.offset - current[2] <= max_gap_bytes
        if current and near and stop - current[1] <= PIECE_BYTES // 8:
            current = (current[0], current[1], stop)
            continue
        if current:
            yield current
        current = (block.path, block.offset, stop)
    if current:
        yield current


def _inflated(reader: Reader, path: str) -> Iterator[bytes]:
    """The file's text, gunzipped where it is gzip (any number of members)."""
    inflate: Any = None
    first, within = True, False
    for chunk in reader.chunks(path, 0):
        if first:
            inflate = zlib.decompressobj(31) if chunk[:2] == b"\x1f\x8b" else None
            first = False
        if inflate is None:
            yield chunk
            continue
        while chunk:
            try:
                yield inflate.decompress(chunk, PIECE_BYTES)
            except zlib.error as error:
                raise InputError(f"damaged: {error}", where=reader.store.base + path) from error
            chunk = inflate.unconsumed_tail or inflate.unused_data
            within = not inflate.eof
            if inflate.eof:
                inflate = zlib.decompressobj(31)
    if within:
        raise InputError("is cut off", where=reader.store.base + path, hint="fetch it again")


def _gunzip(data: bytes, where: str) -> bytes:
    parts, size = [], 0
    try:
        while data:
            inflate = zlib.decompressobj(31)
            parts.append(inflate.decompress(data, MAX_BLOCK_BYTES - size + 1))
            size += len(parts[-1])
            if size > MAX_BLOCK_BYTES or not inflate.eof:
                raise InputError("block is cut off or too large", where=where, hint="fetch the index again")
            data = inflate.unused_data
    except zlib.error as error:
        raise InputError(f"block is damaged: {error}", where=where, hint="fetch the index again") from error
    return b"".join(parts)


def _line_groups(chunks: Iterable[bytes], where: str) -> Iterator[tuple[list[bytes], int]]:
    """Lists of whole lines of about PIECE_BYTES, with their size."""
    parts: list[bytes] = []
    size = 0
    for chunk in chunks:
        parts.append(chunk)
        size += len(chunk)
        if size >= PIECE_BYTES:
            *lines, rest = b"".join(parts).split(b"\n")
            if len(rest) > MAX_LINE_BYTES:
                raise InputError(f"a line longer than {MAX_LINE_BYTES} bytes", where=where, expected="CDX lines")
            yield lines, size
            parts, size = [rest], len(rest)
    if size:
        yield b"".join(parts).split(b"\n"), size


_UNREADABLE = {"captured_url": "", "fetch_time": 0, "status": 0, "mime": "", "languages": "", "warc_filename": "",
               "warc_record_offset": 0, "warc_record_length": 0}  # fmt: skip


def _parsed(line: bytes, fields: tuple[str, ...]) -> dict[str, Any]:
    try:
        row, stamp = _row(line.decode(), fields)
        offset, length = screened_range(row.get("offset"), row.get("length"))
        status = str(row.get("status") or "")
        return {
            "captured_url": str(row.get("url") or ""),
            "fetch_time": _time(stamp),
            "status": int(status) if status.isascii() and status.isdigit() and len(status) == 3 else 0,
            "mime": str(row.get("mime-detected") or row.get("mime") or ""),
            "languages": str(row.get("languages") or ""),
            "warc_filename": str(row.get("filename") or ""),
            "warc_record_offset": offset,
            "warc_record_length": length,
        }
    except (ValueError, RecursionError, UrlRefused):
        return _UNREADABLE


def _row(text: str, fields: tuple[str, ...]) -> tuple[dict[str, Any], str]:
    parts = text.split(" ", 2)
    if len(parts) == 3 and parts[2].startswith("{"):
        row = json.loads(parts[2])
        return row, parts[1]
    values = text.split(" ")
    if len(values) != len(fields):
        raise ValueError("another number of fields")
    named = dict(zip(fields, values, strict=True))
    return {_NAMES[field]: value for field, value in named.items() if field in _NAMES}, named.get("b", "")


def _time(stamp: str) -> int:
    """Seconds since 1970 of a 14-digit timestamp; 0 where it is none."""
    if len(stamp) != 14 or not stamp.isascii() or not stamp.isdigit():
        return 0
    y, mo, d, h, mi, s = (int(stamp[a:b]) for a, b in ((0, 4), (4, 6), (6, 8), (8, 10), (10, 12), (12, 14)))
    return calendar.timegm((y, mo, d, h, mi, s, 0, 0, 0)) if 1 <= mo <= 12 and 1 <= d <= 31 and y >= 1970 else 0
