"""Train a fastText classifier from labelled rows: seeded, one thread, the same bytes every time.

The model is quantised, so that it can ship inside a wheel. What it was trained and tested on stands in its card.

Source: Joulin et al., "FastText.zip: Compressing text classification models", 2016.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from classifiers.fasttext_file import LABEL_PREFIX
from classifiers.fasttext_model import scorer, shifted
from classifiers.measures_of_fit import BOUNDARY, at_threshold, average_precision, best_offset, curve
from classifiers.model_text import WINDOW_CHARS, model_text
from classifiers.training_rows import Row, counts, split, unique
from pipeline.errors import InputError, UsageError

QUANTISE_WORDS = 1_000


@dataclass(frozen=True, slots=True)
class FastTextConfig:
    """How to train.

    Attributes:
        positive: the label whose probability is the score; "" picks the one label that is no "non…", "not…" or "other".
        held_out: share of the rows that is tested on, not trained on.
        refit: after the test on the held-out part, learn from all rows; the figures are of a model that saw less.
        seed: of the model's start; the order of rows follows their hashes.
        epochs, learning_rate, dim, min_count: fastText's own.
        window_chars: length of the windows that are read of a text, in training and in use.
    """

    positive: str = ""
    held_out: float = 0.2
    refit: bool = False
    seed: int = 1
    epochs: int = 8
    learning_rate: float = 0.3
    dim: int = 8
    min_count: int = 8
    window_chars: int = WINDOW_CHARS


@dataclass(frozen=True, slots=True)
class Trained:
    """What came out: the file's bytes and its card."""

    data: bytes
    card: dict[str, Any]


def train(rows: Sequence[Row], config: FastTextConfig) -> Trained:
    """A quantised model and its card, with precision and recall on the held-out part.

    Raises:
        InputError: fewer than two labels, or nothing left to train on.
        UsageError: the positive label is none of the rows', or a setting cannot be meant.
    """
    _check(config)
    positive = positive_of({row.label for row in rows}, config.positive)
    training, held = split(rows, config.held_out)
    data = _fit(training, config)
    raw = _tested(data, held, positive, config.window_chars)
    if config.refit:
        training = unique(rows)
        data = _fit(training, config)
    truth = [row.label == positive for row in held]
    offset = best_offset(truth, raw)
    card: dict[str, Any] = {
        "kind": "fasttext",
        "positive": positive,
        "labels": sorted({row.label for row in training}),
        "offset": offset,
        "sha256": sha256(data).hexdigest(),
        "bytes": len(data),
        "config": asdict(config),
        "training": {"rows": len(training), "labels": dict(counts(training)), "groups": _groups(training)},
        "held_out": {"rows": len(held), "labels": dict(counts(held)), "groups": _groups(held)},
    }
    return Trained(data, card | {"metrics": metrics(truth, [shifted(value, offset) for value in raw])})


def _tested(data: bytes, rows: Sequence[Row], positive: str, window_chars: int) -> list[float]:
    """Scores of rows by a trained model's bytes, not shifted."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.ftz"
        path.write_bytes(data)
        model = scorer(path, positive)
    return [model.line_score(model_text(row.text, window_chars)) for row in rows]


def metrics(truth: Sequence[bool], values: Sequence[float]) -> dict[str, Any]:
    """Precision, recall and F1 at 0.5, average precision, and the curve."""
    if not truth:
        return {}
    found = at_threshold(truth, values, BOUNDARY)
    return found | {"average_precision": average_precision(truth, values), "curve": curve(truth, values)}


def positive_of(labels: set[str], wanted: str) -> str:
    """The positive label: as asked, or the only one that does not read as a negative.

    Raises:
        UsageError: it is not among the rows' labels, or cannot be told.
    """
    known = ", ".join(sorted(labels)[:12])
    if wanted:
        if wanted in labels:
            return wanted
        raise UsageError(f"no row has the label {wanted!r}", where="--positive", expected=f"one of: {known}")
    negative = ("non", "not", "no_", "no-", "other", "neg", "bad", "low", "0", "false")
    candidates = sorted(label for label in labels if not label.lower().startswith(negative))
    if len(candidates) == 1:
        return candidates[0]
    hint = "say which label's probability is the score: --positive LABEL"
    raise UsageError("the positive label cannot be told", where="--positive", expected=f"one of: {known}", hint=hint)


def _check(config: FastTextConfig) -> None:
    if not 0 < config.held_out < 1:
        raise UsageError(f"held_out is {config.held_out}", where="--held-out", expected="a share between 0 and 1")
    if min(config.epochs, config.dim, config.min_count, config.window_chars) < 1:
        raise UsageError("a setting is below 1", where="train-classifier", expected="whole numbers from 1 on")


def _groups(rows: Sequence[Row]) -> list[str]:
    return sorted({row.group for row in rows if row.group})


def _fit(rows: Sequence[Row], config: FastTextConfig) -> bytes:
    import fasttext

    made = ((row.label, model_text(row.text, config.window_chars)) for row in rows)
    lines = [f"{LABEL_PREFIX}{label} {line}\n" for label, line in made if line.strip()]
    if not lines:
        raise InputError("no training row has a word in it", expected="text in the rows")
    min_count = min(config.min_count, max(1, len(lines) // 500))  # few rows: every word counts
    with TemporaryDirectory() as folder:
        source, start, target = (Path(folder) / name for name in ("rows.txt", "start.vec", "model.ftz"))
        source.write_text("".join(lines), encoding="utf-8", errors="replace")
        words = _vocabulary(source.read_bytes(), min_count)
        _write_start(start, words, config)
        model = fasttext.train_supervised(
            str(source),
            pretrainedVectors=str(start),
            lr=config.learning_rate,
            dim=config.dim,
            epoch=config.epochs,
            minCount=min_count,
            thread=1,  # more threads race, and the bytes differ
            seed=config.seed,
            verbose=0,
        )
        if len(words) >= QUANTISE_WORDS:  # product quantisation needs that many rows to find its centroids
            model.quantize(str(source), retrain=True, qnorm=True, thread=1, verbose=0)
        model.save_model(str(target))
        return target.read_bytes()


def _vocabulary(lines: bytes, min_count: int) -> list[bytes]:
    """Words that fastText will keep, in order of the alphabet; it parts words at ASCII white space only."""
    found = Counter(lines.split())
    prefix = LABEL_PREFIX.encode()
    kept = [word for word, count in found.items() if count >= min_count and not word.startswith(prefix)]
    return sorted({*kept, b"</s>"})


def _write_start(path: Path, words: Sequence[bytes], config: FastTextConfig) -> None:
    """A start for every word's vector. With one thread fastText 0.9 fills the first tenth only, and the rest would be
    memory as it was found: other bytes each time, now and then no number."""
    start = np.random.default_rng(config.seed).uniform(-1 / config.dim, 1 / config.dim, (len(words), config.dim))
    with path.open("wb") as handle:
        handle.write(f"{len(words)} {config.dim}\n".encode())
        for word, vector in zip(words, start, strict=True):
            handle.write(word + b" " + " ".join(f"{number:.6f}" for number in vector).encode() + b"\n")
