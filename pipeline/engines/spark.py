"""Apache Spark: one job per phase, `parallelize(tasks, len(tasks)).foreach`, on any cluster manager.

RDDs and not DataFrames: one task of ours is exactly one task of Spark, which ships to each only its own spec, starts
no SQL engine, needs no pandas on the executors, and is the same in Spark 3.5 and 4. The price is Spark Connect, which
has no RDDs. Rows never pass through the JVM: they move through the run folder.
"""

from __future__ import annotations

import argparse
import math
import os
import pickle
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import pyspark
from py4j.protocol import Py4JError  # type: ignore[import-untyped]
from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkRuntimeError
from pyspark.resource import ExecutorResourceRequests, ResourceProfileBuilder, TaskResourceRequests

from pipeline.engines.local import LocalConfig
from pipeline.engines.protocol import Progress, Work
from pipeline.engines.resources import Resources, resources_of
from pipeline.engines.supervised import LOST_HINT, drive, gist, in_thread, run_task
from pipeline.errors import UsageError, WarcmillError
from pipeline.io.commit import PhaseDirectory
from pipeline.stage import Task

ATTEMPTS = 4  # of a task on a machine of our own: `local[N]` alone means 1, so that one lost worker ends the job
LOST = re.compile(  # what Spark says of a task whose Python worker or executor ends again and again
    r"Task (?P<number>\d+) in stage [\d.]+ failed (?P<attempts>\d+) times, most recent failure: Lost task [^\n]*"
    r"(?:Python worker exited unexpectedly|ExecutorLostFailure)"
)
ENDED = re.compile(r"SparkContext (?:has been|was) shut ?down|stopped SparkContext")
MASTER_HINT = "is a Spark master of this version there, and can it reach this machine (spark.driver.host)?"
CONNECT_S = 5.0
MASTER = re.compile(r"local(\[.*\])?|local-cluster\[.*\]|spark://.+|yarn|k8s://.+")
JAVA = re.compile(r'version "(\d+)(?:\.(\d+))?')


@dataclass(frozen=True, slots=True)
class SparkOptions:
    """What stood behind the `--`: where to run, and `spark.*` properties."""

    master: str | None
    name: str
    conf: tuple[tuple[str, str], ...]


class SparkEngine:
    """Runs each phase as one Spark job. Use as a context manager: a context that it started ends with it."""

    def __init__(self, options: SparkOptions, local: LocalConfig, resources: Sequence[Resources] = ()) -> None:
        self._options, self._local, self._resources = options, local, tuple(resources)
        self._context: Any = None
        self._ours = False

    def __enter__(self) -> SparkEngine:
        self._ours = _active_context() is None
        conf = _conf(self._options, self._local)
        try:
            self._context = SparkContext.getOrCreate(conf)
        except (Py4JError, PySparkRuntimeError) as error:
            raise WarcmillError(
                f"Spark did not start: {gist(error)}",
                where=f"--master={conf.get('spark.master')}",
                hint=MASTER_HINT,
            ) from error
        self._context.setLogLevel(conf.get("spark.log.level"))
        return self

    def __exit__(self, *_: object) -> None:
        if self._ours:
            self._context.stop()

    def map_shards(self, directory: PhaseDirectory, tasks: Sequence[Task], work: Work, progress: Progress) -> None:
        """Run `work` on every task that has no commit yet, as one job."""

        def start(waiting: Sequence[Task]) -> Future[None]:
            return in_thread(partial(self._run, directory, work, waiting))

        drive("Spark", directory, tasks, progress, start, self._context.cancelAllJobs)

    def _run(self, directory: PhaseDirectory, work: Work, tasks: Sequence[Task]) -> None:
        try:
            self._submit(directory, work, tasks)
        except Py4JError as error:
            known = self._explained(str(error), directory, tasks)
            if known is None:
                raise
            raise known from error

    def _submit(self, directory: PhaseDirectory, work: Work, tasks: Sequence[Task]) -> None:
        limits = replace(self._local, workers=1)
        self._context.setJobDescription(f"warcmill {directory.name}")
        rows = self._context.parallelize(tasks, len(tasks))
        profile = resource_profile(resources_of(directory.name, self._resources), self._context.getConf())
        rows = rows.withResources(profile) if profile is not None else rows
        rows.foreach(partial(_run_one, directory, work, limits))

    def _explained(self, said: str, directory: PhaseDirectory, tasks: Sequence[Task]) -> WarcmillError | None:
        """What Spark said in pages of Java, where it is one of two things that users meet."""
        if lost := LOST.search(said):
            task = tasks[int(lost["number"])]
            what = f"a worker process died in each of {lost['attempts']} attempts"
            return WarcmillError(what, where=f"{directory.name}/{task.name} {task.source}", hint=LOST_HINT)
        if ENDED.search(said):
            what = "Spark has shut down, its master is gone or never answered"
            return WarcmillError(what, where=f"--master={self._context.master}", hint=MASTER_HINT)
        return None


def submission(
    options: Sequence[str],
    local: LocalConfig,
    directory: PhaseDirectory,
    tasks: Sequence[Task],
    work: Work,
    needs: Resources,
) -> list[str]:
    """The Spark job of a phase: tasks, what each is sent, the resource profile, and the properties we set."""
    conf = _conf(parse_options(options), local)
    sent = len(pickle.dumps((directory, work, replace(local, workers=1), tasks[0])))
    profile = resource_profile(needs, conf)
    lines = [f"master {conf.get('spark.master')}: {len(tasks):,} tasks of {directory.name}, {sent:,} bytes each"]
    for kind in ("taskResources", "executorResources") if profile is not None else ():
        lines += [f"  {kind} {name}={need.amount:g}" for name, need in getattr(profile, kind).items()]
    return lines + [f"  {key}={value}" for key, value in sorted(conf.getAll())]


def _run_one(directory: PhaseDirectory, work: Work, limits: LocalConfig, task: Task) -> None:
    run_task(directory, task, work, limits)


def _active_context() -> Any:
    return SparkContext._active_spark_context  # a context of spark-submit's script or of a notebook; no public name


def open_engine(options: Sequence[str], local: LocalConfig, resources: Sequence[Resources] = ()) -> SparkEngine:
    """The engine with Spark's options: `--master URL`, `--name NAME`, `--conf KEY=VALUE` (any number).

    Without `--master` it is `local[WORKERS,4]`; under spark-submit, or where a SparkContext exists, it is that.

    Raises:
        UsageError: an option or master URL that Spark does not have, or no Java of the right version.
        WarcmillError: no master answers at the address.
    """
    parsed = parse_options(options)
    if _active_context() is not None and options:
        raise UsageError(
            "a SparkContext exists already, its options cannot change",
            where=" ".join(options),
            hint="leave out what stands behind the --, or stop that context",
        )
    if _active_context() is None and not _submitted():
        require_java(pyspark.__version__)
        require_master(parsed.master)
    return SparkEngine(parsed, local, resources)


def _submitted() -> bool:
    return "PYSPARK_GATEWAY_PORT" in os.environ  # spark-submit has started the JVM already


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(
            message,
            where="--engine spark",
            expected="--master URL, --name NAME or --conf KEY=VALUE behind the --",
            hint="everything else is a property, e.g. --conf spark.executor.memory=8g",
        )


def parse_options(options: Sequence[str]) -> SparkOptions:
    """What stood behind the `--`, read. Raises UsageError."""
    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("--master")
    parser.add_argument("--name", default="warcmill")
    parser.add_argument("--conf", action="append", default=[])
    given = parser.parse_args(list(options))
    pairs = [text.partition("=") for text in given.conf]
    for key, equals, _ in pairs:
        if not equals or not key.startswith("spark."):
            parser.error(f"--conf {key}{equals} is not spark.KEY=VALUE")
    if given.master and not MASTER.fullmatch(given.master):
        raise UsageError(
            f"{given.master!r} is not a master URL",
            where="--master",
            expected="local[N,4], spark://HOST:PORT, yarn or k8s://HOST:PORT",
        )
    return SparkOptions(given.master, given.name, tuple((key, value) for key, _, value in pairs))


def _conf(options: SparkOptions, local: LocalConfig) -> Any:
    """Properties of a new context: ours where neither the user nor spark-submit set any."""
    conf = SparkConf()
    for key, value in options.conf:
        conf.set(key, value)
    if options.master:
        conf.setMaster(options.master)
    conf.setIfMissing("spark.master", f"local[{local.workers},{ATTEMPTS}]")
    conf.setIfMissing("spark.app.name", options.name)
    conf.setIfMissing("spark.ui.showConsoleProgress", "false")
    master = str(conf.get("spark.master"))
    # on one machine Spark tells of each lost worker in 25 lines of Java; what stops the run we say ourselves
    conf.setIfMissing("spark.log.level", "FATAL" if master.startswith("local") else "ERROR")
    if re.match(r"local|spark://(127\.|localhost)", master):
        for key in ("spark.driver.host", "spark.driver.bindAddress"):
            conf.setIfMissing(key, "127.0.0.1")
    if master.startswith("local"):
        conf.setIfMissing("spark.ui.enabled", "false")
    # pyspark reads the environment only; workers must not start whichever python3 they find first
    os.environ.setdefault("PYSPARK_PYTHON", str(conf.get("spark.pyspark.python", sys.executable)))
    return conf


def resource_profile(needs: Resources, conf: Any) -> Any:
    """What a phase needs as Spark's stage-level scheduling, or None where there is nothing to ask for.

    With dynamic allocation executors are started to measure: `spark.executor.cores` (else one task's), and per task
    `memory_gib` as overhead, since our memory is Python's and not the JVM's. Without it Spark can only place fewer
    tasks on the executors that are there. One machine (`local[N]`) has no such choice.
    """
    if needs == Resources(needs.phase) or str(conf.get("spark.master")).startswith("local"):
        return None
    _, gpus = needs.accelerators
    of_task = TaskResourceRequests().cpus(needs.cpus)
    if gpus:
        of_task = of_task.resource("gpu", gpus)
    builder = ResourceProfileBuilder().require(of_task)
    if str(conf.get("spark.dynamicAllocation.enabled", "false")).lower() == "true":
        given = conf.get("spark.executor.cores", str(needs.cpus))  # of the JVM, which takes no number for a default
        cores = max(needs.cpus, int(given))
        builder = builder.require(_executors(needs, cores, gpus, conf))
    return builder.build


def _executors(needs: Resources, cores: int, gpus: int, conf: Any) -> Any:
    slots = cores // needs.cpus
    executors = ExecutorResourceRequests().cores(cores)
    if needs.memory_gib is not None:
        executors = executors.memoryOverhead(f"{math.ceil(needs.memory_gib * slots * 1024)}m")
    if gpus:
        script = conf.get("spark.executor.resource.gpu.discoveryScript", "")
        executors = executors.resource("gpu", gpus * slots, script, "nvidia.com")
    return executors


def require_java(spark_version: str) -> None:
    """Raise UsageError unless the Java that Spark would start is new enough: 17 for Spark 4, 8 before."""
    wanted = 17 if int(spark_version.split(".")[0]) >= 4 else 8
    install = "apt-get install openjdk-17-jre-headless, or set JAVA_HOME to a Java 17"
    java = java_command()
    if java is None:
        raise UsageError("Java is not installed", where="--engine spark", expected=f"Java {wanted}", hint=install)
    done = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=False)
    found = JAVA.search(done.stderr + done.stdout)
    if not found:
        raise UsageError("java -version says no version", where=java, expected=f"Java {wanted} or newer", hint=install)
    major = int(found[2]) if found[1] == "1" and found[2] else int(found[1])  # Java 8 calls itself 1.8
    if major < wanted:
        raise UsageError(f"is Java {major}", where=java, expected=f"Java {wanted} or newer", hint=install)


def java_command() -> str | None:
    """The `java` that Spark's scripts would start, or None."""
    home = os.environ.get("JAVA_HOME")
    if home:
        java = Path(home) / "bin" / "java"
        return str(java) if os.access(java, os.X_OK) else None
    return shutil.which("java")


def require_master(master: str | None) -> None:
    """Ask a standalone master's port, since Spark itself would say so only after minutes; YARN needs its settings."""
    if master == "yarn" and not (os.environ.get("HADOOP_CONF_DIR") or os.environ.get("YARN_CONF_DIR")):
        raise UsageError("HADOOP_CONF_DIR is not set", where="--master=yarn", hint="export HADOOP_CONF_DIR=FOLDER")
    if not master or not master.startswith("spark://"):
        return
    said = [_refusal(address) for address in master.removeprefix("spark://").split(",")]
    if all(said):
        raise WarcmillError(
            f"no Spark master answers: {said[0]}",
            where=master,
            expected="a running master, as its web page shows it: spark://HOST:PORT",
            hint="start one with `make spark-demo`, or leave --master out to run on this machine",
        )


def _refusal(address: str) -> str:
    """Why nobody answers at HOST[:PORT], or an empty string."""
    host, _, port = address.rpartition(":") if ":" in address else (address, "", "7077")
    if not port.isdigit():
        return f"{address} has no port"
    try:
        socket.create_connection((host, int(port)), CONNECT_S).close()
    except OSError as error:
        return str(error.strerror or error)
    return ""
