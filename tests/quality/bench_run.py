"""`make bench`: the main job end to end, its stages, its memory, beside a bare fastwarc pass over the same WARC.

Pages are the real ones of ../shared/data where that folder is present, else those of the bundled sample. Ratios only:
machines are noisy. `--json FILE` keeps the figures with commit and machine.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import psutil
from fastwarc.warc import ArchiveIterator
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / ".." / "shared" / "data"
SETS = ("mathpages", "webmainbench", "extraction")


def real_pages() -> Iterator[tuple[str, bytes]]:
    paths = [path for name in SETS for path in sorted((PAGES / name / "dev").glob("*.jsonl.gz"))]
    for number, path in enumerate(paths):
        with gzip.open(path) as lines:
            for row, line in enumerate(lines):
                page = json.loads(line)
                yield page.get("url") or f"https://bench.example.org/{number}/{row}", page["html"].encode()


def sample_pages() -> Iterator[tuple[str, bytes]]:
    for path in sorted((ROOT / "samples").glob("*.warc.gz")):
        with path.open("rb") as file:
            for record in ArchiveIterator(file):
                if record.http_headers is not None and record.http_headers.status_code == 200:
                    yield record.headers["WARC-Target-URI"], record.reader.read()


def build_warc(path: Path, pages: Iterable[tuple[str, bytes]]) -> int:
    count = 0
    with path.open("wb") as file:
        writer = WARCWriter(file, gzip=True)
        for url, body in pages:
            headers = StatusAndHeaders("200 OK", [("Content-Type", "text/html")], protocol="HTTP/1.1")
            writer.write_record(
                writer.create_warc_record(url, "response", payload=io.BytesIO(body), http_headers=headers)
            )
            count += 1
    return count


def fastwarc_pass(path: Path) -> float:
    """CPU seconds of reading every record's body with fastwarc."""
    started = time.process_time()
    with path.open("rb") as file:
        for record in ArchiveIterator(file):
            record.reader.read()
    return time.process_time() - started


def run_job(warc: Path, output: Path) -> dict[str, Any]:
    """One worker through the command line: wall and CPU seconds of the tree, peak memory of its largest process."""
    command = [sys.executable, "-m", "pipeline.cli", "run", str(warc), "-o", str(output), "--workers", "1"]
    started = time.monotonic()
    process = psutil.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    peak, cpu = [0], {}
    watcher = threading.Thread(target=_watch, args=(process, peak, cpu), daemon=True)
    watcher.start()
    _, errors = process.communicate()
    watcher.join()
    if process.returncode:
        raise SystemExit(errors.decode())
    return {"wall_s": time.monotonic() - started, "cpu_s": sum(cpu.values()), "peak_mb": peak[0] / 1e6}


def _watch(process: psutil.Popen, peak: list[int], cpu: dict[int, float]) -> None:
    while process.poll() is None:
        try:
            for one in [process, *process.children(recursive=True)]:
                times = one.cpu_times()
                cpu[one.pid] = times.user + times.system
                peak[0] = max(peak[0], one.memory_info().rss)
        except psutil.Error:
            continue  # it ended while we looked
        time.sleep(0.05)


def stage_seconds(warc: Path) -> dict[str, float]:
    """CPU seconds of each stage in one process, one after the other over the same documents."""
    from blends.shards import screen_documents, tokenize_documents
    from classifiers.stage import classify
    from dedup.exact import exact_rows
    from dedup.propose import proposals
    from extractors.stage import render_pages
    from llm_cleaning.stage import clean, mark
    from pipeline.arrow_document import to_batch
    from pipeline.document import Page
    from pipeline.io.warc import Split, read_split
    from pipeline.recipe import load_recipe

    recipe, seconds = load_recipe("default"), dict[str, float]()

    def timed(name: str, work: Callable[[], Any]) -> Any:
        started = time.process_time()
        result = work()
        seconds[name] = time.process_time() - started
        return result

    pages = timed("read", lambda: [r for r in read_split(Split(str(warc))) if isinstance(r, Page)])
    documents = timed("render", lambda: list(render_pages(pages, config=recipe.render)))
    batch = to_batch(documents)
    timed("exact dedup", lambda: exact_rows(batch))
    documents = timed("mark blocks", lambda: list(mark(documents, config=recipe.clean)))
    documents = timed("classify", lambda: list(classify(documents, config=recipe.classify)))
    fuzzy = recipe.fuzzy_dedup
    timed("minhash", lambda: proposals(batch, fuzzy.minhash, fuzzy.containment))
    documents = timed("clean", lambda: list(clean(documents, config=recipe.clean)))
    kept = [d for d in screen_documents(documents, config=recipe.tokens) if not d.rejected]
    timed("tokenize", lambda: list(tokenize_documents(kept, config=recipe.tokens)))
    return seconds


def commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=1200, help="pages of the larger WARC")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    pages = list(real_pages()) or list(sample_pages())
    pages = pages[:: max(1, len(pages) // options.pages)][: options.pages]
    figures: dict[str, Any] = {"commit": commit(), "machine": platform.machine(), "runs": []}
    with tempfile.TemporaryDirectory() as folder:
        repeated = [(f"{url}?copy={i}", body) for i in range(4) for url, body in pages]  # exact dedup takes 3 of 4
        for name, part in (("quarter", pages[: len(pages) // 4]), ("whole", pages), ("fourfold", repeated)):
            warc = Path(folder) / f"{name}.warc.gz"
            count = build_warc(warc, part)
            bare_s = min(fastwarc_pass(warc) for _ in range(3))
            run = run_job(warc, Path(folder) / name)
            size_mb = warc.stat().st_size / 1e6
            figures["runs"].append({"name": name, "records": count, "mb": size_mb, "fastwarc_cpu_s": bare_s, **run})
        figures["stages_cpu_s"] = stage_seconds(Path(folder) / "whole.warc.gz")
    show(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def show(figures: dict[str, Any]) -> None:
    print(f"warcmill run, one worker, commit {figures['commit']}, {figures['machine']}")
    print(
        f"{'input':<10}{'records':>8}{'MB':>8}{'records/s':>11}{'MB/s':>7}{'CPU s':>8}{'x fastwarc':>12}{'peak MB':>9}"
    )
    for run in figures["runs"]:
        print(
            f"{run['name']:<10}{run['records']:>8}{run['mb']:>8.1f}{run['records'] / run['wall_s']:>11.1f}"
            f"{run['mb'] / run['wall_s']:>7.2f}{run['cpu_s']:>8.1f}{run['cpu_s'] / run['fastwarc_cpu_s']:>12.0f}"
            f"{run['peak_mb']:>9.0f}"
        )
    total = sum(figures["stages_cpu_s"].values())
    print("\nstage         CPU share   documents/s/core")
    records = next(run["records"] for run in figures["runs"] if run["name"] == "whole")
    for name, seconds in figures["stages_cpu_s"].items():
        print(f"{name:<14}{seconds / total:>8.1%}{records / max(seconds, 1e-9):>16,.0f}")


if __name__ == "__main__":
    main()
