"""Both proposal channels from one normalisation and one word list: what the map step of the fuzzy phase runs."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa

from dedup.containment import ContainmentConfig, containment_keys
from dedup.minhash import MinHashConfig, band_keys_of, proposal_rows
from pipeline.text.words import char_hashes, normalise, text_hashes


def proposals(
    docs: pa.RecordBatch,
    minhash: MinHashConfig,
    containment: ContainmentConfig,
    tallies: Counter[str] | None = None,
) -> pa.RecordBatch:
    """PROPOSAL_SCHEMA rows of both channels for a batch with `id`, `text` and what rank needs.

    A document too short for a channel has no row there and is tallied: `minhash:too_short`, `containment:too_short`.
    """
    counts = Counter[str]() if tallies is None else tallies
    texts = docs.column("text").to_pylist()
    words = [text_hashes(text or "") for text in texts]
    units = words if minhash.unit == "word" else [char_hashes(normalise(text or "")) for text in texts]
    sketches = [containment_keys(found, containment) for found in words]
    keys, owners = band_keys_of(units, minhash)
    sizes = np.fromiter(map(len, sketches), np.int64, len(sketches))
    counts["minhash:too_short"] += len(texts) - len(keys) // minhash.bands
    counts["containment:too_short"] += int((sizes == 0).sum())
    all_keys = np.concatenate([keys, *sketches])
    all_owners = np.concatenate([owners, np.repeat(np.arange(len(sketches)), sizes)])
    return proposal_rows(docs, all_keys, all_owners)
