"""The verbs end to end: texts without ids to a run, blend of texts, takedown, diff, verify, card, diversity, exports."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from blends_support import CORPUS
from click.testing import CliRunner, Result

from blends.plan import load_plan
from blends.reader import TokenDataset, read_documents
from blends.tokenizer import load_tokenizer
from pipeline.cli import warcmill
from pipeline.errors import InputError, UsageError

pytestmark = pytest.mark.slow


def call(*arguments: object) -> Result:
    return CliRunner().invoke(warcmill, [str(argument) for argument in arguments])


def ok(*arguments: object) -> str:
    done = call(*arguments)
    assert done.exit_code == 0, done.output + repr(done.exception)
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("verbs")
    rows = [
        {
            "id": f"w{i}",
            "text": f"{CORPUS[i % 32]} {i}",
            "url": f"https://s{i % 5}.example/{i}",
            "cluster_id": f"c{i // 4}",
        }
        for i in range(60)
    ]
    (made / "web.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    ok("tokenize", made / "web.jsonl", "-o", made / "web", "--workers", 1, "--validation-share", 0.2)
    (made / "texts" / "data").mkdir(parents=True)
    contents = [f"Content {i}: $a_{{{i}}} + b$ and\n\n```\nint x = {i};\n```\n" for i in range(40)]
    for part in range(2):  # as a folder of the Hub: no ids, another name for the text
        table = pa.table({"content": contents[part * 20 : part * 20 + 20], "label": list(range(20))})
        pq.write_table(table, made / "texts" / "data" / f"train-{part:05d}-of-00002.parquet")
    blend = 'name = "b"\nsequence_length = 16\nsources = [{ name = "web", manifest = "web" },'
    blend += ' { name = "hub", data = ["texts"], text_column = "content" }]\n'
    blend += '[[phases]]\nname = "p"\ntokens = 1600\nweights = { web = 0.5, hub = 0.5 }\n'
    (made / "b.toml").write_text(blend)
    ok("blend", made / "b.toml", "-o", made / "plan.json")
    return made


def manifest_of(run: Path) -> dict:
    return json.loads((run / "manifest.json").read_bytes())


def test_texts_are_tokenized_once_into_the_cache(folder: Path, tmp_path: Path) -> None:
    (run,) = (folder / ".warcmill").iterdir()
    before = (run / "manifest.json").stat().st_mtime_ns
    ok("blend", folder / "b.toml", "-o", tmp_path / "again.json")
    assert load_plan(tmp_path / "again.json")["identity"] == load_plan(folder / "plan.json")["identity"]
    assert (run / "manifest.json").stat().st_mtime_ns == before
    rows = list(read_documents(run))
    assert {row["doc_id"] for row in rows} == {
        f"train-{part:05d}-of-00002.parquet:{i}" for part in range(2) for i in range(20)
    }
    assert {row["source"] for row in rows} == {"hub"}
    handle = load_tokenizer("deepseek")
    texts = {row["doc_id"]: handle.decode(np.array(row["input_ids"][:-1])) for row in rows}
    assert texts["train-00001-of-00002.parquet:3"].startswith("Content 23: $a_{23} + b$")
    kinds = manifest_of(run)["totals"]["tokens_by_kind"]
    assert kinds["math"] > 40 * 5
    assert kinds["code"] > 40 * 5
    assert len(list(TokenDataset(folder / "plan.json"))) == 100


def test_a_file_of_texts_may_stand_where_a_run_does(folder: Path, tmp_path: Path) -> None:
    blend = (
        (folder / "b.toml")
        .read_text()
        .replace('data = ["texts"], text_column = "content"', f'manifest = "{folder}/web.jsonl"')
    )
    (tmp_path / "b.toml").write_text(blend.replace('manifest = "web"', f'manifest = "{folder}/web"'))
    ok("blend", tmp_path / "b.toml", "-o", tmp_path / "plan.json")
    hub = next(stream for stream in load_plan(tmp_path / "plan.json")["streams"] if stream["name"] == "hub")
    assert hub["documents"] == 60


def test_changed_texts_become_another_run(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "t.jsonl.gz").write_bytes(gzip.compress(b'{"text": "one"}\n{"text": "two words"}\n{"text": null}\n'))
    blend = (folder / "b.toml").read_text().replace('"texts"', '"t.jsonl.gz"').replace(', text_column = "content"', "")
    blend = blend.replace('manifest = "web"', f'manifest = "{folder}/web"')
    (tmp_path / "b.toml").write_text(blend)
    ok("blend", tmp_path / "b.toml", "-o", tmp_path / "one.json")
    (tmp_path / "t.jsonl.gz").write_bytes(gzip.compress(b'{"text": "three"}\n'))
    ok("blend", tmp_path / "b.toml", "-o", tmp_path / "two.json")
    sizes = [
        next(s["documents"] for s in load_plan(tmp_path / f"{n}.json")["streams"] if s["name"] == "hub")
        for n in ("one", "two")
    ]
    assert sizes == [2, 1]


def test_clusters_of_the_user_decide_the_split(folder: Path) -> None:
    train, held = (
        {row["cluster_id"] for row in read_documents(folder / "web", split=s)} for s in ("train", "validation")
    )
    assert not train & held
    assert train | held == {f"c{i}" for i in range(15)}
    assert held


def test_takedown_verify_diff_and_card(folder: Path, tmp_path: Path) -> None:
    child = tmp_path / "child"
    (tmp_path / "list.txt").write_text("# owner's request\ns3.example\nid:w0\n")
    done = call("takedown", folder / "web", "--list", tmp_path / "list.txt", "--reason", "request", "-o", child)
    assert done.exit_code == 0, done.output
    assert "removed 13 documents" in done.stderr
    assert ok("verify", child).startswith("ok")
    assert "request" in (child / "datacard.md").read_text()
    assert call("diff", folder / "web", folder / "web").exit_code == 0
    changed = call("diff", folder / "web", child, "--json")
    assert changed.exit_code == 1
    assert json.loads(changed.stdout)["documents"]["removed"]["documents"] == 13
    assert "b is a takedown of a: request" in call("diff", folder / "web", child).stdout
    plan, state = folder / "plan.json", TokenDataset(folder / "plan.json").state_dict(30)
    (tmp_path / "state.json").write_text(json.dumps(state))
    ok("blend", plan, "--continue", tmp_path / "state.json", "--takedown", child, "-o", tmp_path / "next.json")
    samples = [sample["sample"] for sample in TokenDataset(tmp_path / "next.json")]
    assert samples == list(range(30, 100))
    ok("export", tmp_path / "next.json", "--format", "jsonl", "-o", tmp_path / "out")
    lines = (tmp_path / "out" / "01-p" / "000000.jsonl").read_text().splitlines()
    assert [json.loads(line)["sample"] for line in lines] == samples
    with pytest.raises(UsageError, match="not a plan, or no state"):
        raise_from(call("blend", folder / "b.toml", "--takedown", child, "--explain"))


def raise_from(done: Result) -> None:
    assert done.exception is not None
    raise done.exception


def test_diversity_and_its_place_beside_the_plan(folder: Path) -> None:
    (run,) = (folder / ".warcmill").iterdir()
    found = json.loads(ok("diversity", folder / "web", run, "--json"))
    assert found["sources"]["web"]["overlap"][run.name] == 0
    said = ok("blend", folder / "b.toml", "--explain", "--diversity")
    assert "100 samples of 16" in said
    assert "Vendi" in said


@pytest.mark.parametrize("form", ["megatron", "mds", "jsonl", "parquet"])
def test_every_format_from_the_shell(folder: Path, tmp_path: Path, form: str) -> None:
    ok("export", folder / "web", "--format", form, "-o", tmp_path / "run")
    ok("export", folder / "plan.json", "--format", form, "-o", tmp_path / "plan")
    assert (tmp_path / "run" / "_SUCCESS").exists()
    assert manifest_of(tmp_path / "run")["counters"]["rows_out"] == 60


def test_rows_that_cannot_be_texts_are_named(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text('{"body": "x"}\n')
    with pytest.raises(InputError, match="has no column 'text'"):
        raise_from(call("tokenize", tmp_path / "t.jsonl", "-o", tmp_path / "run", "--workers", 1))
    (tmp_path / "u.jsonl").write_text('{"text": 7}\n')
    with pytest.raises(InputError, match="column 'text' is int64"):
        raise_from(call("tokenize", tmp_path / "u.jsonl", "-o", tmp_path / "run2", "--workers", 1))
