"""Records of one archive file to byte ranges: neighbours share a request where the gap between them is small."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class RecordPlace:
    """Where a record lies: file below the base, offset and length in bytes as stored; `url` as asked, "" unknown."""

    path: str
    offset: int
    length: int
    url: str = ""

    @property
    def stop(self) -> int:
        return self.offset + self.length


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes [start, stop) of a file, and the records within."""

    path: str
    start: int
    stop: int
    records: tuple[RecordPlace, ...]


def coalesced(records: Iterable[RecordPlace], max_gap_bytes: int, max_range_bytes: int) -> Iterator[ByteRange]:
    """Ranges that cover the records, which come sorted by path and offset.

    A range grows while the next record is at most `max_gap_bytes` away and the whole stays within `max_range_bytes`;
    a single longer record is a range of its own.
    """
    group: list[RecordPlace] = []
    stop = 0
    for record in records:
        if group and not _joins(group[0], stop, record, max_gap_bytes, max_range_bytes):
            yield ByteRange(group[0].path, group[0].offset, stop, tuple(group))
            group, stop = [], 0
        group.append(record)
        stop = max(stop, record.stop)
    if group:
        yield ByteRange(group[0].path, group[0].offset, stop, tuple(group))


def _joins(first: RecordPlace, stop: int, record: RecordPlace, max_gap: int, max_range: int) -> bool:
    near = record.path == first.path and record.offset - stop <= max_gap
    return near and max(stop, record.stop) - first.offset <= max_range
