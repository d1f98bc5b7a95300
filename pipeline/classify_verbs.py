"""`warcmill classify` and `warcmill prefilter`: parse, call, print a summary."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.rescoring import Change

T = TypeVar("T")
RUN = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("run_folder", metavar="[RUN]", required=False, type=RUN)
@click.option("--jsonl", default=None, metavar="IN", help="Rows of `warcmill render --jsonl`; .gz, - for stdin.")
@click.option(
    "-o", "--output", default=None, help="JSON lines out, .gz allowed, - for stdout.  [default with --jsonl: -]"
)
@click.option("--recipe", "recipe_name", default="default", show_default=True, help="Recipe name or .toml file.")
def classify(run_folder: Path | None, jsonl: str | None, output: str | None, recipe_name: str) -> None:
    """Score rows of text: language, mathness, code, quality, and the rule that would reject each.

    With --jsonl, rows {"text", "blocks"?, "formulas"?, "url"?} get language, language_score, languages, math_score,
    code_score, quality_score and reject_reason (null when kept). With RUN, a run's documents are scored again by
    another recipe, without rendering, and what would change is printed by rule; the run stays as it is.

    \b
    warcmill classify --jsonl text.jsonl -o scored.jsonl
    warcmill classify --jsonl text.jsonl.gz -o - --recipe nemotron-cc-math-4plus
    warcmill classify RUN --recipe stricter.toml -o scores.jsonl
    """
    from pipeline.recipe import load_recipe

    if (run_folder is None) == (jsonl is None):
        raise UsageError("give one of RUN and --jsonl IN", where="classify", hint="warcmill classify --help")
    recipe = load_recipe(recipe_name)
    if jsonl is not None:
        from pipeline.scoring import classify_jsonl

        _report(
            _last(classify_jsonl(jsonl, output or "-", recipe.classify, recipe.clean), "classify", None), "rejected"
        )
    elif run_folder is not None:
        from pipeline.rescoring import rescore, total

        states = rescore(run_folder, recipe.classify, recipe.clean, output)
        change = _last(states, "classify", total(run_folder))
        if change is None:
            raise UsageError("no documents to classify", where=str(run_folder))
        console = Console(stderr=output == "-")
        console.print(_table(change))
        console.print(_drift(change), highlight=False)


@click.command()
@click.option("--jsonl", required=True, metavar="IN", help='Rows {"html" or "html_b64"}; .gz, - for stdin.')
@click.option("-o", "--output", default="-", help="JSON lines out, .gz allowed, - for stdout.")
def prefilter(jsonl: str, output: str) -> None:
    """Say of pages whether their bytes hold mathematics or code, without decoding or parsing them.

    Adds has_math and has_code to every row. In a run, `[render] prefilter = "math"` drops the others before they cost
    anything.

    \b
    warcmill prefilter --jsonl pages.jsonl.gz -o marked.jsonl
    """
    from pipeline.scoring import prefilter_jsonl

    _report(_last(prefilter_jsonl(jsonl, output), "prefilter", None), "with")


def _last(states: Iterable[T], name: str, whole: int | None) -> T | None:
    """The last of a stream of growing summaries; a bar shows how many there were, on a terminal only."""
    last = None
    columns = (
        SpinnerColumn(),
        TextColumn(name),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(name, total=whole)
        for state in states:
            last = state
            bar.advance(task)
    return last


def _report(summary: Any, verb: str) -> None:
    """One line of counts on stderr, with what was counted by name."""
    if summary is None:
        click.echo("0 rows", err=True)
        return
    named = ", ".join(f"{count:,} {name}" for name, count in summary.counts.most_common())
    click.echo(
        f"{summary.rows:,} rows, {summary.failed:,} with an error" + (f"; {verb}: {named}" if named else ""), err=True
    )


def _table(change: Change) -> Table:
    table = Table(title=None, box=None, pad_edge=False, header_style="bold")
    table.add_column("rule")
    for name in ("before", "now", "newly rejected", "newly kept"):
        table.add_column(name, justify="right")
    for rule, *counts in change.rules():
        table.add_row(rule, *(f"{count:,}" for count in counts))
    return table


def _drift(change: Change) -> str:
    scores = ", ".join(f"{name} {total / max(1, change.documents):.4f}" for name, total in change.drift.items())
    return f"{change.documents:,} documents; {change.languages:,} with another language; mean change: {scores}"
