"""`warcmill render`: one page, or JSON lines in and out, outside of a run."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from extractors import Rendered, RenderRejected
from extractors import render as render_page
from pipeline.errors import InputError
from pipeline.io.json_lines import json_line, lines_in, lines_out, parsed
from pipeline.text_rows import BadRow, row_page


def render_file(file: str, url: str | None, content_type: str | None, form: str) -> str:
    """One file, or stdin for `-`, as "markdown", "text" (no Markdown marks) or "json"."""
    rendered = render_page(_read(file), url=url, content_type=content_type)
    if form == "json":
        return json.dumps(as_json(rendered), ensure_ascii=False)
    return rendered.text if form == "markdown" else without_marks(rendered)


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise InputError(
            f"cannot read: {error.strerror}", where=file, expected="an HTML file, or - for stdin"
        ) from error


def as_json(rendered: Rendered) -> dict[str, Any]:
    """Text, spans as objects, and what was found out about the page."""
    return {
        "text": rendered.text,
        "title": rendered.title,
        "charset": rendered.charset,
        "content_type": rendered.content_type,
        "formulas": [formula._asdict() for formula in rendered.formulas],
        "blocks": [block._asdict() for block in rendered.blocks],
    }


def without_marks(rendered: Rendered) -> str:
    """Block texts without heading marks and code fences; lists, tables and formulas stay as they are."""
    return "\n\n".join(_unmarked(rendered.text[b.start : b.end], b.kind) for b in rendered.blocks)


def _unmarked(text: str, kind: str) -> str:
    if kind == "heading":
        return text.lstrip("#").strip()
    if kind == "code":
        lines = text.split("\n")
        fenced = len(lines) > 1 and lines[0].startswith(("```", "~~~"))
        return "\n".join(lines[1:-1]) if fenced else text
    return text


def render_jsonl(source: str, target: str) -> tuple[int, int]:
    """Render rows {"id", "html" | "html_b64", "url"?, "content_type"?}; returns (rows, rows with an error).

    Other fields are passed through unchanged, rows keep their order, memory holds one row.
    """
    rows = failed = 0
    with lines_in(source) as lines, lines_out(target) as out:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            row = _rendered_row(line, number)
            out.write(json_line(row))
            rows, failed = rows + 1, failed + (row["error"] is not None)
    return rows, failed


def _rendered_row(line: bytes, number: int) -> dict[str, Any]:
    try:
        row = parsed(line)
    except ValueError as error:
        return {"id": None, "line": number, **_failure("bad_json", str(error))}
    if not isinstance(row, dict):
        return {"id": None, "line": number, **_failure("bad_row", "expected a JSON object")}
    passed = {key: value for key, value in row.items() if key not in ("html", "html_b64")}
    try:
        rendered = render_page(_html(row), url=row.get("url"), content_type=row.get("content_type"))
    except RenderRejected as rejected:
        return {**passed, **_failure(rejected.reason, str(rejected))}
    except BadRow as error:
        return {**passed, **_failure("bad_row", str(error))}
    return {**passed, **as_json(rendered), "error": None}


def _failure(kind: str, message: str) -> dict[str, Any]:
    return {"text": None, "formulas": [], "blocks": [], "error": {"kind": kind, "message": message}}


def _html(row: dict[str, Any]) -> bytes | str:
    for name in ("url", "content_type"):
        if not isinstance(row.get(name), str | None):
            raise BadRow(f"{name} is not a string")
    return row_page(row)
