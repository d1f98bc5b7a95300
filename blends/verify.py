"""Re-checks a finished run: every byte, row, token and sum that its manifest promises.

Streams one row group at a time. Duplicates need no table of ids: rows are strictly ordered by (shuffle key, doc_id)
within a shard, and the key is recomputed from the id and must fall into that shard's range, so a second row with the
same id could only stand next to the first.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from blends.manifest import MANIFEST, read_manifest, tokenizer_identity
from blends.manifest_types import ShardEntry
from blends.run_place import place_of
from blends.schema_check import Problem
from blends.shards import IDS_TYPE, SHARD_SCHEMA, shard_of, shard_schema, shuffle_key
from blends.split import in_split
from blends.tokenizer_types import TokenizerIdentity
from pipeline.io.commit import digest
from pipeline.io.shards import file_sha256

_MAX_PROBLEMS_PER_SHARD = 10
_NEVER_NULL = tuple(name for name in SHARD_SCHEMA.names if name != "quality")


@dataclass(frozen=True, slots=True)
class _Expected:
    """What the rows of one shard are held against."""

    shard: ShardEntry
    index: int
    n_shards: int
    seed: int
    tokenizer: TokenizerIdentity
    validation_share: float = 0.0
    removed: frozenset[str] = frozenset()  # ids of its tombstones


def verify_shards(run_dir: Path) -> list[Problem]:
    """Problems of a run's shards and manifest; an empty list means that everything holds.

    Checks: `_SUCCESS` and the manifest's sha256, form (published schema) and sums, conservation over the funnel; no
    file in shards/ that the manifest does not name; per shard size, sha256, schema, rows and tokens per row group, ids
    in the vocabulary, EOS exactly once at the end of each document, order, key range, no doc_id twice, none that was
    taken down, and every cluster in its own split.
    """
    manifest, problems = read_manifest(place_of(run_dir))
    if not manifest:
        return problems
    shards = [ShardEntry.from_json(entry) for entry in manifest["shards"]]
    problems += _check_described(manifest)
    problems += _check_foreign(run_dir, shards)
    for expected in _expected(manifest, shards):
        problems += islice(_check_shard(run_dir, expected), _MAX_PROBLEMS_PER_SHARD)
    return problems


def _expected(manifest: dict[str, Any], shards: Sequence[ShardEntry]) -> Iterator[_Expected]:
    identity, seed = tokenizer_identity(manifest), manifest["shuffle"]["seed"]
    share = manifest.get("splits", {}).get("validation_share", 0.0)
    counts = Counter(shard.split for shard in shards)
    place = Counter[str]()
    removed: dict[str, set[str]] = {}
    for stone in manifest.get("tombstones", ()):
        removed.setdefault(stone["shard"], set()).add(stone["doc_id"])
    for shard in shards:
        gone = frozenset(removed.get(shard.path, ()))
        yield _Expected(shard, place[shard.split], counts[shard.split], seed, identity, share, gone)
        place[shard.split] += 1


def _check_described(manifest: dict[str, Any]) -> Iterator[Problem]:
    schema = shard_schema(tokenizer_identity(manifest))
    columns = [{"name": field.name, "type": str(field.type)} for field in schema]
    metadata = {key.decode(): value.decode() for key, value in schema.metadata.items()}
    for name, expected in (("columns", columns), ("metadata", metadata)):
        if manifest["schema"][name] != expected:
            yield Problem(f"{MANIFEST}/schema/{name}", f"{manifest['schema'][name]}", f"{expected}")
    if not _is_schema(manifest["schema"]["arrow_ipc_base64"], schema):
        yield Problem(f"{MANIFEST}/schema/arrow_ipc_base64", "another schema, or none", _words(schema))
    recipe = manifest["recipe"]
    if recipe["sha256"] != digest(recipe["resolved"]):
        yield Problem(f"{MANIFEST}/recipe/sha256", recipe["sha256"], f"{digest(recipe['resolved'])} of resolved")


def _is_schema(text: str, schema: pa.Schema) -> bool:
    try:
        raw = base64.b64decode(text, validate=True)
        return bool(pa.ipc.read_schema(pa.py_buffer(raw)).equals(schema, check_metadata=True))
    except (ValueError, pa.ArrowException, OSError):
        return False


def _check_foreign(run_dir: Path, shards: Iterable[ShardEntry]) -> Iterator[Problem]:
    named = {shard.path for shard in shards}
    folder = run_dir / "shards"
    found = (path.relative_to(run_dir).as_posix() for path in folder.rglob("*") if path.is_file())
    for path in sorted(set(found) - named):
        yield Problem(path, "foreign file", "only files that the manifest names")


def _check_shard(run_dir: Path, expected: _Expected) -> Iterator[Problem]:
    shard, path = expected.shard, run_dir / expected.shard.path
    if not path.is_file():
        yield Problem(shard.path, "missing", f"{shard.bytes} bytes")
        return
    size, sha256 = path.stat().st_size, file_sha256(path)
    if size != shard.bytes:
        yield Problem(shard.path, f"{size} bytes", f"{shard.bytes} bytes")
    if sha256 != shard.sha256:
        yield Problem(shard.path, f"sha256 {sha256}: the file was altered", f"sha256 {shard.sha256}")
    try:
        with pq.ParquetFile(path) as file:
            yield from _check_footer(file, expected)
            if sha256 == shard.sha256:  # the content of an altered file says nothing that the footer does not
                yield from _check_content(file, expected)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        yield Problem(shard.path, f"not readable as Parquet: {str(error).splitlines()[0]}", "a whole Parquet file")


def _check_footer(file: pq.ParquetFile, expected: _Expected) -> Iterator[Problem]:
    shard, metadata = expected.shard, file.metadata
    schema = shard_schema(expected.tokenizer)
    if not file.schema_arrow.equals(schema, check_metadata=True):
        yield Problem(shard.path, f"schema {_words(file.schema_arrow)}", _words(schema))
    rows = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
    promised = [group.rows for group in shard.row_groups]
    if len(rows) != len(promised):
        yield Problem(shard.path, f"{len(rows)} row groups", f"{len(promised)} row groups")
    elif rows != promised:
        yield Problem(shard.path, f"rows per row group {rows}", f"{promised}")
    if metadata.num_rows != shard.rows:
        yield Problem(shard.path, f"{metadata.num_rows} rows", f"{shard.rows} rows")


def _words(schema: pa.Schema) -> str:
    columns = ", ".join(f"{field.name} {field.type}" for field in schema)
    metadata = {key.decode(): value.decode() for key, value in sorted((schema.metadata or {}).items())}
    return f"{columns}; {metadata}"


def _check_content(file: pq.ParquetFile, expected: _Expected) -> Iterator[Problem]:
    shard = expected.shard
    if file.schema_arrow.names != SHARD_SCHEMA.names or file.num_row_groups != len(shard.row_groups):
        return  # already named
    last: tuple[int, str] | None = None
    first_key: int | None = None
    for number, promised in enumerate(shard.row_groups):
        where = f"{shard.path}/row group {number}"
        group = file.read_row_group(number)
        yield from _check_tokens(group, promised.tokens, where, expected.tokenizer)
        places = [
            (shuffle_key(expected.seed, doc_id), doc_id) for doc_id in group["doc_id"].to_pylist() if doc_id is not None
        ]
        yield from _check_order(places, last, where, expected)
        yield from _check_place(group, where, expected)
        if places:
            first_key = places[0][0] if first_key is None else first_key
            last = places[-1]
    for name, key, promised_key in (
        ("first", first_key, shard.min_key),
        ("last", last and last[0], shard.max_key),
    ):
        if key != promised_key:
            yield Problem(shard.path, f"shuffle key of the {name} row is {key}", f"{promised_key}")


def _check_tokens(group: pa.Table, promised: int, where: str, tokenizer: TokenizerIdentity) -> Iterator[Problem]:
    nulls = [name for name in _NEVER_NULL if group[name].null_count]
    if nulls:
        yield Problem(where, f"nulls in {', '.join(nulls)}", "a value in every row")
        return
    lists = pa.concat_arrays(group["input_ids"].chunks) if group.num_rows else pa.array([], IDS_TYPE)
    if lists.flatten().null_count:
        yield Problem(where, "nulls inside input_ids", "a token id in every place")
        return
    ids, offsets = np.asarray(lists.flatten()), np.asarray(lists.offsets)
    lengths = np.diff(offsets)
    if int(lengths.sum()) != promised:
        yield Problem(where, f"{int(lengths.sum())} tokens", f"{promised} tokens")
    if not np.array_equal(lengths, group["n_tokens"].to_numpy()):
        yield Problem(where, "n_tokens differs from the length of input_ids", "equal numbers in every row")
    if len(ids) and (ids.min() < 0 or ids.max() >= tokenizer.vocab_size):
        yield Problem(where, f"token ids from {ids.min()} to {ids.max()}", f"ids in [0, {tokenizer.vocab_size})")
    ends = np.flatnonzero(ids == tokenizer.eos_id)
    if not np.array_equal(ends, offsets[1:] - offsets[0] - 1):
        where_not = f"EOS {tokenizer.eos_id} {len(ends)} times in {len(lengths)} documents, or not at their ends"
        yield Problem(where, where_not, "EOS once, at the end of each document")


def _check_place(group: pa.Table, where: str, expected: _Expected) -> Iterator[Problem]:
    """No row that was taken down, none of the other split."""
    for doc_id in group["doc_id"].to_pylist() if expected.removed else ():
        if doc_id in expected.removed:
            yield Problem(where, f"doc_id {doc_id} was taken down", "only documents without a tombstone")
    split, share = expected.shard.split, expected.validation_share
    clusters = group["cluster_id"].drop_null().to_pylist() if share else []
    strays = [name for name, mine in zip(clusters, in_split(clusters, split, share), strict=True) if not mine]
    if strays:
        yield Problem(where, f"cluster {strays[0]} belongs to the other split", f"clusters of {split} only")


def _check_order(
    places: list[tuple[int, str]], last: tuple[int, str] | None, where: str, expected: _Expected
) -> Iterator[Problem]:
    for place in places:
        if last is not None and place == last:
            yield Problem(where, f"doc_id {place[1]} twice", "every document once")
        elif last is not None and place < last:
            yield Problem(where, f"doc_id {place[1]} after {last[1]}", "rows in order of (shuffle key, doc_id)")
        if (shard := shard_of(place[0], expected.n_shards)) != expected.index:
            yield Problem(where, f"doc_id {place[1]} belongs to shard {shard}", f"rows of shard {expected.index} only")
        last = place
