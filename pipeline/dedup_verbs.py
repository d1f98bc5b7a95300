"""`warcmill dedup` and `warcmill decontaminate`: over rows in files, without the rest of the pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pipeline.cli_verbs import RUN_FOLDER, over_tables, run_over


@over_tables
@click.option("--preset", type=click.Choice(["fineweb", "nemotron"]), default="fineweb", show_default=True)
@click.option("--unit", type=click.Choice(["word", "char"]), default=None, help="Shingles of.  [default: the preset's]")
@click.option("--n", type=click.IntRange(1, 200), default=None, help="Units per shingle.  [default: 5 words, 24 chars]")
@click.option(
    "--threshold",
    type=click.FloatRange(0.0, 1.0, min_open=True, max_open=True),
    default=None,
    help="Derive bands and rows for this Jaccard similarity.",
)
@click.option(
    "--url-rule", "url", type=click.Choice(["best", "newest"]), default=None, help="Keep one capture per address."
)
@click.option("--index", type=RUN_FOLDER, default=None, help="What earlier runs have seen: read, and added to.")
@click.option(
    "--max-source-loss",
    type=click.FloatRange(0.0, 1.0),
    default=0.9,
    show_default=True,
    help="Stop where a `source` loses a larger share of its rows.",
)
@click.option(
    "--max-edges-in-memory",
    type=click.IntRange(0),
    default=20_000_000,
    show_default=True,
    help="Proposals up to which one task finds the components; above, rounds.",
)
def dedup(
    preset: str,
    unit: str | None,
    n: int | None,
    threshold: float | None,
    url: str | None,
    index: Path | None,
    max_source_loss: float,
    max_edges_in_memory: int,
    **where: Any,
) -> None:
    """Remove exact and near duplicates among the rows of JSON lines or Parquet files.

    IN... are JSON lines (also .gz, .zst) or Parquet files, folders of them, globs or fsspec URLs, rows {"id", "text",
    "url"?, "source"?, "quality"?}. Of rows with one id the first is used, the others are recorded. RUN/manifest.json
    names the kept rows (Parquet, every column), RUN/audit/ says for each removed row which kept row it duplicates and
    why. With --index, rows are also compared with those of earlier runs, whose files are not read again;
    RUN/displaced.txt names old rows that a better new one replaces.

    \b
    warcmill dedup pages.jsonl.gz -o RUN
    warcmill dedup 'crawl-2/*.parquet' -o RUN-2 --index INDEX
    warcmill dedup 'pages/*.parquet' -o RUN --preset nemotron --workers 8
    warcmill dedup 'pages/*.parquet' -o RUN --engine spark -- --master=spark://HOST:7077
    warcmill explain ID RUN
    """
    from pipeline.dedup_job import DedupSettings
    from pipeline.dedup_job import dedup as dedup_job
    from pipeline.dedup_losses import loss_lines

    settings = DedupSettings(preset, max_source_loss, unit, n, threshold, url, index, max_edges_in_memory)
    manifest = run_over(lambda place, reporter: dedup_job(place, settings, reporter), **where)
    for line in loss_lines(manifest["sources"]):
        click.echo(line, err=True)
    if "index" in manifest:
        changes = ", ".join(f"{count:,} {name}" for name, count in manifest["index"].items() if name != "generation")
        click.echo(f"index     generation {manifest['index']['generation']}; old rows: {changes}", err=True)


@over_tables
@click.option(
    "--against", "against", multiple=True, required=True, metavar="BENCH", help="Benchmark items; repeatable."
)
@click.option("--action", type=click.Choice(["drop", "cut"]), default="drop", show_default=True)
def decontaminate(against: tuple[str, ...], action: str, **where: Any) -> None:
    """Drop rows that hold benchmark items, or cut the items out, in JSON lines or Parquet files.

    IN... are JSON lines (also .gz, .zst) or Parquet files, folders of them, globs or fsspec URLs, rows {"id", "text"};
    BENCH the same, rows {"id", "text", "benchmark"?}. RUN/manifest.json names the kept rows (Parquet, every column),
    RUN/audit/ the items found, with their places in the input text.

    \b
    warcmill decontaminate pages.jsonl.gz --against benchmarks.jsonl -o RUN
    warcmill decontaminate 'pages/*.parquet' --against benchmarks.jsonl -o RUN --action cut
    """
    from pipeline.decontaminate_job import DecontaminateSettings
    from pipeline.decontaminate_job import decontaminate as decontaminate_job
    from pipeline.io.inputs import expand_tables

    settings = DecontaminateSettings(tuple(expand_tables(against)), action)
    run_over(lambda place, reporter: decontaminate_job(place, settings, reporter), **where)


VERBS: tuple[click.Command, ...] = (dedup, decontaminate)
