"""What a user reads when an engine cannot start: one message with the fix, no traceback, no waiting, no run begun."""

import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = str(ROOT / "samples" / "sample.warc.gz")
pytestmark = pytest.mark.slow
needs_beam = pytest.mark.skipif(
    not any(Path(sysconfig.get_path("purelib")).glob("apache_beam")), reason="needs the beam extra: make setup-dev"
)
needs_java = pytest.mark.skipif(
    not (os.environ.get("JAVA_HOME") or shutil.which("java")),
    reason="needs Java: apt-get install openjdk-17-jre-headless",
)
BEAM, SPARK = ["--engine", "beam", "--"], ["--engine", "spark", "--"]
DATAFLOW = [*BEAM, "--runner=DataflowRunner", "--region=us-east1"]
JAVA = "apt-get install openjdk-17-jre-headless"


def refused(output, arguments, code, python=sys.executable, timeout_s=240, **environment):
    """The message of `warcmill run` that does not begin."""
    command = [str(python), "-m", "pipeline.cli", "run", SAMPLE, "-o", str(output), *arguments]
    environ = {k: v for k, v in os.environ.items() if k not in ("HADOOP_CONF_DIR", "YARN_CONF_DIR")} | environment
    done = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=timeout_s, check=False
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("warcmill: ") == 1
    assert not (output / "_SUCCESS").exists()
    return " ".join(done.stderr.split())


@needs_beam
@pytest.mark.parametrize(
    ("arguments", "words", "fix"),
    [
        ([*BEAM, "--direct_num_worker=2"], "Beam has no such option", "Did you mean --direct_num_workers"),
        ([*BEAM, "--direct_num_workers=two"], "invalid int value", "Beam's pipeline options"),
        ([*BEAM, "--runner=FlumeRunner"], "Beam cannot load the runner", "FnApiRunner"),
        ([*DATAFLOW, "--project=my-project"], "missing --temp_location", "Beam's pipeline options"),
        ([*DATAFLOW, "--project=my-project", "--temp_location=/tmp/x"], "is no bucket", "gs://BUCKET/FOLDER"),
        ([*DATAFLOW, "--project=p", "--temp_location=gs://bbb/x"], "Invalid Project ID", "Beam's pipeline options"),
        (["--engine", "local", "--", "--x=1"], "no options of its own", "--engine beam or --engine spark"),
    ],
)
def test_wrong_beam_options(tmp_path, arguments, words, fix):
    said = refused(tmp_path / "run", arguments, 2)
    assert words in said
    assert fix in said


@needs_java
@pytest.mark.parametrize(
    ("arguments", "code", "words", "fix"),
    [
        (["--mastr=local[2]"], 2, "unrecognized arguments", "--master URL, --name NAME or --conf KEY=VALUE"),
        (["--master=sprak://h:7077"], 2, "is not a master URL", "spark://HOST:PORT"),
        (["--conf", "executor.memory=1g"], 2, "is not spark.KEY=VALUE", "--conf spark.executor.memory=8g"),
        (["--master=yarn"], 2, "HADOOP_CONF_DIR is not set", "export HADOOP_CONF_DIR=FOLDER"),
        (["--master=spark://127.0.0.1:1"], 1, "no Spark master answers: Connection refused", "make spark-demo"),
        (["--master=spark://no-such-host.invalid:7077"], 1, "no Spark master answers", "make spark-demo"),
        (["--master=spark://127.0.0.1"], 1, "no Spark master answers", "make spark-demo"),
    ],
)
def test_wrong_spark_options_and_masters_that_are_not_there(tmp_path, arguments, code, words, fix):
    said = refused(tmp_path / "run", [*SPARK, *arguments], code)
    assert words in said
    assert fix in said


@needs_java
def test_something_else_listens_where_the_master_should(tmp_path):
    """It takes connections and says nothing: Spark gives up by itself, and so do we."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        said = refused(tmp_path / "run", [*SPARK, f"--master=spark://127.0.0.1:{server.getsockname()[1]}"], 1)
    assert "spark://127.0.0.1" in said


@pytest.mark.parametrize("environment", [{"JAVA_HOME": "/nonexistent"}, {"PATH": "/nonexistent", "JAVA_HOME": ""}])
def test_java_is_not_there(tmp_path, environment):
    pytest.importorskip("pyspark", reason="needs the spark extra: make setup-dev")
    said = refused(tmp_path / "run", SPARK[:2], 2, **environment)
    assert "Java is not installed" in said
    assert JAVA in said


@pytest.fixture(scope="module")
def core(tmp_path_factory):
    """An environment with all that this one has but Beam, Spark and the clients of object stores."""
    folder = tmp_path_factory.mktemp("core") / "venv"
    venv.create(folder, symlinks=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.lower().startswith(
            ("apache_beam", "pyspark", "s3fs", "gcsfs", "__editable__", "__pycache__")
        ):
            (packages / entry.name).symlink_to(entry)
    return folder / "bin" / "python"


@pytest.mark.parametrize(
    ("arguments", "words", "extra"),
    [
        (["--engine", "beam"], "apache_beam is not installed", "beam"),
        (["--engine", "spark"], "pyspark is not installed", "spark"),
    ],
)
def test_an_engine_is_not_installed(tmp_path, core, arguments, words, extra):
    said = refused(tmp_path / "run", arguments, 2, python=core)
    assert words in said
    assert f"pip install 'warcmill[{extra}]'" in said


@pytest.mark.parametrize(("protocol", "extra"), [("s3", "s3"), ("gs", "gcs")])
def test_the_client_of_a_store_is_not_installed(core, protocol, extra):
    command = [str(core), "-m", "pipeline.cli", "run", SAMPLE, "-o", f"{protocol}://bucket/run"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert f"pip install 'warcmill[{extra}]'" in done.stderr
