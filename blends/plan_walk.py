"""From a plan to samples: which stream and position each sample is, and the readers of those streams."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from blends.manifest import MANIFEST, SUCCESS, open_manifest
from blends.plan import Cursors
from blends.run_place import joined, place_of
from blends.schedule import interleaved, taken_before
from blends.shard_cache import ShardCache
from blends.split import TRAIN
from blends.stream_reader import RunFiles, StreamReader, run_files
from blends.streams import Selection, stream_layout
from pipeline.errors import VerificationError

Plan = Mapping[str, Any]


def walk(plan: Plan, epoch: int, start: int) -> Iterator[tuple[str, int, int]]:
    """Samples from number `start` on: name of the stream, position in it in tokens, length in tokens."""
    used = _used_before(plan, epoch, 0)
    for phase in plan["phases"]:
        names, samples = _mix(phase)
        length, skipped = phase["sequence_length"], min(start, phase["samples"])
        taken = taken_before(samples, skipped)
        start -= skipped
        for name, count in zip(names, taken, strict=True):
            used[name] += count * length
        for stream in interleaved(samples, taken):
            yield names[stream], used[names[stream]], length
            used[names[stream]] += length


def _mix(phase: Mapping[str, Any]) -> tuple[list[str], list[int]]:
    return [entry["name"] for entry in phase["streams"]], [entry["samples"] for entry in phase["streams"]]


def _used_before(plan: Plan, epoch: int, sample: int) -> Counter[str]:
    """Tokens of each stream used before a sample of an epoch, by name of the stream."""
    used = Counter({s["name"]: plan["start"].get(s["id"], {"tokens": 0})["tokens"] for s in plan["streams"]})
    for phase in plan["phases"]:
        names, samples = _mix(phase)
        taken = taken_before(samples, min(sample, phase["samples"]))
        sample -= min(sample, phase["samples"])
        for name, whole, part in zip(names, samples, taken, strict=True):
            used[name] += (epoch * whole + part) * phase["sequence_length"]
    return used


def cursors_at(plan: Plan, epoch: int, sample: int) -> Cursors:
    """Tokens used of every stream before a sample, those included that only an earlier plan used."""
    used = _used_before(plan, epoch, sample)
    start = Cursors.from_json(plan["start"])
    return Cursors(
        {**start.tokens, **{stream["id"]: used[stream["name"]] for stream in plan["streams"]}},
        {**start.manifests, **{stream["id"]: stream["manifest_sha256"] for stream in plan["streams"]}},
    )


def open_streams(plan: Plan, folder: str | Path, cache: ShardCache, *, checksums: bool) -> dict[str, StreamReader]:
    """Readers of the plan's streams by name; `folder` is what relative paths of the plan start from.

    Raises:
        VerificationError: a run is unfinished, altered, or not the one the plan was made from.
    """
    streams: dict[str, StreamReader] = {}
    for source in plan["sources"]:
        run = open_source_run(source, folder, cache, checksums=checksums)
        selection = Selection(source["where"], [bucket["where"] for bucket in source["buckets"]])
        for stream in plan["streams"]:
            if stream["source"] == source["name"]:
                layout = stream_layout(run.shards, stream.get("row_group_tokens"))
                reader = StreamReader(run, layout, selection, stream["bucket"], plan["seed"], stream["id"])
                streams[stream["name"]] = reader
    return streams


def open_source_run(source: Mapping[str, Any], folder: str | Path, cache: ShardCache, *, checksums: bool) -> RunFiles:
    """The shards of one source of a plan."""
    place = place_of(joined(folder, source["manifest"]), cache)
    raw = place.read(MANIFEST)
    if raw is None or place.read(SUCCESS) is None:
        open_manifest(place)  # says what is missing
    found = hashlib.sha256(raw or b"").hexdigest()
    if found != source["manifest_sha256"]:
        open_manifest(place)  # says so where the run is unfinished or torn
        raise VerificationError(
            f"another run: manifest {found}",
            where=place.url,
            expected=f"manifest {source['manifest_sha256']}, which the plan was compiled from",
            hint="put the run back, or compile the blend again",
        )
    # its form was checked when the plan was compiled, and it is the same file
    return run_files(place, json.loads(raw or b""), source.get("split", TRAIN), checksums=checksums)
