"""From what is known of a block to a belief that it is content: hand-written weights, one place, no training data.

Each rule adds to a log-odds; neighbours then pull short blocks towards themselves; headings follow what they head.
Formulas, code and data tables have a floor: losing one costs more than keeping a menu. The definition in Python;
c/scores.h is the twin in C.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from typing import NamedTuple

from llm_cleaning.elements import CONTENT, COUNT, IN_MAIN, IS_CAPTION, IS_COMMENT, NEAR_MAIN, WEAK
from llm_cleaning.places import MASS, MIN_TEXT_CHARS, text_mass
from llm_cleaning.texts import FORMULA, IMAGE, KINDS, META, PHRASE, SENTENCE, TEXT_LIKE

ARTICLE_CHARS = 1500  # of text outside of comments: then a page is an article, and what readers wrote below it is not
HEADING, LIST, TABLE = KINDS["heading"], KINDS["list"], KINDS["table"]
CLIP = 3.0  # of log-odds that are handed on


class Weights(NamedTuple):
    """Log-odds, and what they depend on."""

    safe_score: float = 0.9  # floor for formulas and code
    table_score: float = 0.6  # floor for data tables
    short_chars: float = 100.0  # below this a block is judged by its neighbours as well
    base: float = -1.0
    length: float = 2.0  # times length over length_chars, at most 1
    length_chars: float = 150.0
    sentence: float = 1.2  # with at least one sentence end or comma
    links: float = -7.0  # times link density above a free share; lists of teasers hide theirs among text
    free_links: float = 0.15
    free_list_links: float = 0.10
    free_references: float = 0.40  # on technical pages, in the main part and outside of chrome
    chrome: float = -4.0  # per element above, at most two each
    weak: float = -0.8
    content: float = 0.4
    in_main: float = 1.4
    near_main: float = -1.4  # outside of the container, inside the landmark around it
    outside_main: float = -1.8
    phrase: float = -3.0
    meta: float = -2.0
    image: float = -4.0
    site_repeat: float = -5.0
    comment: float = -6.0  # below an article
    aside: float = -2.0  # captions, and what stands below "Related posts"
    neighbour: float = 0.2  # times the clipped log-odds of each neighbour


WEIGHTS = Weights()


class _Rows(NamedTuple):
    """What is known of every block, as columns."""

    kinds: bytes
    levels: Sequence[int | None]
    links: Sequence[float]
    repeats: Sequence[bool]
    sizes: memoryview
    bits: bytes
    places: memoryview
    technical: bool


def scores(
    kinds: bytes,
    levels: Sequence[int | None],
    links: Sequence[float],
    repeats: Sequence[bool],
    sizes: bytes,
    bits: bytes,
    places: bytes,
    technical: bool,
    weights: Weights,
) -> list[float]:
    """keep_score per block in [0, 1], quantised to 1e-4 so that float32 columns compare alike.

    A function of this page alone: other pages matter through `repeats` only.

    Args:
        kinds: as places in BLOCK_KINDS.
        levels, links, repeats: heading levels, link densities and site_repeat of the blocks.
        sizes, bits: as `bodies` gives them.
        places, technical: as `places` gives them.
    """
    place = memoryview(places).cast("q")
    rows = _Rows(kinds, levels, links, repeats, memoryview(sizes).cast("q"), bits, place, technical)
    floor = [_floor(rows, index, weights) for index in range(len(kinds))]
    odds = _with_neighbours(rows, _log_odds(rows, weights), weights)
    _headings(rows, odds, [CLIP if least > 0.0 else own for least, own in zip(floor, odds, strict=True)])
    return [_rounded(max(_chance(own), least)) for own, least in zip(odds, floor, strict=True)]


def _chance(odds: float) -> float:
    return 1.0 / (1.0 + exp(-min(30.0, max(-30.0, odds))))


def _rounded(score: float) -> float:
    return round(score * 10_000.0) / 10_000.0


def _log_odds(rows: _Rows, weights: Weights) -> list[float]:
    comments, asides = _comments(rows), _asides(rows)
    return [_block_odds(rows, at, comments[at], asides[at], weights) for at in range(len(rows.kinds))]


def _block_odds(rows: _Rows, at: int, is_comment: bool, is_aside: bool, weights: Weights) -> float:
    place, bits = rows.places[at], rows.bits[at]
    linked = min(1.0, max(0.0, rows.links[at]))
    chrome, weak, content = (min(2, place // unit & COUNT) for unit in (1, WEAK, CONTENT))
    odds = weights.base + weights.length * min(1.0, rows.sizes[at] * (1.0 - linked) / weights.length_chars)
    odds += weights.sentence if bits & SENTENCE else 0.0
    if rows.technical and place & IN_MAIN and not chrome:
        free = weights.free_references
    else:
        free = weights.free_list_links if rows.kinds[at] == LIST else weights.free_links
    odds += weights.links * max(0.0, linked - free)
    odds += weights.chrome * chrome
    odds += weights.weak * weak
    odds += weights.content * content
    outside = weights.near_main if place & NEAR_MAIN else weights.outside_main
    odds += weights.in_main if place & IN_MAIN else outside
    odds += weights.phrase if bits & PHRASE else 0.0
    odds += weights.meta if bits & META else 0.0
    odds += weights.image if bits & IMAGE else 0.0
    odds += weights.site_repeat if rows.repeats[at] else 0.0
    odds += weights.comment if is_comment else 0.0
    return odds + (weights.aside if is_aside else 0.0)


def _comments(rows: _Rows) -> list[bool]:
    """Blocks below an element named for comments, if enough text is left without them.

    Not where any of them holds a formula or code: readers of mathematics discuss it, and half a discussion is none.
    """
    flags = [place & IS_COMMENT != 0 for place in rows.places]
    if any(bits & (FORMULA | TEXT_LIKE) for bits, is_comment in zip(rows.bits, flags, strict=True) if is_comment):
        return [False] * len(flags)
    rest = sum(
        text_mass(size, linked)
        for size, linked, bits, is_comment in zip(rows.sizes, rows.links, rows.bits, flags, strict=True)
        if bits & SENTENCE and not is_comment and size >= MIN_TEXT_CHARS
    )
    return flags if rest >= ARTICLE_CHARS * MASS else [False] * len(flags)


def _asides(rows: _Rows) -> list[bool]:
    """Captions, and what stands below a heading of chrome up to the next heading of its level; on technical pages
    neither is left out."""
    found = []
    until = 0  # level of the heading of chrome that is open, 0 for none
    for level, bits, place in zip(rows.levels, rows.bits, rows.places, strict=True):
        if level and (level <= until or not until):
            until = level if bits & PHRASE else 0
        found.append(not rows.technical and (place & IS_CAPTION != 0 or (until > 0 and not level)))
    return found


def _with_neighbours(rows: _Rows, odds: list[float], weights: Weights) -> list[float]:
    """Short blocks lean towards the nearest long ones on both sides; long ones stand for themselves."""
    is_long = [size >= weights.short_chars for size in rows.sizes]
    before = _nearest_long(is_long, odds)
    after = _nearest_long(is_long[::-1], odds[::-1])[::-1]
    return [
        own if alone else own + weights.neighbour * (one + other)
        for own, alone, one, other in zip(odds, is_long, before, after, strict=True)
    ]


def _nearest_long(is_long: list[bool], odds: list[float]) -> list[float]:
    """Clipped log-odds of the last long block before each short one; 0 where there is none."""
    found, last = [], 0.0
    for own, alone in zip(odds, is_long, strict=True):
        last = min(CLIP, max(-CLIP, own)) if alone else last
        found.append(last)
    return found


def _headings(rows: _Rows, odds: list[float], values: list[float]) -> None:
    """A heading is worth what it heads: the best block up to the next heading of its own or a higher level.

    Going backwards, `best[level]` is the best value since the last heading of at most that level, `section` that since
    the last heading. Overwrites the log-odds of headings. `values` are log-odds with what is safe raised.
    """
    title = _title(rows)
    best = [-CLIP] * 7
    section = -CLIP
    for at in range(len(odds) - 1, -1, -1):
        if rows.kinds[at] != HEADING:
            section = max(section, values[at])
            continue
        level = min(max(rows.levels[at] or 0, 1), 6)
        headed = max(best[level], section)
        odds[at] = own = _heading_odds(rows, at, odds[at], headed, is_title=at == title)
        best = [max(best[other], headed, own) if other < level else -CLIP for other in range(7)]
        section = -CLIP


def _title(rows: _Rows) -> int:
    """The page's title: its first heading of level 1 that is no chrome; a link only where no other one is. -1: none."""
    linked = -1
    for at, (kind, level) in enumerate(zip(rows.kinds, rows.levels, strict=True)):
        if kind != HEADING or level != 1 or rows.places[at] & COUNT or rows.repeats[at]:
            continue
        if rows.links[at] < 0.5:
            return at
        if linked < 0 and rows.places[at] & (IN_MAIN | NEAR_MAIN):
            linked = at
    return linked


def _heading_odds(rows: _Rows, at: int, own: float, headed: float, *, is_title: bool) -> float:
    if is_title:
        return max(own, 1.0)
    if rows.places[at] & COUNT or rows.repeats[at] or rows.bits[at] & PHRASE:
        return own
    is_inside = rows.places[at] & (IN_MAIN | NEAR_MAIN)
    return min(headed, 2.0) if headed <= 0.0 or is_inside else (headed + own) / 2


def _floor(rows: _Rows, at: int, weights: Weights) -> float:
    """The least score of what must not be lost; repeated chrome and links in chrome have none."""
    in_chrome = rows.places[at] & COUNT != 0
    if rows.repeats[at] or (in_chrome and rows.links[at] > 0.6):
        return 0.0
    if rows.bits[at] & (FORMULA | TEXT_LIKE):
        return weights.safe_score
    is_data = rows.kinds[at] == TABLE and rows.links[at] <= 0.4 and not in_chrome and rows.places[at] & IN_MAIN
    return weights.table_score if is_data else 0.0
