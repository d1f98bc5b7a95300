"""Streams: the documents of one bucket of one source, as one endless row of tokens.

A stream passes over its documents again and again, each pass in another order. A position in it is a number of tokens,
and the row group that holds a position follows from sums alone. That makes every sample of a blend a pure function of
numbers: nothing has to be read to know where to go on.

Order of a pass: shards in the order of a keyed hash, row groups within a shard likewise, documents within a row group
likewise. The hash is splitmix64, written out here because a library's generator may change between versions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from blends.manifest_types import ShardEntry
from blends.run_place import altered
from blends.tombstones import NO_GRAVES, Graves
from pipeline.errors import VerificationError

UInt64s = npt.NDArray[np.uint64]
Int64s = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]
FILTER_COLUMNS = ("n_tokens", "quality", "language", "source")
DROPPED = -1


@dataclass(frozen=True, slots=True)
class Selection:
    """Which documents of a source belong to which bucket; `conditions` are JSON forms of `blend_config.Where`."""

    where: Mapping[str, Any]
    buckets: Sequence[Mapping[str, Any]]  # in order, REST not included

    @property
    def takes_all(self) -> bool:
        return not self.where and not self.buckets

    def assign(self, rows: pa.Table | pa.RecordBatch) -> npt.NDArray[np.int16]:
        """Bucket of each row with FILTER_COLUMNS: its index, len(buckets) for the rest, DROPPED where `where` fails."""
        bucket = np.full(rows.num_rows, len(self.buckets), dtype=np.int16)
        for index in reversed(range(len(self.buckets))):
            bucket[_matches(rows, self.buckets[index])] = index
        bucket[~_matches(rows, self.where)] = DROPPED
        return bucket


def _matches(rows: pa.Table | pa.RecordBatch, where: Mapping[str, Any]) -> npt.NDArray[np.bool_]:
    found = np.ones(rows.num_rows, dtype=bool)
    lengths = rows.column("n_tokens").to_numpy()
    if "min_tokens" in where:
        found &= lengths >= where["min_tokens"]
    if "max_tokens" in where:
        found &= lengths < where["max_tokens"]
    # Null became NaN, which compares false. Bounds are rounded like the scores: a score written as 0.7 is 0.7.
    quality = np.asarray(pc.cast(rows.column("quality"), pa.float32()).to_numpy(zero_copy_only=False), dtype=np.float32)
    if "min_quality" in where:
        found &= quality >= np.float32(where["min_quality"])
    if "max_quality" in where:
        found &= quality < np.float32(where["max_quality"])
    for key, column in (("languages", "language"), ("origins", "source")):
        if key in where:
            inside = pc.is_in(rows.column(column), value_set=pa.array(where[key], pa.string()))
            found &= np.asarray(inside.to_numpy(zero_copy_only=False), dtype=bool)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class StreamLayout:
    """Where the tokens of a stream are: one entry per row group of the run, in manifest order."""

    tokens: Int64s  # of this stream in each row group
    shard: Int64s  # index of the shard that holds the row group
    group: Int64s  # number of the row group in its shard
    first: Int64s  # index of the first row group of each shard

    @property
    def total(self) -> int:
        """Tokens of one pass."""
        return int(self.tokens.sum())

    def order(self, key: int) -> tuple[Int64s, Int64s]:
        """Row groups in the order of a pass, and the position of each one's end, counted from the pass's start."""
        of_shard = keyed_hash(key, len(self.first))
        of_group = keyed_hash(key ^ 0x5555555555555555, len(self.tokens))
        chosen = np.lexsort((of_group, self.shard, of_shard[self.shard]))
        return chosen, np.cumsum(self.tokens[chosen])


def stream_layout(shards: Sequence[ShardEntry], tokens: Sequence[int] | None) -> StreamLayout:
    """Layout of a stream; `tokens` per row group of the run in manifest order, None where it takes every document."""
    counts = [len(shard.row_groups) for shard in shards]
    every = [group.tokens for shard in shards for group in shard.row_groups] if tokens is None else list(tokens)
    if len(every) != sum(counts):
        raise VerificationError(
            f"{len(every)} row groups in the plan", where="plan", expected=f"{sum(counts)}, as in the manifest"
        )
    first = np.cumsum([0, *counts[:-1]], dtype=np.int64) if counts else np.zeros(0, np.int64)
    shard = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    return StreamLayout(np.array(every, np.int64), shard, np.arange(len(every)) - first[shard], first)


def pass_key(seed: int, number: int, stream_id: str) -> int:
    """Key of the order of one pass over a stream: 64 bits from seed, number of the pass, stream."""
    words = seed.to_bytes(8, "little") + number.to_bytes(8, "little")
    return int.from_bytes(blake2b(words + stream_id.encode(), digest_size=8).digest(), "little")


def keyed_hash(key: int, count: int) -> UInt64s:
    """splitmix64 (Steele, Lea, Flood 2014) of key + i for i in range(count)."""
    with np.errstate(over="ignore"):
        z = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(key)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: UInt64s = z ^ (z >> np.uint64(31))
    return mixed


def read_row_group(path: Path | BinaryIO, shard: ShardEntry, number: int, columns: Sequence[str] | None) -> pa.Table:
    """Columns (None: all) of one row group of a shard's file.

    Raises:
        VerificationError: the file is not what the manifest says.
    """
    where = path if isinstance(path, Path) else shard.path
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            rows = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
            if rows != [group.rows for group in shard.row_groups]:
                raise altered(where, f"rows per row group {rows}", f"{[group.rows for group in shard.row_groups]}")
            return file.read_row_group(number, columns=columns and list(columns), use_threads=False)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise altered(where, f"not readable: {str(error).splitlines()[0]}", "a whole Parquet file") from error


@dataclass(frozen=True, slots=True, eq=False)
class Documents:
    """Documents of a row group in the order of a pass: all ids in a row, and where each document ends."""

    ids: Int32s
    ends: Int64s


def as_int32(array: pa.Array) -> Int32s:
    """Values of an int32 array without nulls. np.asarray would import pandas, where it is installed: two seconds."""
    if not len(array):
        return np.zeros(0, np.int32)
    return np.frombuffer(array.buffers()[1], np.int32)[array.offset : array.offset + len(array)]


@dataclass(frozen=True, slots=True, eq=False)
class StreamGroup:
    """What one row group holds of a stream, those documents included that a takedown removed.

    `documents` are the kept ones in the order of the file. In the order of the origin, `kept` says of every document of
    the stream whether it is still there, `lengths` how many tokens it had, `takedown` which takedown removed it (-1:
    none). Without tombstones every document is kept.
    """

    documents: Documents
    kept: npt.NDArray[np.bool_]
    lengths: Int64s
    takedown: Int64s


def read_stream_group(
    path: Path, shard: ShardEntry, number: int, selection: Selection, bucket: int, graves: Graves = NO_GRAVES
) -> StreamGroup:
    """The documents of one row group that belong to a bucket."""
    columns = ("input_ids",) if selection.takes_all else ("input_ids", *FILTER_COLUMNS)
    rows = read_row_group(path, shard, number, columns)
    lists = pa.concat_arrays(rows["input_ids"].chunks) if rows.num_rows else pa.array([], pa.list_(pa.int32()))
    offsets = as_int32(lists.offsets).astype(np.int64)
    ids = as_int32(lists.values)[offsets[0] : offsets[-1]]
    documents, mine = Documents(ids, offsets[1:] - offsets[0]), np.arange(rows.num_rows)
    if not selection.takes_all:
        mine = np.flatnonzero(selection.assign(rows) == bucket)
        documents = take(documents, mine)
    lengths = np.diff(documents.ends, prepend=0)
    if not graves.stones:
        return StreamGroup(documents, np.ones(len(lengths), np.bool_), lengths, np.full(len(lengths), -1))
    return _with_graves(documents, lengths, graves, (mine, rows.num_rows), selection, bucket)


def _with_graves(
    documents: Documents,
    lengths: Int64s,
    graves: Graves,
    kept: tuple[Int64s, int],
    selection: Selection,
    bucket: int,
) -> StreamGroup:
    """`kept` is the rows of the file that belong to the bucket, and how many rows the file has."""
    mine, in_file = kept
    gone = np.flatnonzero(selection.assign(graves.table()) == bucket)
    origin = graves.origin_rows(in_file)
    places = np.concatenate([origin[mine], origin[in_file:][gone]])
    sizes = np.concatenate([lengths, np.array([graves.stones[i].tokens for i in gone], np.int64)])
    takedown = np.concatenate([np.full(len(mine), -1), np.array([graves.stones[i].takedown for i in gone], np.int64)])
    order = np.argsort(places, kind="stable")
    return StreamGroup(documents, order < len(mine), sizes[order], takedown[order])


def removed_tokens(graves: Graves, selection: Selection, bucket: int, since: int) -> int:
    """Tokens of a stream in one row group that takedowns from number `since` on removed."""
    if not graves.stones:
        return 0
    gone = np.flatnonzero(selection.assign(graves.table()) == bucket)
    return sum(graves.stones[i].tokens for i in gone if graves.stones[i].takedown >= since)


def take(documents: Documents, chosen: Int64s) -> Documents:
    """The chosen documents, in the order given."""
    starts = np.concatenate([[0], documents.ends[:-1]]).astype(np.int64) if len(documents.ends) else documents.ends
    parts = [documents.ids[a:b] for a, b in zip(starts[chosen], documents.ends[chosen], strict=True)]
    ids = np.concatenate(parts) if parts else np.zeros(0, np.int32)
    return Documents(ids, np.cumsum((documents.ends - starts)[chosen]))
