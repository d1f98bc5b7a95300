"""`warcmill VERB`: parse, build the config, call, print a summary. No work is done here.

Data goes to stdout, progress and logs to stderr. Exit codes: 0 ok, 1 failed, 2 usage, 130 interrupted. Imports of the
rooms happen inside the verbs, so that `--help` answers at once.
"""

from __future__ import annotations

import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from pipeline.engine_arguments import EngineCommand
from pipeline.errors import UsageError, WarcmillError

RUN_FOLDER = click.Path(path_type=Path, file_okay=False)


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

        click.echo(describe(config))
    else:
        _run(config)


def _run(config: Any) -> None:
    from pipeline.progress import ConsoleReporter, funnel_table, totals_line
    from pipeline.report import write_report
    from pipeline.run import run as run_job

    console = Console(stderr=True)
    with ConsoleReporter(console) as reporter:
        manifest = run_job(config, reporter)
    report = write_report(config.output)
    if reporter.phases == 0:
        console.print("nothing to do: this run was finished before")
    console.print()
    console.print(funnel_table(manifest))
    console.print()
    console.print(totals_line(manifest), highlight=False)
    console.print(f"manifest  {config.output / 'manifest.json'}", highlight=False, soft_wrap=True)
    console.print(f"report    {report}", highlight=False, soft_wrap=True)


@warcmill.command()
@click.argument("file", required=False)
@click.option("--url", default=None, help="Where the page came from.")
@click.option("--content-type", default=None, help="HTTP Content-Type of the page.")
@click.option(
    "--format", "form", type=click.Choice(["markdown", "text", "json"]), default="markdown", show_default=True
)
@click.option("--jsonl", "jsonl", default=None, metavar="IN", help="Batch: JSON lines in, .gz allowed, - for stdin.")
@click.option("-o", "--output", default="-", help="With --jsonl: JSON lines out, - for stdout.")
def render(
    file: str | None, url: str | None, content_type: str | None, form: str, jsonl: str | None, output: str
) -> None:
    """Render one page (FILE or - for stdin), or a batch, with every formula as LaTeX.

    \b
    warcmill render page.html --format json
    curl -s https://example.org/ | warcmill render - --url https://example.org/
    warcmill render --jsonl pages.jsonl.gz -o text.jsonl     # rows {"id", "html" or "html_b64", "url"?}
    """
    from pipeline.rendering import render_file, render_jsonl

    if (file is None) == (jsonl is None):
        raise UsageError("give one FILE, or --jsonl IN", where="render", hint="warcmill render --help")
    if jsonl is not None:
        rows, failed = render_jsonl(jsonl, output)
        click.echo(f"{rows:,} rows, {failed:,} with an error", err=True)
    else:
        click.echo(render_file(str(file), url, content_type, form))


@warcmill.command()
@click.option("--jsonl", default=None, metavar="IN", help="Rows of `warcmill render --jsonl`; .gz, - for stdin.")
@click.option("--check", "pair", default=None, nargs=2, metavar="SOURCE CLEANED", help="Two text files to compare.")
@click.option("--check-jsonl", "pairs", default=None, metavar="IN", help='Rows {"id", "source", "cleaned", "blocks"?}.')
@click.option("-o", "--output", default="-", help="JSON lines out, .gz allowed, - for stdout.")
@click.option("--backend", type=click.Choice(["rules"]), default="rules", show_default=True, help="Who cleans.")
def clean(jsonl: str | None, pair: tuple[str, str] | None, pairs: str | None, output: str, backend: str) -> None:  # noqa: ARG001 - one backend so far
    """Cut boilerplate out of rendered rows, each checked by the guard; or check texts cleaned elsewhere.

    \b
    warcmill clean --jsonl text.jsonl -o clean.jsonl           # adds clean_text, guard_verdict, guard_reasons
    warcmill clean --check source.txt cleaned.txt              # {"pass": false, "reasons": ["number_changed"]}
    warcmill clean --check-jsonl pairs.jsonl -o verdicts.jsonl
    """
    from pipeline.cleaning import check_files, check_jsonl, clean_jsonl

    if sum(given is not None for given in (jsonl, pair, pairs)) != 1:
        raise UsageError("give one of --jsonl, --check, --check-jsonl", where="clean", hint="warcmill clean --help")
    if pair is not None:
        click.echo(json.dumps(check_files(*pair)))
    elif jsonl is not None:
        rows, empty, failed = clean_jsonl(jsonl, output)
        click.echo(f"{rows:,} rows, {empty:,} without text, {failed:,} failed the guard", err=True)
    else:
        rows, failed = check_jsonl(str(pairs), output)
        click.echo(f"{rows:,} rows, {failed:,} failed the guard", err=True)


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
def status(run_folder: Path, as_json: bool) -> None:
    """Say how far a running, stopped or finished run is: rows by fate, tasks done, speed, time left.

    Read from the commits in the run folder, so it works with any engine and from any machine that sees the folder.

    \b
    warcmill status RUN
    watch warcmill status RUN
    """
    from pipeline.status import read_status, status_text

    found = read_status(run_folder)
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
@click.argument("run_folder", metavar="RUN", type=RUN_FOLDER)
def report(run_folder: Path) -> None:
    """Write RUN/report.html again: one self-contained page with funnel, histograms and samples.

    \b
    warcmill report RUN
    """
    from pipeline.report import write_report

    click.echo(write_report(run_folder))


@warcmill.command()
@click.argument("blend_file", metavar="BLEND.toml", type=click.Path(path_type=Path, dir_okay=False))
@click.option("-o", "--output", default=None, type=click.Path(path_type=Path, dir_okay=False), help="Plan to write.")
@click.option("--explain", "explained", is_flag=True, help="Print tokens, shares and epochs per phase and source.")
@click.option(
    "--continue", "state", default=None, type=click.Path(path_type=Path), help="State of a reader to go on from."
)
def blend(blend_file: Path, output: Path | None, explained: bool, state: Path | None) -> None:
    """Compile a blend of runs, with weights, epochs and phases, into the exact plan of a training.

    Manifests are relative to the blend file. With --continue, phases count from where the reader stopped, and what it
    has consumed is neither repeated nor lost.

    \b
    warcmill blend B.toml --explain
    warcmill blend B.toml -o plan.json
    warcmill blend NEW-WEIGHTS.toml --continue state.json -o plan-2.json
    """
    from blends.plan import explain as table
    from pipeline.blend_verbs import compile_file

    if output is None and not explained:
        raise UsageError("nothing to do", where="blend", expected="-o PLAN or --explain", hint="warcmill blend --help")
    plan = compile_file(blend_file, output, state)
    if explained:
        click.echo(table(plan))
    else:
        for warning in plan["warnings"]:
            click.echo(f"warning: {warning}", err=True)
    if output:
        click.echo(f"plan {plan['identity'][:12]}  {output}", err=True)


@warcmill.command()
@click.argument("source", metavar="RUN|PLAN", type=click.Path(path_type=Path))
@click.option("--format", "form", required=True, type=click.Choice(["megatron", "mds", "jsonl"]), help="For whom.")
@click.option("-o", "--output", required=True, type=RUN_FOLDER, help="Folder: created, or resumed.")
def export(source: Path, form: str, output: Path) -> None:
    """Write a run's documents, or a plan's samples, as Megatron-LM .bin/.idx, MosaicML MDS or JSON lines.

    Of a plan, mds and jsonl hold the samples in the order of training, a folder per phase; megatron holds the documents
    of every stream, and files that tell Megatron what to mix in each phase. The same command resumes.

    \b
    warcmill export RUN --format megatron -o OUT
    warcmill export plan.json --format mds -o OUT
    """
    from pipeline.blend_verbs import export_to

    files, rows, size = export_to(source, form, output)
    click.echo(f"{rows:,} rows in {files:,} files, {size:,} bytes  {output}", err=True)


@warcmill.group(cls=_Group)
def bench() -> None:
    """Compare on your own pages, on this machine."""


@bench.command("extractors")
@click.argument("sources", nargs=-1, required=True, metavar="PAGES...")
@click.option("--limit", default=200, show_default=True, type=click.IntRange(1), help="Pages to take, from the first.")
@click.option("--only", default=None, metavar="A,B", help="Extractors to run.  [default: every one installed]")
@click.option("--passes", default=3, show_default=True, type=click.IntRange(1), help="Passes, in alternating order.")
@click.option("--timeout-s", default=30.0, show_default=True, help="Longest an extractor may take for a page.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per extractor.")
def bench_extractors(
    sources: tuple[str, ...], limit: int, only: str | None, passes: int, timeout_s: float, as_json: bool
) -> None:
    """Run warcmill, trafilatura, resiliparse and lynx over the same pages and print one table.

    PAGES... are JSON lines with {"html" or "html_b64", "url"?}, or WARC files. Speed is pages per CPU second.

    \b
    warcmill bench extractors crawl.warc.gz --limit 500
    warcmill bench extractors pages.jsonl.gz --only warcmill,lynx --json
    """
    from pipeline.bench import choose, compare, rows, table
    from pipeline.bench_pages import read_pages

    say = partial(click.echo, err=True)
    names = choose(only, say=say)
    pages, others = read_pages(sources, limit)
    say(f"{len(pages):,} HTML pages, {sum(len(page.body) for page in pages):,} bytes; {others:,} others left out")
    scores = compare(pages, names, passes=passes, timeout_s=timeout_s, say=say)
    click.echo("\n".join(json.dumps(row) for row in rows(scores)) if as_json else table(scores))


@warcmill.command()
@click.argument("inputs", nargs=-1, required=True, metavar="IN...")
@click.option("-o", "--output", required=True, type=RUN_FOLDER, help="Run folder: created, or resumed.")
@click.option("--preset", type=click.Choice(["fineweb", "nemotron"]), default="fineweb", show_default=True)
@click.option("--workers", type=click.IntRange(1), default=None, help="Processes.  [default: number of CPUs]")
@click.option(
    "--max-source-loss",
    type=click.FloatRange(0.0, 1.0),
    default=0.9,
    show_default=True,
    help="Stop where a `source` loses a larger share of its rows.",
)
def dedup(inputs: tuple[str, ...], output: Path, preset: str, workers: int | None, max_source_loss: float) -> None:
    """Remove exact and near duplicates among the rows of JSON lines or Parquet files.

    IN... are .jsonl, .jsonl.gz or Parquet files, globs or fsspec URLs, rows {"id", "text", "url"?, "source"?,
    "quality"?}. RUN/manifest.json names the kept rows (Parquet, every column), RUN/audit/ says for each removed row
    which kept row it duplicates and why.

    \b
    warcmill dedup pages.jsonl.gz -o RUN
    warcmill dedup 'pages/*.parquet' -o RUN --preset nemotron --workers 8
    """
    from pipeline.dedup_job import DedupSettings
    from pipeline.dedup_job import dedup as dedup_job

    _table_verb(
        inputs, output, workers, lambda *call: dedup_job(call[0], DedupSettings(preset, max_source_loss), call[1])
    )


@warcmill.command()
@click.argument("inputs", nargs=-1, required=True, metavar="IN...")
@click.option(
    "--against", "against", multiple=True, required=True, metavar="BENCH", help="Benchmark items; repeatable."
)
@click.option("-o", "--output", required=True, type=RUN_FOLDER, help="Run folder: created, or resumed.")
@click.option("--action", type=click.Choice(["drop", "cut"]), default="drop", show_default=True)
@click.option("--workers", type=click.IntRange(1), default=None, help="Processes.  [default: number of CPUs]")
def decontaminate(
    inputs: tuple[str, ...], against: tuple[str, ...], output: Path, action: str, workers: int | None
) -> None:
    """Drop rows that hold benchmark items, or cut the items out, in JSON lines or Parquet files.

    BENCH holds rows {"id", "text", "benchmark"}. RUN/manifest.json names the kept rows (Parquet, every column),
    RUN/audit/ the items found, with their places in the input text.

    \b
    warcmill decontaminate pages.jsonl.gz --against benchmarks.jsonl -o RUN
    warcmill decontaminate 'pages/*.parquet' --against benchmarks.jsonl -o RUN --action cut
    """
    from pipeline.decontaminate_job import DecontaminateSettings
    from pipeline.decontaminate_job import decontaminate as decontaminate_job
    from pipeline.io.inputs import expand_inputs

    settings = DecontaminateSettings(tuple(expand_inputs(against)), action)
    _table_verb(inputs, output, workers, lambda place, reporter: decontaminate_job(place, settings, reporter))


def _table_verb(inputs: tuple[str, ...], output: Path, workers: int | None, job: Any) -> None:
    from pipeline.engines.local import LocalConfig
    from pipeline.io.inputs import expand_inputs
    from pipeline.progress import ConsoleReporter, funnel_table
    from pipeline.table_job import Place

    console = Console(stderr=True)
    place = Place(tuple(expand_inputs(inputs)), output, LocalConfig(workers or os.cpu_count() or 1))
    with ConsoleReporter(console) as reporter:
        manifest = job(place, reporter)
    if reporter.phases == 0:
        console.print("nothing to do: this run was finished before")
    console.print(funnel_table(manifest))
    console.print(f"manifest  {output / 'manifest.json'}", highlight=False, soft_wrap=True)


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
