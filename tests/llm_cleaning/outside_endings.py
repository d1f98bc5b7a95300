"""The second set of planted corruptions, continued: lists, tables, endings, loops, chatter of models."""

from __future__ import annotations

import re
from functools import partial
from random import Random

from outside_corruptions import Corruption
from planting import Span, fences, formulas, found_in_prose, one, paragraphs, sentences, swap


def heading_changed(rng: Random, text: str, other: str) -> str | None:
    spans = [Span(*found.span(1)) for found in re.finditer(r"^#{1,6} (.*[a-z]{4}.*)$", text, re.MULTILINE)]
    return one(rng, text, spans, lambda old: re.sub(r"[A-Za-z]{4,}", "Overview", old, count=1))


def item_invented(rng: Random, text: str, other: str) -> str | None:
    return one(
        rng, text, _items(text), lambda old: f"{old}\n{re.match(r'[ ]*[-*+] ', old)[0]}And one more thing to know"
    )


def item_changed(rng: Random, text: str, other: str) -> str | None:
    return one(rng, text, _items(text), lambda old: re.sub(r"[a-z]{5,}", "something", old, count=1))


def items_swapped(rng: Random, text: str, other: str) -> str | None:
    found = [
        (a, b)
        for a, b in zip(_items(text), _items(text)[1:], strict=False)
        if b.start == a.end + 1 and text[a.start : a.end] != text[b.start : b.end]
    ]
    if not found:
        return None
    a, b = rng.choice(found)
    return swap(text, Span(a.start, b.end), f"{text[b.start : b.end]}\n{text[a.start : a.end]}")


def _items(text: str) -> list[Span]:
    taken = fences(text)
    return [
        Span(*found.span())
        for found in re.finditer(r"^[ ]*[-*+] .*[a-z]{5}.*$", text, re.MULTILINE)
        if not any(span.start <= found.start() < span.end for span in taken)
    ]


_ROW = re.compile(r"^\|.*[\w$].*\|[ ]*$", re.MULTILINE)


def cell_changed(rng: Random, text: str, other: str) -> str | None:
    spans = [
        Span(row.start() + cell.start(1), row.start() + cell.end(1))
        for row in _ROW.finditer(text)
        for cell in re.finditer(r"\| *(\w[\w .]*?) *(?=\|)", row[0])
    ]
    return one(rng, text, spans, lambda old: f"{old}9" if old[-1].isdigit() else f"other {old}")


def cells_swapped(rng: Random, text: str, other: str) -> str | None:
    def change(old: str) -> str:
        cells = old.strip().strip("|").split("|")
        return f"|{cells[1]}|{cells[0]}|{''.join(cell + '|' for cell in cells[2:])}"

    spans = [
        Span(*row.span())
        for row in _ROW.finditer(text)
        if len({cell.strip() for cell in row[0].strip().strip("|").split("|")[:2]} - {"", "("}) == 2
    ]
    return one(rng, text, spans, change)


def row_invented(rng: Random, text: str, other: str) -> str | None:
    return one(
        rng,
        text,
        [Span(*row.span()) for row in _ROW.finditer(text)],
        lambda old: f"{old}\n{re.sub(r'[^|]+', ' 17 ', old.strip())}",
    )


def _place(rng: Random, text: str, low: float = 0.4, high: float = 0.9) -> int:
    return int(len(text) * rng.uniform(low, high))


def cut_in_sentence(rng: Random, text: str, other: str) -> str | None:
    found = [span for span in sentences(text) if span.start > len(text) * 0.3 and span.end - span.start > 40]
    if not found:
        return None
    span = rng.choice(found)
    words = text[span.start : span.end].split(" ")
    return text[: span.start] + " ".join(words[: len(words) // 2]) if len(words) > 5 else None


def cut_in_word(rng: Random, text: str, other: str) -> str | None:
    at = _place(rng, text)
    match = re.compile(r"(?<=[a-z])[a-z]{3,}").search(text, at)
    return text[: match.start() + 1] if match else None


def cut_with_dots(rng: Random, text: str, other: str) -> str | None:
    found = [span for span in sentences(text) if span.start > len(text) * 0.3]
    return text[: rng.choice(found).start] + "..." if found else None


def cut_in_formula(rng: Random, text: str, other: str) -> str | None:
    found = [span for span in formulas(text) if span.start > len(text) * 0.3 and span.end - span.start > 8]
    if not found:
        return None
    span = rng.choice(found)
    return text[: (span.start + span.end) // 2]


def cut_in_listing(rng: Random, text: str, other: str) -> str | None:
    found = [span for span in fences(text) if text.count("\n", *span) > 3]
    if not found:
        return None
    span = rng.choice(found)
    return text[: text.find("\n", (span.start + span.end) // 2) + 1]


def cut_between_paragraphs(rng: Random, text: str, other: str) -> str | None:
    """The last third is gone, and prose with it."""
    found = [span for span in paragraphs(text) if 0.3 * len(text) < span.end < 0.7 * len(text)]
    if not found:
        return None
    at = rng.choice(found).end
    lost = sum(span.end - span.start for span in paragraphs(text, least=150) if span.start > at)
    return text[:at] if lost > 500 else None


def half(rng: Random, text: str, other: str) -> str | None:
    """The first half is missing."""
    found = [span for span in paragraphs(text, least=200) if 0.4 * len(text) < span.start]
    lost = sum(span.end - span.start for span in paragraphs(text, least=150) if found and span.end < found[0].start)
    return text[found[0].start :] if found and lost > 500 else None


def last_repeated(rng: Random, text: str, other: str) -> str | None:
    found = sentences(text)
    if not found:
        return None
    span = found[-1]
    return swap(text, Span(span.end, span.end), (" " + text[span.start : span.end].strip()) * rng.choice([1, 2, 8]))


def sentence_looped(rng: Random, text: str, other: str) -> str | None:
    return one(rng, text, sentences(text), lambda old: " ".join([old] * rng.choice([2, 4, 30])))


def paragraph_repeated(rng: Random, text: str, other: str) -> str | None:
    return one(rng, text, paragraphs(text), lambda old: "\n\n".join([old] * rng.choice([2, 3])))


def word_looped(rng: Random, text: str, other: str) -> str | None:
    return one(
        rng,
        text,
        found_in_prose(r"\b[a-z]{3,} [a-z]{3,}\b", text),
        lambda old: " ".join([old] * rng.choice([3, 10, 60])),
    )


def all_twice(rng: Random, text: str, other: str) -> str | None:
    return f"{text}\n\n{text}"


# chatter


def _before(lines: list[str], rng: Random, text: str, other: str) -> str | None:
    return f"{rng.choice(lines)}\n\n{text}"


def _behind(lines: list[str], rng: Random, text: str, other: str) -> str | None:
    return f"{text.rstrip()}\n\n{rng.choice(lines)}"


def answered(rng: Random, text: str, other: str) -> str | None:
    answers = [
        "Answer: 42",
        "The answer is (B).",
        "**Solution:** Use induction.",
        "Yes, this is true.",
        "No.",
        "A: It depends on the context.",
        "It is 5.",
    ]
    questions = found_in_prose(r"[A-Z][^.?!\n]{10,}\?(?=\s)", text)
    return one(
        rng,
        text,
        questions,
        lambda old: f"{old} {rng.choice(answers)}" if rng.random() < 0.5 else f"{old}\n\n{rng.choice(answers)}",
    )


def refused(rng: Random, text: str, other: str) -> str | None:
    return rng.choice(
        [
            "I'm sorry, but I can't help with that.",
            "I cannot process this page because it contains no content.",
            "As an AI language model, I cannot clean this text.",
        ]
    )


def emptied(rng: Random, text: str, other: str) -> str | None:
    return rng.choice(["", "\n", "...", "N/A"])


CHATTER: dict[str, Corruption] = {
    "preamble": partial(
        _before,
        [
            "Here is the cleaned text:",
            "Sure! Here's the cleaned version of the page:",
            "Below is the extracted main content.",
            "Certainly, the content without boilerplate:",
            "**Cleaned text**",
            "Output:",
            "# Cleaned page",
            "The main content of the page is as follows:",
            "<think>The user wants the page cleaned.</think>",
            "I have removed the navigation and the footer.",
        ],
    ),
    "postamble": partial(
        _behind,
        [
            "Let me know if you need anything else.",
            "Note: I removed the navigation menu and the cookie banner.",
            "I hope this helps!",
            "[End of document]",
            "(The rest of the page was boilerplate and has been removed.)",
            "Is there anything else you would like me to do?",
            "Summary: the page explains the topic.",
            "---\nTL;DR: it depends.",
        ],
    ),
}

ENDINGS: dict[str, Corruption] = {
    edit.__name__: edit
    for edit in (
        heading_changed,
        item_invented,
        item_changed,
        items_swapped,
        cell_changed,
        cells_swapped,
        row_invented,
        cut_in_sentence,
        cut_in_word,
        cut_with_dots,
        cut_in_formula,
        cut_in_listing,
        cut_between_paragraphs,
        half,
        last_repeated,
        sentence_looped,
        paragraph_repeated,
        word_looped,
        all_twice,
        answered,
        refused,
        emptied,
    )
} | CHATTER
