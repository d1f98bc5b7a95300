"""Measure decontamination on planted benchmark items, by kind, beside exact 13-grams; speed and memory of the index.

Run: python tests/quality/bench_decontaminate.py [FOLDER] [--items FILE] [--size N]; FOLDER holds docs.jsonl.gz as in
../shared/data/decontam/dev, FILE the benchmark items. Times are CPU seconds of one process. With --size only an index of
N items is built and loaded: those of FILE, and as many with their words shuffled as it takes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import resource
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from dedup.decontaminate import DecontaminateConfig, Match, find_matches
from dedup.item_index import ITEM_SCHEMA, ItemIndex, build_index, load_index
from pipeline.text.words import ngrams, normalise, word_hashes, words

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"
PEER_WORDS = 13  # the common practice: a page that shares 13 words in a row with an item


def read(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def index_of(items: list[dict[str, Any]], config: DecontaminateConfig) -> ItemIndex:
    columns = [[item[name] for item in items] for name in ("id", "benchmark", "text")]
    *tables, _ = build_index(pa.table(columns, schema=ITEM_SCHEMA), config.index)
    return load_index(*tables, config.index)


def long_grams(text: str) -> set[int]:
    return set(ngrams(word_hashes(words(normalise(text))), PEER_WORDS).tolist())


def measure(docs: list[dict[str, Any]], items: list[dict[str, Any]]) -> None:
    config = DecontaminateConfig()
    started = time.process_time()
    index = index_of(items, config)
    built_s = time.process_time() - started
    peer = set().union(*(long_grams(item["text"]) for item in items))
    find_matches(docs[0]["text"], index, config)  # caches that a worker has once
    started = time.process_time()
    found = [find_matches(doc["text"], index, config) for doc in docs]
    ours_s = time.process_time() - started
    started = time.process_time()
    theirs = [not peer.isdisjoint(long_grams(doc["text"])) for doc in docs]
    theirs_s = time.process_time() - started
    report(docs, items, found, theirs)
    print(f"\n{len(docs) / ours_s:,.0f} docs/s/core (exact 13-grams {len(docs) / theirs_s:,.0f})")
    print(f"index of {len(items):,} items: {built_s:.1f} s, {index.nbytes / len(items):,.0f} bytes an item")


def report(docs: list[dict[str, Any]], items: list[dict[str, Any]], found: list[list[Match]], peer: list[bool]) -> None:
    ids = sorted((item["id"], number) for number, item in enumerate(items))
    number_of = dict(ids)
    rows: dict[str, list[tuple[bool, bool, bool]]] = defaultdict(list)
    for doc, matches, other in zip(docs, found, peer, strict=True):
        wanted = number_of.get(doc["item_id"])
        rows[doc["kind"]].append((bool(matches), any(match.item == wanted for match in matches), other))
    print(f"{'kind':<18}{'docs':>6}{'found':>8}{'item':>8}{'13-gram':>9}")
    for kind, flags in sorted(rows.items(), key=lambda row: (row[0] in ("clean", "near_miss"), row[0])):
        shares = (sum(column) / len(flags) for column in zip(*flags, strict=True))
        print(f"{kind:<18}{len(flags):>6}" + "".join(f"{share:>{width}.3f}" for share, width in zip(shares, (8, 8, 9))))  # noqa: B905


def size_of_index(items: list[dict[str, Any]], size: int) -> None:
    """Memory of a broadcast index of so many items."""
    draw = random.Random(0)
    made = [item | {"id": f"{item['id']}/{copy}"} for copy in range(-(-size // len(items))) for item in items][:size]
    for item in made[len(items) :]:
        shuffled = item["text"].split()
        draw.shuffle(shuffled)
        item["text"] = " ".join(shuffled)
    started = time.process_time()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    index = index_of(made, DecontaminateConfig())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"index of {size:,} items: {time.process_time() - started:.0f} s, {index.nbytes / 1e6:,.0f} MB held by a worker,"
    )
    print(f"{peak - before:,.0f} MB more at the peak of the task that builds it")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=SHARED / "decontam/dev")
    parser.add_argument("--items", type=Path, default=SHARED / "benchmarks/dev/questions.jsonl.gz")
    parser.add_argument("--size", type=int, default=0)
    options = parser.parse_args()
    if not options.folder.exists() or not options.items.exists():
        sys.exit("needs ../shared (the project's data folder beside the checkout), or FOLDER and --items")
    if options.size:
        size_of_index(read(options.items), options.size)
    else:
        measure(read(options.folder / "docs.jsonl.gz"), read(options.items))


if __name__ == "__main__":
    main()
