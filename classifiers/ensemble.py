"""Several quality scores as one rank: each mapped to percentile buckets on a calibration sample, the best one counts.

Scores of different models are not comparable; their ranks within one sample are. A document that any model ranks high
is worth keeping, since each model misses other kinds of good text.

Source: Su et al., "Nemotron-CC: Transforming Common Crawl into a Refined Long-Horizon Pretraining Dataset", 2024,
sections 2.2-2.3: 20 buckets per score, the maximum over scores, five levels.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from pipeline.errors import InputError

BUCKETS = 20
ENSEMBLE_SCORES = ("quality_score", "rule_score", "math_score", "code_score")  # what a recipe's calibration may name
MIN_SAMPLE = 100  # documents; below that a percentile is an anecdote
LEVELS = ((19, "high"), (18, "medium-high"), (12, "medium"), (7, "medium-low"), (0, "low"))  # least bucket of each


@dataclass(frozen=True, slots=True)
class Calibration:
    """Edges between buckets, per score name, and how many documents they come from.

    Attributes:
        edges: BUCKETS - 1 ascending values per score; bucket k holds scores from edge k-1 up to below edge k.
        documents: size of the sample.
    """

    edges: Mapping[str, tuple[float, ...]]
    documents: int


def calibrate(sample: Mapping[str, Sequence[float]]) -> Calibration:
    """Edges at every twentieth of the sample; the same for any order of its documents.

    Raises:
        InputError: a sample of fewer than MIN_SAMPLE documents, of unequal lengths, or with a number that is none.
    """
    sizes = {len(values) for values in sample.values()}
    if len(sizes) != 1 or min(sizes, default=0) < MIN_SAMPLE:
        found = ", ".join(f"{name}: {len(values)}" for name, values in sample.items()) or "no score at all"
        raise InputError(
            f"the calibration sample has {found}", expected=f"each score of at least {MIN_SAMPLE} documents"
        )
    edges = {}
    for name, values in sample.items():
        column = np.array(values, float)
        if not np.isfinite(column).all():
            raise InputError(f"the score {name!r} holds values that are no numbers", expected="finite scores")
        ordered = np.sort(column)
        edges[name] = tuple(float(ordered[-(-k * len(ordered) // BUCKETS) - 1]) for k in range(1, BUCKETS))
    return Calibration(edges, sizes.pop())


def bucket(scores: Mapping[str, float], calibration: Calibration) -> int:
    """0 (worst) to 19: the highest bucket that any of the calibrated scores puts the document in.

    Raises:
        InputError: a calibrated score is missing from `scores`.
    """
    missing = sorted(set(calibration.edges) - set(scores))
    if missing:
        raise InputError(f"the ensemble needs the score {missing[0]!r}", expected=f"{sorted(calibration.edges)}")
    return max(bisect_right(edges, scores[name]) for name, edges in calibration.edges.items())


def ensemble_score(scores: Mapping[str, float], calibration: Calibration) -> float:
    """`bucket` as a score in [0, 1]: bucket / 19, step 1e-4."""
    return round(bucket(scores, calibration) / (BUCKETS - 1), 4)


def level(number: int) -> str:
    """Name of the quality level that a bucket belongs to, as in Nemotron-CC."""
    return next(name for least, name in LEVELS if number >= least)


@cache
def check_calibration(path: Path) -> Calibration:
    """The calibration of a recipe, once per worker.

    Raises:
        InputError: the file is missing or no calibration, or names a score that the stage does not have.
    """
    calibration = load_calibration(path)
    unknown = sorted(set(calibration.edges) - set(ENSEMBLE_SCORES))
    if unknown:
        expected = f"some of {', '.join(ENSEMBLE_SCORES)}"
        raise InputError(f"the calibration names a score {unknown[0]!r}", where=str(path), expected=expected)
    return calibration


def to_json(calibration: Calibration) -> str:
    """The calibration as the file that load_calibration reads."""
    edges = {name: list(values) for name, values in sorted(calibration.edges.items())}
    return json.dumps({"buckets": BUCKETS, "documents": calibration.documents, "edges": edges}, indent=1) + "\n"


def load_calibration(path: Path) -> Calibration:
    """The calibration that to_json wrote.

    Raises:
        InputError: the file is missing, or is no such calibration.
    """
    expected = f'{{"buckets": {BUCKETS}, "documents": …, "edges": {{name: {BUCKETS - 1} ascending numbers}}}}'
    if not path.is_file():
        raise InputError("the calibration file is missing", where=str(path), expected=expected)
    try:
        found = json.loads(path.read_text())
        edges = {str(name): tuple(map(float, values)) for name, values in found["edges"].items()}
        documents, buckets = int(found["documents"]), int(found["buckets"])
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise InputError(f"no calibration: {problem!r}", where=str(path), expected=expected) from None
    wrong = [name for name, values in edges.items() if len(values) != BUCKETS - 1 or list(values) != sorted(values)]
    if buckets != BUCKETS or not edges or wrong:
        raise InputError(f"wrong edges for {wrong or 'every score'}", where=str(path), expected=expected)
    return Calibration(edges, documents)
