"""MinHash signatures and their LSH band keys, vectorised over a batch of documents (Broder 1997; Indyk, Motwani 1998).

A pair of Jaccard similarity s shares at least one of b bands of r rows with probability 1 - (1 - s^r)^b. MinHash only
proposes: nothing is removed before `dedup.verify` has compared the texts.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedup.rank import RANK_FIELDS, rank_columns
from pipeline.text.words import U64, char_hashes, mix, ngrams, normalise, text_hashes

PROPOSAL_SCHEMA = pa.schema([("key", pa.uint64()), *RANK_FIELDS])
CHUNK_SHINGLES = 1 << 15  # 256 KiB per buffer: stays in the second-level cache


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


def signature_rows(docs: pa.RecordBatch, config: MinHashConfig, tallies: Counter[str] | None = None) -> pa.RecordBatch:
    """PROPOSAL_SCHEMA rows, `config.bands` per document; a document without a shingle has none and is tallied."""
    texts = docs.column("text").to_pylist()
    units = text_hashes if config.unit == "word" else lambda text: char_hashes(normalise(text))
    grams = [ngrams(units(text or ""), config.n) for text in texts]
    if tallies is not None:
        tallies["minhash:too_short"] += sum(not len(gram) for gram in grams)
    return proposal_rows(docs, *band_keys_of(grams, config))


def band_keys_of(grams: list[U64], config: MinHashConfig) -> tuple[U64, NDArray[np.int64]]:
    """(keys, index into `grams` of each key): `config.bands` keys per non-empty shingle array."""
    signed = np.array([index for index, gram in enumerate(grams) if len(gram)], np.int64)
    matrix = signatures([grams[index] for index in signed], config)
    shaped = matrix.reshape(len(signed), config.bands, config.rows)
    keys = np.empty((len(signed), config.bands), np.uint64)
    for band in range(config.bands):
        keys[:, band] = _fold(shaped[:, band], band + 1)
    return keys.reshape(-1), np.repeat(signed, config.bands)


def signatures(grams: list[U64], config: MinHashConfig) -> U64:
    """MinHash values of non-empty shingle arrays, shape (len(grams), bands * rows)."""
    hashes = config.bands * config.rows
    out = np.full((len(grams), hashes), np.iinfo(np.uint64).max, np.uint64)
    first = 0
    while first < len(grams):
        last = _chunk_end(grams, first)
        if last == first:  # one document larger than a chunk
            _fill_long(out[first], grams[first], config)
            last = first + 1
        else:
            _fill(out[first:last], grams[first:last], config)
        first = last
    return out


def proposal_rows(docs: pa.RecordBatch, keys: U64, owners: NDArray[np.int64]) -> pa.RecordBatch:
    """PROPOSAL_SCHEMA rows from keys and the row of `docs` that each belongs to."""
    ranks = pa.RecordBatch.from_arrays(rank_columns(docs), schema=pa.schema(RANK_FIELDS)).take(pa.array(owners))
    return pa.RecordBatch.from_arrays([pa.array(keys, pa.uint64()), *ranks.columns], schema=PROPOSAL_SCHEMA)


def _chunk_end(grams: list[U64], first: int) -> int:
    size, last = 0, first
    while last < len(grams) and size + len(grams[last]) <= CHUNK_SHINGLES:
        size += len(grams[last])
        last += 1
    return last


def _fill(out: U64, grams: list[U64], config: MinHashConfig) -> None:
    multipliers, addends = _family(config.bands * config.rows, config.seed)
    flat = np.concatenate(grams)
    starts = np.cumsum([0, *map(len, grams[:-1])])
    buffer = np.empty_like(flat)
    for index in range(len(multipliers)):
        np.multiply(flat, multipliers[index], out=buffer)
        np.add(buffer, addends[index], out=buffer)
        out[:, index] = np.minimum.reduceat(buffer, starts)


def _fill_long(out: U64, gram: U64, config: MinHashConfig) -> None:
    part = np.empty((1, len(out)), np.uint64)
    for start in range(0, len(gram), CHUNK_SHINGLES):
        _fill(part, [gram[start : start + CHUNK_SHINGLES]], config)
        np.minimum(out, part[0], out=out)


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
