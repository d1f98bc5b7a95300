"""`warcmill decontaminate`: rows of users' files that hold benchmark items are dropped, or the passages cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pyarrow.parquet as pq

from dedup.decontaminate import MATCH_SCHEMA, DecontaminateConfig
from pipeline.dedup_job import keep_rows, kept_entries, unique_ids, write_audit
from pipeline.errors import UsageError
from pipeline.io.commit import PhaseDirectory
from pipeline.job import Finished, Plan, Reporter, fingerprint, tasks_of
from pipeline.phases.placed import Removals
from pipeline.phases.table_matches import CUT, DROP, MATCHES_VERSION, IndexFiles, cutting, index_items, match_shard
from pipeline.phases.tables import Table
from pipeline.run_folder import claimed, note_session
from pipeline.stage import Task
from pipeline.table_job import Place, TableJob, funnel_entry, input_entries, inputs_of, reject_entries

ACTIONS = (DROP, CUT)


@dataclass(frozen=True, slots=True)
class DecontaminateSettings:
    """What decides the result.

    Args:
        against: files of benchmark items, rows {"id", "text", "benchmark"}.
        action: drop the row, or cut the passage and keep the rest.
    """

    against: tuple[str, ...]
    action: str = DROP
    config: DecontaminateConfig = field(default_factory=DecontaminateConfig)


def decontaminate(place: Place, settings: DecontaminateSettings, reporter: Reporter) -> dict[str, Any]:
    """Run or resume; returns the manifest.

    Raises:
        UsageError: an unknown action, or the folder belongs to another run.
        WarcmillError: an input failed; the same command resumes.
    """
    if settings.action not in ACTIONS:
        raise UsageError(f"no action {settings.action!r}", where="--action", expected=" or ".join(ACTIONS))
    config = asdict(settings.config)
    bound = {"recipe": {"name": f"decontaminate {settings.action}", "action": settings.action, "config": config}}
    with claimed(place.output, bound), place.open_engine() as engine:
        started = datetime.now(UTC)
        job = TableJob(place, engine, reporter)
        manifest = _phases(job, settings)
        facts = {"engine": place.engine, "workers": place.local.workers, "inputs": list(place.inputs)}
        note_session(place.output, started, facts | {"phase_seconds": job.seconds})
    return manifest


def _phases(job: TableJob, settings: DecontaminateSettings) -> dict[str, Any]:
    facts, read, tables = job.tables()
    ids = unique_ids(job, read, tables)
    repeats = ids.removals("decontaminate")
    against, hashed = job.hashed("against", settings.against)
    index = _index(job, settings, hashed)
    matches = _matches(job, settings, read, repeats, index, tables).removals("decontaminate")
    if settings.action == DROP:
        kept = keep_rows(job, tables, [matches, repeats], "decontaminate")
    else:
        kept = keep_rows(job, tables, [repeats], "decontaminate", cutting(matches), matches)
    audit = write_audit(job.place.output, [matches], MATCH_SCHEMA)
    return job.publish(
        {
            "kind": "decontaminate",
            "shards": kept_entries(kept),
            "audit": audit,
            "rejected": reject_entries(read, ids, job.output),
            "inputs": input_entries(facts, tables),
            "against": [{"name": known.name, "sha256": known.sha256, "bytes": known.bytes} for known in against],
            "funnel": [funnel_entry(read), funnel_entry(index), funnel_entry(kept)],
            "benchmarks": _benchmarks(matches),
            "settings": {"action": settings.action, "config": asdict(settings.config)},
        }
    )


def _index(job: TableJob, settings: DecontaminateSettings, hashed: Finished) -> Finished:
    config = settings.config.index

    def plan(directory: PhaseDirectory) -> Plan:
        return partial(index_items, directory=directory, config=config), [Task("00000", 0, inputs_of(settings.against))]

    return job.phase("index", fingerprint(MATCHES_VERSION, asdict(config), hashed), plan)


def _matches(
    job: TableJob,
    settings: DecontaminateSettings,
    read: Finished,
    repeats: Removals,
    index: Finished,
    tables: Sequence[Table],
) -> Finished:
    files = IndexFiles(index.directory.path / "data", index.files)

    def plan(directory: PhaseDirectory) -> Plan:
        work = partial(match_shard, directory=directory, index=files, config=settings.config, action=settings.action)
        return work, tasks_of([replace(shard, removals=(repeats,)) for table in tables for shard in table.shards])

    config = asdict(settings.config) | {"action": settings.action}
    return job.phase("match", fingerprint(MATCHES_VERSION, config, read, repeats, index), plan)


def _benchmarks(matches: Removals) -> dict[str, dict[str, int]]:
    """Per benchmark: rows with an item of it, distinct items found, matches."""
    rows: dict[str, set[tuple[int, int]]] = {}
    items: dict[str, set[str]] = {}
    found: Counter[str] = Counter()
    for file in matches.files:
        table = pq.read_table(
            matches.directory.path / "data" / file.path, columns=["benchmark", "item_id", "shard", "row"]
        )
        for match in table.to_pylist():
            name = match["benchmark"]
            rows.setdefault(name, set()).add((match["shard"], match["row"]))
            items.setdefault(name, set()).add(match["item_id"])
            found[name] += 1
    return {name: {"rows": len(rows[name]), "items": len(items[name]), "matches": found[name]} for name in sorted(rows)}
