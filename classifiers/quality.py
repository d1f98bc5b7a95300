"""A first quality score: how much a document looks like edited prose, with or without mathematics.

A documented heuristic, not a model of usefulness. Dedup uses it to rank survivors; recipes may cut on it.
"""

from __future__ import annotations

import math

from classifiers.native import twin
from classifiers.prose import Prose

GOOD_WORDS = 400  # a document this long gets the full length factor
GOOD_SENTENCE_WORDS = (6.0, 40.0)  # mean words per sentence of edited prose
MAX_LINK_SHARE = 0.5
MAX_NOISE = 0.10  # symbols per character of prose


def quality_score(prose: Prose) -> float:
    """Geometric mean of five factors in [0, 1], quantised to 1e-4.

    - length: log-scaled content words (prose, code, tables, each formula one word), full at GOOD_WORDS;
    - sentences: share of prose words in lines that hold a sentence end, and mean sentence length within
      GOOD_SENTENCE_WORDS; pages that are mostly formulas, code or tables get 1 for what is not prose;
    - links: 1 minus link share over MAX_LINK_SHARE;
    - repetition: distinct lines by characters;
    - noise: 1 minus symbols per prose character over MAX_NOISE.
    Each factor is floored at 0.02, so one failing factor lowers the score but keeps an order.
    """
    if prose.n_content_words == 0:
        return 0.0
    factors = (_length(prose), _sentences(prose), _links(prose), _distinct_lines(prose), _clean_symbols(prose))
    logarithms = [math.log(max(0.02, factor)) for factor in factors]
    return round(math.exp(sum(logarithms) / len(logarithms)), 4)


def _length(prose: Prose) -> float:
    return min(1.0, math.log1p(prose.n_content_words) / math.log1p(GOOD_WORDS))


def _sentences(prose: Prose) -> float:
    prose_share = prose.n_words / prose.n_content_words
    chars, in_sentences, ends, words = twin.sentence_facts(prose.text)
    covered = in_sentences / max(1, chars)
    shape = 1.0 if prose.is_unspaced else _shape(words / max(1, ends))
    return 1.0 - prose_share + prose_share * covered * shape


def _shape(words_per_sentence: float) -> float:
    low, high = GOOD_SENTENCE_WORDS
    if words_per_sentence < low:
        return words_per_sentence / low
    return min(1.0, high / words_per_sentence)


def _links(prose: Prose) -> float:
    return 1.0 - min(1.0, prose.linked_chars / max(1, prose.content_chars) / MAX_LINK_SHARE)


def _distinct_lines(prose: Prose) -> float:
    total = sum(map(len, prose.lines))
    return sum(map(len, dict.fromkeys(prose.lines))) / total if total else 1.0


def _clean_symbols(prose: Prose) -> float:
    return 1.0 - min(1.0, (prose.signs.odd + prose.signs.runs) / max(1, len(prose.text)) / MAX_NOISE)
