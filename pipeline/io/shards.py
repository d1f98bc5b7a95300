"""The one way Parquet is written: same rows in the same order, same bytes, on every engine.

A shard is written to a temporary name, closed, fsynced, its footer checked, and renamed; for an object store the
temporary name is local scratch space, and the whole file is one upload. Row groups are cut by rows and by weight
(bytes, tokens), never where an engine's batches happen to end.
"""

from __future__ import annotations

import errno
import hashlib
import os
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import OutputError, VerificationError
from pipeline.io import scratch
from pipeline.io.storage import StorePath, put_file

PASSING: Any = {"level": 1, "no_dictionary": ("id", "text", "url")}  # for what is read a few times and forgotten
ROW_GROUP_ROWS = 1024
ROW_GROUP_BYTES = 16 << 20
REDO = "remove that phase's folder and the later ones, then run the same command again"
Weigh = Callable[[pa.RecordBatch], np.ndarray]  # one non-negative weight per row


@dataclass(frozen=True, slots=True)
class ShardFile:
    """A written Parquet file: name relative to its phase or run, digest, size, rows per row group."""

    path: str
    sha256: str
    bytes: int
    rows: int
    row_groups: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"row_groups": list(self.row_groups)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> ShardFile:
        return cls(data["path"], data["sha256"], data["bytes"], data["rows"], tuple(data["row_groups"]))


@dataclass(slots=True)
class _HashingFile:
    """The little of a file object that pyarrow's writer needs, hashing what passes through."""

    raw: IO[bytes]
    digest: Any
    closed: bool = False

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self.raw.write(data)

    def tell(self) -> int:
        return self.raw.tell()

    def flush(self) -> None:
        self.raw.flush()

    def close(self) -> None:
        self.closed = True

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False


class ShardWriter:
    """Writes one Parquet file, a row group per `write`. Nothing appears under the final name before `close`.

    Args:
        directory: where the file goes; `_tmp` in it holds the unfinished file, unless it is in an object store.
        name: final name; `{sha}` in it is replaced by the first 12 hex digits of the content's sha256.
        schema: of every table written.
        no_dictionary: columns to store without dictionary encoding, e.g. token ids.
        level: of zstd.
    """

    def __init__(
        self, directory: Path, name: str, schema: pa.Schema, *, no_dictionary: Sequence[str] = (), level: int = 3
    ) -> None:
        self._directory, self._name, self._schema = directory, name, schema
        self._temporary = _temporary_in(directory)
        self._digest, self._sizes = hashlib.sha256(), list[int]()
        self._raw = self._temporary.open("wb")
        self._writer = pq.ParquetWriter(
            pa.PythonFile(_HashingFile(self._raw, self._digest), mode="w"),
            schema,
            compression="zstd",
            compression_level=level,
            use_dictionary=[column for column in schema.names if column not in no_dictionary],
        )

    def write(self, table: pa.Table) -> None:
        self._writer.write_table(table.combine_chunks(), row_group_size=max(table.num_rows, 1))
        self._sizes.append(table.num_rows)

    def close(self) -> ShardFile:
        """Finish, check and rename the file."""
        self._writer.close()
        self._raw.flush()
        os.fsync(self._raw.fileno())
        self._raw.close()
        _check_footer(self._temporary, self._sizes)
        size, sha256 = self._temporary.stat().st_size, self._digest.hexdigest()
        final = self._directory / self._name.replace("{sha}", sha256[:12])
        if isinstance(final, StorePath):
            put_file(self._temporary, final)
            self._temporary.unlink()
        else:
            self._temporary.replace(final)
        return ShardFile(final.name, sha256, size, sum(self._sizes), tuple(self._sizes))

    def abandon(self) -> None:
        """Remove the unfinished file; does nothing after `close`."""
        if not self._raw.closed:
            with suppress(OSError):  # a footer nobody reads; without it pyarrow complains when it is collected
                self._writer.close()
            self._raw.close()
        self._temporary.unlink(missing_ok=True)


def _temporary_in(directory: Path) -> Path:
    if isinstance(directory, StorePath):
        return scratch.new_file()
    folder = directory / "_tmp"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{uuid.uuid4().hex}.parquet"


def write_shard(
    directory: Path,
    name: str,
    row_groups: Iterable[pa.Table],
    schema: pa.Schema,
    *,
    no_dictionary: Sequence[str] = (),
    level: int = 3,
) -> ShardFile:
    """Write one Parquet file; each table of `row_groups` (see `regroup`) becomes one row group.

    Raises:
        OutputError: the disk is full or the directory cannot be written.
    """
    with writing(directory / name):
        writer = ShardWriter(directory, name, schema, no_dictionary=no_dictionary, level=level)
        try:
            for table in row_groups:
                writer.write(table)
            return writer.close()
        finally:
            writer.abandon()


def _check_footer(path: Path, sizes: list[int]) -> None:
    metadata = pq.read_metadata(path)
    written = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
    if written != sizes:
        raise VerificationError(f"row groups read back as {written}", where=str(path), expected=str(sizes))


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the OS errors of writing to `path` into an OutputError."""
    try:
        yield
    except OSError as error:
        hint = "free some space and run the same command again: it resumes" if error.errno == errno.ENOSPC else ""
        if hint and isinstance(path, StorePath):
            hint = f"on its way there it needs local space, TMPDIR says where; {hint}"
        what = f"cannot write: {error.strerror or error}"
        raise OutputError(what, where=str(path), expected="a writable place with room", hint=hint) from error


def regroup(
    batches: Iterable[pa.RecordBatch],
    *,
    max_rows: int = ROW_GROUP_ROWS,
    max_weight: int = ROW_GROUP_BYTES,
    weigh: Weigh | None = None,
) -> Iterator[pa.Table]:
    """Cut a stream of batches into row groups that depend on the rows only, not on the batches.

    A group closes when it holds `max_rows` rows or when the next row would take it above `max_weight`. A single row
    may weigh more. Memory: one group plus one batch.
    """
    pending: list[pa.RecordBatch] = []
    rows, weight = 0, 0
    for batch in batches:
        before = np.concatenate([[0], np.cumsum((weigh or row_bytes)(batch))])  # weight of the rows before each
        begin = 0
        while begin < batch.num_rows:
            fit = int(np.searchsorted(before, before[begin] + max_weight - weight, side="right")) - 1 - begin
            taken = min(max(fit, not rows), max_rows - rows, batch.num_rows - begin)
            pending.append(batch.slice(begin, taken))
            rows, weight = rows + taken, weight + int(before[begin + taken] - before[begin])
            begin += taken
            if begin < batch.num_rows:
                yield pa.Table.from_batches(pending).combine_chunks()
                pending, rows, weight = [], 0, 0
    if rows:
        yield pa.Table.from_batches(pending).combine_chunks()


def row_bytes(batch: pa.RecordBatch) -> np.ndarray:
    """Bytes per row of the variable-length top-level columns (strings, lists count their values), shape (rows,)."""
    total = np.full(batch.num_rows, 64, dtype=np.int64)
    for column in batch.columns:
        if pa.types.is_string(column.type) or pa.types.is_binary(column.type):
            total += np.asarray(pa.compute.binary_length(column).fill_null(0), dtype=np.int64)
        elif pa.types.is_list(column.type):
            total += 4 * np.asarray(pa.compute.list_value_length(column).fill_null(0), dtype=np.int64)
    return total


def read_shard(
    directory: Path, shard: ShardFile, columns: list[str] | None = None, *, check: bool = True
) -> Iterator[pa.RecordBatch]:
    """Batches of one committed Parquet file, one row group at a time.

    Raises:
        VerificationError: the file is missing, torn or altered since it was committed.
    """
    path = directory / shard.path
    if check:
        check_shard(path, shard)
    with pq.ParquetFile(path) as file:
        for i in range(file.num_row_groups):
            yield from file.read_row_group(i, columns=columns).to_batches()


def check_shard(path: Path, shard: ShardFile) -> None:
    """Compare a file with what its commit says.

    Raises:
        VerificationError: it is missing, or its size or sha256 differ.
    """
    if not path.exists():
        raise VerificationError("missing", where=str(path), expected=f"{shard.bytes} bytes", hint=REDO)
    if (size := path.stat().st_size) != shard.bytes:
        raise VerificationError(f"{size} bytes", where=str(path), expected=f"{shard.bytes} bytes", hint=REDO)
    if (found := file_sha256(path)) != shard.sha256:
        raise VerificationError(f"sha256 {found}", where=str(path), expected=f"sha256 {shard.sha256}", hint=REDO)


def file_sha256(path: Path) -> str:
    """sha256 of a file, hex; an object is fetched for that, and the copy kept for its reader."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
