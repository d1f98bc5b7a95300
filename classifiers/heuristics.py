"""First math-aware rejection rules in the style of Gopher, C4 and FineWeb.

All of them see prose: formulas, code, tables and blocks that cleaning drops are masked (see `classifiers.prose`). Word
rules stay silent on scripts without word spaces and on pages with too little prose to judge. Thresholds are
published ones unless a field says otherwise.

Sources: Rae et al. 2021 (Gopher), tables A1 and A2; Raffel et al. 2020 (C4); Penedo et al. 2024 (FineWeb).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers.prose import Prose

STOP_WORDS = frozenset({"the", "be", "to", "of", "and", "that", "have", "with"})  # Gopher's eight

_BULLETS = ("- ", "* ", "• ", "● ", "▪ ", "‣ ")
_ELLIPSES = ("...", "…", "[…]", "[...]")
_TERMINAL = (".", "!", "?", '"', "”", "'", "’", "…", ":", ";", "。", "！", "？", "」", "」", "』", "。”", "।", "؟", "۔")
_LETTER = re.compile(r"[^\W\d_]")
_SYMBOL = re.compile(r"#|\.\.\.|…")
_LOREM = re.compile(r"lorem ipsum dolor sit amet")
_JAVASCRIPT = re.compile(
    r"(?:please )?(?:enable|activate|turn on) javascript|javascript (?:is|seems to be|must be|appears to be|has been) "
    r"(?:disabled|enabled|turned off|required)|requires javascript|without javascript"
)
_ERROR = re.compile(
    r"\b(?:error )?(?:404|403|410|500|502|503)\b.{0,40}(?:not found|error|forbidden|unavailable|gateway)"
    r"|page (?:not found|cannot be found|could not be found|you (?:requested|are looking for))"
    r"|access (?:denied|to this page has been denied)|service (?:temporarily )?unavailable|internal server error"
    r"|checking your browser|verify (?:that )?you are (?:a )?human|unusual traffic from your"
)
_COOKIE = re.compile(r"\b(?:cookies?|consent|gdpr|datenschutz\w*|privacy)\b")
_PLACEHOLDER = re.compile(
    r"under construction|coming soon|domain (?:name )?(?:is|may be) for sale|buy this domain|this domain (?:has|is)"
    r"|parked (?:free|domain)|hello world! welcome to wordpress|default web ?(?:page|site page)|apache2? .{0,20}default"
    r"|welcome to nginx|index of /|it works!"
)


@dataclass(frozen=True, slots=True)
class HeuristicsConfig:
    """One threshold per rule; None switches the rule off. Shares are in [0, 1].

    Attributes:
        min_words: fewest content words (prose, code, tables; a formula is one word). Gopher: 50.
        max_words: most content words. Gopher: 100,000.
        min_mean_word_length: of prose, in characters. Gopher: 3.
        max_mean_word_length: of prose, in characters. Gopher: 10.
        max_symbol_ratio: hash signs and ellipses per word, our heading marks not counted. Gopher: 0.1.
        max_bullet_lines: share of lines that begin with a bullet. Gopher: 0.9.
        max_ellipsis_lines: share of lines that end in an ellipsis. Gopher: 0.3.
        min_alphabetic_words: share of words with a letter. Gopher: 0.8.
        min_stop_words: distinct English stop words, on English pages only. Gopher: 2.
        max_duplicate_lines: share of characters in repeated lines. Gopher: 0.2.
        max_duplicate_paragraphs: the same for paragraphs (between blank lines). Gopher: 0.2.
        max_top_2gram: share of characters in the commonest 2-gram of words. Gopher: 0.2.
        max_top_3gram: of 3-grams. Gopher: 0.18.
        max_top_4gram: of 4-grams. Gopher: 0.16.
        min_terminal_lines: share of lines ending in punctuation. FineWeb: 0.12; off, since headings and lists of
            formula pages fail it.
        lorem_ipsum: reject filler text, as C4 does.
        max_notice_words: longest page that can be rejected as a notice: JavaScript, cookie, error, placeholder pages.
            None switches those four rules off. Ours.
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
    min_stop_words: int | None = 2
    max_duplicate_lines: float | None = 0.2
    max_duplicate_paragraphs: float | None = 0.2
    max_top_2gram: float | None = 0.2
    max_top_3gram: float | None = 0.18
    max_top_4gram: float | None = 0.16
    min_terminal_lines: float | None = None
    lorem_ipsum: bool = True
    max_notice_words: int | None = 150
    min_prose_words: int = 20


def first_reason(prose: Prose, language: str, config: HeuristicsConfig) -> str | None:
    """Name of the first rule that rejects the document, in the fixed order of RULES, or None."""
    for name, rule in RULES:
        if rule(prose, language, config):
            return name
    return None


def all_reasons(prose: Prose, language: str, config: HeuristicsConfig) -> Iterator[str]:
    """Names of every rule that would reject the document: for reports and threshold studies."""
    return (name for name, rule in RULES if rule(prose, language, config))


Rule = Callable[[Prose, str, HeuristicsConfig], bool]


_SYLLABIC = ("ko",)  # a character is a syllable: ordinary Korean words have two or three


def _above(value: float, limit: float | None) -> bool:
    return limit is not None and value > limit


def _below(value: float, limit: float | None) -> bool:
    return limit is not None and value < limit


def _judges_words(prose: Prose, config: HeuristicsConfig) -> bool:
    """Enough prose, and in a script with word spaces."""
    return len(prose.words) >= config.min_prose_words and not prose.is_unspaced


def _too_few_words(prose: Prose, _: str, config: HeuristicsConfig) -> bool:
    return _below(prose.n_content_words, config.min_words)


def _too_many_words(prose: Prose, _: str, config: HeuristicsConfig) -> bool:
    return _above(prose.n_content_words, config.max_words)


def _mean_word_length(prose: Prose, language: str, config: HeuristicsConfig) -> bool:
    if not _judges_words(prose, config):
        return False
    mean = sum(map(len, prose.words)) / len(prose.words)
    least = None if language in _SYLLABIC else config.min_mean_word_length
    return _below(mean, least) or _above(mean, config.max_mean_word_length)


def _symbol_ratio(prose: Prose, _: str, config: HeuristicsConfig) -> bool:
    ratio = len(_SYMBOL.findall(prose.text)) / max(1, prose.n_words)
    return prose.n_words >= config.min_prose_words and _above(ratio, config.max_symbol_ratio)


def _line_share(prose: Prose, hits: int) -> float:
    return hits / max(1, len(prose.lines))


def _bullet_lines(prose: Prose, _: str, config: HeuristicsConfig) -> bool:
    return _above(_line_share(prose, sum(line.startswith(_BULLETS) for line in prose.lines)), config.max_bullet_lines)


def _ellipsis_lines(prose: Prose, _: str, config: HeuristicsConfig) -> bool:
    share = _line_share(prose, sum(line.endswith(_ELLIPSES) for line in prose.lines))
    return _above(share, config.max_ellipsis_lines)


def _terminal_lines(prose: Prose, _: str, config: HeuristicsConfig) -> bool:
    share = _line_share(prose, sum(line.endswith(_TERMINAL) for line in prose.lines))
    return bool(prose.lines) and _below(share, config.min_terminal_lines)


def _alphabetic_words(prose: Prose, _: str, config: HeuristicsConfig) -> bool:
    if config.min_alphabetic_words is None or not _judges_words(prose, config):
        return False
    words = [word for word in prose.words if word not in ("-", "*", "•")]  # list marks are markup
    alphabetic = sum(word.isalpha() or _LETTER.search(word) is not None for word in words)
    return alphabetic < config.min_alphabetic_words * len(words)


def _stop_words(prose: Prose, language: str, config: HeuristicsConfig) -> bool:
    if language != "en" or not _judges_words(prose, config):
        return False
    return _below(len(STOP_WORDS.intersection(prose.plain_words)), config.min_stop_words)


def _repeated_share(parts: list[str]) -> float:
    """Share of characters in parts that occurred before."""
    total = sum(map(len, parts))
    return 1.0 - sum(map(len, dict.fromkeys(parts))) / total if total else 0.0


def _duplicate_lines(prose: Prose, _: str, config: HeuristicsConfig) -> bool:
    return _above(_repeated_share(prose.lines), config.max_duplicate_lines)


def _duplicate_paragraphs(prose: Prose, _: str, config: HeuristicsConfig) -> bool:
    paragraphs = [part for paragraph in prose.text.split("\n\n") if (part := paragraph.strip())]
    return _above(_repeated_share(paragraphs), config.max_duplicate_paragraphs)


def _top_ngram(prose: Prose, _: str, config: HeuristicsConfig) -> bool:
    limits = ((2, config.max_top_2gram), (3, config.max_top_3gram), (4, config.max_top_4gram))
    if not _judges_words(prose, config) or all(limit is None for _, limit in limits):
        return False
    ids, lengths = _word_ids(prose.words)
    total = max(1, sum(map(len, prose.words)))
    return any(_above(_top_share(ids, lengths, size, total), limit) for size, limit in limits)


def _word_ids(words: list[str]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    ids = {word: i for i, word in enumerate(dict.fromkeys(words))}
    return np.array([ids[word] for word in words]), np.fromiter(map(len, words), np.int64, len(words))


def _top_share(ids: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], size: int, total: int) -> float:
    """Characters in occurrences of the commonest n-gram over all; 0 when none repeats. Ties: the longest."""
    if len(ids) < 2 * size:
        return 0.0
    keys, chars = ids[: len(ids) - size + 1].copy(), lengths[: len(ids) - size + 1].copy()
    for shift in range(1, size):  # renumber after each word, so that keys never overflow
        _, keys = np.unique(keys * (ids.max() + 1) + ids[shift : len(ids) - size + 1 + shift], return_inverse=True)
        chars += lengths[shift : len(ids) - size + 1 + shift]
    counts = np.bincount(keys)
    if (most := int(counts.max())) < 2:
        return 0.0
    return int(chars[counts[keys] == most].max()) * most / total


def _lorem_ipsum(prose: Prose, _: str, config: HeuristicsConfig) -> bool:
    return config.lorem_ipsum and _LOREM.search(prose.lowered) is not None


def _is_notice(prose: Prose, config: HeuristicsConfig) -> bool:
    return config.max_notice_words is not None and prose.n_content_words <= config.max_notice_words


def _javascript_page(prose: Prose, _: str, config: HeuristicsConfig) -> bool:
    return _is_notice(prose, config) and _JAVASCRIPT.search(prose.lowered) is not None


def _error_page(prose: Prose, _: str, config: HeuristicsConfig) -> bool:
    return _is_notice(prose, config) and _ERROR.search(prose.lowered[:600]) is not None


def _cookie_page(prose: Prose, _: str, config: HeuristicsConfig) -> bool:
    """At least three, and one in thirty, of a short page's words are about cookies or consent."""
    if not _is_notice(prose, config):
        return False
    return len(_COOKIE.findall(prose.lowered)) >= max(3, prose.n_words / 30)


def _placeholder_page(prose: Prose, _: str, config: HeuristicsConfig) -> bool:
    return _is_notice(prose, config) and _PLACEHOLDER.search(prose.lowered[:600]) is not None


# Notices first: they are short, and their own name says more than "too_few_words".
RULES: tuple[tuple[str, Rule], ...] = (
    ("lorem_ipsum", _lorem_ipsum),
    ("javascript_page", _javascript_page),
    ("error_page", _error_page),
    ("cookie_page", _cookie_page),
    ("placeholder_page", _placeholder_page),
    ("too_few_words", _too_few_words),
    ("too_many_words", _too_many_words),
    ("mean_word_length", _mean_word_length),
    ("symbol_ratio", _symbol_ratio),
    ("bullet_lines", _bullet_lines),
    ("ellipsis_lines", _ellipsis_lines),
    ("terminal_lines", _terminal_lines),
    ("alphabetic_words", _alphabetic_words),
    ("stop_words", _stop_words),
    ("duplicate_lines", _duplicate_lines),
    ("duplicate_paragraphs", _duplicate_paragraphs),
    ("top_ngram", _top_ngram),
)
