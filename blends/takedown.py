"""Takes documents out of a finished run: a child run whose touched shards are written again without them.

Shards without a match are linked, not copied. The work is one phase with a commit per shard, so the same command
resumes a takedown that was stopped, and `warcmill verify` checks the child like any run.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from blends.manifest import MANIFEST, SUCCESS, check_sums, open_manifest, splits
from blends.manifest_types import RowGroup, ShardEntry
from blends.run_place import RunPlace, place_of
from blends.shard_cache import ShardCache
from blends.shards import NO_DICTIONARY, shard_schema, shuffle_key
from blends.stream_reader import RunFiles
from blends.tokenizer_types import TokenizerIdentity
from blends.tombstones import Tombstone, graves_by_group, sums_of
from pipeline.errors import ConservationError, UsageError, WarcmillError
from pipeline.io.commit import Commit, PhaseDirectory, canonical_json, write_atomic
from pipeline.io.shards import write_shard, writing
from pipeline.io.storage import StorePath, location, put_file, remove_tree
from pipeline.stage import Counters

KINDS = ("id", "url", "domain")
_COLUMNS = ("doc_id", "url", "n_tokens", "source", "language", "quality")


@dataclass(frozen=True, slots=True)
class Request:
    """What to take down. A domain takes its subdomains with it; a URL must be as crawled."""

    ids: frozenset[str]
    urls: frozenset[str]
    domains: frozenset[str]

    @property
    def named(self) -> list[str]:
        """Every request as "kind:value", sorted."""
        parts = (("domain", self.domains), ("id", self.ids), ("url", self.urls))
        return [f"{kind}:{value}" for kind, values in parts for value in sorted(values)]

    def matches(self, doc_id: str, url: str) -> list[str]:
        """The requests that a document falls under, "kind:value"; it is counted under the first."""
        found = [f"id:{doc_id}"] if doc_id in self.ids else []
        if url in self.urls:
            found.append(f"url:{url}")
        if self.domains:
            labels = host_of(url).split(".")
            hosts = (".".join(labels[start:]) for start in range(len(labels)))
            found += [f"domain:{host}" for host in hosts if host in self.domains]
        return found


def host_of(url: str) -> str:
    """Host of a URL in lower case, without port or trailing dot; "" where there is none."""
    with suppress(ValueError):
        return (urlsplit(url).hostname or "").rstrip(".").lower()
    return ""


def request_of(
    ids: Iterable[str] = (), urls: Iterable[str] = (), domains: Iterable[str] = (), lines: Iterable[str] = ()
) -> Request:
    """A request from options and the lines of a list.

    A line is "id:…", "url:…" or "domain:…"; without a prefix it is a URL where it holds "://", a document id where
    it is 32 hex digits, else a domain. Blank lines and lines that begin with # are ignored.

    Raises:
        UsageError: nothing is asked for, or a domain cannot be one.
    """
    sorted_: dict[str, set[str]] = {"id": set(ids), "url": set(urls), "domain": {_domain(name) for name in domains}}
    for line in map(str.strip, lines):
        if line and not line.startswith("#"):
            kind, value = _kind(line)
            sorted_[kind].add(_domain(value) if kind == "domain" else value)
    request = Request(*(frozenset(sorted_[kind]) for kind in ("id", "url", "domain")))
    if not request.named:
        raise UsageError("nothing to take down", where="takedown", expected="--url, --domain, --id or --list")
    return request


def _kind(line: str) -> tuple[str, str]:
    prefix, separator, value = line.partition(":")
    if separator and prefix in KINDS and not value.startswith("//"):
        return prefix, value
    if "://" in line:
        return "url", line
    is_id = len(line) == 32 and all(c in "0123456789abcdef" for c in line)
    return ("id" if is_id else "domain"), line


def _domain(name: str) -> str:
    found = name.strip().rstrip(".").lower().removeprefix("*.")
    with suppress(UnicodeError):
        found = found.encode("idna").decode("ascii")
    if not found or any(c in found for c in "/:@ "):
        raise UsageError(f"{name!r} is no domain", where="takedown", expected="a host name like example.org")
    return found


def take_down(
    run: str | Path, request: Request, reason: str, child: Path, cache: ShardCache | None = None
) -> dict[str, Any]:
    """Write the child of a run without the documents asked for, or finish one that was stopped; gives its manifest.

    Args:
        run: the parent: a finished run, on disk or an fsspec URL; it is not changed.
        request: which documents.
        reason: why; it stands in the child's manifest.
        child: folder, or prefix in S3 or GCS; new, empty, or of the same takedown.
        cache: where shards of a remote parent are kept.

    Raises:
        UsageError: no reason, no document matches, or the folder holds something else.
        VerificationError: the parent is unfinished or altered.
        OutputError: the disk is full or the folder cannot be written.
    """
    if not reason.strip():
        raise UsageError("no reason", where="takedown", expected='--reason "why", which the manifest keeps')
    place = place_of(run, cache)
    parent = open_manifest(place)
    parent_sha256 = hashlib.sha256(place.read(MANIFEST) or b"").hexdigest()
    child = location(child)
    if child.is_dir() and any(child.iterdir()) and not (child / "phases" / "00-takedown" / "phase.json").exists():
        hint = "choose another folder with -o"
        raise UsageError("the folder holds something else", where=str(child), expected="a new folder", hint=hint)
    job = _Job(place, parent, request, child)
    found, unmatched = job.matches()
    if not any(found.values()):
        what = f"no document matches {_some(unmatched)}"
        hint = "a URL must be as crawled: `warcmill explain URL RUN`; a domain takes its subdomains with it"
        raise WarcmillError(what, where=place.url, expected="one that is asked for", hint=hint)
    phase = PhaseDirectory(child / "phases" / "00-takedown", "takedown")
    phase.bind({"phase": "takedown", "version": 1, "parent": parent_sha256, "of": request.named, "reason": reason})
    if not phase.finished:
        for index, matched in found.items():
            name = f"{index:05d}"
            if phase.committed(name) is None:
                phase.commit(job.write(name, index, matched))
        phase.finish(f"{index:05d}" for index in found)
    manifest = _child_manifest(parent, parent_sha256, phase, request, reason, unmatched)
    content = canonical_json(manifest)
    write_atomic(child / MANIFEST, content)
    write_atomic(child / SUCCESS, f"{hashlib.sha256(content).hexdigest()}\n".encode())
    remove_tree(child / "shards" / "_tmp")
    return manifest


def _some(requests: Sequence[str]) -> str:
    shown = ", ".join(requests[:5])
    return f"{shown} and {len(requests) - 5:,} more" if len(requests) > 5 else shown


Matched = dict[int, dict[int, str]]  # row group -> row in the file -> request


@dataclass(frozen=True, slots=True)
class _Job:
    """One takedown under way."""

    place: RunPlace
    parent: Mapping[str, Any]
    request: Request
    child: Path

    @property
    def files(self) -> RunFiles:
        shards = [ShardEntry.from_json(data) for data in self.parent["shards"]]
        return RunFiles(self.place, shards, checksums=True, graves=graves_by_group(self.parent))

    def matches(self) -> tuple[dict[int, Matched], list[str]]:
        """Rows that fall under the request, by shard and row group; and requests that nothing falls under.

        Reads two small columns of every shard.
        """
        files, seen = self.files, set[str]()
        found = {index: self._in_shard(files, index, seen) for index in range(len(files.shards))}
        return found, [name for name in self.request.named if name not in seen]

    def _in_shard(self, files: RunFiles, index: int, seen: set[str]) -> Matched:
        found: Matched = {}
        for number in range(len(files.shards[index].row_groups)):
            rows = files.rows(index, number, ("doc_id", "url"))
            pairs = zip(rows["doc_id"].to_pylist(), rows["url"].to_pylist(), strict=True)
            hits = {row: by for row, pair in enumerate(pairs) if (by := self.request.matches(*pair))}
            if hits:
                found[number] = {row: by[0] for row, by in hits.items()}
                seen.update(name for by in hits.values() for name in by)
        return found

    def write(self, name: str, index: int, matched: Matched) -> Commit:
        """Link an untouched shard, write a touched one again; the commit's facts are its entry and tombstones."""
        shard = self.files.shards[index]
        rejected = Counter(f"takedown:{by.partition(':')[0]}" for hits in matched.values() for by in hits.values())
        removed = rejected.total()
        counters = Counters(rows_in=shard.rows, rows_out=shard.rows - removed, rejected=rejected)
        if not removed:
            self._link(index)
            return Commit(name, (), (), counters, {"shard": shard.to_json(), "tombstones": []})
        entry, stones = self._rewrite(index, matched)
        facts = {"shard": entry.to_json(), "tombstones": [stone.to_json() for stone in stones]}
        return Commit(name, (), (), counters, facts)

    def _link(self, index: int) -> None:
        source, target = self.files.file(index), self.child / self.files.shards[index].path
        with writing(target):
            if isinstance(target, StorePath):
                put_file(source, target)
                return
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            if self.place.remote:
                shutil.copyfile(source, target)
                return
            try:
                os.link(source, target)
            except OSError:  # another file system, or one without links
                shutil.copyfile(source, target)

    def _rewrite(self, index: int, matched: Matched) -> tuple[ShardEntry, list[Tombstone]]:
        files, shard = self.files, self.files.shards[index]
        stones: list[Tombstone] = []
        groups: list[RowGroup] = []
        ids: list[str] = []

        def kept() -> Iterator[pa.Table]:
            for number in range(len(shard.row_groups)):
                rows, gone = files.rows(index, number, None), matched.get(number, {})
                stones.extend(self._stones(files, index, number, rows, gone))
                rest = rows.filter(pa.array(np.isin(np.arange(rows.num_rows), list(gone), invert=True)))
                groups.append(RowGroup(rest.num_rows, pc.sum(rest["n_tokens"]).as_py() or 0))
                ids.extend(rest["doc_id"][i].as_py() for i in {0, rest.num_rows - 1} if 0 <= i < rest.num_rows)
                yield rest

        identity = TokenizerIdentity(**self.parent["tokenizer"])
        path = self.child / shard.path
        written = write_shard(path.parent, path.name, kept(), shard_schema(identity), no_dictionary=NO_DICTIONARY)
        keys = [shuffle_key(self.parent["shuffle"]["seed"], doc_id) for doc_id in ids]
        entry = replace(
            shard,
            sha256=written.sha256,
            bytes=written.bytes,
            rows=written.rows,
            tokens=sum(group.tokens for group in groups),
            row_groups=tuple(groups),
            min_key=min(keys, default=None),
            max_key=max(keys, default=None),
        )
        return entry, stones

    def _stones(
        self, files: RunFiles, index: int, number: int, rows: pa.Table, gone: Mapping[int, str]
    ) -> Iterator[Tombstone]:
        origin = files.graves_of(index, number).origin_rows(rows.num_rows)
        takedown = len(self.parent.get("takedowns", ()))
        for row in sorted(gone):
            found = {name: rows[name][row].as_py() for name in _COLUMNS}
            yield Tombstone(
                files.shards[index].path,
                number,
                int(origin[row]),
                found["doc_id"],
                found["n_tokens"],
                found["source"],
                found["language"],
                found["quality"],
                takedown,
            )


def _child_manifest(
    parent: Mapping[str, Any],
    parent_sha256: str,
    phase: PhaseDirectory,
    request: Request,
    reason: str,
    unmatched: Sequence[str],
) -> dict[str, Any]:
    commits = phase.commits()
    counters = Counters.from_json(phase.manifest()["counters"])
    shards = [ShardEntry.from_json(commit.facts["shard"]) for commit in commits]
    new = [stone for commit in commits for stone in commit.facts["tombstones"]]
    stones = sorted([*parent.get("tombstones", []), *new], key=lambda s: (s["shard"], s["row_group"], s["row"]))
    taken = {"parent_sha256": parent_sha256, "reason": reason, "requested": request.named, **sums_of(new)}
    taken |= {"unmatched": list(unmatched)} if unmatched else {}
    origin = parent.get("parent", {}).get("origin_sha256", parent_sha256)
    name = _phase_name(parent)
    drops = [
        {"phase": name, "stage": key.partition(":")[0], "reason": key.partition(":")[2], "rows": rows}
        for key, rows in sorted(counters.rejected.items())
    ]
    copied: dict[str, Any] = json.loads(json.dumps(parent))
    manifest = copied | {
        "shards": [shard.to_json() for shard in shards],
        "parent": {"manifest_sha256": parent_sha256, "origin_sha256": origin},
        "takedowns": [*parent.get("takedowns", []), taken],
        "tombstones": stones,
        "funnel": [*parent["funnel"], {"phase": name, **counters.to_json()}],
        "drops": [*parent["drops"], *drops],
    }
    manifest["lineage"]["phases"].append({"name": name, "manifest_sha256": phase.sha256})
    manifest["totals"] |= {
        "bytes": sum(shard.bytes for shard in shards),
        "documents": sum(shard.rows for shard in shards),
        "tokens": sum(shard.tokens for shard in shards),
        "rows_dropped": parent["totals"]["rows_dropped"] + counters.rejected.total(),
        "removed": sums_of(stones),
    }
    if "splits" in manifest:
        manifest["splits"] = splits(shards, manifest["splits"]["validation_share"])
    problems = check_sums(manifest)
    if problems:
        raise ConservationError(problems[0].what, where=problems[0].where, expected=problems[0].expected)
    return manifest


def _phase_name(parent: Mapping[str, Any]) -> str:
    number = len(parent.get("takedowns", ())) + 1
    return "takedown" if number == 1 else f"takedown-{number}"
