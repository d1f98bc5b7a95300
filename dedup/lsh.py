"""From sorted proposal rows to edges: every row of a bucket is paired with the bucket's best document.

A star, never all pairs: a bucket of n documents gives n - 1 edges from a scan that remembers one row. Rows arrive
sorted by LSH_SORT, so that the first row of each key is the best document by `dedup.rank`, the hub.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dedup.rank import RANK_COLUMNS
from dedup.runs import Carried, scan_runs

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
    carried = Carried()
    for batch in rows:
        ids = batch.column("id")
        before = pa.concat_arrays([pa.array([carried.last], pa.string()), ids[:-1]]) if len(ids) else ids
        scan = scan_runs(batch.column("key").to_numpy(), ids, carried)
        carried = scan.carried
        _tally(counts, scan.place)
        fresh = pc.and_(pc.not_equal(ids, scan.first), pc.not_equal(ids, before)).to_numpy(zero_copy_only=False)
        wanted = (scan.place > 0) & fresh
        if max_bucket:
            counts["lsh:capped"] += int((wanted & (scan.place >= max_bucket)).sum())
            wanted &= scan.place < max_bucket
        mask = pa.array(wanted)
        yield pa.RecordBatch.from_arrays([scan.first.filter(mask), ids.filter(mask)], schema=EDGE_SCHEMA)


def _tally(counts: Counter[str], place: NDArray[np.int64]) -> None:
    counts["lsh:buckets"] += int((place == 1).sum())  # of two rows and more
    counts["lsh:proposals"] += int((place > 0).sum())
    if len(place):
        counts["lsh:largest_bucket"] = max(counts["lsh:largest_bucket"], int(place.max()) + 1)
