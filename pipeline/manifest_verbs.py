"""Verbs over finished runs and their manifests: diff, takedown, card."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from pipeline.cli_verbs import RUN_FOLDER
from pipeline.errors import UsageError


@click.command()
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def diff(a: str, b: str, as_json: bool) -> None:
    """Say how run B differs from run A: documents, tokens, sources, recipe, tokenizer, inputs, drops.

    Exit code 0: nothing differs; 1: something does.

    \b
    warcmill diff RUN-OLD RUN-NEW
    warcmill diff RUN CHILD --json
    """
    from blends.diff import diff_runs, diff_text

    found = diff_runs(a, b)
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else diff_text(found))
    if not found["same"]:
        sys.exit(1)


@click.command()
@click.argument("run", metavar="RUN")
@click.option("--url", "urls", multiple=True, metavar="URL", help="A page, as crawled; repeatable.")
@click.option("--domain", "domains", multiple=True, metavar="HOST", help="A host with its subdomains; repeatable.")
@click.option("--id", "ids", multiple=True, metavar="ID", help="A document's id; repeatable.")
@click.option(
    "--list", "list_file", default=None, type=click.Path(path_type=Path), help="URLs, domains, ids, one a line."
)
@click.option("--reason", required=True, help="Why; the manifest keeps it.")
@click.option("-o", "--output", required=True, type=RUN_FOLDER, help="Child to write.")
def takedown(
    run: str,
    urls: tuple[str, ...],
    domains: tuple[str, ...],
    ids: tuple[str, ...],
    list_file: Path | None,
    reason: str,
    output: Path,
) -> None:
    """Write a child of RUN without some documents. Only touched shards are written again; RUN is not changed.

    The child's manifest names parent, reason and every removed document, so a reader goes on from the parent's state
    and skips exactly those. Requests that match nothing are named. The same command resumes.

    \b
    warcmill takedown RUN --domain example.org --reason "owner's request" -o CHILD
    warcmill takedown RUN --list requests.txt --reason "batch 7" -o CHILD
    """
    from blends.card import write_card
    from blends.takedown import request_of, take_down

    request = request_of(ids, urls, domains, _lines(list_file) if list_file else ())
    manifest = take_down(run, request, reason, output)
    write_card(output)
    for name in manifest["takedowns"][-1].get("unmatched", ()):
        click.echo(f"warning: nothing matches {name}", err=True)
    taken, totals = manifest["takedowns"][-1], manifest["totals"]
    click.echo(
        f"removed {taken['documents']:,} documents, {taken['tokens']:,} tokens; "
        f"{totals['documents']:,} documents, {totals['tokens']:,} tokens are left",
        err=True,
    )
    click.echo(f"manifest  {output / 'manifest.json'}", err=True)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the list: {error}", where=str(path), expected="UTF-8, one a line") from error


@click.command()
@click.argument("run", metavar="RUN", type=RUN_FOLDER)
def card(run: Path) -> None:
    """Write the data card of a finished run: RUN/datacard.md and RUN/datacard.html.

    \b
    warcmill card RUN
    """
    from blends.card import write_card

    for path in write_card(run):
        click.echo(path)


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--documents", default=2000, show_default=True, type=click.IntRange(1), help="To sample of each run.")
@click.option("--gradients", multiple=True, metavar="RUN=FILE.npy", help="Gradients of a proxy model, for G-Vendi.")
@click.option("--words", default=None, metavar="TOKENIZER", help="Also score word vectors (package wordllama).")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def diversity(
    runs: tuple[str, ...], documents: int, gradients: tuple[str, ...], words: str | None, as_json: bool
) -> None:
    """Say how diverse runs are and how much they repeat each other: Vendi score, overlap, novelty of n-grams.

    \b
    warcmill diversity runs/web runs/math
    warcmill diversity runs/web runs/math --words deepseek
    warcmill diversity runs/web runs/math --gradients math=math-gradients.npy --json
    """
    from blends.diversity import diversity_of_runs, diversity_text

    named = {Path(run.rstrip("/")).name: run for run in runs}
    if len(named) < len(runs):
        raise UsageError("two runs have one name", where="diversity", expected="folders with different names")
    pairs = [entry.partition("=") for entry in gradients]
    files = {name: Path(path) for name, _, path in pairs}
    found = diversity_of_runs(named, documents=documents, gradients=files, words=words)
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else diversity_text(found))


VERBS: tuple[click.Command, ...] = (diff, takedown, card, diversity)
