"""Compiles a blend: from weights, epochs and caps to whole samples of every stream in every phase.

Everything is counted in samples of the phase's sequence length, so a plan can be met exactly. Shares are fractions;
what rounding leaves goes to the largest remainders. The same blend on the same manifests gives the same plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from blends.blend_config import BlendConfig, PhaseConfig, SourceConfig, bucket_names, stream_name
from blends.plan import FORMAT, VERSION, Cursors, identity, stream_id
from blends.shard_cache import ShardCache
from blends.sources import SourceRead, read_source
from blends.split import TRAIN
from pipeline.errors import UsageError

_WARN_LOST = Fraction(1, 100)


@dataclass(slots=True)
class _Stream:
    """A stream while phases are laid on it; `used` counts the tokens planned so far, those of `start` included."""

    entry: dict[str, Any]
    source: SourceConfig
    read: SourceRead
    bucket: str
    cap: int | None  # tokens that may be used in all
    used: int

    @property
    def name(self) -> str:
        return str(self.entry["name"])

    @property
    def tokens(self) -> int:
        return int(self.entry["tokens"])

    def room(self, length: int) -> int | None:
        """Whole samples that the cap and the documents still allow, None for no limit."""
        if self.tokens == 0:
            return 0
        return None if self.cap is None else max(0, self.cap - self.used) // length


def compile_blend(
    blend: BlendConfig,
    folder: str | Path,
    state: Mapping[str, Any] | None = None,
    *,
    split: str = TRAIN,
    cache: ShardCache | None = None,
) -> dict[str, Any]:
    """The plan of a blend as a JSON object; blends.plan.save_plan writes it.

    Args:
        blend: the blend.
        folder: what relative manifest paths are relative to.
        state: of a reader that stopped in another plan; the phases then count from there on, and every stream
            continues where it stopped, so that nothing is lost or repeated.
        split: which documents of the sources, train or validation.
        cache: where shards of remote sources are kept.

    Raises:
        UsageError: phases that do not add up, sources that cannot fill a phase, or two tokenizers.
        VerificationError: a source is not a finished, unaltered run.
    """
    start = _start(blend, state)
    sources = [read_source(source, folder, split, cache or ShardCache()) for source in blend.sources]
    _check_same(sources)
    streams = [stream for source, read in zip(blend.sources, sources, strict=True) for stream in _streams(source, read)]
    start.check({s.entry["id"]: [s.entry["manifest_sha256"], *s.read.ancestors] for s in streams})
    start = _moved(start, streams, blend.seed)
    for stream in streams:
        stream.cap = _cap(stream, blend)
        stream.used = start.tokens.get(stream.entry["id"], 0)
    begun = {stream.name: stream.used for stream in streams}
    warnings: list[str] = []
    phases = []
    for phase, tokens in zip(blend.phases, _budgets(blend, streams), strict=True):
        phases.append(_lay_phase(phase, tokens, phase.sequence_length or blend.sequence_length, streams, warnings))
    warnings += _over_repeated(streams, begun, blend.warn_epochs)
    return {
        "format": FORMAT,
        "version": VERSION,
        "name": blend.name,
        "description": blend.description,
        "seed": blend.seed,
        "tokenizer": sources[0].tokenizer,
        "sources": [source.entry for source in sources],
        "streams": [stream.entry for stream in streams],
        "phases": phases,
        "start": start.to_json(),
        "warnings": warnings,
    }


def run_plan(
    run: str | Path, sequence_length: int, seed: int, *, split: str = TRAIN, cache: ShardCache | None = None
) -> dict[str, Any]:
    """The plan of a run on its own: one pass, in whole samples. Relative to the run's own folder."""
    plan = compile_blend(run_blend(sequence_length, seed), run, split=split, cache=cache)
    return {**plan, "identity": identity(plan)}


def run_blend(sequence_length: int, seed: int) -> BlendConfig:
    """The blend of a run on its own."""
    phase = PhaseConfig("all", epochs={"run": Fraction(1)})
    source = SourceConfig("run", ".")
    return BlendConfig("run", sequence_length=sequence_length, seed=seed, sources=(source,), phases=(phase,))


def _moved(start: Cursors, streams: Sequence[_Stream], seed: int) -> Cursors:
    """Cursors of a run that a takedown has changed since, as places in what is left of it."""
    tokens, manifests = dict(start.tokens), dict(start.manifests)
    for stream in streams:
        name, now = stream.entry["id"], stream.entry["manifest_sha256"]
        if name in tokens and manifests[name] != now:
            since = stream.read.since(manifests[name])
            tokens[name] = stream.read.reader(stream.entry, seed).moved(tokens[name], since)
            manifests[name] = now
    return Cursors(tokens, manifests)


def _start(blend: BlendConfig, state: Mapping[str, Any] | None) -> Cursors:
    if state is None:
        return Cursors({}, {})
    if state["seed"] != blend.seed:
        raise UsageError(
            f"seed {blend.seed}, but training began with {state['seed']}",
            where=blend.name,
            expected=f"seed = {state['seed']}: another order would repeat and lose documents",
        )
    return Cursors.from_json(state["cursors"])


def _check_same(sources: Sequence[SourceRead]) -> None:
    first, seen = sources[0], dict[str, str]()
    for source in sources:
        name = source.entry["name"]
        if source.tokenizer != first.tokenizer:
            raise UsageError(
                f"{name} has another tokenizer than {first.entry['name']}: {source.tokenizer['name']}",
                where=source.entry["manifest"],
                expected=f"{first.tokenizer['name']}, sha256 {first.tokenizer['sha256']}",
                hint="tokenize one of them again: warcmill tokenize",
            )
        run = source.entry.get("origin_sha256", source.entry["manifest_sha256"])
        if (other := seen.setdefault(run, name)) != name:
            raise UsageError(
                f"{other} and {name} are the same run, so documents would count twice",
                where=source.entry["manifest"],
                expected="one source per run",
                hint="make them two [[sources.buckets]] of one source and give SOURCE/BUCKET the weights",
            )


def _streams(source: SourceConfig, read: SourceRead) -> list[_Stream]:
    """The streams of a source."""
    made = []
    for index, (bucket, part) in enumerate(zip(bucket_names(source), read.parts, strict=True)):
        entry = {
            "name": stream_name(source, bucket),
            "id": stream_id(read.entry, index),
            "source": source.name,
            "bucket": index,
            "manifest_sha256": read.entry["manifest_sha256"],
            **part,
        }
        made.append(_Stream(entry, source, read, bucket, None, 0))
    return made


def _cap(stream: _Stream, blend: BlendConfig) -> int | None:
    epochs = blend.max_epochs if stream.source.max_epochs is None else stream.source.max_epochs
    return None if epochs is None else int(epochs * stream.tokens)


def _budgets(blend: BlendConfig, streams: Sequence[_Stream]) -> list[int]:
    """Tokens of each phase."""
    total = blend.total_tokens
    if total is None and any(phase.share is not None for phase in blend.phases):
        raise UsageError("a phase has a share, but of what?", where=blend.name, expected='total_tokens = "1T"')
    budgets = [_own_budget(phase, total, streams) for phase in blend.phases]
    open_ended = [index for index, tokens in enumerate(budgets) if tokens is None]
    known = sum(tokens or 0 for tokens in budgets)
    if total is None and open_ended:
        names = ", ".join(blend.phases[index].name for index in open_ended)
        raise UsageError(f"how long is {names}?", where=blend.name, expected="tokens, share, only epochs, or a total")
    if len(open_ended) > 1 or (total is not None and (known > total or (known < total and not open_ended))):
        rest = f"{len(open_ended)} phases without tokens or share" if len(open_ended) > 1 else f"{known:,} tokens"
        raise UsageError(f"the phases have {rest}", where=blend.name, expected=f"in all {total:,}, one may be open")
    return [(total or 0) - known if tokens is None else tokens for tokens in budgets]


def _own_budget(phase: PhaseConfig, total: int | None, streams: Sequence[_Stream]) -> int | None:
    if phase.tokens is not None:
        return phase.tokens
    if phase.share is not None:
        return int(phase.share * (total or 0))
    if total is None and not phase.weights:
        wanted = (epochs * sum(s.tokens for s in _named(key, streams)) for key, epochs in phase.epochs.items())
        return int(sum(wanted, Fraction(0)))
    return None


def _named(key: str, streams: Sequence[_Stream]) -> list[_Stream]:
    return [stream for stream in streams if key in (stream.name, stream.source.name)]


def _upsample(stream: _Stream, phase: PhaseConfig) -> Fraction:
    own = next((b.upsample for b in stream.source.buckets if b.name == stream.bucket), Fraction(1))
    return phase.upsample.get(stream.name, phase.upsample.get(stream.source.name, own))


def _spread(key: str, amount: Fraction, phase: PhaseConfig, streams: Sequence[_Stream]) -> dict[str, Fraction]:
    """Divides an amount over the buckets of a key: by tokens times upsample."""
    parts = {s.name: s.tokens * _upsample(s, phase) for s in _named(key, streams)}
    whole = sum(parts.values(), Fraction(0))
    return {name: amount * part / whole for name, part in parts.items()} if whole else {}


def _lay_phase(
    phase: PhaseConfig, tokens: int, length: int, streams: Sequence[_Stream], warnings: list[str]
) -> dict[str, Any]:
    room = {stream.name: stream.room(length) for stream in streams}
    total = tokens // length
    wanted = _epoch_shares(phase, total, length, streams)
    weighted = _weight_shares(phase, streams, warnings)
    samples = _fill(phase, total, wanted, weighted, room, warnings)
    asked = {name for name, share in (wanted | weighted).items() if share and room[name] != 0}
    warnings += [
        f"phase {phase.name}: {stream.name} gets no sample, its share is less than one"
        for stream in streams
        if stream.name in asked and not samples.get(stream.name)
    ]
    for stream in streams:
        stream.used += samples.get(stream.name, 0) * length
    return {
        "name": phase.name,
        "sequence_length": length,
        "samples": total,
        "tokens": total * length,
        "tokens_left_over": tokens - total * length,
        "streams": [_laid(s, samples[s.name], total, length) for s in streams if samples.get(s.name)],
    }


def _laid(stream: _Stream, samples: int, total: int, length: int) -> dict[str, Any]:
    return {
        "name": stream.name,
        "samples": samples,
        "tokens": samples * length,
        "share": round(samples / total, 6),
        "epochs": round(samples * length / stream.tokens, 6),
        "epochs_so_far": round(stream.used / stream.tokens, 6),
    }


def _epoch_shares(phase: PhaseConfig, total: int, length: int, streams: Sequence[_Stream]) -> dict[str, Fraction]:
    wanted: dict[str, Fraction] = {}
    for key, epochs in phase.epochs.items():
        size = sum(stream.tokens for stream in _named(key, streams))
        wanted |= _spread(key, epochs * size / Fraction(length), phase, streams)
    asked = sum(wanted.values(), Fraction(0))
    if asked >= total + 1 and asked > 0:
        raise UsageError(
            f"its epochs need {int(asked * length):,} tokens",
            where=f"phase {phase.name}",
            expected=f"at most the {total * length:,} tokens of the phase",
            hint="fewer epochs, or more tokens for the phase",
        )
    return wanted


def _weight_shares(phase: PhaseConfig, streams: Sequence[_Stream], warnings: list[str]) -> dict[str, Fraction]:
    shares: dict[str, Fraction] = {}
    for key, weight in phase.weights.items():
        parts = _spread(key, weight, phase, streams)
        shares |= {name: part for name, part in parts.items() if part}
        if weight and not any(parts.values()):
            warnings.append(f"phase {phase.name}: {key} is empty; its weight goes to the others")
    return shares


def _fill(
    phase: PhaseConfig,
    total: int,
    wanted: dict[str, Fraction],
    weighted: dict[str, Fraction],
    room: Mapping[str, int | None],
    warnings: list[str],
) -> dict[str, int]:
    """Samples per stream that add up to total: what epochs ask for, then weights, then largest remainders."""
    ideal = dict(wanted)
    for name in sorted(name for name, share in wanted.items() if _over(share, room[name])):
        ideal[name] = Fraction(room[name] or 0)
        warnings.append(f"phase {phase.name}: {name} is exhausted at its cap; less than its epochs is used")
    open_streams = dict(weighted)
    while open_streams:
        left = max(Fraction(0), total - sum((v for k, v in ideal.items() if k not in open_streams), Fraction(0)))
        whole = sum(open_streams.values())
        ideal |= {name: left * share / whole for name, share in open_streams.items()}
        capped = sorted(name for name in open_streams if _over(ideal[name], room[name]))
        if not capped:
            break
        for name in capped:
            ideal[name] = Fraction(room[name] or 0)
            del open_streams[name]
            warnings.append(f"phase {phase.name}: {name} is exhausted at its cap; the others take over its share")
    return _round(phase, total, ideal, room, only_epochs=not weighted)


def _over(share: Fraction, room: int | None) -> bool:
    return room is not None and share > room


def _round(
    phase: PhaseConfig, total: int, ideal: Mapping[str, Fraction], room: Mapping[str, int | None], *, only_epochs: bool
) -> dict[str, int]:
    samples = {name: int(share) for name, share in ideal.items()}
    missing = total - sum(samples.values())
    for name in sorted(ideal, key=lambda name: samples[name] - ideal[name]):  # stable: ties in the blend's order
        limit = room[name]
        if missing and ideal[name] and (limit is None or samples[name] < limit):
            samples[name] += 1
            missing -= 1
    if missing:
        what = "its epochs and caps" if only_epochs else "the caps on epochs"
        raise UsageError(
            f"{missing:,} of {total:,} samples cannot be filled under {what}",
            where=f"phase {phase.name}",
            expected="sources with enough tokens for the phase",
            hint="raise max_epochs, add a source, give weights, or make the phase shorter",
        )
    return samples


def _over_repeated(streams: Sequence[_Stream], begun: Mapping[str, int], limit: Fraction) -> list[str]:
    return [
        f"{stream.name} is seen {stream.used / stream.tokens:.2f} times, more than {float(limit):g}"
        for stream in streams
        if stream.used > begun[stream.name] and stream.used > limit * stream.tokens
    ]
