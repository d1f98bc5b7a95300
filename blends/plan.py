"""The plan of a blend: a JSON file that fixes every sample of a training, and the only thing a reader needs to know.

`identity` is the sha256 of what decides the samples. Paths, names of people's folders, description and warnings are
not in it, so a plan may move to another machine with its sources.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blends.shard_cache import read_object
from pipeline.errors import UsageError, VerificationError
from pipeline.io.byte_source import is_remote
from pipeline.io.commit import canonical_json, digest, write_atomic

FORMAT = "warcmill-blend-plan"
VERSION = 1
STATE_FORMAT = "warcmill-reader-state"
_FREE = ("description", "identity", "name", "warnings")


@dataclass(frozen=True, slots=True)
class Cursors:
    """How many tokens of each stream are used up: by stream id, with the manifest each id belongs to."""

    tokens: Mapping[str, int]
    manifests: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        return {
            name: {"tokens": tokens, "manifest_sha256": self.manifests[name]}
            for name, tokens in sorted(self.tokens.items())
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Cursors:
        return cls(
            {name: entry["tokens"] for name, entry in data.items()},
            {name: entry["manifest_sha256"] for name, entry in data.items()},
        )

    def check(self, streams: Mapping[str, Collection[str]]) -> None:
        """Refuse streams (id -> manifests of their run and its ancestors) that cut a run begun before in another way.

        Raises:
            UsageError: nobody could tell which documents of that run are used up.
        """
        begun = {self.manifests[name] for name, tokens in self.tokens.items() if tokens}
        for name, manifests in streams.items():
            if name not in self.tokens and not begun.isdisjoint(manifests):
                raise UsageError(
                    "a source that training has begun to read has other conditions or buckets now",
                    where=f"manifest {next(iter(manifests))}",
                    expected="the same where and buckets; weights, epochs, upsample and caps may change",
                    hint="keep the buckets, and change their weights",
                )


def stream_id(source: Mapping[str, Any], bucket: int) -> str:
    """Identity of a stream: the run, how it is cut, which part. Not its name, its weight or where the run is.

    The child of a takedown has the stream of its origin: the same order, less what was removed.
    """
    cut = [part["where"] for part in source["buckets"]]
    split = [source["split"]] if "split" in source else []
    run = source.get("origin_sha256", source["manifest_sha256"])
    return digest([run, source["where"], cut, bucket, *split])[:32]


def identity(plan: Mapping[str, Any]) -> str:
    """sha256 of everything in a plan that decides a sample."""
    core = {key: value for key, value in plan.items() if key not in _FREE}
    core["sources"] = [{key: value for key, value in s.items() if key != "manifest"} for s in plan["sources"]]
    return digest(core)


def save_plan(plan: Mapping[str, Any], path: Path, folder: Path) -> dict[str, Any]:
    """Write a plan; relative manifest paths, given from `folder`, are turned to be relative to the plan."""
    base = path.resolve().parent
    sources = [dict(source) for source in plan["sources"]]
    for source in sources:
        if not (is_remote(source["manifest"]) or Path(source["manifest"]).is_absolute()):
            source["manifest"] = Path(os.path.relpath(folder.resolve() / source["manifest"], base)).as_posix()
    written = {**plan, "sources": sources, "identity": identity(plan)}
    write_atomic(path, canonical_json(written))
    return written


def load_plan(path: str | Path) -> dict[str, Any]:
    """A plan as written by save_plan, checked.

    Raises:
        VerificationError: not a plan, another version, or altered by hand.
    """
    try:
        plan = json.loads(_content(path))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise VerificationError(f"cannot read the plan: {error}", where=str(path), expected="a plan") from error
    if not isinstance(plan, dict) or plan.get("format") != FORMAT or plan.get("version") != VERSION:
        found = f"{plan.get('format')} {plan.get('version')}" if isinstance(plan, dict) else "no object"
        raise VerificationError(found, where=str(path), expected=f"{FORMAT} {VERSION}", hint="warcmill blend B.toml")
    try:
        computed = identity(plan)
    except (KeyError, TypeError, AttributeError) as error:
        raise VerificationError(f"the plan is torn: {error!r}", where=str(path), expected="a whole plan") from error
    if computed != plan["identity"]:
        hint = "change the blend.toml and compile it again: warcmill blend B.toml -o PLAN"
        raise VerificationError("the plan was altered", where=str(path), expected=plan["identity"], hint=hint)
    return plan


def is_plan(path: str | Path) -> bool:
    """Whether a file says that it is a plan. Folders and manifests are not."""
    if not (str(path).endswith(".json") if is_remote(str(path)) else Path(path).is_file()):
        return False
    try:
        data = json.loads(_content(path))
    except (UnicodeDecodeError, json.JSONDecodeError):
        return False
    return isinstance(data, dict) and data.get("format") == FORMAT


def _content(path: str | Path) -> bytes:
    if not is_remote(str(path)):
        return Path(path).read_bytes()
    content = read_object(str(path))
    if content is None:
        raise FileNotFoundError(f"{path}: no such object")
    return content


def explain(plan: Mapping[str, Any]) -> str:
    """The plan as a table: per phase and stream samples, tokens, share, passes in the phase and so far."""
    lines = [f"{plan['name']}: {sum(phase['tokens'] for phase in plan['phases']):,} tokens"]
    head = f"  {'stream':<32}{'samples':>16}{'tokens':>24}{'share':>9}{'epochs':>10}{'so far':>10}"
    for phase in plan["phases"]:
        length = phase["sequence_length"]
        lines += ["", f"{phase['name']}: {phase['samples']:,} samples of {length:,} = {phase['tokens']:,} tokens", head]
        lines += [
            f"  {s['name']:<32}{s['samples']:>16,}{s['tokens']:>24,}{s['share']:>9.2%}"
            f" {s['epochs']:>9.3f} {s['epochs_so_far']:>9.3f}"
            for s in phase["streams"]
        ]
        if phase["tokens_left_over"]:
            lines.append(f"  {phase['tokens_left_over']:,} tokens are less than a sample and stay out of the phase")
    return "\n".join([*lines, "", *(f"warning: {warning}" for warning in plan["warnings"])]).rstrip()


def load_state(path: Path) -> dict[str, Any]:
    """A reader's state saved as JSON. Raises UsageError where it is none."""
    try:
        state = json.loads(path.read_bytes())
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UsageError(f"cannot read the state: {error}", where=str(path), expected="a reader's state") from error
    return check_state(state, str(path))


def check_state(state: Any, where: str) -> dict[str, Any]:
    """The state, if it is one. Raises UsageError."""
    if not isinstance(state, dict) or state.get("format") != STATE_FORMAT or state.get("version") != VERSION:
        raise UsageError("not a reader's state", where=where, expected=f'"format": "{STATE_FORMAT}", version {VERSION}')
    return state
