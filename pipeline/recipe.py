"""Recipes: one frozen value says everything that decides the output. TOML in, the same value back out.

A recipe names every setting of every phase; what it leaves out has the default of the dataclass. Unknown keys are
refused with the nearest known one. `off` switches an optional setting off. Settings that do not change the output
(workers, time limits) are not in it, but for `[[resources]]`,
which says what machines a phase needs, and `[dedup_alarm]`, which says when to stop and ask; neither is part of the
recipe's identity.
"""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from blends.shards import TokenizeConfig
from classifiers.stage import ClassifyConfig
from dedup.site_blocks import SiteConfig
from extractors.stage import RenderConfig
from llm_cleaning.stage import CleanConfig
from pipeline.dedup_config import AlarmConfig, ExactConfig, FuzzyConfig
from pipeline.engines.resources import Resources
from pipeline.errors import UsageError
from pipeline.io.read_limits import ReadLimits

OFF = "off"


@dataclass(frozen=True, slots=True)
class ReadConfig:
    """How archives are read.

    Args:
        split_bytes: archives larger than this are read in byte ranges of this size, one task each.
        limits: budgets of one record.
    """

    split_bytes: int = 64 << 20
    limits: ReadLimits = field(default_factory=ReadLimits)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides the output of a run."""

    name: str
    description: str = ""
    read: ReadConfig = field(default_factory=ReadConfig)
    render: RenderConfig = field(default_factory=RenderConfig)
    exact_dedup: ExactConfig = field(default_factory=ExactConfig)
    site_repeats: SiteConfig = field(default_factory=SiteConfig)
    classify: ClassifyConfig = field(default_factory=ClassifyConfig)
    fuzzy_dedup: FuzzyConfig = field(default_factory=FuzzyConfig)
    dedup_alarm: AlarmConfig = field(default_factory=AlarmConfig)
    clean: CleanConfig = field(default_factory=CleanConfig)
    tokens: TokenizeConfig = field(default_factory=TokenizeConfig)
    resources: tuple[Resources, ...] = ()

    def resolved(self) -> dict[str, Any]:
        """What decides the output, as a JSON-able mapping with every default filled in; resources and alarms do not."""
        settings = typing.cast("dict[str, Any]", plain(self))
        del settings["resources"], settings["dedup_alarm"]
        return settings


def plain(value: Any) -> Any:
    """A config value as TOML and JSON know it: tables, lists, numbers, strings, `off` for None."""
    if value is None:
        return OFF
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    return value


def recipe_names() -> list[str]:
    """Names of the recipes that ship with warcmill."""
    return sorted(entry.name.removesuffix(".toml") for entry in _shipped().iterdir() if entry.name.endswith(".toml"))


def _shipped() -> Any:
    return files("pipeline").joinpath("recipes")


def load_recipe(name_or_path: str) -> Recipe:
    """A shipped recipe by name, or a TOML file by path.

    Raises:
        UsageError: no such recipe, broken TOML, unknown key, or a value of the wrong type.
    """
    text, where = _recipe_text(name_or_path)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"not valid TOML: {error}", where=where) from error
    return typing.cast("Recipe", from_mapping(Recipe, data, where))


def _recipe_text(name_or_path: str) -> tuple[str, str]:
    path = Path(name_or_path)
    if path.suffix == ".toml" or "/" in name_or_path:
        if not path.is_file():
            raise UsageError("no such recipe file", where=name_or_path, hint=f"shipped: {', '.join(recipe_names())}")
        return path.read_text(encoding="utf-8"), name_or_path
    if name_or_path not in recipe_names():
        raise UsageError(
            f"no recipe named {name_or_path!r}",
            expected=f"one of {', '.join(recipe_names())}, or a path to a .toml file",
            hint=_did_you_mean(name_or_path, recipe_names()),
        )
    return _shipped().joinpath(f"{name_or_path}.toml").read_text(encoding="utf-8"), f"{name_or_path}.toml"


def from_mapping(cls: type, data: Mapping[str, Any], where: str) -> Any:
    """A frozen config dataclass from a TOML table; `where` names the table in errors."""
    types_by_name = typing.get_type_hints(cls)
    known = [f.name for f in dataclasses.fields(cls)]
    for key in data:
        if key not in known:
            raise UsageError(
                f"unknown key {key!r}", where=where, expected=", ".join(known), hint=_did_you_mean(key, known)
            )
    for each in dataclasses.fields(cls):
        if each.name not in data and each.default is each.default_factory is dataclasses.MISSING:
            raise UsageError(
                f"the key {each.name!r} is missing",
                where=where,
                expected=f"the keys of {cls.__name__}",
                hint=f"add a line: {each.name} = …",
            )
    values = {key: _value(types_by_name[key], value, f"{where}: {key}") for key, value in data.items()}
    try:
        return cls(**values)
    except (TypeError, ValueError) as error:
        raise UsageError(str(error), where=where, expected=f"the keys of {cls.__name__}") from error


def _value(wanted: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in (types.UnionType, typing.Union):
        if value == OFF and type(None) in arguments:
            return None
        return _value(next(a for a in arguments if a is not type(None)), value, where)
    if dataclasses.is_dataclass(wanted):
        if not isinstance(value, dict):
            raise UsageError(f"{value!r} is not a table", where=where, expected=f"a table [{where.split(': ')[-1]}]")
        return from_mapping(typing.cast("type", wanted), value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise UsageError(f"{value!r} is not a list", where=where, expected="a list")
        return tuple(_value(arguments[0], item, where) for item in value)
    return _scalar(wanted, value, where)


def _scalar(wanted: type, value: Any, where: str) -> Any:
    if wanted is float and type(value) is int:
        return float(value)
    if type(value) is not wanted:
        raise UsageError(f"{value!r} is {type(value).__name__}", where=where, expected=wanted.__name__)
    return value


def _did_you_mean(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"Did you mean {close[0]!r}?" if close else ""
