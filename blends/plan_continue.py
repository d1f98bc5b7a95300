"""Goes on in the child of a takedown: the same samples to come, less the documents that were removed.

A continued plan keeps phases, mix and sample numbers. Its streams start at other places, so that the next sample of
each is where the parent's would have been, removed documents not counted. `resumed` says from which sample it holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from blends.blend_compile import compile_blend, run_blend, run_plan
from blends.blend_config import BlendConfig, BucketConfig, PhaseConfig, SourceConfig, where_of
from blends.manifest import open_manifest
from blends.plan import STATE_FORMAT, identity
from blends.plan_walk import open_streams
from blends.run_place import place_of
from blends.shard_cache import ShardCache
from blends.sources import read_source
from blends.split import TRAIN, VALIDATION
from blends.tombstones import ancestors
from pipeline.errors import UsageError

Plan = dict[str, Any]
State = Mapping[str, Any]


def plan_of_run(run: str, sequence_length: int, seed: int, split: str, cache: ShardCache, state: State | None) -> Plan:
    """The plan of a run on its own; with a state of its parent, the plan that goes on from there."""
    plan = run_plan(run, sequence_length, seed, split=split, cache=cache)
    if state is None or state.get("format") != STATE_FORMAT or state["plan"] == plan["identity"]:
        return plan
    if "continued" in state:
        known = _continued(plan, state["continued"])
        if known["identity"] == state["plan"]:
            return known
    stream = plan["streams"][0]
    known = ancestors(open_manifest(place_of(run, cache)))
    cursor = state["cursors"].get(stream["id"], {})
    if cursor.get("manifest_sha256") not in known:
        return plan
    compile_blend(run_blend(sequence_length, seed), run, state, split=split, cache=cache)  # refuses another seed
    reader = open_streams(plan, run, cache, checksums=True)["run"]
    since, length, epoch = known[cursor["manifest_sha256"]], sequence_length, state["epoch"]
    now = reader.moved(cursor["tokens"], since)
    end = reader.moved((epoch + 1) * (reader.tokens_before(since) // length) * length, since)
    samples = state["sample"] + max(0, end - now) // length
    resumed = {"plan": state["plan"], "epoch": epoch, "sample": state["sample"], "samples": samples, "tokens": now}
    return _continued(plan, resumed)


def _continued(plan: Plan, resumed: Mapping[str, Any]) -> Plan:
    """The plan of a run whose stream is at `tokens` at a `sample` of an `epoch` that has `samples`."""
    stream, phase = plan["streams"][0], plan["phases"][0]
    samples = resumed["samples"]
    length = phase["sequence_length"]
    laid = {
        "name": stream["name"],
        "samples": samples,
        "tokens": samples * length,
        "share": 1.0,
        "epochs": round(samples * length / max(1, stream["tokens"]), 6),
        "epochs_so_far": round((samples * length) / max(1, stream["tokens"]), 6),
    }
    phase = {**phase, "samples": samples, "tokens": samples * length, "tokens_left_over": 0, "streams": [laid]}
    offset = resumed["tokens"] - (resumed["epoch"] * samples + resumed["sample"]) * length
    start = {stream["id"]: {"tokens": offset, "manifest_sha256": stream["manifest_sha256"]}}
    made = {**plan, "phases": [phase], "start": start, "resumed": dict(resumed)}
    return {**made, "identity": identity(made)}


def plan_after_takedowns(
    plan: Plan, state: State, children: Sequence[str | Path], cache: ShardCache | None = None
) -> Plan:
    """The rest of a plan, from a reader's state on, with runs replaced by children of takedowns.

    Args:
        plan: the plan that was trained on.
        state: where the reader stopped in it.
        children: folders of the children.
        cache: where shards of remote runs are kept.

    Raises:
        UsageError: a state of another plan, a child of none of the plan's runs, or one with nothing left of a stream.
    """
    cache = cache or ShardCache()
    if state["plan"] != plan["identity"]:
        what = f"a state of plan {state['plan'][:12]}"
        raise UsageError(what, where=plan["name"], expected=f"a state of plan {plan['identity'][:12]}")
    made = {**plan, "sources": [dict(s) for s in plan["sources"]], "streams": [dict(s) for s in plan["streams"]]}
    made["start"], made["warnings"] = dict(plan["start"]), list(plan["warnings"])
    for child in children:
        _replace(made, state, child, cache)
    made["phases"] = [_laid_again(phase, made["streams"]) for phase in plan["phases"]]
    made["resumed"] = {"plan": state["plan"], "epoch": state["epoch"], "sample": state["sample"]}
    return {**made, "identity": identity(made)}


def _replace(plan: Plan, state: State, child: str | Path, cache: ShardCache) -> None:
    place = place_of(child, cache)
    known = ancestors(open_manifest(place))
    found = [source for source in plan["sources"] if source["manifest_sha256"] in known]
    if not found:
        raise UsageError("is a takedown of none of the plan's runs", where=place.url, expected="a child of one of them")
    source = found[0]
    buckets = tuple(BucketConfig(b["name"], where_of(b["where"])) for b in source["buckets"])
    config = SourceConfig(source["name"], str(place.url), where_of(source["where"]), None, buckets)
    read = read_source(config, ".", source.get("split", TRAIN), cache)
    since = known[source["manifest_sha256"]]
    for stream in plan["streams"]:
        if stream["source"] == source["name"]:
            position = state["cursors"][stream["id"]]["tokens"]
            stream |= {**read.parts[stream["bucket"]], "manifest_sha256": read.entry["manifest_sha256"]}
            _require_tokens(stream, plan, place.url)
            moved = read.reader(stream, plan["seed"]).moved(position, since) - position
            start = plan["start"].get(stream["id"], {"tokens": 0})["tokens"] + moved
            plan["start"][stream["id"]] = {"tokens": start, "manifest_sha256": stream["manifest_sha256"]}
    source |= read.entry


def _require_tokens(stream: Mapping[str, Any], plan: Plan, where: str) -> None:
    used = any(laid["name"] == stream["name"] for phase in plan["phases"] for laid in phase["streams"])
    if used and not stream["tokens"]:
        what = f"nothing is left of {stream['name']}"
        raise UsageError(
            what, where=where, expected="documents to read", hint="warcmill blend NEW.toml --continue STATE"
        )


def _laid_again(phase: Mapping[str, Any], streams: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A phase with its epochs counted anew; samples stay."""
    sizes = {stream["name"]: max(1, stream["tokens"]) for stream in streams}
    laid = [{**entry, "epochs": round(entry["tokens"] / sizes[entry["name"]], 6)} for entry in phase["streams"]]
    return {**phase, "streams": laid}


def validation_plan(plan: Plan, folder: str | Path, sequence_length: int | None, cache: ShardCache) -> Plan:
    """One pass over what the sources of a plan hold out, under the same conditions, in whole samples.

    Raises:
        UsageError: none of the runs has a validation split.
    """
    made = held_out_plan(plan, folder, sequence_length, cache)
    if made is None:
        hint = "tokenize with [tokens] validation_share = 0.01, or warcmill tokenize --validation-share 0.01"
        raise UsageError("no validation split", where=plan["name"], expected="a run with held-out documents", hint=hint)
    return made


def held_out_plan(plan: Plan, folder: str | Path, sequence_length: int | None, cache: ShardCache) -> Plan | None:
    """The same, None where nothing is held out."""
    sources = tuple(SourceConfig(s["name"], s["manifest"], where_of(s["where"])) for s in plan["sources"])
    epochs = {source.name: Fraction(1) for source in sources}
    length = sequence_length or plan["phases"][0]["sequence_length"]
    phase = PhaseConfig(VALIDATION, epochs=epochs)
    blend = BlendConfig(plan["name"], "", length, None, plan["seed"], sources=sources, phases=(phase,))
    made = compile_blend(blend, folder, split=VALIDATION, cache=cache)
    held_out = any(stream["tokens"] for stream in made["streams"])
    return {**made, "identity": identity(made)} if held_out else None
