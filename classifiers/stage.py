"""The classify stage: scores as columns on every document, rejects by named rules.

Scores are computed for every document that arrives unrejected, also for those the rules then reject, so that
thresholds can be moved without rendering again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from classifiers.consent import ConsentConfig, consent_reason, load_blocklist
from classifiers.ensemble import ENSEMBLE_SCORES, check_calibration, ensemble_score
from classifiers.heuristics import RulesConfig, first_reason
from classifiers.language import detect_top
from classifiers.mathness import code_score, math_score
from classifiers.measures import Measures
from classifiers.model_quality import model_quality
from classifiers.models_check import check_models, model_files
from classifiers.privacy import PrivacyConfig, mask_private
from classifiers.prose import Prose, split
from classifiers.quality import quality_score
from pipeline.document import Document, Languages

STAGE = "classify"


@dataclass(frozen=True, slots=True)
class ClassifyConfig:
    """Thresholds of the classify stage.

    Attributes:
        languages: labels to keep, e.g. ("en", "de"); empty keeps all. Documents without enough prose to tell
            ("und") are kept: a page of formulas has no language.
        min_language_score: with `languages` set, least score of the model's first answer.
        min_math_or_code: least max(math_score, code_score); 0 keeps all.
        min_quality: least quality score; 0 keeps all.
        keep_threshold: blocks marked below this keep_score are not looked at.
        rules: the rules and their thresholds; None runs none of them.
        consent: opt-out marks, licences and blocklists that reject; None asks for none.
        privacy: what is masked in documents that are kept; None masks nothing.
        language_model, math_model, code_model: paths of other fastText models; "" is the shipped one.
        quality_model: "" is the rule-based score; "shipped" or a path of an .ftz the fastText score; an .npz head, a
            folder or a hub name a regressor.
        ensemble: calibration file of `train-classifier --kind ensemble`; quality is then the best rank that any of its
            scores (of ENSEMBLE_SCORES) has in the sample, 0, 1/19 ... 1; "" leaves the score of quality_model.
        score_store: SQLite file in which regressor scores are kept and looked up; "" keeps none.
        min_math: least math score of a document without formulas; 0 keeps all.
        min_math_with_markup: the same where formulas were found, lower as in OpenWebMath (0.17 there, 0.8 without).
    """

    languages: tuple[str, ...] = ()
    min_language_score: float = 0.3
    min_math_or_code: float = 0.0
    min_quality: float = 0.0
    keep_threshold: float = 0.5
    rules: RulesConfig | None = field(default_factory=RulesConfig)
    consent: ConsentConfig | None = None
    privacy: PrivacyConfig | None = None
    language_model: str = ""
    math_model: str = ""
    code_model: str = ""
    quality_model: str = ""
    ensemble: str = ""
    score_store: str = ""
    min_math: float = 0.0
    min_math_with_markup: float = 0.0


def classify(documents: Iterable[Document], *, config: ClassifyConfig) -> Iterator[Document]:
    """Set language, language_score, languages, math_score, code_score and quality; reject by stage "classify".

    Reasons: "blocked", "opt_out", "license", "language", "not_math_or_code", "not_math", "low_quality" and the names of
    `classifiers.heuristics.RULES`.
    Documents rejected before pass through untouched.

    Raises:
        InputError: the language model's wheel is missing or damaged.
    """
    for document in documents:
        yield document if document.rejected else _classified(document, config)


def require_files(config: ClassifyConfig) -> None:
    """Read what the config names, so that a missing or malformed file is known before any work.

    Raises:
        InputError: a blocklist cannot be read, or a line of it is no host or URL; a model is missing or damaged.
        UsageError: a language code that the language model does not know.
    """
    check_models(
        languages=config.languages,
        language_model=config.language_model,
        math_model=config.math_model,
        code_model=config.code_model,
        quality_model=config.quality_model,
    )
    if config.ensemble:
        check_calibration(Path(config.ensemble))
    for path in config.consent.blocklists if config.consent else ():
        load_blocklist(path)


def files_of(config: ClassifyConfig) -> list[Path]:
    """Every model, card and calibration whose content decides a score: a run is bound to them."""
    models = model_files(config.language_model, config.math_model, config.code_model, config.quality_model)
    return [*models, *([Path(config.ensemble)] if config.ensemble else [])]


def _classified(document: Document, config: ClassifyConfig) -> Document:
    prose = split(document, config.keep_threshold)
    answers = detect_top(prose.text, config.language_model)
    document.language, document.language_score = answers[0]
    document.languages = Languages([label for label, _ in answers], [score for _, score in answers])
    document.math_score = math_score(prose, config.math_model)
    document.code_score = code_score(prose, config.code_model)
    document.quality = _quality(document, prose, config)
    if config.consent is not None and (refusal := consent_reason(document, config.consent)) is not None:
        return document.reject(STAGE, *refusal)
    if (reason := _reason(document, prose, config)) is not None:
        return document.reject(STAGE, reason)
    if config.privacy is not None:
        mask_private(document, config.privacy)
    return document


def _quality(document: Document, prose: Prose, config: ClassifyConfig) -> float:
    model = config.quality_model
    quality = model_quality(prose, document.id, model, config.score_store) if model else quality_score(prose)
    if not config.ensemble:
        return quality
    rules = quality_score(prose) if model else quality
    values = (quality, rules, document.math_score or 0.0, document.code_score or 0.0)
    return ensemble_score(dict(zip(ENSEMBLE_SCORES, values, strict=True)), check_calibration(Path(config.ensemble)))


def _reason(document: Document, prose: Prose, config: ClassifyConfig) -> str | None:
    if config.rules is not None:
        measures = Measures(prose, document.formulas.tex)
        if (reason := first_reason(measures, document.language, config.rules)) is not None:
            return reason
    if _wrong_language(document, config):
        return "language"
    if max(document.math_score or 0.0, document.code_score or 0.0) < config.min_math_or_code:
        return "not_math_or_code"
    if (document.math_score or 0.0) < (config.min_math_with_markup if prose.n_formulas else config.min_math):
        return "not_math"
    return "low_quality" if (document.quality or 0.0) < config.min_quality else None


def _wrong_language(document: Document, config: ClassifyConfig) -> bool:
    if not config.languages or document.language == "und":
        return False
    return document.language not in config.languages or (document.language_score or 0.0) < config.min_language_score
