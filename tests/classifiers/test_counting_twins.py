"""The counting in C gives what its definition in Python gives, on words, repetition, sentences and signs."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers import hot
from classifiers.native import NATIVE, twin
from classifiers.rule_words import chunk_of

pytestmark = pytest.mark.skipif(not NATIVE, reason="classifiers/c is not built: no C compiler")

WORDS = "the of and that river don't well-known 3.5 ƒ1 ƒ2 ... … ab c a bc “So” (see) End. Why? 是。 «là» naïve #### ----- ₿₿₿₿"
PIECES = st.sampled_from((*WORDS.split(), "\u2028", "f(x)=[1];", "ไทย漢字", "a_b\t#3", "\ud800", "x\x1cy", "\u2029"))
TEXTS = st.lists(st.one_of(PIECES, st.text(max_size=6), st.sampled_from((" ", "\n", "\n\n", "\t"))), max_size=60).map(
    " ".join
)


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_twins_count_alike(text):
    assert twin.count_words(text, chunk_of) == hot.count_words(text, chunk_of)
    assert twin.sentence_facts(text) == hot.sentence_facts(text)
    assert twin.noise(text) == hot.noise(text)
    assert twin.plain_line(text) == hot.plain_line(text)


def test_long_repetition():
    text = "one two three four five six seven eight nine ten eleven " * 500
    assert twin.count_words(text, chunk_of) == hot.count_words(text, chunk_of)


def test_words_are_asked_for_once():
    asked = []

    def chunk(piece):
        asked.append(piece)
        return chunk_of(piece)

    text = "zyxunheard zyxunheard zyxunseen"
    assert twin.count_words(text, chunk)[0] == 3
    assert sorted(asked) == ["zyxunheard", "zyxunseen"]


@pytest.mark.parametrize("answer", [None, (), ((), 1), (("a",), 1, 2, 3, 4, 5, "x"), ((1,), 1, 2, 3, 4, 5, 6)])
def test_what_is_no_chunk_is_refused(answer):
    with pytest.raises(TypeError):
        twin.count_words(f"neverheard{answer!r}".replace(" ", ""), lambda _: answer)


def test_signs_by_hand():
    assert twin.noise("a ~ b ---- c †† 漢") == (3, 1, 1, 11, 7)
    assert twin.sentence_facts("One. Two!\n\nno end\n  Three? ") == (9 + 6 + 6, 15, 3, 3)
