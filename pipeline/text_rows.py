"""Rows of JSON lines as documents: what the verbs that work on rendered text outside of a run share.

A row is an object as `warcmill render --jsonl` writes it. Whatever is wrong with one becomes that row's `error`; the
others go on.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from pipeline.document import Block, Blocks, Document, Formula, Formulas
from pipeline.io.json_lines import json_line, lines_in, lines_out, parsed
from pipeline.text.spans import markdown_to_blocks, scan_formulas

Row = dict[str, Any]
T = TypeVar("T")
_SURROGATE = re.compile("[\ud800-\udfff]")  # JSON may escape half a pair, which neither UTF-8 nor a tokenizer can take
BATCH_ROWS = 64  # models on a GPU want company


class BadRow(ValueError):
    """A row that cannot be used; the message says which field and why."""


def mapped_rows(
    source: str,
    target: str,
    read: Callable[[Row], T],
    add: Callable[[list[T]], Iterable[Row]],
    failure: Row,
) -> Iterator[Row]:
    """Add fields to rows, in order, and yield what was written; memory holds BATCH_ROWS rows.

    `read` makes of a row what `add` needs, or raises BadRow; `add` gets some of them and returns their new fields. A
    line that is no JSON object, and a row that `read` refuses, comes out as it came in with the fields of `failure` and
    `error: {"kind", "message"}`.

    Raises:
        InputError, OutputError: a file that cannot be read or written.
    """
    with lines_in(source) as lines, lines_out(target) as out:
        numbered = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
        while some := list(islice(numbered, BATCH_ROWS)):
            rows = [_parsed(line, number, read, failure) for number, line in some]
            added = iter(add([ready for _, ready in rows if ready is not None]))
            for row, ready in rows:
                full = row if ready is None else {**row, **next(added), "error": row.get("error")}
                out.write(json_line(full))
                yield full


def _parsed(line: bytes, number: int, read: Callable[[Row], T], failure: Row) -> tuple[Row, T | None]:
    """(the row, what `read` made of it), or (the row as it will be written, None)."""
    try:
        row = parsed(line)
    except (ValueError, RecursionError) as error:
        return {"id": None, "line": number, **failure, "error": _error("bad_json", str(error))}, None
    if not isinstance(row, dict):
        return {"id": None, "line": number, **failure, "error": _error("bad_row", "expected a JSON object")}, None
    try:
        return row, read(row)
    except BadRow as error:
        return {**row, **failure, "error": row.get("error") or _error("bad_row", str(error))}, None


def _error(kind: str, message: str) -> Row:
    return {"kind": kind, "message": message}


def row_page(row: Row) -> bytes | str:
    """The page of a row {"html" or "html_b64"}: decoded text as it is, bytes as they were served.

    Raises:
        BadRow: it has neither, or html_b64 is not base64.
    """
    if isinstance(html := row.get("html"), str):
        return html
    if isinstance(encoded := row.get("html_b64"), str):
        try:
            return base64.b64decode(encoded, validate=True)
        except ValueError as error:
            raise BadRow(f"html_b64 is not base64: {error}") from error
    raise BadRow('neither "html" nor "html_b64" is a string')


def page_bytes(row: Row) -> bytes:
    """`row_page` as bytes, decoded text as UTF-8."""
    page = row_page(row)
    return page.encode("utf-8", "surrogatepass") if isinstance(page, str) else page


def text_document(row: Row) -> Document:
    """Document of a row {"text", "blocks"?, "formulas"?, "url"?}; spans that are not given are found in the text.

    Raises:
        BadRow: text is no string, or spans are malformed, out of order or outside the text.
    """
    text, url = row.get("text"), row.get("url")
    if not isinstance(text, str):
        raise BadRow("text is not a string")
    text = _SURROGATE.sub("\ufffd", text)  # as many characters: spans stay right
    document = Document("", url if isinstance(url, str) else "", "", "", 0, "", text=text)
    blocks, formulas = row.get("blocks"), row.get("formulas")
    document.blocks = _blocks(blocks, text) if blocks else markdown_to_blocks(text)
    document.formulas = scan_formulas(text, document.blocks) if formulas is None else _formulas(formulas, text)
    return document


def _blocks(rows: Any, text: str) -> Blocks:
    """Blocks from objects as `warcmill render` writes them; only start, end and kind are required."""
    blocks = Blocks()
    for item in _spans("blocks", rows, text):
        kind, density, score = item.get("kind"), item.get("link_density"), item.get("keep_score")
        blocks.append(
            Block(
                item["start"],
                item["end"],
                kind if isinstance(kind, str) else "paragraph",
                item.get("lang"),
                item.get("level"),
                float(density) if isinstance(density, int | float) else 0.0,
                str(item.get("dom_path") or ""),
                bool(item.get("site_repeat")),
                float(score) if isinstance(score, int | float) else None,
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
        raise BadRow(f"{name} is not a list")
    before = 0
    for item in rows:
        if not isinstance(item, dict) or not all(type(item.get(key)) is int for key in ("start", "end")):
            raise BadRow(f"{name} holds something without start and end")
        if not before <= item["start"] <= item["end"] <= len(text):
            raise BadRow(f"{name}: span {item['start']}-{item['end']} is out of order or outside the text")
        before = item["start"]
        yield item
