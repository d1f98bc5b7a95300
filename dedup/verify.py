"""Are two proposed texts one document? Exact similarity first, then the alignment of the two, never a sketch.

What differs decides, not only how much. Text added or missing at the ends is wrapping or truncation. Inside the shared
part, insertions and a small share of replaced words are revisions. But numbers, signs and formulas replaced between
otherwise equal words are the content of an exercise, a worksheet or a calculator: a short text that differs in one sign
is another exercise, while one date in a page is an edit. The measure is the rate of distinct such replacements.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dedup.align import Gap, Table, summary
from dedup.edits import Edits, count_edits
from pipeline.text.sketch import U64, ngrams, shared
from pipeline.text.words import WordsAt, text_units


@dataclass(frozen=True, slots=True)
class VerifyConfig:
    """Thresholds, all shares in [0, 1] unless they are counts of words."""

    n: int = 5  # words per shingle
    min_containment: float = 0.30  # shared shingles over those of the shorter text; below, the texts are not aligned
    min_shared: float = 0.55  # aligned words over those of the shorter text
    max_replaced: float = 0.06  # replaced words over those between the first and last shared passage
    jaccard: float = 0.80  # from here on the audit names the rule "jaccard", below "containment"
    passage_words: int = 5  # shorter runs do not mark the borders of the shared part
    small_gap_words: int = 8  # replacements up to this size are looked at word by word
    item_words: int = 400  # a text shorter than this is an item: any change inside a formula makes another one
    words_per_formula_edit: int = 150  # in longer ones, one distinct change of a formula per so many words is an edit
    words_per_number_edit: int = 90  # the same for numbers in prose, dates and counters included, at any length
    align_words: int = 1 << 18  # longer texts are aligned on their first words only, and then need long_containment
    long_containment: float = 0.90
    max_comparisons: int = 8  # alignments per document, the most similar candidates first
    max_kin: int = 8  # kept documents per hub that later members of its star are compared with


class Verdict(NamedTuple):
    """`same`, the evidence, and the rule: "jaccard" or "containment" where same, else what set the texts apart."""

    same: bool
    jaccard: float
    containment: float
    rule: str


@dataclass(frozen=True)
class Prepared:
    """One text ready to be compared many times."""

    text: str
    hashes: U64  # of its words
    formula: NDArray[np.bool_]  # whether each stands in a formula
    shingles: U64  # distinct, ascending
    keep: int  # words that may be asked for

    @cached_property
    def words(self) -> WordsAt:
        """The first of them; most comparisons end without."""
        return WordsAt(self.text, self.keep)

    @cached_property
    def sorted_hashes(self) -> U64:
        """Of the words that are aligned, ascending."""
        return np.sort(self.hashes[: self.keep])


class Differences(NamedTuple):
    """What an alignment leaves over, in words."""

    shorter: int  # in the shorter text, of those that were aligned
    shared: int  # in runs
    replaced: int  # between the first and the last shared passage
    core: int  # shared between them
    telling: Table  # gaps where single replacements tell of the content: all between these passages, small ones outside


def verify(a_text: str, b_text: str, config: VerifyConfig) -> Verdict:
    """Whether two raw texts are the same document, with exact shingle similarities."""
    return compare(prepare(a_text, config), prepare(b_text, config), config)


def prepare(text: str, config: VerifyConfig) -> Prepared:
    """The part of `verify` that depends on one text only."""
    hashes, formula = text_units(text)
    grams = np.sort(ngrams(hashes, min(config.n, max(1, len(hashes)))))
    distinct = np.ones(len(grams), bool)
    np.not_equal(grams[1:], grams[:-1], out=distinct[1:])
    return Prepared(text, hashes, formula, grams[distinct], config.align_words)


def compare(a: Prepared, b: Prepared, config: VerifyConfig, known: tuple[float, float] | None = None) -> Verdict:
    """`verify` of prepared texts, whose `similarity` may be known. Symmetric but for the direction of the alignment."""
    jaccard, containment = known or similarity(a.shingles, b.shingles)
    if len(a.hashes) == len(b.hashes) and np.array_equal(a.hashes, b.hashes):
        return Verdict(True, 1.0, 1.0, "jaccard")
    if containment < config.min_containment:
        return Verdict(False, jaccard, containment, "unlike")
    longest = max(len(a.hashes), len(b.hashes))
    if longest > config.align_words and containment < config.long_containment:
        return Verdict(False, jaccard, containment, "unlike")
    shorter = min(len(a.sorted_hashes), len(b.sorted_hashes))
    if shared(a.sorted_hashes, b.sorted_hashes) < config.min_shared * shorter:  # then no alignment can have more
        return Verdict(False, jaccard, containment, "little shared")
    found = differences(a, b, config)
    apart = _unlike(found, config)
    if not apart:
        telling = [Gap(*row) for row in found.telling.tolist()]
        apart = _other_content(count_edits(a, b, telling, config.small_gap_words), found, config)
    rule = apart or ("jaccard" if jaccard >= config.jaccard else "containment")
    return Verdict(not apart, jaccard, containment, rule)


def similarity(a: U64, b: U64) -> tuple[float, float]:
    """(Jaccard, containment in the smaller) of two texts' distinct, ascending shingles."""
    return overlap(shared(a, b), len(a), len(b))


def overlap(common: int, a: int, b: int) -> tuple[float, float]:
    """The same of their numbers."""
    return (common / (a + b - common), common / min(a, b)) if a and b else (0.0, 0.0)


def differences(a: Prepared, b: Prepared, config: VerifyConfig) -> Differences:
    """Align the first `align_words` words of two texts and count what differs, by place and kind."""
    a_hashes, b_hashes = a.hashes[: config.align_words], b.hashes[: config.align_words]
    found = summary(a_hashes, b_hashes, config.passage_words, config.small_gap_words)
    return Differences(min(len(a_hashes), len(b_hashes)), *found)


def _unlike(found: Differences, config: VerifyConfig) -> str:
    """What makes two aligned texts different documents by the amount of difference, "" where nothing does."""
    if found.shared < config.min_shared * found.shorter:
        return "little shared"
    if found.replaced > config.max_replaced * (found.core + found.replaced):
        return "replaced"
    return ""


def _other_content(edits: Edits, found: Differences, config: VerifyConfig) -> str:
    """What makes two like texts different documents by the kind of difference, "" where nothing does."""
    if edits.subject:
        return "subject"
    if edits.formula and (found.core < config.item_words or edits.formula * config.words_per_formula_edit > found.core):
        return "formula"
    if edits.number * config.words_per_number_edit > found.core:
        return "number"
    return ""
