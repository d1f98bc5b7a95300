"""A warcmill run as one small Dataflow job, for Flex Templates: one worker drives, each phase is a job of its own.

A Flex Template launches exactly one job, and a run is one job per phase, planned from the commits of the phase
before. So the job that is launched holds one element, the command line of the driver. A driver that is lost is
started again by Dataflow and resumes from the commits.

    python main.py --inputs=gs://bucket/warc.paths.gz --output=gs://bucket/run --child_options=--runner=DataflowRunner,…
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions


class Drive(beam.DoFn):
    """Runs one command to its end; what it says goes to the worker's log."""

    def process(self, element: str) -> Iterator[str]:
        command = json.loads(element)
        done = subprocess.run([sys.executable, "-m", "pipeline.cli", *command], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"warcmill {' '.join(command)}: exit {done.returncode}\n{done.stderr[-8000:]}")
        yield done.stderr


def command_line(given: argparse.Namespace) -> list[str]:
    """The driver's `warcmill run`; children go to the engine's options behind `--`."""
    command = ["run", *given.inputs.split(","), "-o", given.output, "--recipe", given.recipe, "--engine", "beam"]
    if given.max_records:
        command += ["--max-records", given.max_records]
    return [*command, "--", *filter(None, given.child_options.split(","))]


def main(arguments: Sequence[str]) -> None:
    """Launch, or with `--template_location` from the launcher only write, the driver's job."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--inputs", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--recipe", default="default")
    parser.add_argument("--max_records", default="")
    parser.add_argument("--child_options", default="")
    given, options = parser.parse_known_args(list(arguments))
    with beam.Pipeline(options=PipelineOptions(options, save_main_session=True)) as pipeline:
        _ = (
            pipeline
            | "command" >> beam.Create([json.dumps(command_line(given))])
            | "drive" >> beam.ParDo(Drive())
            | "log" >> beam.Map(print)
        )


if __name__ == "__main__":
    main(sys.argv[1:])
