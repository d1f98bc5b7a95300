"""The last phase: tokens spilled by shuffle key, then one training shard per key range."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from blends.shards import (
    SHUFFLE_ORDER,
    TokenizeConfig,
    rows_of_split,
    shard_counts,
    tokenize_documents,
    write_token_shard,
)
from blends.split import TRAIN
from blends.tokenizer import load_tokenizer
from pipeline.document import Document
from pipeline.engines.work import Partition, Sorting
from pipeline.io.commit import Commit, PhaseDirectory
from pipeline.io.exchange import merge_runs
from pipeline.job import Finished, partitions
from pipeline.phases.documents import read_documents
from pipeline.stage import IDLE, Context, Counters, Task

SHUFFLE = Sorting(SHUFFLE_ORDER[0], SHUFFLE_ORDER[1:])


def emit_tokens(
    task: Task, context: Context, counters: Counters, *, config: TokenizeConfig
) -> Iterator[pa.RecordBatch]:
    """Token rows of one shard of cleaned documents."""
    if context.careful:
        config = replace(config, batch_chars=1)  # same rows, one document at a time
    documents = _sound(read_documents(task.source, context, counters), counters)
    for batch in tokenize_documents(documents, config=config, counters=counters):
        counters.rows_out += batch.num_rows
        yield batch


def _sound(documents: Iterable[Document], counters: Counters) -> Iterator[Document]:
    """Leave out documents with a poison verdict, counted as failed."""
    for document in documents:
        if document.rejected:
            counters.failed += 1
        else:
            yield document


@dataclass(frozen=True, slots=True)
class TokenShard:
    """One training shard in the making: its key range of the spilled rows, and the split it belongs to."""

    part: Partition
    split: str


def shard_tasks(spilled: Finished, config: TokenizeConfig) -> list[Task]:
    """One task per shard of every split; their number follows from the tokens."""
    tasks: list[Task] = []
    for split, count in shard_counts(spilled.counters.tallies, config).items():
        prefix = "" if split == TRAIN else f"{split}-"
        ranges = partitions(spilled, count)
        tasks += [
            Task(f"{prefix}{task.name}", len(tasks) + i, TokenShard(task.source, split))
            for i, task in enumerate(ranges)
        ]
    return tasks


def write_shard_of_tokens(
    task: Task, context: Context, *, directory: PhaseDirectory, shards: Path, config: TokenizeConfig
) -> None:
    """Merge one key range of the spilled rows into one training shard; the commit's facts are its manifest entry."""
    source: TokenShard = task.source
    part = source.part
    context.at(IDLE)
    order = [SHUFFLE.key, *SHUFFLE.then]
    merged = merge_runs(part.spill.path / "data", part.runs, part.index, part.count, order)
    rows = rows_of_split(merged, source.split, config.validation_share)
    identity = load_tokenizer(config.tokenizer, config.eos_token).identity
    entry = write_token_shard(shards, part.index, part.count, rows, identity, source.split)
    counters = Counters(rows_in=entry.rows, rows_out=entry.rows)
    directory.commit(Commit(task.name, (), (), counters, entry.to_json()))
