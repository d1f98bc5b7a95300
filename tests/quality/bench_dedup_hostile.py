"""Measure dedup on what breaks dedups: the right answer, CPU seconds and memory of each case.

Run: python tests/quality/bench_dedup_hostile.py [--cases empty,huge,chain,identical] [--share 1.0]

empty: 10^5 empty and 10^5 one-word documents. huge: three documents of 50 MB, one of them a truncated copy. chain: 10^5
documents of 200 words, each a window moved by ten words, so that everyone is like its neighbours and unlike the rest.
identical: 10^6 equal documents. `--share` makes the many fewer. Ends with status 1 where an answer is wrong.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
from bench_dedup_scale import measured

HUGE_CHARS = 50_000_000


def empty(share: float) -> Iterator[str]:
    for number in range(int(100_000 * share)):
        yield ""
        yield ("one", "two")[number % 2]


def huge(_: float) -> Iterator[str]:
    chance = random.Random(5)
    words = [f"word{number}" for number in range(50_000)]
    whole = " ".join(chance.choices(words, k=HUGE_CHARS // 10))
    yield whole
    yield whole[: len(whole) * 19 // 20]
    yield " ".join(chance.choices(words, k=HUGE_CHARS // 10))


def chain(share: float) -> Iterator[str]:
    for number in range(int(100_000 * share)):
        yield " ".join(f"w{place}" for place in range(10 * number, 10 * number + 200))


def identical(share: float) -> Iterator[str]:
    text = " ".join(f"w{place}" for place in range(300))
    for _ in range(int(1_000_000 * share)):
        yield text


CASES = {"empty": empty, "huge": huge, "chain": chain, "identical": identical}
KEPT = {"empty": 3, "huge": 2, "identical": 1}  # of a chain it depends on the thresholds: see `sound`


def sound(run: Path) -> bool:
    """Every removed document hangs on one that is kept, and none on itself."""
    pairs = [
        (row["removed_id"], row["kept_id"])
        for path in sorted((run / "audit").glob("*.parquet"))
        for row in pq.read_table(path, columns=["removed_id", "kept_id"]).to_pylist()
    ]
    removed = {pair[0] for pair in pairs}
    return len(removed) == len(pairs) and all(kept not in removed for _, kept in pairs)


def measure(name: str, share: float, folder: Path) -> bool:
    rows = 0
    with (folder / "in.jsonl").open("w", encoding="utf-8") as out:
        for rows, text in enumerate(CASES[name](share), 1):
            out.write(json.dumps({"id": f"{rows:08d}", "text": text}) + "\n")
    command = [sys.executable, "-m", "pipeline.cli", "dedup", str(folder / "in.jsonl"), "-o", str(folder / "run")]
    cpu_s, wall_s, peak_mb = measured([*command, "--workers", "1"])
    kept = sum(entry["rows"] for entry in json.loads((folder / "run" / "manifest.json").read_bytes())["shards"])
    right = kept == KEPT.get(name, kept) and 0 < kept < rows and sound(folder / "run")
    print(
        f"{name:10}{rows:10,}{kept:10,}{cpu_s:9.1f}{wall_s:9.1f}{peak_mb:9.0f}  {'right' if right else 'WRONG'}",
        flush=True,
    )
    return right


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--share", type=float, default=1.0)
    args = parser.parse_args()
    print(f"{'case':10}{'rows':>10}{'kept':>10}{'CPU s':>9}{'wall s':>9}{'peak MB':>9}")
    right = True
    for name in args.cases.split(","):
        with tempfile.TemporaryDirectory() as folder:
            right &= measure(name, args.share, Path(folder))
    return not right


if __name__ == "__main__":
    sys.exit(main())
