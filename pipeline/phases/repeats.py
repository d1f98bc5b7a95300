"""What sites repeat, read back: for the phase that marks blocks."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.io.commit import PhaseDirectory
from pipeline.io.shards import check_shard


def repeats_of(shard: int, repeats: PhaseDirectory) -> Mapping[int, list[int]]:
    """Row -> numbers of its repeated blocks, for the rows of one shard, as `site_repeats` wrote them."""
    found: dict[int, list[int]] = {}
    for file in repeats.files():
        path = repeats.path / "data" / file.path
        check_shard(path, file)
        wanted = pc.field("shard") == shard
        table = pq.read_table(path, columns=["row", "block"], filters=wanted)
        for row, block in zip(table["row"].to_pylist(), table["block"].to_pylist(), strict=True):
            found.setdefault(row, []).append(block)
    return found
