"""What C does with text and its words, Python defines: the same output, whatever the text.

Both are called in one process: the functions of the modules look at `BUILT` when they are called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dedup import align
from pipeline.text import prose, sketch, words
from pipeline.text.native import BUILT

MODULES: list[Any] = [prose, sketch, words, align]

pytestmark = pytest.mark.skipif(BUILT is None, reason="pipeline/text/c is not built: no C compiler")

PIECES = ["-", " - ", "- 5", "-x", "-xy", "a-", "--", " 3.14", "1-2", "1.2.", "1,", "x^2", "²", "é", "É", "e\u0301", "中文", "$", "\\alpha",
          "\\", "_n", "__a", "_{", "_(", "((", "'''''''''", "<=", "===", "+-", "%", "\u00ad", "\u2212", "\u2212\n5", "–", "\n\n", "\t", "\x1c",
          "\x00", "\u00a0", "\u3000", "İ", "ß", "a1.5", "1.5é", "3rd", "b_c", "A_B", "`q`", "½", "٣", "क्ष", "ไทย", "привет", "≤", "＄", "🙂",
          "\ud800", "word", "longerthaneight", "ünïcödé-5"]  # fmt: skip
TEXTS = st.one_of(
    st.text(),
    st.text(st.characters()),
    *(st.lists(st.sampled_from(PIECES), max_size=14).map(glue.join) for glue in ("", " ")),
)
MARKS = ["$", "$$", "\\(", "\\)", "\\[", "\\]", "\\begin{align}", "\\end{align}", "\\begin{align*}", "\\end{align*}", "\\begin{pmatrix}",
         "\\end{pmatrix}", "\\begin{table}", "\\begin", "\\b", "\\\\", "\\$", "x", "x_1", "5", " ", "\n\n", "\u00a0", "é", "²", "中", "٣"]  # fmt: skip
FORMULAS = st.lists(st.sampled_from(MARKS), max_size=12).map("".join)
NUMBERS = st.lists(st.integers(0, 2**64 - 1), max_size=40)


@contextmanager
def in_python() -> Iterator[None]:
    for module in MODULES:
        module.BUILT = None
    try:
        yield
    finally:
        for module in MODULES:
            module.BUILT = BUILT


def both(function: Callable[..., Any], *args: Any) -> tuple[Any, Any]:
    ours = function(*args)
    with in_python():
        return ours, function(*args)


@settings(max_examples=1500, deadline=None)
@given(TEXTS)
@example("minus - 5 and - five, a - (b), -\\alpha - \\beta - é -")
@example("\u2212 5 \u2013 x \u00a8\u0308 -\u0661 - \u0661")
def test_prose(text: str) -> None:
    folded, expected = both(prose.fold, text, 0, len(text))
    assert folded == expected
    same_units(text)


def same_units(text: str) -> None:
    ours, expected = both(words.text_units, text)
    assert ours.hashes.tobytes() == expected.hashes.tobytes()
    assert ours.formula.tobytes() == expected.formula.tobytes()
    ours, expected = both(words.content_digest, text)
    assert ours == expected


@settings(max_examples=500, deadline=None)
@given(FORMULAS)
@example("$$x$$$ $y$ $5 and $6 \\(a\\) \\[b\\] \\begin{align*}c\\end{align}\\end{align*} \\\\( \\$z$")
def test_formulas(text: str) -> None:
    ours, expected = both(words._formulas, text)
    assert ours == expected
    same_units(text)


def test_lengths_of_formulas() -> None:
    for mark, closer, most in (("$", "$", 1_000), ("\\(", "\\)", 1_000), ("$$", "$$", 8_000), ("\\[", "\\]", 8_000)):
        for size in (most, most + 1):
            ours, expected = both(words._formulas, mark + size * "x" + closer)
            assert len(ours) == len(expected) == (size == most)


def test_every_character_folds_as_python_folds_it() -> None:
    for first in range(0, 0x10000, 64):
        text = " ".join(f"e{chr(code)}\u0301 {chr(code)}A" for code in range(first, first + 64))
        folded, expected = both(prose.fold, text, 0, len(text))
        assert folded == expected
        same_units(text)


def test_long_texts_are_handed_over_in_pieces() -> None:
    same_units("word $x$ é " * 30_000)


@given(st.text(), st.data())
def test_parts_of_a_text(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    folded, expected = both(prose.fold, text, start, end)
    assert folded == expected


@given(NUMBERS, st.integers(1, 12), st.integers(1, 9), st.integers(1, 20))
def test_minima_and_smallest(values: list[int], n: int, hashes: int, count: int) -> None:
    units = np.array(values * 20, np.uint64)
    family = np.arange(1, 2 * hashes, 2, dtype=np.uint64), np.arange(hashes, dtype=np.uint64)
    for function, *args in ((sketch.minima, n, *family), (sketch.smallest, n, count), (sketch.ngrams, n)):
        ours, expected = both(function, units, *args)
        assert ours.tolist() == expected.tolist()


@given(st.lists(st.integers(0, 30), max_size=40), st.lists(st.integers(0, 30), max_size=40), st.integers(1, 3))
def test_anchors(a: list[int], b: list[int], n: int) -> None:
    def places(values: list[int]) -> dict[tuple[int, ...], list[int]]:
        found: dict[tuple[int, ...], list[int]] = {}
        for place in range(len(values) - n + 1):
            found.setdefault(tuple(values[place : place + n]), []).append(place)
        return found

    ours, expected = both(sketch.anchors, np.array(a, np.uint64), np.array(b, np.uint64), n)
    left, right = places(a), places(b)
    naive = [(at[0], right[gram][0]) for gram, at in left.items() if len(at) == 1 == len(right.get(gram, ()))]
    assert ours == expected == sorted(naive)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.integers(0, 30), max_size=120), st.lists(st.integers(0, 30), max_size=120))
@example(list(range(200)), [*range(50), 7, *range(60, 90), *range(20, 50), *range(120, 200)])
@example([1, 2, 3] * 40, [2, 3, 1] * 40)
def test_align(a: list[int], b: list[int]) -> None:
    same_alignment(np.array(a, np.uint64), np.array(b, np.uint64))


def same_alignment(a: np.ndarray, b: np.ndarray) -> None:
    ours, expected = both(align.run_table, a, b)
    assert ours.tolist() == expected.tolist()
    for passage, small in ((5, 8), (1, 3)):
        ours, expected = both(align.summary, a, b, passage, small)
        assert ours[:3] == expected[:3]
        assert ours[3].tolist() == expected[3].tolist()


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 400), st.integers(2, 500))
def test_align_edited(seed: int, size: int, vocabulary: int) -> None:
    chance = np.random.default_rng(seed)
    a = chance.integers(0, vocabulary, size).astype(np.uint64)
    cuts = np.sort(chance.integers(0, size, 6))
    b = np.concatenate(
        [
            a[cuts[2] : cuts[3]],
            a[: cuts[1]],
            a[cuts[0] : cuts[4]] + (chance.random(cuts[4] - cuts[0]) < 0.1),
            a[cuts[5] :],
        ]
    )
    same_alignment(a, b.astype(np.uint64))


@given(st.lists(st.integers(0, 2**64 - 1), max_size=300), st.lists(st.integers(0, 2**64 - 1), max_size=300))
def test_outlines(values: list[int], others: list[int]) -> None:
    one = np.array(values, np.uint64)
    sets = [np.array(found, np.uint64) for found in (others, [*others, *values], [])]
    outlines, expected = zip(*(both(sketch.outline, found) for found in sets), strict=True)
    assert outlines == expected
    counts, counted = both(sketch.within, one, list(outlines))
    assert counts == counted
    assert counts[0] >= sum(value in others for value in values)  # never fewer than there are
    assert counts[1:] == [len(values), 0]


def test_outlines_of_very_many_values_are_bounded() -> None:
    values = np.arange(1 << 18, dtype=np.uint64) << np.uint64(46)
    ours, expected = both(sketch.outline, values)
    assert ours == expected
    assert len(ours) == sketch.MOST_OUTLINE
    assert sketch.within(values, [ours]) == [1 << 18]


def test_what_is_no_outline_is_refused() -> None:
    if sketch.BUILT:
        for wrong in (b"", bytes(12), bytes(1 << 17), "x" * 8):
            with pytest.raises(ValueError, match="outline"):
                sketch.BUILT.within(np.zeros(1, np.uint64), [wrong])


@given(st.lists(st.integers(0, 9), max_size=30), st.lists(st.integers(0, 9), max_size=30))
def test_shared(a: list[int], b: list[int]) -> None:
    ours, expected = both(sketch.shared, *(np.array(sorted(values), np.uint64) for values in (a, b)))
    assert ours == expected == sum(min(a.count(value), b.count(value)) for value in range(10))


@pytest.mark.parametrize("scripts", [prose.SINGLE_CHARACTER_SCRIPTS])
def test_c_knows_the_scripts_without_spaces(scripts: str) -> None:
    assert scripts == (
        "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
    )
    edges = [chr(ord(char) + step) for char in scripts if char != "-" for step in (-1, 0, 1)]
    for char in edges:
        same_units(f"a{char}b")


def test_wrong_arguments_are_refused() -> None:
    odd, units = b"12345678901", np.zeros(4, np.uint64)
    with pytest.raises(ValueError, match="uint64"):
        BUILT.shared(odd, units)
    with pytest.raises(ValueError, match="multipliers"):
        BUILT.minima(units, 2, units, units, np.zeros(3, np.uint64))
    with pytest.raises(ValueError, match="count"):
        BUILT.smallest(units, 2, 1_000)
    with pytest.raises(IndexError):
        BUILT.fold("abc", 0, 4, {}, prose.table())
    with pytest.raises(TypeError):
        BUILT.fold("abc", 0, 3, {}, b"short")
    with pytest.raises(TypeError):
        BUILT.units("中", {}, prose.table(), {"中": 5}, {})
    with pytest.raises(TypeError):
        BUILT.content("$x$", {}, prose.table(), lambda tex: 5, print)
    with pytest.raises(KeyError):
        BUILT.content("\u0301", {}, prose.table(), str, print)
    with pytest.raises(ValueError, match="uint64"):
        BUILT.align(odd, units)


@settings(deadline=None)
@given(TEXTS, FORMULAS, st.integers(0, 40), st.integers(0, 12))
def test_words_by_number_are_those_of_the_whole(prose_part: str, formulas: str, first: int, size: int) -> None:
    text = f"{prose_part} {formulas}"
    listed, some = words.words(words.normalise(text)), words.WordsAt(text)
    assert len(some) == len(listed)
    assert some[0 : len(listed)] == listed
    assert some[first : first + size] == listed[first : first + size]


def test_words_by_number_end_where_nobody_asks() -> None:
    text = "one two $x + y$ three $z$ four"
    assert words.WordsAt(text)[2:6] == ["x", "+", "y", "three"]
    assert words.WordsAt(text, keep=4)[0:9] == ["one", "two", "x", "+", "y"]
