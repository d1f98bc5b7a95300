"""Parquet exports: the same rows, splits and phases as Hugging Face's own loader sees them."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from blends_support import CORPUS, document, make_run

import blends.export
from blends.blend_compile import compile_blend
from blends.blend_config import parse_blend
from blends.export import export
from blends.plan import save_plan
from blends.reader import TokenDataset, read_documents
from blends.shards import TokenizeConfig

BLEND = """
name = "b"
sequence_length = 24
sources = [{ name = "web", manifest = "web" }]
[[phases]]
name = "first"
tokens = 2400
weights = { web = 1 }
[[phases]]
name = "long"
tokens = 1000
sequence_length = 300
weights = { web = 1 }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("parquet")
    documents = [document(f"{CORPUS[i % 32]} {i}", i) for i in range(60)]
    make_run(made / "web", documents, TokenizeConfig(tokens_per_shard=700, validation_share=0.3))
    save_plan(compile_blend(parse_blend(BLEND), made), made / "plan.json", made)
    return made


@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_run_is_its_rows(folder: Path, tmp_path: Path, split: str) -> None:
    export(folder / "web", "parquet", tmp_path / "out")
    files = sorted((tmp_path / "out" / "data").glob(f"{split}-*.parquet"))
    rows = [row for file in files for row in pq.read_table(file).to_pylist()]
    assert rows == list(read_documents(folder / "web", split=split))
    assert len(files) > 1 or split == "validation"


def test_a_plan_is_its_samples(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blends.export, "_SAMPLES_PER_FILE", 24 * 30)
    export(folder / "plan.json", "parquet", tmp_path / "out")
    files = [f for phase in ("01-first", "02-long") for f in sorted((tmp_path / "out" / phase).glob("*.parquet"))]
    rows = [row for file in files for row in pq.read_table(file).to_pylist()]
    assert [row["input_ids"] for row in rows] == [s["input_ids"].tolist() for s in TokenDataset(folder / "plan.json")]
    assert [row["sample"] for row in rows] == list(range(len(rows)))
    held = [row for f in (tmp_path / "out" / "validation").glob("*.parquet") for row in pq.read_table(f).to_pylist()]
    assert len(held) == TokenDataset(folder / "plan.json", split="validation").samples


def test_a_stopped_export_resumes_to_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        export(folder / "plan.json", "parquet", tmp_path / name)
    (tmp_path / "b" / "_SUCCESS").unlink()
    sorted((tmp_path / "b" / "_commit").iterdir())[0].unlink()
    export(folder / "plan.json", "parquet", tmp_path / "b")
    first, again = (
        {p.relative_to(tmp_path / n): p.read_bytes() for p in (tmp_path / n).rglob("*") if p.is_file()} for n in "ab"
    )
    assert first == again


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_hugging_face_finds_splits_and_phases(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets", reason="needs datasets: pip install datasets")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    export(folder / "web", "parquet", tmp_path / "run")
    for split in ("train", "validation"):
        rows = datasets.load_dataset(str(tmp_path / "run"), split=split, streaming=True)
        expected = [row["input_ids"] for row in read_documents(folder / "web", split=split)]
        assert [row["input_ids"] for row in rows] == expected
    export(folder / "plan.json", "parquet", tmp_path / "plan")
    samples = [sample["input_ids"].tolist() for sample in TokenDataset(folder / "plan.json")]
    found = []
    for phase in ("01-first", "02-long"):
        found += [
            row["input_ids"]
            for row in datasets.load_dataset(str(tmp_path / "plan"), phase, split="train", streaming=True)
        ]
    assert found == samples
