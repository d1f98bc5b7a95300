"""What sites repeat, read back: for the phase that marks blocks."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.io.commit import PhaseDirectory
from pipeline.phases.placed import rows_of_shard


def repeats_of(shard: int, repeats: PhaseDirectory) -> Mapping[int, list[int]]:
    """Row -> numbers of its repeated blocks, for the rows of one shard, as `site_repeats` wrote them."""
    found: dict[int, list[int]] = {}
    table = rows_of_shard(repeats, shard, ["row", "block"])
    for row, block in zip(table["row"].to_pylist(), table["block"].to_pylist(), strict=True):
        found.setdefault(row, []).append(block)
    return found
