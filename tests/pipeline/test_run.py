"""The main job on the bundled sample, in real worker processes."""

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.engines.local import LocalConfig
from pipeline.errors import UsageError, WarcmillError
from pipeline.inspection import explain, sample, verify_run
from pipeline.io.inputs import expand_inputs
from pipeline.recipe import load_recipe
from pipeline.run import RunConfig, run

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
INPUTS = [str(SAMPLES / "sample.warc.gz"), str(SAMPLES / "sample-2.warc.gz")]


class Recorder:
    """Remembers which phases ran."""

    def __init__(self) -> None:
        self.phases: list[str] = []

    def begin(self, phase, tasks): ...

    def progress(self, finished, records): ...

    def end(self, phase, counters):
        self.phases.append(phase)


def start(output, inputs=INPUTS, *, workers=2, recipe="default", max_records=None):
    recorder = Recorder()
    config = RunConfig(
        tuple(expand_inputs(inputs)), output, load_recipe(recipe), max_records, LocalConfig(workers=workers)
    )
    return run(config, recorder), recorder.phases


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    output = tmp_path_factory.mktemp("finished") / "run"
    manifest, phases = start(output)
    assert phases[0] == "inputs"
    assert phases[-1] == "shards"
    return output, manifest


def digests(output):
    shards = sorted((output / "shards").glob("*.parquet"))
    return [path.read_bytes() for path in [output / "manifest.json", *shards]]


def test_every_record_is_accounted_for(finished):
    _, manifest = finished
    rows = manifest["funnel"][0]["rows_in"]
    lost = sum(drop["rows"] for drop in manifest["drops"])
    assert rows == manifest["totals"]["documents"] + lost
    assert rows > 60


def test_shards_hold_what_the_manifest_says(finished):
    output, manifest = finished
    tables = [pq.read_table(output / shard["path"]) for shard in manifest["shards"]]
    assert sum(table.num_rows for table in tables) == manifest["totals"]["documents"]
    eos = manifest["tokenizer"]["eos_id"]
    assert all(ids[-1] == eos for table in tables for ids in table["input_ids"].to_pylist())


def test_verify_finds_nothing_wrong_and_everything_wrong(finished, tmp_path):
    output, _ = finished
    assert verify_run(output)[1] == []
    damaged = tmp_path / "damaged"
    shutil.copytree(output, damaged)
    victim = next((damaged / "phases").glob("*-clean/data/*.parquet"))
    victim.write_bytes(victim.read_bytes()[:-1])
    assert [problem.where for problem in verify_run(damaged)[1]] == [str(victim)]


def test_a_second_run_does_nothing(finished):
    output, manifest = finished
    before = digests(output)
    again, phases = start(output)
    assert phases == []
    assert again == manifest
    assert digests(output) == before


def test_workers_and_input_order_do_not_matter(finished, tmp_path):
    output, _ = finished
    start(tmp_path / "run", INPUTS[::-1], workers=1)
    assert digests(tmp_path / "run") == digests(output)


def test_no_path_host_or_time_in_the_manifest(finished):
    output, _ = finished
    text = (output / "manifest.json").read_text()
    assert str(output) not in text
    assert str(SAMPLES.parent) not in text


def forget_phases(run, first):
    """Remove a phase and all behind it."""
    folders = sorted((run / "phases").iterdir())
    names = [folder.name.partition("-")[2] for folder in folders]
    for folder in folders[names.index(first) :]:
        shutil.rmtree(folder)


def test_a_stopped_run_continues_to_the_same_end(finished, tmp_path):
    output, _ = finished
    stopped = tmp_path / "run"
    shutil.copytree(output, stopped)
    for name in ("manifest.json", "_SUCCESS"):
        (stopped / name).unlink()
    forget_phases(stopped, "classify")  # as if killed while classifying
    shutil.rmtree(stopped / "shards")
    _, phases = start(stopped)
    assert phases[0] == "classify"
    assert digests(stopped) == digests(output)


def test_a_flipped_byte_between_phases_stops_the_run(finished, tmp_path):
    output, _ = finished
    stopped = tmp_path / "run"
    shutil.copytree(output, stopped)
    forget_phases(stopped, "propose-rows")
    victim = next((stopped / "phases").glob("*-classify/data/*.parquet"))
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    with pytest.raises(WarcmillError, match="sha256"):
        start(stopped)


def test_another_recipe_is_refused(finished):
    output, _ = finished
    with pytest.raises(UsageError, match="begun with another recipe"):
        start(output, recipe="nemotron-cc-math-4plus")
    with pytest.raises(UsageError, match="max_records was None, is 3"):
        start(output, max_records=3)


def test_other_inputs_are_refused(finished):
    output, _ = finished
    with pytest.raises(UsageError, match="names"):
        start(output, INPUTS[:1])


def test_max_records_counts_responses_of_each_archive(tmp_path):
    manifest, _ = start(tmp_path / "run", max_records=5, workers=1)
    assert manifest["funnel"][0]["rows_in"] == 10


@pytest.mark.parametrize("recipe", ["nemotron-cc-math-3plus", "nemotron-cc-math-4plus"])
def test_the_published_recipes_run(tmp_path, recipe):
    manifest, _ = start(tmp_path / "run", recipe=recipe)
    assert manifest["recipe"]["name"] == recipe
    assert 0 < manifest["totals"]["documents"] < manifest["funnel"][0]["rows_out"]


def test_explain_tells_the_whole_story(finished):
    output, manifest = finished
    rejected = next(drop for drop in manifest["drops"] if drop["stage"] == "classify")
    kept = pq.read_table(output / manifest["shards"][0]["path"], columns=["url", "doc_id"]).to_pylist()[0]
    steps = explain(output, kept["doc_id"])
    assert [step.phase for step in steps] == ["render", "classify", "clean", "shards"]
    assert {step.facts["id"] for step in explain(output, kept["url"])} >= {kept["doc_id"]}
    shown = "".join(sample(output, rejected=True, stage="classify", count=3, seed=0, chars=100))
    assert "rejected by classify" in shown
    assert rejected["rows"] > 0
    with pytest.raises(WarcmillError, match="no page"):
        explain(output, "https://example.org/never-crawled")


def test_duplicates_carry_their_survivor(finished):
    output, _ = finished
    audits = [pq.read_table(path).to_pylist() for path in sorted((output / "audit").glob("*.parquet"))]
    kept = {row["doc_id"] for path in (output / "shards").glob("*.parquet") for row in pq.read_table(path).to_pylist()}
    fuzzy = [row for rows in audits for row in rows if row["rule"] != "exact"]
    assert fuzzy
    assert all(row["kept_id"] in kept and row["removed_id"] not in kept for row in fuzzy)


def test_a_changed_input_is_refused(tmp_path):
    warc = tmp_path / "copy.warc.gz"
    warc.write_bytes(Path(INPUTS[1]).read_bytes())
    start(tmp_path / "run", [str(warc)], max_records=2)
    warc.write_bytes(warc.read_bytes() + b"\n")
    with pytest.raises(UsageError, match="bytes now"):
        start(tmp_path / "run", [str(warc)], max_records=2)


def test_run_json_notes_each_session(finished):
    output, _ = finished
    sessions = json.loads((output / "run.json").read_text())["sessions"]
    assert sessions[0]["phase_seconds"]["render"] > 0
