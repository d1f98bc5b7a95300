"""Plain iteration over the shards of a finished run, in their global order. No torch and no packing here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from blends.manifest import load_manifest
from blends.manifest_types import ShardEntry
from pipeline.errors import VerificationError
from pipeline.io.shards import file_sha256


def read_documents(
    path: str | Path, *, columns: Sequence[str] | None = None, checksums: bool = False
) -> Iterator[dict[str, Any]]:
    """Rows of a run in order, as dicts with the columns of `blends.shards.SHARD_SCHEMA`.

    Opens only files that the manifest names. Memory: one row group (at most 4,096 rows or about 4 M tokens).

    Args:
        path: a run's folder or its manifest.json.
        columns: the columns wanted, None for all; leaving out input_ids makes a pass over the other columns cheap.
        checksums: compare each shard's sha256 before its first row.

    Raises:
        VerificationError: unfinished run, altered manifest, or a shard that is missing, torn or altered.
    """
    for batch in read_batches(path, columns=columns, checksums=checksums):
        yield from batch.to_pylist()


def read_batches(
    path: str | Path, *, columns: Sequence[str] | None = None, checksums: bool = False
) -> Iterator[pa.RecordBatch]:
    """The same rows as Arrow record batches; arguments and errors as for read_documents."""
    manifest, run = load_manifest(Path(path))
    for shard in map(ShardEntry.from_json, manifest["shards"]):
        _check(run / shard.path, shard, checksums)
        yield from _batches(run / shard.path, shard, columns)


def _check(path: Path, shard: ShardEntry, checksums: bool) -> None:
    size = path.stat().st_size if path.is_file() else None
    if size != shard.bytes:
        raise _altered(path, "missing" if size is None else f"{size} bytes", f"{shard.bytes} bytes")
    if checksums and (sha256 := file_sha256(path)) != shard.sha256:
        raise _altered(path, f"sha256 {sha256}", f"sha256 {shard.sha256}")


def _batches(path: Path, shard: ShardEntry, columns: Sequence[str] | None) -> Iterator[pa.RecordBatch]:
    try:
        with pq.ParquetFile(path) as file:
            rows = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
            if rows != [group.rows for group in shard.row_groups]:
                raise _altered(path, f"rows per row group {rows}", f"{[group.rows for group in shard.row_groups]}")
            for number in range(file.num_row_groups):
                yield from file.read_row_group(number, columns=columns and list(columns)).to_batches()
    except (pa.ArrowException, OSError) as error:
        raise _altered(path, f"not readable: {str(error).splitlines()[0]}", "a whole Parquet file") from error


def _altered(path: Path, what: str, expected: str) -> VerificationError:
    hint = "`warcmill verify RUN` lists every problem; remove the shard's run and run it again, or copy it again"
    return VerificationError(what, where=str(path), expected=expected, hint=hint)
