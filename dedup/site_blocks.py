"""Blocks that a site repeats on many pages: menus, notices, author boxes. Found before an LLM or a tokenizer sees them.

`site_rows` runs in the map, the engine exchanges by `key` and sorts by SITE_SORT, `site_repeats` scans the sorted rows.
A block with a formula, of code or of mathematics has no row: what is repeated there is content.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from pipeline.document import Blocks
from pipeline.text.words import normalise, stable_hash

SITE_SCHEMA = pa.schema([("key", pa.uint64()), ("id", pa.string()), ("block", pa.int32())])
SITE_SORT = ("key", "id", "block")
REPEAT_SCHEMA = pa.schema([("id", pa.string()), ("block", pa.int32())])
LABEL_WORDS = 4
NEVER = frozenset({"code", "math"})  # kinds of blocks that are content however often they occur


@dataclass(frozen=True, slots=True)
class SiteConfig:
    """A block is repeated when at least `min_pages` documents of its host have it.

    Args:
        max_chars: longer blocks are content: a page that stands at five addresses repeats its whole text.
    """

    enabled: bool = True
    min_pages: int = 5
    max_chars: int = 600


def site_rows(docs: pa.RecordBatch, config: SiteConfig) -> pa.RecordBatch:
    """SITE_SCHEMA rows of a batch with `id`, `url`, `text`, `blocks` and `formulas` (`pipeline.arrow_document`).

    The key is of host and normalised text; documents without a host have no rows.
    """
    found = [
        row
        for doc in docs.select(["id", "url", "text", "blocks", "formulas"]).to_pylist()
        for row in _rows(doc, config.max_chars)
    ]
    columns = list(zip(*found, strict=True)) or [(), (), ()]
    return pa.RecordBatch.from_arrays(
        [pa.array(column, field.type) for column, field in zip(columns, SITE_SCHEMA, strict=True)], schema=SITE_SCHEMA
    )


def site_repeats(rows: Iterator[pa.RecordBatch], config: SiteConfig) -> Iterator[pa.RecordBatch]:
    """REPEAT_SCHEMA rows: the blocks to mark. `rows` sorted by SITE_SORT; memory: the rows of `min_pages` documents.

    A block that one document repeats counts once, but is marked wherever it stands.
    """
    key, last_id, pages = -1, "", 0
    waiting: list[tuple[str, int]] = []  # rows of the key at hand while it is too rare
    for batch in rows:
        marked: list[tuple[str, int]] = []
        for row_key, id_, block in zip(*(batch.column(name).to_pylist() for name in SITE_SORT), strict=True):
            if row_key != key:
                key, last_id, pages, waiting = row_key, "", 0, []
            pages += id_ != last_id
            last_id = id_
            waiting.append((id_, block))
            if pages >= config.min_pages:
                marked += waiting
                waiting = []
        columns = list(zip(*marked, strict=True)) or [(), ()]
        yield pa.RecordBatch.from_arrays(
            [pa.array(column, field.type) for column, field in zip(columns, REPEAT_SCHEMA, strict=True)],
            schema=REPEAT_SCHEMA,
        )


def without_labels(text: str, blocks: Blocks, repeated: frozenset[int]) -> list[int]:
    """The repeated blocks of one document, less those that only label its own content.

    "Solution" and "Proof." stand on many pages of a site and belong to what follows. So a heading counts as repeated
    only where the next block is, and anything else of fewer than LABEL_WORDS words only beside another repeated one.
    """
    return [block for block in sorted(repeated) if not _labels(text, blocks, repeated, block)]


def _labels(text: str, blocks: Blocks, repeated: frozenset[int], block: int) -> bool:
    if blocks.kind[block] == "heading":
        return block + 1 < len(blocks) and block + 1 not in repeated
    short = len(text[blocks.start[block] : blocks.end[block]].split(None, LABEL_WORDS)) < LABEL_WORDS
    return short and repeated.isdisjoint((block - 1, block + 1))


def _rows(doc: dict[str, Any], max_chars: int) -> Iterator[tuple[int, str, int]]:
    host = _host(doc["url"] or "")
    if not host:
        return
    blocks, formulas = doc["blocks"], doc["formulas"]
    spans = zip(blocks["start"], blocks["end"], blocks["kind"], strict=True)
    for number, (start, end, kind) in enumerate(spans):
        formula = bisect_right(formulas["end"], start)  # the first that ends behind the block's start; none overlap
        if (
            kind in NEVER
            or end - start > max_chars
            or (formula < len(formulas["start"]) and formulas["start"][formula] < end)
        ):
            continue
        content = normalise(doc["text"][start:end])
        if content:
            yield stable_hash(f"{host}\n{content}"), doc["id"], number


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""
