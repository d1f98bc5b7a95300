"""From features to a belief that a block is content: hand-written weights, one place, no training data.

Each rule adds to a log-odds; neighbours then pull short blocks towards themselves; headings follow what they head.
Formulas, code and data tables have a floor: losing one costs more than keeping a menu.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from llm_cleaning.features import Features

SAFE_SCORE = 0.9  # floor for formulas and code
TABLE_SCORE = 0.6  # floor for data tables
SHORT_CHARS = 100  # below this a block is judged by its neighbours as well

# Log-odds.
BASE = -1.0
LENGTH = 2.0  # times length over LENGTH_CHARS, at most 1
LENGTH_CHARS = 150
SENTENCE = 1.2  # with at least one sentence end or comma
LINKS = -5.0  # times link density above FREE_LINKS
FREE_LINKS = 0.25
CHROME, WEAK, CONTENT = -3.0, -0.8, 0.4  # per path segment, at most two each
IN_MAIN, OUTSIDE_MAIN = 1.4, -1.2
SITE_REPEAT = -5.0
PHRASE = -2.0
NEIGHBOUR = 0.35  # times the clipped log-odds of each neighbour
CLIP = 3.0


def keep_scores(rows: Sequence[Features]) -> list[float]:
    """keep_score per block in [0, 1], quantised to 1e-4 so that float32 columns compare alike.

    A pure function of the rows: no block of another page matters but through `site_repeat`.
    """
    odds = _with_neighbours(rows, [_log_odds(row) for row in rows])
    _headings(rows, odds)
    return [round(max(_sigmoid(value), _floor(row)), 4) for row, value in zip(rows, odds, strict=True)]


def _log_odds(row: Features) -> float:
    place = row.place
    odds = BASE + LENGTH * min(1.0, row.chars * (1.0 - row.link_density) / LENGTH_CHARS)
    odds += SENTENCE if row.sentence else 0.0
    odds += LINKS * max(0.0, row.link_density - FREE_LINKS)
    odds += CHROME * min(2, place.chrome) + WEAK * min(2, place.weak) + CONTENT * min(2, place.content)
    odds += IN_MAIN if place.in_main else OUTSIDE_MAIN
    odds += PHRASE if row.phrase else 0.0
    return odds + (SITE_REPEAT if row.site_repeat else 0.0)


def _with_neighbours(rows: Sequence[Features], odds: list[float]) -> list[float]:
    """Short blocks lean towards the nearest long ones on both sides; long ones stand for themselves."""
    before, after = _nearest_long(rows, odds), _nearest_long(rows[::-1], odds[::-1])[::-1]
    pulled = (
        value + NEIGHBOUR * (left + right) if row.chars < SHORT_CHARS else value
        for row, value, left, right in zip(rows, odds, before, after, strict=True)
    )
    return list(pulled)


def _nearest_long(rows: Sequence[Features], odds: Sequence[float]) -> list[float]:
    """Clipped log-odds of the last block of at least SHORT_CHARS before each block; 0 before the first."""
    result, last = [], 0.0
    for row, value in zip(rows, odds, strict=True):
        result.append(last)
        if row.chars >= SHORT_CHARS:
            last = max(-CLIP, min(CLIP, value))
    return result


def _headings(rows: Sequence[Features], odds: list[float]) -> None:
    """A heading is worth what it heads: the best block up to the next heading of its own or a higher level.

    Going backwards, `best[level]` is the best log-odds since the last heading of at most that level, `recent` since
    the last heading of any.
    """
    best, recent = [-CLIP] * 7, -CLIP
    for index in range(len(rows) - 1, -1, -1):
        row = rows[index]
        if row.kind != "heading":
            recent = max(recent, odds[index], CLIP if row.formula or row.kind == "code" else -CLIP)
            continue
        level = min(max(row.level, 1), 6)
        headed = max(best[level], recent)
        odds[index] = _heading_odds(row, odds[index], headed)
        best = [max(best[other], headed, odds[index]) if other < level else -CLIP for other in range(7)]
        recent = -CLIP


def _heading_odds(row: Features, own: float, headed: float) -> float:
    if row.level == 1 and not row.place.chrome and not row.site_repeat and row.link_density < 0.5:
        return max(own, 1.0)  # the page's title
    if row.place.chrome or row.site_repeat or row.phrase:
        return own
    return min(headed, 2.0) if headed <= 0.0 or row.place.in_main else (headed + own) / 2


def _floor(row: Features) -> float:
    """The least score of what must not be lost; repeated chrome, and formulas among menus, have none."""
    if row.site_repeat or row.link_density > 0.6:
        return 0.0
    if row.formula or row.kind in ("code", "math"):
        return SAFE_SCORE
    is_table = row.kind == "table" and row.link_density <= 0.4 and not row.place.chrome and row.place.in_main
    return TABLE_SCORE if is_table else 0.0


def _sigmoid(odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, odds))))
