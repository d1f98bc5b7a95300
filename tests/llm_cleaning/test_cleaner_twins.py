"""The C twin of the rule cleaner's inner loops gives what Python defines."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_cleaning import hot, names, native
from llm_cleaning.rules import WEIGHTS
from llm_cleaning.texts import FORMULA, IMAGE, KINDS, META, PHRASE, PHRASES, SENTENCE, TEXT_LIKE

pytestmark = pytest.mark.skipif(not native.NATIVE, reason="needs the C extension (built by pip install -e .)")

WORDS = [
    "nav",
    "sideBar",
    "side-bar",
    "comment-list",
    "disqus_x",
    "Categories",
    "widget-wrap",
    "x1",
    "é",
    "ad",
    "ot-sdk",
    "about-the-author",
    "post_Content",
    "newsLetter",
    "pop-up",
    "popUp",
    "main",
    "has-sidebar",
    "wy-nav-content",
    "signature",
    "user-content",
    "newsletter-post",
]
SEGMENTS = st.lists(st.sampled_from([*"#._-:1aZ", *WORDS, "div", "section", "dt", "article", "w" * 40])).map("".join)
PATHS = st.lists(SEGMENTS, max_size=5).map("/".join)
PIECES = [
    *" .,:!?\n\u3002\u2019)\u0130\u03a3\u4f60\u00e9\U0001d400\u2022",
    "![",
    "![a]",
    "Share this",
    "facebook ",
    "e-mail",
    "by ",
    "Foto: ",
    "20:15",
    "2024",
    "14 answers",
    " wrote:",
    "posts: 3 joined:",
    "1999",
    "\u0664\u0665",
    "a" * 90,
    "w" * 301,
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
BLOCKS = st.lists(
    st.tuples(
        TEXTS,
        st.sampled_from(sorted(KINDS.values())),
        st.none() | st.integers(-1, 9),
        st.floats(0, 1),
        st.booleans(),
        PATHS,
    ),
    max_size=15,
)


def columns(blocks):
    """Text and columns of blocks with a blank line between them, and a formula in every third."""
    text, starts, ends, formulas = "", [], [], []
    for number, (body, *_) in enumerate(blocks):
        text += "\n\n" if number else ""
        starts.append(len(text))
        text += body
        ends.append(len(text))
        if number % 3 == 0 and body:
            formulas.append(starts[-1])
    kinds = bytes(kind for _, kind, *_ in blocks)
    return text, starts, ends, kinds, formulas, [list(column) for column in zip(*(b[2:] for b in blocks), strict=True)]


@given(st.one_of(SEGMENTS, st.text(max_size=40)))
def test_names(segment):
    assert native.twin.code(segment, names.NAMES) == hot.code(segment, names.NAMES)


@given(SEGMENTS)
def test_sets_of_words_say_what_the_patterns_say(segment):
    found = hot.code(segment, names.NAMES)
    assert found in (-1, names.read_code(segment))


@settings(deadline=None)
@given(st.lists(st.one_of(TEXTS, st.text(max_size=30)), max_size=6))
def test_texts(bodies):
    text, starts, ends, kinds, formulas, _ = columns([(body, 1) for body in bodies])
    arguments = (text, starts, ends, kinds, formulas, PHRASES)
    assert native.twin.bodies(*arguments) == hot.bodies(*arguments)


@settings(deadline=None)
@given(BLOCKS)
def test_whole_pages(blocks):
    text, starts, ends, kinds, formulas, rest = columns(blocks)
    levels, links, repeats, paths = rest or ([], [], [], [])
    found = {}
    for twin in (native.twin, hot):
        sizes, bits = twin.bodies(text, starts, ends, kinds, formulas, PHRASES)
        places, technical = twin.places(paths, links, sizes, bits, {}, names.NAMES, names.read_code)
        scores = twin.scores(kinds, levels, links, repeats, sizes, bits, places, technical, WEIGHTS)
        found[twin] = sizes, bits, places, technical, scores
    assert found[native.twin] == found[hot]


@pytest.mark.parametrize(
    ("body", "bits"),
    [
        ("One. Two", SENTENCE),
        ("He said \u201cstop.\u201d", SENTENCE),
        ("v1.2", 0),
        ("a, b", SENTENCE),
        ("\u5b8c\u3002", SENTENCE),
        ("Share this", PHRASE),
        ("- Share this", PHRASE),
        ("Facebook | WhatsApp", PHRASE),
        ("Facebook", 0),
        ("by Author", META),
        ("Tuesday 2 May 2023", META),
        ("at 10:45", META | PHRASE),
        ("May 2, 2023 at 10:45", META | PHRASE | SENTENCE),
        ("Coffee from 10:45 in room 2", META),
        ("14", META),
        ("\u00b7", META),
        ("x", 0),
        ("x = 14", 0),
        ("14 answers", PHRASE),
        ("All 14 answers", 0),
        ("- 3 points", PHRASE),
        ("gauss77 wrote:", SENTENCE | PHRASE),
        ("gauss77 napisa\u0142(a):", SENTENCE | PHRASE),
        ("He wrote a letter", 0),
        ("What he said to the others when they asked him, and what he wrote:", SENTENCE),
        ("20231", META),
        ("20231 a", 0),
        ("by A. Author, 2 May 2023", META | SENTENCE),
        ("Seen in 2023. No more.", SENTENCE),
        ("Reply", PHRASE),
        ("Reply to all", 0),
        ("![a logo]", IMAGE),
        ("![a] ![b]", IMAGE),
        ("![a] text", 0),
        ("![a", 0),
    ],
)
def test_bits_of_texts(body, bits):
    for twin in (native.twin, hot):
        _, found = twin.bodies(body, [0], [len(body)], bytes([1]), [], PHRASES)
        assert found[0] == bits


def test_sizes_and_other_bits():
    text = "ab\n\n\u4f60\u597d x\n\ny = 1"
    for twin in (native.twin, hot):
        sizes, bits = twin.bodies(text, [0, 4, 10], [2, 8, 15], bytes([1, 1, KINDS["code"]]), [5], PHRASES)
        assert np.frombuffer(sizes, np.int64).tolist() == [2, 4 + 2 * 3 // 2, 5]
        assert list(bits) == [0, FORMULA, TEXT_LIKE]


def test_what_is_read_is_remembered_and_bounded():
    codes = dict.fromkeys(map(str, range(70_000)), 0)
    native.twin.places(
        ["body/div.x", "body/div.x"], [0.0, 0.0], bytes(16), bytes(2), codes, names.NAMES, names.read_code
    )
    assert set(codes) == {"div.x"} or set(codes) == {"body", "div.x"}


FEW = st.lists(st.sampled_from("abcde"), max_size=90)
RUNS = st.lists(st.tuples(st.integers(0, 400), st.integers(1, 60)), max_size=8)
LINE_PIECES = [
    *"`~>-*+:1) \t\n\n\n\n\x0b\u00ad\u200b\ufeff\u00a0\u3000\u0664",
    "```",
    "~~~~",
    "\n```\n",
    "\n```py\n",
    "> ",
    "\n> ```\n",
    "12. ",
    "    ",
    "word",
    "é",
    "𝐀",
    "\0",
]
LINES = st.lists(st.sampled_from([*LINE_PIECES]), max_size=40).map("".join)


@settings(max_examples=400, deadline=None)
@given(FEW, FEW, st.booleans())
def test_differences_of_few_items(a, b, anchored):
    assert native.twin.gaps(a, b, anchored) == hot.gaps(a, b, anchored)


@settings(max_examples=150, deadline=None)
@given(RUNS, RUNS, st.booleans())
def test_differences_of_sequences_with_long_common_runs(one, two, anchored):
    """Large enough that n-grams anchor them; pieces of one sequence in any order, with repetitions."""
    a, b = ([str(n % 301) for start, size in side for n in range(start, start + size)] for side in (one, two))
    assert native.twin.gaps(a, b, anchored) == hot.gaps(a, b, anchored)


def test_differences_beyond_what_is_aligned_exactly():
    a = [f"{n % 4999}" for n in range(9000)]
    b = [f"{n % 4999 + n // 7000}" for n in range(500, 9000)][::-1] + a[3000:5000]
    assert native.twin.gaps(a, b, False) == hot.gaps(a, b, False)


@settings(max_examples=600, deadline=None)
@given(LINES)
def test_lines_with_fences_quotations_and_what_is_not_seen(text):
    found = native.twin.lines(text)
    assert found == hot.lines(text)
    assert native.twin.spans(text, *found[:6]) == hot.spans(text, *found[:6])


@pytest.mark.parametrize(
    "wrong",
    [
        lambda twin: twin.code("a", ({}, {}, (), ())),
        lambda twin: twin.bodies("a", [0], [], b"\0", [], PHRASES),
        lambda twin: twin.bodies("a", [0], [1], b"", [], PHRASES),
        lambda twin: twin.bodies("a", ["0"], [1], b"\0", [], PHRASES),
        lambda twin: twin.places(["a", 1], [0.0, 0.0], bytes(16), bytes(2), {}, names.NAMES, names.read_code),
        lambda twin: twin.places(["a"], [0.0], bytes(16), bytes(1), {}, names.NAMES, names.read_code),
        lambda twin: twin.scores(b"\0", [], [0.0], [False], bytes(8), b"\0", bytes(8), False, WEIGHTS),
        lambda twin: twin.scores(b"\0", [1], [0.0], [False], bytes(8), b"\0", bytes(8), False, WEIGHTS[:-1]),
        lambda twin: twin.gaps(["a"], [1], False),
        lambda twin: twin.lines(b"a"),
        lambda twin: twin.spans("a", ["a"], [0], [0], [1], [False], []),
        lambda twin: twin.spans("a", ["a"], [0], [1], [2], [False], [False]),
    ],
)
def test_columns_that_do_not_fit_are_refused(wrong):
    with pytest.raises((TypeError, ValueError)):
        wrong(native.twin)
