"""The values a run manifest is made of; `blends.manifest` turns them into JSON and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blends.split import TRAIN
from blends.tokenizer_types import TokenizerIdentity
from pipeline.stage import Counters


@dataclass(frozen=True, slots=True)
class RowGroup:
    """One Parquet row group."""

    rows: int
    tokens: int


@dataclass(frozen=True, slots=True)
class ShardEntry:
    """One shard. Keys are the shuffle keys of its first and last row, None for a shard without rows."""

    path: str  # relative to the run, forward slashes: "shards/shard-00000-of-00007.parquet"
    sha256: str
    bytes: int
    rows: int
    tokens: int
    row_groups: tuple[RowGroup, ...]
    min_key: int | None
    max_key: int | None
    split: str = TRAIN

    def to_json(self) -> dict[str, Any]:
        """Keys become 16 hex digits: JSON numbers above 2^53 lose digits in many readers."""
        split = {} if self.split == TRAIN else {"split": self.split}
        return split | {
            "path": self.path,
            "sha256": self.sha256,
            "bytes": self.bytes,
            "rows": self.rows,
            "tokens": self.tokens,
            "row_groups": [{"rows": group.rows, "tokens": group.tokens} for group in self.row_groups],
            "min_key": None if self.min_key is None else f"{self.min_key:016x}",
            "max_key": None if self.max_key is None else f"{self.max_key:016x}",
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ShardEntry:
        return cls(
            path=data["path"],
            sha256=data["sha256"],
            bytes=data["bytes"],
            rows=data["rows"],
            tokens=data["tokens"],
            row_groups=tuple(RowGroup(group["rows"], group["tokens"]) for group in data["row_groups"]),
            min_key=None if data["min_key"] is None else int(data["min_key"], 16),
            max_key=None if data["max_key"] is None else int(data["max_key"], 16),
            split=data.get("split", TRAIN),
        )


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file a run depends on: an input archive or a model. `name` is a basename or a model's name, never a path."""

    name: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class RecipeEntry:
    """The recipe as used: `resolved` is the whole recipe with every default filled in."""

    name: str
    sha256: str
    resolved: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PhaseEntry:
    """One phase of the run, in the order they ran: digest of its manifest and its rows by fate."""

    name: str
    manifest_sha256: str
    counters: Counters


@dataclass(frozen=True, slots=True)
class ManifestInput:
    """Everything `build_manifest` needs. Order of inputs and models does not matter, that of phases and shards does."""

    shards: Sequence[ShardEntry]
    tokenizer: TokenizerIdentity
    seed: int
    tokens_per_shard: int
    recipe: RecipeEntry
    inputs: Sequence[NamedFile]
    phases: Sequence[PhaseEntry]
    models: Sequence[NamedFile]
    software: Mapping[str, str]  # name -> version
    validation_share: float = 0.0
