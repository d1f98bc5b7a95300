"""Reads tokens at any position of a stream: sums say which row group, and one row group per stream stays in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from blends.manifest_types import ShardEntry
from blends.streams import (
    Documents,
    Int32s,
    Int64s,
    Selection,
    StreamLayout,
    altered,
    check_shard,
    keyed_hash,
    pass_key,
    read_stream_group,
    take,
)


@dataclass(slots=True, eq=False)
class RunFiles:
    """The shards of one run; each is checked when it is first used."""

    path: Path
    shards: Sequence[ShardEntry]
    checksums: bool
    checked: set[int] = field(default_factory=set)

    def shard(self, index: int) -> ShardEntry:
        """A shard that is what the manifest says. Raises VerificationError."""
        if index not in self.checked:
            check_shard(self.path, self.shards[index], checksum=self.checksums)
            self.checked.add(index)
        return self.shards[index]


@dataclass(slots=True, eq=False)
class StreamReader:
    """One stream, read at positions counted in tokens from the start of its first pass."""

    run: RunFiles
    layout: StreamLayout
    selection: Selection
    bucket: int
    seed: int
    stream_id: str
    _pass: int = -1
    _order: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    _ends: Int64s = field(default_factory=lambda: np.zeros(0, np.int64))
    _held: tuple[int, int] = (-1, -1)
    _documents: Documents | None = None

    def read(self, position: int, count: int) -> tuple[Int32s, Int64s]:
        """`count` token ids from `position` on, and where documents end in them (exclusive, from 1 to count)."""
        ids = np.empty(count, np.int32)
        ends: list[Int64s] = []
        done = 0
        while done < count:
            group, begin = self._find(position + done)
            stop = min(len(group.ids), begin + count - done)
            ids[done : done + stop - begin] = group.ids[begin:stop]
            low, high = np.searchsorted(group.ends, (begin, stop), side="right")
            ends.append(group.ends[low:high] + (done - begin))
            done += stop - begin
        return ids, np.concatenate(ends)

    def _find(self, position: int) -> tuple[Documents, int]:
        """The row group that holds a position, and the place in it."""
        number, offset = divmod(position, self.layout.total)
        if number != self._pass:
            self._order, self._ends = self.layout.order(pass_key(self.seed, number, self.stream_id))
            self._pass = number
        place = int(np.searchsorted(self._ends, offset, side="right"))
        index = int(self._order[place])
        if self._documents is None or self._held != (number, index):
            self._documents = None  # the old one goes before the new one comes
            self._documents, self._held = self._read_group(number, index), (number, index)
        return self._documents, offset - int(self._ends[place] - self.layout.tokens[index])

    def _read_group(self, number: int, index: int) -> Documents:
        shard, group = self.run.shard(int(self.layout.shard[index])), int(self.layout.group[index])
        documents = read_stream_group(self.run.path, shard, group, self.selection, self.bucket)
        promised = int(self.layout.tokens[index])
        if len(documents.ids) != promised:
            path = self.run.path / shard.path
            raise altered(path, f"{len(documents.ids)} tokens in row group {group}", f"{promised} tokens")
        key = pass_key(self.seed, number, f"{self.stream_id}/{index}")
        return take(documents, np.argsort(keyed_hash(key, len(documents.ends)), kind="stable"))
