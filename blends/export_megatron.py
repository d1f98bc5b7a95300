"""Megatron-LM's indexed dataset: PREFIX.bin holds the ids one after another, PREFIX.idx says where documents are.

Format (megatron/core/datasets/indexed_dataset.py, version 1), little-endian:
    "MMIDIDX\\0\\0" | u64 version 1 | u8 dtype code | u64 sequences | u64 documents + 1
    i32 length of each sequence | i64 byte offset of each sequence | i64 first sequence of each document, and the end
Here a document is one sequence, its EOS included, as Megatron's own preprocessing with --append-eod makes them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from blends.export_files import NewFile, new_file
from blends.split import TRAIN, VALIDATION
from blends.stream_reader import StreamReader
from blends.streams import Documents, Int64s
from pipeline.io.commit import canonical_json
from pipeline.io.shards import ShardFile

_UINT16_BELOW = 65500  # Megatron's own limit for two bytes a token
_CODES = {np.dtype(np.int32): 4, np.dtype(np.uint16): 8}
_CHUNK = 1 << 20


def prefix_of(stream: str, split: str = TRAIN) -> str:
    """File name of a stream without extension: SOURCE, SOURCE--BUCKET, SOURCE--validation."""
    return stream.replace("/", "--") + ("" if split == TRAIN else f"--{split}")


def stream_documents(stream: StreamReader) -> Iterator[Documents]:
    """Every document of a stream once, in manifest order, a row group at a time."""
    for shard, number in zip(stream.layout.shard.tolist(), stream.layout.group.tolist(), strict=True):
        yield stream.run.group(shard, number, stream.selection, stream.bucket).documents


def write_indexed(
    directory: Path, prefix: str, groups: Iterable[Documents], vocab_size: int
) -> tuple[ShardFile, ShardFile]:
    """PREFIX.bin and PREFIX.idx. Memory: one row group, and 4 bytes per document."""
    dtype = np.dtype(np.uint16 if vocab_size < _UINT16_BELOW else np.int32)
    lengths = [np.zeros(0, np.int32)]
    with new_file(directory, f"{prefix}.bin") as ids:
        for group in groups:
            sizes = np.diff(group.ends, prepend=0).astype(np.int32)
            ids.write(group.ids.astype(dtype.newbyteorder("<"), copy=False).tobytes(), rows=len(sizes))
            lengths.append(sizes)
    with new_file(directory, f"{prefix}.idx") as index:
        _write_index(index, np.concatenate(lengths), dtype)
    return ids.written, index.written


def _write_index(index: NewFile, lengths: np.ndarray[Any, np.dtype[np.int32]], dtype: np.dtype[Any]) -> None:
    count = len(lengths)
    index.write(b"MMIDIDX\x00\x00" + struct.pack("<QBQQ", 1, _CODES[dtype], count, count + 1), rows=count)
    index.write(lengths.astype("<i4").tobytes())
    begin = 0
    for start in range(0, count, _CHUNK):
        ends: Int64s = begin + np.cumsum(lengths[start : start + _CHUNK], dtype=np.int64) * dtype.itemsize
        index.write(np.concatenate([[begin], ends[:-1]]).astype("<i8").tobytes())
        begin = int(ends[-1])
    for start in range(0, count + 1, _CHUNK):
        index.write(np.arange(start, min(start + _CHUNK, count + 1), dtype="<i8").tobytes())


def blend_files(plan: Mapping[str, Any], folder: Path, held_out: Sequence[Mapping[str, Any]] = ()) -> dict[str, bytes]:
    """Files by name that tell Megatron what to mix in each phase; paths start with `folder` as it is given.

    Per phase NN-NAME.txt for --data-args-path and NN-NAME.json for --per-split-data-args-path (validation: all that the
    sources hold out, by tokens), and phases.json with what else each phase needs: --seq-length and --train-samples.
    Weights are shares of samples. An odd list would be read as prefixes without weights; pairs are never odd.
    """
    files, phases = dict[str, bytes](), []
    valid = [word for plan in held_out for word in _pairs(plan["phases"][0], folder, VALIDATION)] or None
    for number, phase in enumerate(plan["phases"], 1):
        name = f"{number:02d}-{phase['name']}"
        files |= _data_args(name, _pairs(phase, folder), valid)
        facts = {"name": phase["name"], "data_args_path": f"{name}.txt", "per_split_data_args_path": f"{name}.json"}
        phases.append(facts | {"seq_length": phase["sequence_length"], "train_samples": phase["samples"]})
    return files | {"phases.json": canonical_json(phases)}


def run_files_of(folder: Path, plans: Sequence[Mapping[str, Any]]) -> dict[str, bytes]:
    """The same for a run on its own: run.txt and run.json."""
    train, *held_out = plans
    valid = [word for plan in held_out for word in _pairs(plan["phases"][0], folder, VALIDATION)] or None
    return _data_args("run", ["1.0", str(folder / prefix_of(train["streams"][0]["name"]))], valid)


def _pairs(phase: Mapping[str, Any], folder: Path, split: str = TRAIN) -> list[str]:
    """Weight, prefix, weight, prefix, …"""
    return [
        word
        for stream in phase["streams"]
        for word in (repr(stream["samples"] / phase["samples"]), str(folder / prefix_of(stream["name"], split)))
    ]


def _data_args(name: str, pairs: list[str], valid: list[str] | None) -> dict[str, bytes]:
    lines = (f"{weight} {prefix}\n" for weight, prefix in zip(pairs[::2], pairs[1::2], strict=True))
    split = canonical_json({"train": pairs, "valid": valid, "test": None})
    return {f"{name}.txt": "".join(lines).encode(), f"{name}.json": split}
