"""`warcmill dedup`: duplicates among the rows of users' files, every removal with its evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dedup.audit import AUDIT_SCHEMA
from dedup.containment import ContainmentConfig
from dedup.lsh import EDGE_SCHEMA
from dedup.minhash import PRESETS
from dedup.verify import VerifyConfig
from pipeline.engines.work import Sorting
from pipeline.errors import UsageError, WarcmillError
from pipeline.io.commit import PhaseDirectory
from pipeline.io.shards import regroup, write_shard
from pipeline.job import Finished, Plan, Reporter, fingerprint
from pipeline.phases import duplicates, table_duplicates
from pipeline.phases.documents import DocumentShard, Removals
from pipeline.phases.tables import (
    ID_ORDER,
    ID_SCHEMA,
    TABLES_VERSION,
    Change,
    Table,
    emit_ids,
    reduce_ids,
    write_kept,
)
from pipeline.run_folder import claimed, note_session
from pipeline.stage import Task
from pipeline.table_job import Place, TableJob, funnel_entry, input_entries, reject_entries

KEPT, AUDIT = "kept", "audit"
ALARM_ROWS = 20  # a source of fewer rows can lose nearly all of them by chance


@dataclass(frozen=True, slots=True)
class DedupSettings:
    """What decides the result, and from which loss on a source stops the run.

    Args:
        preset: MinHash preset, fineweb (14 x 8, word 5-grams) or nemotron (20 x 13, character 24-grams).
        max_source_loss: share of the rows of one `source` that may go; checked before the run is published.
    """

    preset: str = "fineweb"
    max_source_loss: float = 0.9


def dedup(place: Place, settings: DedupSettings, reporter: Reporter) -> dict[str, Any]:
    """Run or resume; returns the manifest.

    Raises:
        UsageError: an unknown preset, or the folder belongs to another run.
        WarcmillError: an input failed, or a source lost more than allowed; the same command resumes.
    """
    if settings.preset not in PRESETS:
        raise UsageError(f"no preset {settings.preset!r}", where="--preset", expected=" or ".join(PRESETS))
    bound = {"recipe": {"name": f"dedup {settings.preset}", "minhash": asdict(PRESETS[settings.preset])}}
    with claimed(place.output, bound), place.open_engine() as engine:
        started = datetime.now(UTC)
        job = TableJob(place, engine, reporter)
        manifest = _phases(job, settings)
        facts = {"engine": place.engine, "workers": place.local.workers, "inputs": list(place.inputs)}
        note_session(place.output, started, facts | {"phase_seconds": job.seconds})
    return manifest


def _phases(job: TableJob, settings: DedupSettings) -> dict[str, Any]:
    facts, read, tables = job.tables()
    shards = [shard for table in tables for shard in table.shards]
    require_unique_ids(job, read, tables)
    exact = job.exchange(
        "exact",
        fingerprint(duplicates.VERSIONS["exact"], {}, read),
        shards,
        table_duplicates.emit_exact,
        duplicates.reduce_exact,
        duplicates.EXACT_ORDER,
        duplicates.PLACED_AUDIT_SCHEMA,
    )
    left = [replace(shard, removals=exact.removals("exact_dedup")) for shard in shards]
    fuzzy = _fuzzy(job, settings, read, exact, left)
    removals = [exact.removals("dedup"), fuzzy.removals("dedup")]
    kept = keep_rows(job, tables, removals, "dedup")
    sources = _sources(kept)
    _raise_alarm(sources, settings, job.place.output)
    audit = write_audit(job.place.output, removals, AUDIT_SCHEMA)
    return job.publish(
        {
            "kind": "dedup",
            "shards": kept_entries(kept),
            "audit": audit,
            "rejected": reject_entries(read, job.output),
            "inputs": input_entries(facts, tables),
            "funnel": [funnel_entry(read), funnel_entry(kept)],
            "sources": sources,
            "settings": {"preset": settings.preset, "minhash": asdict(PRESETS[settings.preset])},
        }
    )


def require_unique_ids(job: TableJob, read: Finished, tables: Sequence[Table]) -> None:
    """One phase that fails where two rows have one id."""
    shards = [shard for table in tables for shard in table.shards]
    reduce = partial(reduce_ids, read=read.directory, names=tuple(table.name for table in tables))
    print_ = fingerprint(TABLES_VERSION, {}, read)
    job.exchange("ids", print_, shards, emit_ids, reduce, Sorting("key", ID_ORDER), ID_SCHEMA)


def _fuzzy(
    job: TableJob, settings: DedupSettings, read: Finished, exact: Finished, shards: Sequence[DocumentShard]
) -> Finished:
    minhash, containment, verify = PRESETS[settings.preset], ContainmentConfig(), VerifyConfig()
    config = {"minhash": asdict(minhash), "containment": asdict(containment)}
    edges = job.exchange(
        "propose",
        fingerprint(duplicates.VERSIONS["propose"], config, read, exact),
        shards,
        partial(table_duplicates.emit_proposals, minhash=minhash, containment=containment),
        duplicates.reduce_edges,
        duplicates.PROPOSAL_ORDER,
        EDGE_SCHEMA,
    )

    def plan(directory: PhaseDirectory) -> Plan:
        work = partial(duplicates.find_components, directory=directory)
        return work, [Task("00000", 0, (edges.directory, edges.files))]

    graph = job.phase("components", fingerprint(duplicates.VERSIONS["components"], {}, edges), plan)
    return job.exchange(
        "resolve",
        fingerprint(duplicates.VERSIONS["resolve"], asdict(verify), graph, read),
        shards,
        partial(table_duplicates.emit_members, graph=graph.directory, files=graph.files),
        partial(duplicates.reduce_members, verify=verify),
        duplicates.RESOLVE_ORDER,
        duplicates.PLACED_AUDIT_SCHEMA,
    )


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
            yield from parquet.iter_batches(columns=schema.names)


def _sources(kept: Finished) -> dict[str, dict[str, int]]:
    tallies = kept.counters.tallies
    names = sorted(name.removeprefix("in:") for name in tallies if name.startswith("in:"))
    return {name: {"rows": tallies[f"in:{name}"], "removed": tallies[f"lost:{name}"]} for name in names}


def _raise_alarm(sources: dict[str, dict[str, int]], settings: DedupSettings, output: Path) -> None:
    lost = {
        name: counts["removed"] / counts["rows"]
        for name, counts in sources.items()
        if counts["rows"] >= ALARM_ROWS and counts["removed"] > settings.max_source_loss * counts["rows"]
    }
    if lost:
        worst = ", ".join(
            f"{name} {share:.1%}" for name, share in sorted(lost.items(), key=lambda x: (-x[1], x[0]))[:5]
        )
        raise WarcmillError(
            f"{len(lost)} sources lose more than {settings.max_source_loss:.1%} of their rows: {worst}",
            where=str(output),
            expected="no source that nearly disappears",
            hint="look at phases/*-resolve/data; if it is right, run again with `--max-source-loss 1`",
        )
