"""Rows of rendered pages as documents, and the guard alone on texts that were cleaned elsewhere."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llm_cleaning.guard import Verdict, check
from llm_cleaning.stage import CleanConfig, mark
from pipeline.document import Document
from pipeline.errors import InputError
from pipeline.io.json_lines import json_line, lines_in, lines_out, parsed
from pipeline.text_rows import BadRow, Row, text_document


def check_files(source: str, cleaned: str) -> Row:
    """The guard's verdict on two text files, {"pass", "reasons"}."""
    return _verdict(check(_text(source), _text(cleaned)))


@dataclass(slots=True)
class CheckSummary:
    """What a call of `check_jsonl` saw."""

    rows: int = 0
    failed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


def check_jsonl(source: str, target: str, watch: Callable[[], None] = lambda: None) -> CheckSummary:
    """Verdicts {"id", "pass", "reasons"} on rows {"id", "source", "cleaned", "blocks"?}; `watch` is called after each.

    A row that is no such object gets "pass": false and the reason "bad_row".
    """
    summary = CheckSummary()
    for row in _mapped(source, target, _checked_row):
        summary.rows += 1
        summary.failed += not row["pass"]
        summary.reasons.update(row["reasons"])
        watch()
    return summary


def row_error(kind: str, message: str) -> Row:
    """What the field `error` holds."""
    return {"kind": kind, "message": message}


def _checked_row(row: Row | None, number: int, problem: str) -> Row:
    if row is None:
        return {
            "id": None,
            "line": number,
            "pass": False,
            "reasons": ["bad_row"],
            "error": row_error("bad_json", problem),
        }
    try:
        if not isinstance(row.get("cleaned"), str):
            raise BadRow("cleaned is not a string")
        document = row_document(row.get("source"), row.get("blocks"), None, row.get("url"))
    except BadRow as bad:
        return {"id": row.get("id"), "pass": False, "reasons": ["bad_row"], "error": row_error("bad_row", str(bad))}
    blocks = None
    if row.get("blocks"):
        (marked,) = mark([document], config=CleanConfig(overwrite_marks=False))
        blocks = marked.blocks
    finish = row.get("finish_reason")
    verdict = check(row["source"], row["cleaned"], source_blocks=blocks, finish_reason=finish)
    return {"id": row.get("id"), **_verdict(verdict)}


def _verdict(verdict: Verdict) -> Row:
    return {"pass": verdict.passed, "reasons": list(verdict.reasons)}


def row_document(text: Any, blocks: Any, formulas: Any, url: Any) -> Document:
    """A document from fields as `warcmill render` writes them; blocks and formulas are looked for where missing.

    Raises:
        BadRow: a field of the wrong type, or a span outside of the text.
    """
    return text_document({"text": text, "blocks": blocks, "formulas": formulas or None, "url": url})


def _text(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"cannot read: {error.strerror}", where=file, expected="a text file") from error


def _mapped(source: str, target: str, change: Callable[[Row | None, int, str], Row]) -> Iterator[Row]:
    """Read, change and write row by row, yielding what was written. `change` gets row or None, line number, problem."""
    with lines_in(source) as lines, lines_out(target) as out:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            row = change(*parsed_row(line, number))
            out.write(json_line(row))
            yield row


def parsed_row(line: bytes, number: int) -> tuple[Row | None, int, str]:
    """(the row, its line number, ""), or (None, line number, what is wrong with it)."""
    try:
        row = parsed(line)
    except ValueError as error:
        return None, number, str(error)
    return (row, number, "") if isinstance(row, dict) else (None, number, "expected a JSON object")
