"""From sorted proposal rows to edges: every row of a bucket is paired with the bucket's best document.

A star, never all pairs: a bucket of n documents gives n - 1 edges from a scan that remembers one row. Rows arrive
sorted by LSH_SORT, so that the first row of each key is the best document by `dedup.rank`, the hub.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pyarrow as pa

from dedup.rank import RANK_COLUMNS

LSH_SORT = ("key", *RANK_COLUMNS)
EDGE_SCHEMA = pa.schema([("a", pa.string()), ("b", pa.string())])  # a: the better ranked


def star_edges(
    rows: Iterator[pa.RecordBatch], max_bucket: int = 0, tallies: Counter[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """EDGE_SCHEMA rows (hub, other) of PROPOSAL_SCHEMA rows sorted by LSH_SORT. Memory: one batch.

    Rows beyond `max_bucket` in one bucket are left out and tallied as `lsh:capped`; 0 means no limit. A document that
    occurs twice in a bucket is its own duplicate only once: repeated and self edges are left out.
    """
    counts = Counter[str]() if tallies is None else tallies
    key, hub, last, size = -1, "", "", 0
    for batch in rows:
        hubs: list[str] = []
        others: list[str] = []
        for row_key, row_id in zip(batch.column("key").to_pylist(), batch.column("id").to_pylist(), strict=True):
            if row_key != key:
                _close_bucket(counts, size)
                key, hub, last, size = row_key, row_id, row_id, 1
                continue
            size += 1
            if row_id in (hub, last):
                continue
            last = row_id
            if max_bucket and size > max_bucket:
                counts["lsh:capped"] += 1
                continue
            hubs.append(hub)
            others.append(row_id)
        yield pa.RecordBatch.from_arrays(
            [pa.array(hubs, pa.string()), pa.array(others, pa.string())], schema=EDGE_SCHEMA
        )
    _close_bucket(counts, size)


def _close_bucket(counts: Counter[str], size: int) -> None:
    if size > 1:
        counts["lsh:buckets"] += 1
        counts["lsh:proposals"] += size - 1
        counts["lsh:largest_bucket"] = max(counts["lsh:largest_bucket"], size)
