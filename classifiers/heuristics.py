"""Rejection rules that understand math: Gopher's, C4's and FineWeb's, and our own, each with a name and a threshold.

All of them see prose: code, tables and blocks that cleaning drops are masked, and a formula is one word (see
`classifiers.prose`). On prose without math the published rules give datatrove's verdicts (docs/decisions/0019).
Deviations, each where the published rule assumes English prose: word rules stay silent where the script has no spaces
between words or there is too little prose, stop words are asked of English pages only, Korean words may be short.

Sources: Rae et al. 2021 (Gopher), tables A1 and A2; Raffel et al. 2020 (C4); Penedo et al. 2024 (FineWeb).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from classifiers.hot import DUPLICATE_NGRAMS, TOP_NGRAMS
from classifiers.measures import Measures
from classifiers.notices import NOTICES, names_spam

_SYLLABIC = ("ko",)  # a character is a syllable: ordinary Korean words have two or three


@dataclass(frozen=True, slots=True)
class RulesConfig:
    """One threshold per rule; None (`off` in a recipe) switches the rule off. Shares are in [0, 1].

    Attributes:
        min_words: fewest content words (prose, code, tables; a formula is one word). Gopher: 50.
        max_words: most content words. Gopher: 100,000.
        min_mean_word_length: of prose, in characters. Gopher: 3.
        max_mean_word_length: of prose, in characters. Gopher: 10.
        max_symbol_ratio: hash signs, or ellipses, per word, our heading marks not counted. Gopher: 0.1.
        max_bullet_lines: share of lines that begin with a bullet. Gopher: 0.9.
        max_ellipsis_lines: share of lines that end in an ellipsis. Gopher: 0.3.
        min_alphabetic_words: share of words with a letter. Gopher: 0.8.
        count_punctuation: for that share, punctuation counts as words without a letter, as datatrove has it; on pages
            with formulas, code or tables it never does, since what is left round those is full of it.
        min_stop_words: distinct English stop words, on English pages only. Gopher: 2.
        max_duplicate_lines: share of lines that occurred before. Gopher: 0.3.
        max_duplicate_line_chars: their share of characters. Gopher: 0.2.
        max_duplicate_paragraphs: share of paragraphs (between blank lines) that occurred before. Gopher: 0.3.
        max_duplicate_paragraph_chars: their share of characters. Gopher: 0.2.
        max_top_2gram, max_top_3gram, max_top_4gram: share of characters in the commonest n-gram. Gopher: 0.2, 0.18,
            0.16.
        max_duplicate_5gram ... max_duplicate_10gram: share of characters in n-grams that occurred before. Gopher: 0.15
            falling to 0.10.
        min_terminal_lines: share of lines ending in punctuation. FineWeb: 0.12; off, since headings and lists of
            formula pages fail it.
        max_short_lines: share of lines of at most 30 characters. FineWeb: 0.67; off, as above.
        max_repeated_line_chars: share of characters in repeated lines. FineWeb: 0.01; off.
        max_lines_per_word: line breaks per word. FineWeb: 0.3; off.
        min_sentences: sentences in lines that C4 keeps. C4: 5; off, and with it C4's other two rules: a curly bracket,
            and lorem ipsum.
        lorem_ipsum: reject filler text of any length. Ours, after C4.
        max_symbol_noise: share of prose characters that are neither letters, digits, white space nor common
            punctuation. Ours.
        min_wellformed: share of formulas whose LaTeX has its braces and environments closed, of pages with at least
            ten. Ours.
        max_truncated_words: longest page that ends in "read more" or an ellipsis and is rejected as truncated. Ours.
        max_notice_words: longest page that can be rejected as a notice: JavaScript, cookie, error, login and
            placeholder pages. None switches those rules off. Ours.
        max_spam: share of words in the phrases of spam and of text made for search engines. Ours.
        max_top_word: share of the commonest longer word, of prose of at least 50 words: keyword stuffing. Ours.
        min_prose_words: with less prose than this, rules on shares of words are silent. Ours.
    """

    min_words: int | None = 50
    max_words: int | None = 100_000
    min_mean_word_length: float | None = 3.0
    max_mean_word_length: float | None = 10.0
    max_symbol_ratio: float | None = 0.1
    max_bullet_lines: float | None = 0.9
    max_ellipsis_lines: float | None = 0.3
    min_alphabetic_words: float | None = 0.8
    count_punctuation: bool = True
    min_stop_words: int | None = 2
    max_duplicate_lines: float | None = 0.3
    max_duplicate_line_chars: float | None = 0.2
    max_duplicate_paragraphs: float | None = 0.3
    max_duplicate_paragraph_chars: float | None = 0.2
    max_top_2gram: float | None = 0.2
    max_top_3gram: float | None = 0.18
    max_top_4gram: float | None = 0.16
    max_duplicate_5gram: float | None = 0.15
    max_duplicate_6gram: float | None = 0.14
    max_duplicate_7gram: float | None = 0.13
    max_duplicate_8gram: float | None = 0.12
    max_duplicate_9gram: float | None = 0.11
    max_duplicate_10gram: float | None = 0.10
    min_terminal_lines: float | None = None
    max_short_lines: float | None = None
    max_repeated_line_chars: float | None = None
    max_lines_per_word: float | None = None
    min_sentences: int | None = None
    lorem_ipsum: bool = True
    max_symbol_noise: float | None = 0.25
    min_wellformed: float | None = 0.5
    max_truncated_words: int | None = 120
    max_notice_words: int | None = 150
    max_spam: float | None = 0.04
    max_top_word: float | None = 0.2
    min_prose_words: int = 20


Rule = Callable[[Measures, str, RulesConfig], bool]


def first_reason(measures: Measures, language: str, config: RulesConfig) -> str | None:
    """Name of the first rule that rejects the document, in the fixed order of RULES, or None."""
    return next(all_reasons(measures, language, config), None)


def all_reasons(measures: Measures, language: str, config: RulesConfig) -> Iterator[str]:
    """Names of every rule that would reject the document: for reports and threshold studies."""
    return (name for name, rule in RULES if rule(measures, language, config))


def _above(value: float, limit: float | None) -> bool:
    return limit is not None and value > limit


def _below(value: float, limit: float | None) -> bool:
    return limit is not None and value < limit


def _judges_words(measures: Measures, config: RulesConfig) -> bool:
    """Enough prose, and in a script with word spaces."""
    spelled = measures.n_words - measures.formula_words
    return spelled >= config.min_prose_words and not measures.prose.is_unspaced


# --- Gopher, quality ---


def _too_few_words(measures: Measures, _: str, config: RulesConfig) -> bool:
    return _below(measures.content_words, config.min_words)


def _too_many_words(measures: Measures, _: str, config: RulesConfig) -> bool:
    return _above(measures.content_words, config.max_words)


def _mean_word_length(measures: Measures, language: str, config: RulesConfig) -> bool:
    spelled = measures.plain_words - measures.formula_words
    if not _judges_words(measures, config) or not spelled:
        return False
    mean = measures.plain_chars / spelled
    least = None if language in _SYLLABIC else config.min_mean_word_length
    return _below(mean, least) or _above(mean, config.max_mean_word_length)


def _hash_ratio(measures: Measures, _: str, config: RulesConfig) -> bool:
    limit = config.max_symbol_ratio
    return limit is not None and _judges_words(measures, config) and measures.hashes / measures.n_words > limit


def _ellipsis_ratio(measures: Measures, _: str, config: RulesConfig) -> bool:
    limit = config.max_symbol_ratio
    return limit is not None and _judges_words(measures, config) and measures.ellipses / measures.n_words > limit


def _bullet_lines(measures: Measures, _: str, config: RulesConfig) -> bool:
    return _above(measures.bullet_lines, config.max_bullet_lines)


def _ellipsis_lines(measures: Measures, _: str, config: RulesConfig) -> bool:
    return _above(measures.ellipsis_lines, config.max_ellipsis_lines)


def _alphabetic_words(measures: Measures, _: str, config: RulesConfig) -> bool:
    """Punctuation is asked for letters on prose only; on a page with formulas numbers are words like others."""
    if config.min_alphabetic_words is None or not _judges_words(measures, config):
        return False
    if measures.formula_words:
        return measures.alphabetic_words + measures.numbers < config.min_alphabetic_words * measures.plain_words
    is_prose = not measures.prose.code and not measures.prose.tables
    words = measures.n_words if config.count_punctuation and is_prose else measures.plain_words
    return measures.alphabetic_words / max(1, words) < config.min_alphabetic_words


def _stop_words(measures: Measures, language: str, config: RulesConfig) -> bool:
    if language != "en" or not _judges_words(measures, config):
        return False
    return _below(measures.stop_words, config.min_stop_words)


# --- Gopher, repetition ---


def _duplicate_paragraphs(measures: Measures, _: str, config: RulesConfig) -> bool:
    return _above(measures.repeated_paragraphs[0], config.max_duplicate_paragraphs)


def _duplicate_paragraph_chars(measures: Measures, _: str, config: RulesConfig) -> bool:
    return _above(measures.repeated_paragraphs[1], config.max_duplicate_paragraph_chars)


def _duplicate_lines(measures: Measures, _: str, config: RulesConfig) -> bool:
    return _above(measures.repeated_lines[0], config.max_duplicate_lines)


def _duplicate_line_chars(measures: Measures, _: str, config: RulesConfig) -> bool:
    return _above(measures.repeated_lines[1], config.max_duplicate_line_chars)


def _top_ngram(size: int) -> Rule:
    def rule(measures: Measures, _: str, config: RulesConfig) -> bool:
        limit: float | None = getattr(config, f"max_top_{size}gram")
        return limit is not None and _judges_words(measures, config) and measures.top_ngram(size) > limit

    return rule


def _duplicate_ngram(size: int) -> Rule:
    def rule(measures: Measures, _: str, config: RulesConfig) -> bool:
        limit: float | None = getattr(config, f"max_duplicate_{size}gram")
        return limit is not None and _judges_words(measures, config) and measures.duplicate_ngrams(size) > limit

    return rule


# --- FineWeb ---


def _terminal_lines(measures: Measures, _: str, config: RulesConfig) -> bool:
    limit = config.min_terminal_lines
    return limit is not None and bool(measures.filled_lines) and measures.terminal_lines < limit


def _short_lines(measures: Measures, _: str, config: RulesConfig) -> bool:
    return config.max_short_lines is not None and _above(measures.short_lines, config.max_short_lines)


def _repeated_line_chars(measures: Measures, _: str, config: RulesConfig) -> bool:
    limit = config.max_repeated_line_chars
    return limit is not None and _above(measures.repeated_line_chars, limit)


def _lines_per_word(measures: Measures, _: str, config: RulesConfig) -> bool:
    limit = config.max_lines_per_word
    return limit is not None and _judges_words(measures, config) and measures.line_breaks / measures.n_words > limit


# --- C4 ---


def _c4(reason: str) -> Rule:
    def rule(measures: Measures, _: str, config: RulesConfig) -> bool:
        return config.min_sentences is not None and measures.c4_reason(config.min_sentences) == reason

    return rule


# --- ours ---


def _lorem_ipsum(measures: Measures, _: str, config: RulesConfig) -> bool:
    return config.lorem_ipsum and "lorem ipsum dolor sit amet" in measures.lowered


def _notice(name: str) -> Rule:
    def rule(measures: Measures, _: str, config: RulesConfig) -> bool:
        limit = config.max_notice_words
        return limit is not None and measures.content_words <= limit and NOTICES[name](measures.lowered)

    return rule


def _symbol_noise(measures: Measures, _: str, config: RulesConfig) -> bool:
    limit = config.max_symbol_noise
    return limit is not None and measures.n_words >= config.min_prose_words and measures.symbol_noise > limit


def _broken_latex(measures: Measures, _: str, config: RulesConfig) -> bool:
    return config.min_wellformed is not None and measures.wellformed < config.min_wellformed


def _truncated(measures: Measures, _: str, config: RulesConfig) -> bool:
    limit = config.max_truncated_words
    return limit is not None and measures.content_words <= limit and measures.is_cut_short


def _spam(measures: Measures, _: str, config: RulesConfig) -> bool:
    limit = config.max_spam
    return limit is not None and measures.n_words > 0 and names_spam(measures.lowered, limit * measures.n_words)


def _top_word(measures: Measures, _: str, config: RulesConfig) -> bool:
    limit = config.max_top_word
    return limit is not None and _judges_words(measures, config) and measures.top_word > limit


# Notices first: they are short, and their own name says more than "too_few_words". Then Gopher's in datatrove's order.
RULES: tuple[tuple[str, Rule], ...] = (
    ("lorem_ipsum", _lorem_ipsum),
    *((name, _notice(name)) for name in NOTICES),
    ("truncated", _truncated),
    ("too_few_words", _too_few_words),
    ("too_many_words", _too_many_words),
    ("mean_word_length", _mean_word_length),
    ("hash_ratio", _hash_ratio),
    ("ellipsis_ratio", _ellipsis_ratio),
    ("bullet_lines", _bullet_lines),
    ("ellipsis_lines", _ellipsis_lines),
    ("alphabetic_words", _alphabetic_words),
    ("stop_words", _stop_words),
    ("duplicate_paragraphs", _duplicate_paragraphs),
    ("duplicate_paragraph_chars", _duplicate_paragraph_chars),
    ("duplicate_lines", _duplicate_lines),
    ("duplicate_line_chars", _duplicate_line_chars),
    *((f"top_{size}gram", _top_ngram(size)) for size in TOP_NGRAMS),
    *((f"duplicate_{size}gram", _duplicate_ngram(size)) for size in DUPLICATE_NGRAMS),
    ("terminal_lines", _terminal_lines),
    ("short_lines", _short_lines),
    ("repeated_line_chars", _repeated_line_chars),
    ("lines_per_word", _lines_per_word),
    ("c4_lorem_ipsum", _c4("lorem_ipsum")),
    ("c4_curly_bracket", _c4("curly_bracket")),
    ("c4_too_few_sentences", _c4("too_few_sentences")),
    ("spam", _spam),
    ("top_word", _top_word),
    ("symbol_noise", _symbol_noise),
    ("broken_latex", _broken_latex),
)
