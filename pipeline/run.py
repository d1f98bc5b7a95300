"""The main job: phases in order, on one engine, from archives to a manifest.

Every phase reads the commits of an earlier one and ends in commits of its own, so the same command continues a run
that was stopped anywhere. What decides the output is in the recipe and the inputs; what does not (host, workers,
times) is in run.json.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from blends.manifest import MANIFEST, SUCCESS, build_manifest
from blends.manifest_types import ManifestInput, NamedFile, PhaseEntry, RecipeEntry, ShardEntry
from blends.shards import TOKENIZE_VERSION, shard_count
from blends.tokenizer import load_tokenizer
from classifiers.language import model_path
from dedup.lsh import EDGE_SCHEMA
from extractors.peers import require
from pipeline.engines.choose import open_engine
from pipeline.engines.local import LocalConfig
from pipeline.engines.protocol import Engine, Work
from pipeline.engines.work import Emit, Partition, Reduce, Sorting, map_documents, reduce_partition, spill
from pipeline.io.commit import Commit, PhaseDirectory, canonical_json, digest, write_atomic
from pipeline.io.inputs import basename
from pipeline.io.shards import ShardFile, file_sha256, writing
from pipeline.io.warc import Split
from pipeline.phases import documents, duplicates, tokens
from pipeline.phases.documents import DocumentShard, Removals
from pipeline.phases.inputs import InputFacts, facts_of, inspect_input, require_unchanged
from pipeline.recipe import Recipe
from pipeline.run_folder import claimed, note_session
from pipeline.stage import Counters, Task
from pipeline.status import note_plan

PARTITION_BYTES = 256 << 20  # of spilled rows; decides the number of partitions from the data alone
SOFTWARE = ("warcmill", "pyarrow", "turbohtml", "tokenizers", "fasttext-numpy2")


class Reporter(Protocol):
    """Where a run tells how it is going."""

    def begin(self, phase: str, tasks: int) -> None: ...

    def progress(self, finished: int, records: int) -> None: ...

    def end(self, phase: str, counters: Counters) -> None: ...


@dataclass(frozen=True, slots=True)
class RunConfig:
    """One call of `warcmill run`.

    Args:
        max_records: HTTP responses to read of each input, or None for all.
        local: processes of this machine, and limits on one record, which hold on every engine.
        engine: local, beam or spark, with `engine_options` its own, e.g. `--master=spark://HOST:PORT`.
    """

    inputs: tuple[str, ...]
    output: Path
    recipe: Recipe
    max_records: int | None = None
    local: LocalConfig = field(default_factory=LocalConfig)
    engine: str = "local"
    engine_options: tuple[str, ...] = ()


@dataclass(slots=True)
class _Run:
    config: RunConfig
    engine: Engine
    reporter: Reporter
    seconds: dict[str, float] = field(default_factory=dict)
    number: int = 0

    def phase(self, name: str, fingerprint: Mapping[str, Any], plan: Callable[[PhaseDirectory], _Plan]) -> _Finished:
        """Run one phase unless it is finished, and return its commits."""
        directory = PhaseDirectory(self.config.output / "phases" / f"{self.number:02d}-{name}", name)
        self.number += 1
        directory.bind({"phase": name, **fingerprint})
        if not directory.finished:
            started = time.monotonic()
            work, tasks = plan(directory)
            note_plan(directory.path, len(tasks), datetime.now(UTC))
            self.reporter.begin(name, len(tasks))
            self.engine.map_shards(directory, tasks, work, self.reporter.progress)
            manifest = directory.finish(task.name for task in tasks)
            self.reporter.end(name, Counters.from_json(manifest["counters"]))
            self.seconds[name] = round(time.monotonic() - started, 3)
        return _Finished(directory, directory.commits())


_Plan = tuple[Work, Sequence[Task]]


@dataclass(frozen=True, slots=True)
class _Finished:
    """A finished phase."""

    directory: PhaseDirectory
    commits: Sequence[Commit]

    @property
    def files(self) -> tuple[ShardFile, ...]:
        return tuple(file for commit in self.commits for file in commit.data)

    @property
    def counters(self) -> Counters:
        return Counters.from_json(self.directory.manifest()["counters"])

    def shards(self, removals: Removals | None = None) -> list[DocumentShard]:
        """The kept documents, one shard per task that kept any."""
        kept = [commit.data for commit in self.commits if commit.data]
        return [DocumentShard(self.directory, files, index, removals) for index, files in enumerate(kept)]


def run(config: RunConfig, reporter: Reporter) -> dict[str, Any]:
    """Run or resume the main job; returns the run's manifest.

    Raises:
        UsageError: the output folder belongs to another run, recipe or version of an input, or the recipe's extractor
            is not installed.
        WarcmillError: an input, an output or a shard failed; the same command resumes.
    """
    require(config.recipe.render.extractor)
    config = replace(config, inputs=tuple(map(_anywhere, config.inputs)), output=config.output.absolute())
    settings = {"recipe": config.recipe.resolved(), "max_records": config.max_records}
    opened = open_engine(config.engine, config.engine_options, config.local)
    with claimed(config.output, settings), opened as engine:
        started = datetime.now(UTC)
        job = _Run(config, engine, reporter)
        manifest = _phases(job)
        facts: dict[str, Any] = {"engine": config.engine, "engine_options": list(config.engine_options)}
        facts |= {"workers": config.local.workers, "inputs": list(config.inputs)}
        note_session(config.output, started, facts | {"phase_seconds": job.seconds})
    return manifest


def _anywhere(path: str) -> str:
    """The same path for a worker in another working directory; URLs are left alone."""
    return path if "://" in path or "::" in path else str(Path(path).absolute())


def _phases(job: _Run) -> dict[str, Any]:
    recipe = job.config.recipe
    inputs = _inputs(job)
    facts = [facts_of(commit) for commit in inputs.commits]
    for path, known in zip(job.config.inputs, facts, strict=True):
        require_unchanged(path, known)
    rendered = _render(job, inputs, facts)
    exact = _exact(job, rendered) if recipe.exact_dedup.enabled else None
    classified = _classify(job, rendered, exact)
    fuzzy = _fuzzy(job, classified) if recipe.fuzzy_dedup.enabled else None
    cleaned = _clean(job, classified, fuzzy)
    spilled, shards = _tokens(job, cleaned)
    _publish_audits(job.config.output, exact, fuzzy)
    return _publish(job, facts, [rendered, classified, cleaned], spilled, shards)


def _inputs(job: _Run) -> _Finished:
    split_bytes = None if job.config.max_records is not None else job.config.recipe.read.split_bytes
    names = [basename(path) for path in job.config.inputs]

    def plan(directory: PhaseDirectory) -> _Plan:
        tasks = [Task(f"{i:05d}", i, path) for i, path in enumerate(job.config.inputs)]
        return partial(inspect_input, directory=directory, split_bytes=split_bytes), tasks

    return job.phase("inputs", {"version": 1, "names": names, "split_bytes": split_bytes}, plan)


def _render(job: _Run, inputs: _Finished, facts: Sequence[InputFacts]) -> _Finished:
    recipe = job.config.recipe
    limits, max_records = recipe.read.limits, job.config.max_records

    def plan(directory: PhaseDirectory) -> _Plan:
        produce = partial(documents.render_split, limits=limits, config=recipe.render, max_records=max_records)
        tasks = [
            Task(f"{i:05d}-{j:04d}", i, Split(path, start, end))
            for i, (path, known) in enumerate(zip(job.config.inputs, facts, strict=True))
            for j, (start, end) in enumerate(known.splits)
        ]
        return partial(map_documents, directory=directory, produce=produce), tasks

    config = {"limits": asdict(limits), "render": asdict(recipe.render), "max_records": max_records}
    return job.phase("render", _fingerprint(documents.VERSIONS["render"], config, inputs), plan)


def _exact(job: _Run, rendered: _Finished) -> Removals:
    audit = _exchange(
        job,
        "exact",
        _fingerprint(duplicates.VERSIONS["exact"], {}, rendered),
        rendered.shards(),
        duplicates.emit_exact,
        duplicates.reduce_exact,
        duplicates.EXACT_ORDER,
        duplicates.PLACED_AUDIT_SCHEMA,
    )
    return Removals(audit.directory, audit.files, "exact_dedup")


def _classify(job: _Run, rendered: _Finished, exact: Removals | None) -> _Finished:
    recipe = job.config.recipe

    def plan(directory: PhaseDirectory) -> _Plan:
        produce = partial(documents.classify_shard, marking=recipe.clean, config=recipe.classify)
        return partial(map_documents, directory=directory, produce=produce), _tasks(rendered.shards(exact))

    config = {"marking": asdict(recipe.clean), "classify": asdict(recipe.classify)}
    fingerprint = _fingerprint(documents.VERSIONS["classify"], config, rendered, exact)
    models = {"models": [asdict(model) for model in _models()]}
    return job.phase("classify", fingerprint | models, plan)


def _fuzzy(job: _Run, classified: _Finished) -> Removals:
    fuzzy = job.config.recipe.fuzzy_dedup
    config = {"minhash": asdict(fuzzy.minhash), "containment": asdict(fuzzy.containment)}
    edges = _exchange(
        job,
        "propose",
        _fingerprint(duplicates.VERSIONS["propose"], config, classified),
        classified.shards(),
        partial(duplicates.emit_proposals, minhash=fuzzy.minhash, containment=fuzzy.containment),
        duplicates.reduce_edges,
        duplicates.PROPOSAL_ORDER,
        EDGE_SCHEMA,
    )
    graph = job.phase(
        "components",
        _fingerprint(duplicates.VERSIONS["components"], {}, edges),
        lambda directory: (
            partial(duplicates.find_components, directory=directory),
            [Task("00000", 0, (edges.directory, edges.files))],
        ),
    )
    audit = _exchange(
        job,
        "resolve",
        _fingerprint(duplicates.VERSIONS["resolve"], asdict(fuzzy.verify), graph, classified),
        classified.shards(),
        partial(duplicates.emit_members, graph=graph.directory, files=graph.files),
        partial(duplicates.reduce_members, verify=fuzzy.verify),
        duplicates.RESOLVE_ORDER,
        duplicates.PLACED_AUDIT_SCHEMA,
    )
    return Removals(audit.directory, audit.files, "fuzzy_dedup")


def _clean(job: _Run, classified: _Finished, fuzzy: Removals | None) -> _Finished:
    recipe = job.config.recipe

    def plan(directory: PhaseDirectory) -> _Plan:
        produce = partial(documents.clean_shard, config=recipe.clean, tokens=recipe.tokens)
        return partial(map_documents, directory=directory, produce=produce), _tasks(classified.shards(fuzzy))

    config = {"clean": asdict(recipe.clean), "max_document_chars": recipe.tokens.max_document_chars}
    return job.phase("clean", _fingerprint(documents.VERSIONS["clean"], config, classified, fuzzy), plan)


def _tokens(job: _Run, cleaned: _Finished) -> tuple[_Finished, _Finished]:
    config = job.config.recipe.tokens
    identity = load_tokenizer(config.tokenizer, config.eos_token).identity
    settings = asdict(config) | {"tokenizer": identity.name, "tokenizer_sha256": identity.sha256}
    spilled = _spill(
        job,
        "tokens",
        _fingerprint(TOKENIZE_VERSION, settings, cleaned),
        cleaned.shards(),
        partial(tokens.emit_tokens, config=config),
        tokens.SHUFFLE,
    )
    total = sum(count for name, count in spilled.counters.tallies.items() if name.startswith("tokens:"))

    def plan(directory: PhaseDirectory) -> _Plan:
        folder = job.config.output / "shards"
        tasks = _partitions(spilled, shard_count(total, config.tokens_per_shard))
        return partial(tokens.write_shard_of_tokens, directory=directory, shards=folder, config=config), tasks

    written = job.phase("shards", _fingerprint(TOKENIZE_VERSION, settings, spilled), plan)
    _forget_spill(spilled)
    return spilled, written


def _exchange(
    job: _Run,
    name: str,
    fingerprint: Mapping[str, Any],
    shards: Sequence[DocumentShard],
    emit: Emit,
    reduce: Reduce,
    sorting: Sorting,
    schema: pa.Schema,
) -> _Finished:
    """Spill rows sorted by key, then reduce each key range to one Parquet file."""
    spilled = _spill(job, f"{name}-rows", fingerprint, shards, emit, sorting)

    def plan(directory: PhaseDirectory) -> _Plan:
        work = partial(
            reduce_partition, directory=directory, reduce=reduce, sorting=sorting, schema=schema, grouping={}
        )
        size = sum(file.bytes for file in spilled.files)
        return work, _partitions(spilled, max(1, -(-size // PARTITION_BYTES)))

    reduced = job.phase(name, {**fingerprint, "rows": spilled.directory.sha256}, plan)
    _forget_spill(spilled)
    return reduced


def _spill(
    job: _Run,
    name: str,
    fingerprint: Mapping[str, Any],
    shards: Sequence[DocumentShard],
    emit: Emit,
    sorting: Sorting,
) -> _Finished:
    return job.phase(
        name,
        fingerprint,
        lambda directory: (partial(spill, directory=directory, emit=emit, sorting=sorting), _tasks(shards)),
    )


def _tasks(shards: Sequence[DocumentShard]) -> list[Task]:
    return [Task(f"{shard.index:05d}", shard.index, shard) for shard in shards]


def _partitions(spilled: _Finished, count: int) -> list[Task]:
    parts = (Partition(spilled.directory, spilled.files, index, count) for index in range(count))
    return [Task(f"{part.index:05d}", part.index, part) for part in parts]


def _forget_spill(spilled: _Finished) -> None:
    shutil.rmtree(spilled.directory.path / "data", ignore_errors=True)


def _fingerprint(version: int, config: Mapping[str, Any], *sources: _Finished | Removals | None) -> dict[str, Any]:
    """What a phase is bound to: its version, its config, and the manifests of the phases it reads."""
    read = [source.directory.sha256 for source in sources if source is not None]
    return {"version": version, "config": dict(config), "reads": read}


def _models() -> list[NamedFile]:
    path = model_path()
    return [NamedFile(path.name, file_sha256(path), path.stat().st_size)]


def _publish(
    job: _Run,
    facts: Sequence[InputFacts],
    mapped: Sequence[_Finished],
    spilled: _Finished,
    shards: _Finished,
) -> dict[str, Any]:
    """Write the run's manifest, then `_SUCCESS`: from here on readers may open the run."""
    recipe = job.config.recipe
    identity = load_tokenizer(recipe.tokens.tokenizer, recipe.tokens.eos_token).identity
    resolved = recipe.resolved()
    resolved["tokens"]["tokenizer"] = identity.name  # never a path of this machine
    phases = [PhaseEntry(done.directory.name, done.directory.sha256, done.counters) for done in [*mapped, spilled]]
    manifest = build_manifest(
        ManifestInput(
            shards=[ShardEntry.from_json(commit.facts) for commit in shards.commits],
            tokenizer=identity,
            seed=recipe.tokens.seed,
            tokens_per_shard=recipe.tokens.tokens_per_shard,
            recipe=RecipeEntry(recipe.name, digest(resolved), resolved),
            inputs=[NamedFile(known.name, known.sha256, known.bytes) for known in facts],
            phases=phases,
            models=_models(),
            software={name: version(name) for name in SOFTWARE},
        )
    )
    content = canonical_json(manifest)
    write_atomic(job.config.output / MANIFEST, content)
    write_atomic(job.config.output / SUCCESS, f"{hashlib.sha256(content).hexdigest()}\n".encode())
    shutil.rmtree(job.config.output / "shards" / "_tmp", ignore_errors=True)
    return manifest


def _publish_audits(output: Path, exact: Removals | None, fuzzy: Removals | None) -> None:
    """Copy the audits to RUN/audit, named by phase: the evidence for every removed document."""
    folder = output / "audit"
    with writing(folder):
        folder.mkdir(exist_ok=True)
        for removals in (exact, fuzzy):
            for index, file in enumerate(removals.files if removals else ()):
                assert removals is not None  # noqa: S101 - for the type checker
                target = folder / f"{removals.directory.name}-{index:05d}.parquet"
                if not target.exists():
                    shutil.copyfile(removals.directory.path / "data" / file.path, target)
