"""datatrove's MinHash as a peer: the clusters that its stages find in documents, by transitive closure, unverified."""

from __future__ import annotations

import json
import struct
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def clusters(docs: list[dict[str, Any]]) -> dict[str, str]:
    """The cluster of every document that has a duplicate, by id; 14 x 8 hashes of word 5-grams, as FineWeb.

    sha1 instead of its default xxhash: datatrove 0.10 passes strings, which xxhash 4 refuses.
    """
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import minhash as peer
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.utils.hashing import HashConfig

    if find_spec("spacy") is None:  # its default tokenizer
        peer.load_word_tokenizer = lambda _: type("Split", (), {"word_tokenize": lambda _, text: text.split()})()
    config = peer.MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8, hash_config=HashConfig(64, "sha1"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = (json.dumps({"id": doc["id"], "text": doc["text"]}) + "\n" for doc in docs)
        (folder / "in.jsonl").write_text("".join(lines), encoding="utf-8")
        read = JsonlReader(name, glob_pattern="in.jsonl")
        signed, buckets, found = (str(folder / stage) for stage in ("signatures", "buckets", "clusters"))
        stages = [
            [read, peer.MinhashDedupSignature(output_folder=signed, config=config)],
            [peer.MinhashDedupBuckets(signed, buckets, config=config)],
            [peer.MinhashDedupCluster(buckets, found, config=config, save_cluster_id=True)],
        ]
        for number, stage in enumerate(stages):
            tasks = config.num_buckets if number == 1 else 1
            logs = str(folder / f"log{number}")
            LocalPipelineExecutor(stage, tasks=tasks, workers=1, logging_dir=logs).run()
        rows = struct.iter_unpack("<2I", (Path(found) / "000000.clusters").read_bytes())
        return {docs[row]["id"]: f"cluster {cluster}" for row, cluster in rows}
