"""Numbers of a text's words: hashes, n-grams, MinHash minima, smallest n-grams, overlap. All modulo 2^64.

`ngrams`, `minima`, `smallest`, `shared` and `outline` define what c/sketch.h does several times faster.
"""

from __future__ import annotations

from hashlib import blake2b
from struct import iter_unpack

import numpy as np
from numpy.typing import NDArray

from pipeline.text.native import BUILT

U64 = NDArray[np.uint64]

HASHES_VERSION = 3  # of every hash here and of the words they are made from: keys on disk are kept with it
WORD_CACHE_SIZE = 1 << 20
MAX_SMALLEST = 256
LEAST_OUTLINE, MOST_OUTLINE = 8, 1 << 16  # bytes; of more values a larger share is said to be there
CHUNK_GRAMS = 1 << 15  # 256 KiB per buffer: stays in the second-level cache
_ODD = 0x9E3779B97F4A7C15
_LOW = (1 << 64) - 1
_CONTAINMENT = np.uint64(0xC0117A13)  # so that no key of one channel equals one of the other


def mix(values: U64) -> U64:
    """splitmix64's finaliser (Steele, Lea, Flood 2014): a bijection of 64-bit integers that spreads every bit."""
    out = values ^ (values >> np.uint64(30))
    out *= np.uint64(0xBF58476D1CE4E5B9)
    out ^= out >> np.uint64(27)
    out *= np.uint64(0x94D049BB133111EB)
    out ^= out >> np.uint64(31)
    return out


def word_hash(word: str) -> int:
    """64-bit hash of a word: its UTF-8 eight bytes at a time, each mixed in by splitmix64's finaliser."""
    data = word.encode("utf-8", "surrogatepass")
    total = _ODD
    for (chunk,) in iter_unpack("<Q", data + bytes(-len(data) % 8)):
        total ^= chunk
        total = ((total ^ total >> 30) * 0xBF58476D1CE4E5B9) & _LOW
        total = ((total ^ total >> 27) * 0x94D049BB133111EB) & _LOW
        total ^= total >> 31
    return total ^ (len(data) * _ODD & _LOW)


def word_hashes(items: list[str]) -> U64:
    """`word_hash` of each word."""
    if len(_CACHE) > WORD_CACHE_SIZE:
        _CACHE.clear()
    return np.fromiter(map(_CACHE.__getitem__, items), np.uint64, len(items))


def stable_hash(text: str) -> int:
    """64-bit blake2b of a string: for what must not collide by intent, such as ids."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def ngrams(units: U64, n: int) -> U64:
    """Hashes of the n-grams of a sequence of unit hashes, shape (max(0, len - n + 1),)."""
    if BUILT:
        return np.frombuffer(BUILT.ngrams(units, n), np.uint64)
    if len(units) < n:
        return np.empty(0, np.uint64)
    return mix(_polynomials(units, n))


def minima(units: U64, n: int, multipliers: U64, addends: U64) -> U64:
    """For each (a, b) the smallest a x + b modulo 2^64 over the n-grams x of `units`, 2^64 - 1 where there is none."""
    out = np.full(len(multipliers), _LOW, np.uint64)
    if BUILT:
        BUILT.minima(units, n, multipliers, addends, out)
        return out
    grams = ngrams(units, n)
    for first in range(0, len(grams), CHUNK_GRAMS):
        part = grams[first : first + CHUNK_GRAMS]
        buffer = np.empty_like(part)
        for index in range(len(multipliers)):
            np.multiply(part, multipliers[index], out=buffer)
            np.add(buffer, addends[index], out=buffer)
            out[index] = min(out[index], buffer.min())
    return out


def smallest(units: U64, n: int, count: int) -> U64:
    """The `count` smallest distinct hashes of n-grams, ascending; at most MAX_SMALLEST."""
    if count > MAX_SMALLEST:
        raise ValueError(f"{count} keys per document are more than {MAX_SMALLEST}")
    if BUILT:
        return np.frombuffer(BUILT.smallest(units, n, count), np.uint64)
    mixed = mix(ngrams(units, n) ^ _CONTAINMENT)
    if len(mixed) > 64 * count:  # evenly spread: about 8 * count of them are below the bound, repeats are rare
        head = np.unique(mixed[mixed < np.uint64((8 * count << 64) // len(mixed))])
        if len(head) >= count:
            return head[:count]
    return np.unique(mixed)[:count]


def shared(a: U64, b: U64) -> int:
    """Values that two ascending arrays have in common; one that repeats in both counts as often as in the poorer."""
    if BUILT:
        return int(BUILT.shared(a, b))
    values, places = np.unique(np.concatenate([a, b]), return_inverse=True)
    size = len(values)
    return int(
        np.minimum(np.bincount(places[: len(a)], minlength=size), np.bincount(places[len(a) :], minlength=size)).sum()
    )


def outline(values: U64) -> bytes:
    """A set of values in some 2 bytes for each, for `within`: a bit for every stretch of 2^64 in which one lies."""
    if BUILT:
        return bytes(BUILT.outline(values))
    size = LEAST_OUTLINE
    while size < MOST_OUTLINE and size < 2 * len(values):
        size *= 2
    bits = np.zeros(8 * size, np.uint8)
    bits[_stretches(values, size)] = 1
    return np.packbits(bits, bitorder="little").tobytes()


def within(values: U64, outlines: list[bytes]) -> list[int]:
    """For each outline how many of the values it may have: no fewer than it has, and a few more."""
    if BUILT:
        return list(BUILT.within(values, outlines))
    bits = (np.unpackbits(np.frombuffer(found, np.uint8), bitorder="little") for found in outlines)
    return [int(found[_stretches(values, len(found) // 8)].sum()) for found in bits]


def _stretches(values: U64, size: int) -> U64:
    """Which bit of an outline of so many bytes, a power of two, each value has."""
    return values >> np.uint64(64 - (8 * size - 1).bit_length())


def anchors(a: U64, b: U64, n: int) -> list[tuple[int, int]]:
    """(place in a, place in b) of the n-grams that occur once in either, by place in a; fewer than 2^32 units."""
    (left, left_at), (right, right_at) = (_once(ngrams(units, n)) for units in (a, b))
    _, left_index, right_index = np.intersect1d(left, right, assume_unique=True, return_indices=True)
    at_a, at_b = left_at[left_index], right_at[right_index]
    order = np.argsort(at_a)
    return list(zip(at_a[order].tolist(), at_b[order].tolist(), strict=True))


def _once(grams: U64) -> tuple[U64, NDArray[np.int64]]:
    values, positions, counts = np.unique(grams, return_index=True, return_counts=True)
    return values[counts == 1], positions[counts == 1]


class _Cache(dict[str, int]):
    """Word to hash. Filled on demand, emptied by `word_hashes` when large: words of a language repeat."""

    def __missing__(self, word: str) -> int:
        value = self[word] = word_hash(word)
        return value


_CACHE = _Cache()


def _polynomials(units: U64, n: int) -> U64:
    """Horner's sums over n units, modulo 2^64, so that order matters; each from two of half the length."""
    if n == 1:
        return units
    right = n // 2
    left = _polynomials(units, n - right)
    tail = left[n - right :] if right == n - right else _polynomials(units, right)[n - right :]
    total = left[: len(units) - n + 1] * np.uint64(pow(_ODD, right, 1 << 64))
    total += tail
    return total
