"""One machine: a pool of spawned processes, supervised record by record.

A worker tells the driver which record it is working on through shared memory, so that a crash, a hang or an
exception is blamed on that record. The same record failing repeatedly gets a stored verdict (`poison`) and is passed
over from then on, on resume too; a single kill from outside only costs a retry.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import resource
import threading
import time
import traceback
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.engines.protocol import Progress, Work
from pipeline.errors import ShardFailed, WarcmillError
from pipeline.io.commit import PhaseDirectory, write_atomic
from pipeline.stage import IDLE, Context, Task

ATTEMPTS = {"crash": 3, "timeout": 2, "memory": 2, "exception": 2}  # at one record, before it is called poison
ATTEMPTS_AT_NO_RECORD = 6  # while a task starts or commits: then the shard fails
POLL_S = 0.1
LOG = logging.getLogger(__name__)  # on the console of one machine, in the workers' logs of Beam and Spark
SOURCE_CHARS = 200
STATM = Path("/proc/self/statm")  # Linux only; elsewhere memory is not limited


@dataclass(frozen=True, slots=True)
class LocalConfig:
    """How many processes, and the last-resort limits on one record.

    Args:
        workers: processes.
        record_timeout_s: a record that takes longer is given up; None for no limit.
        worker_memory_bytes: address space a worker may use beyond what it has at start; None for no limit.
    """

    workers: int = 2
    record_timeout_s: float | None = 120.0
    worker_memory_bytes: int | None = 4 << 30


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    connection: Connection
    marks: Any  # shared int64[2]: position at work, records touched
    task: Task | None = None
    seen: tuple[int, int] = (IDLE, 0)
    since_s: float = 0.0


@dataclass(slots=True)
class _Job:
    """State of one `map_shards` call."""

    directory: PhaseDirectory
    work: Work
    waiting: deque[Task]
    progress: Progress
    finished: int = 0
    touched: int = 0
    attempts: Counter[tuple[str, int, str]] = field(default_factory=Counter)


class LocalEngine:
    """Runs tasks on spawned processes. Use as a context manager; processes live as long as it does."""

    def __init__(self, config: LocalConfig) -> None:
        self._config = config
        self._spawn = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []

    def __enter__(self) -> LocalEngine:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
        self._workers = []

    def map_shards(self, directory: PhaseDirectory, tasks: Sequence[Task], work: Work, progress: Progress) -> None:
        """Run `work` on every task that has no commit yet.

        Raises:
            WarcmillError: raised by a task, unchanged, or ShardFailed for anything else.
        """
        done = directory.done()
        waiting = deque(task for task in tasks if task.name not in done)
        job = _Job(directory, work, waiting, progress, finished=len(tasks) - len(waiting))
        total = len(tasks)
        while job.finished < total:
            self._hire(min(self._config.workers, total - job.finished))
            self._assign(job)
            self._listen(job)
            progress(job.finished, job.touched + sum(worker.seen[1] for worker in self._workers))

    def _hire(self, wanted: int) -> None:
        while len(self._workers) < wanted:
            ours, theirs = self._spawn.Pipe()
            marks = self._spawn.RawArray("q", [IDLE, 0])
            process = self._spawn.Process(
                target=_serve, args=(theirs, marks, self._config.worker_memory_bytes), daemon=True
            )
            process.start()
            theirs.close()
            self._workers.append(_Worker(process, ours, marks))

    def _assign(self, job: _Job) -> None:
        for worker in self._workers:
            if worker.task is None and job.waiting:
                worker.task = job.waiting.popleft()
                worker.seen, worker.since_s = (IDLE, 0), time.monotonic()
                skip = job.directory.poisoned(worker.task.name)
                careful = bool(skip) or any(name == worker.task.name for name, _, _ in job.attempts)
                try:
                    worker.connection.send((job.work, worker.task, skip, careful))
                except OSError:
                    continue  # it died while idle: its end of file is handled in _listen

    def _listen(self, job: _Job) -> None:
        busy = {worker.connection: worker for worker in self._workers if worker.task}
        for connection in wait(list(busy), timeout=POLL_S):
            worker = busy[connection]  # type: ignore[index]  # wait() returns what it was given
            try:
                error: tuple[str, BaseException | str] | None = worker.connection.recv()
            except (EOFError, ConnectionResetError):
                self._dismiss(job, worker, "crash", f"exit code {_exit_code(worker.process)}")
                continue
            self._finished(job, worker, error)
        for worker in self._workers[:]:
            if worker.task:
                self._watch(job, worker)

    def _finished(self, job: _Job, worker: _Worker, error: tuple[str, BaseException | str] | None) -> None:
        if error is None:
            job.touched += worker.marks[1]
            job.finished += 1
            worker.task, worker.seen = None, (IDLE, 0)
            return
        reason, detail = error
        if isinstance(detail, WarcmillError):
            raise detail
        self._dismiss(job, worker, reason, str(detail))

    def _watch(self, job: _Job, worker: _Worker) -> None:
        now, seen = time.monotonic(), (worker.marks[0], worker.marks[1])
        if seen != worker.seen:
            worker.seen, worker.since_s = seen, now
        limit_s = self._config.record_timeout_s
        if limit_s is not None and seen[0] != IDLE and now - worker.since_s > limit_s:
            self._dismiss(job, worker, "timeout", f"no progress for {limit_s:g} s")

    def _dismiss(self, job: _Job, worker: _Worker, reason: str, detail: str) -> None:
        """End a worker whose task failed, put the task back, and judge the record it was at."""
        assert worker.task is not None  # noqa: S101 - only busy workers are dismissed
        task, position = worker.task, worker.marks[0]
        worker.process.kill()
        worker.process.join()
        self._workers.remove(worker)
        job.waiting.appendleft(task)
        _blame(job, task, position, reason, detail)


def _blame(job: _Job, task: Task, position: int, reason: str, detail: str) -> None:
    """Hold a failure against the record that the task was at: another attempt, a verdict, or the end of the run."""
    directory, case = job.directory, (task.name, position, reason)
    limit = ATTEMPTS_AT_NO_RECORD if position == IDLE else ATTEMPTS[reason]
    job.attempts[case] += 1
    where = f"{directory.name}/{task.name} {str(task.source)[:SOURCE_CHARS]}"
    at = where if position == IDLE else f"{where}, record {position}"
    LOG.warning("%s: %s, attempt %d of %d: %s", at, reason, job.attempts[case], limit, _last_line(detail))
    if job.attempts[case] < limit:
        return
    if position == IDLE or position in directory.poisoned(task.name):
        raise ShardFailed(f"{reason}: {detail}", where=where)
    directory.poison(task.name, position, {"position": position, "reason": reason, "task": task.name})
    log = directory.path / "_poison" / f"{task.name}-{position}.log"
    write_atomic(log, f"{at}: {reason}\n{detail}\n".encode("utf-8", "replace"))


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]


def _exit_code(process: BaseProcess) -> int | None:
    process.join(timeout=5)
    return process.exitcode


def _serve(connection: Connection, marks: Any, memory_bytes: int | None) -> None:
    """Worker process: run tasks until the driver hangs up."""
    threading.Thread(target=_die_with_parent, daemon=True).start()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # workers are the parallelism
    pa.set_cpu_count(1)
    _limit_memory(memory_bytes)

    def report(position: int) -> None:
        marks[0] = position
        marks[1] += 1

    while True:
        try:
            work, task, skip, careful = connection.recv()
        except (EOFError, ConnectionResetError):  # it ended, or was killed
            return
        marks[0], marks[1] = IDLE, 0
        connection.send(_attempt(work, task, Context(skip, report, careful)))


def _attempt(work: Work, task: Task, context: Context) -> tuple[str, BaseException | str] | None:
    try:
        work(task, context)
    except WarcmillError as error:
        return "exception", error
    except MemoryError:
        return "memory", traceback.format_exc()
    except Exception:  # noqa: BLE001 - handed to the driver, which stores it or stops the run
        return "exception", traceback.format_exc()
    return None


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _limit_memory(memory_bytes: int | None) -> None:
    if memory_bytes is None or not STATM.exists():
        return
    used = int(STATM.read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + memory_bytes, resource.RLIM_INFINITY))
