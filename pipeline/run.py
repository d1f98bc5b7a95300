"""The main job: phases in order, on one engine, from archives to a manifest.

Every phase reads the commits of an earlier one and ends in commits of its own, so the same command continues a run
that was stopped anywhere. What decides the output is in the recipe and the inputs; what does not (host, workers,
times) is in run.json.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from blends.manifest import MANIFEST, SUCCESS, build_manifest
from blends.manifest_types import ManifestInput, NamedFile, PhaseEntry, RecipeEntry, ShardEntry
from blends.shards import TOKENIZE_VERSION
from blends.tokenizer import load_tokenizer
from classifiers.stage import files_of, require_files
from extractors.peers import require
from llm_cleaning.stage import marking
from pipeline.dedup_losses import losses_in, raise_alarm
from pipeline.dedup_phases import exact_phase, fuzzy_phases, url_phase
from pipeline.engines.choose import open_engine
from pipeline.engines.local import LocalConfig
from pipeline.engines.resources import require_phases
from pipeline.engines.work import map_documents
from pipeline.io.commit import PhaseDirectory, canonical_json, digest, write_atomic
from pipeline.io.inputs import basename
from pipeline.io.shards import file_sha256, writing
from pipeline.io.storage import copy_file, remove_tree
from pipeline.io.warc import Split
from pipeline.job import Finished, Job, Plan, Reporter, fingerprint, forget_spill, tasks_of
from pipeline.phases import documents, site_repeats, tokens
from pipeline.phases.cleaning import clean_producer, clean_settings
from pipeline.phases.inputs import InputFacts, facts_of, inspect_input, require_unchanged
from pipeline.phases.placed import Removals
from pipeline.recipe import Recipe
from pipeline.run_folder import claimed, note_session
from pipeline.stage import Task

EXCHANGES = ("url", "exact", "site", "propose", "members", "resolve")
PHASES = (
    "inputs",
    "render",
    *(name + end for name in EXCHANGES for end in ("-rows", "")),
    "classify",
    "components",
    "clean",
    "tokens",
    "shards",
)
SOFTWARE = ("warcmill", "pyarrow", "turbohtml", "tokenizers", "fasttext-numpy2")


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


def run(config: RunConfig, reporter: Reporter) -> dict[str, Any]:
    """Run or resume the main job; returns the run's manifest.

    Raises:
        UsageError: the output folder belongs to another run, recipe or version of an input, or the recipe's extractor
            is not installed.
        InputError: a blocklist of the recipe cannot be read.
        WarcmillError: an input, an output or a shard failed; the same command resumes.
    """
    require(config.recipe.render.extractor)
    require_files(config.recipe.classify)
    config = replace(config, inputs=tuple(map(_anywhere, config.inputs)), output=config.output.absolute())
    settings = {"recipe": config.recipe.resolved(), "max_records": config.max_records}
    require_phases(config.recipe.resources, PHASES, config.recipe.name)
    opened = open_engine(config.engine, config.engine_options, config.local, config.recipe.resources)
    with claimed(config.output, settings), opened as engine:
        started = datetime.now(UTC)
        job = Job(config.output, engine, reporter)
        manifest = _phases(job, config)
        facts: dict[str, Any] = {"engine": config.engine, "engine_options": list(config.engine_options)}
        facts |= {"workers": config.local.workers, "inputs": list(config.inputs)}
        note_session(config.output, started, facts | {"phase_seconds": job.seconds})
    return manifest


def _anywhere(path: str) -> str:
    """The same path for a worker in another working directory; URLs are left alone."""
    return path if "://" in path or "::" in path else str(Path(path).absolute())


def _phases(job: Job, config: RunConfig) -> dict[str, Any]:
    recipe = config.recipe
    inputs = _inputs(job, config)
    facts = [facts_of(commit) for commit in inputs.commits]
    require_unchanged(config.inputs, facts)
    rendered = _render(job, config, inputs, facts)
    exact = _exact(job, recipe, rendered)
    repeats = _site_repeats(job, recipe, rendered, exact) if recipe.site_repeats.enabled else None
    classified = _classify(job, recipe, rendered, exact, repeats)
    fuzzy = _fuzzy(job, recipe, classified)
    cleaned = _clean(job, recipe, classified, fuzzy)
    _raise_alarm(job, recipe, classified, cleaned)
    spilled, shards = _tokens(job, recipe, cleaned)
    _publish_audits(job.output, (*exact, *fuzzy))
    return _publish(job, recipe, facts, [rendered, classified, cleaned], spilled, shards)


def _inputs(job: Job, config: RunConfig) -> Finished:
    split_bytes = None if config.max_records is not None else config.recipe.read.split_bytes
    names = [basename(path) for path in config.inputs]

    def plan(directory: PhaseDirectory) -> Plan:
        tasks = [Task(f"{i:05d}", i, path) for i, path in enumerate(config.inputs)]
        return partial(inspect_input, directory=directory, split_bytes=split_bytes), tasks

    return job.phase("inputs", {"version": 1, "names": names, "split_bytes": split_bytes}, plan)


def _render(job: Job, config: RunConfig, inputs: Finished, facts: Sequence[InputFacts]) -> Finished:
    recipe = config.recipe
    settings: dict[str, Any] = {"limits": asdict(recipe.read.limits), "render": asdict(recipe.render)}
    settings |= {"max_records": config.max_records}
    splits = [
        [Split(path, start, end) for start, end in known.splits]
        for path, known in zip(config.inputs, facts, strict=True)
    ]
    bound = fingerprint(documents.VERSIONS["render"], settings, inputs)
    return job.phase("render", bound, partial(render_plan, config, splits))


def render_plan(config: RunConfig, splits: Sequence[Sequence[Split]], directory: PhaseDirectory) -> Plan:
    """The work and the tasks of the rendering phase: one per split, inputs in order."""
    limits, max_records = config.recipe.read.limits, config.max_records
    produce = partial(documents.render_split, limits=limits, config=config.recipe.render, max_records=max_records)
    tasks = [Task(f"{i:05d}-{j:04d}", i, split) for i, parts in enumerate(splits) for j, split in enumerate(parts)]
    return partial(map_documents, directory=directory, produce=produce), tasks


def _exact(job: Job, recipe: Recipe, rendered: Finished) -> tuple[Removals, ...]:
    """What equal addresses, where the recipe asks for that, and equal texts remove."""
    if not recipe.exact_dedup.enabled:
        return ()
    removals: tuple[Removals, ...] = ()
    if recipe.exact_dedup.url:
        removals += (url_phase(job, rendered.shards(), recipe.exact_dedup.url, rendered).removals("exact_dedup"),)
    audit = exact_phase(job, rendered.shards(*removals), rendered, *removals)
    return (*removals, audit.removals("exact_dedup"))


def _site_repeats(job: Job, recipe: Recipe, rendered: Finished, exact: tuple[Removals, ...]) -> Finished:
    return job.exchange(
        "site",
        fingerprint(site_repeats.VERSION, asdict(recipe.site_repeats), rendered, *exact),
        tasks_of(rendered.shards(*exact)),
        partial(site_repeats.emit_site_rows, config=recipe.site_repeats),
        partial(site_repeats.reduce_site_rows, config=recipe.site_repeats),
        site_repeats.SITE_ORDER,
        site_repeats.PLACE_SCHEMA,
    )


def _classify(
    job: Job, recipe: Recipe, rendered: Finished, exact: tuple[Removals, ...], repeats: Finished | None
) -> Finished:
    def plan(directory: PhaseDirectory) -> Plan:
        found = repeats.directory if repeats is not None else None
        produce = partial(documents.classify_shard, marking=recipe.clean, config=recipe.classify, repeats=found)
        return partial(map_documents, directory=directory, produce=produce), tasks_of(rendered.shards(*exact))

    config = {"marking": marking(recipe.clean), "classify": asdict(recipe.classify)}
    bound = fingerprint(documents.VERSIONS["classify"], config, rendered, *exact, *([repeats] if repeats else []))
    models = {"models": [asdict(model) for model in _models(recipe)]}
    return job.phase("classify", bound | models | _blocklists(recipe), plan)


def _fuzzy(job: Job, recipe: Recipe, classified: Finished) -> tuple[Removals, ...]:
    if not recipe.fuzzy_dedup.enabled:
        return ()
    found = fuzzy_phases(job, classified.shards(), recipe.fuzzy_dedup, classified)
    return (found.audit.removals("fuzzy_dedup"),)


def _clean(job: Job, recipe: Recipe, classified: Finished, fuzzy: tuple[Removals, ...]) -> Finished:
    def plan(directory: PhaseDirectory) -> Plan:
        produce = clean_producer(recipe.clean, recipe.tokens, directory)
        return partial(map_documents, directory=directory, produce=produce), tasks_of(classified.shards(*fuzzy))

    config = {"clean": clean_settings(recipe.clean), "max_document_chars": recipe.tokens.max_document_chars}
    return job.phase("clean", fingerprint(documents.VERSIONS["clean"], config, classified, *fuzzy), plan)


def _tokens(job: Job, recipe: Recipe, cleaned: Finished) -> tuple[Finished, Finished]:
    config = recipe.tokens
    identity = load_tokenizer(config.tokenizer, config.eos_token).identity
    settings = asdict(config) | {"tokenizer": identity.name, "tokenizer_sha256": identity.sha256}
    spilled = job.spill(
        "tokens",
        fingerprint(TOKENIZE_VERSION, settings, cleaned),
        tasks_of(cleaned.shards()),
        partial(tokens.emit_tokens, config=config),
        tokens.SHUFFLE,
    )

    def plan(directory: PhaseDirectory) -> Plan:
        folder = job.output / "shards"
        tasks = tokens.shard_tasks(spilled, config)
        return partial(tokens.write_shard_of_tokens, directory=directory, shards=folder, config=config), tasks

    written = job.phase("shards", fingerprint(TOKENIZE_VERSION, settings, spilled), plan)
    forget_spill(spilled)
    return spilled, written


def _blocklists(recipe: Recipe) -> dict[str, list[str]]:
    """Digests of the recipe's blocklists: what is in them decides, not where they are."""
    paths = recipe.classify.consent.blocklists if recipe.classify.consent else ()
    return {"blocklists": [file_sha256(Path(path)) for path in paths]} if paths else {}


def _models(recipe: Recipe) -> list[NamedFile]:
    """What the classify phase's scores follow from: a model by another content makes another phase."""
    return [NamedFile(path.name, file_sha256(path), path.stat().st_size) for path in files_of(recipe.classify)]


def _publish(
    job: Job,
    recipe: Recipe,
    facts: Sequence[InputFacts],
    mapped: Sequence[Finished],
    spilled: Finished,
    shards: Finished,
) -> dict[str, Any]:
    """Write the run's manifest, then `_SUCCESS`: from here on readers may open the run."""
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
            models=_models(recipe),
            software={name: version(name) for name in SOFTWARE},
            validation_share=recipe.tokens.validation_share,
        )
    )
    content = canonical_json(manifest)
    write_atomic(job.output / MANIFEST, content)
    write_atomic(job.output / SUCCESS, f"{hashlib.sha256(content).hexdigest()}\n".encode())
    remove_tree(job.output / "shards" / "_tmp")
    return manifest


def _raise_alarm(job: Job, recipe: Recipe, *judged: Finished) -> None:
    """Stop where dedup took nearly all of a source. Both phases count what came and what dedup had removed."""
    sources = losses_in(done.counters.to_json() for done in judged)
    hint = "RUN/phases/*/data has the evidence; if it is right, raise max_source_loss in [dedup_alarm] and run again"
    raise_alarm(sources, recipe.dedup_alarm.max_source_loss, str(job.output), hint)


def _publish_audits(output: Path, audits: Sequence[Removals]) -> None:
    """Copy the audits to RUN/audit, named by phase: the evidence for every removed document."""
    folder = output / "audit"
    with writing(folder):
        folder.mkdir(exist_ok=True)
        for removals in audits:
            for index, file in enumerate(removals.files):
                target = folder / f"{removals.directory.name}-{index:05d}.parquet"
                if not target.exists():
                    copy_file(removals.directory.path / "data" / file.path, target)
