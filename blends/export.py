"""Exports a run or a blend plan for other trainers, part by part; each is committed once, so a stopped export resumes.

| format | of a run | of a plan |
|---|---|---|
| megatron | one PREFIX.bin/.idx of its documents | one per stream, and blend files per phase; Megatron mixes |
| mds, jsonl, parquet | its documents in order | its samples in the order of training, one folder per phase |

What runs hold out for validation goes into files of its own: PREFIX--validation, validation-….jsonl, validation/….
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from blends.blend_compile import run_plan
from blends.export_megatron import blend_files, prefix_of, run_files_of, stream_documents, write_indexed
from blends.export_parquet import SAMPLE_SCHEMA, hub_readme, write_parquet
from blends.export_rows import write_jsonl, write_mds, write_mds_index
from blends.plan import is_plan, load_plan
from blends.plan_continue import held_out_plan
from blends.plan_walk import open_streams, walk
from blends.run_place import place_of
from blends.shard_cache import ShardCache
from blends.shards import IDS_TYPE, SHARD_SCHEMA
from blends.split import TRAIN, VALIDATION
from blends.stream_reader import RunFiles, StreamReader
from pipeline.errors import UsageError
from pipeline.io.byte_source import is_remote
from pipeline.io.commit import Commit, PhaseDirectory, write_atomic
from pipeline.io.shards import ShardFile
from pipeline.io.storage import is_store, location
from pipeline.stage import Counters

FORMATS = ("megatron", "mds", "jsonl", "parquet")
_VERSION = 2  # raise it when the same plan would give other files
_SAMPLES_PER_FILE = 1 << 26  # tokens; a file of samples is closed at the sample that reaches it
_BATCH_TOKENS = 1 << 20
_LEFTOVER = re.compile(r"\..+\.[0-9a-f]{32}")
_WRITERS: dict[str, Callable[..., Sequence[ShardFile]]] = {
    "jsonl": write_jsonl,
    "mds": write_mds,
    "parquet": write_parquet,
}

Write = Callable[[], Sequence[ShardFile]]
WriteTables = Callable[[str, Iterator[pa.Table]], Sequence[ShardFile]]
Plan = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """One unit of an export, written and committed as a whole: `rows` documents or samples."""

    name: str
    rows: int
    write: Write


@dataclass(frozen=True, slots=True)
class _Side:
    """One split of what is exported: its plan and the readers of its streams."""

    split: str
    plan: Plan
    streams: Mapping[str, StreamReader]


def export(path: str | Path, form: str, output: Path, cache: ShardCache | None = None) -> dict[str, Any]:
    """Write an export, or finish one that was stopped; a finished one is left as it is.

    Args:
        path: a finished run, its manifest.json, or a plan; on disk or an fsspec URL.
        form: one of FORMATS.
        output: folder, or prefix in S3 or GCS; new, empty, or of the same export.
        cache: where shards of remote runs are kept.

    Returns:
        The export's manifest: every file with sha256, bytes and rows.

    Raises:
        UsageError: the folder holds something else.
        VerificationError: the run or the plan is unfinished, altered, or not the one the plan was made from.
        OutputError: the disk is full or the folder cannot be written.
    """
    whole_run, output = not is_plan(path), location(output)
    sides = _sides(path, cache or ShardCache(), whole_run=whole_run)
    target = PhaseDirectory(output, "export")
    _refuse_foreign(output)
    target.bind({"export": form, "version": _VERSION, "of": sides[0].plan["identity"], "documents": whole_run})
    parts = [part for side in sides for part in _parts(side, form, output, len(sides), whole_run=whole_run)]
    if not target.finished:
        for part in parts:
            if target.committed(part.name) is None:
                files = tuple(part.write())
                target.commit(Commit(part.name, files, (), Counters(rows_in=part.rows, rows_out=part.rows), {}))
        _write_indexes(form, sides, target, parts, output, whole_run=whole_run)
        _sweep(output)
        target.finish(part.name for part in parts)
    return target.manifest()


def _sweep(output: Path) -> None:
    """Remove what a killed export left of the small files it was writing (pipeline.io.commit)."""
    for path in [] if is_store(output) else list(output.rglob(".*")):
        if _LEFTOVER.fullmatch(path.name):
            path.unlink(missing_ok=True)


def _sides(path: str | Path, cache: ShardCache, *, whole_run: bool) -> list[_Side]:
    """What to train on and, where the runs hold out any, what to validate on."""
    if whole_run:
        folder = place_of(path, cache).url
        plan = run_plan(folder, 1, 0, cache=cache)
    else:
        folder = str(path).rpartition("/")[0] if is_remote(str(path)) else str(Path(path).parent)
        plan = load_plan(path)
    sides = [_Side(TRAIN, plan, open_streams(plan, folder, cache, checksums=True))]
    held_out = held_out_plan(plan, folder, None, cache)
    if held_out is None:
        return sides
    return [*sides, _Side(VALIDATION, held_out, open_streams(held_out, folder, cache, checksums=True))]


def _refuse_foreign(output: Path) -> None:
    if output.is_dir() and any(output.iterdir()) and not output.joinpath("phase.json").exists():
        hint = "choose another folder with -o"
        raise UsageError("the folder holds something else", where=str(output), expected="a new folder", hint=hint)


def _parts(side: _Side, form: str, output: Path, sides: int, *, whole_run: bool) -> list[Part]:
    plan, streams = side.plan, side.streams
    if form == "megatron":
        used = {stream["name"] for phase in plan["phases"] for stream in phase["streams"]}
        wanted = [s for s in plan["streams"] if s["name"] in used or (whole_run and side.split == TRAIN)]
        return [_indexed_part(side, stream, output) for stream in wanted]
    parquet = partial(write_parquet, output, schema=SHARD_SCHEMA if whole_run else SAMPLE_SCHEMA)
    write: WriteTables = parquet if form == "parquet" else partial(_WRITERS[form], output)
    if whole_run:
        run = streams["run"].run
        return [_shard_part(side, index, write, form, sides) for index in range(len(run.shards))]
    return [part for number, _ in enumerate(plan["phases"]) for part in _phase_parts(side, number, write)]


def _indexed_part(side: _Side, stream: Mapping[str, Any], output: Path) -> Part:
    prefix, vocab_size = prefix_of(stream["name"], side.split), side.plan["tokenizer"]["vocab_size"]
    reader = side.streams[stream["name"]]
    return Part(
        prefix, stream["documents"], lambda: write_indexed(output, prefix, stream_documents(reader), vocab_size)
    )


def _shard_part(side: _Side, index: int, write: WriteTables, form: str, sides: int) -> Part:
    run = side.streams["run"].run
    stem = Path(run.shards[index].path).stem
    name = stem
    if form == "parquet":
        name = f"data/{stem.replace('shard-', 'train-')}"  # as the Hugging Face Hub finds splits
    elif form == "mds" and sides > 1:
        name = f"{side.split}/{stem}"
    return Part(stem, run.shards[index].rows, lambda: write(name, _shard_tables(run, index)))


def _shard_tables(run: RunFiles, index: int) -> Iterator[pa.Table]:
    for number in range(len(run.shards[index].row_groups)):
        yield run.rows(index, number, SHARD_SCHEMA.names)


def _phase_parts(side: _Side, number: int, write: WriteTables) -> Iterator[Part]:
    plan = side.plan
    phase = plan["phases"][number]
    before = sum(earlier["samples"] for earlier in plan["phases"][:number])
    first = max(before, plan.get("resumed", {"sample": 0})["sample"])  # what a takedown's plan has behind it is gone
    per_file = max(1, _SAMPLES_PER_FILE // phase["sequence_length"])
    folder = phase_folder(plan, number)
    for part, start in enumerate(range(first, before + phase["samples"], per_file)):
        count = min(per_file, before + phase["samples"] - start)
        stem = f"{folder}/{part:06d}"
        yield Part(
            f"{folder}-{part:06d}", count, partial(_write_samples, write, stem, plan, side.streams, start, count)
        )


def phase_folder(plan: Plan, number: int) -> str:
    """Folder of a phase's samples."""
    phase = plan["phases"][number]
    return VALIDATION if "split" in plan["sources"][0] else f"{number + 1:02d}-{phase['name']}"


def _write_samples(
    write: WriteTables,
    stem: str,
    plan: Mapping[str, Any],
    streams: Mapping[str, StreamReader],
    start: int,
    count: int,
) -> Sequence[ShardFile]:
    return write(stem, _sample_tables(plan, streams, start, count))


def _sample_tables(
    plan: Mapping[str, Any], streams: Mapping[str, StreamReader], start: int, count: int
) -> Iterator[pa.Table]:
    """Samples as tables of `sample`, `stream`, `input_ids`."""
    rows: list[tuple[int, str, Any]] = []
    tokens = 0
    for number, (name, position, length) in zip(range(start, start + count), walk(plan, 0, start), strict=False):
        rows.append((number, name, streams[name].read(position, length)[0]))
        tokens += length
        if tokens >= _BATCH_TOKENS or number == start + count - 1:
            numbers, names, ids = zip(*rows, strict=True)
            columns = [pa.array(numbers, pa.int64()), pa.array(names, pa.string()), pa.array(ids, IDS_TYPE)]
            yield pa.table(columns, names=["sample", "stream", "input_ids"])
            rows, tokens = [], 0


def _write_indexes(
    form: str, sides: Sequence[_Side], target: PhaseDirectory, parts: Sequence[Part], output: Path, *, whole_run: bool
) -> None:
    """What names the parts: MDS index files, Megatron's blend files, the Hub's dataset card."""
    commits = [commit for part in parts if (commit := target.committed(part.name))]
    files = [file for commit in commits for file in commit.data]
    plans = [side.plan for side in sides]
    if form == "mds":
        write_mds_index(output, files, documents=whole_run)
    elif form == "megatron":
        made = run_files_of(output, plans) if whole_run else blend_files(plans[0], output, plans[1:])
        for name, content in made.items():
            write_atomic(output / name, content)
    elif form == "parquet":
        folders = [] if whole_run else [phase_folder(plan, n) for plan in plans for n, _ in enumerate(plan["phases"])]
        splits = [side.split for side in sides]
        write_atomic(output / "README.md", hub_readme(plans[0], files, folders, splits))
