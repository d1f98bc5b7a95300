"""What two runs have in common and how they differ: documents, tokens and sources, and what they were made with.

Documents are compared by id and by a hash of their tokens. Memory: 24 bytes per document of either run; shards that
both have are not read where they lie in the same place of the same order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from blends.manifest import MANIFEST, open_manifest
from blends.manifest_types import ShardEntry
from blends.run_place import RunPlace, place_of
from blends.shard_cache import ShardCache
from blends.stream_reader import RunFiles

EXAMPLES = 5
_MAX_SETTINGS = 50
_ROW = np.dtype([("id", "<u8"), ("content", "<u8"), ("tokens", "<i4"), ("source", "<u4")])
_FACTS = ("tokenizer", "shuffle", "inputs", "software", "drops", "splits")
Rows = npt.NDArray[np.void]


@dataclass(frozen=True, slots=True)
class _Side:
    """One run of a comparison."""

    place: RunPlace
    manifest: Mapping[str, Any]
    sha256: str

    def files(self) -> RunFiles:
        """All its shards, every split."""
        return RunFiles(self.place, [ShardEntry.from_json(s) for s in self.manifest["shards"]], checksums=True)


def diff_runs(a: str | Path, b: str | Path, cache: ShardCache | None = None) -> dict[str, Any]:
    """The differences from run a to run b as a JSON object; `same` says whether there are none.

    Raises:
        VerificationError: one is not a finished, unaltered run.
    """
    one, two = _open(a, cache), _open(b, cache)
    found: dict[str, Any] = {"a": _about(one), "b": _about(two), "relation": _relation(one, two)}
    found["settings"] = _settings(one.manifest, two.manifest)
    found["documents"] = _documents(one, two)
    changed = [found["documents"][kind]["documents"] for kind in ("added", "removed", "changed")]
    found["same"] = not any(changed) and not found["settings"]
    return found


def _open(path: str | Path, cache: ShardCache | None) -> _Side:
    place = place_of(path, cache)
    manifest = open_manifest(place)
    return _Side(place, manifest, hashlib.sha256(place.read(MANIFEST) or b"").hexdigest())


def _about(side: _Side) -> dict[str, Any]:
    totals = side.manifest["totals"]
    return {
        "run": Path(side.place.url).name,
        "manifest_sha256": side.sha256,
        "documents": totals["documents"],
        "tokens": totals["tokens"],
    }


def _relation(one: _Side, two: _Side) -> str:
    if one.sha256 == two.sha256:
        return "the same run"
    for first, second, names in ((one, two, ("b", "a")), (two, one, ("a", "b"))):
        for takedown in second.manifest.get("takedowns", ()):
            if takedown["parent_sha256"] == first.sha256:
                return f"{names[0]} is a takedown of {names[1]}: {takedown['reason']}"
    origins = [side.manifest.get("parent", {}).get("origin_sha256", side.sha256) for side in (one, two)]
    return "takedowns of one run" if origins[0] == origins[1] else "separate runs"


def _settings(one: Mapping[str, Any], two: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Settings and facts that differ, by dotted name: recipe, tokenizer, shuffle, inputs, software, drops."""
    pairs = [("recipe", one["recipe"]["resolved"], two["recipe"]["resolved"])]
    pairs += [(name, _named(one.get(name)), _named(two.get(name))) for name in _FACTS]
    return [difference for name, a, b in pairs for difference in _differences(name, a, b)]


def _named(value: Any) -> Any:
    """Lists of inputs and drops as mappings, so that one more entry is one difference."""
    if not isinstance(value, list):
        return value
    if value and "rows" in value[0]:
        return {f"{row['phase']}:{row['stage']}:{row['reason']}": row["rows"] for row in value}
    return {row["name"]: row["sha256"] for row in value}


def _differences(path: str, a: Any, b: Any) -> Iterator[dict[str, Any]]:
    """Leaves that differ, in order of their names; depth is that of a recipe."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(a.keys() | b.keys()):
            yield from _differences(f"{path}.{key}", a.get(key), b.get(key))
    elif a != b:
        yield {"name": path, "a": a, "b": b}


def _documents(one: _Side, two: _Side) -> dict[str, Any]:
    if one.sha256 == two.sha256:
        same = {shard["sha256"] for shard in one.manifest["shards"]}
    else:
        same = _common_shards(one.manifest, two.manifest)
    names: dict[str, int] = {}
    a, b = (_rows(side.files(), same, names) for side in (one, two))
    both, in_a, in_b = np.intersect1d(a["id"], b["id"], assume_unique=True, return_indices=True)
    # ids of another tokenizer are other numbers for the same text: only ids of documents can be compared then
    comparable = one.manifest["tokenizer"]["sha256"] == two.manifest["tokenizer"]["sha256"]
    other = a["content"][in_a] != b["content"][in_b] if comparable else np.zeros(len(both), np.bool_)
    parts = {
        "added": b[~np.isin(b["id"], both)],
        "removed": a[~np.isin(a["id"], both)],
        "changed": b[in_b[other]],
    }
    found = {kind: _sums(rows, list(names)) for kind, rows in parts.items()}
    found["changed"]["tokens_before"] = int(a["tokens"][in_a[other]].sum())
    wanted = {kind: set(np.sort(rows["id"])[:EXAMPLES].tolist()) for kind, rows in parts.items()}
    for kind, side in (("added", two), ("removed", one), ("changed", two)):
        found[kind]["examples"] = _examples(side.files(), wanted[kind], same)
    shared = sum(shard["rows"] for shard in one.manifest["shards"] if shard["sha256"] in same)
    unchanged = len(both) - int(other.sum()) + shared
    return found | {"unchanged": unchanged, "tokens_comparable": comparable}


def _common_shards(one: Mapping[str, Any], two: Mapping[str, Any]) -> set[str]:
    """Shards that need not be read: equal bytes in the same key range of the same order."""
    if one["shuffle"]["seed"] != two["shuffle"]["seed"]:
        return set()
    a, b = ({(s["path"], s["sha256"]) for s in manifest["shards"]} for manifest in (one, two))
    return {sha256 for _, sha256 in a & b}


def _rows(files: RunFiles, same: set[str], names: dict[str, int]) -> Rows:
    parts = [np.zeros(0, _ROW)]
    for index, number in _groups(files, same):
        rows = files.rows(index, number, ("doc_id", "input_ids", "n_tokens", "source"))
        part = np.zeros(rows.num_rows, _ROW)
        part["id"] = [_hash(doc_id.encode()) for doc_id in rows["doc_id"].to_pylist()]
        part["content"] = _content_hashes(rows)
        part["tokens"] = rows["n_tokens"].to_numpy()
        part["source"] = [names.setdefault(source, len(names)) for source in rows["source"].to_pylist()]
        parts.append(part)
    return np.concatenate(parts)


def _groups(files: RunFiles, same: set[str]) -> Iterator[tuple[int, int]]:
    for index, shard in enumerate(files.shards):
        if shard.sha256 not in same:
            yield from ((index, number) for number in range(len(shard.row_groups)))


def _content_hashes(rows: pa.Table) -> list[int]:
    found = []
    for chunk in rows["input_ids"].chunks:
        values, offsets = np.asarray(chunk.values), np.asarray(chunk.offsets)
        found += [_hash(values[a:b].tobytes()) for a, b in pairwise(offsets)]
    return found


def _hash(content: bytes) -> int:
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "little")


def _sums(rows: Rows, names: list[str]) -> dict[str, Any]:
    by_source = {}
    for number in np.unique(rows["source"]).tolist():
        own = rows[rows["source"] == number]
        by_source[names[number]] = {"documents": len(own), "tokens": int(own["tokens"].sum())}
    by_source = dict(sorted(by_source.items()))
    return {"documents": len(rows), "tokens": int(rows["tokens"].sum()), "by_source": by_source}


def _examples(files: RunFiles, wanted: set[int], same: set[str]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for index, number in _groups(files, same) if wanted else ():
        rows = files.rows(index, number, ("doc_id", "url"))
        pairs = zip(rows["doc_id"].to_pylist(), rows["url"].to_pylist(), strict=True)
        found += [{"doc_id": doc_id, "url": url} for doc_id, url in pairs if _hash(doc_id.encode()) in wanted]
        if len(found) >= len(wanted):
            break
    return sorted(found, key=lambda row: row["doc_id"])


def diff_text(found: Mapping[str, Any]) -> str:
    """The differences in words."""
    lines = [
        f"{side}  {found[side]['run']}: {found[side]['documents']:,} documents, {found[side]['tokens']:,} tokens"
        for side in ("a", "b")
    ]
    lines += [f"   {found['relation']}", ""]
    documents = found["documents"]
    for kind, sign in (("added", "+"), ("removed", "-"), ("changed", "~")):
        part = documents[kind]
        lines.append(f"{kind:<9}{part['documents']:>12,} documents {part['tokens']:>15,} tokens")
        for source, sums in part["by_source"].items():
            name = source or "(no source)"
            lines.append(f"  {sign} {name:<28}{sums['documents']:>10,} documents {sums['tokens']:>15,} tokens")
        lines += [f"    e.g. {row['doc_id']}  {row['url']}" for row in part["examples"]]
    lines.append(f"unchanged{documents['unchanged']:>12,} documents")
    if not documents["tokens_comparable"]:
        lines.append("tokens of documents in both runs are not compared: the tokenizers differ")
    settings = found["settings"]
    lines += ["", *(f"{row['name']}: {_short(row['a'])} -> {_short(row['b'])}" for row in settings[:_MAX_SETTINGS])]
    if len(settings) > _MAX_SETTINGS:
        lines.append(f"… and {len(settings) - _MAX_SETTINGS} more; --json prints all")
    return "\n".join(lines).rstrip() + ("\nthe runs are the same" if found["same"] else "")


def _short(value: Any) -> str:
    text = "absent" if value is None else str(value)
    return text if len(text) <= 80 else text[:77] + "…"
