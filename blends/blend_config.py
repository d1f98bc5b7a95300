"""What a blend.toml says, as frozen values. Numbers are fractions, so that no rounding decides a plan.

docs/blends.md explains every key. Unknown keys are refused with the nearest known one.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError

REST = "rest"  # bucket of the documents that match none of a source's buckets
MAX_SEQUENCE_LENGTH = 1 << 24
MAX_STREAMS = 1024

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,99}")
_AMOUNT = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,9})?) ?([kMBT]?)")
_UNIT = {"": 1, "k": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}


@dataclass(frozen=True, slots=True)
class Where:
    """Which documents: every condition that is set must hold. A document without quality fails quality conditions."""

    min_quality: Fraction | None = None  # inclusive
    max_quality: Fraction | None = None  # exclusive
    min_tokens: int | None = None  # inclusive, EOS counted
    max_tokens: int | None = None  # exclusive
    languages: tuple[str, ...] = ()  # empty: any
    origins: tuple[str, ...] = ()  # values of the column `source`; empty: any


def where_of(conditions: Mapping[str, Any]) -> Where:
    """The conditions in a plan, as written by blends.sources.where_json."""
    read = {float: Fraction, list: tuple, int: int}
    return Where(**{key: read[type(value)](value) for key, value in conditions.items()})


@dataclass(frozen=True, slots=True)
class BucketConfig:
    """A part of a source. A document belongs to the first bucket that takes it, so buckets never overlap."""

    name: str
    where: Where = field(default_factory=Where)
    upsample: Fraction = Fraction(1)  # how often its documents are seen, relative to the source's other buckets


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """One run, or texts that become one. `max_epochs` caps how often any of its documents is seen in the training."""

    name: str
    manifest: str = ""  # a run's folder or manifest.json; relative to the blend file
    where: Where = field(default_factory=Where)
    max_epochs: Fraction | None = None
    buckets: tuple[BucketConfig, ...] = ()
    data: tuple[str, ...] = ()  # instead of manifest: JSON lines, Parquet files, globs, or folders of them
    text_column: str = "text"  # of data


@dataclass(frozen=True, slots=True)
class PhaseConfig:
    """One stretch of training with one mix. Keys of the three tables are SOURCE or SOURCE/BUCKET."""

    name: str
    tokens: int | None = None
    share: Fraction | None = None  # of total_tokens; neither tokens nor share: what the other phases leave
    sequence_length: int | None = None
    weights: Mapping[str, Fraction] = field(default_factory=dict)  # shares of what `epochs` leaves; any scale
    epochs: Mapping[str, Fraction] = field(default_factory=dict)  # passes over the source in this phase
    upsample: Mapping[str, Fraction] = field(default_factory=dict)  # replaces the buckets' own upsample


@dataclass(frozen=True, slots=True)
class BlendConfig:
    """A whole blend.toml."""

    name: str
    description: str = ""
    sequence_length: int = 4096
    total_tokens: int | None = None
    seed: int = 0
    max_epochs: Fraction | None = None  # default of the sources
    warn_epochs: Fraction = Fraction(4)
    tokenizer: str = "deepseek"  # of sources of texts
    sources: tuple[SourceConfig, ...] = ()
    phases: tuple[PhaseConfig, ...] = ()


def load_blend(path: Path) -> BlendConfig:
    """A blend.toml.

    Raises:
        UsageError: no such file, broken TOML, an unknown key or name, or a value out of range.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the blend: {error}", where=str(path), expected="a blend.toml") from error
    return parse_blend(text, path.name)


def parse_blend(text: str, where: str = "blend.toml") -> BlendConfig:
    """The blend in the text of a blend.toml; `where` names it in errors."""
    try:
        data = tomllib.loads(text, parse_float=_fraction)
    except (tomllib.TOMLDecodeError, ValueError, ZeroDivisionError) as error:
        raise UsageError(f"not valid TOML: {error}", where=where) from error
    blend: BlendConfig = _table(BlendConfig, data, where)
    _check_names(blend, where)
    return blend


def _fraction(text: str) -> Fraction:
    if len(text) > 40 or not re.fullmatch(r"[+-]?[0-9_]+(\.[0-9_]+)?([eE][+-]?[0-9]{1,2})?", text):
        raise ValueError(f"{text} is no number a blend can use")
    return Fraction(text.replace("_", ""))


def _table(cls: type[Any], data: object, where: str) -> Any:
    if not isinstance(data, dict):
        raise UsageError(f"{data!r} is not a table", where=where, expected="a table")
    known = [f.name for f in dataclasses.fields(cls)]
    for key in data:
        if key not in known:
            raise unknown(f"key {key!r}", key, known, where)
    missing = [f.name for f in dataclasses.fields(cls) if _required(f) and f.name not in data]
    if missing:
        raise UsageError(f"{missing[0]!r} is missing", where=where, expected=", ".join(known))
    return cls(**{key: _READERS[key](value, f"{where}: {key}") for key, value in data.items()})


def _required(f: dataclasses.Field[Any]) -> bool:
    return f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING


def unknown(what: str, word: str, known: Iterable[str], where: str) -> UsageError:
    """The error for a name that is not one of `known`, with the nearest one."""
    names = list(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    hint = f"Did you mean {close[0]!r}?" if close else ""
    return UsageError(f"unknown {what}", where=where, expected=", ".join(names), hint=hint)


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise UsageError(f"{value!r} is not a string", where=where, expected="a string")
    return value


def _name(value: object, where: str) -> str:
    if not _NAME.fullmatch(_text(value, where)):
        raise UsageError(f"{value!r} is no name", where=where, expected="letters, digits and . _ + -, at most 100")
    return str(value)


def _texts(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise UsageError(f"{value!r} is not a list", where=where, expected='a list like ["en", "de"]')
    return tuple(_text(item, where) for item in value)


def _number(value: object, where: str) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, (int, Fraction)) or value < 0:
        raise UsageError(f"{value} is not a number from 0 up", where=where, expected="a number like 0.3 or 2")
    return Fraction(value)


def _share(value: object, where: str) -> Fraction:
    if _number(value, where) > 1:
        raise UsageError(f"{value} is more than 1", where=where, expected="a share from 0 to 1, like 0.6")
    return _number(value, where)


def amount(value: object, where: str) -> int:
    """Tokens: an integer, or a string with a unit like "380B" or "1.5T" (powers of 1000)."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**18:
        return value
    found = _AMOUNT.fullmatch(value) if isinstance(value, str) else None
    tokens = Fraction(found[1]) * _UNIT[found[2]] if found else Fraction(-1)
    if tokens.denominator != 1 or not 0 <= tokens < 10**18:
        raise UsageError(f"{value!r} is no number of tokens", where=where, expected='like 380_000_000_000 or "380B"')
    return int(tokens)


def _length(value: object, where: str) -> int:
    if not 1 <= amount(value, where) <= MAX_SEQUENCE_LENGTH:
        raise UsageError(f"{value!r} is out of range", where=where, expected=f"1 to {MAX_SEQUENCE_LENGTH}")
    return amount(value, where)


def _numbers(value: object, where: str) -> dict[str, Fraction]:
    if not isinstance(value, dict):
        raise UsageError(f"{value!r} is not a table", where=where, expected="a table like { web = 0.7, math = 0.3 }")
    return {key: _number(item, f"{where}: {key}") for key, item in value.items()}


def _tables(cls: type[Any]) -> Callable[[object, str], tuple[Any, ...]]:
    def read(value: object, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise UsageError("not a list of tables", where=where, expected=f"[[{where.rpartition(': ')[2]}]]")
        return tuple(_table(cls, item, f"{where}[{i}]") for i, item in enumerate(value))

    return read


_READERS: dict[str, Callable[[object, str], Any]] = {
    "name": _name,
    "description": _text,
    "manifest": _text,
    "data": _texts,
    "text_column": _text,
    "tokenizer": _text,
    "sequence_length": _length,
    "total_tokens": amount,
    "tokens": amount,
    "seed": amount,
    "share": _share,
    "max_epochs": _number,
    "warn_epochs": _number,
    "upsample": lambda value, where: _numbers(value, where) if isinstance(value, dict) else _number(value, where),
    "weights": _numbers,
    "epochs": _numbers,
    "min_quality": _share,
    "max_quality": _number,
    "min_tokens": amount,
    "max_tokens": amount,
    "languages": _texts,
    "origins": _texts,
    "where": lambda value, where: _table(Where, value, where),
    "sources": _tables(SourceConfig),
    "buckets": _tables(BucketConfig),
    "phases": _tables(PhaseConfig),
}


def bucket_names(source: SourceConfig) -> list[str]:
    """Buckets of a source in order; the last one, REST, takes what no other takes."""
    return [*(bucket.name for bucket in source.buckets), REST]


def stream_name(source: SourceConfig, bucket: str) -> str:
    """SOURCE where a source has no buckets, else SOURCE/BUCKET."""
    return f"{source.name}/{bucket}" if source.buckets else source.name


def _check_names(blend: BlendConfig, where: str) -> None:
    for key, values in (("sources", blend.sources), ("phases", blend.phases)):
        if not values:
            raise UsageError(f"no {key}", where=where, expected=f"at least one [[{key}]]")
        _check_unique([value.name for value in values], f"{where}: {key}")
    known = []
    for source in blend.sources:
        if bool(source.manifest) == bool(source.data):
            what = "both a manifest and data" if source.manifest else "neither a manifest nor data"
            expected = 'manifest = "RUN", or data = ["texts/*.parquet"]'
            raise UsageError(what, where=f"{where}: {source.name}", expected=expected)
        _check_unique(bucket_names(source), f"{where}: {source.name}: buckets")
        known += [source.name, *(stream_name(source, bucket) for bucket in bucket_names(source) if source.buckets)]
        for bucket in source.buckets:
            if not isinstance(bucket.upsample, Fraction):
                raise UsageError("upsample of a bucket is one number", where=f"{where}: {bucket.name}", expected="2.0")
    if len(known) > MAX_STREAMS:
        raise UsageError(f"{len(known)} sources and buckets", where=where, expected=f"at most {MAX_STREAMS}")
    for phase in blend.phases:
        _check_phase(phase, known, f"{where}: phase {phase.name}")


def _check_unique(names: list[str], where: str) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(
            f"two are named {twice[0]!r}", where=where, expected="different names", hint=f"{REST!r} is ours"
        )


def _check_phase(phase: PhaseConfig, known: list[str], where: str) -> None:
    if not isinstance(phase.upsample, Mapping):
        raise UsageError("upsample of a phase is a table", where=where, expected='{ "web/long" = 4.0 }')
    for key in (*phase.weights, *phase.epochs, *phase.upsample):
        if key not in known:
            raise unknown(f"source {key!r}", key, known, where)
    named = [*phase.weights, *phase.epochs]
    whole = {key for key in named if "/" not in key}
    clashes = sorted(key for key in named if named.count(key) > 1 or ("/" in key and key.partition("/")[0] in whole))
    if clashes:
        raise UsageError(f"{clashes[0]!r} gets its tokens twice", where=where, expected="weights or epochs, once")
    if phase.tokens is not None and phase.share is not None:
        raise UsageError("both tokens and share", where=where, expected="one of them, or neither for the rest")
    if not any(phase.weights.values()) and not any(phase.epochs.values()):
        raise UsageError("no source", where=where, expected="[phases.weights] or [phases.epochs] with a number above 0")
