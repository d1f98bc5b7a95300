"""The verbs around the main job: rows in files to tokens, blends of runs, comparisons.

Like `pipeline.cli`, which adds them to the `warcmill` command: parse, call, print a summary.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from pipeline.engine_arguments import EngineCommand
from pipeline.errors import UsageError


class _RunFolder(click.Path):
    """A local folder, or s3://BUCKET/PREFIX or gs://BUCKET/PREFIX."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if "://" not in str(value):
            return super().convert(value, param, ctx)
        from pipeline.io.storage import location

        return location(value)


RUN_FOLDER = _RunFolder(path_type=Path, file_okay=False)
Verb = Callable[..., None]


def over_tables(verb: Verb) -> click.Command:
    """A verb over rows in files: inputs, run folder, workers and engine, passed on as `where`."""
    parameters = (
        click.argument("inputs", nargs=-1, required=True, metavar="IN..."),
        click.option("-o", "--output", required=True, type=RUN_FOLDER, help="Run folder: created, or resumed."),
        click.option("--workers", type=click.IntRange(1), default=None, help="Processes.  [default: number of CPUs]"),
        click.option("--strict", is_flag=True, help="Stop at a row that cannot be used, instead of recording it."),
    )
    for add in reversed(parameters):
        verb = add(verb)
    return click.command(cls=EngineCommand)(verb)


@click.command()
@click.argument("blend_file", metavar="BLEND.toml|PLAN", type=click.Path(path_type=Path, dir_okay=False))
@click.option("-o", "--output", default=None, type=click.Path(path_type=Path, dir_okay=False), help="Plan to write.")
@click.option("--explain", "explained", is_flag=True, help="Print tokens, shares and epochs per phase and source.")
@click.option(
    "--continue", "state", default=None, type=click.Path(path_type=Path), help="State of a reader to go on from."
)
@click.option("--takedown", "children", multiple=True, metavar="CHILD", help="Run to read instead of its parent.")
@click.option("--diversity", "measured", is_flag=True, help="With --explain: diversity and overlap of the sources.")
@click.option("--cache", default=None, type=RUN_FOLDER, help="Runs made of texts.  [default: .warcmill beside it]")
def blend(
    blend_file: Path,
    output: Path | None,
    explained: bool,
    state: Path | None,
    children: tuple[str, ...],
    measured: bool,
    cache: Path | None,
) -> None:
    """Compile a blend of runs, with weights, epochs and phases, into the exact plan of a training.

    Manifests are relative to the blend file; sources of texts (data = […]) are tokenized first. With --continue, phases
    count from where the reader stopped, and what it has consumed is neither repeated nor lost. With --takedown, a plan
    goes on as it was, without the documents that its runs' children lack.

    \b
    warcmill blend B.toml --explain --diversity
    warcmill blend B.toml -o plan.json
    warcmill blend NEW-WEIGHTS.toml --continue state.json -o plan-2.json
    warcmill blend plan.json --continue state.json --takedown CHILD -o plan-2.json
    """
    from blends.plan import explain as table
    from pipeline.blend_verbs import Texts, compile_file
    from pipeline.engines.local import LocalConfig
    from pipeline.progress import ConsoleReporter

    if output is None and not explained:
        raise UsageError("nothing to do", where="blend", expected="-o PLAN or --explain", hint="warcmill blend --help")
    with ConsoleReporter(Console(stderr=True)) as reporter:
        texts = Texts(cache or blend_file.parent / ".warcmill", LocalConfig(os.cpu_count() or 1), reporter)
        plan = compile_file(blend_file, output, state, children=children, texts=texts)
    if explained:
        click.echo(table(plan))
        if measured:
            from blends.diversity import diversity_of_plan, diversity_text

            click.echo("\n" + diversity_text(diversity_of_plan(plan, blend_file.parent)))
    else:
        for warning in plan["warnings"]:
            click.echo(f"warning: {warning}", err=True)
    if output:
        click.echo(f"plan {plan['identity'][:12]}  {output}", err=True)


@click.command()
@click.argument("source", metavar="RUN|PLAN")
@click.option(
    "--format", "form", required=True, type=click.Choice(["megatron", "mds", "jsonl", "parquet"]), help="For whom."
)
@click.option("-o", "--output", required=True, type=RUN_FOLDER, help="Folder: created, or resumed.")
def export(source: str, form: str, output: Path) -> None:
    """Write a run's documents, or a plan's samples, for Megatron-LM, MosaicML, Hugging Face, or as JSON lines.

    Of a plan, mds, jsonl and parquet hold the samples in the order of training, a folder per phase; megatron holds the
    documents of every stream, and files that tell Megatron what to mix in each phase. What runs hold out for validation
    is written apart. The same command resumes.

    \b
    warcmill export RUN --format megatron -o OUT
    warcmill export plan.json --format mds -o OUT
    warcmill export RUN --format parquet -o OUT      # datasets.load_dataset("OUT")
    """
    from pipeline.blend_verbs import export_to

    files, rows, size = export_to(source, form, output)
    click.echo(f"{rows:,} rows in {files:,} files, {size:,} bytes  {output}", err=True)


@click.group()
def bench() -> None:
    """Compare on your own pages, on this machine.

    \b
    warcmill bench extractors crawl.warc.gz --limit 500
    """


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


@over_tables
@click.option("--tokenizer", default="deepseek", show_default=True, help="tokenizer.json, hub name, or deepseek.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Of the shuffle.")
@click.option("--text-column", default="text", show_default=True, help="Column with the text.")
@click.option("--validation-share", default=0.0, show_default=True, type=float, help="Share of clusters to hold out.")
@click.option(
    "--id-column", default="id", show_default=True, help="Column with the ids; '' names rows by file and line."
)
def tokenize(
    tokenizer: str, seed: int, text_column: str, validation_share: float, id_column: str, **where: Any
) -> None:
    """Turn the rows of JSON lines or Parquet files into shuffled token shards with a manifest, as `run` writes them.

    IN... are JSON lines (also .gz, .zst) or Parquet files, folders of them, globs or fsspec URLs, rows {"text", "id"?,
    "url"?, "source"?, "quality"?, "language"?, "cluster_id"?, "crawl_time"?}. Rows that cannot be used, and of rows
    with one id all but the first, are recorded with file, line and reason; rows without id are named by file and line.
    The tokenizer may be a tokenizer.json, a .tiktoken file
    or a SentencePiece .model.

    \b
    warcmill tokenize pages.jsonl.gz -o RUN
    warcmill tokenize DATASET-FOLDER -o RUN --tokenizer path/to/tokenizer.json --workers 8
    """
    from blends.card import write_card
    from blends.shards import TokenizeConfig
    from pipeline.blend_verbs import tokenize as tokenize_rows
    from pipeline.phases.texts import TextColumns

    config = TokenizeConfig(tokenizer=tokenizer, seed=seed, validation_share=validation_share)
    columns = TextColumns(text=text_column, id=id_column)
    run_over(lambda place, reporter: tokenize_rows(place, config, reporter, columns), **where)
    card, _ = write_card(where["output"])
    click.echo(f"data card {card}", err=True)


def run_over(
    job: Callable[[Any, Any], dict[str, Any]],
    inputs: tuple[str, ...],
    output: Path,
    workers: int | None,
    strict: bool,
    engine: str,
    engine_options: tuple[str, ...],
) -> dict[str, Any]:
    """Run a job over tables and print its funnel; returns the manifest."""
    from pipeline.engines.local import LocalConfig
    from pipeline.io.inputs import expand_tables
    from pipeline.progress import ConsoleReporter, funnel_table
    from pipeline.table_job import Place, notes_of

    if "-" in inputs:
        hint = "cat … > rows.jsonl, then name rows.jsonl"
        expected = "files, which a resumed run finds again"
        raise UsageError("cannot read stdin", where="-", expected=expected, hint=hint)
    console = Console(stderr=True)
    local = LocalConfig(workers or os.cpu_count() or 1)
    place = Place(tuple(expand_tables(inputs)), output, local, engine, engine_options, strict)
    with ConsoleReporter(console) as reporter:
        manifest = job(place, reporter)
    if reporter.phases == 0:
        console.print("nothing to do: this run was finished before")
    console.print(funnel_table(manifest))
    for note in notes_of(output, manifest):
        console.print(note, highlight=False, markup=False, soft_wrap=True)
    console.print(f"manifest  {output / 'manifest.json'}", highlight=False, soft_wrap=True)
    return manifest


VERBS: tuple[click.Command, ...] = (tokenize, blend, export, bench)
