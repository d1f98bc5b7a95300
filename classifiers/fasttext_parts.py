"""A checked fastText classifier as plain arrays, from which both twins compute its answers.

Quantised vectors are written out once, as they would be added: a centroid times its norm, rounded to 32 bits.

Source: fastText 0.9.2, `fasttext.cc`, `dictionary.cc`, `quantmatrix.cc`, `productquantizer.cc`, `loss.cc`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifiers.fasttext_file import CENTROIDS, HEAD, LABEL, PLAIN, QUANTISED, QUANTISER

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]

HIERARCHICAL, NEGATIVE, SOFTMAX, ONE_AGAINST_ALL = 1, 2, 3, 4
_SUPERVISED = 3


@dataclass(frozen=True, slots=True)
class Parts:
    """A model.

    Attributes:
        words: the dictionary's words in order, UTF-8, each followed by NUL.
        n_words: how many.
        labels: without the prefix, in order.
        rows: one vector of `dim` numbers for each word, then for each kept bucket of n-grams.
        output: one vector for each label, or for each inner node of the tree of labels.
        scales: what each product with an output vector is multiplied with.
        tree: for HIERARCHICAL the two children of each node (of leaves -1), leaves first; else empty.
        loss: one of HIERARCHICAL, NEGATIVE, SOFTMAX, ONE_AGAINST_ALL.
        minn, maxn: lengths of n-grams of characters; maxn 0: none.
        word_ngrams: most words in an n-gram of words.
        bucket: n-grams are hashed into so many.
        pruned: (bucket, row behind the words) pairs of a model that kept some of its buckets; None keeps all.
    """

    words: bytes
    n_words: int
    labels: tuple[str, ...]
    rows: Floats
    output: Floats
    scales: Floats
    tree: Integers
    loss: int
    minn: int
    maxn: int
    word_ngrams: int
    bucket: int
    pruned: Integers | None


def read_parts(path: Path, labels: tuple[str, ...]) -> Parts:
    """The model of a file that check_model found whole, with the labels it read.

    Raises:
        ValueError: numbers inside the file do not fit each other.
    """
    data = path.read_bytes()
    _, version, dim, _, _, _, _, word_ngrams, loss, kind, bucket, minn, maxn, _, _, *rest = HEAD.unpack_from(data, 0)
    size, n_words, n_labels, _, n_pruned = rest
    words, counts, at = _dictionary(data, size, n_words)
    pairs = np.frombuffer(data, "<i4", 2 * max(0, n_pruned), at).astype(np.int32).reshape(-1, 2)
    pruned = pairs if n_pruned >= 0 else None
    at += 8 * max(0, n_pruned)
    rows, norms, at = _matrix(data, at)
    output, scales, at = _matrix(data, at)
    if version == 11 and kind == _SUPERVISED:
        maxn = 0
    tree = _tree(counts) if loss == HIERARCHICAL else np.empty((0, 2), np.int32)
    vectors = _scaled(rows, norms)
    parts = Parts(
        words, n_words, labels, vectors, output, scales, tree, loss, minn, maxn, word_ngrams, bucket, pruned
    )  # fmt: skip
    _check(parts, dim, n_labels)
    return parts


def _check(parts: Parts, dim: int, n_labels: int) -> None:
    hashed = parts.maxn > 0 or parts.word_ngrams > 1
    buckets = (parts.bucket if parts.pruned is None else len(parts.pruned)) if hashed else 0
    outputs = n_labels - (parts.loss == HIERARCHICAL)
    if parts.rows.shape[1] != dim or len(parts.rows) < parts.n_words + buckets or len(parts.output) < outputs:
        raise ValueError(f"{len(parts.rows)} vectors for {parts.n_words} words and {buckets} buckets")
    if not 0 <= parts.maxn <= 64 or parts.minn < 0 or parts.word_ngrams < 1 or (hashed and parts.bucket < 1):
        raise ValueError(f"n-grams of {parts.minn} to {parts.maxn} characters, {parts.word_ngrams} words")
    if parts.pruned is not None and buckets and not 0 <= parts.pruned[:, 1].min() <= parts.pruned[:, 1].max() < buckets:
        raise ValueError("a kept bucket without a vector")
    if parts.loss not in (HIERARCHICAL, NEGATIVE, SOFTMAX, ONE_AGAINST_ALL):
        raise ValueError(f"unknown loss {parts.loss}")


def _dictionary(data: bytes, size: int, n_words: int) -> tuple[bytes, list[int], int]:
    """(words with a NUL each, counts of the labels, offset behind): words stand before labels."""
    at, words, counts = HEAD.size, list[bytes](), list[int]()
    for number in range(size):
        end = data.index(b"\0", at)
        if (data[end + 9] == LABEL) != (number >= n_words):
            raise ValueError("labels stand among the words")
        if number < n_words:
            words.append(data[at : end + 1])
        else:
            counts.append(int.from_bytes(data[end + 1 : end + 9], "little", signed=True))
        at = end + 10
    return b"".join(words), counts, at


def _matrix(data: bytes, at: int) -> tuple[Floats, Floats, int]:
    """(vectors, what each is to be multiplied with, offset behind) from the flag "quantised" on."""
    if not data[at]:
        rows, columns = PLAIN.unpack_from(data, at + 1)
        at += 1 + PLAIN.size
        vectors = _floats(data, at, rows * columns).reshape(rows, columns)
        return vectors, np.ones(rows, np.float32), at + vectors.nbytes
    has_norms, rows, _, n_codes = QUANTISED.unpack_from(data, at + 1)
    at += 1 + QUANTISED.size
    codes, at = np.frombuffer(data, np.uint8, n_codes, at), at + n_codes
    vectors, at = _centroids_of(codes, data, at)
    if len(vectors) != rows:
        raise ValueError(f"{len(vectors)} coded vectors, not {rows}")
    if not has_norms:
        return vectors, np.ones(rows, np.float32), at
    norms, at = _centroids_of(np.frombuffer(data, np.uint8, rows, at), data, at + rows)
    return vectors, norms[:, 0], at


def _centroids_of(codes: NDArray[np.uint8], data: bytes, at: int) -> tuple[Floats, int]:
    """Vectors of product-quantised codes by the quantiser that stands at `at`, and the offset behind it."""
    dim, parts, length, last = QUANTISER.unpack_from(data, at)
    if parts < 1 or length < 1 or not 0 < last <= length or (parts - 1) * length + last != dim:
        raise ValueError(f"a quantiser of {parts} parts of {length} for {dim} numbers")
    table = _floats(data, at + QUANTISER.size, dim * CENTROIDS)
    coded, columns, start = codes.reshape(-1, parts), list[Floats](), 0
    for part in range(parts):
        width = last if part == parts - 1 else length
        columns.append(table[start : start + width * CENTROIDS].reshape(CENTROIDS, width)[coded[:, part]])
        start += width * CENTROIDS
    return np.ascontiguousarray(np.concatenate(columns, axis=1)), at + QUANTISER.size + 4 * dim * CENTROIDS


def _floats(data: bytes, at: int, count: int) -> Floats:
    return np.frombuffer(data, "<f4", count, at).astype(np.float32)


def _scaled(rows: Floats, norms: Floats) -> Floats:
    return rows if bool((norms == 1).all()) else np.ascontiguousarray(rows * norms[:, None])


def _tree(counts: list[int]) -> Integers:
    """Huffman tree of labels, whose counts fall: the two least of what is left are joined, again and again."""
    leaves = len(counts)
    weights = [*counts, *[10**15] * (leaves - 1)]
    tree = np.full((max(1, 2 * leaves - 1), 2), -1, np.int32)
    leaf, node = leaves - 1, leaves
    for made in range(leaves, 2 * leaves - 1):
        for side in range(2):
            if leaf >= 0 and weights[leaf] < weights[node]:
                tree[made, side], leaf = leaf, leaf - 1
            else:
                tree[made, side], node = node, node + 1
        weights[made] = weights[tree[made, 0]] + weights[tree[made, 1]]
    return tree
