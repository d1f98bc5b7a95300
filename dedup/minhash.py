"""MinHash signatures and their LSH band keys, vectorised over a batch of documents (Broder 1997; Indyk, Motwani 1998).

A pair of Jaccard similarity s shares at least one of b bands of r rows with probability 1 - (1 - s^r)^b. MinHash only
proposes: nothing is removed before `dedup.verify` has compared the texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedup.rank import RANK_FIELDS, rank_columns
from pipeline.text.sketch import U64, minima, mix

PROPOSAL_SCHEMA = pa.schema([("key", pa.uint64()), *RANK_FIELDS])


@dataclass(frozen=True, slots=True)
class MinHashConfig:
    """bands x rows hash values of n-grams; `unit` is "word" or "char"; `seed` picks the hash family."""

    bands: int = 14
    rows: int = 8
    n: int = 5
    unit: str = "word"
    seed: int = 1

    def probability(self, similarity: float) -> float:
        """Probability that a pair of this Jaccard similarity is proposed."""
        return float(1.0 - (1.0 - similarity**self.rows) ** self.bands)

    @property
    def threshold(self) -> float:
        """Similarity around which the probability rises: (1/b)^(1/r)."""
        return float((1.0 / self.bands) ** (1.0 / self.rows))


PRESETS = {
    "fineweb": MinHashConfig(),
    "nemotron": MinHashConfig(bands=20, rows=13, n=24, unit="char"),
}


def derive(threshold: float, hashes: int = 112, *, n: int = 5, unit: str = "word") -> MinHashConfig:
    """The bands x rows <= hashes with the least area of false proposals plus missed pairs around a threshold.

    Both errors are integrated over similarity with equal weight, as in datasketch's LSH.
    """
    if not 0.0 < threshold < 1.0:
        raise ValueError(f"threshold {threshold} is not between 0 and 1")
    shapes = [(hashes // rows, rows) for rows in range(1, hashes + 1)]
    bands, rows = min(shapes, key=lambda shape: (_error(shape[0], shape[1], threshold), shape))
    return MinHashConfig(bands=bands, rows=rows, n=n, unit=unit)


def band_keys_of(units: Sequence[U64], config: MinHashConfig) -> tuple[U64, NDArray[np.int64]]:
    """(keys, index into `units` of each key): `config.bands` keys per sequence of words that has a shingle."""
    signed = np.array([index for index, words in enumerate(units) if len(words) >= config.n], np.int64)
    shaped = signatures([units[index] for index in signed], config).reshape(len(signed), config.bands, config.rows)
    keys = np.empty((len(signed), config.bands), np.uint64)
    for band in range(config.bands):
        keys[:, band] = _fold(shaped[:, band], band + 1)
    return keys.reshape(-1), np.repeat(signed, config.bands)


def signatures(units: Sequence[U64], config: MinHashConfig) -> U64:
    """MinHash values of sequences of words, shape (len(units), bands * rows)."""
    hashes = config.bands * config.rows
    family = _family(hashes, config.seed)
    return np.array([minima(words, config.n, *family) for words in units], np.uint64).reshape(len(units), hashes)


def proposal_rows(docs: pa.RecordBatch, keys: U64, owners: NDArray[np.int64]) -> pa.RecordBatch:
    """PROPOSAL_SCHEMA rows from keys and the row of `docs` that each belongs to."""
    ranks = pa.RecordBatch.from_arrays(rank_columns(docs), schema=pa.schema(RANK_FIELDS)).take(pa.array(owners))
    return pa.RecordBatch.from_arrays([pa.array(keys, pa.uint64()), *ranks.columns], schema=PROPOSAL_SCHEMA)


@lru_cache(maxsize=8)
def _family(hashes: int, seed: int) -> tuple[U64, U64]:
    """Odd multipliers and addends: x -> a x + b is a bijection modulo 2^64; shingles arrive already mixed."""
    stream = mix(np.arange(1, 2 * hashes + 1, dtype=np.uint64) + np.uint64(seed << 32))
    return stream[:hashes] | np.uint64(1), stream[hashes:]


def _fold(matrix: U64, salt: int) -> U64:
    """64-bit hash of each row together with the band's number."""
    total = np.full(len(matrix), salt, np.uint64)
    for column in range(matrix.shape[1]):
        total = mix(total + matrix[:, column])
    return total


def _error(bands: int, rows: int, threshold: float) -> float:
    below, above = np.linspace(0.0, threshold, 101), np.linspace(threshold, 1.0, 101)
    false_proposals = np.mean(1.0 - (1.0 - below**rows) ** bands) * threshold
    missed = np.mean((1.0 - above**rows) ** bands) * (1.0 - threshold)
    return float(false_proposals + missed)
