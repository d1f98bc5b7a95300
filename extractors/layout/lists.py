"""List markers as the page numbers them: `start`, `value`, `reversed`, `type` (HTML Living Standard 4.4.5)."""

from __future__ import annotations

from dataclasses import dataclass

from extractors.layout.text import attribute

_ROMAN_SIZES = (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1)
_ROMAN_LETTERS = ("m", "cm", "d", "cd", "c", "xc", "l", "xl", "x", "ix", "v", "iv", "i")


@dataclass(slots=True)
class Counter:
    """Numbers the items of one list; `style` is "" for bullets, else the `type` of an `ol`."""

    style: str = ""
    next_value: int = 1
    step: int = 1

    def marker(self, head: str) -> str:
        """Marker of the next item, an `li` with this start tag, with its trailing space, e.g. "- ", "3. ", "b. "."""
        if not self.style:
            return "- "
        value = _integer(attribute(head, "value"), self.next_value) if " value=" in head else self.next_value
        self.next_value = value + self.step
        return f"{ordinal(value, self.style)}. "


def counter(style: str | None, start: str | None, reversed_: str | None) -> Counter:
    """Counter for an `ol` with these attributes. A reversed list's `start` is its length where the page gives none:
    `extractors.layout.prepare` has counted."""
    step = 1 if reversed_ is None else -1
    return Counter(style if style in ("a", "A", "i", "I") else "1", _integer(start, 1), step)


def ordinal(value: int, style: str) -> str:
    """`value` in the numbering style of `<ol type>`; what a style cannot write (0, negatives) is decimal."""
    if style in ("a", "A") and value > 0:
        text = _alphabetic(value)
    elif style in ("i", "I") and 0 < value < 4000:
        text = _roman(value)
    else:
        return str(value)
    return text if style.islower() else text.upper()


def _alphabetic(value: int) -> str:
    letters = ""
    while value > 0:
        value, letter = divmod(value - 1, 26)
        letters = chr(ord("a") + letter) + letters
    return letters


def _roman(value: int) -> str:
    text = ""
    for size, letters in zip(_ROMAN_SIZES, _ROMAN_LETTERS, strict=True):
        count, value = divmod(value, size)
        text += letters * count
    return text


def _integer(text: str | None, default: int) -> int:
    digits = (text or "").strip()
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 9:
        return default
    return sign * int(digits)
