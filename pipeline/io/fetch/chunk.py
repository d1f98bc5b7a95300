"""Some records of an archive, read by range, checked, and written as one WARC file of our own.

Ranges are spooled to disk as they come, so that memory does not grow with what is in flight and a killed task finds
what it had read. Records go into the WARC in the order of the plan, as the very bytes they were stored as; a record
that cannot be had, or is not the one asked for, is named.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from pipeline.errors import InputError
from pipeline.io.fetch.access import Access
from pipeline.io.fetch.range_plan import ByteRange, RecordPlace, coalesced
from pipeline.io.fetch.record_check import GZIP_MAGIC, RecordFacts, RecordRefused, check_record
from pipeline.io.fetch.retry import Reader, Tally
from pipeline.io.fetch.stores import ReadFailed

READ_AGAIN = ("not_a_record", "damaged", "digest", "other_record")  # what bytes altered on the way look like
RECORD_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class FetchSettings:
    """How records are read; none of it decides what a file we write holds.

    Args:
        base: what archive paths are relative to.
        connections: requests at a time, of one worker.
        max_gap_bytes: bytes nobody asked for that a request may hold between two records.
        max_range_bytes: of one request, unless a single record is longer.
        give_up_after: failed ranges in a row, each after all its attempts, before the job stops.
    """

    base: str
    access: Access = field(default_factory=Access)
    connections: int = 8
    max_gap_bytes: int = 64 << 10
    max_range_bytes: int = 8 << 20
    give_up_after: int = 20


@dataclass(frozen=True, slots=True)
class Fetched:
    """A record that was written: where it came from and where it is now."""

    place: RecordPlace
    facts: RecordFacts
    file: str  # "" until the file has its name
    offset: int


@dataclass(frozen=True, slots=True)
class Missing:
    """A record that was not written, and why."""

    place: RecordPlace
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class WarcFile:
    """A file we wrote."""

    name: str
    sha256: str
    bytes: int
    records: int


@dataclass(slots=True)
class ChunkResult:
    """What became of every record of a chunk."""

    files: list[WarcFile] = field(default_factory=list)
    fetched: list[Fetched] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    network: Tally = field(default_factory=Tally)


def fetch_chunk(
    records: Sequence[RecordPlace],
    settings: FetchSettings,
    folder: Path,
    name: str,
    on_bytes: Callable[[int], None] | None = None,
) -> ChunkResult:
    """Read records (sorted by path and offset) and write `folder/NAME-SHA.warc[.gz]`.

    Raises:
        InputError: the server stopped answering; what was read stays in `folder/_spool/NAME` for the next attempt.
    """
    spool = folder / "_spool" / name
    spool.mkdir(parents=True, exist_ok=True)
    reader = settings.access.reader(settings.base, on_bytes)
    ranges = list(coalesced(records, settings.max_gap_bytes, settings.max_range_bytes))
    failures = _spool_ranges(ranges, reader, spool, settings)
    result = _assemble(ranges, failures, reader, spool, folder, name)
    result.network = reader.tally
    return result


def forget_spool(folder: Path, name: str) -> None:
    """Free the space of a chunk's ranges, once the chunk is committed."""
    spool = folder / "_spool" / name
    for path in spool.glob("*"):
        path.unlink(missing_ok=True)
    for empty in (spool, spool.parent):
        with suppress(OSError):  # another chunk may be at work
            empty.rmdir()


def _spool_path(spool: Path, part: ByteRange) -> Path:
    digest = hashlib.blake2b(f"{part.start} {part.stop} {part.path}".encode(), digest_size=12)
    return spool / digest.hexdigest()


def _spool_ranges(
    ranges: Sequence[ByteRange], reader: Reader, spool: Path, settings: FetchSettings
) -> dict[ByteRange, ReadFailed]:
    failures: dict[ByteRange, ReadFailed] = {}
    in_a_row = 0
    with ThreadPoolExecutor(settings.connections) as pool:
        jobs = {pool.submit(_spool_range, part, reader, spool): part for part in ranges}
        try:
            for job in as_completed(jobs):
                failure = _failure(job)
                if failure:
                    failures[jobs[job]] = failure
                in_a_row = in_a_row + 1 if failure and failure.transient else 0
                if failure and in_a_row >= settings.give_up_after:
                    raise _gave_up(failure, settings)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return failures


def _failure(job: Future[None]) -> ReadFailed | None:
    try:
        job.result()
    except ReadFailed as failure:
        return failure
    return None


def _gave_up(failure: ReadFailed, settings: FetchSettings) -> InputError:
    return InputError(
        f"{settings.give_up_after} reads in a row failed, the last with {failure}",
        where=settings.base,
        expected="a server that answers",
        hint="run the same command again: it goes on where it stopped; with fewer --connections if it was too much",
    )


def _spool_range(part: ByteRange, reader: Reader, spool: Path) -> None:
    target = _spool_path(spool, part)
    if target.exists():
        return
    temporary = target.with_name(f"{target.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("wb") as file:
            for chunk in reader.chunks(part.path, part.start, part.stop):
                file.write(chunk)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _assemble(
    ranges: Sequence[ByteRange],
    failures: dict[ByteRange, ReadFailed],
    reader: Reader,
    spool: Path,
    folder: Path,
    name: str,
) -> ChunkResult:
    result = ChunkResult()
    with _Archives(folder, name) as archives:
        for part in ranges:
            if failure := failures.get(part):
                result.missing += [Missing(place, failure.reason, failure.detail) for place in part.records]
                continue
            for place, data in _slices(part, _spool_path(spool, part)):
                try:
                    data, facts = _checked(place, data, reader)
                except (RecordRefused, ReadFailed) as refused:
                    result.missing.append(Missing(place, refused.reason, refused.detail))
                else:
                    result.fetched.append(archives.add(place, facts, data))
        result.files = archives.finish()
    names = {file.name.endswith(".gz"): file.name for file in result.files}
    result.fetched = [Fetched(f.place, f.facts, names[f.file == "gz"], f.offset) for f in result.fetched]
    return result


def _slices(part: ByteRange, path: Path) -> Iterator[tuple[RecordPlace, bytes]]:
    with path.open("rb") as file:
        for place in part.records:
            file.seek(place.offset - part.start)
            yield place, file.read(place.length)


def _checked(place: RecordPlace, data: bytes, reader: Reader) -> tuple[bytes, RecordFacts]:
    """The record's bytes, read once more where they look altered on the way."""
    if len(data) < place.length:
        raise RecordRefused("beyond_end", f"{len(data)} of {place.length} bytes are there")
    try:
        return data, check_record(data, place.url)
    except RecordRefused as refused:
        if refused.reason not in READ_AGAIN:
            raise
        again = reader.read(place.path, place.offset, place.stop)
        if again == data:
            raise
        return again, check_record(again, place.url)


class _Archives:
    """The files of a chunk: one for gzip members, one for plain records, each only if there are any."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._open: dict[str, _Archive] = {}

    def __enter__(self) -> _Archives:
        return self

    def __exit__(self, *_: object) -> None:
        for archive in self._open.values():
            archive.abandon()

    def add(self, place: RecordPlace, facts: RecordFacts, data: bytes) -> Fetched:
        form = "gz" if data.startswith(GZIP_MAGIC) else "plain"
        if form not in self._open:
            self._open[form] = _Archive(self._folder, f"{self._name}-{{sha}}.warc{'.gz' if form == 'gz' else ''}")
        lacking = RECORD_END[len(facts.tail) :] if form == "plain" and RECORD_END.startswith(facts.tail) else b""
        return Fetched(place, facts, form, self._open[form].write(data + lacking))

    def finish(self) -> list[WarcFile]:
        return [self._open[form].close() for form in sorted(self._open)]


class _Archive:
    """One file in the making."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._temporary = folder / "_tmp" / uuid.uuid4().hex
        self._temporary.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[bytes] = self._temporary.open("wb")
        self._digest: Any = hashlib.sha256()
        self._bytes = self._records = 0

    def write(self, data: bytes) -> int:
        at = self._bytes
        self._file.write(data)
        self._digest.update(data)
        self._bytes += len(data)
        self._records += 1
        return at

    def close(self) -> WarcFile:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        sha256 = self._digest.hexdigest()
        name = self._name.replace("{sha}", sha256[:12])
        self._temporary.replace(self._folder / name)
        return WarcFile(name, sha256, self._bytes, self._records)

    def abandon(self) -> None:
        self._file.close()
        self._temporary.unlink(missing_ok=True)
