"""`warcmill fetch`: parse, call, print a summary. The work is in `pipeline.fetching`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console

from pipeline.engine_arguments import EngineCommand

COMMON_CRAWL = "https://data.commoncrawl.org/"


@click.command(cls=EngineCommand)
@click.argument("inputs", nargs=-1, metavar="[URLS|INDEX|PATHS]...")
@click.option("-o", "--output", type=click.Path(path_type=Path, file_okay=False), help="Folder: created, or resumed.")
@click.option("--base-url", default=COMMON_CRAWL, show_default=True, help="Where archives are: address or folder.")
@click.option("--crawl", multiple=True, help="Crawl whose index to read: CC-MAIN-2024-10. Repeatable.")
@click.option(
    "--index",
    multiple=True,
    help="Index files, folders, globs or .paths lists, instead of that of --crawl. Repeatable.",
    metavar="INDEX",
)
@click.option(
    "--index-format",
    type=click.Choice(["auto", "table", "cdx"]),
    default="auto",
    show_default=True,
    help="auto: cdx for short lists.",
)
@click.option(
    "--policy",
    type=click.Choice(["newest", "oldest", "all", "best"]),
    default="newest",
    show_default=True,
    help="Which of several captures of a URL.",
)
@click.option("--exact-url", is_flag=True, help="Only captures of the very URL, not of those with the same key.")
@click.option(
    "--status", multiple=True, help="HTTP status to accept.  [default: 200] Repeatable.", type=click.IntRange(100, 599)
)
@click.option("--mime", multiple=True, help="MIME type to accept: text/html, text/*. Repeatable.")
@click.option("--language", multiple=True, help="Language of the page: eng, deu. Repeatable.")
@click.option("--domain", multiple=True, help="Select pages of a domain and all below it: example.org. Repeatable.")
@click.option(
    "--host", multiple=True, help="Select pages of hosts: math.example.org, *.edu, wiki*.example.org. Repeatable."
)
@click.option("--tld", multiple=True, help="Select pages of a top-level domain: org, ac.uk. Repeatable.")
@click.option("--sample", type=click.IntRange(1), default=None, help="PATHS: so many files of the list.")
@click.option("--seed", default=0, show_default=True, help="PATHS: another seed, another sample.")
@click.option("--list-only", is_flag=True, help="PATHS: write OUT/warc.paths, copy nothing: `run` reads in place.")
@click.option("--connections", type=click.IntRange(1, 256), default=8, show_default=True, help="Requests at a time.")
@click.option("--attempts", type=click.IntRange(1, 20), default=6, show_default=True, help="Per request.")
@click.option("--timeout-s", type=click.FloatRange(0.1), default=30.0, show_default=True, help="Of any silence.")
@click.option(
    "--gap-bytes", type=click.IntRange(0), default=64 << 10, show_default=True, help="To read between records."
)
@click.option("--file-bytes", type=click.IntRange(1), default=64 << 20, show_default=True, help="Of a WARC written.")
@click.option("--contact", default="", help="Your mail or page, told to the server in User-Agent.")
@click.option("--allow-private", is_flag=True, help="Accept private addresses in lists and redirects.")
@click.option("--workers", type=click.IntRange(1), default=None, help="Processes.  [default: number of CPUs]")
@click.option("--dry-run", is_flag=True, help="Look up and estimate records, bytes, cost; fetch nothing.")
def fetch(inputs: tuple[str, ...], output: Path | None, dry_run: bool, **options: Any) -> None:
    """Get pages of Common Crawl as WARC files that `warcmill run` takes.

    URLS are lists (text, JSON lines, Parquet with a column url), looked up in the index of --crawl or --index; rows
    with warc_filename, offset and length need no look-up. INDEX is index files or folders, with --domain, --host or
    --tld. PATHS is a snapshot's warc.paths.gz. OUT holds warc/, warc.paths, found.jsonl, not_found.jsonl (each with
    why) and manifest.json. The same command resumes.

    \b
    warcmill fetch urls.txt -o OUT --crawl CC-MAIN-2024-10 --contact you@example.org
    warcmill fetch urls.parquet -o OUT --crawl CC-MAIN-2024-10 --crawl CC-MAIN-2023-50 --policy best
    warcmill fetch finemath.parquet -o OUT                       # rows that carry coordinates
    warcmill fetch -o OUT --crawl CC-MAIN-2024-10 --domain example.org --language eng --dry-run
    warcmill fetch warc.paths.gz -o OUT --sample 10 --seed 1
    warcmill run OUT/warc.paths -o RUN
    """
    from pipeline.fetch_arguments import config_of

    config = config_of(inputs, output, dry_run, options)
    if dry_run:
        from pipeline.fetch_estimate import estimate

        console = Console(stderr=True)
        click.echo(estimate(config, lambda text: console.print(text, highlight=False, soft_wrap=True)))
    else:
        _fetch(config)


def _fetch(config: Any) -> None:
    from pipeline.fetch_progress import FetchReporter, result_table
    from pipeline.fetching import fetch as fetch_job

    console = Console(stderr=True)
    with FetchReporter(console) as reporter:
        manifest = fetch_job(config, reporter)
    if reporter.phases == 0:
        console.print("nothing to do: this fetch was finished before")
    console.print(result_table(manifest))
    for name in ("warc.paths", "found.jsonl", "not_found.jsonl", "manifest.json"):
        if (config.output / name).exists():
            console.print(f"{name:<16} {config.output / name}", highlight=False, soft_wrap=True)
    if manifest["files"] or config.list_only:
        console.print(f"next             warcmill run {config.output / 'warc.paths'} -o RUN", highlight=False)


VERBS: tuple[click.Command, ...] = (fetch,)
