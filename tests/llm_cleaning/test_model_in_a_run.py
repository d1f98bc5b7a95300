"""`warcmill run` with a model service behind its cleaning phase: same bytes on a rerun, after a kill, on other workers."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from protocol_server import keeps_sentences, serving

from pipeline.cli import warcmill
from pipeline.io import storage

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/io"))
SAMPLE = ROOT / "samples/sample.warc.gz"
RECIPE = """name = "with-a-model"
[clean]
backend = "openai"
mode = "select"
base_url = "{url}"
model = "program"
[clean.route]
enabled = false
"""


def run(folder, recipe, *more):
    arguments = ["run", str(SAMPLE), "-o", str(folder), "--recipe", str(recipe), "--max-records", "25", *more]
    return CliRunner().invoke(warcmill, arguments, catch_exceptions=False)


def outcome(folder):
    """(sha256 of the shards, tallies and verdicts of the cleaning phase)."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    (phase,) = (folder / "phases").glob("*-clean")
    tallies = json.loads((phase / "manifest.json").read_bytes())["counters"]["tallies"]
    verdicts = b"".join(path.read_bytes() for path in sorted((phase / "verdicts").glob("*.jsonl")))
    return [shard["sha256"] for shard in manifest["shards"]], tallies, verdicts


@pytest.mark.slow
def test_a_run_asks_the_service_once_and_resumes_from_what_is_stored(tmp_path):
    recipe = tmp_path / "recipe.toml"
    with serving() as server:
        recipe.write_text(RECIPE.format(url=server.url))
        assert run(tmp_path / "a", recipe, "--workers", "1").exit_code == 0
        shards, tallies, verdicts = outcome(tmp_path / "a")
        asked = len(server.bodies)
        assert asked == tallies["model_requests:select"] > 5
        assert tallies["clean_mode:select"] > 5
        rows = [json.loads(line) for line in verdicts.splitlines()]
        assert sum(row["guard_verdict"] == "pass" for row in rows) == tallies["guard:pass"]
        page = (tmp_path / "a" / "report.html").read_text(encoding="utf-8")
        assert "<h2>Cleaning</h2>" in page
        assert all(title in page for title in ("Cleaned by", "Guard", "Tokens of the model", "characters were kept"))

        # the shard's commit is lost after its answers were stored, as in a kill right before it
        (phase,) = (tmp_path / "a" / "phases").glob("*-clean")
        for path in [*(phase / "_commit").iterdir(), phase / "_SUCCESS", phase / "manifest.json"]:
            path.unlink()
        for name in ("_SUCCESS", "manifest.json"):
            (tmp_path / "a" / name).unlink()
        assert run(tmp_path / "a", recipe, "--workers", "2").exit_code == 0
        assert len(server.bodies) == asked
        assert outcome(tmp_path / "a") == (shards, tallies, verdicts)

    def slower(body):
        return keeps_sentences(body)

    with serving(slower, slow_s=0.01, faults=[500, "reset", 429, "garbage"]) as server:
        recipe.write_text(RECIPE.format(url=server.url))
        assert run(tmp_path / "b", recipe, "--workers", "2").exit_code == 0
        assert outcome(tmp_path / "b") == (shards, tallies, verdicts)


@pytest.fixture(scope="module")
def service():
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def recipe(service, tmp_path_factory):
    path = tmp_path_factory.mktemp("recipe") / "recipe.toml"
    path.write_text(RECIPE.format(url=service.url))
    return path


@pytest.fixture(scope="module")
def local(recipe, tmp_path_factory):
    """What a run on the local engine and on a local disk writes."""
    folder = tmp_path_factory.mktemp("local") / "run"
    assert run(folder, recipe, "--workers", "1").exit_code == 0
    return outcome(folder)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["beam", "spark"])
def test_every_engine_has_the_same_answers_and_writes_the_same_bytes(engine, recipe, local, tmp_path):
    pytest.importorskip({"beam": "apache_beam", "spark": "pyspark"}[engine])
    more = ("--", "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner") if engine == "beam" else ()
    assert run(tmp_path / "run", recipe, "--engine", engine, *more).exit_code == 0
    assert outcome(tmp_path / "run") == local


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
def test_a_run_in_an_object_store_keeps_its_answers_there_and_pays_once(recipe, local, service, monkeypatch):
    pytest.importorskip("moto", reason="needs moto: make setup-dev")
    from object_stores import BUCKET, s3_environment, s3_server

    with s3_server() as front:
        for name, value in s3_environment(front).items():
            monkeypatch.setenv(name, value)
        storage._filesystem.cache_clear()
        folder = storage.location(f"s3://{BUCKET}/with-a-model")
        assert run(folder, recipe, "--workers", "1").exit_code == 0
        assert outcome(folder) == local
        asked = len(service.bodies)
        (phase,) = (folder / "phases").glob("*-clean")
        assert list((phase / "responses").rglob("*.log"))
        for path in [*(phase / "_commit").iterdir(), phase / "_SUCCESS", phase / "manifest.json"]:
            path.unlink()
        for name in ("_SUCCESS", "manifest.json"):
            (folder / name).unlink()
        assert run(folder, recipe, "--workers", "1").exit_code == 0
        assert outcome(folder) == local
        assert len(service.bodies) == asked
        storage._filesystem.cache_clear()


@pytest.mark.slow
def test_a_service_that_is_not_there_stops_the_run_with_a_hint_and_blames_no_page(tmp_path):
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE.format(url="http://127.0.0.1:9/v1"))
    result = CliRunner().invoke(
        warcmill,
        [
            "run",
            str(SAMPLE),
            "-o",
            str(tmp_path / "r"),
            "--recipe",
            str(recipe),
            "--max-records",
            "5",
            "--workers",
            "1",
        ],
    )
    assert "no answer from the model service" in str(result.exception)
    assert not list((tmp_path / "r").rglob("_poison/*"))


@pytest.mark.parametrize(
    ("line", "said"), [('backend = "vllm"', "does not work inside of a run"), ('mode = "polish"', "mode one of")]
)
def test_a_recipe_that_cannot_work_is_refused(line, said, tmp_path):
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(f'name = "x"\n[clean]\n{line}\n')
    arguments = [
        "run",
        str(SAMPLE),
        "-o",
        str(tmp_path / "r"),
        "--recipe",
        str(recipe),
        "--max-records",
        "3",
        "--workers",
        "1",
    ]
    assert said in str(CliRunner().invoke(warcmill, arguments).exception)
