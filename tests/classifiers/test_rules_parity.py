"""On prose without math our rules give datatrove's verdicts, rule by rule: its own filters run beside ours.

datatrove's words come from spaCy. Its filters take another tokenizer in place of a language, so here both count the
same words; how close those are to spaCy's is measured by tests/quality/bench_classify.py where spaCy is installed.
"""

import unicodedata

import pytest
from datatrove.data import Document as Row
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)
from datatrove.utils.word_tokenizers import WordTokenizer
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.heuristics import RULES, RulesConfig
from classifiers.measures import Measures
from classifiers.prose import Prose
from classifiers.rule_words import chunk_of
from classifiers.sentence_marks import TERMINAL


class OurWords(WordTokenizer):
    """datatrove's interface over our words; a sentence ends after a word that is a sentence mark."""

    def word_tokenize(self, text):
        return [word for piece in text.split() for word in chunk_of(piece).words]

    def sent_tokenize(self, text):
        return [text[start:end] for start, end in self.span_tokenize(text)]

    def span_tokenize(self, text):
        spans, start, position, ended = [], 0, 0, False
        for word in self.word_tokenize(text):
            place = text.index(word, position)
            if ended and not _is_punctuation(word) and word not in TERMINAL:
                spans.append((start, place))
                start, ended = place, False
            ended = ended or word in TERMINAL
            position = place + len(word)
        return [*spans, (start, len(text))]


def _is_punctuation(word):
    return all(unicodedata.category(char).startswith("P") for char in word)


WORDS = OurWords()
GOPHER = {
    "gopher_short_doc": "too_few_words",
    "gopher_long_doc": "too_many_words",
    "gopher_below_avg_threshold": "mean_word_length",
    "gopher_above_avg_threshold": "mean_word_length",
    "gopher_too_many_hashes": "hash_ratio",
    "gopher_too_many_ellipsis": "ellipsis_ratio",
    "gopher_too_many_bullets": "bullet_lines",
    "gopher_too_many_end_ellipsis": "ellipsis_lines",
    "gopher_below_alpha_threshold": "alphabetic_words",
    "gopher_enough_stop_words": "stop_words",
}
REPETITION = {
    "dup_para_frac": "duplicate_paragraphs",
    "dup_para_char_frac": "duplicate_paragraph_chars",
    "dup_line_frac": "duplicate_lines",
    "dup_line_char_frac": "duplicate_line_chars",
    **{f"top_{n}_gram": f"top_{n}gram" for n in (2, 3, 4)},
    **{f"duplicated_{n}_n_grams": f"duplicate_{n}gram" for n in range(5, 11)},
}
FINEWEB = {
    "line_punct_ratio": "terminal_lines",
    "short_line_ratio": "short_lines",
    "char_dup_ratio": "repeated_line_chars",
    "list_ratio": "lines_per_word",
}
C4 = {reason: f"c4_{reason}" for reason in ("lorem_ipsum", "curly_bracket", "too_few_sentences")}
PAIRS = (
    (GopherQualityFilter(language=WORDS), GOPHER),
    (GopherRepetitionFilter(language=WORDS), REPETITION),
    (FineWebQualityFilter(language=WORDS), FINEWEB),
    (C4QualityFilter(language=WORDS), C4),
)
PUBLISHED = RulesConfig(
    count_punctuation=True,
    min_terminal_lines=0.12,
    max_short_lines=0.67,
    max_repeated_line_chars=0.01,
    max_lines_per_word=0.3,
    min_sentences=5,
    min_prose_words=1,
)


def as_prose(text):
    return Prose(text, text, "", "", 0, 0, len(text), 0.0, 0)


def both(text, peer, names):
    """(datatrove's reason by our name, ours) or None twice."""
    verdict = peer.filter(Row(text=text, id="x"))
    measures = Measures(as_prose(text))
    rules = dict(RULES)
    ours = next((name for name in dict.fromkeys(names.values()) if rules[name](measures, "en", PUBLISHED)), None)
    return None if verdict is True else names[verdict[1]], ours


def assert_equal_verdicts(text):
    for peer, names in PAIRS:
        theirs, ours = both(text, peer, names)
        assert ours == theirs, (type(peer).__name__, text)


PLAIN_TEXT = (
    "the be to of and that have with river stone bridge house runs slowly through valley where people don't can't we'll"
    " well-known and/or e.g. U.S. 3.5 1,000 5km it's she'd state-of-the-art Mr. Smith www.example.org a@b.org 12:30 10-12"
    ' naïve Straße était мир 2024 $5 50% #1 (see below) "quoted" ‘so’ … ... -- – — ? ! Yes. No! Why? end. [1] [edit]'
    " javascript lorem ipsum { cookie policy"
)
PLAIN = PLAIN_TEXT.split()
words = st.sampled_from(PLAIN)
sentences = st.builds(
    lambda some, end: " ".join(some) + end,
    st.lists(words, min_size=1, max_size=14),
    st.sampled_from([".", "!", "?", "...", "…", "", ",", '."']),
)
lines = st.builds(
    lambda mark, some: mark + " ".join(some),
    st.sampled_from(["", "", "", "- ", "• ", "  ", "#"]),
    st.lists(sentences, min_size=1, max_size=5),
)
breaks = st.sampled_from(["\n", "\n\n", "\n\n\n", "\n \n"])


@st.composite
def pages(draw):
    """Pages of few lines that come again and again, in any order, with any gaps between."""
    known = draw(st.lists(lines, min_size=1, max_size=9))
    order = draw(st.lists(st.sampled_from(known), min_size=1, max_size=30))
    return draw(breaks).join(order) if draw(st.booleans()) else "".join(line + draw(breaks) for line in order)


@settings(max_examples=100, deadline=None)
@given(pages())
def test_verdicts_are_datatroves_on_pages_of_all_shapes(page):
    if page.strip():
        assert_equal_verdicts(page)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "ab", "ba", "the", "of", "and", "have."]), min_size=50, max_size=400))
def test_repetition_is_counted_alike_down_to_the_character(some):
    assert_equal_verdicts(" ".join(some))


BASE = "The river keeps a steady course through the valley, and the people that have a house by it know its moods."
PROSE = " ".join(f"{BASE[:-1]} in year {year}." for year in range(40))
EDGES = {
    "49 words": "word, " * 49,
    "50 words": "the word of " * 17,
    "hyphens and clitics at the limit": "the well-known don't of " * 8,
    "bullets": "\n".join(f"- the line number {n} of many to have" for n in range(20)),
    "half bullets": "\n".join(("- " if n % 2 else "") + f"the line number {n} of many" for n in range(20)),
    "ellipses": "\n".join(f"the line number {n} of many to be" + ("..." if n % 3 else ".") for n in range(30)),
    "numbers": " ".join(f"the {n} of {n * 7}" for n in range(60)),
    "short lines": "\n".join(f"the word {n} of it." for n in range(40)),
    "german": "Der Fluss fließt langsam durch das Tal, und die Menschen leben seit Jahrhunderten dort. " * 3,
    "russian": " ".join(f"Река медленно течёт через долину, и люди живут там {n} лет." for n in range(20)),
    "french": " ".join(f"L'eau coule lentement, et l'on vit là depuis {n} siècles ; c'est vrai." for n in range(20)),
    "arabic": " ".join(f"النهر يجري ببطء عبر الوادي والناس يعيشون هناك منذ {n} سنة." for n in range(20)),
    "hindi": " ".join(f"नदी घाटी से धीरे धीरे बहती है और लोग वहाँ {n} साल से रहते हैं।" for n in range(20)),
    "long": PROSE,
    "long, twice": f"{PROSE}\n\n{PROSE}",
    "policy lines": "\n".join(
        ["We use cookies on the site of ours."] * 3 + [f"{BASE} And {n} more." for n in range(6)]
    ),
    "crlf": PROSE.replace(". ", ".\r\n"),
    "control characters": PROSE.replace(", ", "\x0b").replace(". ", "\x85"),
}


@pytest.mark.parametrize("name", EDGES)
def test_verdicts_are_datatroves_at_the_edges(name):
    assert_equal_verdicts(EDGES[name])


def test_every_published_rule_has_a_peer():
    ours = {"lorem_ipsum", "truncated", "spam", "top_word", "symbol_noise", "broken_latex"}
    notices = {"javascript_page", "error_page", "cookie_page", "login_page", "placeholder_page"}
    assert {name for _, names in PAIRS for name in names.values()} == dict(RULES).keys() - ours - notices
