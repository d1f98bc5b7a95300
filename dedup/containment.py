"""The second proposal channel, for copies of which one holds more: truncated, wrapped in other boilerplate, quoted.

Jaccard similarity, hence MinHash, sees such pairs badly. Here each document is known by its `keys` smallest hashes of
long n-grams (a bottom-k sketch, Broder 1997). If A is a part of B, each of B's k smallest is in A with probability
|A|/|B|, and then it is among A's k smallest as well: with a share c the pair is missed with probability (1 - c)^k.
The number of keys per document is bounded whatever its length.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from dedup.minhash import proposal_rows
from pipeline.text.sketch import smallest
from pipeline.text.words import text_hashes


@dataclass(frozen=True, slots=True)
class ContainmentConfig:
    """`keys` smallest hashes of word n-grams; long n-grams, so that common phrases propose nothing."""

    keys: int = 16
    n: int = 8


def containment_rows(
    docs: pa.RecordBatch, config: ContainmentConfig, tallies: Counter[str] | None = None
) -> pa.RecordBatch:
    """PROPOSAL_SCHEMA rows, at most `config.keys` per document; documents without an n-gram are tallied."""
    texts = docs.column("text").to_pylist()
    found = [smallest(text_hashes(text or ""), config.n, config.keys) for text in texts]
    sizes = np.fromiter(map(len, found), np.int64, len(found))
    if tallies is not None:
        tallies["containment:too_short"] += int((sizes == 0).sum())
    keys = np.concatenate([np.empty(0, np.uint64), *found])
    return proposal_rows(docs, keys, np.repeat(np.arange(len(found)), sizes))
