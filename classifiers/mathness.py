"""How much a document is about mathematics or code: trained models on content, and what the renderer found.

The models read words without delimiters, commands and fences, so they judge a page whose markup was lost; see
`models/*.md` for what they were trained on. Where rendering found formulas or code blocks in density, that is evidence
of its own, and the greater of the two counts. The decision boundary is 0.5.
"""

from __future__ import annotations

from itertools import islice

from classifiers.fasttext_model import subject_scorer
from classifiers.prose import Prose

# A density at which what the renderer found reaches 1.
FORMULAS_PER_WORD = 0.02
FORMULA_SHARE = 0.04  # of characters
CODE_SHARE = 0.10  # of characters
CODE_LINES = 20


def math_score(prose: Prose, model: str = "") -> float:
    """Probability that the content is mathematics, or the density of formulas where that is greater; step 1e-4.

    Args:
        model: path of another fastText model with the label "math"; "" is the shipped one.
    """
    words = max(prose.n_words + prose.n_formulas, 50)
    formulas = max(
        _ratio(prose.n_formulas, words * FORMULAS_PER_WORD),
        _ratio(prose.formula_chars, max(prose.content_chars, 500) * FORMULA_SHARE),
    )
    return max(content_score(prose, "math", model), round(formulas, 4))


def code_score(prose: Prose, model: str = "") -> float:
    """Probability that the content is code or about it, or the density of code where that is greater; step 1e-4."""
    lines = len(list(islice(filter(str.strip, prose.code.split("\n")), CODE_LINES)))
    share = _ratio(len(prose.code), max(prose.content_chars, 500) * CODE_SHARE)
    found = 1.0 - (1.0 - share) * (1.0 - _ratio(lines, CODE_LINES))
    return max(content_score(prose, "code", model), round(found, 4))


def content_score(prose: Prose, subject: str, model: str = "") -> float:
    """The probability alone, by the shipped model of a subject or that of a path.

    Raises:
        InputError: the model is missing, damaged, or has no such label.
    """
    found = subject_scorer(subject, model)
    return found.line_score(prose.model_line(found.window_chars))


def _ratio(amount: float, saturation: float) -> float:
    return min(1.0, amount / saturation)
