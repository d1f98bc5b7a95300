"""Measure what Beam and Spark add to the local engine: CPU seconds of the same run, and that its bytes are the same.

Run: python tests/quality/bench_engines.py [--pages 2000] [--rounds 1] [--engines beam,spark]

CPU seconds are the kernel's, user and system, of the driver and of everything it started: worker processes, their
children, the JVM. What outlives its parent is adopted and waited for, so that it counts as well. Start-up is measured
apart, on ten pages, and taken off, because a run of hours does not notice it. Pages are those of ../shared/data, repeated
with other addresses and one other word until there are enough, else those of the bundled sample.
"""

from __future__ import annotations

import argparse
import ctypes
import itertools
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from bench_run import ROOT, SETS, build_warc, real_pages, sample_pages

OPTIONS = {
    "local": [],
    "beam": ["--engine", "beam"],
    "beam processes": ["--engine", "beam", "--", "--direct_running_mode=multi_processing", "--direct_num_workers=2"],
    "spark": ["--engine", "spark", "--", "--master=local[2,4]"],
}
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
RECIPE = "[read]\nsplit_bytes = 4194304\n"  # several tasks, as a cluster would have


def pages(count: int) -> Iterator[tuple[str, bytes]]:
    shared = all((ROOT / ".." / "shared" / "data" / name).is_dir() for name in SETS)
    for copy in itertools.count():
        for url, body in real_pages() if shared else sample_pages():
            mark = f"<p>Copy number {copy} of this page, made for measuring.</p></body>".encode()
            yield f"{url}?copy={copy}", body.replace(b"</body>", mark, 1) if copy else body
            count -= 1
            if not count:
                return


def adopt_orphans() -> None:
    """Become the parent of processes whose own parent ends before them, such as Spark's JVM."""
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1):
        raise SystemExit("prctl: this benchmark needs Linux")


def wait_for_orphans() -> None:
    """Until no child is left; the kernel adds a process to our account when it is waited for."""
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def run(warc: Path, recipe: Path, output: Path, options: list[str]) -> float:
    """CPU seconds of one run with two workers."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "pipeline.cli", "run", str(warc), "-o", str(output), "--recipe", str(recipe)]
    done = subprocess.run([*command, "--workers", "2", *options], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr[-4000:])
    wait_for_orphans()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def shards(run_folder: Path) -> list[str]:
    return [shard["sha256"] for shard in json.loads((run_folder / "manifest.json").read_bytes())["shards"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=1, help="of all engines in turn, so that noise meets all alike")
    parser.add_argument("--engines", default="beam,spark", help=f"of {', '.join(OPTIONS)}, separated by commas")
    args = parser.parse_args()
    engines = ["local", *args.engines.split(",")]
    adopt_orphans()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "recipe.toml").write_text(f'name = "bench"\n{RECIPE}')
        build_warc(folder / "few.warc.gz", pages(10))
        build_warc(folder / "many.warc.gz", pages(args.pages))
        few, many = Counter[str](), Counter[str]()
        print(f"{'engine':16}{'start-up CPU s':>15}{'CPU s beyond':>14}{'of local':>10}  same shards")
        for _, engine in itertools.product(range(args.rounds), engines):
            few[engine] += run(folder / "few.warc.gz", folder / "recipe.toml", folder / "few", OPTIONS[engine])
            shutil.rmtree(folder / "few")
            output = folder / f"many-{engine}"
            shutil.rmtree(output, ignore_errors=True)
            many[engine] += run(folder / "many.warc.gz", folder / "recipe.toml", output, OPTIONS[engine])
            net, local = many[engine] - few[engine], many["local"] - few["local"]
            same = shards(output) == shards(folder / "many-local")
            print(f"{engine:16}{few[engine]:15.1f}{net:14.1f}{net / local:10.2f}  {same}", flush=True)


if __name__ == "__main__":
    main()
