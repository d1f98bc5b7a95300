"""What Beam and Spark share: a task runs under the supervision it has on one machine, and the driver watches commits.

Inside a worker process of the engine a task runs in a child process of its own, through `LocalEngine`. So a crash, a
hang, too much memory or an exception is judged by the same code everywhere, and a retry by the engine only ever means
that a machine or the worker process itself was lost. An error that stops the run is left in the phase's folder,
`_failed/<task>.json`, because an engine would hand it back as a traceback, after repeating it.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pipeline import errors
from pipeline.engines.local import LocalConfig, LocalEngine
from pipeline.engines.protocol import Progress, Work
from pipeline.errors import ShardFailed, WarcmillError
from pipeline.io.commit import Commit, PhaseDirectory, canonical_json, write_atomic
from pipeline.io.storage import names_in, read_all, remove_tree
from pipeline.stage import Task

POLL_S = 0.25
POLL_SHARE = 20  # looking at commits may take a 20th of the time at most
CANCEL_S = 5.0
DETAIL_CHARS = 300
LOST_HINT = "killed from outside, or no memory left (give fewer --workers); the same command resumes"


class Supervisors:
    """Supervised child processes of this process, each at one task or waiting for the next."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._free: list[tuple[LocalConfig, LocalEngine]] = []
        self._stopped = False

    def run(self, directory: PhaseDirectory, task: Task, work: Work, limits: LocalConfig) -> None:
        """Run one task to its commit, in a child process that is kept for the next task."""
        with self._borrowed(limits) as engine:
            engine.map_shards(directory, [task], work, self._pulse)

    def _pulse(self, _finished: int, _records: int) -> None:
        if self._stopped:
            raise ShardFailed("interrupted")

    @contextmanager
    def _borrowed(self, limits: LocalConfig) -> Iterator[LocalEngine]:
        with self._lock:
            mine = [item for item in self._free if item[0] == limits]
            engine = mine[-1][1] if mine else LocalEngine(limits)
            if mine:
                self._free.remove(mine[-1])
        try:
            yield engine
        except BaseException:
            engine.__exit__()
            raise
        with self._lock:
            self._free.append((limits, engine))

    def start(self) -> None:
        self._stopped = False

    def stop(self) -> None:
        """End the children; tasks at work notice within a moment."""
        self._stopped = True
        with self._lock:
            for _, engine in self._free:
                engine.__exit__()
            self._free = []


def _forget_main() -> None:
    """Keep spawned children from importing the main module of the engine again: 5 s of CPU for Beam, for nothing."""
    main = sys.modules["__main__"]
    if main.__spec__ is not None and main.__spec__.name.startswith(("pyspark.", "apache_beam.")):
        main.__spec__, main.__file__ = None, None


SUPERVISORS = Supervisors()  # of this process: they outlive a task, a bundle and a phase


def run_task(directory: PhaseDirectory, task: Task, work: Work, limits: LocalConfig) -> None:
    """Run one task in this worker process, unless it is committed or has failed for good.

    Raises:
        WarcmillError: of this task or of one that failed before, after it was noted for the driver.
    """
    failure = first_failure(directory)
    if failure:
        raise failure
    _forget_main()
    try:
        SUPERVISORS.run(directory, task, work, limits)
    except WarcmillError as error:
        _note_failure(directory, task, error)
        raise


def _note_failure(directory: PhaseDirectory, task: Task, error: WarcmillError) -> None:
    said = {"kind": type(error).__name__, "what": error.what, "where": error.where}
    said |= {"expected": error.expected, "hint": error.hint}
    write_atomic(directory.path / "_failed" / f"{task.name}.json", canonical_json(said))


def first_failure(directory: PhaseDirectory) -> WarcmillError | None:
    """The error that stops the phase, of the first failed task by name."""
    names = [name for name in names_in(directory.path / "_failed") if name.endswith(".json")]
    if not names:
        return None
    said = json.loads((directory.path / "_failed" / names[0]).read_bytes())
    kind = getattr(errors, said.pop("kind"), WarcmillError)
    error: WarcmillError = kind(said.pop("what"), **said)
    return error


@dataclass(slots=True)
class Commits:
    """Commits of a phase, counted as they appear."""

    directory: PhaseDirectory
    expected: frozenset[str]
    seen: set[str] = field(default_factory=set)
    records: int = 0

    def look(self) -> None:
        """Count the commits that are new."""
        fresh = sorted((self.expected - self.seen) & self.directory.done())
        contents = read_all([self.directory.path / "_commit" / f"{name}.json" for name in fresh])
        self.seen.update(fresh)
        self.records += sum(Commit.from_json(json.loads(content)).counters.rows_in for content in contents)


Start = Callable[[Sequence[Task]], "Future[None]"]
Cancel = Callable[[], None]


def in_thread(job: Callable[[], None]) -> Future[None]:
    """Start a job that may never return, and that must then not keep this process from ending."""
    future: Future[None] = Future()

    def call() -> None:
        try:
            job()
        except BaseException as error:  # noqa: BLE001 - handed to the driver, which raises
            settle(future, error)
        else:
            settle(future, None)

    threading.Thread(target=call, name="warcmill-engine", daemon=True).start()
    return future


def settle(future: Future[None], error: BaseException | None) -> None:
    """Give a job its outcome, unless it has one."""
    with _SETTLING:
        if future.done():
            return
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)


_SETTLING = threading.Lock()


def drive(
    engine: str, directory: PhaseDirectory, tasks: Sequence[Task], progress: Progress, start: Start, cancel: Cancel
) -> None:
    """Run the engine's job on the tasks that have no commit, telling progress from commits while it works.

    Args:
        engine: its name, for messages.
        start: begins the engine's job; the future has its end.
        cancel: asks the engine to stop; called when this process is interrupted.

    Raises:
        WarcmillError: of the first task that failed, or what the engine said.
    """
    remove_tree(directory.path / "_failed")  # of an earlier attempt
    commits = Commits(directory, frozenset(task.name for task in tasks))
    commits.look()
    waiting = [task for task in tasks if task.name not in commits.seen]
    if not waiting:
        return
    future = start(waiting)
    try:
        _watch(commits, future, progress)
    except BaseException:
        cancel()
        _done(future, CANCEL_S)
        raise
    _settle(engine, commits, future.exception())


def _watch(commits: Commits, future: Future[None], progress: Progress) -> None:
    pause_s = POLL_S
    while not _done(future, pause_s):
        started_s = time.monotonic()
        commits.look()
        progress(len(commits.seen), commits.records)
        pause_s = max(POLL_S, POLL_SHARE * (time.monotonic() - started_s))
    commits.look()
    progress(len(commits.seen), commits.records)


def _done(future: Future[Any], timeout_s: float) -> bool:
    try:
        future.exception(timeout=timeout_s)
    except TimeoutError:
        return False
    return True


def _settle(engine: str, commits: Commits, error: BaseException | None) -> None:
    """Raise what stopped the job, if anything did."""
    directory = commits.directory
    failure = first_failure(directory)
    if failure:
        raise failure from error
    missing = sorted(commits.expected - commits.seen)
    if isinstance(error, WarcmillError):
        raise error
    if error is not None:
        log = directory.path / "_failed" / "engine.log"
        write_atomic(log, f"{type(error).__name__}: {error}\n".encode("utf-8", "replace"))
        raise WarcmillError(
            f"the {engine} job ended early: {gist(error)}",
            where=f"{directory.name}, {len(missing)} of {len(commits.expected)} tasks left",
            hint=f"the same command resumes; all that {engine} said is in {log}",
        ) from error
    if missing:
        raise WarcmillError(
            f"{engine} reports success, but {len(missing)} tasks have no commit here, first {missing[0]}",
            where=str(directory.path),
            expected="a run folder that the driver and all workers see under the same path",
            hint="choose -o on a file system that all machines share, or s3://BUCKET/PREFIX or gs://BUCKET/PREFIX",
        )


def gist(error: BaseException) -> str:
    """The line of a long message that names an exception last, or its first line; frames of Java name many."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    naming = [line for line in lines if ("Error" in line or "Exception" in line) and not line.startswith("at ")]
    return (naming or lines)[-1 if naming else 0][:DETAIL_CHARS]
