"""The main job and the verbs over tables on every engine: the same bytes everywhere. Minutes, so all of it is slow."""

import json
import os
import shutil
import subprocess
import sys
import time
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
PUBLISHED = ("shards", "audit", "kept")
SHARED = ROOT / "../shared/data"
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
    """Everything that a reader of the run sees, by path."""
    files = [run / "manifest.json", *(path for name in PUBLISHED for path in sorted((run / name).glob("*.parquet")))]
    return {str(path.relative_to(run)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    run = tmp_path_factory.mktemp("local") / "run"
    warcmill("run", *INPUTS, "-o", run, "--workers", "2")
    return digests(run)


@pytest.mark.parametrize("engine", [pytest.param(n, marks=[needs_java] if n == "spark" else []) for n in ENGINES])
def test_the_main_job_is_the_same_on_every_engine(tmp_path, expected, engine):
    warcmill("run", *INPUTS, "-o", tmp_path / "run", "--workers", "2", *ENGINES[engine])
    assert digests(tmp_path / "run") == expected


@pytest.fixture
def job_service(tmp_path):
    """The port of a Beam job service: what --runner=FlinkRunner and SparkRunner start, and then talk to alike."""
    module, port = "apache_beam.runners.portability.local_job_service_main", tmp_path / "port"
    with (tmp_path / "log").open("wb") as log:
        service = subprocess.Popen([sys.executable, "-m", module, "--port_file", port], stdout=log, stderr=log)
    for _ in range(3000):
        if port.exists() and port.read_text():
            break
        assert service.poll() is None, (tmp_path / "log").read_text()
        time.sleep(0.1)
    yield port.read_text()
    service.kill()
    service.wait()


def test_the_main_job_is_the_same_through_a_job_service(tmp_path, expected, job_service):
    options = ["--runner=PortableRunner", f"--job_endpoint=localhost:{job_service}", "--environment_type=LOOPBACK"]
    warcmill("run", *INPUTS, "-o", tmp_path / "run", "--engine", "beam", "--", *options)
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


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared (the project's data folder beside the checkout)")
@pytest.mark.parametrize("engine", ["beam", pytest.param("spark", marks=needs_java)])
def test_archives_of_others_give_the_same_on_every_engine(tmp_path, engine):
    archives = sorted((SHARED / "warc").glob("**/ok/*.warc*")) + sorted((SHARED / "warc").glob("**/ok/*.arc*"))
    for name in ("local", engine):
        warcmill("run", *archives, "-o", tmp_path / name, "--workers", "2", *ENGINES.get(name, ()))
    assert digests(tmp_path / engine) == digests(tmp_path / "local")


def rows():
    """Copies, copies with an end cut off, and different pages."""
    for number in range(60):
        words = [f"w{(number // 3) * 1_000 + k * k % 997}" for k in range(120)]
        text = " ".join(words if number % 3 else words[:90])
        yield {"id": f"d{number:03d}", "text": f"{text} {number}" if number % 3 == 2 else text, "source": "made"}


@pytest.mark.parametrize("engine", ["beam", pytest.param("spark", marks=needs_java)])
def test_verbs_over_tables_give_the_same_on_every_engine(tmp_path, engine):
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows()))
    item = {"id": "i1", "benchmark": "made", "text": " ".join(f"w{1000 + k * k % 997}" for k in range(20, 50))}
    (tmp_path / "items.jsonl").write_text(json.dumps(item) + "\n")
    verbs = {"dedup": (), "decontaminate": ("--against", tmp_path / "items.jsonl"), "tokenize": ()}
    for verb, options in verbs.items():
        for name in ("local", engine):
            run = tmp_path / f"{verb}-{name}"
            warcmill(verb, tmp_path / "in.jsonl", "-o", run, "--workers", "2", *options, *ENGINES.get(name, ()))
        assert digests(tmp_path / f"{verb}-{engine}") == digests(tmp_path / f"{verb}-local")
        assert len(digests(run)) > 1


@pytest.mark.parametrize("engine", ["beam", pytest.param("spark", marks=needs_java)])
def test_crawls_with_an_index_and_rounds_of_stars_are_the_same_on_every_engine(tmp_path, engine):
    lines = [json.dumps(row) + "\n" for row in rows()]
    for number in range(2):
        (tmp_path / f"crawl{number}.jsonl").write_text("".join(lines[number::2]))
    found = {}
    for name, edges in (("local", 1_000), (engine, 0)):
        index = tmp_path / f"index-{name}"
        for number in range(2):
            run = tmp_path / f"run{number}-{name}"
            options = ("--index", index, "--max-edges-in-memory", edges, "--workers", "2", "--max-source-loss", "1")
            warcmill("dedup", tmp_path / f"crawl{number}.jsonl", "-o", run, *options, *ENGINES.get(name, ()))
        files = [path for path in sorted(index.rglob("*")) if path.is_file() and path.suffix != ".json"]
        parts = {str(path.relative_to(index)).split("/", 2)[2]: path.read_bytes() for path in files if path.suffix}
        found[name] = parts, [digests(tmp_path / f"run{number}-{name}") for number in range(2)]
    assert found[engine] == found["local"]
    assert len(found["local"][0]) >= 5  # keys, texts and graph of both crawls
