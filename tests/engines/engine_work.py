"""A small job for every engine: a map with misbehaving records, then an exchange. Real worker processes run it."""

import os
import signal
import time
from functools import partial
from pathlib import Path

import pyarrow as pa
from work_for_tests import misbehaving, random_rows

from pipeline.engines.work import Partition, Sorting, map_documents, reduce_partition, spill
from pipeline.io.commit import PhaseDirectory
from pipeline.stage import Task

HERE = Path(__file__).resolve().parent
ORDER = Sorting("key", ("id",))
SCHEMA = pa.schema([("key", pa.uint64()), ("id", pa.int64())])
FAULTS = {(2, 0): "exception"}  # the others cost seconds each; tests/engines/test_engine_parity.py has them all


def identity(rows):
    yield from rows


def quiet(finished: int, records: int) -> None: ...


def tasks(count: int) -> list[Task]:
    return [Task(f"{i:05d}", i, None) for i in range(count)]


def mapped(engine, path: Path, produce, count: int = 3, progress=quiet):
    """The manifest of one phase of documents."""
    directory = PhaseDirectory(path, "mapped")
    directory.bind({})
    work = partial(map_documents, directory=directory, produce=produce)
    engine.map_shards(directory, tasks(count), work, progress)
    return directory.finish(task.name for task in tasks(count))


def exchanged(engine, path: Path, partitions: int):
    """The manifests of the two phases of an exchange."""
    spilled, reduced = PhaseDirectory(path / "spill", "spill"), PhaseDirectory(path / "reduced", "reduced")
    for directory in (spilled, reduced):
        directory.bind({})
    emit = partial(random_rows, rows=200)
    engine.map_shards(spilled, tasks(3), partial(spill, directory=spilled, emit=emit, sorting=ORDER), quiet)
    first = spilled.finish(task.name for task in tasks(3))
    parts = [Task(f"{i:05d}", i, Partition(spilled, i, partitions)) for i in range(partitions)]
    work = partial(reduce_partition, directory=reduced, reduce=identity, sorting=ORDER, schema=SCHEMA, grouping={})
    engine.map_shards(reduced, parts, work, quiet)
    return first, reduced.finish(part.name for part in parts)


def whole_job(engine, path: Path):
    """Everything above, with a bad record and three partitions."""
    return mapped(engine, path / "mapped", partial(misbehaving, faults=FAULTS)), exchanged(engine, path, 3)


def killing_its_engine(task, context, counters, *, marker: str):
    """Documents of `misbehaving`, but the first time task 1 runs, the engine's worker process is killed."""
    for document in misbehaving(task, context, counters, faults={}):
        if task.index == 1 and counters.rows_in == 7 and not Path(marker).exists():
            Path(marker).touch()
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(60)  # this process ends with its parent, and must not end its task before
        yield document


def importable(environ) -> None:
    """Let worker processes of any engine import the test modules and this checkout."""
    folders = [str(HERE.parents[1]), str(HERE), environ.get("PYTHONPATH", "")]
    environ["PYTHONPATH"] = os.pathsep.join(filter(None, folders))
