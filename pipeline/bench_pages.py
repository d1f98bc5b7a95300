"""Pages for `warcmill bench`: the first ones of a JSON-lines file or of archives, held in memory."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extractors.mime import sniff
from extractors.render import HTML_TYPES
from pipeline.document import Page
from pipeline.errors import InputError
from pipeline.io.inputs import expand_inputs
from pipeline.io.warc import Split, read_split
from pipeline.text_rows import BadRow, page_bytes

_JSONL = (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")


@dataclass(frozen=True, slots=True)
class BenchPage:
    """One page as served; `body` in bytes, content encoding removed."""

    url: str
    content_type: str | None
    body: bytes


def read_pages(sources: Sequence[str], limit: int) -> tuple[list[BenchPage], int]:
    """The first `limit` HTML pages of all sources, in order, and how many of another kind stood between them.

    A source is JSON lines with {"html" or "html_b64", "url"?, "content_type"?}, or what `warcmill run` reads.

    Raises:
        InputError: a source cannot be read, a row holds no page, or there is no HTML page at all.
    """
    pages: list[BenchPage] = []
    others = 0
    for page in (page for source in sources for page in _pages(source)):
        if sniff(page.body, page.content_type) not in HTML_TYPES:
            others += 1
            continue
        pages.append(page)
        if len(pages) == limit:
            break
    if not pages:
        raise InputError("no HTML page", where=", ".join(sources), expected="pages as JSON lines, or a WARC file")
    return pages, others


def _pages(source: str) -> Iterator[BenchPage]:
    if source.endswith(_JSONL):
        return _from_jsonl(source)
    return _from_archives(expand_inputs([source]))


def _from_archives(paths: Iterable[str]) -> Iterator[BenchPage]:
    for path in paths:
        for item in read_split(Split(path)):
            if isinstance(item, Page):
                yield BenchPage(item.url, item.header("content-type"), item.body)


def _from_jsonl(path: str) -> Iterator[BenchPage]:
    opener = gzip.open if path.endswith(".gz") else open
    try:
        with opener(Path(path), "rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _from_row(line, f"{path}:{number}")
    except (OSError, EOFError) as error:
        raise InputError(f"cannot read: {error}", where=path, expected="a .jsonl or .jsonl.gz file") from error


def _from_row(line: bytes, where: str) -> BenchPage:
    expected = 'a JSON object with "html" (text) or "html_b64" (bytes)'
    try:
        row = json.loads(line)
    except ValueError as error:
        raise InputError(f"not JSON: {error}", where=where, expected=expected) from error
    if not isinstance(row, dict) or (body := _body(row, where)) is None:
        raise InputError("no page in this row", where=where, expected=expected)
    kind = "text/html; charset=utf-8" if isinstance(row.get("html"), str) else row.get("content_type")
    return BenchPage(str(row.get("url") or ""), kind if isinstance(kind, str) else None, body)


def _body(row: dict[str, Any], where: str) -> bytes | None:
    if not isinstance(row.get("html"), str) and not isinstance(row.get("html_b64"), str):
        return None
    try:
        return page_bytes(row)
    except BadRow as error:
        raise InputError(str(error), where=where) from error
