"""`warcmill classify` and `warcmill prefilter` on rows of JSON lines, outside of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from classifiers.stage import ClassifyConfig, classify, require_files
from extractors.prefilter import prefilter
from llm_cleaning.stage import CleanConfig, mark
from pipeline.document import Document
from pipeline.text_rows import Row, mapped_rows, page_bytes, text_document

NO_SCORES: Row = {
    "language": None,
    "language_score": None,
    "languages": None,
    "math_score": None,
    "code_score": None,
    "quality_score": None,
    "reject_reason": None,
}


@dataclass(slots=True)
class Summary:
    """What came of the rows of one call."""

    rows: int = 0
    failed: int = 0  # rows with an error
    counts: Counter[str] = field(default_factory=Counter)

    def note(self, row: Row, *names: str) -> None:
        self.rows += 1
        self.failed += row["error"] is not None
        self.counts.update(names)


def classify_jsonl(source: str, target: str, config: ClassifyConfig, marking: CleanConfig) -> Iterator[Summary]:
    """Score rows {"text", "blocks"?, "formulas"?, "url"?}, as `warcmill render --jsonl` writes them.

    Adds language, language_score, languages (the likeliest, [[label, score], ...]), math_score, code_score,
    quality_score and reject_reason (null when kept); other fields come out unchanged, rows keep their order. Blocks
    that come with a row are marked as in a run, so that its boilerplate is not looked at. Yields the summary so far
    after every row.

    Raises:
        InputError, OutputError: a file that cannot be read or written, a damaged or missing model.
    """
    require_files(config)
    marking = replace(marking, overwrite_marks=False)
    summary = Summary()

    def add(documents: list[Document]) -> Iterable[Row]:
        return map(_scores, classify(mark(documents, config=marking), config=config))

    for row in mapped_rows(source, target, _document, add, NO_SCORES):
        summary.note(row, *([row["reject_reason"]] if row["reject_reason"] else []))
        yield summary


def _document(row: Row) -> Document:
    document = text_document(row)
    if not row.get("blocks"):  # nothing is known of boilerplate: all of it is content
        document.blocks.keep_score = [1.0] * len(document.blocks)
    return document


def _scores(document: Document) -> Row:
    return {
        "language": document.language,
        "language_score": document.language_score,
        "languages": list(zip(document.languages.label, document.languages.score, strict=True)),
        "math_score": document.math_score,
        "code_score": document.code_score,
        "quality_score": document.quality,
        "reject_reason": document.reject_reason or None,
    }


def prefilter_jsonl(source: str, target: str) -> Iterator[Summary]:
    """Say of rows {"html" or "html_b64"} whether their bytes hold mathematics or code: adds has_math, has_code.

    Yields the summary so far after every row.

    Raises:
        InputError, OutputError: a file that cannot be read or written.
    """
    summary = Summary()

    def add(bodies: list[bytes]) -> Iterator[Row]:
        return (prefilter(body)._asdict() for body in bodies)

    for row in mapped_rows(source, target, page_bytes, add, {"has_math": None, "has_code": None}):
        summary.note(row, *(name for name in ("has_math", "has_code") if row[name]))
        yield summary
