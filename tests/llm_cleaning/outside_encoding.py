"""The second set of faithful edits, continued: quotation marks, mojibake, references, normal forms, slips."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable
from random import Random

from planting import Span, every, found_in_prose, one, special


def curly(rng: Random, text: str) -> str | None:
    def line(old: str) -> str:
        old = re.sub(r'(?<![\w"])"([^"]+)"(?!\w)', r"“\1”", old)
        return re.sub(r"(?<=\w)'(?=\w)", "’", old)

    return _outside_special(text, line)


def straight(rng: Random, text: str) -> str | None:
    return _outside_special(
        text,
        lambda old: old.translate(
            str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "–": "-", "…": "...", "—": "--", "\xa0": " "})
        ),
    )


def long_dash(rng: Random, text: str) -> str | None:
    return _outside_special(
        text, lambda old: re.sub(r"(?<=[a-z]) (?:--|–|—) (?=[a-z])", rng.choice([" — ", " – ", "—"]), old)
    )


def _outside_special(text: str, edit: Callable[[str], str]) -> str | None:
    found = every(text, _gaps(text, special(text)), edit)
    return found if found != text else None


def _gaps(text: str, taken: list[Span]) -> list[Span]:
    out, at = [], 0
    for span in sorted(taken):
        if span.start > at:
            out.append(Span(at, span.start))
        at = max(at, span.end)
    return [*out, Span(at, len(text))]


def mojibake(rng: Random, text: str) -> str | None:
    def broken(match: re.Match[str]) -> str:
        try:
            return match[0].encode("utf-8").decode("cp1252")
        except UnicodeDecodeError:
            return match[0].encode("utf-8").decode("latin-1")

    return _outside_special(text, lambda old: re.sub(r"[\u00a0-\u024f\u2013-\u2026\u20ac]", broken, old))


def mojibake_latin(rng: Random, text: str) -> str | None:
    return _outside_special(
        text, lambda old: re.sub(r"[\u00a1-\u024f]", lambda m: m[0].encode("utf-8").decode("latin-1"), old)
    )


def entities(rng: Random, text: str) -> str | None:
    def line(old: str) -> str:
        old = html.escape(old)
        return re.sub(r"[\u00a0-\uffff]", lambda m: f"&#{ord(m[0])};", old)

    return _outside_special(text, line)


def named_entities(rng: Random, text: str) -> str | None:
    names = {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        "\xa0": "&nbsp;",
        "é": "&eacute;",
        "—": "&mdash;",
        "–": "&ndash;",
        "’": "&rsquo;",
        "“": "&ldquo;",
        "”": "&rdquo;",
    }
    return _outside_special(text, lambda old: re.sub("(?<!\n)[" + "".join(names) + "]", lambda m: names[m[0]], old))


def decomposed(rng: Random, text: str) -> str | None:
    found = unicodedata.normalize("NFD", text)
    return found if found != text else None


def composed(rng: Random, text: str) -> str | None:
    return unicodedata.normalize("NFC", text)


def ligatures(rng: Random, text: str) -> str | None:
    return _outside_special(
        text, lambda old: re.sub("ffi|fi|fl", lambda m: {"ffi": "ﬃ", "fi": "ﬁ", "fl": "ﬂ"}[m[0]], old)
    )


def full_width(rng: Random, text: str) -> str | None:
    spans = found_in_prose(r"(?<= )\d+(?= [a-z])", text)
    return every(text, spans, lambda old: "".join(chr(ord(char) + 0xFEE0) for char in old)) if spans else None


def lost_characters(rng: Random, text: str) -> str | None:
    spans = found_in_prose(r"(?<=[a-z])[é’öüäèç](?=[a-z])", text)
    return every(text, spans, lambda old: "\ufffd") if spans else None


def minus_signs(rng: Random, text: str) -> str | None:
    spans = found_in_prose(r"(?<= )-(?=\d)", text)
    return every(text, spans, lambda old: "−") if spans else None


def typo(rng: Random, text: str) -> str | None:
    """A slip in the source: two letters swapped within a long word."""
    words: dict[str, list[Span]] = {}
    for span in found_in_prose(r"(?<=[a-z] )[a-z]{7,}(?= [a-z])", text):
        words.setdefault(text[span.start : span.end], []).append(span)
    rare = [spans[0] for word, spans in words.items() if len(spans) == 1]
    return one(rng, text, rare, lambda old: old[:3] + old[4] + old[3] + old[5:] if old[3] != old[4] else None)
