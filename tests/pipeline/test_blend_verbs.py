"""`warcmill blend` and `warcmill export` from the shell."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "blends"))
from blends_support import CORPUS, document, make_run

from blends.reader import TokenDataset, read_documents
from blends.shards import TokenizeConfig
from blends.tokenizer import load_tokenizer
from blends.verify import verify_shards

BLEND = """
name = "two"
sequence_length = 32
[[sources]]
name = "web"
manifest = "web"
[[sources]]
name = "math"
manifest = "math/manifest.json"
[[phases]]
name = "first"
tokens = 3200
weights = { web = 0.75, math = 0.25 }
"""


def call(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("blend")
    for name in ("web", "math"):
        texts = [f"{text} {name} {i}" for i, text in enumerate(CORPUS * 2)]
        make_run(made / name, [document(t, i) for i, t in enumerate(texts)], TokenizeConfig(tokens_per_shard=600))
    (made / "b.toml").write_text(BLEND)
    return made


def test_a_blend_is_explained_and_written(folder: Path, tmp_path: Path) -> None:
    done = call("blend", folder / "b.toml", "--explain", "-o", tmp_path / "plan.json")
    assert done.returncode == 0, done.stderr
    assert "first: 100 samples of 32 = 3,200 tokens" in done.stdout
    assert "75.00%" in done.stdout
    assert len(list(TokenDataset(tmp_path / "plan.json"))) == 100
    done = call("report", tmp_path / "plan.json")
    assert done.stdout == f"{tmp_path}/plan.html\n", done.stderr
    page = (tmp_path / "plan.html").read_text()
    assert all(words in page for words in ("warcmill blend: ", "75.0 %", "Diversity and redundancy", "of it in math"))


def test_weights_change_while_training(folder: Path, tmp_path: Path) -> None:
    assert call("blend", folder / "b.toml", "-o", tmp_path / "plan.json").returncode == 0
    state = TokenDataset(tmp_path / "plan.json").state_dict(40)
    (tmp_path / "state.json").write_text(json.dumps(state))
    new = (
        BLEND.replace("3200", "1920")
        .replace("web = 0.75, math = 0.25", "math = 1")
        .replace('"web"', f'"{folder}/web"', 2)
    )
    new = new.replace(f'name = "{folder}/web"', 'name = "web"').replace('"math/', f'"{folder}/math/')
    (tmp_path / "new.toml").write_text(new)
    done = call("blend", tmp_path / "new.toml", "--continue", tmp_path / "state.json", "-o", tmp_path / "plan-2.json")
    assert done.returncode == 0, done.stderr
    plan = json.loads((tmp_path / "plan-2.json").read_bytes())
    assert sorted(entry["tokens"] for entry in plan["start"].values()) == [320, 960]
    assert len(list(TokenDataset(tmp_path / "plan-2.json"))) == 60


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["blend", "{folder}/b.toml"], 2, "-o PLAN or --explain"),
        (["blend", "{folder}/none.toml", "--explain"], 2, "cannot read the blend"),
        (["blend", "{folder}/b.toml", "--continue", "{folder}/b.toml", "--explain"], 2, "cannot read the state"),
    ],
)
def test_errors_say_what_and_where(folder: Path, arguments: list[str], code: int, words: str) -> None:
    done = call(*(argument.format(folder=folder) for argument in arguments))
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_plan_is_exported(folder: Path, tmp_path: Path) -> None:
    assert call("blend", folder / "b.toml", "-o", tmp_path / "plan.json").returncode == 0
    done = call("export", tmp_path / "plan.json", "--format", "jsonl", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "100 rows in 1 files" in done.stderr
    rows = [json.loads(line) for line in (tmp_path / "out" / "01-first" / "000000.jsonl").read_text().splitlines()]
    assert [row["sample"] for row in rows] == list(range(100))


def test_rows_become_a_run_that_reads_like_any_other(tmp_path: Path) -> None:
    rows = [{"id": f"d{i}", "text": f"{text} {i}", "quality": 0.5} for i, text in enumerate(CORPUS)]
    rows += [{"id": "none", "text": None}, {"id": "blank", "text": " "}]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = call("tokenize", tmp_path / "in.jsonl", "-o", tmp_path / "run", "--workers", 1, "--seed", 7)
    assert done.returncode == 0, done.stderr
    assert verify_shards(tmp_path / "run") == []
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_bytes())
    assert manifest["funnel"][0]["rejected"] == {"read:no_text": 1, "read:blank": 1}
    assert manifest["funnel"][1]["rejected"] == {}
    assert "in.jsonl:33  no_text: 'text' is null" in done.stderr
    assert "in.jsonl:34  blank: 'text' is blank" in done.stderr
    handle = load_tokenizer("deepseek")
    assert "Data card" in (tmp_path / "run" / "datacard.md").read_text()
    assert call("report", tmp_path / "run").returncode == 0
    assert "Diversity and redundancy" in (tmp_path / "run" / "report.html").read_text()
    found = {row["doc_id"]: handle.model.decode(row["input_ids"][:-1]) for row in read_documents(tmp_path / "run")}
    assert found == {row["id"]: row["text"] for row in rows[:-2]}
    again = call("tokenize", tmp_path / "in.jsonl", "-o", tmp_path / "run", "--workers", 1, "--seed", 7)
    assert "nothing to do" in again.stderr
    other = call("tokenize", tmp_path / "in.jsonl", "-o", tmp_path / "run", "--workers", 1, "--seed", 8)
    assert other.returncode == 2


def test_files_of_one_name_and_rows_of_one_id(tmp_path: Path) -> None:
    """As data sets of the Hub have them: a folder per language, the same file names, ids that begin anew."""
    for language, first in (("en", 0), ("de", 28)):
        rows = [{"id": i, "text": f"{text} {language}"} for i, text in enumerate(CORPUS, first)]
        (tmp_path / "in" / language).mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "in" / language / "train-0.parquet")
    done = call("tokenize", tmp_path / "in", "-o", tmp_path / "run", "--workers", 1)
    assert done.returncode == 0, done.stderr
    # de comes first; its ids are 28 to 59, those of en 0 to 31
    for line, id_ in enumerate(range(28, 31), 29):
        place = f"en/train-0.parquet:{line}  duplicate_id: the id '{id_}' is that of de/train-0.parquet:{id_ - 27}"
        assert place in done.stderr
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_bytes())
    assert manifest["funnel"][1]["rejected"] == {"tokenize:duplicate_id": 4}
    assert [entry["name"] for entry in manifest["inputs"]] == ["de/train-0.parquet", "en/train-0.parquet"]
    handle = load_tokenizer("deepseek")
    found = {row["doc_id"]: handle.model.decode(row["input_ids"][:-1]) for row in read_documents(tmp_path / "run")}
    expected = {str(i): f"{text} en" for i, text in enumerate(CORPUS)}
    assert found == expected | {str(i): f"{text} de" for i, text in enumerate(CORPUS, 28)}
    assert verify_shards(tmp_path / "run") == []
    own = ["--id-column", "", "--workers", 1]
    assert call("tokenize", tmp_path / "in", "-o", tmp_path / "own", *own).returncode == 0
    assert {row["doc_id"] for row in read_documents(tmp_path / "own")} == {
        f"{language}/train-0.parquet:{n}" for language in ("en", "de") for n in range(1, 33)
    }


def test_texts_are_sources_and_say_what_could_not_be_used(tmp_path: Path) -> None:
    for number, name in enumerate(("a.jsonl", "b.jsonl")):
        rows = [{"text": f"{text} {number} {i}", "quality": i / 64} for i, text in enumerate(CORPUS * 2)]
        (tmp_path / "texts").mkdir(exist_ok=True)
        (tmp_path / "texts" / name).write_text("".join(json.dumps(row) + "\n" for row in rows) + "{torn\n")
    text = 'name="t"\nsequence_length=16\n[[sources]]\nname="web"\ndata=["texts"]\n[[sources.buckets]]\nname="high"\n'
    text += 'where={min_quality=0.5}\n[[phases]]\nname="p"\ntokens=1600\nweights={web=1}\n'
    (tmp_path / "b.toml").write_text(text)
    done = call("blend", tmp_path / "b.toml", "-o", tmp_path / "plan.json")
    assert done.returncode == 0, done.stderr
    assert "web: 2 of 130 rows cannot be used" in done.stderr
    run = next((tmp_path / ".warcmill").glob("web-*"))
    assert {row["doc_id"] for row in read_documents(run)} == {f"{x}.jsonl:{n}" for x in "ab" for n in range(1, 65)}
    again = call("blend", tmp_path / "b.toml", "--explain")  # from the cache, with the same words
    assert "web/high" in again.stdout
    assert "web: 2 of 130 rows cannot be used" in again.stdout
    assert "tokenized" not in again.stderr
    assert len(list(TokenDataset(tmp_path / "plan.json"))) == 100
