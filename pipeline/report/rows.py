"""Finding a few rows among many: positions are chosen from small columns first, texts are read only of those.

Which rows are chosen depends on ids alone (smallest hashes), so equal runs show equal documents.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.arrow_document import from_batch
from pipeline.document import Document
from pipeline.io.commit import PhaseDirectory

SEED = b"warcmill report"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """One row: file, row group, row within the group."""

    path: Path
    group: int
    row: int


@dataclass(frozen=True, slots=True, order=True)
class Chosen:
    """A row picked by the hash of its id, with the values it was picked by."""

    rank: bytes
    place: Place
    values: Mapping[str, Any] = field(compare=False)


def scan(
    phase: PhaseDirectory, folder: str, columns: Sequence[str], ids: pa.Array | None = None
) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Some columns of every row that the phase's manifest names, one row group at a time; `ids` keeps only those."""
    for commit in phase.commits():
        for file in commit.data if folder == "data" else commit.reject:
            yield from _scan_file(phase.path / folder / file.path, columns, ids)


def _scan_file(path: Path, columns: Sequence[str], ids: pa.Array | None) -> Iterator[tuple[Place, dict[str, Any]]]:
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=list(columns))
            numbers = range(table.num_rows)
            if ids is not None:
                found = pc.indices_nonzero(pc.is_in(table["id"], value_set=ids))
                numbers, table = found.to_pylist(), table.take(found)
            for row, values in zip(numbers, table.to_pylist(), strict=True):
                yield Place(path, group, row), values


def choose(
    rows: Iterable[tuple[Place, dict[str, Any]]],
    category: Callable[[Mapping[str, Any]], Iterable[str]],
    count: int,
    id_column: str = "id",
) -> dict[str, list[Chosen]]:
    """Up to `count` rows of each category: those whose ids hash smallest, in that order.

    Holds at most 2 × count rows of each category.
    """
    picked: dict[str, list[Chosen]] = {}
    for place, values in rows:
        candidate = Chosen(_rank(values[id_column]), place, values)
        for name in category(values):
            best = picked.setdefault(name, [])
            best.append(candidate)
            if len(best) >= 2 * count:
                best[:] = sorted(best)[:count]
    return {name: sorted(best)[:count] for name, best in sorted(picked.items())}


def _rank(id_: str) -> bytes:
    return hashlib.blake2b(id_.encode(), digest_size=8, key=SEED).digest()


def lookup(
    phase: PhaseDirectory, folder: str, ids: Iterable[str], columns: Sequence[str] = ("id",)
) -> dict[str, tuple[Place, dict[str, Any]]]:
    """First row of each id that is there: where, and some columns of it (which must include "id")."""
    wanted = pa.array(sorted(set(ids)), pa.string())
    found: dict[str, tuple[Place, dict[str, Any]]] = {}
    for place, values in scan(phase, folder, columns, wanted):
        found.setdefault(values["id"], (place, values))
    return found


def read(place: Place) -> Document:
    """The document at a place; reads its row group (at most 16 MB of text, see pipeline.io.shards)."""
    with pq.ParquetFile(place.path) as file:
        return next(from_batch(file.read_row_group(place.group).slice(place.row, 1)))
