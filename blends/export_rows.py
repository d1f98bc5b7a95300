"""Exports whose rows are documents or samples: JSON lines, and MosaicML's MDS.

An MDS file (streaming/base/format/mds, version 2), little-endian:
    u32 samples | u32 offset of each sample, and the end | the settings as JSON | samples
A sample is the u32 sizes of its columns of variable size, then the columns, in the order of their names. An int is
i64, a str is UTF-8, an `ndarray:int32` says its shape first: u8 (dimensions << 2 | log2 of the bytes per dimension).
index.json names the files of one dataset.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa

from blends.export_files import new_file
from pipeline.io.commit import canonical_json, write_atomic
from pipeline.io.shards import ShardFile

_MDS_BYTES = 1 << 26  # of one file, as streaming's own writer
_TOKENS = "ndarray:int32"
_DOCUMENT = {"doc_id": "str", "language": "str", "source": "str", "tokens": _TOKENS, "url": "str"}
_SAMPLE = {"sample": "int", "stream": "str", "tokens": _TOKENS}


def write_jsonl(output: Path, stem: str, tables: Iterable[pa.Table]) -> list[ShardFile]:
    """STEM.jsonl with one row a line, in order, every column under its name."""
    with new_file(output, f"{stem}.jsonl") as file:
        for table in tables:
            for row in table.to_pylist():
                file.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n", rows=1)
    return [file.written]


def write_mds(output: Path, stem: str, tables: Iterable[pa.Table]) -> list[ShardFile]:
    """STEM.00000.mds and so on, each at most _MDS_BYTES or one sample. Memory: one file and one table."""
    files, pending, size = list[ShardFile](), list[bytes](), 0
    columns = _SAMPLE
    for table in tables:
        columns = _columns(table.schema)
        for sample in _encoded(table, columns):
            if pending and size + len(sample) + 4 > _MDS_BYTES:
                files.append(_write_file(output, f"{stem}.{len(files):05d}.mds", pending, columns))
                pending, size = [], 0
            pending.append(sample)
            size += len(sample) + 4
    if pending:
        files.append(_write_file(output, f"{stem}.{len(files):05d}.mds", pending, columns))
    return files


def _columns(schema: pa.Schema) -> dict[str, str]:
    return _DOCUMENT if "doc_id" in schema.names else _SAMPLE


def _encoded(table: pa.Table, columns: Mapping[str, str]) -> Iterator[bytes]:
    values = [table["input_ids" if name == "tokens" else name] for name in columns]
    for row in zip(*values, strict=True):
        parts = [_ENCODE[encoding](value) for encoding, value in zip(columns.values(), row, strict=True)]
        sizes = [len(part) for part, encoding in zip(parts, columns.values(), strict=True) if encoding != "int"]
        yield struct.pack(f"<{len(sizes)}I", *sizes) + b"".join(parts)


def _encode_tokens(value: pa.Scalar) -> bytes:
    ids = np.asarray(value.values).astype("<i4")
    width = 0 if len(ids) < 1 << 8 else 1 if len(ids) < 1 << 16 else 2
    return bytes([1 << 2 | width]) + len(ids).to_bytes(1 << width, "little") + ids.tobytes()


_ENCODE: dict[str, Callable[[Any], bytes]] = {
    "int": lambda value: struct.pack("<q", value.as_py()),
    "str": lambda value: str(value.as_py()).encode(),
    _TOKENS: _encode_tokens,
}


def _settings(columns: Mapping[str, str]) -> dict[str, Any]:
    return {
        "version": 2,
        "format": "mds",
        "compression": None,
        "hashes": ["sha256"],
        "size_limit": _MDS_BYTES,
        "column_names": list(columns),
        "column_encodings": list(columns.values()),
        "column_sizes": [8 if encoding == "int" else None for encoding in columns.values()],
    }


def _write_file(output: Path, name: str, samples: Sequence[bytes], columns: Mapping[str, str]) -> ShardFile:
    settings = json.dumps(_settings(columns), sort_keys=True).encode()
    begin = 4 + 4 * (len(samples) + 1) + len(settings)
    ends = begin + np.cumsum([0, *map(len, samples)], dtype=np.int64)
    with new_file(output, name) as file:
        file.write(struct.pack("<I", len(samples)) + ends.astype("<u4").tobytes() + settings, rows=len(samples))
        for sample in samples:
            file.write(sample)
    return file.written


def write_mds_index(output: Path, files: Sequence[ShardFile], *, documents: bool) -> None:
    """index.json beside the files it names: one for a run, one for each phase of a plan."""
    folders = sorted({PurePosixPath(file.path).parent for file in files})
    for folder in folders or [PurePosixPath()]:
        own = [file for file in files if PurePosixPath(file.path).parent == folder]
        shards = [_index_entry(file, _DOCUMENT if documents else _SAMPLE) for file in own]
        write_atomic(output / (folder / "index.json").as_posix(), canonical_json({"version": 2, "shards": shards}))


def _index_entry(file: ShardFile, columns: Mapping[str, str]) -> dict[str, Any]:
    raw = {"basename": PurePosixPath(file.path).name, "bytes": file.bytes, "hashes": {"sha256": file.sha256}}
    return {**_settings(columns), "samples": file.rows, "raw_data": raw, "zip_data": None}
