"""Every fault on every engine. Oracle: the manifest and shards of the undisturbed local run, byte for byte."""

import os
import shutil
import signal
import subprocess
import sys

import psutil
import pytest
from engine_runs import (
    ENGINES,
    FEW,
    KILLED_AT,
    ROOT,
    arguments,
    below,
    digests,
    ended,
    environment,
    finish,
    started,
    wait_for,
)

from pipeline.metrics import openmetrics
from pipeline.status import read_status

pytestmark = pytest.mark.slow
needs_java = pytest.mark.skipif(
    not (os.environ.get("JAVA_HOME") or shutil.which("java")),
    reason="needs Java: apt-get install openjdk-17-jre-headless",
)
ALL = pytest.mark.parametrize("engine", [pytest.param(n, marks=[needs_java] if n == "spark" else []) for n in ENGINES])


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    run = tmp_path_factory.mktemp("undisturbed") / "run"
    finish(run, "local")
    return digests(run)


def workers(driver, engine):
    """The processes that an engine runs Python in, not those that run it under supervision."""
    if engine == "spark":  # the daemon forks workers
        daemons = below(driver, "pyspark", "daemon")
        return [process for process in daemons if process.ppid() in {daemon.pid for daemon in daemons}]
    return below(driver, {"local": "spawn_main", "beam": "beam_workers"}[engine])


@ALL
def test_a_worker_is_killed_in_the_middle_of_a_shard(undisturbed, tmp_path, engine):
    driver = started("-m", "pipeline.cli", *arguments(tmp_path / "run", engine))
    render = tmp_path / "run" / "phases" / "01-render"
    wait_for(lambda: list(render.glob("*/_tmp/*.parquet")), driver)  # a shard is being written
    wait_for(lambda: workers(driver, engine), driver)[0].send_signal(signal.SIGKILL)
    assert not (render / "_SUCCESS").exists()
    ended(driver)
    assert digests(tmp_path / "run") == undisturbed


@ALL
def test_the_driver_is_killed_between_commits_and_before_success(undisturbed, tmp_path, engine):
    """Three deaths of one run, when one shard of two is there, all shards, all phases; then it finishes."""
    run = tmp_path / "run"
    driver = started("-m", "pipeline.cli", *arguments(run, engine))
    wait_for(lambda: len(list(run.glob("phases/01-render/_commit/[0-9]*.json"))), driver, pause_s=0.002)
    assert read_status(run).state == "running"
    driver.kill()
    driver.communicate()
    dead = read_status(run)
    assert (dead.state, dead.phases[-1].name, dead.phases[-1].tasks) == ("stopped", "render", 2)
    assert f'warcmill_run{{run="{run}",warcmill_run="stopped"}} 1\n' in openmetrics(dead)
    first = {path.name: path.stat().st_mtime_ns for path in run.glob("phases/01-render/_commit/[0-9]*.json")}
    for where in ("classify", "run"):
        ended(started("-c", KILLED_AT, where, *arguments(run, engine)), -signal.SIGKILL)
        assert not (run / "_SUCCESS").exists()
    finish(run, engine)
    assert digests(run) == undisturbed
    kept = {path.name: path.stat().st_mtime_ns for path in run.glob("phases/01-render/_commit/[0-9]*.json")}
    assert first.items() <= kept.items()  # what was committed is not done again


@ALL
def test_a_byte_is_flipped_between_phases(undisturbed, tmp_path, engine):
    """The next reader of the shard refuses it, and says which folders to remove; then the run is made whole."""
    run = tmp_path / "run"
    ended(started("-c", KILLED_AT, "exact-rows", *arguments(run, "local")), -signal.SIGKILL)
    shard = next(run.glob("phases/01-render/data/*.parquet"))
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    said = finish(run, engine, code=1)
    assert f"{shard}: sha256 " in said
    assert "remove that phase's folder and the later ones, then run the same command again" in said
    assert "Traceback" not in said.partition("warcmill: ")[2]
    for folder in sorted((run / "phases").iterdir())[1:]:
        shutil.rmtree(folder)
    finish(run, engine)
    assert digests(run) == undisturbed


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("needs leave to mount a tmpfs: run as root")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@ALL
def test_the_disk_is_full(undisturbed, small_disk, engine):
    run = small_disk / "run"
    said = finish(run, engine, code=1)
    assert "No space left on device" in said
    assert "free some space and run the same command again: it resumes" in said
    assert not (run / "_SUCCESS").exists()
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    finish(run, engine)
    assert digests(run) == undisturbed


POISON = """
import os, signal, time
def extract(html, url=None, **options):
    if url.endswith(os.environ.get("KILLS", "none")):
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
    if url.endswith(os.environ.get("CRASHES", "none")):
        os.kill(os.getpid(), signal.SIGSEGV)
    while url.endswith(os.environ.get("LOOPS", "none")):
        pass
    if url.endswith(os.environ.get("ALLOCATES", "none")):
        bytearray(5 << 30)
    return f"# A page\\n\\nThis is the text that was found in the page at {url}, and it is as long as others are."
"""


@pytest.fixture(scope="module")
def extractor(tmp_path_factory):
    """An extractor (a recipe may name trafilatura) that misbehaves on pages named in the environment; how to run with
    it, and a run in which it behaves.
    """
    folder = tmp_path_factory.mktemp("poison")
    (folder / "trafilatura.py").write_text(POISON)
    (folder / "recipe.toml").write_text('name = "poisoned"\n[render]\nextractor = "trafilatura"\n')
    options = ("--recipe", str(folder / "recipe.toml"), *FEW, "--record-timeout-s", "5")
    places = {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    finish(folder / "healthy", "local", options, **places)
    return options, places, folder / "healthy"


def rendered(run):
    """Addresses of the pages that were rendered."""
    import pyarrow.parquet as pq

    files = sorted(run.glob("phases/01-render/data/*.parquet"))
    return [url for file in files for url in pq.read_table(file, columns=["url"])["url"].to_pylist()]


@pytest.fixture(scope="module")
def poison(tmp_path_factory, extractor):
    """The same on three bad pages, and the local run with them."""
    options, places, healthy = extractor
    chosen = dict(zip(("CRASHES", "LOOPS", "ALLOCATES"), rendered(healthy)[2:5], strict=True))
    run = tmp_path_factory.mktemp("poisoned") / "run"
    finish(run, "local", options, **places, **chosen)
    return places | chosen, run


@ALL
def test_poison_pages_cost_themselves_only(tmp_path, extractor, poison, engine):
    (options, _, healthy), (more, local) = extractor, poison
    run = local
    if engine != "local":
        run = tmp_path / "run"
        finish(run, engine, options, **more)
    lost = {more[name] for name in ("CRASHES", "LOOPS", "ALLOCATES")}
    assert rendered(run) == [url for url in rendered(healthy) if url not in lost]
    assert len(list(run.glob("phases/01-render/_poison/*.json"))) == len(lost) == 3
    assert digests(run) == digests(local)


@pytest.mark.parametrize("engine", ["beam", pytest.param("spark", marks=needs_java)])
def test_a_worker_process_that_dies_every_time_ends_the_run(tmp_path, extractor, engine):
    """In one message, without what Beam's threads and Spark's Java have to say; and the run can be resumed."""
    options, places, healthy = extractor
    run = tmp_path / "run"
    said = finish(run, engine, options, code=1, KILLS=rendered(healthy)[2], **places)
    assert said.count("warcmill: render") == said.count("warcmill: ") == 1
    assert "in each of 4 attempts" in said
    assert "the same command resumes" in said
    assert not [word for word in ("Traceback", "Exception", "Error") if word in said], said
    finish(run, engine, options, **places)
    assert digests(run) == digests(healthy)


@needs_java
def test_a_spark_worker_jvm_is_killed_in_the_middle_of_an_exchange(undisturbed, tmp_path):
    """A cluster of two workers loses one, and its executor, while rows are spilled and merged."""
    run = tmp_path / "run"
    local = arguments(run, "local")
    inner = 'exec "$0" -m pipeline.cli "$@" --engine spark -- --master=$SPARK_MASTER'
    command = [str(ROOT / "deploy/spark/standalone.sh"), "2", "sh", "-c", inner, sys.executable, *local]
    driver = subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    wait_for(lambda: list(run.glob("phases/*-propose-rows/plan.json")), driver, pause_s=0.002)
    victim = below(driver, "org.apache.spark.deploy.worker.Worker")[0]
    lost = [victim, *psutil.Process(victim.pid).children(recursive=True)]
    for process in lost:
        process.kill()
    assert not list(run.glob("phases/*-resolve/_SUCCESS"))
    ended(driver)
    assert digests(run) == undisturbed
