"""The second set of planted corruptions, continued: prose, names, units, lists and tables, order, endings, chatter."""

from __future__ import annotations

import re
from functools import partial
from random import Random

from outside_corruptions import FACTS, Corruption
from outside_endings import ENDINGS
from planting import Span, found_in_prose, one, paragraphs, sentences, swap

INVENTED = [
    "This result is widely used in practice.",
    "It was first observed by Leonhard Euler in 1748.",
    "The proof is left as an exercise for the reader.",
    "In general, this approach scales well to larger problems.",
    "As a consequence, the method converges after a few steps.",
    "This is not always the case.",
    "However, the opposite can also be true.",
    "See the references for more details.",
]


def _words(pairs: dict[str, str], rng: Random, text: str, other: str) -> str | None:
    def change(old: str) -> str:
        new = pairs[old.lower()]
        return new.capitalize() if old[0].isupper() else new

    return one(rng, text, found_in_prose(rf"\b(?:{'|'.join(pairs)})\b", text, re.IGNORECASE), change)


def _pairs(listed: str) -> Corruption:
    """Words and what they are changed to, both ways."""
    words = dict(pair.split("/") for pair in listed.split())
    return partial(_words, {**{new: old for old, new in words.items()}, **words})


WORDS: dict[str, Corruption] = {
    "opposite": _pairs(
        "increase/decrease increases/decreases larger/smaller more/less higher/lower left/right up/down maximum/minimum "
        "positive/negative even/odd before/after above/below first/last true/false open/closed inside/outside upper/lower "
        "good/bad large/small new/old long/short same/different early/late easy/hard possible/impossible"
    ),
    "quantity": _pairs(
        "all/some every/some always/sometimes many/few most/some often/rarely any/every both/either each/some only/also"
    ),
    "modality": _pairs("must/may can/cannot should/could will/might is/was are/were has/had"),
    "connective": _pairs(
        "and/or but/and because/although if/unless when/before with/without for/against to/from over/under"
    ),
    "pronoun": _pairs("he/she his/her him/her they/we our/their it/this"),
    "noun": _pairs(
        "theorem/lemma function/variable set/sequence number/matrix system/model time/place man/woman year/month problem/solution "
        "user/server file/folder point/line group/ring value/name"
    ),
}


def _sentence(rng: Random, text: str, edit) -> str | None:
    return one(rng, text, sentences(text), edit)


def negated(rng: Random, text: str, other: str) -> str | None:
    return one(
        rng,
        text,
        found_in_prose(r"\b(?:is|are|was|were|can|will|does|do|should|has)\b(?! not|n't)", text),
        lambda old: f"{old} not",
    )


def negated_briefly(rng: Random, text: str, other: str) -> str | None:
    return one(
        rng,
        text,
        found_in_prose(r"\b(?:is|are|was|were|does|did|has|have|would|could|should)\b(?= [a-z])(?! not)", text),
        lambda old: f"{old}n't",
    )


def negation_dropped(rng: Random, text: str, other: str) -> str | None:
    return one(
        rng,
        text,
        found_in_prose(r" (?:not|never|no|cannot)\b|n['’]t\b|(?<= )(?:un|in|non)(?=[a-z]{5})", text),
        lambda old: " can" if old == " cannot" else "",
    )


def _insert(what: str, rng: Random, text: str, other: str) -> str | None:
    return _sentence(rng, text, lambda old: f"{old} {what}" if what else None)


def invented(rng: Random, text: str, other: str) -> str | None:
    return _insert(rng.choice(INVENTED), rng, text, other)


def invented_first(rng: Random, text: str, other: str) -> str | None:
    return _sentence(rng, text, lambda old: f"{rng.choice(INVENTED)} {old}")


def borrowed(rng: Random, text: str, other: str) -> str | None:
    """A sentence of another page."""
    theirs = sentences(other)
    if not theirs:
        return None
    span = rng.choice(theirs)
    return _insert(other[span.start : span.end].strip(), rng, text, other)


def paragraph_invented(rng: Random, text: str, other: str) -> str | None:
    body = " ".join(rng.sample(INVENTED, 3))
    return one(rng, text, paragraphs(text), lambda old: f"{old}\n\n{body}")


def heading_invented(rng: Random, text: str, other: str) -> str | None:
    return one(
        rng,
        text,
        paragraphs(text),
        lambda old: f"## {rng.choice(['Introduction', 'Conclusion', 'Summary', 'Key ideas'])} of it all\n\n{old}",
    )


def adjective(rng: Random, text: str, other: str) -> str | None:
    return one(
        rng,
        text,
        found_in_prose(r"\b(?:the|a|an) (?=[a-z]{4})", text),
        lambda old: old + rng.choice(["important ", "small ", "real ", "famous "]),
    )


def adverb(rng: Random, text: str, other: str) -> str | None:
    return one(
        rng,
        text,
        found_in_prose(r"\b(?:is|are|was|were) (?=[a-z]{3})", text),
        lambda old: old + rng.choice(["usually ", "very ", "almost ", "probably "]),
    )


def clause_dropped(rng: Random, text: str, other: str) -> str | None:
    return one(rng, text, found_in_prose(r", [a-z][a-z ]{12,80}(?=[,.])", text), lambda old: "")


def aside_dropped(rng: Random, text: str, other: str) -> str | None:
    return one(rng, text, found_in_prose(r" \([A-Za-z][^()\n]{6,80}\)", text), lambda old: "")


def word_dropped(rng: Random, text: str, other: str) -> str | None:
    return one(rng, text, found_in_prose(r"(?<=[a-z]) [a-z]{5,}(?= [a-z])", text), lambda old: "")


def merged(rng: Random, text: str, other: str) -> str | None:
    return one(
        rng, text, found_in_prose(r"(?<=[a-z])\. [A-Z](?=[a-z]* [a-z])", text), lambda old: f" and {old[-1].lower()}"
    )


def merged_by_comma(rng: Random, text: str, other: str) -> str | None:
    return one(
        rng,
        text,
        found_in_prose(r"(?<=[a-z])\. [A-Z](?=[a-z]* [a-z])", text),
        lambda old: f", {rng.choice(['so', 'but', 'because'])} {old[-1].lower()}",
    )


def merged_tightly(rng: Random, text: str, other: str) -> str | None:
    """Half of one sentence continued with half of the next."""
    found = [(a, b) for a, b in zip(sentences(text), sentences(text)[1:], strict=False) if b.start == a.end + 1]
    if not found:
        return None
    a, b = rng.choice(found)
    one_, two = text[a.start : a.end].split(" "), text[b.start : b.end].split(" ")
    if len(one_) < 6 or len(two) < 6:
        return None
    return swap(text, Span(a.start, b.end), " ".join(one_[: len(one_) // 2] + two[len(two) // 2 :]))


def sentence_dropped(rng: Random, text: str, other: str) -> str | None:
    """From within its paragraph."""
    inner = [
        span
        for span in sentences(text)
        if text[span.start - 1 : span.start] == " " or text[span.end : span.end + 1] == " "
    ]
    return one(rng, text, inner, lambda old: "")


def sentences_swapped(rng: Random, text: str, other: str) -> str | None:
    found = [(a, b) for a, b in zip(sentences(text), sentences(text)[1:], strict=False) if b.start == a.end + 1]
    if not found:
        return None
    a, b = rng.choice(found)
    return swap(text, Span(a.start, b.end), f"{text[b.start : b.end]} {text[a.start : a.end]}")


def paragraphs_swapped(rng: Random, text: str, other: str) -> str | None:
    found = paragraphs(text)
    if len(found) < 2:
        return None
    at = rng.randrange(len(found) - 1)
    a, b = found[at], found[at + 1]
    first, second = text[a.start : a.end], text[b.start : b.end]
    return swap(swap(text, b, first), a, second) if first != second else None


def paragraph_dropped(rng: Random, text: str, other: str) -> str | None:
    """A long one between two others."""
    found = paragraphs(text, least=300)[1:-1]
    return one(rng, text, found, lambda old: "")


def paraphrased(rng: Random, text: str, other: str) -> str | None:
    def change(old: str) -> str | None:
        words = old.rstrip(".").split(" ")
        if len(words) < 9 or not words[0].isalpha():
            return None
        return f"What can be said is that {' '.join(words[len(words) // 2 :])}, while {' '.join(words[: len(words) // 2])}."

    return _sentence(rng, text, change)


def summed_up(rng: Random, text: str, other: str) -> str | None:
    found = paragraphs(text, least=250)
    return one(rng, text, found, lambda old: " ".join(old.split(" ")[:12]).rstrip(".,") + ".")


_NAME = r"(?<=[a-z,] )[A-Z][a-z]{3,}\b"


def names_swapped(rng: Random, text: str, other: str) -> str | None:
    spans = found_in_prose(_NAME, text)
    names = sorted({text[span.start : span.end] for span in spans})
    if len(names) < 2:
        return None
    first, second = rng.sample(names, 2)
    swapped = {first: second, second: first}
    return one(rng, text, [span for span in spans if text[span.start : span.end] in swapped], swapped.__getitem__)


def name_invented(rng: Random, text: str, other: str) -> str | None:
    return one(
        rng, text, found_in_prose(_NAME, text), lambda old: rng.choice(["Kowalski", "Hernandez", "Riemann", "Osaka"])
    )


def name_misspelt(rng: Random, text: str, other: str) -> str | None:
    return one(rng, text, found_in_prose(_NAME, text), lambda old: old[:2] + ("e" if old[2] != "e" else "a") + old[3:])


def unit(rng: Random, text: str, other: str) -> str | None:
    units = {
        "km": "m",
        "m": "km",
        "cm": "mm",
        "mm": "cm",
        "kg": "g",
        "g": "mg",
        "mg": "g",
        "MB": "GB",
        "GB": "MB",
        "KB": "MB",
        "TB": "GB",
        "Hz": "kHz",
        "GHz": "MHz",
        "MHz": "GHz",
        "ms": "s",
        "s": "ms",
        "seconds": "minutes",
        "minutes": "hours",
        "hours": "days",
        "days": "weeks",
        "weeks": "months",
        "months": "years",
        "years": "months",
        "percent": "points",
        "%": "‰",
        "meters": "feet",
        "metres": "feet",
        "feet": "meters",
        "miles": "kilometers",
        "bytes": "bits",
        "bits": "bytes",
        "degrees": "radians",
        "million": "billion",
        "billion": "million",
        "dollars": "euros",
        "V": "mV",
        "W": "kW",
        "°C": "°F",
        "pounds": "kilograms",
        "inches": "feet",
        "nm": "mm",
        "J": "kJ",
        "K": "mK",
        "N": "kN",
        "L": "mL",
    }
    pattern = "|".join(map(re.escape, sorted(units, key=len, reverse=True)))
    return one(
        rng,
        text,
        found_in_prose(rf"(?<=\d)[  ]?(?:{pattern})(?![\w°])", text),
        lambda old: old[: len(old) - len(old.strip())] + units[old.strip()],
    )


def currency(rng: Random, text: str, other: str) -> str | None:
    return one(
        rng,
        text,
        found_in_prose(r"[€£¥$](?=\d)|(?<=\d) ?€", text),
        lambda old: {"€": "£", "£": "€", "$": "€", "¥": "$"}[old.strip()],
    )


def address(rng: Random, text: str, other: str) -> str | None:
    spans = [Span(*found.span()) for found in re.finditer(r"(?:https?://|www\.)[\w.-]+\.\w+[\w/.-]*\w", text)]
    return one(rng, text, spans, lambda old: old[:-1] + ("x" if old[-1] != "x" else "y"))


PROSE: dict[str, Corruption] = {
    edit.__name__: edit
    for edit in (
        negated,
        negated_briefly,
        negation_dropped,
        invented,
        invented_first,
        borrowed,
        paragraph_invented,
        heading_invented,
        adjective,
        adverb,
        clause_dropped,
        aside_dropped,
        word_dropped,
        merged,
        merged_by_comma,
        merged_tightly,
        sentence_dropped,
        sentences_swapped,
        paragraphs_swapped,
        paragraph_dropped,
        paraphrased,
        summed_up,
        names_swapped,
        name_invented,
        name_misspelt,
        unit,
        currency,
        address,
    )
}
OUTSIDE_CORRUPTIONS: dict[str, Corruption] = {**FACTS, **WORDS, **PROSE, **ENDINGS}
