"""Reader: tokens/s of one process, start-up and seek over many small shards, and whether memory stays flat.

    python tests/quality/bench_reader.py --shards 10000 --json

Writes synthetic runs of random ids into a temporary folder. Peers run where they are installed: HF datasets streaming
the same Parquet files, mosaicml-streaming an MDS export of the same samples.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa

from blends.export import export
from blends.manifest import build_manifest
from blends.manifest_types import ManifestInput, PhaseEntry, RecipeEntry
from blends.reader import TokenDataset
from blends.shards import IDS_TYPE, keyed_schema, shard_of, shuffle_key, write_token_shard
from blends.tokenizer import TokenizerIdentity
from pipeline.io.commit import canonical_json, digest
from pipeline.stage import Counters

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "blends"))
from torch_support import import_streaming

IDENTITY = TokenizerIdentity("random", "0" * 64, 100_000, 0, "</s>", None)
LENGTH = 4096


def make_run(run: Path, shards: int, documents: int, tokens: int) -> Path:
    """A run of `shards` shards with about documents/shards rows each, every row `tokens` random ids and EOS."""
    chance = np.random.default_rng(0)
    ids = [f"{i:032x}" for i in range(documents)]
    placed: list[list[tuple[int, str]]] = [[] for _ in range(shards)]
    for key, doc_id in sorted((shuffle_key(0, doc_id), doc_id) for doc_id in ids):
        placed[shard_of(key, shards)].append((key, doc_id))
    entries = [
        write_token_shard(run / "shards", i, shards, iter(_batches(rows, tokens, chance)), IDENTITY)
        for i, rows in enumerate(placed)
    ]
    counters = Counters(rows_in=documents, rows_out=documents)
    counters.tallies.update({"tokens:prose": documents * tokens, "tokens:eos": documents})
    recipe = RecipeEntry("bench", digest({}), {})
    phases = [PhaseEntry("tokens", "0" * 64, counters)]
    content = canonical_json(build_manifest(ManifestInput(entries, IDENTITY, 0, 1, recipe, [], phases, [], {})))
    (run / "manifest.json").write_bytes(content)
    (run / "_SUCCESS").write_text(hashlib.sha256(content).hexdigest() + "\n")
    return run


def _batches(rows: list[tuple[int, str]], tokens: int, chance: np.random.Generator) -> list[pa.RecordBatch]:
    count = len(rows)
    if not count:
        return []
    values = chance.integers(1, 100_000, (count, tokens + 1), dtype=np.int32)
    values[:, -1] = 0
    offsets = np.arange(count + 1, dtype=np.int32) * (tokens + 1)
    text = pa.array([doc_id for _, doc_id in rows], pa.string())
    columns = [
        pa.array([key for key, _ in rows], pa.uint64()),
        text,
        pa.ListArray.from_arrays(pa.array(offsets), pa.array(values.ravel()), type=IDS_TYPE),
        pa.array(np.full(count, tokens + 1, np.int32)),
        *(pa.array(["bench"] * count, pa.string()) for _ in range(3)),
        pa.array(np.zeros(count, np.float32)),
        text,
    ]
    return [pa.RecordBatch.from_arrays(columns, schema=keyed_schema(IDENTITY))]


def timed(work: Callable[[], object]) -> tuple[float, object]:
    began = time.perf_counter()
    found = work()
    return time.perf_counter() - began, found


def rate(rows: Iterator[object], tokens_of: Callable[[object], int]) -> float:
    """Million tokens per CPU second over all rows: what others do on the machine does not count."""
    began = time.process_time()
    tokens = sum(tokens_of(row) for row in rows)
    return tokens / (time.process_time() - began) / 1e6


def ours(run: Path, *, boundaries: bool = False) -> float:
    dataset = TokenDataset(run, sequence_length=LENGTH, boundaries=boundaries)
    return rate(iter(dataset), lambda row: len(row["input_ids"]))  # type: ignore[index]


def hf(run: Path) -> float:
    from datasets import load_dataset

    files = sorted(map(str, (run / "shards").glob("*.parquet")))
    rows = load_dataset("parquet", data_files=files, split="train", streaming=True, columns=["input_ids"])
    return rate(iter(rows.with_format("numpy")), lambda row: len(row["input_ids"]))  # type: ignore[index]


def mosaic(run: Path, folder: Path) -> float:
    from streaming import StreamingDataset

    export(run, "mds", folder / "mds")  # once: a finished export is left as it is
    data = StreamingDataset(local=str(folder / "mds"), shuffle=False, batch_size=1)
    return rate(iter(data), lambda row: len(row["tokens"]))  # type: ignore[index]


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def speeds(run: Path, folder: Path, rounds: int) -> dict[str, float]:
    """Million tokens per CPU second, medians of alternating rounds, and how many times as fast as the peers we are."""
    readers: dict[str, Callable[[], float]] = {"ours": lambda: ours(run)}
    readers["ours_boundaries"] = lambda: ours(run, boundaries=True)
    if installed("datasets"):
        readers["hf_streaming"] = lambda: hf(run)
    if installed("streaming"):
        readers["mosaicml_streaming"] = lambda: mosaic(run, folder)
    measured: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(rounds):
        for name, read in readers.items():
            measured[name].append(read())
    median = {name: statistics.median(values) for name, values in measured.items()}
    ratios = {f"ours_times_{name}": median["ours"] / value for name, value in median.items() if "ours" not in name}
    return {f"{name}_mtok_per_cpu_s": value for name, value in median.items()} | ratios


def installed(name: str) -> bool:
    """Whether a peer can be imported; mosaicml-streaming may need the support of the torch tests."""
    if not find_spec(name):
        return False
    try:
        import_streaming() if name == "streaming" else import_module(name)
    except Exception as error:  # noqa: BLE001 - a peer may fail in its own ways; it is left out by name
        sys.stderr.write(f"{name} left out: {error}\n")
        return False
    return True


def measure(shards: int, folder: Path, rounds: int, documents: int) -> dict[str, float]:
    big = make_run(folder / "big", 8, documents, 1_023)
    found: dict[str, float] = {}
    first = TokenDataset(big, sequence_length=LENGTH, epoch=0)
    sum(1 for _ in first)
    after_one = peak_mib()
    first.set_epoch(1)
    sum(1 for _ in first)
    found["peak_mib_growth_second_pass"] = peak_mib() - after_one
    found["peak_mib"] = after_one
    found |= speeds(big, folder, rounds)
    many = make_run(folder / "many", shards, shards * 4, 127)
    found["shards"] = shards
    cpu = time.process_time()
    found["start_s"], dataset = timed(lambda: TokenDataset(many, sequence_length=64))
    found["start_cpu_s"], cpu = time.process_time() - cpu, time.process_time()
    state = dataset.state_dict(dataset.samples // 2)  # type: ignore[attr-defined]
    found["middle_s"], _ = timed(lambda: next(iter(TokenDataset(many, sequence_length=64, state=state))))
    found["middle_cpu_s"] = time.process_time() - cpu
    return {key: round(value, 3) for key, value in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", type=int, default=1000)
    parser.add_argument("--documents", type=int, default=32_000, help="of 1,024 tokens, for the speeds")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(arguments.shards, Path(folder), arguments.rounds, arguments.documents)
    text = json.dumps(found) if arguments.json else "\n".join(f"{key:<32}{value:>12}" for key, value in found.items())
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
