"""Drivers of `warcmill tokenize`, `blend` and `export`: files in, files out; the work is done in blends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from blends.blend_compile import compile_blend
from blends.blend_config import BlendConfig, SourceConfig, load_blend
from blends.export import export
from blends.manifest import build_manifest, load_manifest
from blends.manifest_types import ManifestInput, NamedFile, PhaseEntry, RecipeEntry, ShardEntry
from blends.plan import identity, is_plan, load_plan, load_state, save_plan
from blends.plan_continue import plan_after_takedowns
from blends.shards import TOKENIZE_VERSION, TokenizeConfig, tokenize_documents
from blends.tokenizer import load_tokenizer
from blends.tokenizer_types import TokenizerIdentity
from pipeline.dedup_job import unique_ids
from pipeline.engines.local import LocalConfig
from pipeline.engines.work import spill
from pipeline.errors import UsageError
from pipeline.io.byte_source import is_remote
from pipeline.io.commit import PhaseDirectory, digest
from pipeline.io.inputs import TABLES, expand_tables
from pipeline.job import Finished, Plan, Reporter, fingerprint, forget_spill, tasks_of
from pipeline.phases.bad_rows import require_some
from pipeline.phases.inputs import InputFacts
from pipeline.phases.placed import DocumentShard
from pipeline.phases.tables import Table
from pipeline.phases.texts import TEXTS_VERSION, TextColumns, read_texts, text_documents
from pipeline.phases.tokens import SHUFFLE, shard_tasks, write_shard_of_tokens
from pipeline.run_folder import claimed, note_session
from pipeline.stage import Context, Counters, Task
from pipeline.table_job import Place, TableJob, inputs_of


def compile_file(
    blend: Path,
    output: Path | None,
    state: Path | None,
    *,
    children: Sequence[str] = (),
    texts: Texts | None = None,
) -> dict[str, Any]:
    """The plan of a blend.toml, written to `output` where one is given.

    Args:
        blend: the blend.toml; paths in it are relative to its folder. Or, with children, the plan of the training.
        output: where the plan goes; None writes nothing.
        state: a reader's state to go on from, when weights change while training, or documents were taken down.
        children: runs of takedowns, each in the place of its parent; the rest of the plan stays as it is.
        texts: how sources of texts become runs; None refuses them.

    Raises:
        UsageError: the blend cannot be meant, or not be filled.
        VerificationError: a source is not a finished run.
    """
    loaded = load_state(state) if state else None
    if children:
        if loaded is None or not is_plan(blend):
            expected = "a plan and the state of its reader: warcmill blend PLAN --continue STATE --takedown CHILD"
            raise UsageError("not a plan, or no state", where=str(blend), expected=expected)
        places = [child if is_remote(child) else str(Path(child).resolve()) for child in children]
        plan = plan_after_takedowns(load_plan(blend), loaded, places)
    else:
        asked = load_blend(blend)
        made = tokenized(asked, blend.parent, texts)
        plan = compile_blend(made, blend.parent, loaded)
        plan["warnings"] += _unusable(asked, made)
    return save_plan(plan, output, blend.parent) if output else {**plan, "identity": identity(plan)}


@dataclass(frozen=True, slots=True)
class Texts:
    """How sources of texts become runs: in `cache`, with as many processes as `local` says."""

    cache: Path
    local: LocalConfig
    reporter: Reporter


def tokenized(blend: BlendConfig, folder: Path, texts: Texts | None) -> BlendConfig:
    """The blend with every source of texts replaced by a run of them, made now or found in the cache.

    The run's folder is named by a hash of the files (names, sizes, times of change), columns and tokenizer.
    """
    return replace(blend, sources=tuple(_tokenized(blend, source, folder, texts) for source in blend.sources))


def _unusable(asked: BlendConfig, made: BlendConfig) -> Iterator[str]:
    """Rows of texts that could not be used, by source."""
    for source, run in zip(asked.sources, made.sources, strict=True):
        if run.manifest != source.manifest:
            funnel = load_manifest(Path(run.manifest))[0]["funnel"]
            if lost := sum(sum(phase["rejected"].values()) for phase in funnel):
                where = f"{run.manifest}/phases/01-read/reject, 03-ids/data"
                yield f"{source.name}: {lost:,} of {funnel[0]['rows_in']:,} rows cannot be used, see {where}"


def _tokenized(blend: BlendConfig, source: SourceConfig, folder: Path, texts: Texts | None) -> SourceConfig:
    if source.manifest.endswith(TABLES):  # texts where a run is asked for can only mean one thing
        source = replace(source, manifest="", data=(source.manifest,))
    if not source.data:
        return source
    if texts is None:
        raise UsageError(f"{source.name} is a source of texts", where=blend.name, expected="manifest = RUN")
    paths = tuple(expand_tables([_place(pattern, folder) for pattern in source.data]))
    config = TokenizeConfig(tokenizer=_tokenizer_path(blend.tokenizer, folder))
    columns = TextColumns(text=source.text_column, source=source.name)
    key = digest([source.name, asdict(config), asdict(columns), [_stamp(path) for path in paths]])
    run = (texts.cache / f"{source.name}-{key[:16]}").absolute()
    if not (run / "_SUCCESS").exists():
        tokenize(Place(paths, run, texts.local), config, texts.reporter, columns)
    return replace(source, manifest=str(run), data=())


def _place(pattern: str, folder: Path) -> str:
    return pattern if is_remote(pattern) else str(folder / pattern)


def _tokenizer_path(name: str, folder: Path) -> str:
    return str(folder / name) if not is_remote(name) and (folder / name).exists() else name


def _stamp(path: str) -> list[Any]:
    if is_remote(path):
        return [path]
    found = Path(path).stat()
    return [Path(path).name, found.st_size, found.st_mtime_ns]


def export_to(path: str, form: str, output: Path) -> tuple[int, int, int]:
    """Export a run or a plan, see blends.export.export. Gives files, rows and bytes of the whole export."""
    manifest = export(path, form, output)
    files = [file for commit in manifest["commits"] for file in commit["data"]]
    return len(files), manifest["counters"]["rows_out"], sum(file["bytes"] for file in files)


@dataclass(frozen=True, slots=True)
class _Tokenizing:
    """A tokenize job under way: its phases, settings, and the tokenizer's identity."""

    job: TableJob
    config: TokenizeConfig
    identity: TokenizerIdentity
    columns: TextColumns

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the tokens; never a path of this machine."""
        return asdict(self.config) | {"tokenizer": self.identity.name, "tokenizer_sha256": self.identity.sha256}


def tokenize(
    place: Place, config: TokenizeConfig, reporter: Reporter, columns: TextColumns | None = None
) -> dict[str, Any]:
    """Token shards and their manifest from users' rows; run or resume.

    Raises:
        UsageError: the folder belongs to another run.
        InputError: an input cannot be read, or most rows have the id of another.
    """
    place = replace(place, output=place.output.absolute())
    identity = load_tokenizer(config.tokenizer, config.eos_token).identity
    bound = asdict(config) | {"tokenizer": identity.name, "tokenizer_sha256": identity.sha256}
    with claimed(place.output, {"recipe": {"name": "tokenize", "tokens": bound}}), place.open_engine() as engine:
        started = datetime.now(UTC)
        job = TableJob(place, engine, reporter)
        manifest = _tokenize_phases(
            _Tokenizing(job, config, identity, replace(columns or TextColumns(), max_chars=config.max_document_chars))
        )
        facts = {"engine": place.engine, "workers": place.local.workers, "inputs": list(place.inputs)}
        note_session(place.output, started, facts | {"phase_seconds": job.seconds})
    return manifest


def _tokenize_phases(work: _Tokenizing) -> dict[str, Any]:
    job, config = work.job, work.config
    facts, read, tables = _texts(work)
    repeats = unique_ids(job, read, tables).removals("tokenize")
    sources = tasks_of([replace(shard, removals=(repeats,)) for table in tables for shard in table.shards])
    emit = partial(emit_text_tokens, config=config)
    print_ = fingerprint(TOKENIZE_VERSION, work.settings, read, repeats)
    spilled = job.phase(
        "tokens", print_, lambda to: (partial(spill, directory=to, emit=emit, sorting=SHUFFLE), sources)
    )
    parts = shard_tasks(spilled, config)
    write = partial(write_shard_of_tokens, shards=job.place.output / "shards", config=config)
    print_ = fingerprint(TOKENIZE_VERSION, work.settings, spilled)
    shards = job.phase("shards", print_, lambda to: (partial(write, directory=to), parts))
    forget_spill(spilled)
    return job.publish(build_manifest(_described(work, facts, (read, spilled), shards)))


def _texts(work: _Tokenizing) -> tuple[list[InputFacts], Finished, list[Table]]:
    """Hash the inputs, refuse changed ones, and copy their texts into shards."""
    job, columns = work.job, work.columns
    facts, hashed = job.hashed("inputs", job.place.inputs)

    def plan(directory: PhaseDirectory) -> Plan:
        tasks = [Task(f"{i:05d}", i, source) for i, source in enumerate(inputs_of(job.place.inputs))]
        return partial(read_texts, directory=directory, columns=columns, strict=job.place.strict), tasks

    read = job.phase("read", fingerprint(TEXTS_VERSION, asdict(columns), hashed), plan)
    require_some(read.directory, read.counters, f"{columns.text!r} (--text-column)")
    tables, index = [], 0
    for source, commit in zip(inputs_of(job.place.inputs), read.commits, strict=True):
        shards = tuple(DocumentShard(read.directory, (file,), index + k) for k, file in enumerate(commit.data))
        tables.append(Table(*source, "", shards))
        index += len(shards)
    return facts, read, tables


def _described(
    work: _Tokenizing, facts: Sequence[InputFacts], phases: Sequence[Finished], shards: Finished
) -> ManifestInput:
    resolved = {"tokens": work.settings}
    return ManifestInput(
        shards=[ShardEntry.from_json(commit.facts) for commit in shards.commits],
        tokenizer=work.identity,
        seed=work.config.seed,
        tokens_per_shard=work.config.tokens_per_shard,
        recipe=RecipeEntry("tokenize", digest(resolved), resolved),
        inputs=[NamedFile(known.name, known.sha256, known.bytes) for known in facts],
        phases=[PhaseEntry(done.directory.name, done.directory.sha256, done.counters) for done in phases],
        models=[],
        software={},
        validation_share=work.config.validation_share,
    )


def emit_text_tokens(
    task: Task, context: Context, counters: Counters, *, config: TokenizeConfig
) -> Iterator[pa.RecordBatch]:
    """Token rows of one slim shard of users' rows; repeated ids are counted as rejects."""
    if context.careful:
        config = replace(config, batch_chars=1)  # same rows, one document at a time
    documents = text_documents(task.source, context, counters)
    for batch in tokenize_documents(documents, config=config, counters=counters):
        counters.rows_out += batch.num_rows
        yield batch
