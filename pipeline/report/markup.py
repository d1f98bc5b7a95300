"""HTML that cannot be injected into: everything is escaped unless its type says that it is markup already.

Text of web pages is hostile. Besides `<`, `&` and quotes, characters that would be invisible or would reorder what
surrounds them (controls, bidirectional overrides, private use) are shown by their code point, e.g. "⟨U+202E⟩".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from html import escape

_PLAIN = re.compile(r"[\n\t\x20-\x7e]*")
_SHOWN_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
_INNOCENT = frozenset("\n\t\u00ad\u200c\u200d")  # line ends, and what spelling, Persian and emoji need


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def visible(text: str) -> str:
    """The text with every character that a reader could not see, or that would move others, spelled out."""
    if _PLAIN.fullmatch(text):
        return text
    return "".join(_shown(char) for char in text)


def _shown(char: str) -> str:
    if char in _INNOCENT or unicodedata.category(char) not in _SHOWN_CATEGORIES:
        return char
    return f"⟨U+{ord(char):04X}⟩"


def safe(value: object) -> Markup:
    """Any value as markup; what is markup already stays as it is."""
    return value if isinstance(value, Markup) else Markup(escape(visible(str(value))))


def tag(name: str, *children: object, **attributes: object) -> Markup:
    """One element. `class_` and `for_` lose their underscore, attributes that are None are left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(visible(str(value)))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{written}>{''.join(map(safe, children))}</{name}>")


def join(parts: Iterable[object]) -> Markup:
    """Parts one after the other."""
    return Markup("".join(map(safe, parts)))


def shortened(text: str, limit: int) -> str:
    """The text, or its first `limit` characters with an ellipsis."""
    return text if len(text) <= limit else text[:limit].rstrip() + " …"


def page_text(text: str, **attributes: object) -> Markup:
    """Text of a web page, with a direction of its own so that Arabic or Hebrew does not move its surroundings."""
    return tag("bdi", text, dir="auto", **attributes)
