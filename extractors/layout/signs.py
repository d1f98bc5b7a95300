"""What a page cannot hold, told from one look at its source: selections for what is absent are left out.

A CSS selector costs a look at every element, about 40 ns each; a page of 1,200 elements would spend longer on
selectors that find nothing than on its layout. A sign is a lower-case ASCII string that stands in the source, in
whatever case, wherever the thing it stands for is on the page; it may also stand there without it. A dot at either end
is a word's edge: `.tex.` is no part of "text".
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from functools import lru_cache

from extractors.layout.native import twin

Signs = Container[str]

_NEGATION = re.compile(r":not\([^()]*\)|:scope")
_PART = re.compile(
    r"""\[([\w-]+)(?:[*^$~|]?=["']?([^"'\]]*?)["']?(?:\si)?)?\]|\.([\w-]+)|(?:^|(?<=[\s>+~]))([a-z][\w:-]*)"""
)
_PLAIN = re.compile(r"[\w:=?/ -]+")  # other characters a page may write as references
_COMMON = frozenset(("class", "style", "src", "alt", "href", "type", "id"))  # on every page: not worth asking about
MAX_KNOWN = 4_096
_TAG_SIGNS = {"img": "<im"}  # the parser reads <image> as <img>


class _All:
    """Signs of a page that nobody looked at: it may hold anything."""

    def __contains__(self, _sign: object) -> bool:
        return True


ALL: Signs = _All()


class _With:
    """Signs of a page, and one that the tree has gained since."""

    def __init__(self, signs: Signs, gained: str) -> None:
        self.signs, self.gained = signs, gained

    def __contains__(self, sign: object) -> bool:
        return sign == self.gained or sign in self.signs


def with_sign(signs: Signs, gained: str) -> Signs:
    """`signs` and one more."""
    return signs | {gained} if isinstance(signs, frozenset) else _With(signs, gained)


@lru_cache(maxsize=8)
def _finder(wanted: tuple[str, ...]) -> twin.SignFinder:
    return twin.SignFinder(wanted)


def find_signs(html: str, wanted: tuple[str, ...]) -> Signs:
    """Those of `wanted` that the source of a page holds, and RESERVED[0] where it holds a reserved character."""
    return _finder(wanted).find(html)


def holds_any(signs: Signs, wanted: frozenset[str]) -> bool:
    """Whether the page has one of `wanted`."""
    return not wanted.isdisjoint(signs) if isinstance(signs, frozenset) else any(sign in signs for sign in wanted)


def tag_sign(tag: str) -> str:
    """Sign of the start tags of an element that the source has to name."""
    return _TAG_SIGNS.get(tag, f"<{tag}.")


def selector_signs(selector: str) -> tuple[str, ...]:
    """Signs that all stand on a page where the selector finds something: its tags, classes, attributes and values."""
    found: list[str] = []
    for name, value, css_class, tag in _PART.findall(_NEGATION.sub("", selector.replace("\\:", ":"))):
        if name and name not in _COMMON:
            found.append(f".{name}.")
        if _PLAIN.fullmatch(value):
            found.append(value)
        if _PLAIN.fullmatch(css_class):
            found.append(f".{css_class}.")
        if tag:
            found.append(tag_sign(tag))
    return tuple(sign.lower() for sign in found)


class Selectors:
    """CSS selectors of one purpose; a page is asked only for those whose signs it has."""

    __slots__ = ("_always", "_known", "_selectors", "_wanted", "signs")

    def __init__(self, selectors: Iterable[str]) -> None:
        needed = [(selector, sorted(selector_signs(selector), key=len)) for selector in selectors]
        self._selectors = [(selector, signs.pop() if signs else "", signs) for selector, signs in needed]
        self.signs = tuple(dict.fromkeys(sign for _, first, rest in self._selectors for sign in (first, *rest) if sign))
        self._wanted = frozenset(self.signs)
        self._always = self._of(frozenset())
        self._known: dict[frozenset[str], str] = {}  # signs of pages before, out of `signs` -> selectors

    def of(self, signs: Signs) -> str:
        """The selectors that can find something, joined; "" for none."""
        if not isinstance(signs, frozenset):
            return self._of(signs)
        if self._wanted.isdisjoint(signs):
            return self._always
        key = self._wanted & signs
        if key not in self._known and len(self._known) < MAX_KNOWN:
            self._known[key] = self._of(key)
        return self._known[key] if key in self._known else self._of(key)

    def _of(self, signs: Signs) -> str:
        found = []
        for selector, first, rest in self._selectors:  # the longest sign first: nearly all end there
            if (first in signs or not first) and (not rest or all(sign in signs for sign in rest)):
                found.append(selector)
        return ",".join(found)
