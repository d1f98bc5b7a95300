"""Phases of a look-up: read the lists, find the blocks of zipnum indexes, join with the index, choose captures.

A list row is followed by its ordinal; its captures are spilled with it and sorted by the policy's rank, so that the
choice is the first of each group and the result has the order of the lists.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.engines.work import Partition, Sorting
from pipeline.errors import InputError
from pipeline.io.commit import Commit, PhaseDirectory
from pipeline.io.exchange import merge_runs, sorted_runs
from pipeline.io.fetch.access import Access
from pipeline.io.fetch.captures import (
    Wanted,
    overlaps,
    place_pattern,
    place_ranges,
    ranks,
    refusal_details,
    refusals,
)
from pipeline.io.fetch.cdx_index import Block, CdxPiece, block_pieces, cluster_blocks, file_pieces
from pipeline.io.fetch.index_files import TABLE, IndexFile
from pipeline.io.fetch.key_runs import KeyRuns, matches
from pipeline.io.fetch.retry import Reader
from pipeline.io.fetch.rows import CAPTURE_COLUMNS, ROW_SCHEMA, rows_table
from pipeline.io.fetch.stores import ReadFailed
from pipeline.io.fetch.surt import UrlRefused
from pipeline.io.fetch.table_index import TablePiece, table_pieces
from pipeline.io.fetch.url_lists import read_list
from pipeline.io.fetch.url_rules import LIST_REASONS, MAX_OFFSET, MAX_RECORD_BYTES, screened_path
from pipeline.io.shards import ShardFile, regroup, write_shard
from pipeline.phases.fetch_records import note_network
from pipeline.stage import IDLE, Context, Counters, Task

LIST_SHIFT = 40  # an ordinal is (index of the list << LIST_SHIFT) + row
ORDER = Sorting("key", ("ordinal", "surt", "rank", "warc_filename", "warc_record_offset"))
BLOCK_SCHEMA = pa.schema(
    [("path", pa.string()), ("offset", pa.int64()), ("length", pa.int64()), ("low", pa.string()), ("high", pa.string())]
)
BLOCK_BATCH = 10_000
Piece = TablePiece | CdxPiece
BAD_INDEX_ROW = "bad_index_row"  # a path or range in the index that the rules refuse
T = TypeVar("T")


def spill_list(task: Task, context: Context, *, directory: PhaseDirectory, allow_private: bool) -> None:
    """Read one list (`task.source` is its path), refuse by rule, spill its rows sorted by SURT key."""
    counters = Counters()

    def batches() -> Iterator[pa.RecordBatch]:
        for table in read_list(task.source, allow_private=allow_private):
            context.at(IDLE)
            _count_list(table, counters)
            ordinals = pc.add(table["ordinal"].combine_chunks(), task.index << LIST_SHIFT)
            yield from _with(table, ordinal=ordinals).combine_chunks().to_batches()

    runs = tuple(sorted_runs(directory.path / "data", task.name, batches(), ["surt", "ordinal"]))
    directory.commit(Commit(task.name, runs, (), counters, {"rows": counters.rows_in}))


def _count_list(table: pa.Table, counters: Counters) -> None:
    counters.rows_in += table.num_rows
    for reason, count in _tally(table["reason"]):
        if reason:
            counters.rejected[f"list:{reason}"] += count
        else:
            counters.rows_out += count
    to_look_up = pc.sum(pc.and_(pc.not_equal(table["surt"], ""), pc.equal(table["warc_filename"], ""))).as_py() or 0
    counters.tallies["to_look_up"] += to_look_up


def _tally(column: pa.ChunkedArray) -> list[tuple[str, int]]:
    return [(entry["values"], entry["counts"]) for entry in pc.value_counts(column).to_pylist()]


def _with(table: pa.Table, **columns: pa.Array) -> pa.Table:
    for name, values in columns.items():
        at = table.schema.get_field_index(name)
        table = table.set_column(at, table.schema.field(at), values)
    return table


@dataclass(frozen=True, slots=True)
class Lists:
    """The spilled lists: where, files, and how many rows come before each list."""

    directory: PhaseDirectory
    files: tuple[ShardFile, ...]
    before: tuple[int, ...]
    rows: int

    def runs(self) -> KeyRuns:
        return KeyRuns(self.directory.path / "data", self.files)

    def keys(self, ordinals: np.ndarray) -> np.ndarray:
        """Keys that spread the rows of all lists evenly over uint64, in their order; shape kept."""
        row = np.array(self.before, np.uint64)[ordinals >> LIST_SHIFT] + (ordinals & ((1 << LIST_SHIFT) - 1)).astype(
            np.uint64
        )
        step: np.ndarray = row * np.uint64(((1 << 64) - 1) // max(self.rows, 1))
        return step


@dataclass(frozen=True, slots=True)
class LookUp:
    """What a look-up task needs besides its piece of index.

    Args:
        lists: to be joined with; None for a selection by place.
        wanted: filters.
        policy: one of captures.POLICIES.
        exact: only captures of the very URL asked for.
        crawls: named in not_found where nothing was.
    """

    lists: Lists | None
    wanted: Wanted
    policy: str
    exact: bool
    crawls: str
    access: Access


@dataclass(frozen=True, slots=True)
class BlockGroup:
    """A row group of the blocks a zipnum collection was cut down to: all of one cdx file."""

    base: str
    directory: PhaseDirectory
    file: ShardFile
    group: int


def find_blocks(task: Task, context: Context, *, directory: PhaseDirectory, job: LookUp) -> None:
    """Write the blocks of one cluster.idx (`task.source`) that may hold a wanted key, a row group per cdx file."""
    file: IndexFile = task.source
    reader = job.access.reader(file.base)
    needed = _naming(file, _needed_blocks(reader, file, job, context))
    groups = (_block_table(list(blocks)) for _, blocks in groupby(needed, key=lambda block: block.path))
    counters = Counters()
    written = write_shard(directory.path / "data", f"{task.name}-{{sha}}.parquet", groups, BLOCK_SCHEMA)
    note_network(directory, task.name, reader.tally)
    facts = {"base": file.base}
    directory.commit(Commit(task.name, (written,) if written.rows else (), (), counters, facts))


def _needed_blocks(reader: Reader, file: IndexFile, job: LookUp, context: Context) -> Iterator[Block]:
    blocks = cluster_blocks(reader, file.path)
    ranges = place_ranges(job.wanted)
    runs = job.lists.runs() if job.lists else None
    while batch := list(islice(blocks, BLOCK_BATCH)):
        context.at(IDLE)
        if runs is None:
            yield from (block for block in batch if overlaps(ranges, block.low, block.high or None))
        else:
            yield from _blocks_with_keys(batch, runs)


def _blocks_with_keys(blocks: Sequence[Block], runs: KeyRuns) -> Iterator[Block]:
    lows = [block.low for block in blocks]
    needed: set[int] = set()
    for table in runs.between(lows[0], blocks[-1].high or None):
        for key in pc.unique(table["surt"]).to_pylist():
            at = bisect_right(lows, key) - 1
            while at >= 0 and at not in needed:
                needed.add(at)
                if lows[at] != key:
                    break
                at -= 1  # captures of this key may begin in the block before
    yield from (blocks[at] for at in sorted(needed))


def _block_table(blocks: list[Block]) -> pa.Table:
    columns = {name: [getattr(block, name) for block in blocks] for name in BLOCK_SCHEMA.names}
    return pa.table(columns, schema=BLOCK_SCHEMA)


def _naming(file: IndexFile, items: Iterator[T]) -> Iterator[T]:
    try:
        yield from items
    except ReadFailed as failure:
        hint = "run the same command again: it goes on where it stopped"
        raise InputError(f"index cannot be read: {failure}", where=file.base + file.path, hint=hint) from failure


def look_up(task: Task, context: Context, *, directory: PhaseDirectory, job: LookUp) -> None:
    """Spill what the index knows: of an IndexFile, of a BlockGroup, or (a ShardFile) the list rows themselves."""
    counters = Counters()
    source: IndexFile | BlockGroup | ShardFile = task.source
    if isinstance(source, ShardFile):
        rows = _list_rows(source, job)
    else:
        reader = job.access.reader(source.base)
        rows = _index_rows(source, job, reader, counters, context)
    runs = tuple(sorted_runs(directory.path / "data", task.name, rows, [ORDER.key, *ORDER.then]))
    if not isinstance(source, ShardFile):
        note_network(directory, task.name, reader.tally)
    directory.commit(Commit(task.name, runs, (), counters, {"rows": sum(run.rows for run in runs)}))


def _list_rows(file: ShardFile, job: LookUp) -> Iterator[pa.RecordBatch]:
    """The rows of a list: what is said of them if no capture comes before."""
    assert job.lists is not None  # noqa: S101 - only a list has such tasks
    with pq.ParquetFile(job.lists.directory.path / "data" / file.path) as parquet:
        for batch in parquet.iter_batches(8192):
            table = pa.Table.from_batches([batch])
            open_question = pc.and_(pc.equal(table["reason"], ""), pc.equal(table["warc_filename"], ""))
            reason = pc.if_else(open_question, "not_in_index" if job.crawls else "no_index", table["reason"])
            detail = pc.if_else(open_question, job.crawls or "neither --crawl nor --index", table["detail"])
            keys = pa.array(job.lists.keys(table["ordinal"].to_numpy()))
            yield from _with(table, key=keys, reason=reason, detail=detail).combine_chunks().to_batches()


def _index_rows(
    source: IndexFile | BlockGroup, job: LookUp, reader: Reader, counters: Counters, context: Context
) -> Iterator[pa.RecordBatch]:
    file = source if isinstance(source, IndexFile) else IndexFile(source.base, "", "cdx")
    runs = job.lists.runs() if job.lists else None
    for piece in _naming(file, _pieces(source, reader)):
        context.at(IDLE)
        counters.tallies["index_rows"] += piece.rows
        counters.tallies["index_pieces"] += 1
        counters.tallies["index_bytes"] += piece.bytes
        for table in _naming(file, _found(piece, job, runs)):
            yield from table.combine_chunks().to_batches()


def _pieces(source: IndexFile | BlockGroup, reader: Reader) -> Iterator[Piece]:
    if isinstance(source, IndexFile):
        yield from table_pieces(reader, source.path) if source.kind == TABLE else file_pieces(reader, source.path)
        return
    with pq.ParquetFile(source.directory.path / "data" / source.file.path) as file:
        blocks = [Block(**row) for row in file.read_row_group(source.group).to_pylist()]
    yield from block_pieces(reader, blocks)


def _found(piece: Piece, job: LookUp, runs: KeyRuns | None) -> Iterator[pa.Table]:
    """Rows of ROW_SCHEMA for the captures of one piece that are asked for."""
    if runs is None:
        yield from _selected(piece, job)
        return
    keys: pa.Array | None = None
    for wanted in runs.between(piece.low, piece.high):
        keys = piece.keys() if keys is None else keys
        index_rows, list_rows = matches(keys, wanted)
        if len(index_rows):
            captures = piece.captures(index_rows, keys)
            yield _joined(captures, wanted.take(pa.array(list_rows)), job)


def _joined(captures: pa.Table, asked: pa.Table, job: LookUp) -> pa.Table:
    assert job.lists is not None  # noqa: S101 - only a list is joined
    columns = {name: asked[name].combine_chunks() for name in ("surt", "ordinal", "list", "line", "url")}
    columns["key"] = pa.array(job.lists.keys(asked["ordinal"].to_numpy()))
    same = pc.equal(captures["captured_url"], asked["url"]).to_numpy()
    return _judged(captures, columns, job, same)


def _selected(piece: Piece, job: LookUp) -> Iterator[pa.Table]:
    if not overlaps(place_ranges(job.wanted), piece.low, piece.high):
        return
    keys = piece.keys()
    pattern = place_pattern(job.wanted)
    rows = (
        np.arange(len(keys))
        if not pattern
        else np.flatnonzero(pc.match_substring_regex(keys, pattern).to_numpy(zero_copy_only=False))
    )
    if not len(rows):
        return
    captures = piece.captures(rows, keys)
    surt = captures["surt"].combine_chunks()
    columns = {"surt": surt, "url": captures["captured_url"].combine_chunks(), "key": pa.array(_hashes(surt))}
    columns["ordinal"] = pa.repeat(pa.scalar(-1), len(rows))
    table = _judged(captures, columns, job, np.ones(len(rows), bool))
    yield table.filter(pc.is_in(table["reason"], value_set=pa.array(["", BAD_INDEX_ROW])))


def _hashes(values: pa.Array) -> np.ndarray:
    """64-bit blake2b of strings, uint64, shape (rows,)."""
    digests = b"".join(hashlib.blake2b(value.encode(), digest_size=8).digest() for value in values.to_pylist())
    return np.frombuffer(digests, np.dtype(">u8")).astype(np.uint64)


def _judged(captures: pa.Table, columns: dict[str, pa.Array], job: LookUp, same: np.ndarray) -> pa.Table:
    reason = refusals(captures, job.wanted)
    detail = refusal_details(captures, reason)
    if job.exact:
        other = pa.array(~same)
        detail = pc.if_else(other, captures["captured_url"].combine_chunks(), detail)
        reason = pc.if_else(other, "not_same_url", reason)
    for what, bad in (("warc_filename", _bad_paths(captures)), ("offset or length", _bad_ranges(captures))):
        reason, detail = pc.if_else(bad, BAD_INDEX_ROW, reason), pc.if_else(bad, what, detail)
    rank = pa.array(ranks(captures, job.policy, reason, same))
    facts = {name: captures[name].combine_chunks() for name in CAPTURE_COLUMNS}
    return rows_table({**columns, **facts, "rank": rank, "reason": reason, "detail": detail}, captures.num_rows)


def _bad_paths(captures: pa.Table) -> pa.Array:
    names = captures["warc_filename"].combine_chunks()
    bad = [name for name in pc.unique(names).to_pylist() if not _is_good_path(name)]
    return pc.is_in(names, value_set=pa.array(bad, pa.string()))


def _is_good_path(name: str) -> bool:
    try:
        screened_path(name)
    except UrlRefused:
        return False
    return True


def _bad_ranges(captures: pa.Table) -> pa.Array:
    offset, length = captures["warc_record_offset"].to_numpy(), captures["warc_record_length"].to_numpy()
    return pa.array((offset < 0) | (offset > MAX_OFFSET) | (length <= 0) | (length > MAX_RECORD_BYTES))


def choose(task: Task, context: Context, *, directory: PhaseDirectory, policy: str) -> None:
    """Keep the first row of each group (a list row, or a key), or all usable ones; count what became of each."""
    part: Partition = task.source
    counters = Counters()
    runs = merge_runs(part.spill.path / "data", part.runs, part.index, part.count, [ORDER.key, *ORDER.then])
    groups = regroup(_chosen(runs, policy, counters, context), max_rows=65_536)
    file = write_shard(directory.path / "data", f"{task.name}-{{sha}}.parquet", groups, ROW_SCHEMA)
    directory.commit(Commit(task.name, (file,) if file.rows else (), (), counters, {"rows": file.rows}))


def _chosen(
    batches: Iterator[pa.RecordBatch], policy: str, counters: Counters, context: Context
) -> Iterator[pa.RecordBatch]:
    before: tuple[object, ...] | None = None
    for batch in batches:
        context.at(IDLE)
        first = _group_starts(batch, before)
        before = _group_of(batch, batch.num_rows - 1)
        _count_fates(batch.filter(pa.array(first)), counters)
        if policy == "all":
            first = first | pc.equal(batch["reason"], "").to_numpy(zero_copy_only=False)
        kept = batch.filter(pa.array(first))
        if kept.num_rows:
            yield kept


GROUP = ("key", "ordinal", "surt")


def _group_of(batch: pa.RecordBatch, row: int) -> tuple[object, ...]:
    return tuple(batch[name][row].as_py() for name in GROUP)


def _group_starts(batch: pa.RecordBatch, before: tuple[object, ...] | None) -> np.ndarray:
    """True where a row is the first of its group, shape (rows,)."""
    starts = np.zeros(batch.num_rows, bool)
    starts[0] = _group_of(batch, 0) != before
    for name in GROUP:
        column = batch[name]
        differs = pc.not_equal(column.slice(1), column.slice(0, batch.num_rows - 1))
        starts[1:] |= differs.to_numpy(zero_copy_only=False)
    return starts


def _count_fates(firsts: pa.RecordBatch, counters: Counters) -> None:
    """Rows that a list's own rule refused were counted when it was read."""
    for reason, count in _tally(pa.chunked_array([firsts["reason"]], pa.string())):
        if reason in LIST_REASONS:
            continue
        counters.rows_in += count
        if reason:
            counters.rejected[f"look_up:{reason}"] += count
        else:
            counters.rows_out += count
