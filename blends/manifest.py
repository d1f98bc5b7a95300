"""The run manifest: the one file a training job reads to know what the shards are, where they came from, what was lost.

A pure function of values: no time, host, engine, worker count or absolute path; equal runs have equal manifests.
`blends/schema/manifest.schema.json` is its published schema, docs/manifest.md explains the fields.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa

from blends.manifest_types import ManifestInput, NamedFile, PhaseEntry, ShardEntry
from blends.run_place import RunPlace, place_of
from blends.schema_check import Problem, check_against
from blends.shards import SHUFFLE_HASH, shard_name, shard_schema
from blends.split import SPLIT_HASH, SPLITS, TRAIN
from blends.tokenizer_types import TokenizerIdentity
from blends.tombstones import check_takedowns
from pipeline.errors import ConservationError, VerificationError
from pipeline.io.storage import location

FORMAT = "warcmill-manifest"
VERSION = 1
MANIFEST = "manifest.json"
SUCCESS = "_SUCCESS"


def build_manifest(parts: ManifestInput) -> dict[str, Any]:
    """The manifest as a JSON object. Same parts, same object; write it with pipeline.io.commit.canonical_json.

    Raises:
        ConservationError: rows of a phase, between phases, or between the last phase and the shards do not add up.
    """
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "shards": [shard.to_json() for shard in parts.shards],
        "tokenizer": parts.tokenizer.to_json(),
        "shuffle": {"seed": parts.seed, "hash": SHUFFLE_HASH, "tokens_per_shard": parts.tokens_per_shard},
        "schema": _schema_json(shard_schema(parts.tokenizer)),
        "recipe": {
            "name": parts.recipe.name,
            "sha256": parts.recipe.sha256,
            "resolved": dict(parts.recipe.resolved),
        },
        "inputs": _named_files(parts.inputs),
        "lineage": {
            "phases": [{"name": phase.name, "manifest_sha256": phase.manifest_sha256} for phase in parts.phases],
            "models": _named_files(parts.models),
        },
        "funnel": [{"phase": phase.name, **phase.counters.to_json()} for phase in parts.phases],
        "drops": drop_ledger(parts.phases),
        "totals": totals(parts.shards, parts.phases),
        "software": dict(sorted(parts.software.items())),
    }
    if parts.validation_share:
        manifest["splits"] = splits(parts.shards, parts.validation_share)
    problems = check_sums(manifest)
    if problems:
        first = problems[0]
        raise ConservationError(first.what, where=first.where, expected=first.expected)
    return manifest


def _named_files(named: Iterable[NamedFile]) -> list[dict[str, Any]]:
    rows = sorted((file.name, file.sha256, file.bytes) for file in named)
    return [{"name": name, "sha256": sha256, "bytes": size} for name, sha256, size in rows]


def _schema_json(schema: pa.Schema) -> dict[str, Any]:
    return {
        "columns": [{"name": field.name, "type": str(field.type)} for field in schema],
        "metadata": {key.decode(): value.decode() for key, value in sorted((schema.metadata or {}).items())},
        "arrow_ipc_base64": base64.b64encode(schema.serialize().to_pybytes()).decode("ascii"),
    }


def drop_ledger(phases: Sequence[PhaseEntry]) -> list[dict[str, Any]]:
    """Rows lost, one entry per phase, stage and reason; phases in order, reasons sorted."""
    return [
        {"phase": phase.name, "stage": stage, "reason": reason, "rows": rows}
        for phase in phases
        for (stage, reason), rows in sorted(_by_reason(phase).items())
    ]


def _by_reason(phase: PhaseEntry) -> dict[tuple[str, str], int]:
    ledger = {(key.partition(":")[0], key.partition(":")[2]): rows for key, rows in phase.counters.rejected.items()}
    if phase.counters.failed:
        ledger["", "failed"] = phase.counters.failed
    return ledger


def totals(shards: Sequence[ShardEntry], phases: Sequence[PhaseEntry]) -> dict[str, Any]:
    """Sums over shards, and tokens by kind from the tallies of blends.shards.tokenize_documents."""
    tallies = sum((phase.counters.tallies for phase in phases), Counter[str]())
    return {
        "shards": len(shards),
        "bytes": sum(shard.bytes for shard in shards),
        "documents": sum(shard.rows for shard in shards),
        "tokens": sum(shard.tokens for shard in shards),
        "tokens_by_kind": {kind: tallies[f"tokens:{kind}"] for kind in ("code", "eos", "math", "prose")},
        "rows_in": phases[0].counters.rows_in if phases else 0,
        "rows_dropped": sum(phase.counters.rejected.total() + phase.counters.failed for phase in phases),
    }


def splits(shards: Sequence[ShardEntry], validation_share: float) -> dict[str, Any]:
    """How documents were held out, and how many."""
    sums: dict[str, Any] = {}
    for split in SPLITS:
        own = [shard for shard in shards if shard.split == split]
        sums[split] = {"documents": sum(shard.rows for shard in own), "tokens": sum(shard.tokens for shard in own)}
    return {"validation_share": validation_share, "hash": SPLIT_HASH, **sums}


def check_sums(manifest: dict[str, Any]) -> list[Problem]:
    """Problems with the sums of a manifest of valid form: conservation, totals, row groups, drop ledger."""
    problems = [*_check_funnel(manifest), *_check_totals(manifest), *_check_row_groups(manifest["shards"])]
    return problems + _check_splits(manifest) + check_takedowns(manifest)


def _equal(where: str, name: str, found: object, expected: object) -> list[Problem]:
    return [] if found == expected else [Problem(where, f"{name} is {found}", f"{expected}")]


def _check_funnel(manifest: dict[str, Any]) -> list[Problem]:
    funnel, problems = manifest["funnel"], []
    for phase in funnel:
        fates = phase["rows_out"] + sum(phase["rejected"].values()) + phase["failed"]
        problems += _equal(f"funnel/{phase['phase']}", "rows_out + rejected + failed", fates, phase["rows_in"])
    for before, after in pairwise(funnel):
        problems += _equal(f"funnel/{after['phase']}", "rows_in", after["rows_in"], before["rows_out"])
    names = [phase["name"] for phase in manifest["lineage"]["phases"]]
    problems += _equal("lineage/phases", "the list of phases", names, [phase["phase"] for phase in funnel])
    ledger = Counter[tuple[str, str]]()
    for drop in manifest["drops"]:
        key = f"{drop['stage']}:{drop['reason']}" if drop["stage"] else drop["reason"]
        ledger[drop["phase"], key] += drop["rows"]
    return problems + _equal("drops", "the drop ledger", sorted(ledger.items()), sorted(_lost(funnel).items()))


def _lost(funnel: list[dict[str, Any]]) -> dict[tuple[str, str], int]:
    lost = {(phase["phase"], key): rows for phase in funnel for key, rows in phase["rejected"].items()}
    return lost | {(phase["phase"], "failed"): phase["failed"] for phase in funnel if phase["failed"]}


def _check_totals(manifest: dict[str, Any]) -> list[Problem]:
    shards, funnel, total = manifest["shards"], manifest["funnel"], manifest["totals"]
    problems = _equal("totals", "shards", total["shards"], len(shards))
    for name, column in (("documents", "rows"), ("tokens", "tokens"), ("bytes", "bytes")):
        problems += _equal("totals", name, total[name], sum(shard[column] for shard in shards))
    removed = total.get("removed", {"documents": 0, "tokens": 0})  # kinds are those of the run before any takedown
    by_kind = total["tokens_by_kind"]
    problems += _equal("totals", "tokens_by_kind", sum(by_kind.values()), total["tokens"] + removed["tokens"])
    problems += _equal("totals", "tokens_by_kind/eos", by_kind["eos"], total["documents"] + removed["documents"])
    problems += _equal("totals", "rows_in", total["rows_in"], funnel[0]["rows_in"] if funnel else 0)
    problems += _equal("totals", "rows_dropped", total["rows_dropped"], sum(_lost(funnel).values()))
    if funnel:
        problems += _equal("totals", "documents", total["documents"], funnel[-1]["rows_out"])
    return problems


def _check_row_groups(shards: list[dict[str, Any]]) -> list[Problem]:
    problems = []
    for shard in shards:
        for column in ("rows", "tokens"):
            found = sum(group[column] for group in shard["row_groups"])
            problems += _equal(shard["path"], f"sum of {column} over row groups", found, shard[column])
    paths = [shard["path"] for shard in shards]
    return problems + _equal("shards", "the list of paths", paths, _expected_paths(shards))


def _expected_paths(shards: list[dict[str, Any]]) -> list[str]:
    counts = Counter(shard.get("split", TRAIN) for shard in shards)
    return [f"shards/{shard_name(i, counts[split], split)}" for split in SPLITS for i in range(counts[split])]


def _check_splits(manifest: dict[str, Any]) -> list[Problem]:
    entries = [ShardEntry.from_json(shard) for shard in manifest["shards"]]
    if "splits" not in manifest:
        return _equal("splits", "the number of validation shards", sum(e.split != TRAIN for e in entries), 0)
    expected = splits(entries, manifest["splits"]["validation_share"])
    return _equal("splits", "the sums of splits", manifest["splits"], expected)


def manifest_schema() -> dict[str, Any]:
    """The published JSON Schema (draft 2020-12) of a version 1 manifest."""
    schema: dict[str, Any] = json.loads(files("blends").joinpath("schema", "manifest.schema.json").read_bytes())
    return schema


def check_form(manifest: object) -> list[Problem]:
    """Problems of form: fields missing, unknown, of the wrong type or out of range; format and version first."""
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        return [Problem(MANIFEST, "not a warcmill manifest", f'a JSON object with "format": "{FORMAT}"')]
    if manifest.get("version") != VERSION:
        return [Problem(MANIFEST, f"manifest version {manifest.get('version')}", f"version {VERSION}")]
    return check_against(manifest, manifest_schema(), MANIFEST)


def tokenizer_identity(manifest: dict[str, Any]) -> TokenizerIdentity:
    """Tokenizer that wrote the shards of a checked manifest."""
    return TokenizerIdentity(**manifest["tokenizer"])


def load_manifest(path: Path) -> tuple[dict[str, Any], Path]:
    """Manifest of a finished run, checked, and the run's folder.

    Args:
        path: the run's folder or its manifest.json.

    Raises:
        VerificationError: unfinished run, altered or torn manifest, another version, or sums that do not hold.
    """
    place = place_of(path)
    return open_manifest(place), location(place.url)


def open_manifest(place: RunPlace) -> dict[str, Any]:
    """Manifest of the finished run at a place, checked; errors as for load_manifest."""
    if not place.exists:
        expected = "the folder of a finished run (manifest.json, _SUCCESS), or a plan of `warcmill blend`"
        raise VerificationError("no such run", where=place.url, expected=expected, hint="check the path")
    manifest, problems = read_manifest(place)
    if problems:
        first = problems[0]
        hint = "`warcmill verify RUN` lists every problem; `warcmill run` with the same arguments finishes a run"
        raise VerificationError(first.what, where=place.where(first.where), expected=first.expected, hint=hint)
    return manifest


def read_manifest(place: RunPlace) -> tuple[dict[str, Any], list[Problem]]:
    """Manifest of a run and what is wrong with it; the manifest is empty where its form cannot be trusted."""
    raw, success = place.read(MANIFEST), place.read(SUCCESS)
    for name, content in ((SUCCESS, success), (MANIFEST, raw)):
        if content is None:
            return {}, [Problem(name, "missing", "a finished run: manifest.json and _SUCCESS")]
    raw, success = raw or b"", success or b""
    problems = _equal(MANIFEST, "sha256", hashlib.sha256(raw).hexdigest(), success.decode("ascii", "replace").strip())
    try:
        manifest = json.loads(raw)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        return {}, [*problems, Problem(MANIFEST, f"not JSON: {error}", "a JSON object")]
    form = check_form(manifest)
    if form:
        return {}, problems + form
    return manifest, problems + check_sums(manifest)
