"""Measure the index look-up: lists of URLs against an index built here, beside a full scan that joins in memory.

Run: python tests/quality/bench_fetch.py [--rows 10000000] [--urls 1000000] [--folder KEPT]; prints one table. The index
has the layout and columns of Common Crawl's; keys are synthetic. Time is that of `warcmill fetch --dry-run`, the whole
verb up to the first archive byte; memory is the largest process (driver or worker).
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

CRAWL = "CC-MAIN-2099-01"
PART_ROWS, GROUP_ROWS = 1_000_000, 100_000
PAGES_PER_HOST = 200
BLOCK_LINES = 3000


def numbers(values: np.ndarray, width: int) -> pa.Array:
    return pc.utf8_lpad(pa.array(values).cast(pa.string()), width, "0")


def joined(*parts: pa.Array | str) -> pa.Array:
    return pc.binary_join_element_wise(*parts, "")


def part(first: int, count: int) -> pa.Table:
    """Rows [first, first + count) of the index, in key order: PAGES_PER_HOST pages of each host."""
    row = np.arange(first, first + count)
    host, page = numbers(row // PAGES_PER_HOST, 8), numbers(row % PAGES_PER_HOST, 4)
    path = joined(
        "/articles/", page, "-", pc.utf8_slice_codeunits(numbers(row * 2654435761 % (1 << 32), 10), 0), ".html"
    )
    rng = np.random.default_rng(first)
    digests = pa.array(rng.integers(0, 1 << 62, count)).cast(pa.string())
    return pa.table(
        {
            "url_surtkey": joined("org,example", host, ")", path),
            "url": joined("https://www.example", host, ".org", path),
            "url_host_name": joined("www.example", host, ".org"),
            "url_host_tld": pa.repeat("org", count),
            "url_host_registered_domain": joined("example", host, ".org"),
            "fetch_time": pa.array(4_070_000_000_000 + rng.integers(0, 10**9, count), pa.timestamp("ms", "UTC")),
            "fetch_status": pa.repeat(pa.scalar(200, pa.int16()), count),
            "content_digest": joined("SHA1DIGESTSHA", digests),
            "content_mime_type": pa.repeat("text/html", count),
            "content_mime_detected": pa.repeat("text/html", count),
            "content_languages": pa.repeat("eng", count),
            "warc_filename": joined(
                "crawl-data/x/segments/1/warc/x-", numbers(rng.integers(0, 9000, count), 5), ".warc.gz"
            ),
            "warc_record_offset": pa.array(rng.integers(0, 1 << 30, count), pa.int32()),
            "warc_record_length": pa.array(rng.integers(1000, 50_000, count), pa.int32()),
        }
    )


def build(folder: Path, rows: int) -> int:
    """Write the index unless it is there; returns its size in bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, first in enumerate(range(0, rows, PART_ROWS)):
        path = folder / f"part-{number:05d}.parquet"
        if not path.exists():
            pq.write_table(
                part(first, min(PART_ROWS, rows - first)), path, row_group_size=GROUP_ROWS, compression="gzip"
            )
    return sum(path.stat().st_size for path in folder.glob("*.parquet"))


def urls(rows: np.ndarray) -> pa.Array:
    """URLs of index rows, spelled otherwise than in the index: http, no www, a fragment."""
    host, page = numbers(rows // PAGES_PER_HOST, 8), numbers(rows % PAGES_PER_HOST, 4)
    return joined(
        "http://example", host, ".org/articles/", page, "-", numbers(rows * 2654435761 % (1 << 32), 10), ".html#top"
    )


def write_list(path: Path, rows: np.ndarray, absent: int) -> None:
    with path.open("wb") as file:
        for url in urls(rows).to_pylist():
            file.write(url.encode() + b"\n")
        for i in range(absent):
            file.write(b"https://absent%d.example.org/page/%d\n" % (i % 1000, i))


def build_zipnum(folder: Path, rows: int) -> int:
    """The first rows again as a zipnum collection of blocks of BLOCK_LINES lines; returns its size in bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    index, at = [], 0
    with (folder / "cdx-00000.gz").open("wb") as file:
        for first in range(0, rows, BLOCK_LINES):
            block = part(first, min(BLOCK_LINES, rows - first)).to_pylist()
            data = gzip.compress("".join(map(cdxj_line, block)).encode(), 6, mtime=0)
            file.write(data)
            index.append(f"{block[0]['url_surtkey']} 20990101000000\tcdx-00000.gz\t{at}\t{len(data)}\t{len(index)}\n")
            at += len(data)
    (folder / "cluster.idx").write_text("".join(index))
    return sum(path.stat().st_size for path in folder.iterdir())


def cdxj_line(row: dict[str, Any]) -> str:
    names = {"url": "url", "mime": "content_mime_type", "status": "fetch_status", "digest": "content_digest"}
    names |= {"length": "warc_record_length", "offset": "warc_record_offset", "filename": "warc_filename"}
    facts = {name: str(row[column]) for name, column in names.items()}
    return f"{row['url_surtkey']} 20990101000000 {json.dumps(facts)}\n"


def dry_run(list_path: Path, index: Path, workers: int) -> tuple[float, float, str]:
    """Wall seconds, CPU seconds and output of the look-up."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    verb = "from pipeline.cli import main; main()"
    command = [sys.executable, "-c", verb, "fetch", str(list_path), "--index", str(index), "--dry-run"]
    done = subprocess.run([*command, "--workers", str(workers)], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - started, cpu_s, done.stdout


def naive(list_path: Path, index: Path) -> tuple[float, int]:
    """A full scan with the list in memory, as a script would: wall seconds and URLs matched, exact strings only."""
    started = time.monotonic()
    wanted = {line.rstrip("\n").replace("http://", "https://www.").removesuffix("#top") for line in list_path.open()}
    known = pa.array(sorted(wanted))
    columns = ["url", "fetch_time", "fetch_status", "warc_filename", "warc_record_offset", "warc_record_length"]
    found = 0
    for path in sorted(index.glob("*.parquet")):
        table = pq.read_table(path, columns=columns)
        found += table.filter(pc.is_in(table["url"], value_set=known)).num_rows
    return time.monotonic() - started, found


def report(name: str, path: Path, index: Path, size: int, workers: int) -> None:
    wall_s, cpu_s, said = dry_run(path, index, workers)
    read = int(re.search(r"index\s+([\d,]+) bytes", said)[1].replace(",", ""))  # type: ignore[index]
    found = re.search(r"look-up\s+[\d,]+ rows, ([\d,]+) found", said)[1]  # type: ignore[index]
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(
        f"{name:<26} {found:>9} found, {wall_s:6.1f} s, {cpu_s:6.1f} CPU s, {read:>13,} bytes read "
        f"({read / size:.1%} of a full scan), largest process so far {peak:,.0f} MiB",
        flush=True,
    )


def measure_zipnum(folder: Path, rows: int, workers: int) -> None:
    size = build_zipnum(folder / "zipnum", rows)
    chosen = np.random.default_rng(7).choice(rows, 100, replace=False)
    write_list(folder / "urls.txt", chosen, 0)
    print(f"zipnum: {rows:,} rows, {size:,} bytes, blocks of {BLOCK_LINES:,} lines")
    report("100 URLs, anywhere, zipnum", folder / "urls.txt", folder / "zipnum", size, workers)


def measure(folder: Path, rows: int, count: int, workers: int) -> None:
    index = folder / f"crawl={CRAWL}" / "subset=warc"
    started = time.monotonic()
    size = build(index, rows)
    print(f"index: {rows:,} rows, {size:,} bytes, built in {time.monotonic() - started:.0f} s")
    rng = np.random.default_rng(7)
    hosts = rng.choice(rows // PAGES_PER_HOST, 10, replace=False)
    lists = {
        f"{count:,} URLs, anywhere": (np.sort(rng.choice(rows, count * 9 // 10, replace=False)), count // 10),
        "1,000 URLs, anywhere": (rng.choice(rows, 900, replace=False), 100),
        "1,000 URLs of 10 hosts": ((hosts[:, None] * PAGES_PER_HOST + np.arange(100)).ravel(), 0),
    }
    for name, (chosen, absent) in lists.items():
        path = folder / "urls.txt"
        write_list(path, rng.permutation(chosen), absent)
        report(name, path, index, size, workers)
    scan_s, matched = naive(path, index)
    print(f"full scan, 1,000 URLs, in memory, exact strings: {matched:,} found, {scan_s:.1f} s, {size:,} bytes on disk")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--urls", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=None, help="keep the index here")
    parser.add_argument("--zipnum-rows", type=int, default=500_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        if arguments.rows:
            measure(folder, arguments.rows, arguments.urls, arguments.workers)
        measure_zipnum(folder, arguments.zipnum_rows, arguments.workers)


if __name__ == "__main__":
    main()
