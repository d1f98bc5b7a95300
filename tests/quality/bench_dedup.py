"""Measure dedup on labelled pairs: proposal and verification apart, by kind, beside plain MinHash closure.

Run: python tests/quality/bench_dedup.py [FOLDER] [--speed]; FOLDER holds docs.jsonl.gz and pairs.jsonl.gz as in
../shared/data/neardup2/dev. A pair is merged if both documents end at the same survivor through removed_id -> kept_id.
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from peer_datatrove import clusters

from dedup.audit import AUDIT_SCHEMA, cluster_ids
from dedup.components import components
from dedup.containment import ContainmentConfig, containment_keys
from dedup.lsh import EDGE_SCHEMA, LSH_SORT, star_edges
from dedup.minhash import MinHashConfig, band_keys_of, proposal_rows
from dedup.propose import proposals
from dedup.verify import VerifyConfig, verify
from pipeline.text.words import U64, text_hashes

SHARED = Path(__file__).resolve().parents[2] / "../shared"
PASSES = 3
CERTAIN_KINDS = ("truncated_70", "boilerplate_wrap", "rewrapped_unicode", "mirror_constructed", "printer_friendly")


def read(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def sort(table: pa.Table, columns: tuple[str, ...]) -> pa.Table:
    return table.sort_by([(name, "ascending") for name in columns]).combine_chunks()


def batch_of(docs: list[dict[str, Any]]) -> pa.RecordBatch:
    columns = {name: pa.array([doc[name] for doc in docs], pa.string()) for name in ("id", "text")}
    return pa.RecordBatch.from_pydict(columns)


def audit_of(path: Path) -> pa.Table:
    """AUDIT_SCHEMA rows of `warcmill dedup` of a file."""
    with tempfile.TemporaryDirectory() as run:
        command = [sys.executable, "-m", "pipeline.cli", "dedup", str(path), "-o", run, "--workers", "1"]
        subprocess.run([*command, "--max-source-loss", "1"], check=True, capture_output=True)
        entries = json.loads((Path(run) / "manifest.json").read_bytes())["audit"]
        return pa.concat_tables(pq.read_table(Path(run) / entry["path"]).cast(AUDIT_SCHEMA) for entry in entries)


def edges_of(rows: pa.RecordBatch, tallies: Counter[str]) -> pa.Table:
    ordered = sort(pa.Table.from_batches([rows]), LSH_SORT)
    return pa.Table.from_batches(star_edges(iter(ordered.to_batches(4096)), tallies=tallies), EDGE_SCHEMA)


def closure(docs: pa.RecordBatch, edges: pa.Table) -> dict[str, str]:
    found = components(edges)
    return dict(zip(found["id"].to_pylist(), found["root"].to_pylist(), strict=True))


def merged(cluster: dict[str, str], pair: dict[str, Any]) -> bool:
    a, b = (cluster.get(pair[end], pair[end]) for end in "ab")
    return a == b


def as_dict(audit: pa.Table) -> dict[str, str]:
    table = cluster_ids(audit)
    return dict(zip(table["id"].to_pylist(), table["cluster_id"].to_pylist(), strict=True))


def measure(folder: Path) -> None:
    docs, pairs = read(folder / "docs.jsonl.gz"), read(folder / "pairs.jsonl.gz")
    texts = {doc["id"]: doc["text"] for doc in docs}
    everything, tallies = batch_of(docs), Counter[str]()
    audit = audit_of(folder / "docs.jsonl.gz")
    exact = audit.filter(pc.equal(audit["rule"], "exact"))
    gone = set(exact["removed_id"].to_pylist())
    rest = batch_of([doc for doc in docs if doc["id"] not in gone])
    edges = edges_of(proposals(rest, MinHashConfig(), ContainmentConfig(), tallies), tallies)
    plain_edges = edges_of(proposal_rows(rest, *band_keys_of(hashes_of(rest), MinHashConfig())), Counter())
    exact_ids = as_dict(exact)
    both, plain = closure(rest, edges), closure(rest, plain_edges)
    ways = {
        "component": {i: both.get(exact_ids.get(i, i), exact_ids.get(i, i)) for i in texts},
        "closure": {i: plain.get(exact_ids.get(i, i), exact_ids.get(i, i)) for i in texts},
        **({"datatrove": clusters(docs)} if find_spec("datatrove") else {}),
        "dedup": as_dict(audit),
    }
    units = hashes_of(everything)
    bands, owners = band_keys_of(units, MinHashConfig())
    names = everything.column("id").to_pylist()
    keys = {
        "minhash": {name: set(bands[owners == n].tolist()) for n, name in enumerate(names)},
        "contain": {
            name: set(containment_keys(words, ContainmentConfig()).tolist())
            for name, words in zip(names, units, strict=True)
        },
    }
    report(pairs, texts, ways, keys)
    print(json.dumps(dict(sorted(tallies.items()))))


def hashes_of(docs: pa.RecordBatch) -> list[U64]:
    return [text_hashes(text) for text in docs.column("text").to_pylist()]


def labelled(pairs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A set without labels is judged by its own Jaccard values."""
    if "label" in pairs[0]:
        return pairs
    return [
        {**pair, "label": int(pair["jaccard5"] >= 0.8), "kind": "by Jaccard", "jaccard_w5": pair["jaccard5"]}
        for pair in pairs
    ]


def call(pair: dict[str, Any], texts: dict[str, str], ways: dict[str, Any], keys: dict[str, Any]) -> dict[str, bool]:
    a, b = pair["a"], pair["b"]
    proposed = {name: not of[a].isdisjoint(of[b]) for name, of in keys.items()}
    called = {name: merged(way, pair) for name, way in ways.items()}
    return {**proposed, **called, "verify": verify(texts[a], texts[b], VerifyConfig()).same}


def groups_of(pair: dict[str, Any]) -> list[str]:
    kind = pair["kind"]
    if pair["label"]:
        certain = pair["jaccard_w5"] >= 0.8 or kind in CERTAIN_KINDS
        return [
            f"same {kind}",
            "SAME all",
            *(["SAME w5 >= 0.8 or truncated, wrapped, mirrored, printed"] if certain else []),
        ]
    if "licence" in kind:
        return [f"different {kind}"]
    item = kind.startswith(("exercise", "worksheet"))
    return [f"different {kind}", "DIFFERENT but licences", *(["DIFFERENT exercises and worksheets"] if item else [])]


def report(pairs: list[dict[str, Any]], texts: dict[str, str], ways: dict[str, Any], keys: dict[str, Any]) -> None:
    """Share of pairs each way calls one document, by label and kind.

    minhash, contain: proposed by a shared bucket. component, closure, datatrove: connected by both channels, by MinHash
    alone, by datatrove's MinHash, with nothing verified. dedup: the whole. verify: the pair alone, as if proposed.
    """
    groups: dict[str, list[dict[str, bool]]] = defaultdict(list)
    for pair in labelled(pairs):
        found = call(pair, texts, ways, keys)
        for group in groups_of(pair):
            groups[group].append(found)
    names = list(found)
    print(f"{'share called one document':58}{'pairs':>6}" + "".join(f"{name:>11}" for name in names))
    for group, rows in sorted(groups.items()):
        print(
            f"{group:58}{len(rows):6}"
            + "".join(f"{sum(row[name] for row in rows) / len(rows):11.3f}" for name in names)
        )


def speed(folder: Path) -> None:
    """Documents per second of one core, raw text to signature, in PASSES passes that take turns: median and range."""
    docs = read(folder / "docs.jsonl.gz")
    batch = batch_of(docs)
    ways = {
        "minhash": lambda: timed(len(docs), lambda: band_keys_of(hashes_of(batch), MinHashConfig())),
        "minhash + containment": lambda: timed(
            len(docs), lambda: proposals(batch, MinHashConfig(), ContainmentConfig())
        ),
        "datatrove minhash": lambda: datatrove_rate(docs),
        "rensa RMinHash": lambda: rensa_rate(docs),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(PASSES):
        for name, run in ways.items():
            rates[name].append(run())
    for name, found in rates.items():
        ratio = median(ours / other for ours, other in zip(rates["minhash"], found, strict=True))
        print(f"{name:24}{median(found):8.0f} docs/s ({min(found):.0f} to {max(found):.0f}); minhash has {ratio:.2f} x")


def timed(documents: int, run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return documents / (time.process_time() - start)


class SplitAtSpaces:
    """Stands in for datatrove's spaCy tokenizer where spaCy is not installed; it is faster, so the peer gains."""

    def word_tokenize(self, text: str) -> list[str]:
        return text.split()


def datatrove_rate(docs: list[dict[str, Any]]) -> float:
    """Documents per second of datatrove's signature step, text to signature, same shape (14 x 8, 5-grams, 64 bit).

    sha1 instead of its default xxhash: datatrove 0.10 passes strings, which xxhash 4 refuses.
    """
    from datatrove.pipeline.dedup import minhash as peer
    from datatrove.utils.hashing import HashConfig

    if find_spec("spacy") is None:
        peer.load_word_tokenizer = lambda _: SplitAtSpaces()
    config = peer.MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8, hash_config=HashConfig(64, "sha1"))
    with tempfile.TemporaryDirectory() as folder:
        step = peer.MinhashDedupSignature(output_folder=folder, config=config)
        start = time.process_time()
        for doc in docs:
            shingles = step.get_shingles(doc["text"])
            if shingles.size:
                step.get_signature(shingles)
        return len(docs) / (time.process_time() - start)


def rensa_rate(docs: list[dict[str, Any]]) -> float:
    """Documents per second of rensa (Rust), text to signature of 112 values: lowercased words split at whitespace."""
    from rensa import RMinHash

    start = time.process_time()
    for doc in docs:
        words = doc["text"].lower().split()
        signature = RMinHash(num_perm=112, seed=1)
        signature.update([" ".join(words[at : at + 5]) for at in range(len(words) - 4)])
        signature.digest()
    return len(docs) / (time.process_time() - start)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=SHARED / "data/neardup2/dev")
    parser.add_argument("--speed", action="store_true")
    args = parser.parse_args()
    if not args.folder.is_dir():
        print("needs ../shared (the project's data folder beside the checkout)", file=sys.stderr)
        return 1
    (speed if args.speed else measure)(args.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
