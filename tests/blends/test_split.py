"""Validation split: by cluster, in shards of its own, never in training, exported apart."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from blends_support import CORPUS, document, make_run, seal

from blends.blend_compile import compile_blend
from blends.blend_config import parse_blend
from blends.export import export
from blends.manifest import load_manifest
from blends.plan import save_plan
from blends.reader import TokenDataset, read_documents
from blends.shards import TokenizeConfig
from blends.split import split_of
from blends.takedown import request_of, take_down
from blends.verify import verify_shards
from pipeline.errors import UsageError

SHARE = 0.25


def documents(name: str) -> list:
    """Three near-duplicates per cluster."""
    made = [document(f"{CORPUS[i % 32]} {name} {i}", i, cluster_id=f"{name}-{i // 3}") for i in range(90)]
    for each in made:
        each.url = f"https://{name}.example/{each.offset}"
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("split")
    for name in ("web", "math"):
        make_run(made / name, documents(name), TokenizeConfig(tokens_per_shard=500, validation_share=SHARE))
    blend = 'name = "b"\nsequence_length = 16\nsources = [{name = "web", manifest = "web"}, {name = "math", manifest = "math"}]\n'
    blend += '[[phases]]\nname = "first"\ntokens = 1600\nweights = { web = 0.5, math = 0.5 }'
    save_plan(compile_blend(parse_blend(blend), made), made / "plan.json", made)
    return made


def ids(run: Path, split: str) -> set[str]:
    return {row["doc_id"] for row in read_documents(run, split=split, columns=["doc_id"])}


def test_no_cluster_straddles(folder: Path) -> None:
    run = folder / "web"
    assert verify_shards(run) == []
    clusters = [{row["cluster_id"] for row in read_documents(run, split=split)} for split in ("train", "validation")]
    assert not clusters[0] & clusters[1]
    assert clusters[1] == {f"web-{i}" for i in range(30) if split_of(f"web-{i}", SHARE) == "validation"}
    assert 2 < len(clusters[1]) < 15
    manifest = json.loads((run / "manifest.json").read_bytes())
    assert manifest["splits"]["validation"]["documents"] == 3 * len(clusters[1])
    assert ids(run, "all") == {each.id for each in documents("web")}


def test_a_larger_share_keeps_what_a_smaller_one_holds_out() -> None:
    names = [f"cluster {i}" for i in range(2000)]
    held = [{name for name in names if split_of(name, share) == "validation"} for share in (0, 0.01, 0.3, 0.9)]
    assert held[0] == set()
    assert held[0] <= held[1] <= held[2] <= held[3]
    assert 500 < len(held[2]) < 700


def test_without_a_share_shards_are_as_before(tmp_path: Path) -> None:
    make_run(tmp_path, documents("web"), TokenizeConfig(tokens_per_shard=500))
    manifest = json.loads((tmp_path / "manifest.json").read_bytes())
    assert "splits" not in manifest
    assert all("split" not in shard and "/shard-" in shard["path"] for shard in manifest["shards"])
    assert TokenDataset(tmp_path, split="validation").samples == 0


def test_training_never_sees_what_is_held_out(folder: Path) -> None:
    held = [tuple(row["input_ids"]) for row in read_documents(folder / "web", split="validation")]
    train = [tuple(row["input_ids"]) for row in read_documents(folder / "web")]
    for split, expected in (("train", train), ("validation", held)):
        dataset = TokenDataset(folder / "web", sequence_length=1, split=split)
        tokens = [int(sample["input_ids"][0]) for sample in dataset]
        assert len(tokens) == sum(map(len, expected))
    state = TokenDataset(folder / "web", sequence_length=8).state_dict(2)
    with pytest.raises(Exception, match="another plan"):
        TokenDataset(folder / "web", sequence_length=8, split="validation", state=state)


def test_a_plan_validates_on_what_its_sources_hold_out(folder: Path) -> None:
    held = sum(row["n_tokens"] for name in ("web", "math") for row in read_documents(folder / name, split="validation"))
    dataset = TokenDataset(folder / "plan.json", split="validation")
    assert dataset.samples == pytest.approx(held // 16, abs=1)
    assert len(list(dataset)) == dataset.samples
    assert all(
        len(sample["input_ids"]) == 32
        for sample in TokenDataset(folder / "plan.json", split="validation", sequence_length=32)
    )


def test_exports_keep_splits_apart(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "megatron"
    export(folder / "plan.json", "megatron", out)
    data = json.loads((out / "01-first.json").read_bytes())
    assert [Path(p).name for p in data["train"][1::2]] == ["web", "math"]
    assert [Path(p).name for p in data["valid"][1::2]] == ["web--validation", "math--validation"]
    assert sum(map(float, data["valid"][::2])) == pytest.approx(1)
    held = sum(row["n_tokens"] for row in read_documents(folder / "web", split="validation"))
    assert (out / "web--validation.bin").stat().st_size == 4 * held
    export(folder / "web", "megatron", tmp_path / "run")
    assert json.loads((tmp_path / "run" / "run.json").read_bytes())["valid"] == [
        "1.0",
        f"{tmp_path}/run/run--validation",
    ]
    export(folder / "web", "mds", tmp_path / "mds")
    for split in ("train", "validation"):
        index = json.loads((tmp_path / "mds" / split / "index.json").read_bytes())
        assert sum(shard["samples"] for shard in index["shards"]) == len(ids(folder / "web", split))
    export(folder / "web", "jsonl", tmp_path / "jsonl")
    lines = [
        json.loads(line)
        for path in (tmp_path / "jsonl").glob("validation-*.jsonl")
        for line in path.read_text().splitlines()
    ]
    assert {row["doc_id"] for row in lines} == ids(folder / "web", "validation")


def test_a_takedown_reaches_the_validation_split(folder: Path, tmp_path: Path) -> None:
    (gone, *_) = sorted(ids(folder / "web", "validation"))
    take_down(folder / "web", request_of(ids=[gone]), "x", tmp_path / "child")
    assert verify_shards(tmp_path / "child") == []
    assert ids(tmp_path / "child", "validation") == ids(folder / "web", "validation") - {gone}
    assert ids(tmp_path / "child", "train") == ids(folder / "web", "train")


def test_a_wrong_split_is_found(folder: Path, tmp_path: Path) -> None:
    run = shutil.copytree(folder / "web", tmp_path / "run")
    manifest, _ = load_manifest(run)
    manifest["splits"]["validation_share"] = 0.2
    seal(run, manifest)
    assert "belongs to the other split" in "\n".join(map(str, verify_shards(run)))
    manifest["splits"]["train"]["tokens"] += 1
    seal(run, manifest)
    assert "the sums of splits" in "\n".join(map(str, verify_shards(run)))


def test_a_share_out_of_range_is_refused() -> None:
    for share in (-0.1, 1.0):
        with pytest.raises(UsageError, match="share out of range"):
            TokenizeConfig(validation_share=share)
