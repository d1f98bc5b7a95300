"""Documents to token shards: tokenize, place each document by a seeded hash, write size-bounded Parquet.

The shuffle is global and needs no coordination: the key of a document is a hash of seed and id, a shard is a range of
keys, and rows in a shard are sorted by key. Any engine with any number of workers gets the same shards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from blends.manifest_types import RowGroup, ShardEntry
from blends.split import TRAIN, VALIDATION, in_split, split_of
from blends.tokenizer import load_tokenizer
from blends.tokenizer_types import Ids, TokenizerHandle, TokenizerIdentity
from pipeline.document import Document
from pipeline.errors import ConservationError, UsageError
from pipeline.io.shards import regroup, write_shard
from pipeline.stage import Counters

IDS_TYPE = pa.list_(pa.field("element", pa.int32()))  # the name Parquet gives to list items
SHARD_SCHEMA = pa.schema(
    [
        ("doc_id", pa.string()),  # 32 hex digits
        ("input_ids", IDS_TYPE),  # EOS last, exactly once
        ("n_tokens", pa.int32()),  # len(input_ids), EOS included
        ("source", pa.string()),
        ("url", pa.string()),
        ("language", pa.string()),
        ("quality", pa.float32()),  # null where no quality model ran
        ("cluster_id", pa.string()),
    ]
)
SHUFFLE_ORDER = ("shuffle_key", "doc_id")
SHUFFLE_HASH = "blake2b-64(seed as 8 bytes little-endian || doc_id as UTF-8), big-endian"
MAX_SEED = 2**53 - 1  # the largest integer that every JSON reader keeps
NO_DICTIONARY = ("doc_id", "input_ids", "url")  # all but unique: a dictionary would only add bytes
TOKENIZE_VERSION = 1  # of what ends up in a shard; raise it when the same document would give another row
ROW_GROUP_ROWS = 4096
ROW_GROUP_TOKENS = 4 << 20
TOKEN_KINDS = ("prose", "code", "math")

_SCHEMA_VERSION = "1"
_BATCH_DOCUMENTS = 1024


@dataclass(frozen=True, slots=True)
class TokenizeConfig:
    """Settings of the last phase; part of the recipe.

    `batch_chars` bounds memory: 60 to 250 bytes per character of a batch or of one longer document, which is encoded
    whole because no cut is exact for every tokenizer; `max_document_chars` bounds that, longer texts are rejected.
    `roundtrip_every`: one document in so many, chosen by its shuffle key, is decoded again and compared.
    `validation_share`: share of clusters held out, in shards of their own; 0 for none. See blends.split.
    """

    tokenizer: str = "deepseek"
    eos_token: str | None = None
    seed: int = 0  # of the shuffle, in [0, MAX_SEED]
    tokens_per_shard: int = 32 << 20
    max_document_chars: int = 4_000_000
    batch_chars: int = 500_000
    roundtrip_every: int = 64
    validation_share: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.seed <= MAX_SEED:
            raise UsageError("shuffle seed out of range", where=f"seed = {self.seed}", expected=f"0 to {MAX_SEED}")
        if not 0 <= self.validation_share < 1:
            where = f"validation_share = {self.validation_share}"
            raise UsageError("share out of range", where=where, expected="0 for no validation split, or less than 1")
        for name in ("tokens_per_shard", "max_document_chars", "batch_chars", "roundtrip_every"):
            if getattr(self, name) < 1:
                raise UsageError("too small", where=f"{name} = {getattr(self, name)}", expected="at least 1")


def shard_schema(identity: TokenizerIdentity) -> pa.Schema:
    """SHARD_SCHEMA with the metadata that ties a shard to its tokenizer."""
    return SHARD_SCHEMA.with_metadata(
        {
            "warcmill.shard_schema_version": _SCHEMA_VERSION,
            "warcmill.tokenizer_sha256": identity.sha256,
            "warcmill.eos_id": str(identity.eos_id),
        }
    )


def keyed_schema(identity: TokenizerIdentity) -> pa.Schema:
    """Schema of tokenize_documents' batches: `shuffle_key` uint64, then the columns of a shard."""
    schema = shard_schema(identity)
    return pa.schema([pa.field("shuffle_key", pa.uint64()), *schema], metadata=schema.metadata)


def shuffle_key(seed: int, doc_id: str) -> int:
    """Place of a document in the global order, uniform in [0, 2^64). See SHUFFLE_HASH."""
    return int.from_bytes(blake2b(seed.to_bytes(8, "little") + doc_id.encode(), digest_size=8).digest(), "big")


def shard_count(total_tokens: int, tokens_per_shard: int) -> int:
    """Number of shards for a corpus: from its size only, never from workers; at least one."""
    return max(1, -(-total_tokens // tokens_per_shard))


def shard_of(key: int, n_shards: int) -> int:
    """Shard of a shuffle key: floor(key * n_shards / 2^64)."""
    return key * n_shards >> 64


def shard_name(index: int, n_shards: int, split: str = TRAIN) -> str:
    """File name of a shard; index counts from 0 in its split."""
    return f"{'shard' if split == TRAIN else split}-{index:05d}-of-{n_shards:05d}.parquet"


def shard_counts(tallies: Mapping[str, int], config: TokenizeConfig) -> dict[str, int]:
    """Number of shards of each split of a corpus with these tallies."""
    tokens = sum(count for name, count in tallies.items() if name.startswith("tokens:"))
    held_out = tallies.get("split:validation:tokens", 0)
    counts = {TRAIN: shard_count(tokens - held_out, config.tokens_per_shard)}
    if config.validation_share:
        counts[VALIDATION] = shard_count(held_out, config.tokens_per_shard)
    return counts


def rows_of_split(rows: Iterable[pa.RecordBatch], split: str, validation_share: float) -> Iterator[pa.RecordBatch]:
    """The token rows that belong to a split, in their order."""
    for batch in rows:
        chosen = batch
        if validation_share:
            mask = in_split(batch.column("cluster_id").to_pylist(), split, validation_share)
            chosen = batch.filter(pa.array(mask))
        if chosen.num_rows:
            yield chosen


def screen_documents(documents: Iterable[Document], *, config: TokenizeConfig) -> Iterator[Document]:
    """Stage before tokenizing: rejects blank texts, and texts that would not fit the worker's memory."""
    for document in documents:
        if document.rejected:
            yield document
        elif not document.text or document.text.isspace():
            yield document.reject("tokenize", "blank")
        elif len(document.text) > config.max_document_chars:
            yield document.reject("tokenize", "too_long")
        else:
            yield document


def tokenize_documents(
    documents: Iterable[Document], *, config: TokenizeConfig, counters: Counters | None = None
) -> Iterator[pa.RecordBatch]:
    """Token rows of documents that passed `screen_documents`, in their order, one row each, with `keyed_schema`.

    Adds to `counters.tallies`: `tokens:math`, `tokens:code`, `tokens:prose`, `tokens:eos` (together all tokens; a token
    belongs to the kind of its last character), `chars`, `utf8_bytes`, `roundtrip:checked`, `roundtrip:mismatch`, and
    with a validation share `split:validation:documents`, `split:validation:tokens`.

    Raises:
        ConservationError: a rejected document was passed in; the engine must divert those.
    """
    handle = load_tokenizer(config.tokenizer, config.eos_token)
    counters = counters if counters is not None else Counters()
    for batch in _bounded(documents, config.batch_chars):
        encoded = handle.encode_batch([document.text for document in batch])
        keys = [shuffle_key(config.seed, document.id) for document in batch]
        for document, ids, key in zip(batch, encoded, keys, strict=True):
            _tally(counters, handle, document, ids)
            if config.validation_share:
                _tally_split(counters, document, ids, config.validation_share)
            if key % config.roundtrip_every == 0:
                _tally_roundtrip(counters, handle, document.text, ids)
        yield _token_rows(batch, encoded, keys, handle.identity)


def _bounded(documents: Iterable[Document], batch_chars: int) -> Iterator[list[Document]]:
    """Runs of documents that end with the one that reaches batch_chars characters.

    Nothing is read ahead: when a batch breaks the worker, the last document read is in it, and the one most likely
    too large is that last one. With batch_chars=1 every document is a batch.
    """
    batch: list[Document] = []
    chars = 0
    for document in documents:
        if document.rejected:
            raise ConservationError(
                f"a rejected document ({document.reject_stage}:{document.reject_reason}) reached the tokenizer",
                where=document.url,
                expected="kept documents only",
            )
        batch.append(document)
        chars += len(document.text)
        if chars >= batch_chars or len(batch) == _BATCH_DOCUMENTS:
            yield batch
            batch, chars = [], 0
    if batch:
        yield batch


def _token_rows(
    batch: list[Document], encoded: list[Ids], keys: list[int], identity: TokenizerIdentity
) -> pa.RecordBatch:
    end = np.array([identity.eos_id], dtype=np.int32)
    lengths = np.array([len(ids) + 1 for ids in encoded], dtype=np.int32)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    values = np.concatenate([part for ids in encoded for part in (ids, end)])
    columns = [
        pa.array(keys, pa.uint64()),
        pa.array([document.id for document in batch], pa.string()),
        pa.ListArray.from_arrays(pa.array(offsets), pa.array(values), type=IDS_TYPE),
        pa.array(lengths),
        pa.array([document.source for document in batch], pa.string()),
        pa.array([document.url for document in batch], pa.string()),
        pa.array([document.language for document in batch], pa.string()),
        pa.array([document.quality for document in batch], pa.float32()),
        pa.array([document.cluster_id or document.id for document in batch], pa.string()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=keyed_schema(identity))


def _tally(counters: Counters, handle: TokenizerHandle, document: Document, ids: Ids) -> None:
    kinds = count_kinds(handle, document, ids)
    for kind, count in zip(TOKEN_KINDS, kinds.tolist(), strict=True):
        counters.tallies[f"tokens:{kind}"] += count
    counters.tallies["tokens:eos"] += 1
    counters.tallies["chars"] += len(document.text)
    counters.tallies["utf8_bytes"] += len(document.text.encode())


def count_kinds(handle: TokenizerHandle, document: Document, ids: Ids) -> npt.NDArray[np.int64]:
    """Tokens of a document in prose, code blocks and formulas (delimiters included), in TOKEN_KINDS order."""
    code = [(b.start, b.end) for b in document.blocks if b.kind == "code"]
    math = list(zip(document.formulas.start, document.formulas.end, strict=True))
    if not code and not math:
        return np.array([len(ids), 0, 0], dtype=np.int64)
    kind_of_character = np.zeros(len(document.text), dtype=np.uint8)
    for kind, spans in enumerate((code, math), start=1):
        for start, end in spans:
            kind_of_character[start:end] = kind
    return np.bincount(kind_of_character[handle.last_characters(document.text, ids)], minlength=len(TOKEN_KINDS))


def _tally_split(counters: Counters, document: Document, ids: Ids, validation_share: float) -> None:
    held_out = split_of(document.cluster_id or document.id, validation_share) == VALIDATION
    counters.tallies["split:validation:documents"] += int(held_out)
    counters.tallies["split:validation:tokens"] += int(held_out) * (len(ids) + 1)


def _tally_roundtrip(counters: Counters, handle: TokenizerHandle, text: str, ids: Ids) -> None:
    counters.tallies["roundtrip:checked"] += 1
    counters.tallies["roundtrip:mismatch"] += int(handle.decode(ids) != text)


def write_token_shard(
    directory: Path,
    index: int,
    n_shards: int,
    rows: Iterable[pa.RecordBatch],
    identity: TokenizerIdentity,
    split: str = TRAIN,
) -> ShardEntry:
    """Write one shard from its rows with `keyed_schema`, sorted by SHUFFLE_ORDER. Memory: one row group plus one batch.

    Row groups close at ROW_GROUP_ROWS rows or ROW_GROUP_TOKENS tokens, whatever the batches; one document may be
    larger. `path` of the entry is relative to `directory`'s parent, i.e. to the run when `directory` is RUN/shards.

    Raises:
        OutputError: the disk is full or the directory cannot be written.
    """
    groups: list[RowGroup] = []
    keys: list[int] = []
    tables = regroup(rows, max_rows=ROW_GROUP_ROWS, max_weight=ROW_GROUP_TOKENS, weigh=_weigh_tokens)
    written = write_shard(
        directory,
        shard_name(index, n_shards, split),
        _noted(tables, groups, keys),
        shard_schema(identity),
        no_dictionary=NO_DICTIONARY,
    )
    return ShardEntry(
        path=f"{directory.name}/{written.path}",
        sha256=written.sha256,
        bytes=written.bytes,
        rows=written.rows,
        tokens=sum(group.tokens for group in groups),
        row_groups=tuple(groups),
        min_key=keys[0] if keys else None,
        max_key=keys[-1] if keys else None,
        split=split,
    )


def _weigh_tokens(batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
    return np.asarray(batch.column("n_tokens").to_numpy(), dtype=np.int64)


def _noted(tables: Iterable[pa.Table], groups: list[RowGroup], keys: list[int]) -> Iterator[pa.Table]:
    """Row groups without the key, noting their sizes and their first and last key on the way."""
    for table in tables:
        groups.append(RowGroup(table.num_rows, pc.sum(table["n_tokens"]).as_py()))
        keys += [table["shuffle_key"][0].as_py(), table["shuffle_key"][-1].as_py()]
        yield table.drop_columns(["shuffle_key"])
