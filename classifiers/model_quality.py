"""Quality of a document by a trained model: the fastText score, or a regressor's 0-5 as a share of 5."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from classifiers.fasttext_model import shipped
from classifiers.mathness import content_score
from classifiers.prose import Prose
from classifiers.regressor import TOP, open_regressor, stored_scores
from classifiers.score_store import ScoreStore


@cache
def _store(path: str) -> ScoreStore:
    return ScoreStore(Path(path))


def is_fasttext(model: str) -> bool:
    """Whether a quality_model of a recipe is a fastText file; else it is a regressor."""
    return model == "shipped" or model.endswith((".ftz", ".bin"))


def fasttext_path(model: str) -> Path:
    """The file that a fastText quality_model of a recipe means."""
    return shipped("quality") if model == "shipped" else Path(model)


def model_quality(prose: Prose, document_id: str, model: str, store: str = "") -> float:
    """Quality in [0, 1], step 1e-4 (a regressor's: 1/160 rounded to it).

    Args:
        prose: the document's parts; the model reads prose, code and tables without formulas.
        document_id: what a regressor's score is stored under, with the text.
        model: "shipped", a fastText file, an .npz head, or a folder or hub name of a regression model.
        store: SQLite file of scores; "" computes each time.

    Raises:
        InputError: a model or the store is missing or damaged.
    """
    if is_fasttext(model):
        return content_score(prose, "quality", "" if model == "shipped" else model)
    regressor = open_regressor(model)
    if store:
        (value,) = stored_scores(regressor, _store(store), [document_id], [prose.content])
    else:
        (value,) = regressor.scores([prose.content])
    return round(value / TOP, 4)
