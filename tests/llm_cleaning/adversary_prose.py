"""A third set of planted corruptions, second half: sentences, names, quotations, lists, endings, what models say themselves.

Written as adversary_facts.py was. CORRUPTIONS holds both halves.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from adversary_code import CODE, TABLES
from adversary_facts import FACTS, FORMULA, Corruption, exchange, exchanged
from adversary_places import neighbours, prose, statements
from adversary_words import (
    AFFIRMED,
    ANSWERS,
    COMPARED,
    INVENTED,
    MODAL,
    NEGATED,
    POSTAMBLES,
    PREAMBLES,
    PREFIXED,
    QUANTIFIED,
    REFUSALS,
    TENSE,
    TRANSLATED,
    WITHOUT,
)
from planting import Span, fences, formulas, found_in_prose, one, swap


def of_pair(edit: Callable[[Random, str, str], str | None]) -> Corruption:
    """Two neighbouring sentences replaced by what `edit` makes of them."""

    def change(rng: Random, text: str, other: str) -> str | None:
        pairs = neighbours(text)
        for first, second in rng.sample(pairs, min(8, len(pairs))):
            new = edit(rng, text[first.start : first.end], text[second.start : second.end])
            if new is not None:
                return swap(text, Span(first.start, second.end), new)
        return None

    return change


def of_sentence(edit: Callable[[Random, str], str | None], least: int = 12) -> Corruption:
    return lambda rng, text, other: one(
        rng, text, [s for s in statements(text) if s.end - s.start >= least], lambda old: edit(rng, old)
    )


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]


def merged(rng: Random, first: str, second: str) -> str | None:
    if second[:1].isalpha() and second[:1].isascii():
        return f"{first[:-1]}{rng.choice([' and ', ', so ', ', because ', ', but '])}{_lowered(second)}"
    return first[:-1] + "，" + second if first[-1] == "。" else None


def blended(rng: Random, first: str, second: str) -> str | None:
    """The head of one sentence with the tail of the next."""
    heads, tails = first.split(" "), second.split(" ")
    if len(heads) < 6 or len(tails) < 6:
        return None
    return " ".join([*heads[: len(heads) // 2], *tails[len(tails) // 2 :]])


def shortened(rng: Random, old: str) -> str | None:
    """A sentence without its middle."""
    words = old.split(" ")
    if len(words) < 10:
        return None
    at = rng.randint(2, len(words) - 6)
    return " ".join(words[:at] + words[at + 3 :])


def paraphrased(rng: Random, old: str) -> str | None:
    """Words of the sentence in another order."""
    words = old[:-1].split(" ")
    if len(words) < 8 or "$" in old or "`" in old:
        return None
    half = len(words) // 2
    return f"{' '.join(words[half:])} {_lowered(' '.join(words[:half]))}{old[-1]}"


def word_dropped(rng: Random, old: str) -> str | None:
    words = old.split(" ")
    inner = [i for i in range(1, len(words) - 1) if words[i].isalpha() and len(words[i]) > 3]
    if not inner:
        return None
    at = rng.choice(inner)
    return " ".join(words[:at] + words[at + 1 :])


def word_added(rng: Random, old: str) -> str | None:
    words = old.split(" ")
    if len(words) < 5 or not words[0].isascii():
        return None
    at = rng.randint(1, len(words) - 1)
    return " ".join(
        [*words[:at], rng.choice(["clearly", "strongly", "partly", "modern", "new", "important"]), *words[at:]]
    )


def letter_cut(rng: Random, text: str, other: str) -> str | None:
    """A name loses or changes its letters."""
    names = found_in_prose(r"(?<=[a-zа-я,] )[A-ZА-Я][a-zа-яäöüé]{4,}", text)
    return one(
        rng,
        text,
        names,
        lambda old: old[:2] + chr(ord(old[2]) + 1 if old[2] not in "zя" else ord(old[2]) - 1) + old[3:],
    )


def names_swapped(rng: Random, text: str, other: str) -> str | None:
    return exchange(rng, text, found_in_prose(r"(?<=[a-zа-я,] )[A-ZА-Я][a-zа-яäöüé]{3,}(?: [A-Z][a-zé]{3,})?", text))


def renamed(rng: Random, text: str, other: str) -> str | None:
    new = rng.choice(["Johnson", "Kowalski", "Berlin", "Siemens", "Иванов"])
    return one(rng, text, found_in_prose(r"(?<=[a-zа-я,] )[A-ZА-Я][a-zа-яäöüé]{4,}", text), lambda old: new)


def quotation_reattributed(rng: Random, text: str, other: str) -> str | None:
    said = r"(?<=[\"”»] )(?:said|says|sagte|sagt|dit|сказал|says) [A-ZА-Я]\w+|(?<=[\"”»], )(?:said|says|sagte|dit|сказала?) [A-ZА-Я]\w+"
    return one(rng, text, found_in_prose(said, text), lambda old: old.split(" ")[0] + " Miller")


def quotation_changed(rng: Random, text: str, other: str) -> str | None:
    return one(
        rng,
        text,
        found_in_prose(r"(?<=[\"“„«「])[^\"“”„«»「」\n]{12,}(?=[\"”“»」])", text),
        lambda old: word_dropped(rng, old) or old[: len(old) // 2],
    )


def quoted_dropped(rng: Random, text: str, other: str) -> str | None:
    return one(rng, text, found_in_prose(r" \([^()\n$]{8,60}\)", text), lambda old: "")


# structure


def _paragraphs_swapped(rng: Random, text: str, other: str) -> str | None:
    return exchange(rng, text, prose(text))


def _items(text: str) -> list[list[Span]]:
    """Runs of list items, each with its mark left out."""
    runs: list[list[Span]] = []
    last = -9
    for found in re.finditer(r"(?m)^[ \t]*(?:[-*+•]|\d+[.)]|[a-z]\)) +(\S[^\n]+)$", text):
        if any(s.start <= found.start() < s.end for s in fences(text)):
            continue
        if found.start() - last > 2:
            runs.append([])
        runs[-1].append(Span(*found.span(1)))
        last = found.end()
    return [run for run in runs if len(run) >= 3]


def items_swapped(rng: Random, text: str, other: str) -> str | None:
    runs = _items(text)
    return exchange(rng, text, rng.choice(runs)) if runs else None


def item_dropped(rng: Random, text: str, other: str) -> str | None:
    runs = [run for run in _items(text) if text[run[0].start : run[-1].end].count("](") < len(run) - 1]
    if not runs:
        return None
    span = rng.choice(rng.choice(runs)[1:-1])
    start, end = text.rfind("\n", 0, span.start), span.end
    return text[:start] + text[end:]


def item_added(rng: Random, text: str, other: str) -> str | None:
    runs = _items(text)
    if not runs:
        return None
    span = rng.choice(rng.choice(runs))
    start = text.rfind("\n", 0, span.start)
    mark = text[start + 1 : span.start]
    return f"{text[: span.end]}\n{mark}{rng.choice(['Consider the remaining cases.', 'Check the result.', 'Gather the required materials'])}{text[span.end :]}"


def headings_swapped(rng: Random, text: str, other: str) -> str | None:
    return exchange(
        rng,
        text,
        [
            Span(*m.span(1))
            for m in re.finditer(r"(?m)^#+ ([^\n]+)$", text)
            if not any(s.start < m.start() < s.end for s in fences(text))
        ],
    )


def heading_invented(rng: Random, text: str, other: str) -> str | None:
    new = rng.choice(
        ["Introduction and Motivation", "Key Takeaways", "Zusammenfassung", "Conclusion: what we learned", "概述"]
    )
    return one(rng, text, prose(text)[1:], lambda old: f"## {new}\n\n{old}")


def heading_changed(rng: Random, text: str, other: str) -> str | None:
    spans = [Span(*m.span(1)) for m in re.finditer(r"(?m)^#+ ([^\n$]{8,})$", text)]
    return one(rng, text, spans, lambda old: "Understanding " + old)


def answered(rng: Random, text: str, other: str) -> str | None:
    """A question of the page is answered."""
    spans = [
        Span(*m.span())
        for m in re.finditer(r"[^\n]{15,}[?？](?=\n|\Z)", text)
        if not any(s.start <= m.start() < s.end for s in fences(text))
    ]
    return one(rng, text, spans, lambda old: f"{old}{rng.choice([' ', chr(10) + chr(10)])}{rng.choice(ANSWERS)}")


def exercise_answered(rng: Random, text: str, other: str) -> str | None:
    words = r"(?:Show|Prove|Compute|Find|Solve|Determine|Calculate|Zeigen|Zeige|Berechnen|Montrer|Calculer|Докажите|Найдите|求|证明|証明)"
    spans = [
        Span(*m.span())
        for m in re.finditer(rf"(?m)^[^\n]*{words}[^\n]+$", text)
        if not any(s.start <= m.start() < s.end for s in fences(text))
    ]
    return one(rng, text, spans, lambda old: f"{old}\n\n{rng.choice(ANSWERS)}")


# endings and loops


def cut_mid_sentence(rng: Random, text: str, other: str) -> str | None:
    spans = [s for s in statements(text) if s.start > len(text) // 4 and s.end - s.start >= 30]
    if not spans:
        return None
    span = rng.choice(spans)
    return text[: (span.start + span.end) // 2]


def cut_behind_paragraph(rng: Random, text: str, other: str) -> str | None:
    """The last third of the paragraphs is missing, where that is much."""
    spans = prose(text)
    if len(spans) < 6 or sum(s.end - s.start for s in spans[-len(spans) // 3 :]) < 600:
        return None
    return text[: spans[-len(spans) // 3].start].rstrip()


def cut_in_formula(rng: Random, text: str, other: str) -> str | None:
    spans = [s for s in formulas(text) if s.end - s.start > 8 and s.start > len(text) // 4]
    return text[: rng.choice(spans).start + 5] if spans else None


def cut_in_code(rng: Random, text: str, other: str) -> str | None:
    spans = [s for s in fences(text) if text.count("\n", *s) > 3]
    if not spans:
        return None
    span = rng.choice(spans)
    return text[: text.rfind("\n", 0, (span.start + span.end) // 2)]


def beginning_lost(rng: Random, text: str, other: str) -> str | None:
    spans = prose(text)
    return text[spans[len(spans) // 2].start :] if len(spans) >= 6 and spans[len(spans) // 2].start > 1500 else None


def middle_elided(rng: Random, text: str, other: str) -> str | None:
    mark = rng.choice(["[...]", "...", "(content omitted)", "[Rest of the section unchanged]", "…"])
    return one(rng, text, prose(text)[1:-1], lambda old: mark)


def paragraph_dropped(rng: Random, text: str, other: str) -> str | None:
    """A paragraph of the middle, of 300 letters at least."""
    return one(rng, text, [s for s in prose(text)[1:-1] if s.end - s.start > 300], lambda old: "")


def looped_sentence(rng: Random, old: str) -> str:
    return " ".join([old] * rng.randint(2, 12))


def looped_end(rng: Random, text: str, other: str) -> str | None:
    spans = statements(text)
    return f"{text.rstrip()}\n\n" + "\n\n".join([text[spans[-1].start : spans[-1].end]] * 20) if spans else None


def looped_lines(rng: Random, text: str, other: str) -> str:
    lines = text.rstrip().split("\n")
    return "\n".join(lines + lines[-rng.randint(1, 4) :] * rng.randint(1, 30))


def twice(rng: Random, text: str, other: str) -> str:
    return f"{text}\n\n{text}"


def foreign_paragraph(rng: Random, text: str, other: str) -> str | None:
    spans = prose(other)
    if not spans:
        return None
    span = rng.choice(spans)
    return one(rng, text, prose(text), lambda old: f"{old}\n\n{other[span.start : span.end]}")


def behind_sentence(said: tuple[str, ...]) -> Corruption:
    return of_sentence(lambda rng, old: f"{old} {rng.choice(said)}")


PROSE: dict[str, Corruption] = {
    "negated": exchanged(NEGATED),
    "negation_dropped": exchanged(AFFIRMED),
    "without_with": exchanged(WITHOUT),
    "prefix": exchanged(PREFIXED),
    "quantified": exchanged(QUANTIFIED),
    "compared": exchanged(COMPARED),
    "modal": exchanged(MODAL),
    "tense": exchanged(TENSE),
    "sentence_invented": behind_sentence(INVENTED),
    "sentence_translated": of_sentence(lambda rng, old: rng.choice(TRANSLATED), 30),
    "sentence_dropped": of_pair(lambda rng, first, second: first if len(second) > 30 else None),
    "sentence_summarised": of_sentence(
        lambda rng, old: " ".join(old.split(" ")[:5]) + "…" if old.count(" ") > 8 else None
    ),
    "sentence_shortened": of_sentence(shortened),
    "sentence_turned": of_sentence(paraphrased),
    "sentences_merged": of_pair(merged),
    "sentences_blended": of_pair(blended),
    "sentences_swapped": of_pair(lambda rng, first, second: f"{second} {first}"),
    "word_dropped": of_sentence(word_dropped),
    "word_added": of_sentence(word_added),
    "name_letters": letter_cut,
    "names_swapped": names_swapped,
    "renamed": renamed,
    "quotation_reattributed": quotation_reattributed,
    "quotation_changed": quotation_changed,
    "aside_dropped": quoted_dropped,
    "paragraphs_swapped": _paragraphs_swapped,
    "paragraph_dropped": paragraph_dropped,
    "paragraph_foreign": foreign_paragraph,
    "items_swapped": items_swapped,
    "item_dropped": item_dropped,
    "item_added": item_added,
    "headings_swapped": headings_swapped,
    "heading_invented": heading_invented,
    "heading_changed": heading_changed,
    "question_answered": answered,
    "exercise_answered": exercise_answered,
    "question_stated": lambda rng, text, other: one(
        rng, text, [Span(*m.span()) for m in re.finditer(r"(?<=[a-z])\?(?= [A-Z]|\n\n)", text)], lambda old: "."
    ),
    "preamble": lambda rng, text, other: f"{rng.choice(PREAMBLES)}\n\n{text}",
    "postamble": lambda rng, text, other: f"{text.rstrip()}\n\n{rng.choice(POSTAMBLES)}",
    "refusal": lambda rng, text, other: rng.choice(REFUSALS),
    "refusal_behind": lambda rng, text, other: f"{text.rstrip()}\n\n{rng.choice(REFUSALS)}",
    "cut_mid_sentence": cut_mid_sentence,
    "cut_behind_paragraph": cut_behind_paragraph,
    "cut_in_formula": cut_in_formula,
    "cut_in_code": cut_in_code,
    "beginning_lost": beginning_lost,
    "middle_elided": middle_elided,
    "loop_sentence": of_sentence(looped_sentence),
    "loop_end": looped_end,
    "loop_lines": looped_lines,
    "twice": twice,
}
CORRUPTIONS: dict[str, Corruption] = {**FACTS, **FORMULA, **CODE, **TABLES, **PROSE}
