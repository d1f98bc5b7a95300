"""The two verbs of the rule cleaner: `mark` scores blocks early in a recipe, `clean` cuts the text once, late.

Between them the marks steer classification and dedup while the text stays whole and inspectable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from llm_cleaning.features import features
from llm_cleaning.rules import keep_scores
from pipeline.document import Document
from pipeline.text.spans import cut, markdown_to_blocks

STAGE = "clean"


@dataclass(frozen=True, slots=True)
class CleanConfig:
    """Thresholds of the rule cleaner.

    Attributes:
        keep_threshold: blocks with a keep_score below this are cut.
        min_kept_chars: a document whose kept text is shorter than this and holds no formula is rejected.
        overwrite_marks: score again blocks that already have a keep_score.
    """

    keep_threshold: float = 0.5
    min_kept_chars: int = 1
    overwrite_marks: bool = True


def mark(documents: Iterable[Document], *, config: CleanConfig) -> Iterator[Document]:
    """Set `blocks.keep_score` of every unrejected document; the text is not touched, nothing is rejected."""
    for document in documents:
        if not document.rejected:
            _mark(document, config)
        yield document


def _mark(document: Document, config: CleanConfig) -> None:
    if config.overwrite_marks or any(score is None for score in document.blocks.keep_score):
        document.blocks.keep_score = list(keep_scores(features(document)))


def clean(documents: Iterable[Document], *, config: CleanConfig) -> Iterator[Document]:
    """Cut blocks below the threshold: a new text revision with blocks and formulas remapped exactly.

    Unmarked blocks are kept. Text without blocks is split into Markdown blocks first, which keeps all of it.
    A document with too little left is rejected by stage "clean", reason "no_content", its text as it was.
    """
    for document in documents:
        yield document if document.rejected else _cleaned(document, config)


def _cleaned(document: Document, config: CleanConfig) -> Document:
    blocks = document.blocks if len(document.blocks) else markdown_to_blocks(document.text)
    keep = [score is None or score >= config.keep_threshold for score in blocks.keep_score]
    text, blocks, formulas = cut(document.text, blocks, document.formulas, keep)
    if len(text.strip()) < config.min_kept_chars and not len(formulas):
        return document.reject(STAGE, "no_content")
    document.text, document.blocks, document.formulas = text, blocks, formulas
    return document
