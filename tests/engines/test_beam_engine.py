"""The Beam engine on a real runner: same bytes, same verdicts, errors that say what to do."""

import os
from functools import partial

import pytest
from engine_work import FAULTS, importable, killing_its_engine, mapped, quiet, tasks, whole_job
from work_for_tests import losing, misbehaving

from pipeline.engines.choose import open_engine
from pipeline.engines.local import LocalConfig, LocalEngine
from pipeline.errors import ConservationError, UsageError
from pipeline.io.commit import PhaseDirectory

pytest.importorskip("apache_beam", reason="needs the beam extra: make setup-dev")

LIMITS = LocalConfig(workers=2)
IN_MEMORY = ("--direct_running_mode=in_memory", "--direct_num_workers=1")
PROCESSES = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")


def test_beam_gives_the_same_bytes_and_verdicts_as_local(tmp_path):
    with LocalEngine(LIMITS) as local:
        expected = whole_job(local, tmp_path / "local")
    seen = []
    with open_engine("beam", (), LIMITS) as beam:
        assert whole_job(beam, tmp_path / "beam") == expected
        rows = mapped(beam, tmp_path / "more", partial(misbehaving, faults={}), 2, lambda *now: seen.append(now))
        assert seen[-1] == (2, rows["counters"]["rows_in"])
    assert expected[0]["counters"]["failed"] == len(FAULTS)


def test_an_error_arrives_as_itself_and_the_rest_resumes(tmp_path):
    with open_engine("beam", IN_MEMORY, LIMITS) as beam:
        with pytest.raises(ConservationError, match="2 rows in, but 1 out"):
            mapped(beam, tmp_path / "p", losing)
        assert list((tmp_path / "p" / "_failed").glob("*.json"))
        mapped(beam, tmp_path / "p", partial(misbehaving, faults={}))
        assert not (tmp_path / "p" / "_failed").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--direct_num_worker=2"], "Did you mean --direct_num_workers"),
        (["--direct_running_mode=multi_tasking"], "invalid choice"),
        (["--runner=FlumeRunner"], "Unexpected pipeline runner"),
        (["--runner=DataflowRunner"], "project"),
    ],
)
def test_wrong_options_are_refused_before_any_work(options, words):
    with pytest.raises(UsageError, match=words):
        open_engine("beam", options, LIMITS)


def test_the_dataflow_job_graph_builds_offline(tmp_path):
    from pipeline.engines.beam import build_pipeline

    options = [
        "--runner=DataflowRunner",
        "--project=my-project",
        "--region=europe-west1",
        "--temp_location=gs://bucket-of-mine/tmp",
        "--staging_location=gs://bucket-of-mine/staging",
        "--job_name=crawl",
    ]
    directory = PhaseDirectory(tmp_path / "p", "render")
    proto = build_pipeline(options, LIMITS, directory, tasks(3), quiet).to_runner_api()
    steps = [t for t in proto.components.transforms.values() if not t.subtransforms and t.unique_name]
    kinds = {step.spec.urn for step in steps}
    assert "beam:transform:pardo:v1" in kinds
    assert "beam:transform:group_by_key:v1" in kinds  # Reshuffle: without it all tasks fuse into one worker's bundle
    assert not any("write" in step.unique_name.lower() for step in steps)


@pytest.mark.slow
def test_processes_give_the_same_also_when_one_is_killed(tmp_path):
    importable(os.environ)
    produce = partial(killing_its_engine, marker=str(tmp_path / "marker"))
    with LocalEngine(LIMITS) as local:
        expected = mapped(local, tmp_path / "local", partial(misbehaving, faults={}))
    with open_engine("beam", PROCESSES, LIMITS) as beam:
        assert mapped(beam, tmp_path / "beam", produce) == expected
        assert (tmp_path / "marker").exists()
        assert whole_job(beam, tmp_path / "more")[0]["counters"]["failed"] == len(FAULTS)


def test_direct_runner_is_the_one_that_needs_no_download():
    from apache_beam.options.pipeline_options import StandardOptions

    from pipeline.engines.beam import beam_options

    assert beam_options(["--runner=DirectRunner"], LIMITS).view_as(StandardOptions).runner == "FnApiRunner"
