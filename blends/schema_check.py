"""Checks a JSON value against the part of JSON Schema that our published schemas use.

The schema file is what the world validates against, so it is also what we validate against: no second list of fields
in code. Keywords: type, const, required, properties, additionalProperties, items, pattern, minimum, maximum, minLength,
$ref into $defs. An unknown keyword is an error here, never ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}
_NOTES = {"$schema", "$id", "$defs", "title", "description", "examples"}
_PASSIVE = _NOTES | {"type"}  # type is checked before the others
_MAX_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where (file, or path in a manifest), what was found, what was expected."""

    where: str
    what: str
    expected: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}, expected {self.expected}"


def check_against(value: object, schema: Mapping[str, Any], where: str) -> list[Problem]:
    """The first problems (at most 20) of a JSON value against a schema; depth is bounded by the schema's depth."""
    problems = _check(value, schema, schema.get("$defs", {}), where)
    return [problem for problem, _ in zip(problems, range(_MAX_PROBLEMS), strict=False)]


def _check(value: Any, schema: Mapping[str, Any], defs: Mapping[str, Any], where: str) -> Iterator[Problem]:
    if "$ref" in schema:
        schema = _referred(schema, defs)
    if "type" in schema and not _has_type(value, schema["type"]):
        yield Problem(where, f"a value of type {type(value).__name__}", f"{schema['type']}")
        return
    for keyword, wanted in schema.items():
        if keyword not in _PASSIVE:
            yield from _KEYWORDS[keyword](value, wanted, schema, defs, where)


def _referred(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Mapping[str, Any]:
    """The definition that a schema refers to, with what stands beside the reference."""
    definition: Mapping[str, Any] = defs[schema["$ref"].removeprefix("#/$defs/")]
    rest = {k: v for k, v in schema.items() if k not in _NOTES and k != "$ref"}
    return {**definition, **rest} if rest else definition


def _has_type(value: Any, names: str | list[str]) -> bool:
    """JSON's idea of types: true is no integer, 1.0 is one."""
    for name in [names] if isinstance(names, str) else names:
        if isinstance(value, bool):
            if name == "boolean":
                return True
        elif isinstance(value, _TYPES[name]) or (name == "integer" and isinstance(value, float) and value.is_integer()):
            return True
    return False


def _const(value: Any, wanted: Any, _s: Any, _d: Any, where: str) -> Iterator[Problem]:
    if value != wanted or type(value) is not type(wanted):
        yield Problem(where, f"{value!r}", f"{wanted!r}")


def _required(value: Any, wanted: list[str], _s: Any, _d: Any, where: str) -> Iterator[Problem]:
    for name in wanted if isinstance(value, dict) else ():
        if name not in value:
            yield Problem(f"{where}/{name}", "missing", "this field")


def _properties(value: Any, wanted: Mapping[str, Any], _s: Any, defs: Any, where: str) -> Iterator[Problem]:
    for name, schema in wanted.items() if isinstance(value, dict) else ():
        if name in value:
            yield from _check(value[name], schema, defs, f"{where}/{name}")


def _additional(value: Any, wanted: Any, schema: Mapping[str, Any], defs: Any, where: str) -> Iterator[Problem]:
    if not isinstance(value, dict) or wanted is True:
        return
    for name in [name for name in value if name not in schema.get("properties", {})]:
        if wanted is False:
            yield Problem(f"{where}/{name}", "unknown field", "only the fields of the published schema")
        else:
            yield from _check(value[name], wanted, defs, f"{where}/{name}")


def _items(value: Any, wanted: Mapping[str, Any], _s: Any, defs: Any, where: str) -> Iterator[Problem]:
    for i, item in enumerate(value if isinstance(value, list) else ()):
        yield from _check(item, wanted, defs, f"{where}/{i}")


def _pattern(value: Any, wanted: str, _s: Any, _d: Any, where: str) -> Iterator[Problem]:
    if isinstance(value, str) and not re.search(wanted, value):
        yield Problem(where, f"{value!r}", f"text that matches {wanted}")


def _minimum(value: Any, wanted: float, _s: Any, _d: Any, where: str) -> Iterator[Problem]:
    if isinstance(value, (int, float)) and value < wanted:
        yield Problem(where, f"{value}", f"at least {wanted}")


def _maximum(value: Any, wanted: float, _s: Any, _d: Any, where: str) -> Iterator[Problem]:
    if isinstance(value, (int, float)) and value > wanted:
        yield Problem(where, f"{value}", f"at most {wanted}")


def _min_length(value: Any, wanted: int, _s: Any, _d: Any, where: str) -> Iterator[Problem]:
    if isinstance(value, str) and len(value) < wanted:
        yield Problem(where, f"{value!r}", f"at least {wanted} characters")


def _checked_before(*_: Any) -> Iterator[Problem]:
    return iter(())


_KEYWORDS = {
    "type": _checked_before,
    "const": _const,
    "required": _required,
    "properties": _properties,
    "additionalProperties": _additional,
    "items": _items,
    "pattern": _pattern,
    "minimum": _minimum,
    "maximum": _maximum,
    "minLength": _min_length,
}
