"""Precision, recall and what follows from them, for binary scores: what a model card prints."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

BOUNDARY = 0.5  # the shipped decision boundary
MIN_ROWS_TO_SHIFT = 200  # of each class: fewer say nothing about where the boundary belongs


def at_threshold(positive: Sequence[bool], scores: Sequence[float], threshold: float) -> dict[str, Any]:
    """Counts, precision, recall and F1 of "score >= threshold"; 0 where nothing is there to divide by."""
    truth, said = np.array(positive, bool), np.array(scores) >= threshold
    hits, false, missed = int((truth & said).sum()), int((~truth & said).sum()), int((truth & ~said).sum())
    return {
        "threshold": round(threshold, 4),
        "precision": round(hits / max(1, hits + false), 4),
        "recall": round(hits / max(1, hits + missed), 4),
        "f1": round(2 * hits / max(1, 2 * hits + false + missed), 4),
        "true_positives": hits,
        "false_positives": false,
        "false_negatives": missed,
    }


def curve(positive: Sequence[bool], scores: Sequence[float]) -> list[dict[str, Any]]:
    """`at_threshold` at 0.05, 0.10 … 0.95."""
    return [at_threshold(positive, scores, step / 20) for step in range(1, 20)]


def average_precision(positive: Sequence[bool], scores: Sequence[float]) -> float:
    """Area under the precision-recall curve: sum of precision where recall rises, equal scores taken together."""
    truth, values = np.array(positive, bool), np.array(scores, float)
    order = np.argsort(-values, kind="stable")
    truth, values = truth[order], values[order]
    last_of_equals = np.append(np.diff(values) != 0, True)
    hits = np.cumsum(truth)[last_of_equals]
    seen = np.flatnonzero(last_of_equals) + 1
    gained = np.diff(np.concatenate(([0], hits)))
    return round(float((hits / seen * gained).sum() / max(1, truth.sum())), 4)


def best_offset(positive: Sequence[bool], scores: Sequence[float]) -> float:
    """What to add to the scores' log odds so that F1 is best at BOUNDARY; 0 where the rows are few.

    Of boundaries whose F1 is within a standard error of the best the one nearest to BOUNDARY is taken: curves are flat.
    """
    if min(sum(positive), len(positive) - sum(positive)) < MIN_ROWS_TO_SHIFT:
        return 0.0
    steps = [at_threshold(positive, scores, step / 100) for step in range(12, 89)]
    best = max(steps, key=lambda step: float(step["f1"]))
    wrong = best["false_positives"] + best["false_negatives"]
    least = best["f1"] - math.sqrt(wrong) / max(1, 2 * best["true_positives"] + wrong)
    good = [float(step["threshold"]) for step in steps if step["f1"] >= least]
    nearest = min(good, key=lambda step: (abs(step - BOUNDARY), step))
    return round(math.log((1 - nearest) / nearest), 4)
