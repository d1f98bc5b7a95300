"""Records of one archive file with their offsets, whatever the packing: plain, per-record members, or one big stream.

Packing, decided from the bytes alone:
- plain: offset is the byte offset of the record in the file.
- members: gzip, zstd or lz4 with one record per member; offset is that of the member in the file.
- stream: compressed as a whole (or in blocks that ignore records); offset counts inflated bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.io.byte_source import ByteSource
from pipeline.io.compressed_members import MemberDamaged, Members, codec_at
from pipeline.io.read_limits import ReadLimits
from pipeline.io.record_frames import Framer, Loss, Record
from pipeline.io.record_heads import ARC_URL
from pipeline.io.window import Window

PLAIN_CHUNK_BYTES = 1 << 20
LOOKBACK_BYTES = 16 << 20
HEAD_PROBE_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Packing:
    """How records are packed: codec "" (plain), "gzip", "zstd" or "lz4"; whether one member is one record."""

    codec: str
    by_member: bool

    @property
    def splittable(self) -> bool:
        return not self.codec or self.by_member


def starts_record(first_bytes: bytes) -> bool:
    """Whether a member with this beginning can hold a record."""
    first_bytes = first_bytes.lstrip(b"\r\n")
    return first_bytes[:5].upper() == b"WARC/" or ARC_URL.match(first_bytes) is not None


def inflates(first_bytes: bytes) -> bool:
    """Whether a member gives any output, which is all that can be asked of blocks that ignore records."""
    return bool(first_bytes)


def detect_packing(source: ByteSource, limits: ReadLimits) -> Packing:
    """Packing by magic bytes; a head that is neither record nor magic is searched for the first gzip member."""
    codec = codec_at(source, 0)
    if codec:
        return Packing(codec, _one_record_per_member(Members(source, codec, limits), 0, limits))
    if starts_record(source.read_at(0, PLAIN_CHUNK_BYTES)[:64]):
        return Packing("", False)
    stop = min(source.size, HEAD_PROBE_BYTES)
    members = Members(source, "gzip", limits)
    first = members.find(1, starts_record, stop)
    return Packing("", False) if first >= stop else Packing("gzip", _one_record_per_member(members, first, limits))


def _one_record_per_member(members: Members, position: int, limits: ReadLimits) -> bool:
    """Looks at the first member that has content: does exactly one record fill it?"""
    while position < members.source.size and members.starts_at(position):
        member = members.open(position)
        window = Window(member.pull)
        if window.ensure(1):
            frames = Framer(window, limits).frames()
            first, second = next(frames, None), next(frames, None)
            if window.damage:
                return not isinstance(second, Record)
            return isinstance(first, Record) and second is None
        if window.damage:
            position = members.find(position + 1, starts_record, position + HEAD_PROBE_BYTES)
            continue
        position = member.end
    return True


def read_records(source: ByteSource, packing: Packing, limits: ReadLimits, start: int = 0) -> Iterator[Record | Loss]:
    """Records and losses in file order; `position` of each is its offset as the module docstring defines it.

    With start > 0 (plain and members only) reading begins at the first record found at or after `start`; what lies
    before it is not reported.
    """
    if not packing.codec:
        return _plain(source, limits, start)
    members = Members(source, packing.codec, limits)
    return _by_member(members, limits, start) if packing.by_member else _stream(members, limits)


def read_range(
    source: ByteSource, packing: Packing, limits: ReadLimits, start: int, end: int | None
) -> Iterator[Record | Loss]:
    """Those of `read_records` whose offset lies in [start, end).

    A split may begin inside a record whose body holds records of its own (a crawled WARC). So reading starts
    LOOKBACK_BYTES earlier and follows the records from there: a walk that begins inside a nested archive joins the
    outer chain where that archive ends. The look-back doubles until it sees a record before `start`.
    """
    if not packing.splittable:
        start, end = (0, None) if start == 0 else (source.size, 0)  # the split at 0 owns the whole stream
    if end is not None and start >= end:
        return
    begin = _synchronised_before(source, packing, limits, start)
    for item in read_records(source, packing, limits, begin):
        if end is not None and item.position >= end:
            return
        if item.position >= start:
            yield item


def _synchronised_before(source: ByteSource, packing: Packing, limits: ReadLimits, start: int) -> int:
    back = LOOKBACK_BYTES
    while start > back:
        first = next(read_records(source, packing, limits, start - back), None)
        if first is not None and first.position < start:
            return start - back
        back *= 2
    return 0


def _plain(source: ByteSource, limits: ReadLimits, start: int) -> Iterator[Record | Loss]:
    at = start

    def pull() -> bytes:
        nonlocal at
        chunk = source.read_at(at, PLAIN_CHUNK_BYTES)
        at += len(chunk)
        return chunk

    def seek(position: int) -> bool:
        nonlocal at
        at = position
        return position <= source.size

    return Framer(Window(pull, start), limits, seek=seek).frames(synced=start == 0)


def _by_member(members: Members, limits: ReadLimits, start: int) -> Iterator[Record | Loss]:
    size = members.source.size
    position = members.find(start, starts_record) if start else 0
    archive = ""
    while position < size:
        if not members.starts_at(position):
            following = members.find(position, starts_record)
            yield Loss(position, "damaged", f"{following - position} bytes skipped, no compressed member begins here")
            position = following
            continue
        member = members.open(position)
        window = Window(member.pull)
        framer = Framer(window, limits, whole_units=True, archive=archive)
        for item in framer.frames():
            yield _at(item, position)
        archive = framer.archive
        if window.damage:
            following = members.find(position + 1, starts_record)
            yield _member_loss(window.damage, framer, position, following - position)
            position = following
        else:
            position = member.end


def _at(item: Record | Loss, position: int) -> Record | Loss:
    if isinstance(item, Record):
        return Record(item.head, position, item.block)
    return Loss(position, item.reason, item.detail, item.head)


def _member_loss(damage: MemberDamaged, framer: Framer, position: int, skipped_bytes: int) -> Loss:
    detail = f"{damage.detail}; {skipped_bytes} compressed bytes skipped"
    return Loss(position, damage.reason, detail, framer.broken_head)


class _MemberChain:
    """Members of a stream one after the other, as if they were one."""

    def __init__(self, members: Members, position: int) -> None:
        self._members, self.start = members, position
        self._member = members.open(position)

    def pull(self) -> bytes:
        while not (chunk := self._member.pull()):
            following = self._member.end
            if following >= self._members.source.size:
                return b""
            self.start = following
            if not self._members.starts_at(following):
                raise MemberDamaged("damaged", "bytes between compressed members")
            self._member = self._members.open(following)
        return chunk


def _stream(members: Members, limits: ReadLimits) -> Iterator[Record | Loss]:
    size, origin, archive, synced = members.source.size, 0, "", True
    position = 0 if members.starts_at(0) else members.find(0, inflates)
    if position:
        yield Loss(0, "damaged", f"{position} compressed bytes skipped")
    while position < size:
        chain = _MemberChain(members, position)
        window = Window(chain.pull, origin)
        framer = Framer(window, limits, archive=archive)
        yield from framer.frames(synced=synced)
        origin, archive, synced = window.position, framer.archive, False
        if not window.damage:
            return
        position = members.find(chain.start + 1, inflates)
        at = origin if framer.broken_at is None else framer.broken_at
        yield _member_loss(window.damage, framer, at, position - chain.start)
