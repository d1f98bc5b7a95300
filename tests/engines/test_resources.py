"""Needs of a phase: read from a recipe, refused where wrong, and said to Beam and Spark in their own terms."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from engine_work import importable, quiet, tasks

from pipeline.engines.local import LocalConfig
from pipeline.engines.resources import DEFAULT, Resources, require_phases, resources_of
from pipeline.errors import UsageError
from pipeline.io.commit import PhaseDirectory
from pipeline.recipe import load_recipe

ROOT = Path(__file__).resolve().parents[2]
CLEAN = Resources("clean", cpus=4, memory_gib=16, accelerator="nvidia-l4:2")
REST = Resources(memory_gib=3.5)
TABLES = '[[resources]]\nphase = "clean"\ncpus = 4\nmemory_gib = 16\naccelerator = "nvidia-l4:2"\n'


def test_an_entry_that_names_the_phase_wins_over_the_one_for_all():
    assert resources_of("clean", (REST, CLEAN)) == CLEAN
    assert resources_of("render", (REST, CLEAN)) == REST
    assert resources_of("render", ()) == DEFAULT


def test_a_recipe_with_resources_is_the_same_recipe(tmp_path):
    plain, with_needs = tmp_path / "a.toml", tmp_path / "b.toml"
    plain.write_text('name = "r"\n')
    with_needs.write_text(f'name = "r"\n{TABLES}')
    assert load_recipe(str(with_needs)).resources == (CLEAN,)
    assert load_recipe(str(with_needs)).resolved() == load_recipe(str(plain)).resolved()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("cpus = 0", "needs a core"),
        ("memory_gib = 0.1", "0.25 GiB or more"),
        ('accelerator = "L4 x 2"', "not NAME or NAME:COUNT"),
        ("gpus = 1", "unknown key 'gpus'"),
    ],
)
def test_wrong_needs_are_refused(tmp_path, table, words):
    (tmp_path / "r.toml").write_text(f'name = "r"\n[[resources]]\n{table}\n')
    with pytest.raises(UsageError, match=words):
        load_recipe(str(tmp_path / "r.toml"))


def test_unknown_and_repeated_phases_are_refused():
    with pytest.raises(UsageError, match="no phase 'cleaning'"):
        require_phases([Resources("cleaning")], ["clean"], "r")
    with pytest.raises(UsageError, match="two entries"):
        require_phases([REST, REST], ["clean"], "r")


def test_beam_gets_them_as_resource_hints(tmp_path):
    pytest.importorskip("apache_beam", reason="needs the beam extra: make setup-dev")
    from pipeline.engines.beam import build_pipeline

    directory = PhaseDirectory(tmp_path / "p", "clean")
    graph = build_pipeline((), LocalConfig(), directory, tasks(2), quiet, CLEAN).to_runner_api().components
    hints = [env.resource_hints for env in graph.environments.values() if env.resource_hints]
    assert {urn.split(":")[-2]: value.decode() for urn, value in hints[0].items()} == {
        "cpu_count": "4",
        "min_ram_bytes": str(16 << 30),
        "accelerator": "type:nvidia-l4;count:2;install-nvidia-driver",
    }


@pytest.mark.parametrize("dynamic", ["true", "false"])
def test_spark_gets_them_as_a_resource_profile(dynamic):
    pytest.importorskip("pyspark", reason="needs the spark extra: make setup-dev")
    from pipeline.engines.spark import resource_profile

    conf = {"spark.master": "yarn", "spark.dynamicAllocation.enabled": dynamic, "spark.executor.cores": "8"}
    profile = resource_profile(CLEAN, conf)
    assert {name: need.amount for name, need in profile.taskResources.items()} == {"cpus": 4.0, "gpu": 2.0}
    executors = {name: need.amount for name, need in profile.executorResources.items()}
    two_tasks = {"cores": 8, "memoryOverhead": 2 * 16 * 1024, "gpu": 4}
    assert executors == (two_tasks if dynamic == "true" else {})
    assert resource_profile(CLEAN, {"spark.master": "local[2,4]"}) is None
    assert resource_profile(DEFAULT, conf) is None


NEEDY = """name = "needy"
[[resources]]
phase = "render"
cpus = 2
memory_gib = 0.5
"""
CLUSTER = """exec "$0" -m pipeline.cli run "$@" --engine spark -- --master=$SPARK_MASTER --conf spark.executor.memory=512m \\
    --conf spark.eventLog.enabled=true --conf spark.eventLog.compress=false --conf "spark.eventLog.dir=file://$EVENTS" $MORE"""
DYNAMIC = "spark.dynamicAllocation.enabled=true spark.dynamicAllocation.shuffleTracking.enabled=true"


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("java"), reason="needs Java: apt-get install openjdk-17-jre-headless")
@pytest.mark.parametrize("more", ["", DYNAMIC], ids=["fixed executors", "dynamic allocation"])
def test_a_real_cluster_schedules_by_them(tmp_path, more):
    """Two workers of two cores; the rendering stage, and only that, runs under a profile with two cores a task."""
    pytest.importorskip("pyspark", reason="needs the spark extra: make setup-dev")
    (tmp_path / "events").mkdir()
    (tmp_path / "needy.toml").write_text(NEEDY)
    arguments = [str(ROOT / "samples" / "sample.warc.gz"), "-o", str(tmp_path / "run"), "--max-records", "4"]
    arguments += ["--recipe", str(tmp_path / "needy.toml")]
    environ = os.environ | {"PYTHON": sys.executable, "WORKER_CORES": "2", "EVENTS": str(tmp_path / "events")}
    environ["MORE"] = " ".join(f"--conf {setting}" for setting in more.split())
    importable(environ)
    command = [str(ROOT / "deploy/spark/standalone.sh"), "2", "sh", "-c", CLUSTER, sys.executable, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    logs = [path.read_text() for path in (tmp_path / "events").rglob("events_*")]  # beside them are checksums
    events = [json.loads(line) for text in logs for line in text.splitlines()]
    profiles = {event["Resource Profile Id"]: event for event in events if "ProfileAdded" in event["Event"]}
    needs = {key: {n: need["Amount"] for n, need in p["Task Resource Requests"].items()} for key, p in profiles.items()}
    stages = [event["Stage Info"]["Resource Profile Id"] for event in events if "StageSubmitted" in event["Event"]]
    (special,) = {profile for profile in stages if profile != 0}
    assert needs[special]["cpus"] == 2.0
    assert stages.count(special) == 1
    assert len(stages) > 10
