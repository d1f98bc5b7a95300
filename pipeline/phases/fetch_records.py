"""Phases after the choice: records sorted by file and offset, cut into chunks, and fetched; or whole files copied.

A chunk is a row group of the record table: cut by the records' bytes alone, so it holds the same records on every
engine, and the WARC file written for it has the same bytes whenever the server gives the same records.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.engines.work import Sorting
from pipeline.errors import InputError
from pipeline.io.commit import Commit, PhaseDirectory, canonical_json, write_atomic
from pipeline.io.exchange import sorted_runs
from pipeline.io.fetch.access import Access
from pipeline.io.fetch.chunk import ChunkResult, FetchSettings, fetch_chunk, forget_spool
from pipeline.io.fetch.range_plan import RecordPlace
from pipeline.io.fetch.retry import Reader, Tally
from pipeline.io.fetch.stores import ReadFailed
from pipeline.io.shards import ShardFile, write_shard, writing
from pipeline.stage import IDLE, Context, Counters, Task

RECORD_SCHEMA = pa.schema(
    [
        ("key", pa.uint64()),  # hash of warc_filename
        ("warc_filename", pa.string()),
        ("warc_record_offset", pa.int64()),
        ("warc_record_length", pa.int64()),
        ("url", pa.string()),  # captured, or as asked for where the index was not read
    ]
)
RECORD_ORDER = Sorting("key", ("warc_filename", "warc_record_offset", "warc_record_length", "url"))
FETCHED_SCHEMA = pa.schema(
    [
        ("url", pa.string()),
        ("record_type", pa.string()),
        ("date", pa.string()),
        ("warc_filename", pa.string()),  # our file
        ("warc_record_offset", pa.int64()),
        ("warc_record_length", pa.int64()),
        ("source_filename", pa.string()),
        ("source_offset", pa.int64()),
    ]
)
MISSING_SCHEMA = pa.schema(
    [
        ("warc_filename", pa.string()),
        ("warc_record_offset", pa.int64()),
        ("warc_record_length", pa.int64()),
        ("url", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
    ]
)
UNIT_BYTES = 64 << 10  # a task tells its engine of this many bytes at a time


def spill_records(task: Task, context: Context, *, directory: PhaseDirectory, source: PhaseDirectory) -> None:
    """Spill the usable captures of one file of chosen rows (`task.source`), sorted by archive file and offset."""

    def batches() -> Iterator[pa.RecordBatch]:
        with pq.ParquetFile(source.path / "data" / task.source.path) as file:
            for batch in file.iter_batches(8192):
                context.at(IDLE)
                yield from _records(pa.Table.from_batches([batch])).to_batches()

    runs = tuple(sorted_runs(directory.path / "data", task.name, batches(), [RECORD_ORDER.key, *RECORD_ORDER.then]))
    directory.commit(Commit(task.name, runs, (), Counters(), {"rows": sum(run.rows for run in runs)}))


def _records(rows: pa.Table) -> pa.Table:
    rows = rows.filter(pc.equal(rows["reason"], ""))
    names = rows["warc_filename"].combine_chunks().dictionary_encode()
    hashes = [hashlib.blake2b(name.encode(), digest_size=8).digest() for name in names.dictionary.to_pylist()]
    known = np.frombuffer(b"".join(hashes), np.dtype(">u8")).astype(np.uint64)
    captured = rows["captured_url"].combine_chunks()
    columns = {
        "key": pa.array(known[names.indices.to_numpy()] if len(known) else known),
        "warc_filename": rows["warc_filename"],
        "warc_record_offset": rows["warc_record_offset"],
        "warc_record_length": rows["warc_record_length"],
        "url": pc.if_else(pc.equal(captured, ""), rows["url"].combine_chunks(), captured),
    }
    return pa.table(columns, schema=RECORD_SCHEMA)


def distinct_records(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Without records that another URL of the lists led to as well: a reducer of rows in RECORD_ORDER."""
    before: tuple[object, ...] | None = None
    place = ("warc_filename", "warc_record_offset", "warc_record_length")
    for batch in batches:
        fresh = np.zeros(batch.num_rows, bool)
        fresh[0] = tuple(batch[name][0].as_py() for name in place) != before
        for name in place:
            differs = pc.not_equal(batch[name].slice(1), batch[name].slice(0, batch.num_rows - 1))
            fresh[1:] |= differs.to_numpy(zero_copy_only=False)
        before = tuple(batch[name][batch.num_rows - 1].as_py() for name in place)
        kept = batch.filter(pa.array(fresh))
        if kept.num_rows:
            yield kept


def record_bytes(batch: pa.RecordBatch) -> np.ndarray:
    """Stored length of each record, shape (rows,): what chunks are cut by."""
    lengths: np.ndarray = batch["warc_record_length"].to_numpy()
    return lengths


@dataclass(frozen=True, slots=True)
class Chunk:
    """One row group of the record table."""

    directory: PhaseDirectory
    file: ShardFile
    group: int

    def places(self) -> list[RecordPlace]:
        columns = ["warc_filename", "warc_record_offset", "warc_record_length", "url"]
        with pq.ParquetFile(self.directory.path / "data" / self.file.path) as file:
            table = file.read_row_group(self.group, columns=columns)
        return [RecordPlace(*row) for row in zip(*(table[name].to_pylist() for name in columns), strict=True)]


def fetch_records(
    task: Task, context: Context, *, directory: PhaseDirectory, settings: FetchSettings, folder: Path
) -> None:
    """Fetch one Chunk (`task.source`) into a WARC file of `folder`, and commit what became of its records."""
    chunk: Chunk = task.source
    name = f"fetched-{task.name}"
    with writing(folder):
        result = fetch_chunk(chunk.places(), settings, folder, name, _reporter(context))
    counters = Counters(rows_in=len(result.fetched) + len(result.missing), rows_out=len(result.fetched))
    for missing in result.missing:
        counters.reject("fetch", missing.reason)
    note_network(directory, task.name, result.network)
    data = _written(directory, task.name, result)
    lost = _lost(directory, task.name, result)
    facts = {"files": [asdict(file) for file in result.files]}
    directory.commit(Commit(task.name, data, lost, counters, facts))
    forget_spool(folder, name)


def note_network(directory: PhaseDirectory, task: str, tally: Tally) -> None:
    """Keep what reading cost beside the commit, not in it: a retry changes the cost, and must not change the result."""
    folder = directory.path / "_network"
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / f"{task}.json", canonical_json(asdict(tally)))


def network_of(directory: PhaseDirectory) -> Tally:
    """What reading cost in all tasks of a phase together."""
    total = Tally()
    for path in sorted((directory.path / "_network").glob("[!.]*.json")):
        said = json.loads(path.read_bytes())
        total.requests += said["requests"]
        total.bytes += said["bytes"]
        for reason, count in said["failed"].items():
            total.failed[reason] = total.failed.get(reason, 0) + count
    return total


def _reporter(context: Context) -> Callable[[int], None]:
    return partial(_report, context, [0])


def _report(context: Context, left: list[int], size: int) -> None:
    left[0] += size
    while left[0] >= UNIT_BYTES:
        left[0] -= UNIT_BYTES
        context.at(IDLE)


def _written(directory: PhaseDirectory, name: str, result: ChunkResult) -> tuple[ShardFile, ...]:
    rows = [
        {
            "url": f.facts.url,
            "record_type": f.facts.record_type,
            "date": f.facts.date,
            "warc_filename": f.file,
            "warc_record_offset": f.offset,
            "warc_record_length": f.place.length,
            "source_filename": f.place.path,
            "source_offset": f.place.offset,
        }
        for f in result.fetched
    ]
    return _shard(directory.path / "data", name, rows, FETCHED_SCHEMA)


def _lost(directory: PhaseDirectory, name: str, result: ChunkResult) -> tuple[ShardFile, ...]:
    rows = [
        {
            "warc_filename": m.place.path,
            "warc_record_offset": m.place.offset,
            "warc_record_length": m.place.length,
            "url": m.place.url,
            "reason": m.reason,
            "detail": m.detail,
        }
        for m in result.missing
    ]
    return _shard(directory.path / "reject", name, rows, MISSING_SCHEMA)


def _shard(folder: Path, name: str, rows: list[dict[str, object]], schema: pa.Schema) -> tuple[ShardFile, ...]:
    if not rows:
        return ()
    table = pa.Table.from_pylist(rows, schema=schema)
    return (write_shard(folder, f"{name}-{{sha}}.parquet", [table], schema),)


def copy_file(
    task: Task, context: Context, *, directory: PhaseDirectory, base: str, access: Access, folder: Path
) -> None:
    """Copy one whole archive (`task.source` is its path below the base); a stopped copy goes on where it was.

    The commit says its size and sha256; a file the server does not have is a reject, named.

    Raises:
        InputError: the server gave up after all attempts.
    """
    path: str = task.source
    counters = Counters(rows_in=1)
    reader = access.reader(base, _reporter(context))
    target = folder / path.rpartition("/")[2]
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            files = [_copied(reader, path, target)]
            counters.rows_out = 1
            lost: tuple[ShardFile, ...] = ()
        except ReadFailed as failure:
            if failure.transient:
                hint = "run the same command again: it goes on where it stopped"
                raise InputError(f"cannot be read: {failure}", where=base + path, hint=hint) from failure
            files = []
            counters.reject("fetch", failure.reason)
            row: dict[str, object] = {"warc_filename": path, "warc_record_offset": 0, "warc_record_length": 0}
            row |= {"url": "", "reason": failure.reason, "detail": failure.detail}
            lost = _shard(directory.path / "reject", task.name, [row], MISSING_SCHEMA)
    note_network(directory, task.name, reader.tally)
    directory.commit(Commit(task.name, (), lost, counters, {"files": files}))


def _copied(reader: Reader, path: str, target: Path) -> dict[str, object]:
    size = reader.size(path)
    part = target.with_name(f".{target.name}.part")
    with part.open("ab") as file:
        if file.tell() < size:
            for chunk in reader.chunks(path, file.tell(), size):
                file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
        if file.tell() != size:
            part.unlink()
            raise ReadFailed("truncated", f"{file.tell()} bytes, the server says {size}", transient=True)
    part.replace(target)
    with target.open("rb") as copied:
        sha256 = hashlib.file_digest(copied, "sha256").hexdigest()
    return {"name": target.name, "sha256": sha256, "bytes": size, "records": 0}
