"""The first phase: each input named by basename, size and sha256, and cut into byte ranges."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from pipeline.errors import InputError, UsageError
from pipeline.io.byte_source import chunks, sizes
from pipeline.io.commit import Commit, PhaseDirectory
from pipeline.io.inputs import basename
from pipeline.io.warc import Split, plan_splits
from pipeline.stage import IDLE, Context, Counters, Task


@dataclass(frozen=True, slots=True)
class InputFacts:
    """What is remembered of an input archive: never its path, so that runs can be compared across machines."""

    name: str
    sha256: str
    bytes: int
    splits: tuple[tuple[int, int | None], ...]


def inspect_input(task: Task, context: Context, *, directory: PhaseDirectory, split_bytes: int | None) -> None:
    """Hash one archive and plan its splits; `task.source` is its path, `split_bytes` None for a single split."""
    path: str = task.source
    context.at(IDLE)
    sha256, size = _hash(path)
    splits = [Split(path)] if split_bytes is None else plan_splits(path, split_bytes)
    facts = InputFacts(basename(path), sha256, size, tuple((split.start, split.end) for split in splits))
    counters = Counters(rows_in=1, rows_out=1)
    directory.commit(Commit(task.name, (), (), counters, asdict(facts)))


def _hash(path: str) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    try:
        for chunk in chunks(path):
            digest.update(chunk)
            size += len(chunk)
    except OSError as error:
        raise InputError(f"cannot read: {error.strerror or error}", where=path) from error
    return digest.hexdigest(), size


def facts_of(commit: Commit) -> InputFacts:
    """The facts that `inspect_input` committed."""
    facts = dict(commit.facts)
    return InputFacts(facts["name"], facts["sha256"], facts["bytes"], tuple((a, b) for a, b in facts["splits"]))


def require_unchanged(paths: Sequence[str], facts: Sequence[InputFacts]) -> None:
    """Refuse inputs whose size is not the one they had when the run began.

    Raises:
        UsageError: one changed.
    """
    for path, known, size in zip(paths, facts, sizes(paths), strict=True):
        if size is not None and size != known.bytes:
            raise UsageError(
                f"the input has {size} bytes now",
                where=path,
                expected=f"{known.bytes} bytes, as when this run began",
                hint="choose another output folder with -o",
            )
