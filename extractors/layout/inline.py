"""Inline pieces that need judgement: sub- and superscripts, image texts, inline code."""

from __future__ import annotations

import re
from collections.abc import Callable

from extractors.layout.tags import FORMULA_OPEN
from extractors.layout.text import attribute

# Superscripts that are ordinals, trademarks or notes, not powers.
_NOT_A_POWER_WORDS = "st nd rd th e er re ère ème eme è o a ª º ° tm sm ® © ™ ℠ * † ‡ § ¶"
_NOT_A_POWER = frozenset(_NOT_A_POWER_WORDS.split())
# A space only beside an operator. Possessive: with overlapping parts one `<sup>` of 140 dashes cost 0.3 s.
_SCRIPT = re.compile(r"[^\s,;:!?\"“”]{1,60}+(?: (?:(?=[-+−=/*] ?\S)|(?<=[-+−=/*] ))[^\s,;:!?\"“”]{1,60}+){0,8}")
_NOTE = re.compile(r"\[?(?:[0-9]{1,3}|[a-z]|note [0-9]{1,3})\]?")
_TEXT_FIELDS = frozenset(("text", "number", "email", "tel", "date"))
MAX_FIELD_CHARS = 500
MIN_ALT_WORDS = 3
MAX_ALT_CHARS = 500


def script_text(text: str, mark: str, before: str, holds_link: Callable[[], bool]) -> str | None:
    """`x^2`, `H_2`, or the plain text of a `<sup>`/`<sub>`; None when its children must be laid out (formulas inside).

    Args:
        text: of the whole `sup` or `sub` element.
        mark: "^" or "_".
        before: the character written last, "" at the start of a block.
        holds_link: whether a link is inside, as in the marks of notes.
    """
    if FORMULA_OPEN in text:
        return None
    text = " ".join(text.split())
    if not text or text.lower() in _NOT_A_POWER:
        return text
    if mark == "^" and _NOTE.fullmatch(text) and holds_link():
        return text if text.startswith("[") else f"[{text}]"
    if not _is_base(before) or not _SCRIPT.fullmatch(text):
        return text
    return f"{mark}{text}" if len(text) == 1 or text.isdigit() else f"{mark}{{{text}}}"


def _is_base(char: str) -> bool:
    return bool(char) and (char.isalnum() or char in ")]}|'′∑∏∫∂∇√")


def image_text(alt: str) -> str:
    """`![alt]` where the alt text says something; "" for icons, spacers, file names and short labels."""
    alt = " ".join(alt.split())
    if len(alt) > MAX_ALT_CHARS or alt.count(" ") + 1 < MIN_ALT_WORDS:
        return ""
    return f"![{alt}]"


def inline_code(text: str) -> str:
    """Backticked code; more backticks where the code holds some (CommonMark 6.1)."""
    if "`" not in text:
        return f"`{text}`"
    fence = "``" if "``" not in text else "```"
    return f"{fence} {text} {fence}"


def field_text(head: str) -> str:
    """What a text field shows that nobody can type into: content, not a form. Links to copy are left out."""
    if (attribute(head, "type") or "text").strip().lower() not in _TEXT_FIELDS:
        return ""
    value = " ".join((attribute(head, "value") or "").split())
    return "" if "://" in value or len(value) > MAX_FIELD_CHARS else value
