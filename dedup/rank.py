"""Which of several copies is kept: one total order, as plain Arrow columns that every engine sorts alike.

Ascending sort by RANK_COLUMNS puts the best copy first: higher quality, then longer text, then earlier capture, then
smaller id. Nothing in it depends on input order, partitions or engine. Quality is quantised before it is compared,
because a model's last bits may depend on the batch it ran in.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

RANK_COLUMNS = ("rank_quality", "rank_length", "rank_time", "id")
RANK_FIELDS = [
    pa.field("rank_quality", pa.int32()),  # minus quality in units of 1/QUALITY_STEPS; an unknown quality counts as 0
    pa.field("rank_length", pa.int64()),  # minus the length of the text in UTF-8 bytes
    pa.field("rank_time", pa.string()),  # ISO 8601 UTC; an unknown time sorts last
    pa.field("id", pa.string()),
]
QUALITY_STEPS = 1_000
UNKNOWN_TIME = "~"  # sorts after every digit


def rank_columns(docs: pa.RecordBatch) -> list[pa.Array]:
    """Arrays of RANK_FIELDS for a batch with `id`, `text` and, where known, `quality` and `crawl_time`."""
    return [_quality(docs), _length(docs), _time(docs), docs.column("id").cast(pa.string())]


def _quality(docs: pa.RecordBatch) -> pa.Array:
    if "quality" not in docs.schema.names:
        return pa.array([0] * docs.num_rows, pa.int32())
    scaled = pc.round(pc.multiply(docs.column("quality").cast(pa.float64()), -QUALITY_STEPS))
    finite = pc.if_else(pc.is_finite(scaled), scaled, 0.0)
    return pc.fill_null(finite, 0.0).cast(pa.int32())


def _length(docs: pa.RecordBatch) -> pa.Array:
    return pc.negate(pc.binary_length(pc.fill_null(docs.column("text"), "")).cast(pa.int64()))


def _time(docs: pa.RecordBatch) -> pa.Array:
    if "crawl_time" not in docs.schema.names:
        return pa.array([UNKNOWN_TIME] * docs.num_rows, pa.string())
    times = pc.fill_null(docs.column("crawl_time").cast(pa.string()), "")
    return pc.if_else(pc.equal(times, ""), UNKNOWN_TIME, times)
