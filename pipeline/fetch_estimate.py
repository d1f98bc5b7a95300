"""`warcmill fetch --dry-run`: how many records, bytes and requests a fetch would be, before it is one.

A list is looked up in full, in a temporary folder: its row groups only. A selection reads the index pieces that may
hold its places; above BUDGET_BYTES of them a spread sample, and says so. Prices are assumptions, printed as such.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rich.filesize import decimal

from pipeline.fetching import INDEX, PATHS, FetchConfig, chunks, find_records, index_files
from pipeline.io.commit import PhaseDirectory
from pipeline.io.fetch.captures import overlaps, place_pattern, place_ranges, refusals
from pipeline.io.fetch.cdx_index import Block, CdxPiece, block_pieces, cluster_blocks, file_pieces
from pipeline.io.fetch.index_files import CLUSTER, TABLE, IndexFile
from pipeline.io.fetch.path_lists import read_paths, sampled
from pipeline.io.fetch.range_plan import coalesced
from pipeline.io.fetch.retry import Reader
from pipeline.io.fetch.table_index import TablePiece, table_pieces
from pipeline.job import Finished, Reporter
from pipeline.phases.fetch_records import network_of
from pipeline.stage import Counters
from pipeline.table_job import TableJob

BUDGET_BYTES = 256 << 20  # of index, for a selection
SIZES_ASKED = 8  # whole files whose size is asked for
DOLLARS_PER_1000_REQUESTS = 0.0004  # S3 GET, us-east-1 list price
DOLLARS_PER_GB_OUT = 0.09  # out of AWS; nothing inside us-east-1, nothing from data.commoncrawl.org
ASSUMED_BYTES_PER_S = 20e6
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What would be fetched; `share` of the relevant index was read, 1.0 is exact."""

    records: int
    bytes: int
    requests: int
    files: int
    share: float = 1.0


class _Quiet(Reporter):
    def begin(self, phase: str, tasks: int) -> None: ...

    def progress(self, finished: int, records: int) -> None: ...

    def end(self, phase: str, counters: Counters) -> None: ...


def estimate(config: FetchConfig, say: Say) -> str:
    """A text for a person: what the fetch would be.

    Raises:
        WarcmillError: as the fetch would, up to the first archive byte.
    """
    if config.kind == PATHS:
        return _text(_whole_files(config), [])
    if config.kind == INDEX:
        found, lines = _selection(config, say)
        return _text(found, lines)
    with TemporaryDirectory(prefix="warcmill-fetch-") as folder:
        return _text(*_list(replace(config, output=Path(folder))))


def _text(found: Estimate, lines: list[str]) -> str:
    about = "" if found.share == 1.0 else f"  (estimated from {found.share:.1%} of the index pieces)"
    requests = found.requests / 1000 * DOLLARS_PER_1000_REQUESTS
    out = found.bytes / 1e9 * DOLLARS_PER_GB_OUT
    hours = found.bytes / ASSUMED_BYTES_PER_S / 3600
    return "\n".join(
        [
            *lines,
            f"records    {found.records:,}{about}",
            f"bytes      {found.bytes:,}  ({decimal(found.bytes)})",
            f"requests   {found.requests:,} in {found.files:,} archive files",
            f"time       {hours:.2f} h at an assumed {decimal(int(ASSUMED_BYTES_PER_S))}/s",
            f"cost       {requests:.4f} USD for requests at {DOLLARS_PER_1000_REQUESTS} per 1000 (S3), "
            f"{out:.2f} USD for bytes that leave AWS at {DOLLARS_PER_GB_OUT} per GB; "
            "data.commoncrawl.org charges neither",
        ]
    )


def _list(config: FetchConfig) -> tuple[Estimate, list[str]]:
    with config.place().open_engine() as engine:
        job = TableJob(config.place(), engine, _Quiet())
        _, listed, chosen, records = find_records(job, config)
    phases = [PhaseDirectory(path, path.name) for path in sorted((config.output / "phases").iterdir())]
    read = sum(network_of(phase).bytes for phase in phases)
    whole = sum(phase.manifest()["counters"]["tallies"].get("index_bytes", 0) for phase in phases)
    lines = [*_funnel(listed, chosen), f"index      {read:,} bytes read; its columns and blocks looked at: {whole:,}"]
    total = Estimate(0, 0, 0, 0)
    files: set[str] = set()
    for chunk in chunks(records):
        places = chunk.places()
        files.update(place.path for place in places)
        settings = config.settings
        ranges = list(coalesced(places, settings.max_gap_bytes, settings.max_range_bytes))
        size = sum(part.stop - part.start for part in ranges)
        total = Estimate(total.records + len(places), total.bytes + size, total.requests + len(ranges), len(files))
    return total, lines


def _funnel(listed: Finished | None, chosen: Finished) -> list[str]:
    lines = []
    for name, phase in (("list", listed), ("look-up", chosen)):
        if phase:
            counters = phase.counters
            why = ", ".join(
                f"{reason.partition(':')[2]} {count:,}" for reason, count in sorted(counters.rejected.items())
            )
            lines.append(
                f"{name:<10} {counters.rows_in:,} rows, {counters.rows_out:,} found{'; ' + why if why else ''}"
            )
    return lines


def _whole_files(config: FetchConfig) -> Estimate:
    paths = sampled(read_paths(config.inputs, config.base), config.sample, config.seed)
    reader = config.access.reader(config.base)
    sizes = [reader.size(path) for path in sampled(paths, SIZES_ASKED, config.seed)]
    return Estimate(
        len(paths), round(sum(sizes) / len(sizes) * len(paths)), len(paths), len(paths), len(sizes) / len(paths)
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of index that may hold selected pages: a row group, a block, or a whole file."""

    reader: Reader
    bytes: int
    source: TablePiece | Block | IndexFile

    def pieces(self) -> Iterator[TablePiece | CdxPiece]:
        if isinstance(self.source, TablePiece):
            yield self.source
        elif isinstance(self.source, Block):
            yield from block_pieces(self.reader, [self.source])
        else:
            yield from file_pieces(self.reader, self.source.path)


def _selection(config: FetchConfig, say: Say) -> tuple[Estimate, list[str]]:
    parts, whole = _relevant(config)
    chosen = _within_budget(parts)
    share = len(chosen) / len(parts) if parts else 1.0
    size = sum(part.bytes for part in chosen)
    say(f"index: {whole:,} pieces, {len(parts):,} may hold the places; reading {len(chosen):,}, {decimal(size)}")
    records = stored = 0
    files: set[str] = set()
    for part in chosen:
        for piece in part.pieces():
            names, lengths = _selected(piece, config)
            records, stored = records + len(lengths), stored + int(lengths.sum())
            files.update(names)
    scaled = round(records / share) if share else 0
    found = Estimate(scaled, round(stored / share) if share else 0, scaled, len(files), share)
    note = "captures before the choice of one per page; requests without joining of neighbours"
    return found, [
        f"index      {size:,} bytes of {whole:,} pieces would be read: {len(parts):,} pieces",
        f"note       {note}",
    ]


def _relevant(config: FetchConfig) -> tuple[list[_Part], int]:
    """Pieces that may hold selected pages, and how many there are in all."""
    ranges = place_ranges(config.wanted)
    parts, whole = [], 0
    for file in index_files(config):
        reader = config.access.reader(file.base)
        for part, low, high in _parts(file, reader):
            whole += 1
            if overlaps(ranges, low, high):
                parts.append(part)
    return parts, whole


def _parts(file: IndexFile, reader: Reader) -> Iterator[tuple[_Part, str | None, str | None]]:
    if file.kind == TABLE:
        for piece in table_pieces(reader, file.path):
            yield _Part(reader, piece.bytes, piece), piece.low, piece.high
    elif file.kind == CLUSTER:
        for block in cluster_blocks(reader, file.path):
            yield _Part(reader, block.length, block), block.low, block.high or None
    else:
        yield _Part(reader, reader.size(file.path), file), None, None


def _within_budget(parts: list[_Part]) -> list[_Part]:
    """All parts, or every n-th, so that their bytes stay within the budget; at least one."""
    total = sum(part.bytes for part in parts)
    step = max(1, -(-total // BUDGET_BYTES))
    return list(islice(parts, step // 2 if step // 2 < len(parts) else 0, None, step))


def _selected(piece: TablePiece | CdxPiece, config: FetchConfig) -> tuple[list[str], np.ndarray]:
    keys = piece.keys()
    pattern = place_pattern(config.wanted)
    hits = pc.match_substring_regex(keys, pattern) if pattern else pa.repeat(pa.scalar(True), len(keys))
    rows = np.flatnonzero(hits.to_numpy(zero_copy_only=False))
    if not len(rows):
        return [], np.empty(0, np.int64)
    captures = piece.captures(rows, keys)
    usable = captures.filter(pc.equal(refusals(captures, config.wanted), ""))
    return pc.unique(usable["warc_filename"]).to_pylist(), usable["warc_record_length"].to_numpy()
