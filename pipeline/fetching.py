"""`warcmill fetch`: lists of URLs, places in an index, or a snapshot's paths, to WARC files that `warcmill run` takes.

Phases like those of every other job, so that each stops, resumes and runs on any engine: read the lists, look them up,
choose captures, cut the records into chunks, fetch the chunks. docs/fetch.md is the user's page.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipeline.engines.local import LocalConfig
from pipeline.engines.work import reduce_partition
from pipeline.errors import InputError, UsageError
from pipeline.fetch_results import publish_files, publish_records
from pipeline.io.commit import PhaseDirectory, canonical_json
from pipeline.io.fetch.access import COMMON_CRAWL, Access
from pipeline.io.fetch.captures import Wanted
from pipeline.io.fetch.chunk import FetchSettings
from pipeline.io.fetch.index_files import CDX, CLUSTER, TABLE, IndexFile, index_named, index_of_crawl
from pipeline.io.fetch.path_lists import read_paths, sampled
from pipeline.job import PARTITION_BYTES, Finished, Job, Plan, Reporter, fingerprint, forget_spill, partitions
from pipeline.phases.fetch_lookup import BlockGroup, Lists, LookUp, choose, find_blocks, look_up, spill_list
from pipeline.phases.fetch_records import (
    RECORD_ORDER,
    RECORD_SCHEMA,
    Chunk,
    copy_file,
    distinct_records,
    fetch_records,
    network_of,
    record_bytes,
    spill_records,
)
from pipeline.phases.inputs import InputFacts
from pipeline.run_folder import claimed, note_session
from pipeline.stage import Task
from pipeline.table_job import MANIFEST, SUCCESS, Place, TableJob

FETCH_VERSION = 1  # raise it when a phase here would give another result
URLS, INDEX, PATHS = "urls", "index", "paths"
WARC_FOLDER = "warc"
AUTO = "auto"
SMALL_LIST_ROWS = 20_000
MAX_NAMED_CRAWLS = 5


@dataclass(frozen=True, slots=True)
class FetchConfig:
    """One fetch.

    Args:
        inputs: lists, as expanded; empty for a selection by place.
        output: run folder.
        kind: URLS (also rows with coordinates), INDEX (selection by place) or PATHS (whole files).
        base: what archive paths are relative to: an address or a folder. Trusted: the user named it.
        crawls: whose index to read, below `base`.
        indexes: index files, folders or globs named by the user; then `crawls` only picks partitions.
        index_format: of the crawls: table (Parquet), cdx, or auto: cdx for lists of at most SMALL_LIST_ROWS URLs, of
            which each costs a block of some 3000 lines there, but a row group of a million in the table.
        wanted, policy, exact: which captures, see captures.Wanted and captures.POLICIES; `exact`: of the very URL.
        allow_private: lists may name private addresses, and servers may redirect to them.
        chunk_bytes, chunk_records: a WARC file holds at most so much, unless a single record is larger.
        sample: PATHS: this many files, by `seed`; None for all.
        list_only: PATHS: write the list, copy nothing.
    """

    inputs: tuple[str, ...]
    output: Path
    kind: str = URLS
    base: str = COMMON_CRAWL
    crawls: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()
    index_format: str = AUTO
    wanted: Wanted = field(default_factory=Wanted)
    policy: str = "newest"
    exact: bool = False
    allow_private: bool = False
    chunk_bytes: int = 64 << 20
    chunk_records: int = 4096
    sample: int | None = None
    seed: int = 0
    list_only: bool = False
    settings: FetchSettings = field(default_factory=lambda: FetchSettings(COMMON_CRAWL))
    local: LocalConfig = field(default_factory=LocalConfig)
    engine: str = "local"
    engine_options: tuple[str, ...] = ()

    @property
    def access(self) -> Access:
        return self.settings.access

    def place(self) -> Place:
        return Place(self.inputs, self.output, self.local, self.engine, self.engine_options)

    def decisive(self) -> dict[str, Any]:
        """All that decides the result, and nothing that says where or how fast."""
        chosen = {"policy": self.policy, "exact": self.exact, "allow_private": self.allow_private}
        chosen |= {"index_format": self.index_format, "wanted": asdict(self.wanted), "crawls": list(self.crawls)}
        cut = {"chunk_bytes": self.chunk_bytes, "chunk_records": self.chunk_records}
        snapshot = {"sample": self.sample, "seed": self.seed, "list_only": self.list_only}
        whole: dict[str, Any] = json.loads(canonical_json({"kind": self.kind, **chosen, **cut, **snapshot}))
        return whole


def fetch(config: FetchConfig, reporter: Reporter) -> dict[str, Any]:
    """Run or resume; returns the manifest.

    Raises:
        UsageError: the folder belongs to another run, or something to look up has no index.
        WarcmillError: an input, an index or the server failed; the same command resumes.
    """
    recipe = {
        "name": f"fetch {config.kind}"
    }  # the rest binds the phases it decides, so that a wrong start can be mended
    with claimed(config.output, {"recipe": recipe}), config.place().open_engine() as engine:
        started = datetime.now(UTC)
        job = TableJob(config.place(), engine, reporter)
        if (config.output / SUCCESS).exists():
            return _finished(job, config)
        manifest = _snapshot(job, config) if config.kind == PATHS else _pages(job, config)
        facts = {"engine": config.engine, "workers": config.local.workers, "base": config.base}
        network = {folder.name: asdict(network_of(PhaseDirectory(folder, ""))) for folder in _networks(config.output)}
        note_session(config.output, started, facts | {"phase_seconds": job.seconds, "network": network})
    return manifest


def _finished(job: TableJob, config: FetchConfig) -> dict[str, Any]:
    """The manifest of a fetch that is done: neither index nor server is asked again.

    Raises:
        UsageError: it was done with other inputs or settings.
    """
    if config.inputs:
        job.hashed("inputs", config.inputs)
    known: dict[str, Any] = json.loads((config.output / MANIFEST).read_bytes())
    wanted = config.decisive()
    changed = sorted(name for name in wanted if wanted[name] != known["settings"].get(name))
    if changed:
        what = f"this fetch was finished with other {', '.join(changed)}"
        raise UsageError(what, where=str(config.output), hint="choose another folder with -o")
    return known


def _networks(output: Path) -> list[Path]:
    return sorted(path.parent for path in (output / "phases").glob("*/_network"))


def _pages(job: TableJob, config: FetchConfig) -> dict[str, Any]:
    hashed, listed, chosen, records = find_records(job, config)
    fetched = _fetch(job, config, records)
    return publish_records(job, hashed, listed, chosen, fetched, config.decisive())


def find_records(
    job: TableJob, config: FetchConfig
) -> tuple[Sequence[InputFacts], Finished | None, Finished, Finished]:
    """Everything before the first archive byte is read: the inputs, their rows, the chosen rows, the records."""
    facts: Sequence[InputFacts] = ()
    listed = None
    if config.inputs:
        facts, hashed = job.hashed("inputs", config.inputs)
        listed = _list(job, config, hashed)
    index = index_files(config, listed.counters.tallies["to_look_up"] if listed else None)
    if listed:
        _require_index(listed, index)
    chosen = _choose(job, config, _look_up(job, config, listed, index))
    return facts, listed, chosen, _records(job, config, chosen)


def index_files(config: FetchConfig, to_look_up: int | None = None) -> list[IndexFile]:
    """The index files a fetch of `to_look_up` URLs reads; None for a selection by place.

    Raises:
        InputError: a named index does not exist.
    """
    files: set[IndexFile] = set()
    for argument in config.indexes:
        files.update(index_named(argument, config.crawls, config.access))
    if not config.indexes:
        for crawl in config.crawls:
            files.update(_of_crawl(config, crawl, to_look_up))
    return sorted(files, key=lambda file: (file.path, file.base))


def _of_crawl(config: FetchConfig, crawl: str, to_look_up: int | None) -> list[IndexFile]:
    """The crawl's index in the format asked for; by itself the cheaper one for so many URLs, if it is there."""
    if config.index_format != AUTO:
        return index_of_crawl(config.base, crawl, config.index_format, config.access)
    small = to_look_up is not None and to_look_up <= SMALL_LIST_ROWS
    first, second = (CDX, TABLE) if small else (TABLE, CDX)
    try:
        return index_of_crawl(config.base, crawl, first, config.access)
    except InputError:
        return index_of_crawl(config.base, crawl, second, config.access)


def _list(job: TableJob, config: FetchConfig, hashed: Finished) -> Finished:
    def plan(directory: PhaseDirectory) -> Plan:
        work = partial(spill_list, directory=directory, allow_private=config.allow_private)
        return work, [Task(f"{i:05d}", i, path) for i, path in enumerate(config.inputs)]

    return job.phase("list", fingerprint(FETCH_VERSION, {"allow_private": config.allow_private}, hashed), plan)


def _require_index(listed: Finished, index: Sequence[IndexFile]) -> None:
    to_look_up = listed.counters.tallies["to_look_up"]
    if to_look_up and not index and to_look_up == listed.counters.rows_out:
        raise UsageError(
            f"{to_look_up:,} URLs, and no index to look them up in",
            expected="--crawl CC-MAIN-…, or --index with index files; or rows with warc_filename, offset and length",
            hint="warcmill fetch urls.txt -o OUT --crawl CC-MAIN-2024-10",
        )


def _look_up(job: TableJob, config: FetchConfig, listed: Finished | None, index: Sequence[IndexFile]) -> Finished:
    crawls = sorted({file.crawl or "the index" for file in index})
    named = ", ".join(crawls[:MAX_NAMED_CRAWLS]) + (" …" if len(crawls) > MAX_NAMED_CRAWLS else "")
    lists = _lists(listed) if listed else None
    what = LookUp(lists, config.wanted, config.policy, config.exact, named, config.access)
    chosen = {"wanted": asdict(config.wanted), "policy": config.policy, "exact": config.exact}
    bound = fingerprint(
        FETCH_VERSION, {**chosen, "index": [[file.path, file.crawl] for file in index]}, *([listed] if listed else [])
    )
    clusters = [file for file in index if file.kind == CLUSTER]
    groups = _block_groups(job, bound, clusters, what) if clusters else []

    def plan(directory: PhaseDirectory) -> Plan:
        sources = [file for file in index if file.kind != CLUSTER] + groups + list(lists.files if lists else ())
        return partial(look_up, directory=directory, job=what), _numbered(sources)

    return job.phase("look-up", bound, plan)


def _numbered(sources: Sequence[Any]) -> list[Task]:
    return [Task(f"{i:05d}", i, source) for i, source in enumerate(sources)]


def _lists(listed: Finished) -> Lists:
    before, rows = [], 0
    for commit in listed.commits:
        before.append(rows)
        rows += commit.facts["rows"]
    return Lists(listed.directory, listed.files, tuple(before), rows)


def _block_groups(job: Job, bound: Mapping[str, Any], clusters: Sequence[IndexFile], what: LookUp) -> list[BlockGroup]:
    def plan(directory: PhaseDirectory) -> Plan:
        return partial(find_blocks, directory=directory, job=what), _numbered(clusters)

    found = job.phase("blocks", bound, plan)
    return [
        BlockGroup(cluster.base, found.directory, file, group)
        for cluster, commit in zip(clusters, found.commits, strict=True)
        for file in commit.data
        for group in range(len(file.row_groups))
    ]


def _choose(job: Job, config: FetchConfig, looked: Finished) -> Finished:
    def plan(directory: PhaseDirectory) -> Plan:
        return partial(choose, directory=directory, policy=config.policy), partitions(looked, _parts(looked))

    chosen = job.phase("choose", fingerprint(FETCH_VERSION, {"policy": config.policy}, looked), plan)
    forget_spill(looked)
    return chosen


def _parts(spilled: Finished) -> int:
    return max(1, -(-sum(file.bytes for file in spilled.files) // PARTITION_BYTES))


def _records(job: Job, config: FetchConfig, chosen: Finished) -> Finished:
    def spill(directory: PhaseDirectory) -> Plan:
        return partial(spill_records, directory=directory, source=chosen.directory), _numbered(chosen.files)

    spilled = job.phase("record-rows", fingerprint(FETCH_VERSION, {}, chosen), spill)

    def plan(directory: PhaseDirectory) -> Plan:
        grouping = {"max_rows": config.chunk_records, "max_weight": config.chunk_bytes, "weigh": record_bytes}
        work = partial(
            reduce_partition,
            directory=directory,
            reduce=distinct_records,
            sorting=RECORD_ORDER,
            schema=RECORD_SCHEMA,
            grouping=grouping,
        )
        return work, partitions(spilled, _parts(spilled))

    cut = {"bytes": config.chunk_bytes, "records": config.chunk_records}
    records = job.phase("records", fingerprint(FETCH_VERSION, cut, spilled), plan)
    forget_spill(spilled)
    return records


def chunks(records: Finished) -> list[Chunk]:
    """The records of a fetch, cut into what one task reads and one WARC file holds."""
    return [Chunk(records.directory, file, g) for file in records.files for g in range(len(file.row_groups))]


def bytes_wanted(records: Finished) -> int:
    """Stored bytes of all records."""
    total = 0
    for file in records.files:
        with pq.ParquetFile(records.directory.path / "data" / file.path) as parquet:
            for batch in parquet.iter_batches(columns=["warc_record_length"]):
                total += int(batch.column(0).to_numpy().sum())
    return total


def _fetch(job: Job, config: FetchConfig, records: Finished) -> Finished:
    def plan(directory: PhaseDirectory) -> Plan:
        _expect(job.reporter, bytes_wanted(records))
        work = partial(fetch_records, directory=directory, settings=_shared(config), folder=config.output / WARC_FOLDER)
        return work, _numbered(chunks(records))

    return job.phase("fetch", fingerprint(FETCH_VERSION, {}, records), plan)


def _expect(reporter: Reporter, total: int) -> None:
    expect = getattr(reporter, "expect_bytes", None)
    if expect:
        expect(total)


def _shared(config: FetchConfig) -> FetchSettings:
    """The settings of one worker: the connections are shared among them."""
    return replace(config.settings, connections=max(1, config.settings.connections // config.local.workers))


def _snapshot(job: TableJob, config: FetchConfig) -> dict[str, Any]:
    facts, _ = job.hashed("inputs", config.inputs)
    paths = sampled(read_paths(config.inputs, config.base), config.sample, config.seed)
    if config.list_only:
        return publish_files(job, facts, paths, None, config.decisive(), config.base)

    def plan(directory: PhaseDirectory) -> Plan:
        folder = config.output / WARC_FOLDER
        work = partial(copy_file, directory=directory, base=config.base, access=config.access, folder=folder)
        return work, _numbered(paths)

    named = hashlib.sha256("\n".join(paths).encode()).hexdigest()
    copied = job.phase("fetch", {"version": FETCH_VERSION, "paths": named}, plan)
    return publish_files(job, facts, paths, copied, config.decisive(), config.base)
