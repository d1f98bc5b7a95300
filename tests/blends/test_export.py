"""Exports hold exactly our documents and samples: read back here by readers written from the formats' descriptions."""

from __future__ import annotations

import itertools
import json
import signal
import struct
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from blends_support import CORPUS, document, make_run

import blends.export
import blends.export_rows
import blends.shards
from blends.blend_compile import compile_blend
from blends.blend_config import parse_blend
from blends.export import export
from blends.plan import load_plan, save_plan
from blends.reader import TokenDataset, read_documents
from blends.shards import TokenizeConfig
from pipeline.errors import UsageError, VerificationError

BLEND = """
name = "b"
sequence_length = 24
sources = [
  { name = "web", manifest = "web", buckets = [{ name = "high", where = { min_quality = 0.5 } }] },
  { name = "math", manifest = "math" },
]
[[phases]]
name = "first"
tokens = 2400
weights = { web = 0.75, math = 0.25 }
[[phases]]
name = "long"
tokens = 1000
sequence_length = 300
weights = { "web/high" = 1 }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("export")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blends.shards, "ROW_GROUP_ROWS", 7)
        for name, count in (("web", 50), ("math", 20)):
            texts = [CORPUS[i % 32] + f" {name} {i}" for i in range(count)]
            documents = [document(text, i, quality=(i % 10) / 10) for i, text in enumerate(texts)]
            make_run(made / name, documents, TokenizeConfig(tokens_per_shard=700))
    save_plan(compile_blend(parse_blend(BLEND), made), made / "plan.json", made)
    return made


def read_megatron(prefix: Path) -> list[list[int]]:
    index, ids = (
        prefix.with_name(prefix.name + ".idx").read_bytes(),
        prefix.with_name(prefix.name + ".bin").read_bytes(),
    )
    assert index[:9] == b"MMIDIDX\x00\x00"
    version, code, sequences, documents = struct.unpack_from("<QBQQ", index, 9)
    assert (version, documents) == (1, sequences + 1)
    dtype = {4: "<i4", 8: "<u2"}[code]
    lengths = np.frombuffer(index, "<i4", sequences, 34)
    offsets = np.frombuffer(index, "<i8", sequences, 34 + 4 * sequences)
    assert np.frombuffer(index, "<i8", documents, 34 + 12 * sequences).tolist() == list(range(documents))
    assert len(index) == 34 + 12 * sequences + 8 * documents
    found = [np.frombuffer(ids, dtype, n, at).tolist() for n, at in zip(lengths, offsets, strict=True)]
    assert sum(lengths) * np.dtype(dtype).itemsize == len(ids)
    return found


def read_mds(folder: Path) -> list[dict]:
    index = json.loads((folder / "index.json").read_bytes())
    assert index["version"] == 2
    rows = []
    for shard in index["shards"]:
        content = (folder / shard["raw_data"]["basename"]).read_bytes()
        assert len(content) == shard["raw_data"]["bytes"]
        assert sha256(content).hexdigest() == shard["raw_data"]["hashes"]["sha256"]
        (count,) = struct.unpack_from("<I", content)
        assert count == shard["samples"]
        offsets = struct.unpack_from(f"<{count + 1}I", content, 4)
        assert json.loads(content[8 + 4 * count : offsets[0]])["column_names"] == shard["column_names"]
        rows += [read_mds_row(content[a:b], shard) for a, b in itertools.pairwise(offsets)]
    return rows


def read_mds_row(content: bytes, shard: dict) -> dict:
    free = [size is None for size in shard["column_sizes"]]
    sizes = list(struct.unpack_from(f"<{sum(free)}I", content))
    at, row = 4 * sum(free), {}
    for name, encoding, fixed in zip(
        shard["column_names"], shard["column_encodings"], shard["column_sizes"], strict=True
    ):
        part = content[at : at + (size := fixed or sizes.pop(0))]
        row[name] = {"int": as_int, "str": bytes.decode, "ndarray:int32": as_array}[encoding](part)
        at += size
    assert at == len(content)
    return row


def as_int(part: bytes) -> int:
    return int.from_bytes(part, "little", signed=True)


def as_array(part: bytes) -> list[int]:
    width = 1 << (part[0] & 3)
    assert part[0] >> 2 == 1  # one dimension
    assert int.from_bytes(part[1 : 1 + width], "little") == (len(part) - 1 - width) // 4
    return np.frombuffer(part, "<i4", offset=1 + width).tolist()


def read_jsonl(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_megatron_of_a_run_is_its_documents(folder: Path, tmp_path: Path) -> None:
    export(folder / "web", "megatron", tmp_path / "out")
    assert read_megatron(tmp_path / "out" / "run") == [row["input_ids"] for row in read_documents(folder / "web")]


def test_small_vocabularies_take_two_bytes(folder: Path, tmp_path: Path) -> None:
    from blends.export_megatron import write_indexed
    from blends.streams import Documents

    group = Documents(np.array([1, 2, 65000, 4, 5], np.int32), np.array([2, 5]))
    write_indexed(tmp_path, "small", iter([group, group]), 65001)
    assert (tmp_path / "small.bin").stat().st_size == 20
    assert read_megatron(tmp_path / "small") == [[1, 2], [65000, 4, 5]] * 2


def test_megatron_of_a_plan_is_its_streams_and_what_to_mix(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(folder / "plan.json", "megatron", out)
    rows = list(read_documents(folder / "web"))
    high = [row["input_ids"] for row in rows if row["quality"] >= 0.49]
    assert read_megatron(out / "web--high") == high
    assert read_megatron(out / "web--rest") == [row["input_ids"] for row in rows if row["quality"] < 0.49]
    words = (out / "01-first.txt").read_text().split()
    assert len(words) % 2 == 0
    assert sum(map(float, words[::2])) == pytest.approx(1)
    assert {Path(word).name for word in words[1::2]} == {"web--high", "web--rest", "math"}
    assert all(Path(f"{word}.idx").exists() for word in words[1::2])
    assert json.loads((out / "02-long.json").read_bytes()) == {
        "train": ["1.0", f"{out}/web--high"],
        "valid": None,
        "test": None,
    }
    phases = json.loads((out / "phases.json").read_bytes())
    assert [(p["seq_length"], p["train_samples"]) for p in phases] == [(24, 100), (300, 3)]


def test_mds_of_a_run_is_its_documents(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blends.export_rows, "_MDS_BYTES", 2000)
    export(folder / "web", "mds", tmp_path / "out")
    rows = list(read_documents(folder / "web"))
    found = read_mds(tmp_path / "out")
    assert [row["tokens"] for row in found] == [row["input_ids"] for row in rows]
    for name in ("doc_id", "url", "source", "language"):
        assert [row[name] for row in found] == [row[name] for row in rows]
    sizes = [path.stat().st_size for path in (tmp_path / "out").glob("*.mds")]
    assert len(sizes) > 3
    assert max(sizes) < 3000


def test_jsonl_of_a_run_is_its_rows(folder: Path, tmp_path: Path) -> None:
    export(folder / "math", "jsonl", tmp_path / "out")
    files = sorted((tmp_path / "out").glob("*.jsonl"))
    assert [row for file in files for row in read_jsonl(file)] == list(read_documents(folder / "math"))


@pytest.mark.parametrize("form", ["mds", "jsonl"])
def test_a_plan_is_exported_in_the_order_of_training(
    folder: Path, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blends.export, "_SAMPLES_PER_FILE", 24 * 30)
    monkeypatch.setattr(blends.export, "_BATCH_TOKENS", 24 * 7)
    export(folder / "plan.json", form, tmp_path / "out")
    expected = [sample["input_ids"].tolist() for sample in TokenDataset(folder / "plan.json")]
    phases = [tmp_path / "out" / name for name in ("01-first", "02-long")]
    if form == "mds":
        rows = [row for phase in phases for row in read_mds(phase)]
        assert [row["tokens"] for row in rows] == expected
    else:
        rows = [row for phase in phases for file in sorted(phase.iterdir()) for row in read_jsonl(file)]
        assert [row["input_ids"] for row in rows] == expected
        assert len(list(phases[0].iterdir())) == 4
    assert [row["sample"] for row in rows] == list(range(103))
    assert {row["stream"] for row in rows[100:]} == {"web/high"}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("form", ["megatron", "mds", "jsonl"])
def test_a_stopped_export_resumes_to_the_same_bytes(
    folder: Path, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    whole, out = Path("a/out"), Path("b/out")
    for parent in (whole.parent, out.parent):
        parent.mkdir()
    monkeypatch.setattr(blends.export, "_SAMPLES_PER_FILE", 24 * 30)
    export(folder / "plan.json", form, whole)
    monkeypatch.setattr(blends.export, "_write_indexes", stop)
    with pytest.raises(KeyboardInterrupt):
        export(folder / "plan.json", form, out)
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path / "b")
    monkeypatch.setattr(blends.export, "_SAMPLES_PER_FILE", 24 * 30)
    commits = sorted(Path("out/_commit").iterdir())
    commits[1].unlink()
    assert not Path("out/_SUCCESS").exists()
    before = commits[0].stat().st_mtime_ns
    export(folder / "plan.json", form, Path("out"))
    assert commits[0].stat().st_mtime_ns == before
    again, first = contents(Path("out")), contents(tmp_path / "a" / "out")
    blend = {name for name in first if name.startswith("0") and name.endswith((".txt", ".json")) and "/" not in name}
    assert {k: v for k, v in again.items() if k not in blend} == {k: v for k, v in first.items() if k not in blend}
    assert not list(Path("out").rglob("_tmp"))


def stop(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


SLOW_DISK = """
import os, sys, time
from pathlib import Path
import blends.export, blends.export_files, pipeline.io.shards
sync = os.fsync
os.fsync = lambda file: (time.sleep(0.2), sync(file))
blends.export._SAMPLES_PER_FILE = 24 * 30
blends.export.export(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("source", ["plan.json", "web"])
@pytest.mark.parametrize("form", ["megatron", "mds", "jsonl", "parquet"])
def test_a_killed_export_resumes_to_the_same_bytes(folder: Path, tmp_path: Path, form: str, source: str) -> None:
    """kill -9 as soon as a part is committed, while the next is written; then the same command in the same place."""
    command = [sys.executable, "-c", SLOW_DISK, str(folder / source), form, str(tmp_path / "out")]
    killed = subprocess.Popen(command)
    while killed.poll() is None and not list((tmp_path / "out" / "_commit").glob("*.json")):
        time.sleep(0.01)
    time.sleep(0.25)
    killed.kill()
    assert killed.wait() == -signal.SIGKILL
    assert not (tmp_path / "out" / "_SUCCESS").exists()
    subprocess.run(command, check=True, timeout=300)
    found = contents(tmp_path / "out")
    (tmp_path / "out").rename(tmp_path / "resumed")  # Megatron's lists name the folder
    subprocess.run(command, check=True, timeout=300)
    assert found == contents(tmp_path / "out")


def test_a_folder_with_something_else_is_refused(folder: Path, tmp_path: Path) -> None:
    tmp_path.joinpath("mine").touch()
    with pytest.raises(UsageError, match="the folder holds something else"):
        export(folder / "web", "jsonl", tmp_path)
    export(folder / "web", "jsonl", tmp_path / "out")
    export(folder / "web", "jsonl", tmp_path / "out")
    for path, form in ((folder / "math", "jsonl"), (folder / "web", "mds")):
        with pytest.raises(UsageError, match="was written with other"):
            export(path, form, tmp_path / "out")
    with pytest.raises(VerificationError, match="no such run"):
        export(tmp_path / "none", "jsonl", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_no_stream_of_a_plan_is_forgotten(folder: Path, tmp_path: Path) -> None:
    manifest = export(folder / "plan.json", "megatron", tmp_path / "out")
    streams = load_plan(folder / "plan.json")["streams"]
    assert manifest["counters"]["rows_out"] == sum(stream["documents"] for stream in streams) == 70


HINT = "needs {0}: pip install {0} (and torch)"


@pytest.mark.slow
def test_megatrons_own_reader_agrees(folder: Path, tmp_path: Path) -> None:
    indexed = pytest.importorskip("megatron.core.datasets.indexed_dataset", reason=HINT.format("megatron-core"))
    export(folder / "plan.json", "megatron", tmp_path / "out")
    for prefix in ("web--high", "web--rest", "math"):
        dataset = indexed.IndexedDataset(str(tmp_path / "out" / prefix))
        assert [dataset[i].tolist() for i in range(len(dataset))] == read_megatron(tmp_path / "out" / prefix)
        assert dataset.document_indices.tolist() == list(range(len(dataset) + 1))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_streamings_own_reader_agrees(folder: Path, tmp_path: Path) -> None:
    streaming = pytest.importorskip("streaming", reason=HINT.format("mosaicml-streaming"))
    export(folder / "plan.json", "mds", tmp_path / "out")
    expected = [sample["input_ids"].tolist() for sample in TokenDataset(folder / "plan.json")]
    found = []
    for phase in ("01-first", "02-long"):
        local = str(tmp_path / "out" / phase)
        found += list(streaming.StreamingDataset(local=local, shuffle=False, batch_size=1, validate_hash="sha256"))
    assert [row["tokens"].tolist() for row in found] == expected
    assert [row["sample"] for row in found] == list(range(103))


@pytest.mark.slow
def test_hugging_face_reads_the_jsonl(folder: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason=HINT.format("datasets"))
    export(folder / "math", "jsonl", tmp_path / "out")
    files = sorted(map(str, (tmp_path / "out").glob("*.jsonl")))
    rows = datasets.load_dataset("json", data_files=files, split="train", streaming=True)
    assert [row["input_ids"] for row in rows] == [row["input_ids"] for row in read_documents(folder / "math")]
