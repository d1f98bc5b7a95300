"""Every model a recipe names, opened before any work: a missing or damaged file is known in the first second."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from classifiers.fasttext_model import positive_label, shipped
from classifiers.language import check_languages, model_path
from classifiers.model_quality import fasttext_path, is_fasttext


def check_models(
    *,
    languages: Iterable[str] = (),
    language_model: str = "",
    math_model: str = "",
    code_model: str = "",
    quality_model: str = "",
) -> None:
    """Check the models ("" is the shipped one; quality "" is the rule-based score) and the language codes.

    Raises:
        InputError: a model is missing, damaged, of wrong dimensions, or without the label that is its score.
        UsageError: a language code that the language model cannot answer.
    """
    check_languages(languages, language_model)
    for subject, model in (("math", math_model), ("code", code_model)):
        positive_label(Path(model) if model else shipped(subject), subject)
    if is_fasttext(quality_model):
        positive_label(fasttext_path(quality_model), "quality")
    elif quality_model:
        from classifiers.regressor import open_regressor

        open_regressor(quality_model)


def model_files(language_model: str, math_model: str, code_model: str, quality_model: str) -> list[Path]:
    """The models' files and the cards that shift their scores. A regressor in a folder or hub is known by its name."""
    found = [
        Path(language_model) if language_model else model_path(),
        Path(math_model) if math_model else shipped("math"),
        Path(code_model) if code_model else shipped("code"),
    ]
    if is_fasttext(quality_model):
        found.append(fasttext_path(quality_model))
    elif quality_model.endswith(".npz"):
        found.append(Path(quality_model))
    cards = [path.with_name(path.name + ".json") for path in found]
    return found + [card for card in cards if card.is_file()]
