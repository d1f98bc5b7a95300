"""A second set of planted corruptions, written from what cleaning must not do, without looking at the first set.

Each takes a generator, a cleaned text and another page's text, and gives the corrupted text, or None where the page has
no place for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from random import Random

from outside_tex import TEX, Corruption
from planting import (
    Span,
    every,
    fences,
    formulas,
    found_in_prose,
    listings,
    one,
    paragraphs,
    sentences,
    swap,
    ticks,
)

_NUMBER = r"(?<![\w.,/-])\d+(?:[.,]\d+)*(?![\w/])"


# numbers


def digit(rng: Random, text: str, other: str) -> str | None:
    def change(old: str) -> str:
        at = rng.choice([i for i, char in enumerate(old) if char.isdigit()])
        return old[:at] + rng.choice([d for d in "123456789" if d != old[at]]) + old[at + 1 :]

    return one(rng, text, found_in_prose(_NUMBER, text), change)


def digit_added(rng: Random, text: str, other: str) -> str | None:
    return one(rng, text, found_in_prose(_NUMBER, text), lambda old: old + rng.choice("0123456789"))


def digit_dropped(rng: Random, text: str, other: str) -> str | None:
    return one(rng, text, found_in_prose(r"(?<![\w.,/-])[1-9]\d+(?![\w.,/])", text), lambda old: old[:-1])


def digits_swapped(rng: Random, text: str, other: str) -> str | None:
    return one(
        rng, text, found_in_prose(r"(?<![\w.,/-])[1-9]\d+(?![\w/])", text), lambda old: old[1] + old[0] + old[2:]
    )


def point_moved(rng: Random, text: str, other: str) -> str | None:
    def change(old: str) -> str:
        whole, part = old.split(".")
        return f"{whole}{part[0]}.{part[1:] or '0'}"

    return one(rng, text, found_in_prose(r"(?<![\w.,/-])\d+\.\d+(?![\w.,/])", text), change)


def minus_added(rng: Random, text: str, other: str) -> str | None:
    return one(rng, text, found_in_prose(r"(?<= )\d+(?:\.\d+)?(?= [a-z])", text), lambda old: "-" + old)


def minus_dropped(rng: Random, text: str, other: str) -> str | None:
    return one(rng, text, found_in_prose(r"(?<= )[-−]\d+(?:\.\d+)?\b", text), lambda old: old[1:])


def number_dropped(rng: Random, text: str, other: str) -> str | None:
    return one(rng, text, found_in_prose(rf"(?<=[a-z]) {_NUMBER}(?= [a-z])", text), lambda old: "")


def number_word(rng: Random, text: str, other: str) -> str | None:
    words = {
        "one": "two",
        "two": "three",
        "three": "four",
        "four": "five",
        "five": "six",
        "first": "second",
        "second": "third",
        "third": "fourth",
        "half": "third",
        "hundred": "thousand",
        "million": "billion",
    }
    return one(rng, text, found_in_prose(rf"\b(?:{'|'.join(words)})\b", text), words.__getitem__)


# formulas


def _inline(text: str) -> list[Span]:
    """Formulas within a line of prose."""
    return [
        span
        for span in formulas(text)
        if text[span.start - 1 : span.start] == " "
        and "\n" not in text[span.start : span.end]
        and text[span.end : span.end + 1] in " ,.;"
    ]


def _displays(text: str) -> list[Span]:
    """Formulas on lines of their own, with the line break behind."""
    found = []
    for span in formulas(text):
        alone = text[: span.start].endswith("\n") and text[span.end :][:1] in ("", "\n")
        if alone:
            found.append(Span(span.start, min(len(text), span.end + 1)))
    return found


def formula_dropped(rng: Random, text: str, other: str) -> str | None:
    return one(rng, text, _inline(text), lambda old: "")


def formula_unwrapped(rng: Random, text: str, other: str) -> str | None:
    """Replaced by a word."""
    return one(rng, text, _inline(text), lambda old: "it")


def display_dropped(rng: Random, text: str, other: str) -> str | None:
    return one(rng, text, _displays(text), lambda old: "")


def formula_added(rng: Random, text: str, other: str) -> str | None:
    new = rng.choice(["$E = mc^2$", "$a^2 + b^2 = c^2$", "$n \\to \\infty$", "$x = 0$"])
    return one(rng, text, sentences(text), lambda old: f"{old[:-1]}, where {new}{old[-1]}")


def display_added(rng: Random, text: str, other: str) -> str | None:
    return one(rng, text, paragraphs(text), lambda old: f"{old}\n\n$$\\int_0^1 f(x)\\,dx = F(1) - F(0)$$")


def formula_of_another_page(rng: Random, text: str, other: str) -> str | None:
    theirs = [other[span.start : span.end] for span in formulas(other)]
    return one(rng, text, paragraphs(text), lambda old: f"{old}\n\n{rng.choice(theirs)}") if theirs else None


def formulas_swapped(rng: Random, text: str, other: str) -> str | None:
    found = sorted(formulas(text))
    pairs = [
        (a, b)
        for a, b in pairwise(found)
        if "".join(text[a.start : a.end].split()) != "".join(text[b.start : b.end].split())
    ]
    if not pairs:
        return None
    a, b = rng.choice(pairs)
    first, second = text[a.start : a.end], text[b.start : b.end]
    if first.strip("$") == second.strip("$"):
        return None
    return swap(swap(text, b, first), a, second)


def formula_moved(rng: Random, text: str, other: str) -> str | None:
    found, places = _displays(text), paragraphs(text)
    if not found:
        return None
    taken = rng.choice(found)
    far = [span for span in places if span.end + 40 < taken.start or span.start > taken.end + 40]
    if not far:
        return None
    place = rng.choice(far)
    block = text[taken.start : taken.end].strip()
    moved = Span(place.end, place.end)
    if place.end < taken.start:
        return swap(swap(text, taken, ""), moved, f"\n\n{block}")
    return swap(swap(text, moved, f"\n\n{block}"), taken, "")


def formula_repeated(rng: Random, text: str, other: str) -> str | None:
    return one(rng, text, _displays(text), lambda old: f"{old.rstrip()}\n\n{old}")


# code


def _code_line(rng: Random, text: str, change: Callable[[str], str | None], pattern: str = r"[^\n]+") -> str | None:
    spans = [
        Span(*found.span())
        for body in listings(text)
        for found in re.finditer(pattern, text[: body.end], re.MULTILINE)
        if found.start() >= body.start and found[0].strip()
    ]
    return one(rng, text, spans, change)


def code_character(rng: Random, text: str, other: str) -> str | None:
    return _code_line(rng, text, lambda old: old + rng.choice(";)x,0"))


def code_letter(rng: Random, text: str, other: str) -> str | None:
    def change(old: str) -> str | None:
        places = [i for i, char in enumerate(old) if char.isalpha()]
        if not places:
            return None
        at = rng.choice(places)
        return old[:at] + ("q" if old[at] != "q" else "w") + old[at + 1 :]

    return _code_line(rng, text, change)


def code_digit(rng: Random, text: str, other: str) -> str | None:
    return _code_line(rng, text, lambda old: str((int(old) + 1) % 10), r"\d")


def code_operator(rng: Random, text: str, other: str) -> str | None:
    new = {"==": "!=", "<=": "<", ">=": ">", "+=": "-=", "&&": "||", "->": "=>", "+": "-", "<": "<=", "*": "/"}
    pattern = "|".join(map(re.escape, new))
    return _code_line(rng, text, new.__getitem__, rf"(?<=[\w) ])(?:{pattern})(?=[\w( ])")


def code_case(rng: Random, text: str, other: str) -> str | None:
    return _code_line(rng, text, str.swapcase, r"\b[A-Za-z]\w{2,}")


def code_indent(rng: Random, text: str, other: str) -> str | None:
    return _code_line(rng, text, lambda old: "    " + old, r"^[^\n]*\w[^\n]*")


def code_indent_lost(rng: Random, text: str, other: str) -> str | None:
    return _code_line(rng, text, lambda old: old[2:], r"^[ ]{2,}\w[^\n]*")


def code_line_dropped(rng: Random, text: str, other: str) -> str | None:
    return _code_line(rng, text, lambda old: "", r"^[^\n]*\w[^\n]*\n") if _long_listing(text) else None


def _long_listing(text: str) -> bool:
    return any(text[span.start : span.end].count("\n") > 1 for span in listings(text))


def code_line_repeated(rng: Random, text: str, other: str) -> str | None:
    return _code_line(rng, text, lambda old: old + old, r"^[^\n]*\w[^\n]*\n")


def code_line_added(rng: Random, text: str, other: str) -> str | None:
    return _code_line(rng, text, lambda old: f"{old}print(result)\n", r"^[^\n]*\w[^\n]*\n")


def code_lines_swapped(rng: Random, text: str, other: str) -> str | None:
    def change(old: str) -> str:
        first, second, _ = old.split("\n")
        return f"{second}\n{first}\n"

    return _code_line(rng, text, change, r"^[^\n]*\w[^\n]*\n[^\n]*\w[^\n]*\n")


def code_joined(rng: Random, text: str, other: str) -> str | None:
    return _code_line(rng, text, lambda old: old.replace("\n", " "), r"^[^\n]*\w[^\n]*\n(?=[^\n]*\w)")


def listing_dropped(rng: Random, text: str, other: str) -> str | None:
    return one(rng, text, fences(text), lambda old: "")


def comment_added(rng: Random, text: str, other: str) -> str | None:
    return _code_line(rng, text, lambda old: f"{old}  # compute the result", r"[^\n]*\w[^\n]*")


def ticks_changed(rng: Random, text: str, other: str) -> str | None:
    def change(old: str) -> str | None:
        places = [i for i, char in enumerate(old) if char.isalnum()]
        if not places:
            return None
        at = rng.choice(places)
        return old[:at] + ("z" if old[at] != "z" else "y") + old[at + 1 :]

    return one(rng, text, ticks(text), change)


def renamed(rng: Random, text: str, other: str) -> str | None:
    """A variable called otherwise everywhere in the listings."""
    bodies = listings(text)
    names = sorted({name for span in bodies for name in re.findall(r"\b[a-z]\w{2,}\b", text[span.start : span.end])})
    if not names:
        return None
    name = rng.choice(names)
    return every(text, bodies, lambda old: re.sub(rf"\b{name}\b", f"{name}_new", old))


FACTS: dict[str, Corruption] = {
    edit.__name__: edit
    for edit in (
        digit,
        digit_added,
        digit_dropped,
        digits_swapped,
        point_moved,
        minus_added,
        minus_dropped,
        number_dropped,
        number_word,
        formula_dropped,
        formula_unwrapped,
        display_dropped,
        formula_added,
        display_added,
        formula_of_another_page,
        formulas_swapped,
        formula_moved,
        formula_repeated,
        code_character,
        code_letter,
        code_digit,
        code_operator,
        code_case,
        code_indent,
        code_indent_lost,
        code_line_dropped,
        code_line_repeated,
        code_line_added,
        code_lines_swapped,
        code_joined,
        listing_dropped,
        comment_added,
        ticks_changed,
        renamed,
    )
} | TEX
