"""Measure the whole of dedup, text to kept rows, at several sizes beside datatrove's four MinHash stages.

Run: python tests/quality/bench_dedup_scale.py [--sizes 10000,100000] [--set web|neardup2] [--shrink 4] [--no-peer] [--phases]

The set `web` is described in web_set.py. `neardup2` is adversarial: the documents of ../shared/data/neardup2/dev, a third
of which have a copy, repeated until there are enough; in each repetition the words are exchanged among words of about
the same frequency, so that documents of different repetitions share nothing. Both sides read the same JSON lines with
one worker process; CPU seconds and memory are the kernel's, of that process and its children. `--phases` runs ours once
more in this process and prints what each phase takes.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from rich.console import Console
from web_set import write_pages

from pipeline.dedup_job import DedupSettings, dedup
from pipeline.engines.local import LocalConfig
from pipeline.engines.protocol import Progress, Work
from pipeline.io.commit import PhaseDirectory
from pipeline.progress import ConsoleReporter
from pipeline.stage import Context, Task
from pipeline.table_job import Place

SHARED = Path(__file__).resolve().parents[2] / "../shared"
WORD = re.compile(r"[^\W\d_]{3,}")
NEIGHBOURS = 200  # words of neighbouring frequency that change places


def make_input(path: Path, documents: int) -> None:
    with gzip.open(SHARED / "data/neardup2/dev/docs.jsonl.gz", "rt", encoding="utf-8") as lines:
        pages = [json.loads(line) for line in lines]
    counts = Counter(word for page in pages for word in WORD.findall(page["text"]))
    vocabulary = sorted(counts, key=lambda word: (-counts[word], word))
    with path.open("w", encoding="utf-8") as out:
        for number in range(documents):
            copy, index = divmod(number, len(pages))
            if index == 0:
                other = exchanged(vocabulary, copy)
            page = pages[index]
            text = WORD.sub(lambda match: other.get(match[0], match[0]), page["text"])  # noqa: B023 - called at once
            out.write(json.dumps({"id": f"{copy:05d}-{page['id']}", "text": text, "source": f"copy {copy % 7}"}) + "\n")


def exchanged(vocabulary: list[str], copy: int) -> dict[str, str]:
    """Each word to another of about its frequency; copy 0 is the original."""
    if copy == 0:
        return {}
    chance = random.Random(copy)
    other: dict[str, str] = {}
    for start in range(0, len(vocabulary), NEIGHBOURS):
        words = vocabulary[start : start + NEIGHBOURS]
        shuffled = words.copy()
        chance.shuffle(shuffled)
        other.update(zip(words, shuffled, strict=True))
    return other


def datatrove(path: Path, folder: Path) -> None:
    """The peer's four stages, one task each, 14 x 8 hashes of word 5-grams."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import minhash as peer
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter
    from datatrove.utils.hashing import HashConfig

    if find_spec("spacy") is None:  # its default tokenizer; splitting at spaces is faster, so the peer gains
        peer.load_word_tokenizer = lambda _: type("Split", (), {"word_tokenize": lambda _, text: text.split()})()
    config = peer.MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8, hash_config=HashConfig(64, "sha1"))
    read = JsonlReader(str(path.parent), glob_pattern=path.name)
    stages = [
        [read, peer.MinhashDedupSignature(output_folder=str(folder / "signatures"), config=config)],
        [peer.MinhashDedupBuckets(str(folder / "signatures"), str(folder / "buckets"), config=config)],
        [peer.MinhashDedupCluster(str(folder / "buckets"), str(folder / "remove"), config=config)],
        [read, peer.MinhashDedupFilter(str(folder / "remove")), JsonlWriter(str(folder / "kept"))],
    ]
    for number, stage in enumerate(stages):
        tasks = config.num_buckets if number == 1 else 1
        LocalPipelineExecutor(stage, tasks=tasks, workers=1, logging_dir=str(folder / f"log{number}")).run()


def measured(command: list[str]) -> tuple[float, float, float]:
    """(CPU seconds, wall seconds, peak MB of the largest process) of a command; what it says is shown if it fails."""
    start = time.monotonic()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)
        _, status, used = os.wait4(process.pid, 0)  # of this command only, its children included
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise SystemExit(said.read().decode("utf-8", "replace")[-4000:])
    return used.ru_utime + used.ru_stime, time.monotonic() - start, used.ru_maxrss / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="10000,100000", help="documents, separated by commas, ascending")
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--shrink", type=int, default=1, help="divide the lengths of the set web by this")
    parser.add_argument("--phases", action="store_true")
    parser.add_argument("--as-peer", nargs=2, type=Path, metavar=("IN", "FOLDER"), help=argparse.SUPPRESS)
    parser.add_argument("--set", choices=("web", "neardup2"), default="web")
    args = parser.parse_args()
    if args.as_peer:
        datatrove(*args.as_peer)
        return 0
    if not SHARED.is_dir():
        print("needs ../shared (the project's data folder beside the checkout)", file=sys.stderr)
        return 1
    print(f"{'documents':>10} {'':22}{'CPU s':>9}{'wall s':>9}{'ms/doc':>9}{'peak MB':>9}{'removed':>9}")
    for size in map(int, args.sizes.split(",")):
        with tempfile.TemporaryDirectory() as name:
            make = partial(write_pages, shrink=args.shrink) if args.set == "web" else make_input
            make(Path(name) / "in.jsonl", size)
            compare(Path(name), size, peer=not args.no_peer)
            if args.phases:
                by_phase(Path(name), size)
    return 0


def compare(folder: Path, size: int, *, peer: bool) -> None:
    ours = [sys.executable, "-m", "pipeline.cli", "dedup", str(folder / "in.jsonl"), "-o", str(folder / "run")]
    cost = measured([*ours, "--workers", "1"])
    kept = sum(entry["rows"] for entry in json.loads((folder / "run" / "manifest.json").read_bytes())["shards"])
    show(size, "warcmill dedup", cost, size - kept)
    if peer:
        theirs = [sys.executable, __file__, "--as-peer", str(folder / "in.jsonl"), str(folder / "peer")]
        cost_of_peer = measured(theirs)
        lines = sum(gzip.decompress(path.read_bytes()).count(b"\n") for path in (folder / "peer" / "kept").glob("*.gz"))
        show(size, "datatrove, unverified", cost_of_peer, size - lines)
        print(f"{'':11}{cost_of_peer[0] / cost[0]:.2f} x the peer's documents per CPU second")


class InProcess(Place):
    """A place whose engine is this process, and what it has used for each phase."""

    cpu_s: ClassVar[Counter[str]] = Counter()

    def open_engine(self) -> AbstractContextManager[Any]:
        return nullcontext(self)

    def map_shards(self, directory: PhaseDirectory, tasks: Sequence[Task], work: Work, _progress: Progress) -> None:
        before = time.process_time()
        for task in tasks:
            work(task, Context())
        self.cpu_s[directory.path.name] += time.process_time() - before


def by_phase(folder: Path, size: int) -> None:
    place = InProcess((str(folder / "in.jsonl"),), folder / "phases", LocalConfig(1))
    with ConsoleReporter(Console(file=io.StringIO())) as reporter:
        dedup(place, DedupSettings(), reporter)
    for phase, cpu_s in place.cpu_s.items():
        print(f"{'':11}{phase:22}{cpu_s:9.1f}{1000 * cpu_s / size:18.3f}")


def show(size: int, name: str, cost: tuple[float, float, float], removed: int) -> None:
    cpu_s, wall_s, peak_mb = cost
    print(
        f"{size:10,} {name:22}{cpu_s:9.1f}{wall_s:9.1f}{1000 * cpu_s / size:9.2f}{peak_mb:9.0f}{removed:9,}", flush=True
    )


if __name__ == "__main__":
    sys.exit(main())
