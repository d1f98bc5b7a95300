"""Answers that no honest model gives: the guard reads them in bounded time and memory, and passes none that says something else.

The slow tests take a million lines or characters of everything, the fast ones a fiftieth of that.
"""

import resource
import subprocess
import sys
import time

import pytest

from llm_cleaning.guard import check

SENTENCE = "The sum of all terms is not zero, as $x_{%d} \\le %d$ shows in Bern. "
PAGE = "# Title\n\n" + "\n\n".join(SENTENCE % (i, i) * 5 for i in range(60))
PIECES = ("{", "\\left(", "\\frac{", "> ", "- ", "](", "<div>", "<sup>", "`", "```", "$", "$$", "\\[", "\\begin{align}", "**", "|", "&lt;",
          "\\tag{", "x_", "^{", ". ", "? ", "a) ", "![")  # fmt: skip


def lines(count, text):
    return "\n".join(text.format(i, i % 7, i % 997) for i in range(count))


def hostile(size):
    """(name, source, cleaned) of about `size` things; every answer differs from its source."""
    few = size // 10
    yield "words", PAGE, "word " * (20 * size)
    yield "spaces", PAGE, PAGE + " " * (100 * size) + "x"
    yield "one word", PAGE, "a" * (100 * size)
    yield "formulas", "$x$ " * few, "$y$ " * few
    yield "other formulas", lines(few, "$$x_{0}=1$$\n"), lines(few, "$$x_{0}=2$$\n")
    yield "a last line", "a\n" * size, "a\n" * (size - 1) + "b"
    yield "lines", "a\nb\n" * (size // 2), "b\nb\na\n" * (size // 3)
    yield "one line", "a\n" * size, "b"
    yield "reversed", lines(size, "{0}"), "\n".join(map(str, range(size - 1, -1, -1)))
    yield "shuffled", lines(few, "w{2} v{1} z"), lines(few, "v{1} w{2} z")
    yield "loop", lines(few, "Line {0} of {1} is not zero."), (SENTENCE % (1, 1)) * (few // 2)
    yield "NULs", PAGE.replace("a", "\0") * 20, PAGE.replace("e", "\0") * 20
    yield "lost characters", "a\ufffd" * (3 * few), "a" * (3 * few)
    yield "lost characters alone", "\ufffd" * (3 * few), "é" * (7 * few)
    yield "code", "```\n" + lines(few, "\tx{0} = 1") + "\n```", "```\n" + lines(few, "    x{0} = 2") + "\n```"
    yield "items", lines(few, "- item {0}"), "\n".join(f"- item {i}" for i in range(0, few, 2))
    yield "items apart", lines(few, "- item {0} of $x$\n"), "\n\n".join(f"- item {i} of $x$" for i in range(0, few, 2))
    yield "math fences", "```math\n" * few, "```math\nx\n```\n" * (few // 2)
    for piece in PIECES:
        yield f"nested {piece}", PAGE + piece * (size // len(piece)), PAGE + "word" + piece * (size // len(piece) - 3)
        yield f"lines of {piece}", f"{piece}\n" * few, "word\n" + f"{piece}\n" * (few - 3)


def assert_bounded(size, limit_s):
    for name, source, cleaned in hostile(size):
        before = time.process_time()
        verdict = check(source, cleaned)
        assert time.process_time() - before < limit_s, name
        assert not verdict.passed, name


def test_hostile_answers_are_refused_in_bounded_time():
    assert_bounded(20_000, 3.0)


@pytest.mark.slow
def test_a_million_of_everything_takes_less_than_ten_seconds_each():
    assert_bounded(1_000_000, 10.0)


def test_an_answer_of_100_mb_needs_little_memory_beside_its_own():
    script = (
        "from llm_cleaning.guard import check\n"
        "assert not check('A text. ' * 1000, 'word ' * 20_000_000).passed\n"
        "assert not check('A text. ' * 1000, ' ' * 100_000_000 + 'A text. ' * 999).passed"
    )
    limit = 1 << 30
    subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )
