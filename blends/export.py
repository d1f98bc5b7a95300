"""Exports a run or a blend plan for other trainers, part by part; each is committed once, so a stopped export resumes.

| format | of a run | of a plan |
|---|---|---|
| megatron | one PREFIX.bin/.idx of its documents | one per stream, and blend files per phase; Megatron mixes |
| mds, jsonl | its documents in order | its samples in the order of training, cut to length, one folder per phase |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from blends.blend_compile import run_plan
from blends.export_megatron import blend_files, prefix_of, stream_documents, write_indexed
from blends.export_rows import write_jsonl, write_mds, write_mds_index
from blends.plan import is_plan, load_plan
from blends.plan_walk import open_streams, walk
from blends.shards import IDS_TYPE, SHARD_SCHEMA
from blends.stream_reader import RunFiles, StreamReader
from blends.streams import read_row_group
from pipeline.errors import UsageError
from pipeline.io.commit import Commit, PhaseDirectory, write_atomic
from pipeline.io.shards import ShardFile
from pipeline.stage import Counters

FORMATS = ("megatron", "mds", "jsonl")
_VERSION = 1  # raise it when the same plan would give other files
_SAMPLES_PER_FILE = 1 << 26  # tokens; a file of samples is closed at the sample that reaches it
_BATCH_TOKENS = 1 << 20

Write = Callable[[], Sequence[ShardFile]]
WriteTables = Callable[[str, Iterator[pa.Table]], Sequence[ShardFile]]


@dataclass(frozen=True, slots=True)
class Part:
    """One unit of an export, written and committed as a whole: `rows` documents or samples."""

    name: str
    rows: int
    write: Write


def export(path: Path, form: str, output: Path) -> dict[str, Any]:
    """Write an export, or finish one that was stopped; a finished one is left as it is.

    Args:
        path: a finished run, its manifest.json, or a plan.
        form: one of FORMATS.
        output: folder; new, empty, or of the same export.

    Returns:
        The export's manifest: every file with sha256, bytes and rows.

    Raises:
        UsageError: the folder holds something else.
        VerificationError: the run or the plan is unfinished, altered, or not the one the plan was made from.
        OutputError: the disk is full or the folder cannot be written.
    """
    whole_run = not is_plan(path)
    run = path.parent if path.is_file() else path
    plan, folder = (run_plan(run, 1, 0), run) if whole_run else (load_plan(path), path.parent)
    streams = open_streams(plan, folder, checksums=True)
    target = PhaseDirectory(output, "export")
    _refuse_foreign(output)
    target.bind({"export": form, "version": _VERSION, "of": plan["identity"], "documents": whole_run})
    parts = _parts(plan, streams, form, output, whole_run=whole_run)
    if not target.finished:
        for part in parts:
            if target.committed(part.name) is None:
                files = tuple(part.write())
                target.commit(Commit(part.name, files, (), Counters(rows_in=part.rows, rows_out=part.rows), {}))
        _write_indexes(form, plan, target, parts, output, whole_run=whole_run)
        target.finish(part.name for part in parts)
    return target.manifest()


def _refuse_foreign(output: Path) -> None:
    if output.is_dir() and any(output.iterdir()) and not output.joinpath("phase.json").exists():
        hint = "choose another folder with -o"
        raise UsageError("the folder holds something else", where=str(output), expected="a new folder", hint=hint)


def _parts(
    plan: Mapping[str, Any], streams: Mapping[str, StreamReader], form: str, output: Path, *, whole_run: bool
) -> list[Part]:
    if form == "megatron":
        used = {stream["name"] for phase in plan["phases"] for stream in phase["streams"]}
        wanted = [stream for stream in plan["streams"] if whole_run or stream["name"] in used]
        return [_indexed_part(plan, stream, streams[stream["name"]], output) for stream in wanted]
    write = partial(write_jsonl if form == "jsonl" else write_mds, output)
    if whole_run:
        return [_shard_part(streams["run"].run, index, write) for index in range(len(streams["run"].run.shards))]
    return [part for number, _ in enumerate(plan["phases"]) for part in _phase_parts(plan, number, streams, write)]


def _indexed_part(plan: Mapping[str, Any], stream: Mapping[str, Any], reader: StreamReader, output: Path) -> Part:
    prefix, vocab_size = prefix_of(stream["name"]), plan["tokenizer"]["vocab_size"]
    return Part(
        prefix, stream["documents"], lambda: write_indexed(output, prefix, stream_documents(reader), vocab_size)
    )


def _shard_part(run: RunFiles, index: int, write: WriteTables) -> Part:
    name = Path(run.shards[index].path).stem
    return Part(name, run.shards[index].rows, lambda: write(name, _shard_tables(run, index)))


def _shard_tables(run: RunFiles, index: int) -> Iterator[pa.Table]:
    shard = run.shard(index)
    for number in range(len(shard.row_groups)):
        yield read_row_group(run.path, shard, number, SHARD_SCHEMA.names)


def _phase_parts(
    plan: Mapping[str, Any],
    number: int,
    streams: Mapping[str, StreamReader],
    write: WriteTables,
) -> Iterator[Part]:
    phase = plan["phases"][number]
    before = sum(earlier["samples"] for earlier in plan["phases"][:number])
    per_file = max(1, _SAMPLES_PER_FILE // phase["sequence_length"])
    for part, start in enumerate(range(0, phase["samples"], per_file)):
        count = min(per_file, phase["samples"] - start)
        folder = f"{number + 1:02d}-{phase['name']}"
        yield Part(
            f"{folder}-{part:06d}",
            count,
            partial(_write_samples, write, f"{folder}/{part:06d}", plan, streams, before + start, count),
        )


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
    form: str, plan: Mapping[str, Any], target: PhaseDirectory, parts: Sequence[Part], output: Path, *, whole_run: bool
) -> None:
    """What names the parts: MDS index files, Megatron's blend files."""
    if form == "mds":
        commits = [commit for part in parts if (commit := target.committed(part.name))]
        write_mds_index(output, [file for commit in commits for file in commit.data], documents=whole_run)
    if form == "megatron" and not whole_run:
        for name, content in blend_files(plan, output).items():
            write_atomic(output / name, content)
