"""From features to a belief that a block is content: hand-written weights, one place, no training data.

Each rule adds to a log-odds; neighbours then pull short blocks towards themselves; headings follow what they head.
Formulas, code and data tables have a floor: losing one costs more than keeping a menu.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from llm_cleaning.features import Features
from llm_cleaning.places import Flags

Floats = npt.NDArray[np.float64]

SAFE_SCORE = 0.9  # floor for formulas and code
TABLE_SCORE = 0.6  # floor for data tables
SHORT_CHARS = 100  # below this a block is judged by its neighbours as well

# Log-odds.
BASE = -1.0
LENGTH = 2.0  # times length over LENGTH_CHARS, at most 1
LENGTH_CHARS = 150
SENTENCE = 1.2  # with at least one sentence end or comma
LINKS = -7.0  # times link density above FREE_LINKS; lists of teasers hide theirs among text
FREE_LINKS, FREE_LIST_LINKS, FREE_REFERENCES = 0.15, 0.10, 0.40
CHROME, WEAK, CONTENT = -4.0, -0.8, 0.4  # per path segment, at most two each
IN_MAIN, OUTSIDE_MAIN = 1.4, -1.8
SITE_REPEAT = -5.0
COMMENT = -6.0  # below an article
ASIDE = -2.0
PHRASE, META, IMAGE = -2.0, -2.0, -4.0
NEIGHBOUR = 0.2  # times the clipped log-odds of each neighbour
CLIP = 3.0


def keep_scores(rows: Features) -> list[float]:
    """keep_score per block in [0, 1], quantised to 1e-4 so that float32 columns compare alike.

    A function of this page alone: other pages matter through `site_repeat` only.
    """
    if not len(rows.kind):
        return []
    floor = _floor(rows)
    odds = _with_neighbours(rows, _log_odds(rows))
    _headings(rows, odds, np.where(floor > 0.0, CLIP, odds))
    scores: list[float] = np.maximum(1.0 / (1.0 + np.exp(-np.clip(odds, -30.0, 30.0))), floor).round(4).tolist()
    return scores


def _log_odds(rows: Features) -> Floats:
    unlinked = rows.chars * (1.0 - rows.link_density)
    odds = BASE + LENGTH * np.minimum(1.0, unlinked / LENGTH_CHARS)
    odds += SENTENCE * rows.sentence
    free = np.where(rows.linked, FREE_REFERENCES, np.where(rows.is_kind("list"), FREE_LIST_LINKS, FREE_LINKS))
    odds += LINKS * np.maximum(0.0, rows.link_density - free)
    for weight, count in ((CHROME, rows.chrome), (WEAK, rows.weak), (CONTENT, rows.content)):
        odds += weight * np.minimum(2, count)
    odds += np.where(rows.in_main, IN_MAIN, OUTSIDE_MAIN)
    odds += PHRASE * rows.phrase + META * rows.meta + IMAGE * rows.image + SITE_REPEAT * rows.site_repeat
    odds += COMMENT * rows.comment + ASIDE * rows.aside
    return odds


def _with_neighbours(rows: Features, odds: Floats) -> Floats:
    """Short blocks lean towards the nearest long ones on both sides; long ones stand for themselves."""
    is_long = rows.chars >= SHORT_CHARS
    pull = _nearest_long(is_long, odds) + _nearest_long(is_long[::-1], odds[::-1])[::-1]
    return np.where(is_long, odds, odds + NEIGHBOUR * pull)


def _nearest_long(is_long: Flags, odds: Floats) -> Floats:
    """Clipped log-odds of the last long block up to each block; 0 before the first."""
    index = np.maximum.accumulate(np.where(is_long, np.arange(len(odds)), -1))
    return np.where(index >= 0, np.clip(odds[index], -CLIP, CLIP), 0.0)


def _headings(rows: Features, odds: Floats, values: Floats) -> None:
    """A heading is worth what it heads: the best block up to the next heading of its own or a higher level.

    Going backwards over headings, `best[level]` is the best value since the last heading of at most that level.
    Overwrites the log-odds of headings. `values` are log-odds with what is safe raised.
    """
    at = np.flatnonzero(rows.is_kind("heading"))
    title = next((index for index in at.tolist() if _may_be_title(rows, index)), -1)
    body = values.copy()
    body[at] = -CLIP
    sections = np.maximum.reduceat(body, at) if len(at) else body
    best = [-CLIP] * 7
    for index, section in zip(at[::-1].tolist(), sections[::-1].tolist(), strict=False):
        level = min(max(int(rows.level[index]), 1), 6)
        headed = max(best[level], section)
        odds[index] = own = _heading_odds(rows, index, float(odds[index]), headed, index == title)
        best = [max(best[other], headed, own) if other < level else -CLIP for other in range(7)]


def _may_be_title(rows: Features, index: int) -> bool:
    """The page's title is its first heading of level 1 that is no chrome."""
    is_chrome = rows.chrome[index] or rows.site_repeat[index]
    return bool(rows.level[index] == 1 and not is_chrome and rows.link_density[index] < 0.5)


def _heading_odds(rows: Features, index: int, own: float, headed: float, is_title: bool) -> float:
    if is_title:
        return max(own, 1.0)
    if rows.chrome[index] or rows.site_repeat[index] or rows.phrase[index]:
        return own
    return min(headed, 2.0) if headed <= 0.0 or rows.in_main[index] else (headed + own) / 2


def _floor(rows: Features) -> Floats:
    """The least score of what must not be lost; repeated chrome and links in chrome have none."""
    allowed = ~rows.site_repeat & ((rows.link_density <= 0.6) | (rows.chrome == 0))
    safe = rows.formula | rows.is_kind("code", "math")
    tables = rows.is_kind("table") & (rows.link_density <= 0.4) & (rows.chrome == 0) & rows.in_main
    return np.where(allowed & safe, SAFE_SCORE, np.where(allowed & tables, TABLE_SCORE, 0.0))
