"""Documents in Arrow: the schema of every phase's shards, and both ways between records and batches.

Apart from `pipeline.document`, because rendering alone does without Arrow and its 35 MB.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any

import pyarrow as pa

from pipeline.document import Blocks, Document, Formulas, Languages

BLOCKS_TYPE = pa.struct(
    [
        ("start", pa.list_(pa.int32())),
        ("end", pa.list_(pa.int32())),
        ("kind", pa.list_(pa.string())),
        ("lang", pa.list_(pa.string())),
        ("level", pa.list_(pa.int8())),
        ("link_density", pa.list_(pa.float32())),
        ("dom_path", pa.list_(pa.string())),
        ("site_repeat", pa.list_(pa.bool_())),
        ("keep_score", pa.list_(pa.float32())),
    ]
)
FORMULAS_TYPE = pa.struct(
    [
        ("start", pa.list_(pa.int32())),
        ("end", pa.list_(pa.int32())),
        ("tex", pa.list_(pa.string())),
        ("source_form", pa.list_(pa.string())),
        ("display", pa.list_(pa.bool_())),
        ("recovered", pa.list_(pa.bool_())),
    ]
)
LANGUAGES_TYPE = pa.struct([("label", pa.list_(pa.string())), ("score", pa.list_(pa.float32()))])
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("url", pa.string()),
        ("source", pa.string()),
        ("warc_path", pa.string()),
        ("offset", pa.int64()),
        ("crawl_time", pa.string()),
        ("content_type", pa.string()),
        ("charset", pa.string()),
        ("title", pa.string()),
        ("text", pa.string()),
        ("blocks", BLOCKS_TYPE),
        ("formulas", FORMULAS_TYPE),
        ("language", pa.string()),
        ("language_score", pa.float32()),
        ("languages", LANGUAGES_TYPE),
        ("math_score", pa.float32()),
        ("code_score", pa.float32()),
        ("quality", pa.float32()),
        ("cluster_id", pa.string()),
        ("license", pa.string()),
        ("opt_out", pa.list_(pa.string())),
        ("reject_stage", pa.string()),
        ("reject_reason", pa.string()),
        ("reject_detail", pa.string()),
    ],
    metadata={"warcmill.schema_version": "2"},
)


def to_batch(documents: Iterable[Document]) -> pa.RecordBatch:
    """Documents as one Arrow record batch with SCHEMA."""
    rows = list(documents)
    arrays = [_column(rows, column) for column in SCHEMA]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def _column(rows: list[Document], column: pa.Field) -> pa.Array:
    values = [getattr(row, column.name) for row in rows]
    if not pa.types.is_struct(column.type):
        return pa.array(values, type=column.type)
    children = [pa.array([getattr(value, child.name) for value in values], type=child.type) for child in column.type]
    return pa.StructArray.from_arrays(children, fields=list(column.type))


def from_batch(batch: pa.RecordBatch | pa.Table) -> Iterator[Document]:
    """Documents of an Arrow record batch or table with SCHEMA."""
    columns = [batch.column(f.name).to_pylist() for f in fields(Document)]
    for values in zip(*columns, strict=True):
        yield _document(dict(zip((f.name for f in fields(Document)), values, strict=True)))


def _document(row: dict[str, Any]) -> Document:
    row["blocks"] = Blocks(**row["blocks"])
    row["formulas"] = Formulas(**row["formulas"])
    row["languages"] = Languages(**row["languages"])
    return Document(**row)
