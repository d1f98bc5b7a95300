"""The one-pass hashes of a text are those of its words, one by one, whatever stands next to what."""

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.text.words import ngrams, normalise, text_hashes, word_hashes, words

PIECES = ["-", " - ", "- 5", "-x", "a-", "--", " 3.14", "1-2", "x^2", "²", "é", "中文", "$x-1$", "$", "\\(a_1\\)", "\\alpha",
          "_n", "((", "'''''''''", "<=", "%", "\u00ad", "\u2212", "\n\n", "\t", "İ", "a1.5", "b_c", "`q`", "\\begin{equation}y\\end{equation}"]  # fmt: skip
TEXTS = st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
                  st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join))  # fmt: skip


@settings(max_examples=600, deadline=None)
@given(TEXTS)
@example("minus - 5 and - five, a - (b), -\\alpha - \\beta - é")
def test_in_one_pass_as_word_by_word(text):
    assert text_hashes(text).tolist() == word_hashes(words(normalise(text))).tolist()


@given(st.lists(st.integers(0, 2**64 - 1), max_size=30), st.integers(1, 26))
def test_ngrams_are_horners_sums(values, n):
    units = np.array(values, np.uint64)
    odd = 0x9E3779B97F4A7C15
    expected = []
    for start in range(len(values) - n + 1):
        total = 0
        for value in values[start : start + n]:
            total = (total * odd + value) % 2**64
        expected.append(total)
    unmixed = np.array(expected, np.uint64)
    assert ngrams(units, n).tolist() == (ngrams(unmixed, 1).tolist() if expected else [])
