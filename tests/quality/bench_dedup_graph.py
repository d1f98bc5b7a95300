"""Measure the components of a proposal graph: one task in memory beside rounds of stars, time and memory.

Run: python tests/quality/bench_dedup_graph.py [--edges 1000000,4000000] [--partitions 8]

The graph: a chain of 100,000 documents, and stars of 2 to 40 around hubs, ten edges a document as a crawl has them. Each
way runs in a process of its own; memory is the kernel's peak less that of the same process with an empty graph.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from dedup.lsh import EDGE_SCHEMA
from pipeline.dedup_phases import _components
from pipeline.io.commit import Commit, PhaseDirectory
from pipeline.io.shards import regroup, write_shard
from pipeline.job import Finished, Job
from pipeline.phases.placed import name_of
from pipeline.stage import Counters, Task

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pipeline"))
from in_process import InProcess, Quiet

CHAIN = 100_000
SHARD_ROWS = 20_000


def write_edges(folder: Path, edges: int, partitions: int) -> Finished:
    directory = PhaseDirectory(folder, "propose")
    directory.bind({})
    tasks = [Task(f"{part:05d}", part, None) for part in range(partitions)]
    for task in tasks:
        table = pa.table(pairs(edges // partitions, task.index, partitions), schema=EDGE_SCHEMA)
        groups = regroup(table.to_batches(), max_rows=8192)
        file = write_shard(folder / "data", f"{task.name}-{{sha}}.parquet", groups, EDGE_SCHEMA)
        directory.commit(Commit(task.name, (file,), (), Counters(), {}))
    directory.finish(task.name for task in tasks)
    return Finished(directory, directory.commits())


def pairs(count: int, part: int, partitions: int) -> list[list[str]]:
    """Edges of one partition: its share of the chain, and hubs with their followers."""
    draw = np.random.default_rng(part)
    chain = np.arange(part, CHAIN - 1, partitions)[: count // 2]
    hubs = CHAIN + draw.integers(0, max(1, count // 10), count - len(chain)) * 40
    left, right = np.concatenate([chain, hubs]), np.concatenate([chain + 1, hubs + draw.integers(1, 40, len(hubs))])
    return [[name_of(f"doc{node:09d}", *divmod(node, SHARD_ROWS)) for node in side.tolist()] for side in (left, right)]


def work(folder: Path, max_edges: int) -> None:
    directory = PhaseDirectory(folder / "edges", "propose")
    job = Job(folder / f"run-{max_edges}", InProcess(), Quiet())
    started = time.process_time()
    found = _components(job, Finished(directory, directory.commits()), max_edges)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    rows = sum(file.rows for file in found.files)
    print(json.dumps({"cpu_s": time.process_time() - started, "peak": peak, "members": rows}))


def measured(folder: Path, max_edges: int) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, __file__, "--work", str(folder), str(max_edges)], capture_output=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edges", default="1000000,4000000")
    parser.add_argument("--partitions", type=int, default=8)
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(Path(options.work[0]), int(options.work[1]))
        return
    print(f"{'edges':>12}{'members':>12}  {'way':<16}{'CPU s':>8}{'us/edge':>9}{'peak MB':>9}{'bytes/edge':>12}")
    with tempfile.TemporaryDirectory() as name:
        write_edges(Path(name) / "edges", 1, 1)
        empty = measured(Path(name), 1 << 40)["peak"]
    for edges in map(int, options.edges.split(",")):
        with tempfile.TemporaryDirectory() as name:
            write_edges(Path(name) / "edges", edges, options.partitions)
            for way, limit in (("in memory", 1 << 40), ("rounds of stars", 0)):
                found = measured(Path(name), limit)
                more = (found["peak"] - empty) / edges
                cpu_s = found["cpu_s"]
                print(
                    f"{edges:12,}{found['members']:12,}  {way:<16}{cpu_s:8.1f}{1e6 * cpu_s / edges:9.1f}"
                    f"{found['peak'] / 1e6:9.0f}{more:12.0f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
