"""`warcmill clean`: parse, build the config, call, print a summary."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from pipeline.errors import UsageError

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option("--jsonl", default=None, metavar="IN", help="Rows of `warcmill render --jsonl`; .gz, - for stdin.")
@click.option("--check", "pair", default=None, nargs=2, metavar="SOURCE CLEANED", help="Two text files to compare.")
@click.option("--check-jsonl", "pairs", default=None, metavar="IN", help='Rows {"id", "source", "cleaned", "blocks"?}.')
@click.option("-o", "--output", default="-", help="JSON lines out, .gz allowed, - for stdout.")
@click.option(
    "--backend", type=click.Choice(["rules", "vllm", "openai"]), default="rules", show_default=True, help="Who cleans."
)
@click.option(
    "--mode",
    type=click.Choice(["auto", "select", "repair", "rewrite"]),
    default="select",
    show_default=True,
    help="What a model is asked for: blocks to keep, broken formulas, the text again, or what each page needs.",
)
@click.option("--base-url", default="", metavar="URL", help="Of an OpenAI-compatible server, e.g. http://HOST:8000/v1.")
@click.option("--model", default="", metavar="M", help="Name that the server serves, or a model to load (vllm).")
@click.option("--revision", default="", help="What pins the model's weights: answers are stored under it.")
@click.option("--tokenizer", default="", metavar="T", help="tokenizer.json, or hub name.  [default: the model's]")
@click.option("--chunk-tokens", default=2000, show_default=True, type=click.IntRange(1), help="Of a chunk to rewrite.")
@click.option("--temperature", default=0.0, show_default=True, type=click.FloatRange(0), help="Of a first rewrite.")
@click.option("--seed", default=0, show_default=True, help="Of sampling.")
@click.option("--max-in-flight", default=32, show_default=True, type=click.IntRange(1), help="Requests at a time.")
@click.option("--timeout-s", default=120.0, show_default=True, help="Longest a request may take.")
@click.option("--route/--no-route", default=True, show_default=True, help="Clean and hopeless pages skip the model.")
@click.option("--responses", default=None, type=FILE, help="Where answers are stored.  [default: OUTPUT.responses]")
@click.option("--engine-args", default="{}", metavar="JSON", help='For vllm.LLM, e.g. {"max_model_len": 8192}.')
@click.option("--report", "report_file", default=None, type=FILE, help="Samples side by side, as .html or .md.")
@click.option("--dry-run", is_flag=True, help="With --jsonl: pages, tokens and cost of every mode; asks nobody.")
@click.option("--rates", default=None, type=FILE, help="With --dry-run: JSON with measured tokens per second by mode.")
def clean(
    jsonl: str | None,
    pair: tuple[str, str] | None,
    pairs: str | None,
    output: str,
    responses: Path | None,
    engine_args: str,
    report_file: Path | None,
    dry_run: bool,
    rates: Path | None,
    **settings: Any,
) -> None:
    """Cut boilerplate out of rendered rows, each checked by the guard; or check texts cleaned elsewhere.

    With a model, every answer is stored in OUTPUT.responses before it is used: the same command goes on after a kill,
    and pays for nothing twice. What the guard refuses is asked again, then selected, then left to the rules.

    \b
    warcmill clean --jsonl text.jsonl -o clean.jsonl           # adds clean_text, guard_verdict, guard_reasons
    warcmill clean --jsonl text.jsonl -o clean.jsonl --backend openai --mode select \\
                   --base-url http://127.0.0.1:8000/v1 --model M --report report.html
    warcmill clean --jsonl text.jsonl --dry-run --rates rates.json
    warcmill clean --check source.txt cleaned.txt              # {"pass": false, "reasons": ["number_changed"]}
    warcmill clean --check-jsonl pairs.jsonl -o verdicts.jsonl
    """
    from pipeline.cleaning import check_files

    if sum(given is not None for given in (jsonl, pair, pairs)) != 1:
        raise UsageError("give one of --jsonl, --check, --check-jsonl", where="clean", hint="warcmill clean --help")
    if pair is not None:
        click.echo(json.dumps(check_files(*pair)))
    elif pairs is not None:
        _check(pairs, output)
    elif dry_run:
        _estimate(str(jsonl), _config(settings), rates)
    else:
        _clean(str(jsonl), output, _config(settings), responses, _engine(engine_args), report_file)


def _config(settings: dict[str, Any]) -> Any:
    from llm_cleaning.routing import RouteConfig
    from llm_cleaning.stage import CleanConfig

    return CleanConfig(**{**settings, "route": RouteConfig(enabled=settings["route"])})


def _engine(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise UsageError(f"not JSON: {error}", where="--engine-args") from error
    if not isinstance(value, dict):
        raise UsageError("not a JSON object", where="--engine-args", expected='e.g. {"max_model_len": 8192}')
    return value


@contextmanager
def _progress(console: Console, name: str, jsonl: str) -> Iterator[Callable[[int], None]]:
    """A bar over the rows of a file; what is yielded takes how many more of them are done."""
    from pipeline.progress import ConsoleReporter

    done = 0
    with ConsoleReporter(console) as progress:
        progress.begin(name, _lines(jsonl))

        def tick(rows: int) -> None:
            nonlocal done
            done += rows
            progress.progress(done, done)

        yield tick


def _check(pairs: str, output: str) -> None:
    from pipeline.cleaning import check_jsonl

    console, started_s = Console(stderr=True), time.monotonic()
    with _progress(console, "check", pairs) as tick:
        summary = check_jsonl(pairs, output, lambda: tick(1))
    seconds = time.monotonic() - started_s
    click.echo(f"{summary.rows:,} rows, {summary.failed:,} failed the guard, {seconds:,.1f} s", err=True)
    for reason, rows in sorted(summary.reasons.items(), key=lambda item: (-item[1], item[0])):
        click.echo(f"{rows:>9,}  {reason}", err=True)


def _clean(
    jsonl: str, output: str, config: Any, responses: Path | None, engine: dict[str, Any], report_file: Path | None
) -> None:
    from pipeline.cleaning_report import ReportSamples, summary_rows, write_clean_report
    from pipeline.cleaning_rows import clean_jsonl

    console, samples = Console(stderr=True), ReportSamples()
    started_s = time.monotonic()
    with _progress(console, "clean", jsonl) as tick:

        def watch(label: Any, page: Any) -> None:
            tick(1)
            samples.see(label, page)

        summary = clean_jsonl(
            jsonl,
            output,
            config,
            responses=responses,
            engine=engine,
            watch=watch,
            beat=lambda: tick(0),
            notice=lambda line: console.print(line, highlight=False, markup=False, soft_wrap=True),
        )
    for name, value in [*summary_rows(summary), ("seconds", f"{time.monotonic() - started_s:,.1f}")]:
        console.print(f"{name:<32} {value}", highlight=False, markup=False, soft_wrap=True)
    if report_file is not None:
        write_clean_report(report_file, summary, samples)
        console.print(f"report  {report_file}", highlight=False, markup=False, soft_wrap=True)


def _lines(jsonl: str) -> int:
    """Rows to come, 0 where nobody can know."""
    from pipeline.io.json_lines import STANDARD_STREAM, lines_in

    if jsonl == STANDARD_STREAM:
        return 0
    with lines_in(jsonl) as lines:
        return sum(1 for line in lines if line.strip())


def _estimate(jsonl: str, config: Any, rates: Path | None) -> None:
    from pipeline.cleaning_estimate import cost_table, estimate, load_rates

    measured = load_rates(rates) if rates is not None else None
    console, started_s = Console(stderr=True), time.monotonic()
    with _progress(console, "estimate", jsonl) as tick:
        costs, said = estimate(jsonl, config, lambda: tick(1))
    rows = cost_table(costs, measured)
    for row in rows:
        click.echo(json.dumps(row))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in rows[0]:
        table.add_column(name.replace("_", " "), justify="left" if name == "mode" else "right")
    for row in rows:
        table.add_row(*("unknown" if v is None else v if isinstance(v, str) else f"{v:,}" for v in row.values()))
    console.print(table)
    console.print(f"tokens counted by {said}; tokens out: answers that agree with the rules", highlight=False)
    console.print(f"seconds  {time.monotonic() - started_s:,.1f}", highlight=False)
    if measured is None:
        console.print("GPU-hours and cost need rates that were measured: --rates FILE", highlight=False)
