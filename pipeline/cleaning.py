"""`warcmill clean`: rendered rows in, cleaned and checked rows out; and the guard alone, for other cleaners."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

from llm_cleaning.guard import Verdict, check
from llm_cleaning.stage import CleanConfig, clean, mark
from pipeline.document import Block, Blocks, Document, Formula, Formulas
from pipeline.errors import InputError
from pipeline.io.json_lines import json_line, lines_in, lines_out
from pipeline.text.spans import markdown_to_blocks, scan_formulas

Row = dict[str, Any]


class _BadRow(ValueError):
    """A row that cannot be cleaned or checked; the message says which field."""


def clean_jsonl(source: str, target: str) -> tuple[int, int, int]:
    """Clean rows {"text", "blocks"?, "formulas"?}, as `warcmill render --jsonl` writes them, by the rules.

    Adds clean_text, clean_mode, guard_verdict ("pass" or "fail") and guard_reasons; other fields are passed through
    unchanged, rows keep their order, memory holds one row. Rows without text get nulls.

    Returns:
        (rows, rows with nothing to clean, rows that failed the guard).

    Raises:
        InputError, OutputError: a file that cannot be read or written.
    """
    counts = [0, 0, 0]
    for row in _mapped(source, target, _cleaned_row):
        counts[0] += 1
        counts[1] += row["guard_verdict"] is None
        counts[2] += row["guard_verdict"] == "fail"
    return counts[0], counts[1], counts[2]


def check_files(source: str, cleaned: str) -> Row:
    """The guard's verdict on two text files, {"pass", "reasons"}."""
    return _verdict(check(_text(source), _text(cleaned)))


def check_jsonl(source: str, target: str) -> tuple[int, int]:
    """Verdicts {"id", "pass", "reasons"} on rows {"id", "source", "cleaned", "blocks"?}; returns (rows, failed).

    A row that is no such object gets "pass": false and the reason "bad_row".
    """
    rows = failed = 0
    for row in _mapped(source, target, _checked_row):
        rows, failed = rows + 1, failed + (not row["pass"])
    return rows, failed


def _cleaned_row(row: Row | None, number: int, problem: str) -> Row:
    if row is None:
        return {"id": None, "line": number, "text": None, "error": _error("bad_json", problem), **_added(None, None)}
    if row.get("text") is None or row.get("error") is not None:
        return {**row, **_added(None, None)}
    try:
        document = _document(row["text"], row.get("blocks"), row.get("formulas"), row.get("url"))
    except _BadRow as error:
        return {**row, "error": _error("bad_row", str(error)), **_added(None, None)}
    config = CleanConfig()
    (marked,) = mark([document], config=config)
    source, blocks = marked.text, deepcopy(marked.blocks)
    (result,) = clean([marked], config=config)
    text = "" if result.rejected else result.text
    return {**row, **_added(text, check(source, text, source_blocks=blocks))}


def _added(text: str | None, verdict: Verdict | None) -> Row:
    return {
        "clean_text": text,
        "clean_mode": "rules",
        "guard_verdict": None if verdict is None else "pass" if verdict.passed else "fail",
        "guard_reasons": [] if verdict is None else list(verdict.reasons),
    }


def _error(kind: str, message: str) -> Row:
    return {"kind": kind, "message": message}


def _checked_row(row: Row | None, number: int, problem: str) -> Row:
    if row is None:
        return {"id": None, "line": number, "pass": False, "reasons": ["bad_row"], "error": _error("bad_json", problem)}
    try:
        if not isinstance(row.get("cleaned"), str):
            raise _BadRow("cleaned is not a string")
        document = _document(row.get("source"), row.get("blocks"), None, row.get("url"))
    except _BadRow as error:
        return {
            "id": row.get("id"), "pass": False, "reasons": ["bad_row"], "error": _error("bad_row", str(error))
        }  # fmt: skip
    blocks = None
    if row.get("blocks"):
        (marked,) = mark([document], config=CleanConfig(overwrite_marks=False))
        blocks = marked.blocks
    finish = row.get("finish_reason")
    verdict = check(row["source"], row["cleaned"], source_blocks=blocks, finish_reason=finish)
    return {"id": row.get("id"), **_verdict(verdict)}


def _verdict(verdict: Verdict) -> Row:
    return {"pass": verdict.passed, "reasons": list(verdict.reasons)}


def _document(text: Any, blocks: Any, formulas: Any, url: Any) -> Document:
    if not isinstance(text, str):
        raise _BadRow("text or source is not a string")
    document = Document("", url if isinstance(url, str) else "", "", "", 0, "", text=text)
    document.blocks = _blocks(blocks, text) if blocks else markdown_to_blocks(text)
    document.formulas = _formulas(formulas, text) if formulas else scan_formulas(text, document.blocks)
    return document


def _blocks(rows: Any, text: str) -> Blocks:
    """Blocks from objects as `warcmill render` writes them; only start, end and kind are required."""
    blocks = Blocks()
    for item in _spans("blocks", rows, text):
        blocks.append(
            Block(
                item["start"],
                item["end"],
                str(item.get("kind", "paragraph")),
                item.get("lang"),
                item.get("level"),
                float(item.get("link_density") or 0.0),
                str(item.get("dom_path") or ""),
                bool(item.get("site_repeat")),
                item.get("keep_score"),
            )
        )
    return blocks


def _formulas(rows: Any, text: str) -> Formulas:
    formulas = Formulas()
    for item in _spans("formulas", rows, text):
        tex, form = str(item.get("tex", "")), str(item.get("source_form", ""))
        display, recovered = bool(item.get("display")), bool(item.get("recovered", True))
        formulas.append(Formula(item["start"], item["end"], tex, form, display, recovered))
    return formulas


def _spans(name: str, rows: Any, text: str) -> Iterator[Row]:
    """Objects with spans that lie inside the text, in order."""
    if not isinstance(rows, list):
        raise _BadRow(f"{name} is not a list")
    before = 0
    for item in rows:
        if not isinstance(item, dict) or not all(isinstance(item.get(key), int) for key in ("start", "end")):
            raise _BadRow(f"{name} holds something without start and end")
        if not before <= item["start"] <= item["end"] <= len(text):
            raise _BadRow(f"{name}: span {item['start']}-{item['end']} is out of order or outside the text")
        before = item["start"]
        yield item


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
            row = change(*_parsed(line, number))
            out.write(json_line(row))
            yield row


def _parsed(line: bytes, number: int) -> tuple[Row | None, int, str]:
    try:
        row = json.loads(line)
    except ValueError as error:
        return None, number, str(error)
    return (row, number, "") if isinstance(row, dict) else (None, number, "expected a JSON object")
