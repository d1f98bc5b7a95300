"""The one row that flows through a fetch: a URL asked for, and what the index knows of a capture of it.

A list row becomes one such row without capture; the look-up adds one per capture; the choice keeps the best.
"""

from __future__ import annotations

import pyarrow as pa

# key orders the rows of a job: the list's own order, or a hash of the surt where there is no list
ROW_SCHEMA = pa.schema(
    [
        pa.field("key", pa.uint64(), nullable=False),
        pa.field("ordinal", pa.int64(), nullable=False),  # place of the row in the lists together, -1 without list
        pa.field("rank", pa.int64(), nullable=False),  # smaller is better, by policy
        pa.field("surt", pa.string(), nullable=False),  # "" where nothing is to be looked up
        pa.field("list", pa.string(), nullable=False),  # basename of the list, "" without
        pa.field("line", pa.int64(), nullable=False),  # 1-based line or row in it
        pa.field("url", pa.string(), nullable=False),  # as asked for
        pa.field("reason", pa.string(), nullable=False),  # "" = usable, else why not
        pa.field("detail", pa.string(), nullable=False),
        pa.field("captured_url", pa.string(), nullable=False),
        pa.field("fetch_time", pa.int64(), nullable=False),  # seconds since 1970, 0 unknown
        pa.field("status", pa.int32(), nullable=False),  # 0 unknown
        pa.field("mime", pa.string(), nullable=False),
        pa.field("languages", pa.string(), nullable=False),
        pa.field("warc_filename", pa.string(), nullable=False),
        pa.field("warc_record_offset", pa.int64(), nullable=False),
        pa.field("warc_record_length", pa.int64(), nullable=False),
    ]
)
CAPTURE_COLUMNS = ("captured_url", "fetch_time", "status", "mime", "languages", "warc_filename",
                   "warc_record_offset", "warc_record_length")  # fmt: skip
LAST_RANK = (1 << 62) + 1  # of a list row: after every capture of it
_EMPTY = {pa.string(): "", pa.int64(): 0, pa.int32(): 0, pa.uint64(): 0}


def rows_table(columns: dict[str, pa.Array | list[object]], count: int) -> pa.Table:
    """A table of ROW_SCHEMA; columns that are not given are empty."""
    arrays = []
    for field in ROW_SCHEMA:
        given = columns.get(field.name)
        if given is None:
            arrays.append(pa.repeat(pa.scalar(_EMPTY[field.type], field.type), count))
        else:
            arrays.append(given.cast(field.type) if isinstance(given, pa.Array) else pa.array(given, field.type))
    return pa.Table.from_arrays(arrays, schema=ROW_SCHEMA)
