"""Reads a source of a blend: its manifest, and how many documents and tokens each of its buckets holds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from blends.blend_config import SourceConfig, Where
from blends.manifest import MANIFEST, open_manifest
from blends.run_place import joined, place_of
from blends.shard_cache import ShardCache
from blends.split import TRAIN
from blends.stream_reader import RunFiles, StreamReader, run_files
from blends.streams import FILTER_COLUMNS, Selection, stream_layout
from blends.tombstones import ancestors
from pipeline.errors import UsageError


def where_json(where: Where) -> dict[str, Any]:
    """The conditions that are set, with bounds as floats and lists sorted."""
    found: dict[str, Any] = {}
    for f in fields(Where):
        value = getattr(where, f.name)
        if isinstance(value, tuple):
            found |= {f.name: sorted(set(value))} if value else {}
        elif value is not None:
            found[f.name] = float(value) if isinstance(value, Fraction) else value
    return found


@dataclass(frozen=True, slots=True)
class SourceRead:
    """A source whose manifest was read: its entry in the plan, and what its streams need."""

    entry: dict[str, Any]
    tokenizer: Mapping[str, Any]
    run: RunFiles
    selection: Selection
    parts: list[dict[str, Any]]  # per bucket: documents, tokens, and where documents are chosen row_group_tokens
    ancestors: Mapping[str, int]

    def since(self, manifest_sha256: str) -> int:
        """Takedowns that had been done when the run had another manifest.

        Raises:
            UsageError: it never had that manifest.
        """
        if manifest_sha256 not in self.ancestors:
            raise UsageError(
                f"a state of manifest {manifest_sha256[:12]}",
                where=self.run.place.url,
                expected="a state of this run or of one that it is a takedown of",
                hint="`warcmill diff A B` says how two runs are related",
            )
        return self.ancestors[manifest_sha256]

    def reader(self, stream: Mapping[str, Any], seed: int) -> StreamReader:
        """The reader of one of the source's streams."""
        layout = stream_layout(self.run.shards, stream.get("row_group_tokens"))
        return StreamReader(self.run, layout, self.selection, stream["bucket"], seed, stream["id"])


def read_source(source: SourceConfig, folder: str | Path, split: str, cache: ShardCache) -> SourceRead:
    """Manifest of a source, and documents and tokens of its buckets.

    Raises:
        VerificationError: it is not a finished, unaltered run.
    """
    if source.data:
        hint = "`warcmill blend` does it; or `warcmill tokenize` first, and name the run as manifest"
        raise UsageError("texts that are not tokenized", where=source.name, expected="a run", hint=hint)
    place = place_of(joined(folder, source.manifest), cache)
    manifest = open_manifest(place)
    selection = Selection(where_json(source.where), [where_json(bucket.where) for bucket in source.buckets])
    run = run_files(place, manifest, split, checksums=False)
    entry = {
        "name": source.name,
        "manifest": source.manifest,
        "manifest_sha256": hashlib.sha256(place.read(MANIFEST) or b"").hexdigest(),
        "where": selection.where,
        "buckets": [{"name": b.name, "where": w} for b, w in zip(source.buckets, selection.buckets, strict=True)],
    }
    if "parent" in manifest:
        entry["origin_sha256"] = manifest["parent"]["origin_sha256"]
    if split != TRAIN:
        entry["split"] = split
    return SourceRead(entry, manifest["tokenizer"], run, selection, _parts(run, selection), ancestors(manifest))


def _parts(run: RunFiles, selection: Selection) -> list[dict[str, Any]]:
    if selection.takes_all:
        return [{"documents": sum(s.rows for s in run.shards), "tokens": sum(s.tokens for s in run.shards)}]
    return _count(run, selection)


def _count(run: RunFiles, selection: Selection) -> list[dict[str, Any]]:
    """Documents and tokens of each bucket, tokens also per row group. Reads the small columns of every shard."""
    buckets = range(len(selection.buckets) + 1)
    documents, tokens = [0 for _ in buckets], [[] for _ in buckets]  # type: list[int], list[list[int]]
    for place, shard in enumerate(run.shards):
        for number in range(len(shard.row_groups)):
            rows = run.rows(place, number, FILTER_COLUMNS)
            bucket, lengths = selection.assign(rows), rows["n_tokens"].to_numpy().astype(np.int64)
            for index in buckets:
                documents[index] += int((bucket == index).sum())
                tokens[index].append(int(lengths[bucket == index].sum()))
    return [
        {"documents": documents[index], "tokens": sum(tokens[index]), "row_group_tokens": tokens[index]}
        for index in buckets
    ]
