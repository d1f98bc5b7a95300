"""Needs of a phase: read from a recipe, refused where wrong, and said to Beam and Spark in their own terms."""

import pytest
from engine_work import quiet, tasks

from pipeline.engines.local import LocalConfig
from pipeline.engines.resources import DEFAULT, Resources, require_phases, resources_of
from pipeline.errors import UsageError
from pipeline.io.commit import PhaseDirectory
from pipeline.recipe import load_recipe

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
