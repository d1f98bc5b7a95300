"""The main job on every engine: the same sha256 of the manifest and of every shard. Minutes, so all of it is slow."""

import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from engine_work import exchanged, importable, mapped
from work_for_tests import misbehaving

from pipeline.engines.choose import open_engine
from pipeline.engines.local import LocalConfig, LocalEngine

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
INPUTS = [str(ROOT / "samples" / name) for name in ("sample.warc.gz", "sample-2.warc.gz")]
CLUSTER = str(ROOT / "deploy" / "spark" / "standalone.sh")
ENGINES = {
    "beam": ["--engine", "beam"],
    "beam-one": ["--engine", "beam", "--", "--direct_num_workers=1"],
    "beam-processes": ["--engine", "beam", "--", "--direct_running_mode=multi_processing", "--direct_num_workers=2"],
    "spark": ["--engine", "spark", "--", "--master=local[2,4]"],
}
needs_java = pytest.mark.skipif(
    not (os.environ.get("JAVA_HOME") or shutil.which("java")),
    reason="needs Java: apt-get install openjdk-17-jre-headless",
)


def warcmill(*arguments, before=()):
    environ = dict(os.environ, PYTHON=sys.executable)
    importable(environ)
    command = [*before, sys.executable, "-m", "pipeline.cli", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, timeout=1200, check=False)
    assert done.returncode == 0, done.stderr.decode()[-4000:]


def digests(run):
    files = [run / "manifest.json", *sorted((run / "shards").glob("*.parquet")), *sorted((run / "audit").iterdir())]
    return {path.name: path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    run = tmp_path_factory.mktemp("local") / "run"
    warcmill("run", *INPUTS, "-o", run, "--workers", "2")
    return digests(run)


@pytest.mark.parametrize("engine", [pytest.param(n, marks=[needs_java] if n == "spark" else []) for n in ENGINES])
def test_the_main_job_is_the_same_on_every_engine(tmp_path, expected, engine):
    warcmill("run", *INPUTS, "-o", tmp_path / "run", "--workers", "2", *ENGINES[engine])
    assert digests(tmp_path / "run") == expected


@needs_java
def test_the_main_job_is_the_same_on_a_standalone_cluster(tmp_path, expected):
    inner = f'exec "$0" -m pipeline.cli run "$@" -o \'{tmp_path / "run"}\' --engine spark -- --master=$SPARK_MASTER'
    environ = dict(os.environ, PYTHON=sys.executable)
    importable(environ)
    command = [CLUSTER, "2", "sh", "-c", inner, sys.executable, *INPUTS]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, timeout=1200, check=False)
    assert done.returncode == 0, done.stderr.decode()[-4000:]
    assert digests(tmp_path / "run") == expected


@pytest.mark.parametrize("engine", ["beam", pytest.param("spark", marks=needs_java)])
def test_every_verdict_and_partition_is_the_same(tmp_path, engine):
    importable(os.environ)
    produce = partial(misbehaving, faults={(0, 3): "crash", (1, 5): "memory", (2, 0): "exception", (2, 9): "timeout"})
    limits = LocalConfig(workers=2, record_timeout_s=10.0)
    with LocalEngine(limits) as local:
        documents = mapped(local, tmp_path / "local", produce)
        exchanges = {count: exchanged(local, tmp_path / f"local-{count}", count) for count in (1, 2, 7)}
    with open_engine(engine, (), limits) as other:
        assert mapped(other, tmp_path / engine, produce) == documents
        assert {count: exchanged(other, tmp_path / f"{engine}-{count}", count) for count in (1, 2, 7)} == exchanges
    assert documents["counters"]["failed"] == 4
