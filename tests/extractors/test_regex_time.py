"""Every regular expression of rendering and of the text leaves takes linear time on strings built against it.

Each pattern is fed with floods of its own pieces: its prefixes repeated without their end, its repeated parts pumped,
and what pages are full of. Ten times the length may cost 25 times the time at most; a quadratic one costs 100 times.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import extractors
import pipeline.text

SHORT, LONG = 2_000, 20_000
MAX_RATIO = 25
NEGLIGIBLE_S = 0.001  # at SHORT: a quadratic pattern takes two million steps there, which is more
HANG_S = 10
METHODS = ("search", "match", "fullmatch", "finditer", "findall", "sub", "split")
# Patterns that never see the input that would be slow, and why.
BOUNDED = {
    "extractors.charset._META": "_meta_charset: at most META_WINDOW_BYTES, and 1,000 bytes from each start",
    "extractors.layout.signs._PART": "our own selectors, at import",
    "extractors.layout.signs._NEGATION": "our own selectors, at import",
    "extractors.layout.text._COMMENT": "serialised markup: every comment is closed",
    "extractors.mime._COMMENT": "_readable_head: at most HEAD_BYTES",
}
FLOODS = (
    *(
        " ",
        "\t",
        "\n",
        "\n ",
        "x y ",
        "a",
        "A",
        "0",
        "0.",
        "é",
        "中",
        "$",
        "$$",
        "$x$",
        "\\",
        "\\\\",
        "\\(",
        "\\[",
        "\\a",
    ),
    *(
        "{",
        "}",
        "{}",
        "\\begin{a}",
        "\\end{a}",
        "_",
        "^",
        "-",
        "--",
        "`",
        "``",
        "<",
        "<a ",
        "<!--",
        "&",
        "&#",
        "%",
        "%5C",
    ),
    *("'", '"', "#", ",", ";", ":", "=", "/", "|"),
)


@dataclass(frozen=True)
class Use:
    """A pattern and one way in which its module calls it."""

    where: str
    pattern: re.Pattern[Any]
    method: str


def modules() -> Iterator[ModuleType]:
    for package in (extractors, pipeline.text):
        for info in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            yield importlib.import_module(info.name)


def uses() -> list[Use]:
    found: list[Use] = []
    for module in modules():
        if not str(module.__file__).endswith(".py"):
            continue  # compiled: no regular expressions in it
        tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
        calls = method_calls(tree)
        for name, value in vars(module).items():
            for number, pattern in enumerate(patterns_in(value)):
                if not name.startswith("__"):
                    methods = calls.get(name) or ["search", "match", "finditer"]
                    found += [Use(f"{module.__name__}.{name}[{number}]", pattern, method) for method in methods]
        found += inline_uses(module.__name__, tree)
    unbounded = [use for use in found if use.where.split("[")[0] not in BOUNDED]
    return list({(use.pattern, use.method): use for use in unbounded}.values())


def method_calls(tree: ast.AST) -> dict[str, list[str]]:
    """NAME.method(...) of a module: name -> methods."""
    calls: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in METHODS and isinstance(node.value, ast.Name):
            calls.setdefault(node.value.id, []).append(node.attr)
    return {name: sorted(set(methods)) for name, methods in calls.items()}


def patterns_in(value: Any, depth: int = 0) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth < 4 and isinstance(value, tuple | list | frozenset | set):
        for item in value:
            yield from patterns_in(item, depth + 1)
    elif depth < 4 and isinstance(value, dict):
        yield from patterns_in(list(value.values()), depth + 1)
    elif depth < 4 and is_dataclass(value) and not isinstance(value, type):
        yield from patterns_in([getattr(value, f.name) for f in fields(value)], depth + 1)


def inline_uses(module: str, tree: ast.AST) -> Iterator[Use]:
    """re.method("literal", ...) of a module."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
            continue
        target, literal = node.func.value, node.args[0]
        is_re = isinstance(target, ast.Name) and target.id == "re" and node.func.attr in METHODS
        if is_re and isinstance(literal, ast.Constant):
            yield Use(f"{module}:{node.lineno}", re.compile(literal.value), node.func.attr)


def attacks(pattern: re.Pattern[Any]) -> list[str]:
    """Pieces to repeat, and heads to put before the repetition, as (head, piece) joined by a NUL."""
    example, cuts = witness(pattern)
    prefixes = {example[:cut] for cut in cuts} | {example}
    pieces = {(("", prefix)) for prefix in prefixes if prefix} | {("", flood) for flood in FLOODS}
    for cut, pump in cuts.items():
        pieces |= {(example[:cut], pump), ("", example[:cut] + pump), (example[:cut] + pump, example[cut:] or pump)}
    return sorted({"\0".join(pair) for pair in pieces if pair[1]})


def witness(pattern: re.Pattern[Any]) -> tuple[str, dict[int, str]]:
    """A string near to what the pattern matches, and where in it which piece may repeat."""
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    parsed = re._parser.parse(text, pattern.flags & ~re.U if isinstance(pattern.pattern, bytes) else pattern.flags)  # type: ignore[attr-defined]
    cuts: dict[int, str] = {}
    return _example(parsed, "", cuts), cuts


def _example(parsed: Any, done: str, cuts: dict[int, str]) -> str:
    for op, value in parsed:
        name = str(op)
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            least, most, body = value
            one = _example(body, "", {})
            if most > 100:
                cuts[len(done)] = one
            done = _example(body, done, cuts) if least < 2 else done + one * min(least, 50)
        elif name == "SUBPATTERN":
            done = _example(value[3], done, cuts)
        elif name == "ATOMIC_GROUP":
            done = _example(value, done, cuts)
        elif name == "BRANCH":
            for branch in value[1][1:]:
                _example(branch, done, cuts)
            done = _example(value[1][0], done, cuts)
        else:
            done += _one_character(name, value)
        cuts.setdefault(len(done), done[-1:])
    return done


def _one_character(name: str, value: Any) -> str:
    if name == "LITERAL":
        return chr(value)
    if name == "NOT_LITERAL":
        return "a" if chr(value) != "a" else "b"
    if name == "ANY":
        return "a"
    if name == "IN":
        return next((c for c in "a0 A-_$\\\n;:x" + _first(value) if _is_in(value, c)), "")
    return ""  # anchors, look-arounds, back-references


def _first(items: Any) -> str:
    return "".join(
        chr(value if str(op) == "LITERAL" else value[0]) for op, value in items if str(op) in ("LITERAL", "RANGE")
    )


def _is_in(items: Any, char: str) -> bool:
    codes: dict[str, Any] = {
        "CATEGORY_DIGIT": str.isdigit,
        "CATEGORY_SPACE": str.isspace,
        "CATEGORY_WORD": lambda c: c.isalnum() or c == "_",
    }
    inside = negated = False
    for op, value in items:
        name = str(op)
        negated |= name == "NEGATE"
        inside |= name == "LITERAL" and value == ord(char)
        inside |= name == "RANGE" and value[0] <= ord(char) <= value[1]
        if name == "CATEGORY":
            kind = str(value)
            inside |= codes[kind.replace("_NOT_", "_")](char) != ("_NOT_" in kind)
    return inside != negated


def seconds(use: Use, attack: str, length: int) -> float:
    head, piece = attack.split("\0")
    text: Any = head + piece * ((length - len(head)) // len(piece)) + "\x01"
    if isinstance(use.pattern.pattern, bytes):
        text = text.encode("latin-1", "replace")
    return min(once(use, text) for _ in range(2))


def once(use: Use, text: Any) -> float:
    start = time.thread_time()
    if use.method == "sub":
        use.pattern.sub(text[:0], text)
    elif use.method == "finditer":
        for _ in use.pattern.finditer(text):
            pass
    else:
        getattr(use.pattern, use.method)(text)
    return time.thread_time() - start


def is_linear(use: Use, attack: str) -> bool:
    short = seconds(use, attack, SHORT)
    return short < NEGLIGIBLE_S or seconds(use, attack, LONG) < MAX_RATIO * short


def give_up(_signal: int, _frame: Any) -> None:
    raise TimeoutError(f"one pattern took {HANG_S} s")


@pytest.fixture
def _no_hang() -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, give_up)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


USES = uses()


def test_patterns_are_found() -> None:
    assert len({use.pattern for use in USES}) > 100


@pytest.mark.usefixtures("_no_hang")
@pytest.mark.parametrize("use", [pytest.param(use, id=f"{use.where}-{use.method}") for use in USES])
def test_linear(use: Use) -> None:
    signal.setitimer(signal.ITIMER_REAL, HANG_S)
    assert next((attack for attack in attacks(use.pattern) if not is_linear(use, attack)), None) is None


def test_a_quadratic_pattern_is_seen() -> None:
    comment, dollars = re.compile(r"<!--.*?-->", re.S), re.compile(r"\$[^$]*+\$")
    assert "\0<!--" in attacks(comment)
    assert not is_linear(Use("here", comment, "finditer"), "\0<!--")
    assert all(is_linear(Use("here", dollars, "finditer"), attack) for attack in attacks(dollars))
