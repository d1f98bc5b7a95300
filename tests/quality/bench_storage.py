"""What runs of 100,000 inputs and places other than folders cost: a manifest read by a worker, tasks, local runs.

python tests/quality/bench_storage.py                   # manifest and tasks of 100,000 inputs
python tests/quality/bench_storage.py --against TREE    # and the sample run here and in another checkout, alternating
"""

from __future__ import annotations

import argparse
import hashlib
import os
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pipeline.engines.task_blocks import packed
from pipeline.io.commit import Commit, PhaseDirectory, canonical_json
from pipeline.io.shards import ShardFile
from pipeline.phases.placed import DocumentShard, Removals
from pipeline.stage import Counters, Task

ROOT = Path(__file__).resolve().parents[2]
COUNT, ROUNDS = 100_000, 3


def shard_file(i: int) -> ShardFile:
    return ShardFile(f"{i:05d}-0000-{i * 7919:012x}.parquet", f"{i * 104729:064x}", 1 << 20, 999, (512, 487))


def work(task: Task, context: object) -> None: ...


def write_phase(folder: Path) -> int:
    counters = Counters(rows_in=900, rows_out=900)
    counters.tallies.update({f"tokens:{kind}": 10 for kind in ("prose", "math", "code")})
    commits = (Commit(f"{i:05d}", (shard_file(i),), (), counters, {"rows": 999}) for i in range(COUNT))
    content = canonical_json({"phase": "p", "commits": [commit.to_json() for commit in commits]})
    (folder / "manifest.json").write_bytes(content)
    (folder / "_SUCCESS").write_text(hashlib.sha256(content).hexdigest() + "\n")
    return len(content)


READ = """
import sys, time
from pathlib import Path
from pipeline.io.commit import PhaseDirectory
peak_kib = lambda: int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
before, started = peak_kib(), time.process_time()
count = len(PhaseDirectory(Path(sys.argv[1]), "p").files())
grown = (peak_kib() - before) / 1024
print(f"{count:,} files looked up: {time.process_time() - started:.1f} s of CPU, {grown:,.0f} MiB")
"""


def manifest_of_many() -> None:
    with tempfile.TemporaryDirectory() as folder:
        size = write_phase(Path(folder))
        print(f"manifest of {COUNT:,} commits: {size / 1e6:.0f} MB", flush=True)
        subprocess.run([sys.executable, "-c", READ, folder], check=True, timeout=300)


def tasks_of_many() -> None:
    directory = PhaseDirectory(Path("/run/phases/04-classify"), "classify")
    shards = (
        DocumentShard(directory, (shard_file(i),), i, (Removals(directory, "exact_dedup"),)) for i in range(COUNT)
    )
    tasks = [Task(f"{shard.index:05d}", shard.index, shard) for shard in shards]
    started = time.process_time()
    blocks = packed(tasks, work)
    took_s = time.process_time() - started
    alone = sum(len(pickle.dumps(task)) for task in tasks)
    print(
        f"{COUNT:,} tasks: {alone:,} bytes one by one; {len(blocks)} blocks, {sum(map(len, blocks)):,} bytes, {took_s:.1f} s"
    )


def run_cpu_s(tree: Path, output: Path) -> tuple[float, str]:
    """CPU seconds of the process tree of a sample run with one worker, and the digest of its manifest."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    inputs = ["samples/sample.warc.gz", "samples/sample-2.warc.gz"]
    command = [sys.executable, "-m", "pipeline.cli", "run", *inputs, "-o", str(output), "--workers", "1"]
    environment = os.environ | {"PYTHONPATH": str(tree)}
    subprocess.run(command, cwd=tree, env=environment, check=True, capture_output=True, timeout=600)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    digest = hashlib.sha256((output / "manifest.json").read_bytes()).hexdigest()[:12]
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, digest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", type=Path, help="another checkout, e.g. a git worktree of an older commit")
    against = parser.parse_args().against
    manifest_of_many()
    tasks_of_many()
    for number in range(ROUNDS if against else 0):
        for tree in (against.resolve(), ROOT):
            with tempfile.TemporaryDirectory() as folder:
                seconds, digest = run_cpu_s(tree, Path(folder) / "run")
            print(f"run {number} of {tree.name}: {seconds:.2f} s of CPU, manifest {digest}", flush=True)


if __name__ == "__main__":
    main()
