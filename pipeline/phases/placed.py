"""Rows that stand for documents by their place: (shard, row) of the phase in which dedup read them.

A document is named "<id>@<shard>:<row>" inside the dedup phases: unique even where two archives hold the same capture,
in the same order as ids, and enough to find the row again without an index. As a number, for the graph, its place is
spread over 64 bits, so that key ranges are even. Tables sorted by place are read back one shard at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.io.commit import PhaseDirectory
from pipeline.io.shards import ShardFile, check_shard
from pipeline.stage import IDLE, Context, Counters

READ = ("text", "quality", "crawl_time")
PLACE_CHARS = len("@00000000:0000000000")
ROW_BITS = 32
_SPREAD = 0x9E3779B97F4A7C15  # odd, so that multiplying is a bijection (Knuth's multiplicative hashing)
_GATHER = pow(_SPREAD, -1, 1 << 64)
U64 = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Removals:
    """The audit of a dedup phase; its rows name documents by (shard, row) of the phase they were read from."""

    directory: PhaseDirectory
    stage: str  # under which the removed documents are rejected, e.g. "exact_dedup"

    @property
    def files(self) -> tuple[ShardFile, ...]:
        """Looked up where they are read, so that a task does not carry them."""
        return self.directory.files()


@dataclass(frozen=True, slots=True)
class DocumentShard:
    """Kept documents of one committed task, and what dedup phases removed from them since."""

    directory: PhaseDirectory
    files: tuple[ShardFile, ...]
    index: int
    removals: tuple[Removals, ...] = ()


def name_of(id_: str, shard: int, row: int) -> str:
    """The name of a document inside the dedup phases."""
    return f"{id_}@{shard:08d}:{row:010d}"


def split_names(names: pa.Array) -> tuple[pa.Array, NDArray[np.int32], NDArray[np.int64]]:
    """(ids, shards, rows) of names."""
    shards, rows = _places(names)
    return pc.utf8_slice_codeunits(names, 0, -PLACE_CHARS), shards, rows


def _places(names: pa.Array) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    shards = pc.utf8_slice_codeunits(names, 1 - PLACE_CHARS, -11).cast(pa.int32())
    return shards.to_numpy(), pc.utf8_slice_codeunits(names, -10).cast(pa.int64()).to_numpy()


def nodes_of(names: pa.Array) -> U64:
    """Names as numbers of the graph."""
    return place_nodes(*_places(names))


def place_nodes(shards: NDArray[np.int32], rows: NDArray[np.int64]) -> U64:
    """Places as numbers of the graph."""
    return (shards.astype(np.uint64) << np.uint64(ROW_BITS) | rows.astype(np.uint64)) * np.uint64(_SPREAD)


def places_of(nodes: U64) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """(shards, rows) of numbers that `nodes_of` gave."""
    places = nodes * np.uint64(_GATHER)
    return (places >> np.uint64(ROW_BITS)).astype(np.int32), (places & np.uint64((1 << ROW_BITS) - 1)).astype(np.int64)


def shard_keys(shards: NDArray[np.int32], rows: NDArray[np.int64], count: int) -> U64:
    """Keys in the order of places, spread over 64 bits: an exchange by them puts each of `count` shards together."""
    return shards.astype(np.uint64) * np.uint64((1 << 64) // max(count, 2)) + rows.astype(np.uint64)


def rows_of_shard(directory: PhaseDirectory, shard: int, columns: Sequence[str]) -> pa.Table:
    """Rows of a finished phase whose `shard` is this one, in order.

    Of files sorted by shard only the row groups that can hold it are read, of all others the footer.
    """
    wanted = pc.field("shard") == shard
    found: list[pa.Table] = []
    for file in directory.files():
        path = directory.path / "data" / file.path
        with pq.ParquetFile(path) as parquet:
            groups = _groups_with(parquet, shard)
            if groups:
                check_shard(path, file)
                table = parquet.read_row_groups(groups, columns=list(dict.fromkeys(["shard", *columns])))
                found.append(table.filter(wanted).select(list(columns)))
    return pa.concat_tables(found) if found else pa.table({name: [] for name in columns})


def _groups_with(parquet: pq.ParquetFile, shard: int) -> list[int]:
    place = parquet.schema_arrow.get_field_index("shard")
    groups = range(parquet.num_row_groups)
    ranges = [parquet.metadata.row_group(group).column(place).statistics for group in groups]
    return [group for group, known in zip(groups, ranges, strict=True) if known.min <= shard <= known.max]


def named_batches(
    source: DocumentShard,
    context: Context,
    counters: Counters,
    columns: Sequence[str] = READ,
    only: NDArray[np.int64] | None = None,
) -> Iterator[pa.RecordBatch]:
    """Batches of a shard with ids replaced by names, without rows that have no text or were removed before.

    `only`: rows wanted, ascending; row groups without one are not read. Rows out are counted as read: none is dropped.
    """
    parts = [rows_of_shard(removed.directory, source.index, ["row"]) for removed in source.removals]
    gone = np.concatenate([np.empty(0, np.int64), *(part["row"].to_numpy().astype(np.int64) for part in parts)])
    for row, batch in _placed_batches(source, ["id", *columns], only):
        context.at(IDLE)  # rows are compared in batches: none to blame
        counters.rows_in += batch.num_rows
        counters.rows_out += batch.num_rows
        rows = np.arange(row, row + batch.num_rows)
        ids = batch.column("id").to_pylist()
        names = [name_of(id_, source.index, n) for id_, n in zip(ids, rows.tolist(), strict=True)]
        named = batch.set_column(0, "id", pa.array(names, pa.string()))
        left = ~np.isin(rows, gone) if only is None else np.isin(rows, only)
        yield named.filter(pc.and_(pc.is_valid(batch.column("text")), pa.array(left)))


def _placed_batches(
    source: DocumentShard, columns: list[str], only: NDArray[np.int64] | None
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """(first row, batch) of a shard's row groups."""
    row = 0
    for file in source.files:
        starts = row + np.cumsum([0, *file.row_groups])
        row += file.rows
        groups = range(len(file.row_groups))
        if only is not None:
            groups = [g for g in groups if np.searchsorted(only, starts[g]) < np.searchsorted(only, starts[g + 1])]  # type: ignore[assignment]
        yield from _read_groups(source.directory.path / "data", file, columns, groups, starts.tolist())


def _read_groups(
    folder: Path, file: ShardFile, columns: list[str], groups: Sequence[int], starts: list[int]
) -> Iterator[tuple[int, pa.RecordBatch]]:
    if not groups:
        return
    check_shard(folder / file.path, file)
    with pq.ParquetFile(folder / file.path) as parquet:
        for group in groups:
            row = starts[group]
            for batch in parquet.read_row_group(group, columns=columns).to_batches():
                yield row, batch.select(columns)
                row += batch.num_rows
