"""Is a benchmark item in this page? Seeds propose items, an alignment of the words decides.

What must be there: most of the item by rarity of its words, or a verbatim part of it, in one place, in order, and with
the item's own numbers and signs. The same wording with other numbers is another exercise. Text around and inside it
(menus, an advertisement, "log in to see the rest") does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedup.item_index import Hits, IndexConfig, Item, ItemIndex, item_of
from dedup.item_words import NUMBER, SIGN, Folded, Spans, fold, kinds, places
from dedup.subsequence import common_subsequence
from pipeline.text.spans import merge

MATCH_SCHEMA = pa.schema(
    [
        ("doc_id", pa.string()),
        ("benchmark", pa.string()),
        ("item_id", pa.string()),
        ("score", pa.float32()),  # share of the item's words, by rarity, that stand in the page
        ("start", pa.int64()),  # code points of the input text, delimiters and closing punctuation included
        ("end", pa.int64()),
        ("action", pa.string()),  # drop or cut
    ]
)
PIECE_CHARS = 1 << 17  # a long text is searched in pieces that overlap by OVERLAP_CHARS
OVERLAP_CHARS = 1 << 14
NEAR_WORDS = 12  # a number replaced this close to the stretch counts as replaced in it
RUN_WORDS = 2  # words in a row that tell that an alignment goes on
EDGE_CHARS = 48  # a span takes at most so many characters of delimiters and punctuation with it at either end
MAX_CANDIDATES = 256  # per piece, the most seeds first


@dataclass(frozen=True, slots=True)
class DecontaminateConfig:
    """What counts as an item being there; shares are of the item's words weighted by rarity.

    Args:
        proposal: share of the item's seeds of one pass that a text must have for its words to be compared.
        whole: the matched stretch reaches over at least this share of the item, then `dense` of it must match.
        dense: share of a whole stretch that must match; what is missing may be paraphrase.
        part: at least this share of the item, by rarity or by number of words, is quoted; then `verbatim` of the
            stretch must match, and the part weighs at least `part_rarity` words that no other item has.
        verbatim: share of a partial quote that must match.
        part_words: a partial quote has at least so many words.
        exact_words: an item of fewer words must be there word for word.
        compact: matched words over the words of the passage, its largest insertion left out.
        unbroken: share of the matched words that follow each other in both texts; `unbroken_part` in a partial quote.
        changed_numbers: share of the numbers and signs of the stretch that may differ.
    """

    index: IndexConfig = field(default_factory=IndexConfig)
    proposal: float = 0.25
    whole: float = 0.75
    dense: float = 0.6
    part: float = 0.45
    part_rarity: float = 1.5
    verbatim: float = 0.9
    part_words: int = 8
    exact_words: int = 8
    compact: float = 0.6
    unbroken: float = 0.4
    unbroken_part: float = 0.75
    changed_numbers: float = 0.1


class Match(NamedTuple):
    """One item found: its number in the index, score, and place in the text."""

    item: int
    score: float
    start: int
    end: int


class _Stretch(NamedTuple):
    """The densest aligned stretch of an item: pairs[first:last], item words begin:end."""

    begin: int
    end: int
    first: int
    last: int


def find_matches(text: str, index: ItemIndex, config: DecontaminateConfig) -> list[Match]:
    """The items that stand in a text, in order of place; one that stands there twice is found twice."""
    found = [match for piece in _pieces(text) for match in _search(*piece, index, config)]
    found.sort(key=lambda match: (match.item, match.start, -match.end))
    kept = [match for before, match in zip([None, *found], found, strict=False) if not _again(before, match)]
    return sorted(kept, key=lambda match: (match.start, match.end, match.item))


def cut_spans(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text without some passages; a blank line takes the place of each and the space around it."""
    parts: list[str] = []
    position = 0
    for start, end in merge(spans):
        before = text[position:start].rstrip()
        parts.append(before.lstrip() if parts else before)
        position = end
    parts.append(text[position:].lstrip() if parts else text)
    return "\n\n".join(part for part in parts if part)


def _closed(text: str, start: int, end: int) -> tuple[int, int]:
    """The span from its first to its last word, with the delimiters and punctuation that belong to it.

    Half a formula, half a pair of brackets or the question mark must not be left out, or stay behind in a cut.
    """
    opener = _OPENER.search(text, max(0, start - EDGE_CHARS), start)
    closer = _CLOSER.match(text, end, min(len(text), end + EDGE_CHARS))
    return opener.start() if opener else start, closer.end() if closer else end


_CLOSER = re.compile(
    r"(?:[.,;:?!…。？！，、%'\"’”»)\]}*_`]|\\[)\]!,;]|\$\$?(?![^\s.,;:?!)])"
    r"|[ \t\n]{1,4}(?:\\right[.)\]|}]?|\\end\{[a-z]{1,12}\*?\}|\\[)\]]|\$\$?(?![^\s.,;:?!)])|\}))+"
)
_OPENER = re.compile(
    r"(?:[¿¡'\"‘“«(\[{*_`]|\\[(\[]|\$\$?"
    r"|(?:\\left[.(\[|{]?|\\begin\{[a-z]{1,12}\*?\}|\\[(\[]|(?<![^\s(])\$\$?|\{)[ \t\n]{1,4})+\Z"
)


def _again(before: Match | None, match: Match) -> bool:
    """The same item, overlapping: both pieces of a long text found it."""
    return before is not None and before.item == match.item and match.start < before.end


def _pieces(text: str) -> Iterator[tuple[str, int]]:
    """(part, offset): parts of bounded length, cut at white space where there is some."""
    start = 0
    while start < len(text):
        end = start + PIECE_CHARS
        if end < len(text):
            end = text.rfind(" ", end - OVERLAP_CHARS // 2, end) + 1 or end
        yield text[start:end], start
        if end >= len(text):
            return
        start = end - OVERLAP_CHARS


@dataclass(slots=True)
class _Passage:
    """A text as words; the places of its words are looked up when the first item needs them."""

    text: str
    folded: Folded = field(init=False)
    _spans: Spans | None = None

    def __post_init__(self) -> None:
        self.folded = fold(self.text)

    @property
    def spans(self) -> Spans:
        """(start, end) of every word in the text."""
        if self._spans is None:
            self._spans = places(self.text)[self.folded.raw]
        return self._spans


def _search(text: str, offset: int, index: ItemIndex, config: DecontaminateConfig) -> Iterator[Match]:
    passage = _Passage(text)
    for number, low, high in _clusters(index.hits(passage.folded.hashes), index, config):
        found = _verify(item_of(index, number), passage, low, high, config)
        if found is not None:
            score, first, last = found
            start, end = _closed(text, int(passage.spans[first, 0]), int(passage.spans[last, 1]))
            yield Match(number, score, offset + start, offset + end)


def _clusters(hits: Hits, index: ItemIndex, config: DecontaminateConfig) -> Iterator[tuple[int, int, int]]:
    """(item, first word, last word) of the places of a text where enough seeds of an item stand together."""
    if not len(hits.at):
        return
    for number in _proposed(hits, index, config).tolist():
        rows = np.flatnonzero(hits.item == number)
        yield from _places(hits, rows[np.argsort(hits.at[rows], kind="stable")], index, config)


def _proposed(hits: Hits, index: ItemIndex, config: DecontaminateConfig) -> NDArray[np.int64]:
    """Items of which the text has the wanted share of the seeds of one pass, at most MAX_CANDIDATES, ascending."""
    distinct = np.unique(hits.item.astype(np.int64) << 32 | hits.place << 1 | hits.exact)
    numbers, inverse = np.unique(distinct >> 32, return_inverse=True)
    votes = np.bincount(2 * inverse + (distinct & 1), minlength=2 * len(numbers)).reshape(-1, 2)
    shares = (votes / np.maximum(index.seeds_of[numbers], 1)).max(axis=1)
    wanted = np.flatnonzero((shares >= config.proposal) & (votes @ np.array([1, 2]) >= 2))
    best = wanted[np.lexsort((numbers[wanted], -shares[wanted]))][:MAX_CANDIDATES]
    return np.sort(numbers[best])


def _places(
    hits: Hits, rows: NDArray[np.int64], index: ItemIndex, config: DecontaminateConfig
) -> Iterator[tuple[int, int, int]]:
    """Hits of one item, split where two are further apart than the item is long."""
    number = int(hits.item[rows[0]])
    at, size = hits.at[rows], int(index.sizes[number])
    room = size // 4 + 8
    for part in np.split(rows, np.flatnonzero(np.diff(at) > size + room) + 1):
        if _share(hits, part, index.seeds_of[number]) >= config.proposal:
            first, last = hits.at[part[0]] - hits.place[part[0]], hits.at[part[-1]] + size - hits.place[part[-1]]
            yield number, int(max(0, first - room)), int(last + room)


def _share(hits: Hits, rows: NDArray[np.int64], seeds: NDArray[np.int64]) -> float:
    distinct = np.unique(hits.place[rows].astype(np.int64) << 1 | hits.exact[rows]) & 1
    return float((np.bincount(distinct, minlength=2) / np.maximum(seeds, 1)).max())


def _verify(
    item: Item, passage: _Passage, low: int, high: int, config: DecontaminateConfig
) -> tuple[float, int, int] | None:
    """(score, first word, last word) if the item stands between two words of a text."""
    window = passage.folded.hashes[low:high]
    present = np.isin(item.hashes, window)
    if max(item.weights[present].sum() / item.weights.sum(), present.mean()) < config.part:
        return None  # not even the words are there
    at = np.array(common_subsequence(item.hashes.tolist(), window.tolist()), np.int64) + np.array([0, low])
    stretch = _densest(item, at)
    inside = at[stretch.first : stretch.last]
    if not len(inside):
        return None
    matched, total = float(item.weights[inside[:, 0]].sum()), float(item.weights.sum())
    if not _enough(item, inside, matched, stretch, config) or _other_numbers(item, passage, at, stretch, config):
        return None
    return matched / total, int(inside[0, 1]), int(inside[-1, 1])


def _densest(item: Item, at: NDArray[np.int64]) -> _Stretch:
    """The stretch of the item whose matched weight most exceeds what is missing in it and inserted in the text."""
    gains = -item.weights
    gains[at[:, 0]] *= -1.0
    jumps = np.diff(at[:, 1], prepend=at[0, 1] - 1) - 1
    gains[at[:, 0]] -= 0.1 * item.weights.mean() * np.clip(jumps - 2, 0, 40)
    sums = np.concatenate([[0.0], np.cumsum(gains)])
    lowest = np.minimum.accumulate(sums)
    end = int(np.argmax(sums - lowest))
    begin = int(np.argmin(sums[: end + 1]))
    first, last = np.searchsorted(at[:, 0], [begin, end])
    return _Stretch(begin, end, int(first), int(last))


def _enough(
    item: Item, inside: NDArray[np.int64], matched: float, stretch: _Stretch, config: DecontaminateConfig
) -> bool:
    size, found, total = len(item.hashes), len(inside), item.weights.sum()
    reach = item.weights[stretch.begin : stretch.end].sum()
    jumps = np.diff(inside[:, 1]) - 1
    unbroken = float((np.diff(inside, axis=0) == 1).all(axis=1).mean()) if found > 1 else 1.0
    if size < config.exact_words:
        return found == size and int(jumps.sum()) <= 1
    if found < config.compact * (found + jumps.sum() - jumps.max(initial=0)):
        return False
    if reach >= config.whole * total and matched >= config.dense * reach and unbroken >= config.unbroken:
        return True
    quoted = max(matched / total, found / size) >= config.part and found >= config.part_words
    telling = matched >= config.part_rarity * item.rarest
    return quoted and telling and matched >= config.verbatim * reach and unbroken >= config.unbroken_part


def _other_numbers(
    item: Item, passage: _Passage, at: NDArray[np.int64], stretch: _Stretch, config: DecontaminateConfig
) -> bool:
    """Numbers or signs of the item are missing in the stretch, or replaced in it or right beside it."""
    kind = kinds(item.hashes[stretch.begin : stretch.end])
    allowed = config.changed_numbers * int(((kind == NUMBER) | (kind == SIGN)).sum())
    gaps = (np.flatnonzero(np.diff(at[:, 0]) > 1) + 1).tolist()
    inner = {k for k in gaps if stretch.first < k < stretch.last}
    beside = {k for k in gaps if k not in inner and _goes_on(at, k, stretch)}
    changed = sum(_changes(item, passage, at[k - 1] + 1, at[k], k in inner) for k in sorted(inner | beside))
    return changed > allowed


def _goes_on(at: NDArray[np.int64], k: int, stretch: _Stretch) -> bool:
    """The gap before pair k, outside the stretch, replaces as many words, or the item goes on beyond it.

    Chance matches of single words outside the stretch do neither.
    """
    beyond = at[k : k + RUN_WORDS] if k >= stretch.last else at[max(0, k - RUN_WORDS) : k]
    unbroken = len(beyond) == RUN_WORDS and bool((np.diff(beyond, axis=0) == 1).all())
    ours, theirs = np.diff(at[k - 1 : k + 1], axis=0)[0].tolist()
    return max(ours, theirs) <= NEAR_WORDS and (unbroken or ours == theirs)


def _changes(item: Item, passage: _Passage, begin: NDArray[np.int64], end: NDArray[np.int64], inner: bool) -> int:
    """Numbers and signs of one gap of the item that the text does not have there."""
    ours, theirs = item.hashes[begin[0] : end[0]], passage.folded.hashes[begin[1] : end[1]]
    changed = 0
    for kind in (NUMBER, SIGN):
        mine, others = int((kinds(ours) == kind).sum()), int((kinds(theirs) == kind).sum())
        if not mine or not (others or inner):
            continue
        if kind == SIGN or not others or not _same_digits(item, passage, begin, end):
            changed += mine
    return changed


def _same_digits(item: Item, passage: _Passage, begin: NDArray[np.int64], end: NDArray[np.int64]) -> bool:
    """The two sides of a gap have the same digits in a row: 36,000 and "36 dollars'000"."""
    sides = []
    for side, (text, spans) in enumerate(((item.text, item.spans), (passage.text, passage.spans))):
        stretch = text[spans[begin[side], 0] : spans[end[side] - 1, 1]]
        sides.append("".join(char for char in stretch if char.isdecimal()))
    return sides[0] == sides[1]
