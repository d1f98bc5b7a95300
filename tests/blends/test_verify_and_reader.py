"""Corruption of every kind is named; the reader refuses what verify names; a sound run passes."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from blends_support import CORPUS, document, make_run, seal

from blends.manifest_types import RowGroup, ShardEntry
from blends.reader import read_batches, read_documents
from blends.shards import TokenizeConfig, shard_schema, shuffle_key
from blends.tokenizer import load_tokenizer
from blends.verify import verify_shards
from pipeline.errors import VerificationError
from pipeline.io.shards import file_sha256

DOCUMENTS = [document(f"{text} Number {number}.", number) for number, text in enumerate(CORPUS * 3)]
CONFIG = TokenizeConfig(seed=11, tokens_per_shard=1000)


@pytest.fixture(scope="module")
def sound_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("sound")
    make_run(made, DOCUMENTS, CONFIG)
    return made


@pytest.fixture
def run(sound_run: Path, tmp_path: Path) -> Path:
    return shutil.copytree(sound_run, tmp_path / "run")


def manifest_of(run: Path) -> dict:
    return json.loads(run.joinpath("manifest.json").read_bytes())


def second_shard(run: Path) -> Path:
    return run / manifest_of(run)["shards"][1]["path"]


def said(run: Path) -> str:
    return "\n".join(map(str, verify_shards(run)))


def test_a_sound_run_has_no_problems_and_reads_in_order(run: Path) -> None:
    assert len(manifest_of(run)["shards"]) > 2
    assert verify_shards(run) == []
    rows = list(read_documents(run, checksums=True))
    assert [row["doc_id"] for row in rows] == sorted((d.id for d in DOCUMENTS), key=lambda i: (shuffle_key(11, i), i))
    handle = load_tokenizer("deepseek")
    texts = {d.id: d.text for d in DOCUMENTS}
    for row in rows:
        assert row["input_ids"].pop() == handle.identity.eos_id
        assert handle.model.decode(row["input_ids"]) == texts[row["doc_id"]]


def test_reading_some_columns(run: Path) -> None:
    batches = list(read_batches(run / "manifest.json", columns=["doc_id", "n_tokens"]))
    assert {tuple(batch.schema.names) for batch in batches} == {("doc_id", "n_tokens")}
    assert sum(batch.num_rows for batch in batches) == len(DOCUMENTS)


def test_an_empty_run_is_sound(tmp_path: Path) -> None:
    make_run(tmp_path, [], CONFIG)
    assert verify_shards(tmp_path) == []
    assert list(read_documents(tmp_path)) == []


@pytest.mark.parametrize("name", ["_SUCCESS", "manifest.json"])
def test_an_unfinished_run_is_refused(run: Path, name: str) -> None:
    run.joinpath(name).unlink()
    assert said(run) == f"{name}: missing, expected a finished run: manifest.json and _SUCCESS"
    with pytest.raises(VerificationError, match="missing"):
        next(read_documents(run))


def test_every_flipped_byte_is_found(run: Path) -> None:
    path = second_shard(run)
    content = path.read_bytes()
    for position in (0, 5, len(content) // 3, len(content) // 2, len(content) - 30, len(content) - 1):
        path.write_bytes(content[:position] + bytes([content[position] ^ 0x10]) + content[position + 1 :])
        assert "the file was altered" in said(run)
        with pytest.raises(VerificationError, match="sha256"):
            list(read_documents(run, checksums=True))


@pytest.mark.parametrize("keep", [0, 3, 500, -1])
def test_a_torn_shard_is_found(run: Path, keep: int) -> None:
    path = second_shard(run)
    path.write_bytes(path.read_bytes()[:keep])
    message = said(run)
    assert "bytes, expected" in message
    assert "not readable as Parquet" in message
    with pytest.raises(VerificationError, match="bytes"):
        list(read_documents(run))


def test_a_missing_shard_is_found(run: Path) -> None:
    path = second_shard(run)
    path.unlink()
    assert said(run).startswith(f"{path.relative_to(run)}: missing")
    with pytest.raises(VerificationError, match="missing"):
        list(read_documents(run))


def test_a_foreign_shard_is_found_and_never_read(run: Path) -> None:
    run.joinpath("shards", "shard-00009-of-00009.parquet").write_bytes(second_shard(run).read_bytes())
    assert said(run) == (
        "shards/shard-00009-of-00009.parquet: foreign file, expected only files that the manifest names"
    )
    assert len(list(read_documents(run))) == len(DOCUMENTS)


def test_a_shard_of_another_run_under_our_name_is_found(run: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    make_run(other, DOCUMENTS, replace(CONFIG, seed=12))
    second_shard(run).write_bytes(second_shard(other).read_bytes())
    assert "the file was altered" in said(run)


def test_an_edited_manifest_is_found(run: Path) -> None:
    path = run / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b'"seed": 11', b'"seed": 12'))
    assert "manifest.json: sha256 is" in said(run)
    with pytest.raises(VerificationError, match="sha256"):
        next(read_documents(run))


def test_a_torn_manifest_is_found(run: Path) -> None:
    path = run / "manifest.json"
    path.write_bytes(path.read_bytes()[:-100])
    assert "manifest.json: not JSON" in said(run)


Edit = Callable[[dict], None]
EDITS: dict[str, tuple[Edit, str]] = {
    "tokens of a row group": (
        lambda m: add(m["shards"][1]["row_groups"][0], "tokens"),
        "sum of tokens over row groups",
    ),
    "rows of a shard": (lambda m: add(m["shards"][1], "rows"), "sum of rows over row groups"),
    "bytes of a shard": (lambda m: add(m["shards"][1], "bytes"), "totals: bytes is"),
    "total tokens": (lambda m: add(m["totals"], "tokens"), "totals: tokens is"),
    "math tokens": (lambda m: add(m["totals"]["tokens_by_kind"], "math"), "totals: tokens_by_kind is"),
    "rows read": (lambda m: add(m["funnel"][0], "rows_in"), "funnel/extract: rows_out + rejected + failed is"),
    "a reject forgotten": (lambda m: m["funnel"][0]["rejected"].pop("extract:blank"), "funnel/extract"),
    "drop ledger": (lambda m: m["drops"].pop(), "drops: the drop ledger is"),
    "a phase forgotten": (lambda m: m["lineage"]["phases"].pop(), "lineage/phases"),
    "seed": (lambda m: add(m["shuffle"], "seed"), "belongs to shard"),
    "eos id": (lambda m: add(m["tokenizer"], "eos_id"), "EOS 2"),
    "vocabulary": (lambda m: m["tokenizer"].update(vocab_size=10), "ids in [0, 10)"),
    "tokenizer": (lambda m: m["tokenizer"].update(sha256="0" * 64), "schema"),
    "first key": (lambda m: m["shards"][1].update(min_key="0" * 16), "shuffle key of the first row"),
    "last key": (lambda m: m["shards"][1].update(max_key="f" * 16), "shuffle key of the last row"),
    "recipe": (lambda m: m["recipe"]["resolved"].update(seed=1), "manifest.json/recipe/sha256"),
    "Arrow schema": (lambda m: m["schema"].update(arrow_ipc_base64="AAAA"), "arrow_ipc_base64: another schema"),
    "no base64": (lambda m: m["schema"].update(arrow_ipc_base64="é"), "arrow_ipc_base64: another schema"),
    "column": (lambda m: m["schema"]["columns"].pop(), "manifest.json/schema/columns"),
    "seed too large": (lambda m: m["shuffle"].update(seed=2**64), "at most 9007199254740991"),
    "path outside": (lambda m: m["shards"][1].update(path="../x.parquet"), "text that matches ^shards/"),
    "unknown field": (lambda m: m.update(host="here"), "manifest.json/host: unknown field"),
    "field gone": (lambda m: m["totals"].pop("documents"), "manifest.json/totals/documents: missing"),
    "text for a number": (
        lambda m: m["shards"][1].update(rows="7"),
        "manifest.json/shards/1/rows: a value of type str",
    ),
    "format": (lambda m: m.update(format="other"), "not a warcmill manifest"),
}


def add(where: dict, key: str) -> None:
    where[key] += 1


@pytest.mark.parametrize("name", EDITS)
def test_a_wrong_number_under_a_right_checksum_is_found(name: str, run: Path) -> None:
    """Whoever edits the manifest and re-seals it is still caught by the sums or by the shards."""
    edit, message = EDITS[name]
    manifest = manifest_of(run)
    edit(manifest)
    seal(run, manifest)
    assert message in said(run)


Change = Callable[[pa.Table], pa.Table]


def set_column(table: pa.Table, name: str, values: list) -> pa.Table:
    index = table.schema.get_field_index(name)
    return table.set_column(index, table.schema.field(index), pa.array(values, table.schema.field(index).type))


def edit_ids(table: pa.Table, edit: Callable[[list[int]], list[int]]) -> pa.Table:
    ids = table["input_ids"].to_pylist()
    return set_column(table, "input_ids", [edit(ids[0]), *ids[1:]])


CHANGES: dict[str, tuple[Change, str]] = {
    "no EOS": (lambda t: edit_ids(t, lambda ids: [*ids[:-1], 7]), "EOS once, at the end of each document"),
    "EOS inside": (lambda t: edit_ids(t, lambda ids: [1, *ids[1:]]), "EOS once, at the end of each document"),
    "EOS first": (lambda t: edit_ids(t, lambda ids: [1, *ids[1:-1], 7]), "EOS once, at the end of each document"),
    "negative id": (lambda t: edit_ids(t, lambda ids: [-1, *ids[1:]]), "ids in [0, 129280)"),
    "id too large": (lambda t: edit_ids(t, lambda ids: [129_280, *ids[1:]]), "ids in [0, 129280)"),
    "a token less": (lambda t: edit_ids(t, lambda ids: ids[1:]), "n_tokens differs from the length of input_ids"),
    "two rows swapped": (lambda t: t.take([1, 0, *range(2, t.num_rows)]), "rows in order of (shuffle key, doc_id)"),
    "a row twice": (lambda t: t.take([0, 0, *range(2, t.num_rows)]), "twice, expected every document once"),
    "a null token": (lambda t: edit_ids(t, lambda ids: [None, *ids[1:]]), "nulls inside input_ids"),
    "an empty id": (
        lambda t: set_column(t, "doc_id", ["", *t["doc_id"].to_pylist()[1:]]),
        "shuffle key of the first row",
    ),
    "a null": (lambda t: set_column(t, "url", [None, *t["url"].to_pylist()[1:]]), "nulls in url"),
    "an unknown id": (
        lambda t: set_column(t, "doc_id", ["f" * 32, *t["doc_id"].to_pylist()[1:]]),
        "shuffle key of the first row",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_wrong_content_under_right_checksums_is_found(name: str, run: Path) -> None:
    """Shard and manifest agree byte for byte, yet a row breaks what the manifest promises."""
    change, message = CHANGES[name]
    rewrite(run, change)
    assert message in said(run)


def rewrite(run: Path, change: Change, **options: object) -> None:
    """Change the second shard and re-seal the manifest with its new digest, size and row groups."""
    path, manifest = second_shard(run), manifest_of(run)
    table = change(pq.read_table(path))
    pq.write_table(table, path, **options)
    entry = manifest["shards"][1]
    entry["sha256"], size = file_sha256(path), path.stat().st_size
    manifest["totals"]["bytes"] += size - entry["bytes"]
    entry["bytes"] = size
    seal(run, manifest)


def test_a_dropped_row_group_is_found(run: Path) -> None:
    rewrite(run, lambda t: t, row_group_size=4)
    assert "row groups, expected 1 row groups" in said(run)
    with pytest.raises(VerificationError, match="rows per row group"):
        list(read_documents(run))


def test_a_dropped_row_is_found(run: Path) -> None:
    rewrite(run, lambda t: t.slice(1))
    assert "rows per row group" in said(run)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.drop_columns(["url"]),
        lambda t: t.rename_columns(["id", *t.schema.names[1:]]),
        lambda t: t.replace_schema_metadata({}),
        lambda t: t.set_column(2, "n_tokens", t["n_tokens"].cast(pa.int64())),
    ],
)
def test_another_schema_is_found(change: Change, run: Path) -> None:
    rewrite(run, change)
    assert "schema" in said(run)


def test_the_same_document_in_two_shards_is_found(run: Path) -> None:
    """It keeps its key, so it lies outside the second shard's range."""
    first = pq.read_table(run / manifest_of(run)["shards"][0]["path"])
    rewrite(run, lambda t: pa.concat_tables([first.slice(0, 1), t.slice(1)]))
    assert "belongs to shard 0" in said(run)


def test_problems_are_bounded_per_shard(run: Path) -> None:
    rewrite(run, lambda t: t.take(list(range(t.num_rows))[::-1]))
    assert 0 < len(verify_shards(run)) <= 10


def test_entry_round_trip_of_a_real_run(run: Path) -> None:
    for data in manifest_of(run)["shards"]:
        entry = ShardEntry.from_json(data)
        assert entry.to_json() == data
        assert all(isinstance(group, RowGroup) for group in entry.row_groups)
    assert copy.deepcopy(manifest_of(run)) == manifest_of(run)


def test_shards_know_their_tokenizer(run: Path) -> None:
    metadata = pq.read_schema(second_shard(run)).metadata
    assert metadata == shard_schema(load_tokenizer("deepseek").identity).metadata
    assert metadata[b"warcmill.eos_id"] == b"1"
