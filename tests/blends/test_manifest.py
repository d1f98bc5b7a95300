"""The manifest: purity, sums, the published schema, and agreement of our checker with jsonschema."""

from __future__ import annotations

import base64
import copy
import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pyarrow as pa
import pytest
from blends_support import document, make_run, manifest_input
from hypothesis import given
from hypothesis import strategies as st

from blends.manifest import build_manifest, check_form, check_sums, load_manifest, manifest_schema
from blends.manifest_types import RowGroup, ShardEntry
from blends.shards import TokenizeConfig, shard_schema
from blends.tokenizer import load_tokenizer
from pipeline.errors import ConservationError, VerificationError
from pipeline.io.commit import canonical_json
from pipeline.stage import Counters


def entry(index: int, n: int, rows: int = 2, tokens: int = 10) -> ShardEntry:
    return ShardEntry(
        path=f"shards/shard-{index:05d}-of-{n:05d}.parquet",
        sha256="9f" * 32,
        bytes=100,
        rows=rows,
        tokens=tokens,
        row_groups=(RowGroup(rows, tokens),),
        min_key=index << 62,
        max_key=(index << 62) + 2**61,
    )


def parts():
    counters = Counters(rows_in=4, rows_out=4)
    counters.tallies.update({"tokens:math": 5, "tokens:code": 3, "tokens:prose": 8, "tokens:eos": 4})
    identity = load_tokenizer("deepseek").identity
    return manifest_input([entry(0, 2), entry(1, 2)], identity, TokenizeConfig(seed=9), 4, counters)


@pytest.fixture
def manifest() -> dict:
    return json.loads(canonical_json(build_manifest(parts())))


def test_totals_funnel_and_drops_add_up(manifest: dict) -> None:
    assert manifest["totals"] == {
        "shards": 2,
        "bytes": 200,
        "documents": 4,
        "tokens": 20,
        "tokens_by_kind": {"code": 3, "eos": 4, "math": 5, "prose": 8},
        "rows_in": 7,
        "rows_dropped": 3,
    }
    assert manifest["drops"] == [
        {"phase": "extract", "stage": "", "reason": "failed", "rows": 1},
        {"phase": "extract", "stage": "extract", "reason": "blank", "rows": 1},
        {"phase": "extract", "stage": "prefilter", "reason": "no_math", "rows": 1},
    ]
    assert [phase["skipped"] for phase in manifest["funnel"]] == [{"request": 7}, {}]
    assert check_form(manifest) == check_sums(manifest) == []


def test_keys_survive_as_text(manifest: dict) -> None:
    assert manifest["shards"][1]["max_key"] == "6000000000000000"
    assert ShardEntry.from_json(manifest["shards"][1]) == entry(1, 2)
    empty = replace(entry(0, 1), min_key=None, max_key=None)
    assert ShardEntry.from_json(empty.to_json()) == empty


def test_order_of_inputs_does_not_matter_and_order_of_phases_does() -> None:
    given_parts = parts()
    turned = replace(given_parts, inputs=given_parts.inputs[::-1])
    assert canonical_json(build_manifest(turned)) == canonical_json(build_manifest(given_parts))
    with pytest.raises(ConservationError):
        build_manifest(replace(given_parts, phases=given_parts.phases[::-1]))


def test_the_stored_schema_is_the_shard_schema(manifest: dict) -> None:
    raw = base64.b64decode(manifest["schema"]["arrow_ipc_base64"])
    schema = pa.ipc.read_schema(pa.py_buffer(raw))
    assert schema.equals(shard_schema(load_tokenizer("deepseek").identity), check_metadata=True)
    assert [column["type"] for column in manifest["schema"]["columns"]][:3] == [
        "string",
        "list<element: int32>",
        "int32",
    ]


@pytest.mark.parametrize(
    ("where", "change"),
    [
        ("rows", lambda p: replace(p, shards=[entry(0, 2), entry(1, 2, rows=1)])),
        ("tokens", lambda p: replace(p, shards=[entry(0, 2), entry(1, 2, tokens=11)])),
        ("missing shard", lambda p: replace(p, shards=[entry(0, 2)])),
        ("order of shards", lambda p: replace(p, shards=[entry(1, 2), entry(0, 2)])),
        ("phase", lambda p: replace(p, phases=p.phases[:1])),
    ],
)
def test_a_manifest_that_does_not_add_up_is_never_built(where: str, change) -> None:
    with pytest.raises(ConservationError):
        build_manifest(change(parts()))


# other tokenizers than tokenizer.json; runs with a validation split; children of a takedown
OPTIONAL = {"unmatched", "format", "settings", "split", "splits", "parent", "takedowns", "tombstones", "removed"}


def test_the_published_schema_is_valid_strict_and_documented() -> None:
    schema = manifest_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    objects = [schema, *nested_objects(schema)]
    assert len(objects) > 10
    for found in objects:
        if "properties" in found:
            assert found["additionalProperties"] is False
            assert set(found["properties"]) - set(found["required"]) <= OPTIONAL
            assert set(found["required"]) <= set(found["properties"])
    for name, field in schema["properties"].items():
        assert field.get("description"), name


def nested_objects(node: object) -> list[dict]:
    if isinstance(node, list):
        return [found for item in node for found in nested_objects(item)]
    if not isinstance(node, dict):
        return []
    inner = [found for value in node.values() for found in nested_objects(value)]
    return [node, *inner] if node.get("type") == "object" else inner


def positions(node: object, path: tuple = ()) -> list[tuple]:
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(p for key, child in children for p in positions(child, (*path, key)))]


def at(node, path):
    for key in path:
        node = node[key]
    return node


JUNK = st.sampled_from([None, True, -1, 0, 1.5, "", "x", "../x", [], {}, [None], {"x": 1}])
BUILT = json.loads(canonical_json(build_manifest(parts())))
VALIDATOR = jsonschema.Draft202012Validator(manifest_schema())


@given(st.data())
def test_our_checker_agrees_with_jsonschema_on_mutations(data: st.DataObject) -> None:
    mutated = copy.deepcopy(BUILT)
    path = data.draw(st.sampled_from([p for p in positions(mutated) if p]))
    parent = at(mutated, path[:-1])
    action = data.draw(st.sampled_from(["replace", "delete", "add"]))
    if action == "replace":
        parent[path[-1]] = data.draw(JUNK)
    elif action == "delete":
        del parent[path[-1]]
    elif isinstance(parent, dict):
        parent["unexpected"] = data.draw(JUNK)
    assert VALIDATOR.is_valid(mutated) == (check_form(mutated) == [])


def test_jsonschema_accepts_a_real_run(tmp_path: Path) -> None:
    made = make_run(tmp_path, [document(f"Text number {n}.", n) for n in range(5)], TokenizeConfig())
    VALIDATOR.validate(json.loads(tmp_path.joinpath("manifest.json").read_bytes()))
    assert load_manifest(tmp_path) == load_manifest(tmp_path / "manifest.json")
    assert load_manifest(tmp_path)[0] == json.loads(canonical_json(made))


def test_no_path_of_this_machine_in_the_manifest(tmp_path: Path) -> None:
    make_run(tmp_path, [document("Text.")], TokenizeConfig())
    content = tmp_path.joinpath("manifest.json").read_text()
    assert str(tmp_path) not in content
    assert str(Path.home()) not in content


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_another_version_is_refused(version: object, manifest: dict, tmp_path: Path) -> None:
    from blends_support import seal

    seal(tmp_path, manifest | {"version": version})
    with pytest.raises(VerificationError, match=f"manifest version {version}"):
        load_manifest(tmp_path)
