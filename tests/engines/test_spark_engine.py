"""The Spark engine in a real JVM: same bytes, same verdicts, a lost worker retried, errors that say what to do."""

import os
from functools import partial

import pytest
from engine_work import FAULTS, importable, killing_its_engine, mapped, whole_job
from work_for_tests import losing, misbehaving

from pipeline.engines.choose import open_engine
from pipeline.engines.local import LocalConfig, LocalEngine
from pipeline.errors import ConservationError, UsageError, WarcmillError

pytest.importorskip("pyspark", reason="needs the spark extra: make setup-dev")

from pipeline.engines.spark import java_command, parse_options, require_java, require_master

LIMITS = LocalConfig(workers=2)


@pytest.fixture(scope="module")
def spark():
    if java_command() is None:
        pytest.skip("needs Java: apt-get install openjdk-17-jre-headless, or set JAVA_HOME")
    importable(os.environ)
    with open_engine("spark", ["--master=local[2,4]"], LIMITS) as engine:
        yield engine


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_spark_gives_the_same_bytes_as_local_whatever_happens(spark, tmp_path):
    with LocalEngine(LIMITS) as local:
        expected = whole_job(local, tmp_path / "local")
        clean = mapped(local, tmp_path / "clean", partial(misbehaving, faults={}))
    assert whole_job(spark, tmp_path / "spark") == expected
    assert expected[0]["counters"]["failed"] == len(FAULTS)
    # kill -9 of the Python worker in the middle of a shard: Spark runs the task again
    marker = tmp_path / "marker"
    assert mapped(spark, tmp_path / "killed", partial(killing_its_engine, marker=str(marker))) == clean
    assert marker.exists()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_an_error_arrives_as_itself_and_the_rest_resumes(spark, tmp_path):
    with pytest.raises(ConservationError, match="2 rows in, but 1 out"):
        mapped(spark, tmp_path / "p", losing)
    assert mapped(spark, tmp_path / "p", partial(misbehaving, faults={}))["counters"]["failed"] == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--mastr=x"], "unrecognized arguments"),
        (["--master=sprak://host:7077"], "is not a master URL"),
        (["--conf", "spark.executor.memory"], "not spark.KEY=VALUE"),
        (["--conf", "executor.memory=1g"], "not spark.KEY=VALUE"),
    ],
)
def test_wrong_options_are_refused(options, words):
    with pytest.raises(UsageError, match=words):
        parse_options(options)


def test_options_are_read():
    options = parse_options(["--master", "yarn", "--conf=spark.a=b=c", "--conf", "spark.d=e"])
    assert (options.master, options.conf) == ("yarn", (("spark.a", "b=c"), ("spark.d", "e")))


def fake_java(folder, version):
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2020-01-01' >&2\n")
    java.chmod(0o755)
    return str(folder)


@pytest.mark.parametrize(
    ("java", "spark_version", "fits"),
    [
        ("1.8.0_292", "4.0.1", False),
        ("11.0.2", "4.3.0", False),
        ("17.0.15", "4.3.0", True),
        ("1.8.0_292", "3.5.1", True),
    ],
)
def test_java_must_be_new_enough(tmp_path, monkeypatch, java, spark_version, fits):
    monkeypatch.setenv("JAVA_HOME", fake_java(tmp_path / "java", java))
    if fits:
        require_java(spark_version)
    else:
        with pytest.raises(UsageError, match="is Java") as caught:
            require_java(spark_version)
        assert "openjdk-17-jre-headless" in caught.value.hint


def test_no_java_is_one_message_with_the_fix(tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(UsageError, match="Java is not installed") as caught:
        require_java("4.3.0")
    assert "apt-get install openjdk-17-jre-headless" in caught.value.hint


def test_an_unreachable_master_is_named_at_once(monkeypatch):
    with pytest.raises(WarcmillError, match="no Spark master answers") as caught:
        require_master("spark://127.0.0.1:1")
    assert "make spark-demo" in caught.value.hint
    monkeypatch.delenv("HADOOP_CONF_DIR", raising=False)
    monkeypatch.delenv("YARN_CONF_DIR", raising=False)
    with pytest.raises(UsageError, match="HADOOP_CONF_DIR"):
        require_master("yarn")
