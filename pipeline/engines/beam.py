"""Apache Beam: one pipeline per phase, `Create(tasks) | Reshuffle | ParDo`, on any runner.

Elements are numbers of tasks, which workers look up in the run folder, and nothing comes out of the ParDo: rows move
through the run folder, never through Beam, whose file sinks can lose them (fileio.WriteToFiles of 2.77 reports success
after a failed rename).
"""

from __future__ import annotations

import difflib
import logging
import os
import pickle
import re
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, NoReturn

import apache_beam as beam
from apache_beam.options.pipeline_options import (
    DebugOptions,
    DirectOptions,
    GoogleCloudOptions,
    PipelineOptions,
    StandardOptions,
    TestOptions,
    _BeamArgumentParser,  # the only way to ask Beam which options it knows
)
from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from apache_beam.runners.runner import create_runner
from apache_beam.transforms.environments import ExternalEnvironment, python_sdk_capabilities

from pipeline.engines.beam_workers import WorkerProcesses
from pipeline.engines.local import LocalConfig
from pipeline.engines.protocol import Progress, Work
from pipeline.engines.resources import DEFAULT, Resources, resources_of
from pipeline.engines.supervised import SUPERVISORS, drive, in_thread, run_task, settle
from pipeline.engines.task_blocks import digests_of, forget_blocks, packed, task_at, write_blocks
from pipeline.errors import UsageError, WarcmillError
from pipeline.io.commit import PhaseDirectory
from pipeline.stage import Task

LOCAL_RUNNER = "FnApiRunner"  # DirectRunner would look for Prism, a binary it downloads
PROCESSES = "multi_processing"  # --direct_running_mode
ATTEMPTS = 4  # at a phase whose worker processes die
DATAFLOW = "DataflowRunner"
DATAFLOW_GRAPH_BYTES = 20 << 20  # of a job creation request, https://cloud.google.com/dataflow/quotas
DOWNLOAD = "Unable to fetch remote"  # Beam, about the job server of Flink and Spark, and Prism
DOWNLOAD_HINT = (
    "fetch it where there is a network and give it as --flink_job_server_jar=FILE, --spark_job_server_jar=FILE or"
    " --prism_location=FILE, or name a job server that runs: --job_endpoint=HOST:PORT"
)
BEHIND = "options behind the -- are Beam's pipeline options"


class RunTask(beam.DoFn):
    """Runs tasks by number in a supervised child of the SDK harness; yields nothing, a task ends in its commit."""

    def __init__(self, directory: PhaseDirectory, digests: Sequence[bytes], limits: LocalConfig) -> None:
        self._call = pickle.dumps((directory, digests, limits))

    def process(self, element: int) -> None:
        directory, digests, limits = pickle.loads(self._call)  # noqa: S301 - made by our own driver
        task, work = task_at(directory, digests, element)
        run_task(directory, task, work, limits)


class BeamEngine:
    """Runs each phase as one Beam pipeline. Use as a context manager."""

    def __init__(self, options: Sequence[str], local: LocalConfig, resources: Sequence[Resources] = ()) -> None:
        self._options = tuple(options)
        self._local = local
        self._resources = tuple(resources)
        self._processes: WorkerProcesses | None = None  # of the local runner, where some were asked for
        self._lost = False
        self._job: Future[None] | None = None
        self._result: Any = None

    def __enter__(self) -> BeamEngine:
        SUPERVISORS.start()
        return self

    def __exit__(self, *_: object) -> None:
        SUPERVISORS.stop()  # of the in-memory runner, whose workers are threads of this process
        self._close_processes()

    def map_shards(self, directory: PhaseDirectory, tasks: Sequence[Task], work: Work, progress: Progress) -> None:
        """Run `work` on every task that has no commit yet, as one pipeline.

        When a process of the local runner dies, another pipeline does what is left: that runner has no retries.
        """
        for attempt in range(1, ATTEMPTS + 1):
            self._open_processes()
            try:
                drive("Beam", directory, tasks, progress, partial(self._start, directory, work), self._cancel)
                break
            except WarcmillError as error:
                if not self._lost:
                    raise
                if attempt == ATTEMPTS:
                    what = f"{error.what}, as one did in each of {ATTEMPTS} attempts"
                    raise WarcmillError(what, where=directory.name, hint=error.hint) from error
                self._close_processes()  # all of them: some may be at tasks of the lost pipeline
        forget_blocks(directory)

    def _open_processes(self) -> None:
        parsed = beam_options(self._options, self._local)
        direct = parsed.view_as(DirectOptions)
        wanted = parsed.view_as(StandardOptions).runner == LOCAL_RUNNER and direct.direct_running_mode == PROCESSES
        if wanted and self._processes is None:
            self._lost = False
            self._processes = WorkerProcesses(direct.direct_num_workers or os.cpu_count() or 1, self._lose)
            self._processes.start()

    def _close_processes(self) -> None:
        if self._processes is not None:
            self._processes.stop()
            self._processes = None

    def _lose(self, error: WarcmillError) -> None:
        """A process died: end the job, as the runner would wait for ever."""
        self._lost = True
        if self._job is not None:
            settle(self._job, error)

    def _start(self, directory: PhaseDirectory, work: Work, waiting: Sequence[Task]) -> Future[None]:
        self._job = in_thread(partial(self._run, directory, work, waiting))
        return self._job

    def _run(self, directory: PhaseDirectory, work: Work, tasks: Sequence[Task]) -> None:
        write_blocks(directory, packed(tasks, work))
        needs = resources_of(directory.name, self._resources)
        url = self._processes.url if self._processes is not None else ""
        pipeline = build_pipeline(self._options, self._local, directory, tasks, work, needs, url)
        try:
            self._result = pipeline.run()
        except RuntimeError as error:
            if DOWNLOAD in str(error):
                raise UsageError(_one_line(str(error)), where="--engine beam", hint=DOWNLOAD_HINT) from error
            raise
        self._result.wait_until_finish()

    def _cancel(self) -> None:
        SUPERVISORS.stop()
        if self._result is not None:
            self._result.cancel()


def build_pipeline(
    options: Sequence[str],
    local: LocalConfig,
    directory: PhaseDirectory,
    tasks: Sequence[Task],
    work: Work,
    needs: Resources = DEFAULT,
    processes: str = "",
) -> beam.Pipeline:
    """The pipeline of one phase, not yet run; its job name is the phase's, behind `--job_name`.

    `processes` is where the local runner finds its worker processes (`WorkerProcesses.url`), if it has any.
    """
    parsed = beam_options(options, local)
    direct = parsed.view_as(DirectOptions)
    direct.direct_num_workers = min(direct.direct_num_workers or local.workers, len(tasks))
    cloud = parsed.view_as(GoogleCloudOptions)
    cloud.job_name = re.sub(r"[^a-z0-9-]", "-", f"{cloud.job_name or 'warcmill'}-{directory.name}".lower())
    runner = None
    if processes:
        direct.direct_running_mode = "in_memory"  # in the runner's words: in the environment that it is given
        runner = FnApiRunner(ExternalEnvironment(processes, capabilities=python_sdk_capabilities()))
    with _offline(parsed):
        pipeline = beam.Pipeline(runner, options=parsed)
    shutil.rmtree(pipeline.local_tempdir)  # for transforms written in Java; Beam would leave one behind per phase
    limits, digests = replace(local, workers=1), digests_of(packed(tasks, work))
    _ = (
        pipeline
        | "tasks" >> beam.Create(range(len(tasks)))  # type: ignore[no-untyped-call]
        | "spread" >> beam.Reshuffle()  # type: ignore[no-untyped-call]
        | directory.name >> _hinted(beam.ParDo(RunTask(directory, digests, limits)), needs)  # type: ignore[no-untyped-call]
    )
    return pipeline


@contextmanager
def _offline(parsed: PipelineOptions) -> Iterator[None]:
    """Options are checked without the network: Beam, where Google's client is installed, asks how a bucket deletes."""
    test = parsed.view_as(TestOptions)
    before, test.dry_run = test.dry_run, True
    try:
        yield
    finally:
        test.dry_run = before


def _hinted(transform: Any, needs: Resources) -> Any:
    """The transform with Beam's resource hints, which runners without them ignore (Beam's own machine type decides)."""
    kind, count = needs.accelerators
    hints: dict[str, Any] = {"cpu_count": str(needs.cpus)} if needs.cpus > 1 else {}
    if needs.memory_gib is not None:
        hints["min_ram"] = f"{needs.memory_gib:g}GiB"
    if count:
        hints["accelerator"] = f"type:{kind};count:{count};install-nvidia-driver"
    return transform.with_resource_hints(**hints)


def submission(
    options: Sequence[str],
    local: LocalConfig,
    directory: PhaseDirectory,
    tasks: Sequence[Task],
    work: Work,
    needs: Resources,
) -> list[str]:
    """The job graph of a phase as its runner would get it: steps, hints, size."""
    pipeline = build_pipeline(options, local, directory, tasks, work, needs)
    graph = pipeline.to_runner_api()
    standard, cloud = pipeline.options.view_as(StandardOptions), pipeline.options.view_as(GoogleCloudOptions)
    steps = [node for node in graph.components.transforms.values() if node.unique_name and not node.subtransforms]
    lines = [f"{standard.runner}, job {cloud.job_name}: {len(tasks):,} tasks, a graph of {graph.ByteSize():,} bytes"]
    if standard.runner == DATAFLOW and graph.ByteSize() > DATAFLOW_GRAPH_BYTES:
        lines.append(f"Dataflow takes {DATAFLOW_GRAPH_BYTES:,} bytes at most: give fewer inputs to one run")
    for node in steps:
        hints = graph.components.environments[node.environment_id].resource_hints if node.environment_id else {}
        said = ", ".join(f"{urn.split(':')[-2]}={value.decode()}" for urn, value in sorted(hints.items()))
        lines.append(f"  {node.unique_name:40} {node.spec.urn}  {said}".rstrip())
    return lines


def open_engine(options: Sequence[str], local: LocalConfig, resources: Sequence[Resources] = ()) -> BeamEngine:
    """The engine with Beam's own options, e.g. `--runner=DataflowRunner --project=P`; checked before any work.

    Without `--runner` it is FnApiRunner with `local.workers` threads, each with a supervised process.

    Raises:
        UsageError: an option or runner that Beam does not have, or one that is missing.
    """
    logging.getLogger("apache_beam").setLevel(logging.ERROR)
    parsed = beam_options(options, local)
    runner = _runner(parsed)
    if parsed.view_as(StandardOptions).runner == DATAFLOW:
        _require_cloud_options(parsed)
    with _offline(parsed):
        problems = PipelineOptionsValidator(parsed, runner).validate()  # type: ignore[no-untyped-call]
    if problems:
        raise UsageError(_one_line("; ".join(problems)), where="--engine beam", hint=BEHIND)
    return BeamEngine(options, local, resources)


def _require_cloud_options(parsed: PipelineOptions) -> None:
    """What a Dataflow job cannot do without, and Beam's own validator asks for one by one or not at all."""
    given = parsed.get_all_options()
    missing = [name for name in ("project", "region", "temp_location") if not given.get(name)]
    if missing:
        raise UsageError(f"missing --{', --'.join(missing)}", where=f"--runner={DATAFLOW}", hint=BEHIND)
    for name in ("temp_location", "staging_location"):
        if given.get(name) and not re.fullmatch(r"gs://[a-z0-9][a-z0-9._-]+(/.*)?", given[name]):
            raise UsageError(f"--{name} is no bucket", where=given[name], expected="gs://BUCKET/FOLDER")


def _runner(parsed: PipelineOptions) -> Any:
    name = parsed.view_as(StandardOptions).runner
    try:
        return create_runner(name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(
            f"Beam cannot load the runner: {_one_line(str(error))}",
            where=f"--runner={name}",
            expected=", ".join(StandardOptions.KNOWN_RUNNER_NAMES),
            hint="DataflowRunner needs: pip install 'apache-beam[gcp]'",
        ) from error


def beam_options(options: Sequence[str], local: LocalConfig) -> PipelineOptions:
    """Beam's options with our defaults. Raises UsageError for what Beam would silently discard."""
    _refuse_unknown(options)
    parsed = PipelineOptions(list(options))
    standard, direct = parsed.view_as(StandardOptions), parsed.view_as(DirectOptions)
    given = {option.partition("=")[0] for option in options}
    if standard.runner in (None, "DirectRunner"):
        standard.runner = LOCAL_RUNNER
    if "--direct_num_workers" not in given:
        direct.direct_num_workers = local.workers
    if "--direct_running_mode" not in given and direct.direct_num_workers != 1:
        direct.direct_running_mode = "multi_threading"
    if "--number_of_worker_harness_threads" not in given:
        # one shard at a time in an SDK process: memory is then that of one task per vCPU
        parsed.view_as(DebugOptions).number_of_worker_harness_threads = 1
    return parsed


class _Parser(_BeamArgumentParser):
    """Beam's own parser, except that a mistake is one message and not a page of usage."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, where="--engine beam", hint=BEHIND)


def _refuse_unknown(options: Sequence[str]) -> None:
    parser = _Parser(allow_abbrev=False, add_help=False)
    for kind in PipelineOptions.__subclasses__():
        kind._add_argparse_args(parser)
    _, unknown = parser.parse_known_args(list(options))
    if unknown:
        known = [name for action in parser._actions for name in action.option_strings]
        near = difflib.get_close_matches(unknown[0].partition("=")[0], known, 1)
        hint = f"Did you mean {near[0]}?" if near else BEHIND
        raise UsageError("Beam has no such option", where=unknown[0], hint=hint)


def _one_line(text: str) -> str:
    return " ".join(text.split())
