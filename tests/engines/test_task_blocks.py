"""Tasks in the run folder: a job of 100,000 tasks stays small, and a worker takes only blocks that the driver wrote."""

from dataclasses import replace

import pytest

from pipeline.engines.task_blocks import BLOCK_TASKS, digests_of, forget_blocks, packed, task_at, write_blocks
from pipeline.errors import VerificationError
from pipeline.io.commit import PhaseDirectory
from pipeline.io.shards import ShardFile
from pipeline.phases.placed import DocumentShard, Removals
from pipeline.stage import Task

GRAPH_LIMIT_BYTES = 20 << 20  # of Dataflow


def work(task, context) -> None: ...


def shard_tasks(directory, count):
    """What the classify phase has: one shard with one file each, and the audit of exact dedup."""
    removals = Removals(replace(directory, name="exact"), "exact_dedup")
    files = (
        ShardFile(f"{i:05d}-0000-{i * 7919:012x}.parquet", f"{i * 104729:064x}", 1 << 20, 999, (512, 487))
        for i in range(count)
    )
    shards = (DocumentShard(directory, (file,), i, (removals,)) for i, file in enumerate(files))
    return [Task(f"{shard.index:05d}", shard.index, shard) for shard in shards]


def test_a_worker_finds_its_task_and_work(tmp_path):
    directory = PhaseDirectory(tmp_path, "classify")
    tasks = shard_tasks(directory, 2 * BLOCK_TASKS + 1)
    blocks = packed(tasks, work)
    assert len(blocks) == 1 + 3
    write_blocks(directory, blocks)
    for number in (0, BLOCK_TASKS - 1, BLOCK_TASKS, 2 * BLOCK_TASKS):
        assert task_at(directory, digests_of(blocks), number) == (tasks[number], work)
    forget_blocks(directory)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("harm", ["altered", "missing"])
def test_a_block_that_the_driver_did_not_write_is_not_read(tmp_path, harm):
    directory = PhaseDirectory(tmp_path, "classify")
    blocks = packed(shard_tasks(directory, 3), work)
    write_blocks(directory, blocks)
    for path in (tmp_path / "_tasks").iterdir():
        path.write_bytes(path.read_bytes() + b".") if harm == "altered" else path.unlink()
    with pytest.raises(VerificationError, match=harm):
        task_at(directory, digests_of(blocks), 1)


def test_the_beam_graph_of_100_000_inputs_is_small(tmp_path):
    pytest.importorskip("apache_beam", reason="needs the beam extra: make setup-dev")
    from pipeline.engines.beam import build_pipeline
    from pipeline.engines.local import LocalConfig

    directory = PhaseDirectory(tmp_path, "classify")
    tasks = shard_tasks(directory, 100_000)
    graph = build_pipeline((), LocalConfig(), directory, tasks, work).to_runner_api()
    print(f"graph of {len(tasks):,} tasks: {graph.ByteSize():,} bytes")
    assert graph.ByteSize() < GRAPH_LIMIT_BYTES / 10
