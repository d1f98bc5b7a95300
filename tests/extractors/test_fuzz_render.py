"""Mutated real pages: no crash, no hang, and spans that hold on whatever came out.

A failure names its seed; `python tests/extractors/test_fuzz_render.py SEED [--shared]` runs that page alone.
"""

from __future__ import annotations

import gzip
import json
import multiprocessing
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))  # for the spawned processes
from fuzz_mutants import mutant

from extractors import Rendered, RenderRejected, render
from extractors.layout.rejected import REASONS
from pipeline.document import Page
from pipeline.io.warc import Split, read_split

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT / ".." / "shared" / "data"
MAX_CPU_S = 10.0
HANG_S = 60  # CPU seconds after which a page is killed: the test then says its seed
MAX_MEMORY_BYTES = 4 << 30
FAST_MUTANTS, SLOW_MUTANTS, CHUNK = 200, 20_000, 1000
SLOW_SEED = 1_000_000  # other pages than the fast ones


@cache
def sample_pages() -> tuple[bytes, ...]:
    found = (
        item for name in ("sample", "sample-2") for item in read_split(Split(str(ROOT / f"samples/{name}.warc.gz")))
    )
    return tuple(item.body for item in found if isinstance(item, Page) and len(item.body) > 200)


@cache
def shared_pages() -> tuple[bytes, ...]:
    pages = []
    for name, step in (
        ("mathpages/dev/pages", 8),
        ("webmainbench/dev/math_code_bench", 1),
        ("extraction/dev/articles", 8),
    ):
        with gzip.open(SHARED / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            pages += [json.loads(line)["html"].encode("utf-8", "replace") for line in list(lines)[::step]]
    return (*sample_pages(), *(page[:400_000] for page in pages if len(page) > 200))


def check(page: bytes, content_type: str | None) -> None:
    """Every property of one page."""
    start = time.process_time()
    first = outcome(page, content_type)
    seconds = time.process_time() - start
    assert seconds < MAX_CPU_S, f"{seconds:.1f} s"
    if isinstance(first, str):
        assert first in REASONS
        return
    assert first == outcome(page, content_type), "not deterministic"
    check_spans(first)


def outcome(page: bytes, content_type: str | None) -> Rendered | str:
    try:
        return render(page, content_type=content_type, url="https://example.org/")
    except RenderRejected as rejected:
        return rejected.reason


def check_spans(page: Rendered) -> None:
    page.text.encode("utf-8")  # no surrogates
    page.title.encode("utf-8")
    position = 0
    for block in page.blocks:
        assert position <= block.start < block.end <= len(page.text), f"block {block} after {position}"
        assert not page.text[position : block.start].strip(), f"text outside blocks before {block}"
        position = block.end
    assert not page.text[position:].strip(), "text after the last block"
    position = 0
    for formula in page.formulas:
        assert position <= formula.start < formula.end <= len(page.text), f"formula {formula} after {position}"
        shown = page.text[formula.start : formula.end]
        marks = "$$" if formula.display else "$"
        if formula.recovered:
            delimited = shown.startswith(marks) and shown.endswith(marks) and formula.tex in shown
            assert delimited, f"{shown!r} is not {formula}"
        position = formula.end


def test_mutated_sample_pages() -> None:
    for seed in range(FAST_MUTANTS):
        run_seed(sample_pages(), seed)


@pytest.mark.parametrize(
    "html",
    [
        b"<html class=MathJax>x",
        b"<html data-latex='x^2'>y",
        b"<pre><math>><pre><plaintext></li",
        b"<span class=katex><span class=katex-html><span class=base>" + b"<span class=mord>ab" * 150 + b"c" * 20_000,
        b"x<sup>" + b"-" * 140 + b"</sup>" * 100,
        b"<p>$$" + b"a" * 39_000 + b"$$",
        b"<!--[if gte msEquation 12]><m:oMath>x</m:oMath><![endif]-->y",
    ],
)
def test_what_fuzzing_found(html: bytes) -> None:
    check(html, "text/html")


def run_seed(pages: tuple[bytes, ...], seed: int) -> None:
    page, content_type = mutant(pages, seed)
    try:
        check(page, content_type)
    except Exception as error:
        error.add_note(f"seed {seed}, {len(page)} bytes as {content_type!r}")
        raise


@pytest.mark.slow
def test_twenty_thousand_mutants(tmp_path: Path) -> None:
    for number, page in enumerate(shared_pages() if SHARED.exists() else sample_pages()):
        (tmp_path / f"{number:05}.html").write_bytes(page)
    starts = range(SLOW_SEED, SLOW_SEED + SLOW_MUTANTS, CHUNK)
    with ThreadPoolExecutor(2) as pool:
        problems = [line for lines in pool.map(lambda start: run_chunk(tmp_path, start), starts) for line in lines]
    assert not problems, "\n".join(problems)


def run_chunk(folder: Path, start: int) -> list[str]:
    """Seeds whose page ended its process, by an exception, a crash or a limit. The rest goes on in a new process."""
    problems: list[str] = []
    seed, end = start, start + CHUNK
    while seed < end:
        context = multiprocessing.get_context("spawn")
        at = context.Value("q", seed)
        process = context.Process(target=run_seeds, args=(folder, seed, end, at))
        process.start()
        process.join()
        if process.exitcode == 0:
            return problems
        problems.append(f"seed {at.value}: exit code {process.exitcode}; the traceback is above")
        seed = at.value + 1
    return problems


def run_seeds(folder: Path, start: int, end: int, at: Any) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    pages = tuple(path.read_bytes() for path in sorted(folder.iterdir()))
    for seed in range(start, end):
        at.value = seed
        limit = int(time.process_time()) + HANG_S
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))  # SIGXCPU ends the process
        run_seed(pages, seed)


if __name__ == "__main__":
    run_seed(shared_pages() if "--shared" in sys.argv else sample_pages(), int(sys.argv[1]))
