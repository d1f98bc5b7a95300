"""`warcmill train-classifier`: labelled rows in, a model and its card out. The work is done in classifiers.

Like `pipeline.cli`, which adds the verb to the `warcmill` command: parse, call, print a summary.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("train-classifier")
@click.argument("rows_file", metavar="TRAIN.jsonl", type=FILE)
@click.option("-o", "--output", required=True, type=FILE, help="Model to write; its card stands beside it.")
@click.option("--kind", type=click.Choice(("fasttext", "regressor", "ensemble")), default="fasttext", show_default=True)
@click.option("--positive", default="", help="Label whose probability is the score.  [default: told from the labels]")
@click.option("--held-out", type=float, default=0.2, show_default=True, help="Share of the rows to test on.")
@click.option("--refit", is_flag=True, help="fastText: after the test, learn from the held-out rows too.")
@click.option("--seed", type=int, default=1, show_default=True, help="Same seed and rows: the same bytes.")
@click.option("--epochs", type=click.IntRange(1, 1000), default=None, help="fastText passes over the rows.")
@click.option("--embedder", default="", help="regressor: folder or hub name of a transformer.  [default: from a wheel]")
@click.option("--scores", default="", help="ensemble: names of the scores in the rows, with commas.")
@click.option("--device", default="cpu", show_default=True, help="regressor: cpu, cuda, cuda:1 ….")
def train_classifier(rows_file: Path, output: Path, kind: str, **options: Any) -> None:
    """Train a classifier of text from rows {"text": "…", "label": "…"}, optionally with "group".

    Rows of one group (a site, a repository) stay on one side of the split, so that the held-out figures are of places
    the model has not seen. Writes MODEL, MODEL.json and MODEL.md: what it saw, precision, recall and their curve.
    A regressor wants numbers as labels, 0 to 5.

    \b
    warcmill train-classifier rows.jsonl -o math.ftz            # labels math and nonmath
    warcmill train-classifier rows.jsonl -o lid.ftz --positive de
    warcmill train-classifier scored.jsonl -o quality.npz --kind regressor
    warcmill train-classifier out.jsonl -o buckets.json --kind ensemble --scores quality_score,math_score
    """
    if kind == "ensemble":
        _ensemble(rows_file, output, options["scores"])
        return
    from classifiers.model_card import write_model
    from classifiers.training_rows import read_rows

    console = Console(stderr=True)
    with console.status("reading rows"):
        rows = read_rows(rows_file)
    trained = _fasttext(rows, options) if kind == "fasttext" else _regressor(rows, options, console)
    for path in write_model(output, trained.data, trained.card):
        click.echo(path)
    _summary(console, trained.card)


def _ensemble(rows_file: Path, output: Path, scores: str) -> None:
    from classifiers.ensemble import to_json
    from classifiers.ensemble_training import calibrate_file
    from pipeline.errors import OutputError

    calibration = calibrate_file(rows_file, [name.strip() for name in scores.split(",") if name.strip()])
    try:
        output.write_text(to_json(calibration))
    except OSError as problem:
        raise OutputError(f"the calibration cannot be written: {problem}", where=str(output)) from problem
    click.echo(output)
    Console(stderr=True).print(f"20 buckets from {calibration.documents:,} documents", highlight=False)


def _fasttext(rows: Any, options: dict[str, Any]) -> Any:
    from classifiers.training import FastTextConfig, train

    chosen = {
        name: options[name] for name in ("positive", "held_out", "refit", "seed", "epochs") if options[name] is not None
    }
    with Console(stderr=True).status(f"training on {len(rows):,} rows, one thread"):
        return train(rows, FastTextConfig(**chosen))


def _regressor(rows: Any, options: dict[str, Any], console: Console) -> Any:
    from rich.progress import Progress

    from classifiers.regressor_training import RegressorConfig, train

    config = RegressorConfig(
        embedder=options["embedder"], device=options["device"], held_out=options["held_out"], seed=options["seed"]
    )
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("embedding", total=None)
        return train(rows, config, lambda done, total: bar.update(task, completed=done, total=total))


def _summary(console: Console, card: dict[str, Any]) -> None:
    measured = {name: value for name, value in card["metrics"].items() if name != "curve"}
    console.print(
        f"trained on {card['training']['rows']:,} rows, tested on {card['held_out']['rows']:,}: "
        + (", ".join(f"{name.replace('_', ' ')} {value}" for name, value in measured.items()) or "nothing held out"),
        highlight=False,
    )
