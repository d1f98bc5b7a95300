"""`warcmill VERB`: parse, build the config, call, print a summary. No work is done here.

Data goes to stdout, progress and logs to stderr. Exit codes: 0 ok, 1 failed, 2 usage, 130 interrupted. Imports of the
rooms happen inside the verbs, so that `--help` answers at once.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from pipeline.classify_verbs import classify, prefilter
from pipeline.cleaning_verbs import clean
from pipeline.cli_verbs import RUN_FOLDER, VERBS
from pipeline.dedup_verbs import VERBS as DEDUP_VERBS
from pipeline.engine_arguments import EngineCommand
from pipeline.errors import UsageError, WarcmillError
from pipeline.fetch_verbs import fetch
from pipeline.manifest_verbs import VERBS as MANIFEST_VERBS
from pipeline.training_verbs import train_classifier


class _Group(click.Group):
    """A group whose commands keep the order they are written in, and whose examples keep their lines."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.commands)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="warcmill")
def warcmill() -> None:
    """Common Crawl WARCs in, training-ready tokens out.

    \b
    warcmill run crawl.warc.gz -o RUN       # the main job: shards, manifest, report
    warcmill render page.html               # one page as text with every formula as LaTeX
    warcmill explain URL RUN                # what happened to a page, and why
    """


@warcmill.command(cls=EngineCommand)
@click.argument("inputs", nargs=-1, required=True, metavar="WARC...")
@click.option("-o", "--output", required=True, type=RUN_FOLDER, help="Run folder: created, or resumed.")
@click.option("--recipe", "recipe_name", default="default", show_default=True, help="Recipe name or .toml file.")
@click.option("--workers", type=click.IntRange(1), default=None, help="Processes.  [default: number of CPUs]")
@click.option("--max-records", type=click.IntRange(1), default=None, help="HTTP responses to read of each WARC.")
@click.option("--record-timeout-s", type=float, default=120.0, show_default=True, help="Last resort per record.")
@click.option("--dry-run", is_flag=True, help="Print recipe, inputs and an estimate; write nothing.")
def run(
    inputs: tuple[str, ...],
    output: Path,
    recipe_name: str,
    workers: int | None,
    max_records: int | None,
    record_timeout_s: float,
    dry_run: bool,
    engine: str,
    engine_options: tuple[str, ...],
) -> None:
    """Turn WARC or ARC files into tokenized Parquet shards with a manifest.

    WARC... are files, globs, fsspec URLs, or lists (warc.paths, warc.paths.gz). The same command resumes a run that
    was stopped, and does nothing when it is finished.

    \b
    warcmill run crawl.warc.gz -o RUN
    warcmill run 'crawl/*.warc.gz' -o RUN --recipe nemotron-cc-math-4plus --workers 8
    warcmill run warc.paths.gz -o RUN --max-records 1000 --dry-run
    warcmill run warc.paths.gz -o RUN --engine spark -- --master=spark://HOST:7077 --conf spark.executor.memory=4g
    warcmill run warc.paths.gz -o RUN --engine beam -- --runner=FlinkRunner --flink_master=HOST:8081
    """
    from pipeline.engines.local import LocalConfig
    from pipeline.io.inputs import expand_inputs
    from pipeline.recipe import load_recipe
    from pipeline.run import RunConfig

    recipe = load_recipe(recipe_name)
    local = LocalConfig(workers or os.cpu_count() or 1, record_timeout_s)
    paths = tuple(expand_inputs(inputs))
    config = RunConfig(paths, output, recipe, max_records, local, engine, engine_options)
    if dry_run:
        from pipeline.dry_run import describe
        from pipeline.engines.choose import open_engine

        open_engine(engine, engine_options, local)  # starts nothing, but refuses what would not start
        click.echo(describe(config))
    else:
        _run(config)


def _run(config: Any) -> None:
    from blends.card import write_card
    from pipeline.dedup_losses import loss_lines, losses_in
    from pipeline.progress import ConsoleReporter, funnel_table, totals_line
    from pipeline.report import write_report
    from pipeline.run import run as run_job

    console = Console(stderr=True)
    with ConsoleReporter(console) as reporter:
        manifest = run_job(config, reporter)
    report = write_report(config.output)
    card, _ = write_card(config.output)
    if reporter.phases == 0:
        console.print("nothing to do: this run was finished before")
    console.print()
    console.print(funnel_table(manifest))
    console.print()
    console.print(totals_line(manifest), highlight=False)
    for line in loss_lines(losses_in(manifest["funnel"])):
        console.print(line, highlight=False)
    console.print(f"manifest  {config.output / 'manifest.json'}", highlight=False, soft_wrap=True)
    console.print(f"report    {report}", highlight=False, soft_wrap=True)
    console.print(f"data card {card}", highlight=False, soft_wrap=True)


@warcmill.command()
@click.argument("file", required=False)
@click.option("--url", default=None, help="Where the page came from.")
@click.option("--content-type", default=None, help="HTTP Content-Type of the page.")
@click.option(
    "--format", "form", type=click.Choice(["markdown", "text", "json"]), default="markdown", show_default=True
)
@click.option(
    "--jsonl", "jsonl", default=None, metavar="IN", help="Batch: JSON lines (.gz, .zst) or Parquet, - for stdin."
)
@click.option("-o", "--output", default="-", help="File to write, - for stdout.")
def render(
    file: str | None, url: str | None, content_type: str | None, form: str, jsonl: str | None, output: str
) -> None:
    """Render one page (FILE or - for stdin), or a batch, with every formula as LaTeX.

    \b
    warcmill render page.html --format json
    curl -s https://example.org/ | warcmill render - --url https://example.org/
    warcmill render --jsonl pages.jsonl.gz -o text.jsonl     # rows {"id", "html" or "html_b64", "url"?}
    """
    from pipeline.io.json_lines import lines_out
    from pipeline.rendering import render_file, render_jsonl

    if (file is None) == (jsonl is None):
        raise UsageError("give one FILE, or --jsonl IN", where="render", hint="warcmill render --help")
    if jsonl is not None:
        rows, failed = render_jsonl(jsonl, output)
        click.echo(f"{rows:,} rows, {failed:,} with an error", err=True)
    else:
        with lines_out(output) as out:
            out.write(render_file(str(file), url, content_type, form).encode() + b"\n")


@warcmill.command()
@click.argument("run_folder", metavar="RUN", type=RUN_FOLDER)
@click.option("--rejected", is_flag=True, help="Show rejected documents instead of kept ones.")
@click.option("--stage", default=None, help="With --rejected: only this stage or stage:reason.")
@click.option("-n", "--count", default=5, show_default=True, type=click.IntRange(1), help="Documents to show.")
@click.option("--seed", default=0, show_default=True, help="Another seed shows other documents.")
@click.option("--chars", default=600, show_default=True, help="Characters of text to show of each.")
def inspect(run_folder: Path, rejected: bool, stage: str | None, count: int, seed: int, chars: int) -> None:
    """Show random documents of a run, kept or rejected, with scores and reasons.

    \b
    warcmill inspect RUN
    warcmill inspect RUN --rejected --stage classify -n 20
    """
    from pipeline.inspection import sample

    for text in sample(run_folder, rejected=rejected, stage=stage, count=count, seed=seed, chars=chars):
        click.echo(text)


@warcmill.command()
@click.argument("url_or_id", metavar="URL|ID")
@click.argument("run_folder", metavar="RUN", type=RUN_FOLDER)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per step.")
def explain(url_or_id: str, run_folder: Path, as_json: bool) -> None:
    """Say what happened to one page: every phase it went through, why it was dropped, where its tokens are.

    \b
    warcmill explain https://example.org/page RUN
    warcmill explain 0f3a...32 hex digits RUN
    """
    from pipeline.inspection import explain as explain_steps

    for step in explain_steps(run_folder, url_or_id):
        click.echo(json.dumps(step.facts, ensure_ascii=False) if as_json else str(step))


@warcmill.command()
@click.argument("run_folder", metavar="RUN", type=RUN_FOLDER)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--metrics", is_flag=True, help="OpenMetrics text, for Prometheus.")
def status(run_folder: Path, as_json: bool, metrics: bool) -> None:
    """Say how far a running, stopped or finished run is: rows by fate, tasks done, speed, time left.

    Read from the commits in the run folder, so it works with any engine and from any machine that sees the folder.

    \b
    warcmill status RUN
    watch warcmill status RUN
    warcmill status RUN --metrics > /var/lib/node_exporter/warcmill.prom
    """
    from pipeline.metrics import openmetrics
    from pipeline.status import read_status, status_text

    found = read_status(run_folder)
    if metrics:
        click.echo(openmetrics(found), nl=False)
    else:
        click.echo(json.dumps(found.to_json()) if as_json else status_text(found))


@warcmill.command()
@click.argument("run_folder", metavar="RUN", type=RUN_FOLDER)
def verify(run_folder: Path) -> None:
    """Re-check every byte, row, token and sum that a finished run promises. Exit 1 where anything differs.

    \b
    warcmill verify RUN
    """
    from pipeline.inspection import verify_run

    checked, problems = verify_run(run_folder)
    for problem in problems:
        click.echo(f"{problem.where}: {problem.what}; expected {problem.expected}")
    if problems:
        raise WarcmillError(f"{len(problems)} problems", where=str(run_folder), hint="readers must not use this run")
    click.echo(f"ok: {checked}")


@warcmill.command()
@click.argument("run_or_plan", metavar="RUN|PLAN")
def report(run_or_plan: str) -> None:
    """Write RUN/report.html again: one self-contained page with funnel, histograms, diversity and samples.

    Of the PLAN of a blend (plan.json): plan.html with its phases, and diversity and overlap of its sources.

    \b
    warcmill report RUN
    warcmill report plan.json
    """
    from blends.plan import is_plan
    from pipeline.io.storage import location
    from pipeline.report import write_report
    from pipeline.report.plan_page import write_plan_report

    place = location(run_or_plan)
    click.echo(write_plan_report(place) if is_plan(run_or_plan) else write_report(place))


for verb in (fetch, clean, prefilter, classify, train_classifier, *DEDUP_VERBS, *VERBS, *MANIFEST_VERBS):
    warcmill.add_command(verb)


def main() -> None:
    """Entry point of the console script."""
    try:
        warcmill.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        _fail("interrupted\nhint: the same command resumes", 130)
    except KeyboardInterrupt:
        _fail("interrupted\nhint: the same command resumes", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left, e.g. `| head`
        sys.exit(1)
    except WarcmillError as error:
        _fail(str(error), error.exit_code)


def _fail(message: str, code: int) -> None:
    click.echo(f"warcmill: {message}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
