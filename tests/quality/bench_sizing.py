"""The table of deploy/README.md: CPU-hours, hours and money of a WARC and of snapshots, from what a page costs here.

Run: python tests/quality/bench_sizing.py [--pages 800], or with a figure that was measured: --cpu-ms 30

CPU seconds are those of bench_engines.py, for the whole `default` recipe: a run over so many pages less one over ten.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench_engines import RECIPE, adopt_orphans, pages, run
from bench_run import build_warc

FEW = 10
# Assumed, of a Common Crawl snapshot.
PAGES_OF_WARC = 35_000
WARCS_OF_SNAPSHOT = 90_000
SIZES = {"1 WARC": 1, "1 snapshot": WARCS_OF_SNAPSHOT, "100 snapshots": 100 * WARCS_OF_SNAPSHOT}
CORES = (16, 3200)
# cloud.google.com/dataproc-serverless/pricing, as stored in our search on 2026-11-22: standard tier, us-central1; a DCU
# is 0.6 for a core and 0.1 for a GB of memory, and a core gets 4 GB.
USD_PER_DCU_HOUR = 0.06
DCU_OF_CORE = 0.6 + 4 * 0.1


def measured_cpu_ms(count: int) -> float:
    """CPU milliseconds that one more page costs, and says what was measured."""
    adopt_orphans()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "recipe.toml").write_text(f'name = "bench"\n{RECIPE}')
        seconds = []
        for number in (FEW, count):
            build_warc(folder / f"{number}.warc.gz", itertools.islice(pages(number), number))
            seconds.append(run(folder / f"{number}.warc.gz", folder / "recipe.toml", folder / f"run-{number}", []))
    average_kb = sum(len(body) for _, body in pages(count)) / count / 1e3
    few_s, many_s = seconds
    cpu_ms = round(1e3 * (many_s - few_s) / (count - FEW), 1)
    print(f"({many_s:.1f} - {few_s:.1f}) CPU s over {count - FEW} pages of {average_kb:.0f} kB: {cpu_ms} ms a page")
    return cpu_ms


def rounded(value: float) -> str:
    """Two digits that mean something."""
    digits = 2 - len(f"{value:.0f}") if value >= 1 else 2
    return f"{round(value, digits):,.{max(digits, 0)}f}"


def duration(hours: float) -> str:
    """In the largest unit that gives one or more; empty below a minute."""
    for name, length in (("days", 24.0), ("h", 1.0), ("min", 1 / 60)):
        if hours >= length:
            return f"{rounded(hours / length)} {name}"
    return ""


def table(cpu_ms: float) -> Iterator[str]:
    """The table as Markdown."""
    yield "| | CPU-hours | " + " | ".join(f"on {cores:,} cores" for cores in CORES) + " | USD |"
    yield "|---" * (3 + len(CORES)) + "|"
    for name, warcs in SIZES.items():
        hours = warcs * PAGES_OF_WARC * cpu_ms / 3.6e6
        cells = [rounded(hours), *(duration(hours / cores) for cores in CORES)]
        yield f"| {name} | {' | '.join(cells)} | {rounded(hours * DCU_OF_CORE * USD_PER_DCU_HOUR)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=800)
    parser.add_argument("--cpu-ms", type=float, help="of a page, measured before; nothing is run")
    args = parser.parse_args()
    print("\n".join(table(args.cpu_ms or measured_cpu_ms(args.pages))))


if __name__ == "__main__":
    main()
