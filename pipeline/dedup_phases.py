"""The phases of dedup in order, for the main job and for `warcmill dedup` alike: url, exact, fuzzy.

Each takes shards of documents and returns the audit of what it removed. With an index (`pipeline.dedup_index`) its
spilled rows are merged in, so that new documents meet the old ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial

from dedup.lsh import EDGE_SCHEMA
from dedup.stars import FOREST_SCHEMA, large_star, small_star
from pipeline.dedup_config import FuzzyConfig
from pipeline.dedup_index import Index
from pipeline.engines.work import Emit, Reduce
from pipeline.errors import WarcmillError
from pipeline.io.commit import PhaseDirectory
from pipeline.io.storage import remove_tree
from pipeline.job import Finished, Job, Plan, fingerprint, tasks_of
from pipeline.phases import duplicates, graph
from pipeline.phases.index import find_gone, find_touched
from pipeline.phases.placed import DocumentShard, Removals
from pipeline.stage import Task

PLACED_BYTES = 32 << 20  # a larger audit is sorted by shard, so that a task reads its own rows only
MAX_ROUNDS = 60  # of stars: a chain of 100,000 takes 18, and every round shortens it by half


def url_phase(job: Job, shards: Sequence[DocumentShard], capture: str, *reads: Finished | Removals) -> Finished:
    """One capture per canonical URL."""
    audit = job.exchange(
        "url",
        fingerprint(duplicates.VERSIONS["url"], {"capture": capture}, *reads),
        tasks_of(shards),
        partial(duplicates.emit_urls, capture=capture),
        partial(duplicates.reduce_exact, rule="url"),
        duplicates.EXACT_ORDER,
        duplicates.PLACED_AUDIT_SCHEMA,
    )
    return by_shard(job, audit, len(shards))


def exact_phase(
    job: Job, shards: Sequence[DocumentShard], *reads: Finished | Removals, index: Index | None = None
) -> Finished:
    """One document per normalised text."""
    audit = job.exchange(
        "exact",
        fingerprint(duplicates.VERSIONS["exact"], {}, *reads),
        tasks_of(shards),
        duplicates.emit_exact,
        partial(duplicates.reduce_exact, base=index.base) if index else duplicates.reduce_exact,
        duplicates.EXACT_ORDER,
        duplicates.PLACED_AUDIT_SCHEMA,
        index.spills("exact-rows") if index else (),
        keep=index is not None,
    )
    return by_shard(job, audit, len(shards) + (index.base if index else 0))


def by_shard(job: Job, audit: Finished, shards: int) -> Finished:
    """The same audit by place, where it is too large for every task to look through."""
    if sum(file.bytes for file in audit.files) <= PLACED_BYTES:
        return audit
    return job.exchange(
        f"{audit.directory.name}-placed",
        fingerprint(duplicates.VERSIONS["placed"], {}, audit),
        duplicates.audit_tasks(audit.directory),
        partial(duplicates.emit_audit, shards=shards),
        duplicates.reduce_audit,
        duplicates.PLACE_ORDER,
        duplicates.PLACED_AUDIT_SCHEMA,
    )


@dataclass(frozen=True, slots=True)
class Fuzzy:
    """The fuzzy phases' results; `touched` only with an index."""

    audit: Finished
    members: Finished
    gone: Finished | None = None
    touched: Finished | None = None


def fuzzy_phases(
    job: Job,
    shards: Sequence[DocumentShard],
    config: FuzzyConfig,
    *reads: Finished | Removals,
    exact: Finished | None = None,
    index: Index | None = None,
) -> Fuzzy:
    """Near-duplicates: proposals, components, verification. `exact`: the audit of this run, wanted with an index."""
    minhash, containment, base = config.proposer, config.containment, index.base if index else 0
    gone = _gone(job, index, exact) if index and exact and base else None
    edges = job.exchange(
        "propose",
        fingerprint(
            duplicates.VERSIONS["propose"],
            {"minhash": asdict(minhash), "containment": asdict(containment)},
            *reads,
            *([gone] if gone else []),
        ),
        tasks_of(shards),
        partial(duplicates.emit_proposals, minhash=minhash, containment=containment),
        partial(duplicates.reduce_edges, gone=gone.directory if gone else None),
        duplicates.PROPOSAL_ORDER,
        EDGE_SCHEMA,
        index.spills("propose-rows") if index else (),
        keep=index is not None,
    )
    members = _members(job, edges, config, base + len(shards))
    touched = _touched(job, members, base) if base else None
    audit = job.exchange(
        "resolve",
        fingerprint(duplicates.VERSIONS["resolve"], asdict(config.verify), members, *reads),
        tasks_of([*(index.texts() if index else ()), *shards]),
        partial(
            duplicates.emit_members,
            graph=members.directory,
            touched=touched.directory if touched else None,
            base=base,
        ),
        partial(duplicates.reduce_members, verify=config.verify),
        duplicates.RESOLVE_ORDER,
        duplicates.PLACED_AUDIT_SCHEMA,
    )
    return Fuzzy(by_shard(job, audit, base + len(shards)), members, gone, touched)


def _gone(job: Job, index: Index, exact: Finished) -> Finished:
    def plan(directory: PhaseDirectory) -> Plan:
        return partial(find_gone, directory=directory, before=index.gone, base=index.base), [
            Task("00000", 0, exact.directory)
        ]

    return job.phase("gone", fingerprint(duplicates.VERSIONS["exact"], {}, exact), plan)


def _touched(job: Job, members: Finished, base: int) -> Finished:
    def plan(directory: PhaseDirectory) -> Plan:
        return partial(find_touched, directory=directory, base=base), [Task("00000", 0, members.directory)]

    return job.phase("touched", fingerprint(graph.VERSION, {"base": base}, members), plan)


def _members(job: Job, edges: Finished, config: FuzzyConfig, shards: int) -> Finished:
    """Every proposed document with its component and neighbours, by place."""
    forest = _components(job, edges, config.max_edges_in_memory)
    tasks = graph.parts("edges", edges.directory)
    tasks += graph.parts("forest", forest.directory, len(tasks))
    return job.exchange(
        "members",
        fingerprint(graph.VERSION, {}, edges, forest),
        tasks,
        partial(graph.emit_places, shards=shards),
        graph.reduce_places,
        graph.MEMBER_ORDER,
        graph.MEMBER_SCHEMA,
    )


def _components(job: Job, edges: Finished, max_edges: int) -> Finished:
    """The star forest of the proposals, in memory or in rounds, which are phases of a job of their own in RUN/stars."""
    rounds = Job(job.output / "stars", job.engine, job.reporter)

    def plan(directory: PhaseDirectory) -> Plan:
        tasks = graph.parts("edges", edges.directory)
        if sum(file.rows for file in edges.files) <= max_edges:
            return partial(graph.label, directory=directory), [Task("00000", 0, [task.source for task in tasks])]
        last = _stars(rounds, tasks, edges)
        return partial(graph.adopt, directory=directory), graph.parts("forest", last.directory)

    found = job.phase("components", fingerprint(graph.VERSION, {}, edges), plan)
    remove_tree(rounds.output)
    return found


def _stars(job: Job, tasks: Sequence[Task], edges: Finished) -> Finished:
    """Large and small stars in turn until a round changes nothing."""

    def contract(directory: PhaseDirectory) -> Plan:
        return partial(graph.label, directory=directory), [Task(t.name, t.index, [t.source]) for t in tasks]

    before = job.phase("contract", fingerprint(graph.VERSION, {}, edges), contract)
    for number in range(1, MAX_ROUNDS + 1):
        large = _star(job, f"large-{number:02d}", before, graph.emit_large, large_star)
        small = _star(job, f"small-{number:02d}", large, graph.emit_small, small_star)
        if [file.sha256 for file in small.files] == [file.sha256 for file in before.files]:
            return small
        before = small
    raise WarcmillError(f"components are not found after {MAX_ROUNDS} rounds", where=str(job.output))


def _star(job: Job, name: str, before: Finished, emit: Emit, reduce: Reduce) -> Finished:
    tasks = graph.parts("forest", before.directory)
    return job.exchange(
        name, fingerprint(graph.VERSION, {}, before), tasks, emit, reduce, graph.STAR_ORDER, FOREST_SCHEMA
    )
