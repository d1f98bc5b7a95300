"""List markers as the page numbers them: `start`, `value`, `reversed`, `type` (HTML Living Standard 4.4.5)."""

from __future__ import annotations

from dataclasses import dataclass

from turbohtml import Element

_ROMAN_SIZES = (1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1)
_ROMAN_LETTERS = ("m", "cm", "d", "cd", "c", "xc", "l", "xl", "x", "ix", "v", "iv", "i")
MAX_ORDINAL = 10**9


@dataclass(slots=True)
class Counter:
    """Numbers the items of one list; `style` is "" for bullets, else the `type` of an `ol`."""

    style: str = ""
    next_value: int = 1
    step: int = 1

    def marker(self, item: Element) -> str:
        """Marker of the next item with its trailing space, e.g. "- ", "3. ", "b. "."""
        if not self.style:
            return "- "
        value = _integer(item.attr("value"), self.next_value)
        self.next_value = value + self.step
        return f"{ordinal(value, self.style)}. "


def counter(node: Element) -> Counter:
    """Counter for a list element that is being opened."""
    if node.tag != "ol":
        return Counter()
    style = node.attr("type") or "1"
    style = style if style in ("1", "a", "A", "i", "I") else "1"
    if node.attr("reversed") is None:
        return Counter(style, _integer(node.attr("start"), 1))
    items = sum(1 for child in node.children if isinstance(child, Element) and child.tag == "li")
    return Counter(style, _integer(node.attr("start"), items), -1)


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
