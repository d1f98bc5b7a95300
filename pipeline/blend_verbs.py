"""Drivers of `warcmill tokenize`, `blend` and `export`: files in, files out; the work is done in blends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from blends.blend_compile import compile_blend
from blends.blend_config import load_blend
from blends.export import export
from blends.manifest import build_manifest
from blends.manifest_types import ManifestInput, NamedFile, PhaseEntry, RecipeEntry, ShardEntry
from blends.plan import identity, load_state, save_plan
from blends.shards import TOKENIZE_VERSION, TokenizeConfig, screen_documents, tokenize_documents
from blends.tokenizer import load_tokenizer
from blends.tokenizer_types import TokenizerIdentity
from pipeline.dedup_job import require_unique_ids
from pipeline.document import Document
from pipeline.engines.work import spill
from pipeline.io.commit import digest
from pipeline.io.shards import read_shard
from pipeline.job import Finished, Reporter, fingerprint, forget_spill
from pipeline.phases.documents import DocumentShard
from pipeline.phases.inputs import InputFacts
from pipeline.phases.tables import COLUMNS
from pipeline.phases.tokens import SHUFFLE, shard_tasks, write_shard_of_tokens
from pipeline.run_folder import claimed, note_session
from pipeline.stage import Context, Counters, Task
from pipeline.table_job import Place, TableJob


def compile_file(blend: Path, output: Path | None, state: Path | None) -> dict[str, Any]:
    """The plan of a blend.toml, written to `output` where one is given.

    Args:
        blend: the blend.toml; manifests in it are relative to its folder.
        output: where the plan goes; None writes nothing.
        state: a reader's state to go on from, when weights change while training.

    Raises:
        UsageError: the blend cannot be meant, or not be filled.
        VerificationError: a source is not a finished run.
    """
    plan = compile_blend(load_blend(blend), blend.parent, load_state(state) if state else None)
    return save_plan(plan, output, blend.parent) if output else {**plan, "identity": identity(plan)}


def export_to(path: Path, form: str, output: Path) -> tuple[int, int, int]:
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

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the tokens; never a path of this machine."""
        return asdict(self.config) | {"tokenizer": self.identity.name, "tokenizer_sha256": self.identity.sha256}


def tokenize(place: Place, config: TokenizeConfig, reporter: Reporter) -> dict[str, Any]:
    """Token shards and their manifest from users' rows; run or resume.

    Raises:
        UsageError: the folder belongs to another run.
        InputError: an input cannot be read, or two rows have one id.
    """
    place = replace(place, output=place.output.absolute())
    identity = load_tokenizer(config.tokenizer, config.eos_token).identity
    bound = asdict(config) | {"tokenizer": identity.name, "tokenizer_sha256": identity.sha256}
    with claimed(place.output, {"recipe": {"name": "tokenize", "tokens": bound}}), place.open_engine() as engine:
        started = datetime.now(UTC)
        job = TableJob(place, engine, reporter)
        manifest = _tokenize_phases(_Tokenizing(job, config, identity))
        facts = {"engine": place.engine, "workers": place.local.workers, "inputs": list(place.inputs)}
        note_session(place.output, started, facts | {"phase_seconds": job.seconds})
    return manifest


def _tokenize_phases(work: _Tokenizing) -> dict[str, Any]:
    job, config = work.job, work.config
    facts, read, tables = job.tables()
    require_unique_ids(job, read, tables)
    sources = [Task(f"{shard.index:05d}", shard.index, shard) for table in tables for shard in table.shards]
    emit = partial(emit_table_tokens, config=config)
    print_ = fingerprint(TOKENIZE_VERSION, work.settings, read)
    spilled = job.phase(
        "tokens", print_, lambda to: (partial(spill, directory=to, emit=emit, sorting=SHUFFLE), sources)
    )
    parts = shard_tasks(spilled, config)
    write = partial(write_shard_of_tokens, shards=job.place.output / "shards", config=config)
    print_ = fingerprint(TOKENIZE_VERSION, work.settings, spilled)
    shards = job.phase("shards", print_, lambda to: (partial(write, directory=to), parts))
    forget_spill(spilled)
    return job.publish(build_manifest(_described(work, facts, (read, spilled), shards)))


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


def emit_table_tokens(
    task: Task, context: Context, counters: Counters, *, config: TokenizeConfig
) -> Iterator[pa.RecordBatch]:
    """Token rows of one slim shard of users' rows; rows without text, blank or too long ones are counted as rejects."""
    if context.careful:
        config = replace(config, batch_chars=1)  # same rows, one document at a time
    documents = screen_documents(_table_documents(task.source, context, counters), config=config)
    for batch in tokenize_documents(_kept(documents, counters), config=config, counters=counters):
        counters.rows_out += batch.num_rows
        yield batch


def _kept(documents: Iterable[Document], counters: Counters) -> Iterator[Document]:
    for document in documents:
        if document.rejected:
            counters.reject(str(document.reject_stage), str(document.reject_reason))
        else:
            yield document


def _table_documents(source: DocumentShard, context: Context, counters: Counters) -> Iterator[Document]:
    number = -1
    for file in source.files:
        for batch in read_shard(source.directory.path / "data", file, COLUMNS.names):
            for row in batch.to_pylist():
                number += 1
                context.at(number)
                counters.rows_in += 1
                if number in context.skip:
                    counters.failed += 1
                elif row["text"] is None:
                    counters.reject("tokenize", "no_text")
                else:
                    yield _table_document(row)


def _table_document(row: dict[str, Any]) -> Document:
    return Document(
        id=row["id"],
        url=row["url"] or "",
        source=row["source"] or "",
        warc_path="",
        offset=0,
        crawl_time=row["crawl_time"] or "",
        text=row["text"],
        quality=row["quality"],
    )
