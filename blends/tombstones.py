"""Documents that a takedown removed: what the manifest keeps of each, and how a reader skips exactly those.

The order of documents in a row group is a keyed hash of their places in it. So a reader of a child must know the
places in the origin, also of what is gone: a tombstone says shard, row group, row, tokens, and the columns that decide
buckets. Then every stream of the child is the parent's stream without the removed documents, and a position in the one
has a place in the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from blends.schema_check import Problem


@dataclass(frozen=True, slots=True)
class Tombstone:
    """One removed document; `row` counts in the origin's row group, `takedown` in the manifest's takedowns."""

    shard: str
    row_group: int
    row: int
    doc_id: str
    tokens: int
    source: str
    language: str
    quality: float | None
    takedown: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Graves:
    """The tombstones of one row group, in order of rows."""

    stones: tuple[Tombstone, ...]

    @property
    def rows(self) -> list[int]:
        """Places in the origin's row group."""
        return [stone.row for stone in self.stones]

    def table(self) -> pa.Table:
        """The columns that decide buckets, as a shard has them."""
        columns = {
            "n_tokens": pa.array([s.tokens for s in self.stones], pa.int32()),
            "quality": pa.array([s.quality for s in self.stones], pa.float32()),
            "language": pa.array([s.language for s in self.stones], pa.string()),
            "source": pa.array([s.source for s in self.stones], pa.string()),
        }
        return pa.table(columns)

    def origin_rows(self, kept: int) -> npt.NDArray[np.int64]:
        """Place in the origin of each kept row, then of each removed one."""
        gone = np.zeros(kept + len(self.stones), dtype=np.bool_)
        gone[self.rows] = True
        return np.concatenate([np.flatnonzero(~gone), np.flatnonzero(gone)])


NO_GRAVES = Graves(())


def graves_by_group(manifest: Mapping[str, Any]) -> dict[tuple[str, int], Graves]:
    """Tombstones of a manifest by shard path and row group."""
    found: dict[tuple[str, int], list[Tombstone]] = {}
    for data in manifest.get("tombstones", ()):
        found.setdefault((data["shard"], data["row_group"]), []).append(Tombstone(**data))
    return {place: Graves(tuple(sorted(stones, key=lambda s: s.row))) for place, stones in found.items()}


def ancestors(manifest: Mapping[str, Any]) -> dict[str, int]:
    """sha256 of each manifest that this run descends from -> takedowns that had been done by then."""
    return {takedown["parent_sha256"]: number for number, takedown in enumerate(manifest.get("takedowns", ()))}


def sums_of(stones: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Documents and tokens of tombstones."""
    tokens = [stone["tokens"] for stone in stones]
    return {"documents": len(tokens), "tokens": sum(tokens)}


def check_takedowns(manifest: Mapping[str, Any]) -> list[Problem]:
    """Problems with parent, takedowns and tombstones of a manifest of valid form; runs without any have none."""
    parts = [name for name in ("parent", "takedowns", "tombstones") if name in manifest]
    if not parts and "removed" not in manifest["totals"]:
        return []
    if len(parts) < 3 or "removed" not in manifest["totals"] or not manifest["takedowns"]:
        return [Problem("parent", f"only {', '.join(parts)}", "parent, takedowns, tombstones and totals/removed")]
    stones, takedowns = manifest["tombstones"], manifest["takedowns"]
    problems = _check_sums(stones, takedowns, manifest["totals"]["removed"])
    chain = [takedowns[0]["parent_sha256"], takedowns[-1]["parent_sha256"]]
    if chain != [manifest["parent"]["origin_sha256"], manifest["parent"]["manifest_sha256"]]:
        problems.append(Problem("parent", "origin or parent is not that of the takedowns", f"{chain}"))
    return problems + _check_places(stones, manifest["shards"])


def _check_sums(
    stones: Sequence[Mapping[str, Any]], takedowns: Sequence[Mapping[str, Any]], removed: Mapping[str, int]
) -> list[Problem]:
    problems = []
    for number, takedown in enumerate(takedowns):
        promised = {key: takedown[key] for key in ("documents", "tokens")}
        if promised != (found := sums_of(stone for stone in stones if stone["takedown"] == number)):
            problems.append(Problem(f"takedowns/{number}", f"documents and tokens are {promised}", f"{found}"))
    if removed != (found := sums_of(stones)):
        problems.append(Problem("totals/removed", f"{removed}", f"{found}"))
    return problems


def _check_places(stones: Sequence[Mapping[str, Any]], shards: Sequence[Mapping[str, Any]]) -> list[Problem]:
    groups = {shard["path"]: [group["rows"] for group in shard["row_groups"]] for shard in shards}
    inside = Counter((stone["shard"], stone["row_group"]) for stone in stones)
    seen: set[tuple[str, int, int]] = set()
    for stone in stones:
        path, number, row = stone["shard"], stone["row_group"], stone["row"]
        known = path in groups and number < len(groups[path])
        if not known or row >= groups[path][number] + inside[path, number] or (path, number, row) in seen:
            return [Problem(f"tombstones/{stone['doc_id']}", f"{path}, row group {number}, row {row}", "a row once")]
        seen.add((path, number, row))
    return []
