"""Marks of notes in brackets, `[1]`: raised numbers and letters that are no powers, and notes inside a sentence."""

from __future__ import annotations

import re

from turbohtml import Document, Element, Text

from extractors.layout.signs import Selectors, Signs

_NOTES_INSIDE = Selectors((".ltx_note_outer",))  # LaTeXML's
_NOTE_MARKS = Selectors(("sup", "a.footnote-anchor"))  # Substack's marks are not raised
SIGNS = (*_NOTES_INSIDE.signs, *_NOTE_MARKS.signs)

_NOTE = re.compile(
    r"\[(?:[0-9]{1,3}|[a-z])(?:[,–-][0-9]{1,3}){0,9}\]|[0-9]{1,3}(?:, ?[0-9]{1,3}|[–-][0-9]{1,3}){0,9}"
    r"|[a-df-l](?:, ?[a-l0-9]){0,5}"  # of an author; "2e" and "Nr.o" are ordinals
)
_LAST_WORD = re.compile(r"(?:^|[\s(“\"'’—–-])([^\W\d_]{3,40})$")
_POWERS_WORDS = """
sin cos tan cot sec csc log exp lim max min det dim rank sinh cosh tanh arcsin arccos arctan sgn deg
km cm mm nm dm ft yd mi in inch inches feet foot mile miles meter meters metre metres sec secs seconds min
px kg mg mol rad pts alpha beta gamma delta theta lambda sigma omega
"""
_POWERS = frozenset(_POWERS_WORDS.split())
_OPERATORS = frozenset("=+−×·*/<>≤≥≈∝√")
_SENTENCE_ENDS = frozenset('.,;:!?”"»’')


def mark_notes(document: Document, signs: Signs, looks: int) -> None:
    """Change the tree in place; `looks` bounds the elements that are looked at."""
    if selector := _NOTES_INSIDE.of(signs):
        _bracket_notes(document.select(selector)[:looks])
    if selector := _NOTE_MARKS.of(signs):
        _mark_notes(document.select(selector)[:looks])


def _bracket_notes(notes: list[Element]) -> None:
    """A note inside a sentence stands in brackets, its number once."""
    for note in notes:
        mark = note.previous_sibling
        if not isinstance(mark, Element) or not mark.has_class("ltx_note_mark"):
            continue
        number = " ".join(mark.text.split())
        mark.extract()
        note.remove(".ltx_note_mark,.ltx_tag_note,.ltx_note_type")
        note.insert_before(Text(f" [{number}: "))
        note.insert_after(Text("]"))


def _mark_notes(marks: list[Element]) -> None:
    """Marks of notes in brackets: numbers raised behind a word or the end of a sentence, or inside a link to a note."""
    for mark in marks:
        text = " ".join(mark.text.split())
        if not _NOTE.fullmatch(text):
            continue
        parent = mark.parent
        linked = mark.tag == "a" or (
            isinstance(parent, Element) and parent.tag == "a" and "#" in (parent.attr("href") or "")
        )
        if linked or text.startswith("[") or _follows_prose(mark):
            mark.replace_with(Text(text if text.startswith("[") else f"[{text}]"))


def _follows_prose(mark: Element) -> bool:
    before = mark.previous_sibling
    written = (
        before.data[-60:] if isinstance(before, Text) else before.text[-60:] if isinstance(before, Element) else ""
    )
    if written[-1:] in _SENTENCE_ENDS and len(written.strip()) > 1:
        return True
    after = mark.next_sibling.data.lstrip()[:1] if isinstance(mark.next_sibling, Text) else ""
    if after in _OPERATORS and after:  # words are variables too: "velocity² = 2"
        return False
    word = _LAST_WORD.search(written)
    if word is None or (isinstance(before, Element) and before.tag in ("i", "em", "var", "sub", "sup")):
        return False
    if written[: word.start(1)].rstrip()[-1:] in _OPERATORS:
        return False
    return word[1].lower() not in _POWERS and (word[1].islower() or word[1].istitle())
