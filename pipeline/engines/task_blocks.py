"""Tasks of a phase in the run folder, so that an engine's job names them by number.

A job graph of Dataflow may have 20 MB; 100,000 tasks with their files do not fit. Blocks are pickles made by this
driver: the graph carries the sha256 of each, and a block with another digest is refused before it is read.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipeline.engines.protocol import Work
from pipeline.errors import VerificationError
from pipeline.io.commit import PhaseDirectory, write_atomic
from pipeline.io.storage import remove_tree
from pipeline.stage import Task

BLOCK_TASKS = 512
FOLDER = "_tasks"


def packed(tasks: Sequence[Task], work: Work) -> list[bytes]:
    """The work, then BLOCK_TASKS tasks a block."""
    starts = range(0, len(tasks), BLOCK_TASKS)
    return [pickle.dumps(work), *(pickle.dumps(list(tasks[start : start + BLOCK_TASKS])) for start in starts)]


def digests_of(blocks: Sequence[bytes]) -> tuple[bytes, ...]:
    """sha256 of each block: what a job carries."""
    return tuple(hashlib.sha256(block).digest() for block in blocks)


def write_blocks(directory: PhaseDirectory, blocks: Sequence[bytes]) -> None:
    """Put blocks where workers find them. Raises OutputError."""
    for block, digest in zip(blocks, digests_of(blocks), strict=True):
        write_atomic(_place(directory.path, digest), block)


def forget_blocks(directory: PhaseDirectory) -> None:
    """Remove the blocks of a phase whose tasks are all done."""
    remove_tree(directory.path / FOLDER)


def task_at(directory: PhaseDirectory, digests: Sequence[bytes], number: int) -> tuple[Task, Work]:
    """Task `number` of the job, and the work.

    Raises:
        VerificationError: a block is missing or is not the driver's.
    """
    block, place = divmod(number, BLOCK_TASKS)
    task: Task = _unpacked(directory.path, digests[1 + block])[place]
    work: Work = _unpacked(directory.path, digests[0])
    return task, work


@lru_cache(maxsize=4)
def _unpacked(folder: Path, digest: bytes) -> Any:
    """A work, or a list of tasks."""
    place = _place(folder, digest)
    expected = "the block that the driver wrote; it and all workers must see the run under the same path"
    try:
        block = place.read_bytes()
    except FileNotFoundError as error:
        raise VerificationError("missing", where=str(place), expected=expected) from error
    if hashlib.sha256(block).digest() != digest:
        raise VerificationError("was altered", where=str(place), expected=expected)
    return pickle.loads(block)  # noqa: S301 - made by our own driver, as its digest in the job says


def _place(folder: Path, digest: bytes) -> Path:
    return folder / FOLDER / f"{digest.hex()}.pickle"
