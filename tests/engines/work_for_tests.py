"""Work functions that misbehave on purpose; real processes run them, so they live in an importable module."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipeline.document import Document
from pipeline.engines.work import POISON
from pipeline.stage import Context, Counters, Task

ROWS = 20


def misbehaving(
    task: Task, context: Context, counters: Counters, *, faults: dict[tuple[int, int], str]
) -> Iterator[Document]:
    for row in range(ROWS):
        counters.rows_in += 1
        context.at(row)
        document = Document(f"{task.index:016x}{row:016x}", f"u{row}", "s", "w", row, "", text="x" * row)
        if row in context.skip:
            yield document.reject(POISON, context.skip[row])
            continue
        _suffer(faults.get((task.index, row), ""))
        yield document.reject("test", "odd") if row % 2 else document


def _suffer(fault: str) -> None:
    if fault == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif fault == "timeout":
        time.sleep(600)
    elif fault == "memory":
        bytearray(1 << 45)
    elif fault == "exception":
        raise ValueError("a bug in a stage")
    elif fault.startswith("kill once "):
        marker = Path(fault.removeprefix("kill once "))
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)


def losing(task: Task, context: Context, counters: Counters) -> Iterator[Document]:
    counters.rows_in += 2
    yield Document("0" * 32, "u", "s", "w", 0, "", text="one of two")


def random_rows(task: Task, context: Context, counters: Counters, *, rows: int) -> Iterator[pa.RecordBatch]:
    generator = np.random.default_rng(task.index)
    for _ in range(3):
        counters.rows_in += rows
        counters.rows_out += rows
        keys = generator.integers(0, 1 << 64, rows, dtype=np.uint64)
        keys[: rows // 2] = np.uint64(1) << np.uint64(63)  # a hot key
        yield pa.record_batch({"key": keys, "id": generator.integers(0, 1 << 40, rows)})


def racing(task: Task, context: Context, counters: Counters, *, meeting: str, different: bool) -> Iterator[Document]:
    """Three documents, once two processes are at this task; `different` puts into them which one made them."""
    Path(meeting, str(os.getpid())).touch()
    for _ in range(600):
        if len(list(Path(meeting).iterdir())) == 2:
            break
        time.sleep(0.1)
    else:
        raise TimeoutError("nobody else came")
    for row in range(3):
        counters.rows_in += 1
        context.at(row)
        yield Document(
            f"{row:032x}", f"u{row}", "s", "w", row, "", text=f"{os.getpid() if different else 'same'} {row}"
        )
