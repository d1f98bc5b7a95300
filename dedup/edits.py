"""What kind of thing was replaced between two aligned texts: formulas, numbers, or the subject of the page.

Only distinct replacements count, so that a chapter renumbered from 40 to 38 is one edit however often it is cited.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from dedup.align import Gap

TITLE_WORDS = 20  # a page names its subject this early

Change = tuple[tuple[str, ...], tuple[str, ...]]


class Edits(NamedTuple):
    """Distinct replacements by kind."""

    formula: int  # inside formulas, or of signs anywhere
    number: int  # of numbers in prose
    subject: int  # of words that both titles hold and that are replaced again in the text


class Words(Protocol):
    """Words by number."""

    def __getitem__(self, part: slice, /) -> list[str]: ...


class Tagged(Protocol):
    """Words with a flag for those inside formulas."""

    @property
    def words(self) -> Words: ...
    @property
    def formula(self) -> NDArray[np.bool_]: ...


def count_edits(a: Tagged, b: Tagged, found: list[Gap], small_gap_words: int) -> Edits:
    """Distinct replacements in the given gaps; gaps of more than `small_gap_words` words tell of numbers only."""
    formulas: set[Change] = set()
    numbers: set[Change] = set()
    plain: Counter[Change] = Counter()
    loose: tuple[set[str], set[str]] = (set(), set())
    for gap in found:
        change = tuple(a.words[gap.a_start : gap.a_end]), tuple(b.words[gap.b_start : gap.b_end])
        in_formula = a.formula[gap.a_start : gap.a_end].any() or b.formula[gap.b_start : gap.b_end].any()
        if max(gap.sizes) > small_gap_words:
            for values, side in zip(loose, change, strict=True):
                values.update(filter(_is_number, side))
        elif in_formula or _only(change, _is_sign):
            formulas.add(change)
        elif _only(change, _is_value):
            (numbers.update(_number_changes(change)) if _same(change, _is_sign) else formulas.add(change))
        else:
            plain[change] += 1
    unpaired = min(len(loose[0] - loose[1]), len(loose[1] - loose[0]))
    return Edits(len(formulas), len(numbers) + unpaired, _subjects(a, b, plain))


def _only(change: Change, kind: Callable[[str], bool]) -> bool:
    """Nothing but words of this kind differs between the two sides."""
    left, right = ([word for word in side if not kind(word)] for side in change)
    return left == right


def _same(change: Change, kind: Callable[[str], bool]) -> bool:
    """The words of this kind are equal on the two sides."""
    left, right = ([word for word in side if kind(word)] for side in change)
    return left == right


def _number_changes(change: Change) -> set[Change]:
    """The replaced numbers, each reduced to the components that differ: 26.3.2 -> 25.3.2 is 26 -> 25."""
    left, right = ([word for word in side if _is_number(word)] for side in change)
    if len(left) != len(right):
        return {change}
    return {_components(old, new) for old, new in zip(left, right, strict=True) if old != new}


def _components(old: str, new: str) -> Change:
    olds, news = old.split("."), new.split(".")
    if len(olds) != len(news):
        return (old,), (new,)
    pairs = [(x, y) for x, y in zip(olds, news, strict=True) if x != y]
    return tuple(x for x, _ in pairs), tuple(y for _, y in pairs)


def _subjects(a: Tagged, b: Tagged, plain: Counter[Change]) -> int:
    again = [change for change, count in plain.items() if count > 1]
    if not again:  # then nobody needs the words
        return 0
    a_title, b_title = set(a.words[:TITLE_WORDS]), set(b.words[:TITLE_WORDS])
    return sum(not a_title.isdisjoint(left) and not b_title.isdisjoint(right) for left, right in again)


def _is_number(word: str) -> bool:
    return word[0].isdigit()


def _is_sign(word: str) -> bool:
    return not word[0].isalnum() and word[0] != "\\"


def _is_value(word: str) -> bool:
    return _is_number(word) or _is_sign(word)
