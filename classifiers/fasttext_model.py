"""Trained fastText models in use: found by name or path, checked, loaded once per worker, one score a document.

The same document gets the same score alone, in any batch and on any engine: an answer is a sum over the document's own
words, computed here (fasttext_sum.py and its twin in C; fastText itself only trains), and quantised to 1e-4.

Source: Joulin et al., "Bag of Tricks for Efficient Text Classification", 2016; "FastText.zip", 2016.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from classifiers.fasttext_file import bad_model, card_of, check_model
from classifiers.fasttext_parts import read_parts
from classifiers.model_text import WINDOW_CHARS, model_text
from classifiers.native import twin
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


def offset_of(path: Path) -> float:
    """What the model's card adds to the score's log odds, so that 0.5 is the best boundary on sources not seen."""
    offset = card_of(path).get("offset", 0.0)
    return float(offset) if isinstance(offset, int | float) else 0.0


def window_chars_of(path: Path) -> int:
    """How long the windows are that the model was trained on, by its card."""
    config = card_of(path).get("config")
    chars = config.get("window_chars") if isinstance(config, dict) else None
    return chars if isinstance(chars, int) and chars > 0 else WINDOW_CHARS


@cache
def load(path: Path) -> Any:
    """The checked model, once per worker: `predict(line, count)` gives [(probability, number of the label)].

    Raises:
        InputError: missing, damaged, or no fastText classifier.
    """
    facts = check_model(path)
    try:
        return twin.Model(read_parts(path, facts.labels))
    except ValueError as problem:
        raise bad_model(path, f"damaged: {problem}") from problem


@dataclass(frozen=True, slots=True)
class Scorer:
    """One label's probability.

    Attributes:
        model: what `load` gives.
        label: number of the label among `n_labels`.
        offset: added to the log odds.
        window_chars: length of the windows it reads.
    """

    model: Any
    label: int
    n_labels: int
    offset: float
    window_chars: int

    def line_score(self, line: str) -> float:
        """Of a line that model_text made; 0.0 without a letter: nothing speaks for the label."""
        if not _LETTER.search(line):
            return 0.0
        for probability, label in self.model.predict(line, self.n_labels):
            if label == self.label:
                return shifted(min(max(probability, 0.0), 1.0), self.offset)
        return 0.0


@cache
def scorer(path: Path, wanted: str) -> Scorer:
    """Of the label that positive_label finds; once per worker.

    Raises:
        InputError: the model is missing, damaged, or has no such label.
    """
    labels = check_model(path).labels
    label = labels.index(positive_label(path, wanted))
    return Scorer(load(path), label, len(labels), offset_of(path), window_chars_of(path))


@cache
def subject_scorer(subject: str, model: str = "") -> Scorer:
    """Of "math", "code" or "quality" by the model at a path, "" being the shipped one."""
    return scorer(Path(model) if model else shipped(subject), subject)


def score(text: str, path: Path, label: str) -> float:
    """Probability in [0, 1], step 1e-4, of `label` for a text without formulas' delimiters and code fences."""
    (found,) = scores([text], path, label)
    return found


def scores(texts: Iterable[str], path: Path, label: str) -> list[float]:
    """`score` of each text."""
    found = scorer(path, label)
    return [found.line_score(model_text(text, found.window_chars)) for text in texts]


def shifted(probability: float, offset: float) -> float:
    """The probability with `offset` added to its log odds, step 1e-4."""
    if offset and 0.0 < probability < 1.0:
        probability /= probability + (1.0 - probability) * math.exp(-offset)
    return round(probability, 4)
