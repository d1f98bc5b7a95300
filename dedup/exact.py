"""Exact duplicates: equal normalised text, or, where a recipe asks for it, equal canonical URL.

`exact_rows` runs in the map, the engine exchanges by `key` and sorts by EXACT_SORT, and `exact_removals` scans the
sorted rows with one row of memory: the first row of each run of equal hashes is kept, the others are removed.

Rows with the same id are captures of one document, so removed_id == kept_id says "collapse them": the caller keeps the
one with the smallest (warc_path, offset) and must not drop the id altogether.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedup.audit import AUDIT_SCHEMA
from dedup.rank import RANK_COLUMNS, RANK_FIELDS, rank_columns
from dedup.runs import Carried, scan_runs
from pipeline.text.words import content_digest

EXACT_SORT = ("key", "content_hash", *RANK_COLUMNS)
CAPTURES = ("best", "newest")
EXACT_SCHEMA = pa.schema([("key", pa.uint64()), ("content_hash", pa.binary(16)), *RANK_FIELDS])
TRACKING = ("utm_", "fbclid", "gclid", "msclkid", "mc_cid", "mc_eid", "jsessionid", "phpsessid", "sessionid")


def exact_rows(docs: pa.RecordBatch) -> pa.RecordBatch:
    """EXACT_SCHEMA rows of a batch with `id`, `text` and, where known, `quality` and `crawl_time`."""
    return _rows(docs, [content_digest(text or "") for text in docs.column("text").to_pylist()])


def url_rows(docs: pa.RecordBatch, capture: str = "best") -> pa.RecordBatch:
    """The same rows keyed by canonical URL: copies of one address, the copy to keep first. Rows without URL have none.

    `capture`: "best" by `dedup.rank`, or "newest" by crawl time, the best of those captured at one time.
    """
    with_url = docs.filter(pa.array([bool(url) for url in docs.column("url").to_pylist()], pa.bool_()))
    addresses = [canonical_url(url).encode("utf-8", "surrogatepass") for url in with_url.column("url").to_pylist()]
    rows = _rows(with_url, [blake2b(address, digest_size=16).digest() for address in addresses])
    return rows if capture == "best" else _newest_first(rows)


def _newest_first(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Rows whose rank is the crawl time, later ones first and unknown ones last, then the rank they had."""
    ranks = zip(*(rows.column(field.name).to_pylist() for field in RANK_FIELDS[:3]), strict=True)
    keys = [
        f"{time.translate(_COMPLEMENT)} {quality + _BIAS:021d} {length + _BIAS:021d}" for quality, length, time in ranks
    ]
    zeros = np.zeros(rows.num_rows, np.int64)
    columns = [
        *rows.columns[:2],
        pa.array(zeros.astype(np.int32)),
        pa.array(zeros),
        pa.array(keys, pa.string()),
        rows.column("id"),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=EXACT_SCHEMA)


_COMPLEMENT = str.maketrans("0123456789", "9876543210")  # of ISO 8601 times the order turns round
_BIAS = 1 << 62


def exact_removals(rows: Iterator[pa.RecordBatch], rule: str = "exact") -> Iterator[pa.RecordBatch]:
    """AUDIT_SCHEMA rows of every row but the first of its hash; `rows` sorted by EXACT_SORT. Memory: one batch."""
    similarity = 1.0 if rule == "exact" else None
    carried = Carried()
    for batch in rows:
        scan = scan_runs(_hashes(batch.column("content_hash")), batch.column("id"), carried)
        carried = scan.carried
        removed = batch.column("id").filter(pa.array(scan.place > 0))
        kept = scan.first.filter(pa.array(scan.place > 0))
        scores = pa.array([similarity] * len(removed), pa.float32())
        yield pa.RecordBatch.from_arrays(
            [
                removed,
                kept,
                scores,
                scores,
                pa.array([rule] * len(removed), pa.string()),
                pa.nulls(len(removed), pa.int32()),
            ],
            schema=AUDIT_SCHEMA,
        )


def canonical_url(url: str) -> str:
    """The URL without what commonly varies between addresses of one page.

    Scheme, `www.`, default port, fragment, trailing slash and tracking parameters go, the query is sorted, the host is
    lowercased. A string that is no URL is returned unchanged.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return url
    host = (parts.hostname or "").removeprefix("www.")
    netloc = host if port in (None, 80, 443) else f"{host}:{port}"
    query = urlencode(sorted(p for p in parse_qsl(parts.query, keep_blank_values=True) if not _tracks(p[0])))
    return urlunsplit(("", netloc, parts.path.rstrip("/"), query, ""))


def _tracks(name: str) -> bool:
    return name.lower().startswith(TRACKING)


def _rows(docs: pa.RecordBatch, hashes: list[bytes]) -> pa.RecordBatch:
    keys = [int.from_bytes(value[:8], "big") for value in hashes]
    columns = [pa.array(keys, pa.uint64()), pa.array(hashes, pa.binary(16)), *rank_columns(docs)]
    return pa.RecordBatch.from_arrays(columns, schema=EXACT_SCHEMA)


def _hashes(column: pa.Array) -> NDArray[np.void]:
    values = np.frombuffer(column.buffers()[1], dtype="V16") if len(column) else np.empty(0, "V16")
    return values[column.offset : column.offset + len(column)]
