"""What normalisation must equate, what it must keep apart, and that hashes are the same everywhere."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.words import ngrams, normalise, shingles, text_units, word_hashes, words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hello  World", "hello\n\tworld"),
        ("“Quoted” – it’s", '"Quoted" - it\'s'),
        ("ﬁne ｆｕｌｌ", "fine full"),
        ("so\u00adft zero\u200bwidth", "soft zerowidth"),
        ("x² + 1", "x^2 + 1"),
        (r"see \(x + 1\) here", "see $x + 1$ here"),
        (r"\[a = b\]", "$$a = b$$"),
        ("Straße", "STRASSE"),
    ],
)
def test_the_same_text_in_two_spellings_is_equal(one: str, other: str) -> None:
    assert words(normalise(one)) == words(normalise(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("$x_2^5 - x_5$", "$x_2^5 + x_5$"),
        ("x_2^5 - x_5 = 0", "x_2^5 + x_5 = 0"),
        ("$x_1$", "$x_2$"),
        ("$x^2$", "$x_2$"),
        ("x²", "x2"),
        (r"$T \subset S$", r"$T \supset S$"),
        (r"$\Gamma$", r"$\gamma$"),
        ("$A$ or", "$a$ or"),
        ("$[0, 1)$", "$[0, 1]$"),
        ("costs 10", "costs 10.5"),
        ("- 3 degrees", "3 degrees"),
        ("की", "का"),
    ],
)
def test_another_sign_index_or_letter_is_another_text(one: str, other: str) -> None:
    assert words(normalise(one)) != words(normalise(other))


def test_money_is_not_a_formula() -> None:
    text = "from $5 to $10 and $x$"
    found = text_units(text)
    assert words(normalise(text)) == ["from", "5", "to", "10", "and", "x"]
    assert found.formula.tolist() == [False] * 5 + [True]


def test_scripts_without_spaces_give_characters() -> None:
    assert words(normalise("日本 語x ไทย")) == ["日", "本", "語", "x", "ไ", "ท", "ย"]


def test_a_hyphen_between_letters_is_spelling_and_rules_are_no_words() -> None:
    assert words(normalise("well-known ----- ________ =====")) == ["well", "known"]


def test_a_text_of_fewer_than_n_words_has_no_shingle() -> None:
    assert len(shingles("one two three four", 5)) == 0
    assert len(shingles("one two three four five", 5)) == 1
    assert len(shingles("abcd", 3, unit="char")) == 2
    assert len(shingles("", 5)) == 0


def test_shingles_depend_on_order() -> None:
    assert shingles("a b c d e")[0] != shingles("b a c d e")[0]


def test_word_hash_mixes_eight_bytes_at_a_time() -> None:
    def spread(value: int) -> int:
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):
            value = (value ^ value >> shift) * factor % 2**64
        return value

    odd, data = 0x9E3779B97F4A7C15, "élémentaire".encode()  # 13 bytes
    first, second = int.from_bytes(data[:8], "little"), int.from_bytes(data[8:], "little")
    expected = spread(spread(odd ^ first) ^ second) ^ 13 * odd % 2**64
    assert word_hashes(["élémentaire"]).tolist() == [expected]


def test_hashes_do_not_depend_on_the_process() -> None:
    code = "from pipeline.text.words import shingles; print(shingles('a b c d e f').tolist())"
    environment = {"PYTHONHASHSEED": "7"}
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert other.stdout.strip() == str(shingles("a b c d e f").tolist())


@given(st.text())
def test_any_text_can_be_normalised_and_hashed(text: str) -> None:
    found = text_units(text)
    assert found.hashes.tolist() == word_hashes(words(normalise(text))).tolist()
    assert len(found.formula) == len(found.hashes)


@given(st.text(alphabet="ab $\\()[]{}_^-+1. \n", max_size=60))
def test_formula_marks_in_any_order_do_no_harm(text: str) -> None:
    found = text_units(text)
    assert len(words(normalise(text))) == len(found.hashes) == len(found.formula)


def test_ngrams_of_a_slice_are_a_slice_of_the_ngrams() -> None:
    units = word_hashes([str(number) for number in range(30)])
    assert np.array_equal(ngrams(units, 4)[7:], ngrams(units[7:], 4))


def test_of_a_long_text_only_some_words_are_listed() -> None:
    text = "alpha beta gamma delta " * 50_000
    assert len(words(normalise(text))) == len(text_units(text).hashes) == 200_000
    found = words(normalise(text), keep=10)
    assert found[:5] == ["alpha", "beta", "gamma", "delta", "alpha"]
    assert 10 <= len(found) < 200_000


def test_a_sign_far_into_a_long_text_is_still_a_sign() -> None:
    text = "minus - 5 " * 60_000  # the pieces in which words are found end between a hyphen and its number
    assert word_hashes(words(normalise(text))).tolist() == text_units(text).hashes.tolist()


def test_unclosed_openers_cost_linear_time() -> None:
    text = "\\begin{align} $ \\( \\[ " * 10_000
    assert words(normalise(text))[:2] == ["\\begin", "align"]
