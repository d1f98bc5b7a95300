"""The second proposal channel, for copies of which one holds more: truncated, wrapped in other boilerplate, quoted.

Jaccard similarity, hence MinHash, sees such pairs badly. Here each document is known by its `keys` smallest hashes of
long n-grams (a bottom-k sketch, Broder 1997). If A is a part of B, each of B's k smallest is in A with probability
|A|/|B|, and then it is among A's k smallest as well: with a share c the pair is missed with probability (1 - c)^k.
The number of keys per document is bounded whatever its length.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.text.sketch import U64, smallest


@dataclass(frozen=True, slots=True)
class ContainmentConfig:
    """`keys` smallest hashes of word n-grams; long n-grams, so that common phrases propose nothing."""

    keys: int = 16
    n: int = 8


def containment_keys(words: U64, config: ContainmentConfig) -> U64:
    """At most `config.keys` keys of a document, ascending; none of one without an n-gram."""
    return smallest(words, config.n, config.keys)
