"""Reads tokens at any position of a stream: sums say which row group, and one row group per stream stays in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from blends.manifest_types import ShardEntry
from blends.run_place import RunPlace, altered
from blends.split import TRAIN
from blends.streams import (
    Documents,
    Int32s,
    Int64s,
    Selection,
    StreamGroup,
    StreamLayout,
    keyed_hash,
    pass_key,
    read_row_group,
    read_stream_group,
    removed_tokens,
    stream_layout,
    take,
)
from blends.tombstones import NO_GRAVES, Graves, graves_by_group
from pipeline.errors import VerificationError
from pipeline.io.byte_source import open_file

T = TypeVar("T")
_TRIES = 3


@dataclass(slots=True, eq=False)
class RunFiles:
    """The shards of one split of a run; each is checked when it is first used, and fetched where the run is remote."""

    place: RunPlace
    shards: Sequence[ShardEntry]
    checksums: bool
    graves: Mapping[tuple[str, int], Graves] = field(default_factory=dict)
    checked: set[int] = field(default_factory=set)

    def file(self, index: int) -> Path:
        """The local file of a shard that is what the manifest says. Raises VerificationError."""
        shard = self.shards[index]
        if index in self.checked and not self.place.remote:
            return Path(self.place.url, shard.path)
        path = self.place.shard(shard, checksum=self.checksums and index not in self.checked)
        self.checked.add(index)
        return path

    def prefetch(self, index: int) -> None:
        """Fetch a shard of a remote run in the background."""
        if self.place.remote:
            self.place.cache.prefetch(f"{self.place.url}/{self.shards[index].path}", self.shards[index])

    def group(self, index: int, number: int, selection: Selection, bucket: int) -> StreamGroup:
        """What one row group holds of a stream."""
        shard, graves = self.shards[index], self.graves_of(index, number)
        return self._read(index, lambda path: read_stream_group(path, shard, number, selection, bucket, graves))

    def rows(self, index: int, number: int, columns: Sequence[str] | None) -> Any:
        """Columns (None: all) of one row group as a table."""
        return self._read(index, lambda path: read_row_group(path, self.shards[index], number, columns))

    def _read(self, index: int, read: Callable[[Path], T]) -> T:
        """What `read` makes of a shard's local file; one that left a full cache in between is fetched again."""
        for _ in range(_TRIES):
            path = self.file(index)
            try:
                return read(path)
            except VerificationError:
                if path.exists() or not self.place.remote:
                    raise
        return read(self.file(index))

    def small_columns(self, index: int, number: int, columns: Sequence[str]) -> Any:
        """The same of some columns: of a remote run by range requests, which fetch no whole shard; no checksum."""
        if not self.place.remote:
            return self.rows(index, number, columns)
        with open_file(f"{self.place.url}/{self.shards[index].path}", ahead=False) as file:
            return read_row_group(file, self.shards[index], number, columns)

    def graves_of(self, index: int, number: int) -> Graves:
        """Tombstones of one row group."""
        return self.graves.get((self.shards[index].path, number), NO_GRAVES)


def run_files(place: RunPlace, manifest: Mapping[str, Any], split: str = TRAIN, *, checksums: bool) -> RunFiles:
    """The shards of one split of a run whose manifest was checked."""
    shards = [shard for data in manifest["shards"] if (shard := ShardEntry.from_json(data)).split == split]
    return RunFiles(place, shards, checksums, graves_by_group(manifest))


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
    _ahead: int = -1  # shard last fetched ahead

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
            self._fetch_ahead(place)
        return self._documents, offset - int(self._ends[place] - self.layout.tokens[index])

    def _read_group(self, number: int, index: int) -> Documents:
        shard, group = int(self.layout.shard[index]), int(self.layout.group[index])
        found = self.run.group(shard, group, self.selection, self.bucket)
        promised = int(self.layout.tokens[index])
        if len(found.documents.ids) != promised:
            path = self.run.place.where(self.run.shards[shard].path)
            raise altered(path, f"{len(found.documents.ids)} tokens in row group {group}", f"{promised} tokens")
        order = self.group_order(number, index, len(found.kept))
        ranks = np.cumsum(found.kept) - 1  # place among the kept documents
        return take(found.documents, ranks[order[found.kept[order]]])

    def group_order(self, number: int, index: int, count: int) -> Int64s:
        """Order of a row group's documents in a pass; `count` are those of the origin, removed ones included."""
        key = pass_key(self.seed, number, f"{self.stream_id}/{index}")
        return np.argsort(keyed_hash(key, count), kind="stable")

    def _fetch_ahead(self, place: int) -> None:
        """Fetch the shard that this pass reads after the one at hand."""
        if not self.run.place.remote:
            return
        shards = self.layout.shard[self._order[place:]]
        later = np.flatnonzero((shards != shards[0]) & (self.layout.tokens[self._order[place:]] > 0))
        if len(later) and (following := int(shards[later[0]])) != self._ahead:
            self._ahead = following
            self.run.prefetch(following)

    def moved(self, position: int, since: int) -> int:
        """Where a position of the stream before takedown number `since` is now: removed documents do not count.

        Args:
            position: tokens used of the stream as it was.
            since: takedowns that had been done when the position was taken.
        """
        if position <= 0 or not self.run.graves:
            return position
        before = stream_layout(self.run.shards, self._groups_before(since))
        number, offset = divmod(position, before.total)
        order, ends = before.order(pass_key(self.seed, number, self.stream_id))
        place = int(np.searchsorted(ends, offset, side="right"))
        index = int(order[place])
        inside = self._moved_inside(number, index, offset - int(ends[place] - before.tokens[index]), since)
        return number * self.layout.total + int(self.layout.tokens[order[:place]].sum()) + inside

    def tokens_before(self, since: int) -> int:
        """Tokens of one pass before takedown `since`."""
        return sum(self._groups_before(since))

    def _groups_before(self, since: int) -> list[int]:
        places = zip(self.layout.tokens.tolist(), self.layout.shard.tolist(), self.layout.group.tolist(), strict=True)
        return [
            tokens + removed_tokens(self.run.graves_of(shard, group), self.selection, self.bucket, since)
            for tokens, shard, group in places
        ]

    def _moved_inside(self, number: int, index: int, offset: int, since: int) -> int:
        """The same within one row group: tokens of kept documents before an offset among those kept then."""
        found = self.run.group(
            int(self.layout.shard[index]), int(self.layout.group[index]), self.selection, self.bucket
        )
        order = self.group_order(number, index, len(found.kept))
        then = (found.kept | (found.takedown >= since))[order]
        lengths, now = found.lengths[order][then], found.kept[order][then]
        used = np.clip(offset - (np.cumsum(lengths) - lengths), 0, lengths)
        return int(used[now].sum())
