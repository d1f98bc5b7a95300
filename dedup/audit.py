"""The evidence table: one row per removed document, with the survivor it duplicates and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

RULES = ("exact", "url", "jaccard", "containment")
AUDIT_SCHEMA = pa.schema(
    [
        ("removed_id", pa.string()),
        ("kept_id", pa.string()),
        ("jaccard", pa.float32()),  # of word 5-grams, null where not compared (rule "url")
        ("containment", pa.float32()),  # shared 5-grams over those of the shorter text
        ("rule", pa.string()),  # one of RULES
        ("shared_shingles", pa.int32()),  # distinct word 5-grams in both texts, null where they were not compared
    ]
)


def audit_batch(rows: Sequence[Mapping[str, Any]]) -> pa.RecordBatch:
    """Rows as one record batch with AUDIT_SCHEMA."""
    return pa.RecordBatch.from_pylist(list(rows), schema=AUDIT_SCHEMA)


def cluster_ids(audit: pa.Table) -> pa.Table:
    """(id, cluster_id) of every removed document, following `kept_id` across phases to the copy that is still there.

    Survivors are not listed: the cluster of a kept document is its own id. A survivor of the exact phase may be removed
    by the fuzzy phase, hence the pointers; within one phase they have length one.
    """
    kept = dict(zip(audit["removed_id"].to_pylist(), audit["kept_id"].to_pylist(), strict=True))
    ids = sorted(removed for removed, survivor in kept.items() if removed != survivor)
    return pa.table(
        {"id": pa.array(ids, pa.string()), "cluster_id": pa.array([_root(kept, i) for i in ids], pa.string())}
    )


def _root(kept: dict[str, str], start: str) -> str:
    node, path = start, []
    while node in kept and kept[node] != node:
        path.append(node)
        node = kept[node]
        if len(path) > len(kept):
            raise ValueError(f"the audit removes {start!r} in a circle")
    for passed in path:
        kept[passed] = node  # shorten for those who follow
    return node
