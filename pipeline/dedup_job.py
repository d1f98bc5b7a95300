"""`warcmill dedup`: duplicates among the rows of users' files, every removal with its evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from dedup.audit import AUDIT_SCHEMA
from dedup.minhash import PRESETS
from pipeline.dedup_config import FuzzyConfig
from pipeline.dedup_index import Index, add_segment, open_index
from pipeline.dedup_losses import losses, raise_alarm
from pipeline.dedup_phases import Fuzzy, exact_phase, fuzzy_phases, url_phase
from pipeline.engines.work import Reduce, Sorting
from pipeline.errors import InputError, UsageError
from pipeline.io.commit import PhaseDirectory, write_atomic
from pipeline.io.shards import read_shard, regroup, write_shard
from pipeline.job import Finished, Plan, Reporter, fingerprint, tasks_of
from pipeline.phases.index import (
    DISPLACED,
    MOVED,
    RESTORED,
    VERDICT_ORDER,
    VERDICT_SCHEMA,
    emit_verdicts,
    reduce_verdicts,
    write_evidence,
)
from pipeline.phases.index import VERSION as INDEX_VERSION
from pipeline.phases.placed import DocumentShard, Removals
from pipeline.phases.repeated_ids import (
    ID_ORDER,
    ID_SCHEMA,
    PLACED_REJECTS,
    emit_ids,
    reduce_ids,
    repeated_rows,
    require_new_ids,
)
from pipeline.phases.tables import (
    TABLES_VERSION,
    Change,
    Table,
    write_kept,
)
from pipeline.run_folder import claimed, note_session
from pipeline.stage import Task
from pipeline.table_job import Place, TableJob, funnel_entry, input_entries, reject_entries

KEPT, AUDIT = "kept", "audit"
PRESET_N = {"word": 5, "char": 24}  # of a unit that is not the preset's


@dataclass(frozen=True, slots=True)
class DedupSettings:
    """What decides the result, and from which loss on a source stops the run.

    Args:
        preset: MinHash preset, fineweb (14 x 8, word 5-grams) or nemotron (20 x 13, character 24-grams).
        unit: shingles of "word" or "char" units instead of the preset's, of `n` each (5 words or 24 characters).
        threshold: derive bands and rows for this Jaccard similarity, with as many hashes as the preset has.
        url: keep one capture per canonical URL, "best" or "newest"; None to let addresses be.
        index: folder of what earlier runs have seen; this run goes on from there and adds to it.
        max_source_loss: share of the rows of one `source` that may go; checked before the run is published.
    """

    preset: str = "fineweb"
    max_source_loss: float = 0.9
    unit: str | None = None
    n: int | None = None
    threshold: float | None = None
    url: str | None = None
    index: Path | None = None
    max_edges_in_memory: int = FuzzyConfig().max_edges_in_memory

    def fuzzy(self) -> FuzzyConfig:
        """The proposals and thresholds that these settings mean."""
        known = PRESETS[self.preset]
        unit = self.unit or known.unit
        n = self.n or (known.n if unit == known.unit else PRESET_N[unit])
        shaped = replace(known, unit=unit, n=n)
        return FuzzyConfig(minhash=shaped, threshold=self.threshold, max_edges_in_memory=self.max_edges_in_memory)


def dedup(place: Place, settings: DedupSettings, reporter: Reporter) -> dict[str, Any]:
    """Run or resume; returns the manifest.

    Raises:
        UsageError: an unknown preset, or the folder belongs to another run.
        WarcmillError: an input failed, or a source lost more than allowed; the same command resumes.
    """
    if settings.preset not in PRESETS:
        raise UsageError(f"no preset {settings.preset!r}", where="--preset", expected=" or ".join(PRESETS))
    if settings.url and settings.index:
        raise UsageError(
            "the URL rule does not go together with an index",
            where="--url, --index",
            expected="one of the two",
            hint="an old page that a newer capture replaces would bring back what was removed for it",
        )
    with claimed(place.output, {"recipe": {"name": f"dedup {settings.preset}", **_bound(settings)}}):
        with place.open_engine() as engine:
            started = datetime.now(UTC)
            job = TableJob(place, engine, reporter)
            manifest = _phases(job, settings)
        facts: dict[str, Any] = {"engine": place.engine, "workers": place.local.workers, "inputs": list(place.inputs)}
        facts |= {"index": str(settings.index.absolute())} if settings.index else {}
        note_session(place.output, started, facts | {"phase_seconds": job.seconds})
    return manifest


def _bound(settings: DedupSettings) -> dict[str, Any]:
    """What the output depends on."""
    return {
        "minhash": asdict(settings.fuzzy().proposer),
        "exact": {"url": settings.url},
        "index": settings.index is not None,
    }


def _phases(job: TableJob, settings: DedupSettings) -> dict[str, Any]:
    fuzzy_config = settings.fuzzy()
    bound = {name: asdict(getattr(fuzzy_config, name)) for name in ("proposer", "containment", "verify")}
    index = open_index(job, settings.index.absolute(), bound) if settings.index else None
    base = index.base if index else 0
    facts, read, tables = job.tables(base)
    shards = [shard for table in tables for shard in table.shards]
    ids = unique_ids(job, read, tables, index)
    repeats = [] if index else [ids.removals("dedup")]
    removals: list[Removals] = []
    shards = [replace(shard, removals=tuple(repeats)) for shard in shards]
    if settings.url:
        removals.append(url_phase(job, shards, settings.url, read, *repeats).removals("dedup"))
        shards = [replace(shard, removals=(*repeats, *removals)) for shard in shards]
    exact = exact_phase(job, shards, read, *repeats, *removals, index=index)
    removals.append(exact.removals("dedup"))
    shards = [replace(shard, removals=(*repeats, *removals)) for shard in shards]
    fuzzy = fuzzy_phases(job, shards, fuzzy_config, read, *repeats, *removals, exact=exact, index=index)
    removals.append(fuzzy.audit.removals("dedup"))
    verdicts = _verdicts(job, index, exact, fuzzy) if index else None
    kept = keep_rows(job, tables, [*repeats, *removals], "dedup")
    sources = losses(kept.counters.tallies)
    hint = "RUN/phases/*/data has the evidence; if it is right, run again with `--max-source-loss 1`"
    raise_alarm(sources, settings.max_source_loss, str(job.place.output), hint)
    published = [verdicts.removals("dedup")] if verdicts else removals
    extra = {}
    if index and verdicts:
        evidence = _evidence(job, shards, read, exact)
        extra["index"] = {"generation": index.generation + 1, **write_changes(job.place.output, verdicts)}
        added = [job.spilled["ids"], job.spilled["exact"], job.spilled["propose"], evidence, verdicts]
        add_segment(job, index, [*added, *([fuzzy.gone] if fuzzy.gone else [])], len(shards), bound)
    return job.publish(
        {
            "kind": "dedup",
            "shards": kept_entries(kept),
            "audit": write_audit(job.place.output, published, AUDIT_SCHEMA),
            "rejected": reject_entries(read, ids, job.output),
            "inputs": input_entries(facts, tables),
            "funnel": [funnel_entry(read), funnel_entry(kept)],
            "sources": sources,
            "settings": {"preset": settings.preset, **_bound(settings)},
            **extra,
        }
    )


def unique_ids(job: TableJob, read: Finished, tables: Sequence[Table], index: Index | None = None) -> Finished:
    """The rows whose id an earlier row has; with an index, or strict, there are none.

    Raises:
        InputError: with an index, or strict, two rows have one id; or most rows repeat one, which then names no rows.
    """
    shards = [shard for table in tables for shard in table.shards]
    names = tuple(table.name for table in tables for _ in table.shards)
    if index is None:
        reduce: Reduce = partial(reduce_ids, names=names, strict=job.place.strict)
        schema = PLACED_REJECTS
    else:
        reduce, schema = partial(require_new_ids, names=names, base=index.base), ID_SCHEMA
    ids = job.exchange(
        "ids",
        fingerprint(TABLES_VERSION, {}, read),
        tasks_of(shards),
        partial(emit_ids, lines=index is None),
        reduce,
        Sorting("key", ID_ORDER),
        schema,
        index.spills("ids-rows") if index else (),
        keep=index is not None,
    )
    repeats, rows = sum(file.rows for file in ids.files), sum(table.rows for table in tables)
    if 2 * repeats > rows:
        first = next(repeated_rows(ids.directory))
        raise InputError(
            f"{repeats:,} of {rows:,} rows have the id of an earlier one; the first: {first['detail']}",
            where=f"{first['file']}:{first['line']}",
            expected="ids that name rows",
            hint="another -o, and ids that differ, e.g. file and row number; tokenize goes without: --id-column ''",
        )
    return ids


def _verdicts(job: TableJob, index: Index, exact: Finished, fuzzy: Fuzzy) -> Finished:
    """What this run says about new documents, and what it changes for old ones."""
    sources: list[Any] = [(audit.directory, file) for audit in (exact, fuzzy.audit) for file in audit.files]
    if fuzzy.touched:
        touched = fuzzy.touched.directory
        sources += [(shard, fuzzy.members.directory, touched) for shard in range(index.base)]
    return job.exchange(
        "verdicts",
        fingerprint(INDEX_VERSION, {"turn": index.turn}, exact, fuzzy.audit, fuzzy.members),
        [Task(f"{number:05d}", number, source) for number, source in enumerate(sources)],
        partial(emit_verdicts, turn=index.turn),
        partial(reduce_verdicts, turn=index.turn, base=index.base),
        VERDICT_ORDER,
        VERDICT_SCHEMA,
        index.spills("verdicts"),
    )


def _evidence(job: TableJob, shards: Sequence[DocumentShard], read: Finished, exact: Finished) -> Finished:
    def plan(directory: PhaseDirectory) -> Plan:
        return partial(write_evidence, directory=directory), tasks_of(shards)

    return job.phase("evidence", fingerprint(INDEX_VERSION, {}, read, exact), plan)


def write_changes(output: Path, verdicts: Finished) -> dict[str, int]:
    """RUN/displaced.txt, RUN/restored.txt: old documents that this run would drop or bring back; the counts.

    Lines are "id:…", as `warcmill takedown --list` reads them whatever the ids look like.
    """
    counts: dict[str, int] = {}
    for change in (DISPLACED, MOVED, RESTORED):
        ids = [
            row
            for file in verdicts.files
            for batch in read_shard(verdicts.directory.path / "data", file, ["removed_id", "change"])
            for row in batch.filter(pc.equal(batch.column("change"), change)).column("removed_id").to_pylist()
        ]
        counts[change] = len(ids)
        if ids and change != MOVED:
            write_atomic(output / f"{change}.txt", "".join(f"id:{id_}\n" for id_ in sorted(ids)).encode())
    return counts


def keep_rows(
    job: TableJob,
    tables: Sequence[Table],
    removals: Sequence[Removals],
    stage: str,
    change: Callable[[Table], Change] | None = None,
    *changed_by: Removals,
) -> Finished:
    """The last phase: every input's rows but the removed ones, in RUN/kept, one file per input."""

    def plan(directory: PhaseDirectory) -> Plan:
        work = partial(
            write_kept,
            directory=directory,
            folder=job.place.output / KEPT,
            removals=tuple(removals),
            stage=stage,
            change=change,
        )
        return work, [Task(f"{index:05d}", index, table) for index, table in enumerate(tables)]

    return job.phase("kept", fingerprint(TABLES_VERSION, {}, *removals, *changed_by), plan)


def kept_entries(kept: Finished) -> list[dict[str, Any]]:
    """The manifest's shards, paths relative to the run."""
    entries = (file.to_json() for file in kept.files)
    return [
        {"path": f"{KEPT}/{entry['path']}", **{name: entry[name] for name in ("sha256", "bytes", "rows")}}
        for entry in entries
    ]


def write_audit(output: Path, removals: Sequence[Removals], schema: pa.Schema) -> list[dict[str, Any]]:
    """RUN/audit: the evidence for every removed row, without the columns that phases use among themselves."""
    entries = []
    for number, audit in enumerate(removals):
        groups = regroup(_audit_batches(audit, schema))
        file = write_shard(output / AUDIT, f"{number:05d}-{{sha}}.parquet", groups, schema)
        entries.append({"path": f"{AUDIT}/{file.path}", "sha256": file.sha256, "bytes": file.bytes, "rows": file.rows})
    return entries


def _audit_batches(audit: Removals, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for file in audit.files:
        with pq.ParquetFile(audit.directory.path / "data" / file.path) as parquet:
            for batch in parquet.iter_batches(columns=schema.names):
                yield batch.filter(pc.is_valid(batch.column("rule"))) if "rule" in schema.names else batch
