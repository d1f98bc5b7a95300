"""Trained fastText models in use: found by name or path, checked, loaded once per worker, one score a document.

The same document gets the same score alone, in any batch and on any engine: prediction is a sum over the document's own
words, computed by compiled code, and quantised to 1e-4.

Source: Joulin et al., "Bag of Tricks for Efficient Text Classification", 2016; "FastText.zip", 2016.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from classifiers.fasttext_file import LABEL_PREFIX, card_of, check_model
from classifiers.model_text import model_text
from pipeline.errors import InputError

_LETTER = re.compile(r"[^\W\d_]")
SHIPPED = Path(__file__).parent / "models"


def shipped(name: str) -> Path:
    """Path of a model that comes with the package: "math", "code", "quality"."""
    return SHIPPED / f"{name}.ftz"


@cache
def positive_label(path: Path, wanted: str) -> str:
    """The label whose probability is the score: `wanted` where the model has it, else what its card names positive.

    Raises:
        InputError: the model is damaged, or has neither.
    """
    labels = check_model(path).labels
    for label in (wanted, str(card_of(path).get("positive", ""))):
        if label in labels:
            return label
    near = get_close_matches(wanted, labels, 3)
    named = ", ".join(near or sorted(labels)[:10])
    raise InputError(f"the model has no label {wanted!r}", where=str(path), expected=f"one of its labels: {named}")


@cache
def offset_of(path: Path) -> float:
    """What the model's card adds to the score's log odds, so that 0.5 is the best boundary on sources not seen."""
    offset = card_of(path).get("offset", 0.0)
    return float(offset) if isinstance(offset, int | float) else 0.0


@cache
def load(path: Path) -> Any:
    """The checked fastText model, once per worker.

    Raises:
        InputError: missing, damaged, or no fastText classifier.
    """
    check_model(path)
    import fasttext  # compiled; only workers that classify should load it

    return fasttext.load_model(str(path))


def score(text: str, path: Path, label: str) -> float:
    """Probability in [0, 1], step 1e-4, of `label` for a text without formulas' delimiters and code fences.

    A text without a letter gets 0.0: nothing speaks for the label.
    """
    return line_score(model_text(text), load(path), label, offset_of(path))


def scores(texts: Sequence[str], path: Path, label: str) -> list[float]:
    """`score` of each text."""
    model, offset = load(path), offset_of(path)
    return [line_score(model_text(text), model, label, offset) for text in texts]


def line_score(line: str, model: Any, label: str, offset: float = 0.0) -> float:
    """As `score`, for a line that model_text made."""
    if not _LETTER.search(line):
        return 0.0
    wanted = LABEL_PREFIX + label
    for probability, name in model.f.predict(line + "\n", -1, 0.0, "replace"):
        if name == wanted:
            return shifted(min(max(float(probability), 0.0), 1.0), offset)
    return 0.0


def shifted(probability: float, offset: float) -> float:
    """The probability with `offset` added to its log odds, step 1e-4."""
    if offset and 0.0 < probability < 1.0:
        probability /= probability + (1.0 - probability) * math.exp(-offset)
    return round(probability, 4)
