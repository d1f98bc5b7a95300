"""The index of benchmark items that every worker holds: built once, stored as Parquet, broadcast as flat arrays.

An item is proposed by *seeds*, rare stretches of its words: n-grams of all words (pass 1), and pairs of neighbouring
content words with function words left out (pass 2, skip-grams, which survive a light paraphrase). A seed that more than
`max_items_per_seed` items share proposes nothing. Whether an item is there is decided on the words (`decontaminate`).

Memory per item of the dev benchmarks is printed by tests/quality/bench_decontaminate.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedup.item_words import COMMON, NUMBER, WORD, Spans, fold, kinds, places
from pipeline.text.words import U64, mix, ngrams

ITEM_SCHEMA = pa.schema([("item_id", pa.string()), ("benchmark", pa.string()), ("text", pa.string())])
SEED_SCHEMA = pa.schema([("seed", pa.uint64()), ("item", pa.int32()), ("place", pa.int32())])
WORD_SCHEMA = pa.schema([("word", pa.uint64()), ("weight", pa.float32())])
COMMON_SHARE = 0.25  # a function word weighs this much of what its rarity says
ITEM_CACHE = 4_096
SIEVE_PER_SEED, MAX_SIEVE_BITS = 4, 27  # bytes; at most 128 MiB
_ONE = np.uint64(1)  # the lowest bit of a seed tells its pass


@dataclass(frozen=True, slots=True)
class IndexConfig:
    """`n` words per seed; an item of fewer than `min_words` words says too little to be looked for."""

    n: int = 5
    min_words: int = 4
    dense_words: int = 24  # longer items have every third n-gram only
    stride: int = 3
    max_items_per_seed: int = 64


class Item(NamedTuple):
    """One benchmark item as words."""

    text: str
    hashes: U64
    spans: Spans  # of the words in the text
    weights: NDArray[np.float64]  # rarity of the words
    rarest: float  # weight of a word that no other item has


class Hits(NamedTuple):
    """Seeds of a text found in the index, parallel arrays."""

    at: NDArray[np.int64]  # word number in the text
    item: NDArray[np.int32]
    place: NDArray[np.int32]  # word number in the item
    exact: NDArray[np.int64]  # 1 for seeds of pass 1, 0 for pass 2


@dataclass(frozen=True, slots=True, eq=False)
class ItemIndex:
    """Sorted distinct seeds; postings of seed i are rows starts[i]:starts[i + 1] of `item` and `place`."""

    items: pa.Table
    seeds: U64
    starts: NDArray[np.int64]
    item: NDArray[np.int32]
    place: NDArray[np.int32]
    vocabulary: U64
    weight: NDArray[np.float32]
    seeds_of: NDArray[np.int64]  # seeds of each item by pass, shape (items, 2), exact ones in column 1
    sizes: NDArray[np.int32]  # of each item in words, up to its last seed
    sieve: NDArray[np.bool_]  # by the upper bits of a seed: False where the index has none such
    config: IndexConfig

    @property
    def nbytes(self) -> int:
        postings = self.seeds.nbytes + self.starts.nbytes + self.item.nbytes + self.place.nbytes
        rest = self.vocabulary.nbytes + self.weight.nbytes + self.seeds_of.nbytes + self.sizes.nbytes
        return int(postings + rest + self.sieve.nbytes + self.items.nbytes)

    def hits(self, hashes: U64) -> Hits:
        """Every seed of a text that is in the index."""
        parts = [
            self._looked_up(_exact_seeds(hashes, n), np.arange(max(0, len(hashes) - n + 1)))
            for n in range(self.config.min_words, self.config.n + 1)
        ]
        pairs, at = _pair_seeds(hashes)
        parts.append(self._looked_up(pairs, at))
        return Hits(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def _looked_up(self, seeds: U64, at: NDArray[np.int64]) -> Hits:
        likely = np.flatnonzero(self.sieve[seeds >> _shift(self.sieve)])
        found = np.searchsorted(self.seeds, seeds[likely])
        same = np.flatnonzero(found < len(self.seeds))
        same = same[self.seeds[found[same]] == seeds[likely[same]]]
        known, found = likely[same], found[same]
        begin = self.starts[found]
        counts = self.starts[found + 1] - begin
        rows = np.repeat(begin - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
        where = np.repeat(at[known], counts)
        exact = np.repeat((seeds[known] & _ONE).astype(np.int64), counts)
        return Hits(where, self.item[rows], self.place[rows], exact)


def build_index(items: pa.Table, config: IndexConfig) -> tuple[pa.Table, pa.Table, pa.Table, int]:
    """(items, seeds, words, items too short) for a table with ITEM_SCHEMA; the three tables are what is broadcast.

    The order of items decides nothing but the numbers they get.
    """
    folded = [fold(text or "").hashes for text in items["text"].to_pylist()]
    words = _weighted_words(folded)
    found = [_item_seeds(hashes, config) for hashes in folded]
    sizes = [len(seeds) for seeds, _ in found]
    seeds = np.concatenate([np.empty(0, np.uint64), *(part for part, _ in found)])
    place = np.concatenate([np.empty(0, np.int64), *(part for _, part in found)]).astype(np.int32)
    item = np.repeat(np.arange(len(found), dtype=np.int32), sizes)
    order = np.lexsort((place, item, seeds))
    seeds, place, item = seeds[order], place[order], item[order]
    _, inverse, counts = np.unique(seeds, return_inverse=True, return_counts=True)
    kept = counts[inverse] <= config.max_items_per_seed
    table = pa.table([seeds[kept], item[kept], place[kept]], schema=SEED_SCHEMA)
    return items.select(ITEM_SCHEMA.names).cast(ITEM_SCHEMA), table, words, sum(size == 0 for size in sizes)


def load_index(items: pa.Table, seeds: pa.Table, words: pa.Table, config: IndexConfig) -> ItemIndex:
    """The index from the tables that `build_index` gave."""
    values, first = np.unique(seeds["seed"].to_numpy(), return_index=True)
    starts = np.append(first, seeds.num_rows).astype(np.int64)
    item, place, seed = (seeds[name].to_numpy() for name in ("item", "place", "seed"))
    by_pass = 2 * item.astype(np.int64) + (seed & _ONE).astype(np.int64)
    seeds_of = np.bincount(by_pass, minlength=2 * items.num_rows).reshape(-1, 2)
    vocabulary, weight = words["word"].to_numpy(), words["weight"].to_numpy()
    sizes = np.zeros(items.num_rows, np.int32)
    np.maximum.at(sizes, item, place + config.n)
    sieve = np.zeros(1 << min(MAX_SIEVE_BITS, int(SIEVE_PER_SEED * len(values)).bit_length() + 1), np.bool_)
    sieve[values >> _shift(sieve)] = True
    return ItemIndex(items, values, starts, item, place, vocabulary, weight, seeds_of, sizes, sieve, config)


def _shift(sieve: NDArray[np.bool_]) -> np.uint64:
    return np.uint64(65 - len(sieve).bit_length())


def item_of(index: ItemIndex, number: int) -> Item:
    """The words of one item; cached, since few items account for most candidates."""
    return _read_item(index, number)


@lru_cache(maxsize=ITEM_CACHE)
def _read_item(index: ItemIndex, number: int) -> Item:
    text = index.items["text"][number].as_py()
    hashes, raw = fold(text)
    weights = index.weight[np.searchsorted(index.vocabulary, hashes)].astype(np.float64)
    return Item(text, hashes, places(text)[raw], weights, float(np.log1p(index.items.num_rows)))


def _weighted_words(folded: Sequence[U64]) -> pa.Table:
    """Each distinct word with its rarity among the items, log(1 + items / items with it)."""
    distinct = np.concatenate([np.empty(0, np.uint64), *(np.unique(hashes) for hashes in folded)])
    words, counts = np.unique(distinct, return_counts=True)
    weights = np.log1p(len(folded) / counts) * np.where(kinds(words) == COMMON, COMMON_SHARE, 1.0)
    return pa.table([words, weights.astype(np.float32)], schema=WORD_SCHEMA)


def _item_seeds(hashes: U64, config: IndexConfig) -> tuple[U64, NDArray[np.int64]]:
    if len(hashes) < config.min_words:
        return np.empty(0, np.uint64), np.empty(0, np.int64)
    exact = _exact_seeds(hashes, min(config.n, len(hashes)))
    at = np.arange(0, len(exact), 1 if len(hashes) <= config.dense_words else config.stride)
    pairs, pairs_at = _pair_seeds(hashes)
    return np.concatenate([exact[at], pairs]), np.concatenate([at, pairs_at])


def _exact_seeds(hashes: U64, n: int) -> U64:
    return mix(ngrams(hashes, n) ^ np.uint64(n)) | _ONE


def _pair_seeds(hashes: U64) -> tuple[U64, NDArray[np.int64]]:
    """Seeds of neighbouring content words, and where the first of each stands."""
    kind = kinds(hashes)
    at = np.flatnonzero((kind == WORD) | (kind == NUMBER))
    return mix(ngrams(hashes[at], 2)) & ~_ONE, at[: max(0, len(at) - 1)]
