"""The phase that finds what a site repeats on many pages, so that the cleaner's marks know of it.

It reads every rendered page once and writes one row per block; the marks themselves are set where a shard is read
next. A row names its page by (shard, row) of the rendering phase.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from dedup.site_blocks import SITE_SORT, SiteConfig, site_repeats, site_rows
from pipeline.engines.work import Sorting
from pipeline.io.shards import read_shard
from pipeline.phases.documents import removed_rows
from pipeline.phases.placed import DocumentShard
from pipeline.stage import IDLE, Context, Counters, Task

VERSION = 1
SITE_ORDER = Sorting("key", SITE_SORT[1:])
PLACE_SCHEMA = pa.schema([("shard", pa.int32()), ("row", pa.int64()), ("block", pa.int32())])
_READ = ["id", "url", "text", "blocks", "formulas"]


def emit_site_rows(task: Task, context: Context, counters: Counters, *, config: SiteConfig) -> Iterator[pa.RecordBatch]:
    """One row per block that may be boilerplate, of the documents of one shard that exact dedup left."""
    source: DocumentShard = task.source
    removed = removed_rows(source)
    row = 0
    for file in source.files:
        for batch in read_shard(source.directory.path / "data", file, _READ):
            context.at(IDLE)  # rows are looked at in batches: none to blame
            counters.rows_in += batch.num_rows
            counters.rows_out += batch.num_rows
            places = pa.array([f"{source.index:08d}:{row + k:010d}" for k in range(batch.num_rows)], pa.string())
            columns = [places, *(batch.column(name) for name in _READ[1:])]
            left = pa.array([row + k not in removed for k in range(batch.num_rows)], pa.bool_())
            yield site_rows(pa.RecordBatch.from_arrays(columns, names=_READ).filter(left), config)
            row += batch.num_rows


def reduce_site_rows(rows: Iterator[pa.RecordBatch], *, config: SiteConfig) -> Iterator[pa.RecordBatch]:
    """Places of repeated blocks of one key range."""
    for found in site_repeats(rows, config):
        places = [place.split(":") for place in found.column("id").to_pylist()]
        shards = pa.array([int(shard) for shard, _ in places], pa.int32())
        numbers = pa.array([int(row) for _, row in places], pa.int64())
        yield pa.RecordBatch.from_arrays([shards, numbers, found.column("block")], schema=PLACE_SCHEMA)
