"""Whole runs in object stores: disturbed, killed, on every engine. Oracle: the undisturbed local run, byte for byte."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from hashlib import sha256
from pathlib import Path

import pytest

os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
for needed in ("s3fs", "gcsfs", "moto"):
    pytest.importorskip(needed, reason="needs the s3 and gcs extras and moto: make setup-dev")

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "io"))
from object_stores import BUCKET, gcs_environment, gcs_server, no_fault, s3_environment, s3_server  # noqa: E402

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[2]
SAMPLES = [str(REPOSITORY / "samples" / name) for name in ("sample.warc.gz", "sample-2.warc.gz")]
FEW = ["--max-records", "10", "--workers", "2"]
READ = """
import json, sys
from hashlib import sha256
from pipeline.io.storage import location
run = location(sys.argv[1])
names = sorted(path.name for path in (run / "shards").glob("*.parquet"))
audits = sorted(path.name for path in (run / "audit").glob("*.parquet"))
files = [run / "manifest.json", *(run / "shards" / name for name in names), *(run / "audit" / name for name in audits)]
phases = [run / "phases" / path.name / "_SUCCESS" for path in sorted((run / "phases").iterdir(), key=lambda p: p.name)]
print(json.dumps({str(path.relative_to(run)): sha256(path.read_bytes()).hexdigest() for path in [*files, *phases]}))
"""


def warcmill(*arguments, environment=None, check=True):
    command = [sys.executable, "-m", "pipeline.cli", *map(str, arguments)]
    env = os.environ | (environment or {})
    done = subprocess.run(command, cwd=REPOSITORY, env=env, capture_output=True, text=True, timeout=500, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done


def digests(run, environment=None):
    """sha256 of the manifest, every shard and audit, and of each phase's manifest."""
    command = [sys.executable, "-c", READ, str(run)]
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    output = tmp_path_factory.mktemp("undisturbed") / "run"
    warcmill("run", *SAMPLES, "-o", output, *FEW)
    found = digests(output)
    assert len([name for name in found if name.startswith("phases/")]) >= 13
    assert len([name for name in found if name.startswith("shards/")]) == 1
    return found


@pytest.fixture(scope="module")
def s3():
    with s3_server() as front:
        front.environment = s3_environment(front)
        yield front


@pytest.fixture
def url(s3, request):
    s3.fault = no_fault
    s3.done.clear()
    s3.seen.clear()
    return f"s3://{BUCKET}/{sha256(request.node.name.encode()).hexdigest()[:8]}"


def every(number, kinds):
    """Each `number`-th request meets the next of the kinds."""
    return lambda request: kinds[request.number // number % len(kinds)] if request.number % number == number - 1 else ""


def test_a_run_through_all_faults(undisturbed, s3, url):
    """Every eleventh request fails in one of six ways; verbs then read the run."""
    s3.fault = every(11, ("500", "503", "reset", "lost", "short", "slow"))
    warcmill("run", *SAMPLES, "-o", url, *FEW, environment=s3.environment)
    assert digests(url, s3.environment) == undisturbed
    assert all(s3.done[kind] >= 5 for kind in ("500", "503", "reset", "lost", "short", "slow")), s3.done
    s3.fault = no_fault
    assert "finished" in warcmill("status", url, environment=s3.environment).stdout
    assert warcmill("verify", url, environment=s3.environment).stdout.startswith("ok: ")
    shown = warcmill("inspect", url, "-n", "1", environment=s3.environment).stdout.splitlines()
    explained = warcmill("explain", shown[0].split()[1], url, environment=s3.environment).stdout
    assert "written   shards/" in explained
    assert warcmill("report", url, environment=s3.environment).stdout.strip() == f"{url}/report.html"
    before = len(s3.seen)
    again = warcmill("run", *SAMPLES, "-o", url, *FEW, environment=s3.environment)
    assert "nothing to do" in again.stderr
    assert not [r for r in s3.seen[before:] if r.method == "PUT" and "/phases/" in r.path]


@pytest.mark.parametrize("after", ["-render/_commit/", "-exact/_commit/", "-tokens/_commit/", "-shards/manifest.json"])
def test_a_killed_driver_resumes(undisturbed, s3, url, after):
    """kill -9 when the first object below `after` arrives, before or after it is stored; then the same command."""
    command = [sys.executable, "-m", "pipeline.cli", "run", *SAMPLES, "-o", url, *FEW]
    driver = subprocess.Popen(
        command, cwd=REPOSITORY, env=os.environ | s3.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    killed = threading.Event()

    def kill(request):
        if request.method == "PUT" and after in request.path and not killed.is_set():
            killed.set()
            driver.send_signal(signal.SIGKILL)
        return ""

    s3.fault = kill
    assert driver.wait(timeout=400) == -signal.SIGKILL
    s3.fault = no_fault
    time.sleep(1)  # for workers to notice
    status = warcmill("status", url, environment=s3.environment).stdout
    assert "stopped" in status.splitlines()[0]
    finished = [line for line in status.splitlines() if "tasks" in line]
    assert finished
    before = len(s3.seen)
    warcmill("run", *SAMPLES, "-o", url, *FEW, environment=s3.environment)
    assert digests(url, s3.environment) == undisturbed
    redone = [r for r in s3.seen[before:] if r.method == "PUT" and "00-inputs/_commit" in r.path]
    assert redone == []  # what was committed is not done again


def test_two_drivers(undisturbed, s3, url):
    """The second is refused while the first lives, and says who has it."""
    command = [sys.executable, "-m", "pipeline.cli", "run", *SAMPLES, "-o", url, *FEW]
    first = subprocess.Popen(
        command, cwd=REPOSITORY, env=os.environ | s3.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while first.poll() is None and not any("00-inputs" in request.path for request in s3.seen):
        time.sleep(0.1)
    second = warcmill("run", *SAMPLES, "-o", url, *FEW, environment=s3.environment, check=False)
    assert second.returncode == 1
    assert "another warcmill is writing here" in second.stderr
    assert f"process {first.pid}" in second.stderr
    assert first.wait(timeout=400) == 0
    assert digests(url, s3.environment) == undisturbed


def test_inputs_in_a_store_and_behind_http(undisturbed, s3, url):
    """One archive from s3://, the other by HTTP with range requests, both through faults."""
    for path in SAMPLES:
        code = "import sys; from pathlib import Path; from pipeline.io.storage import location, put_file; put_file(Path(sys.argv[1]), location(sys.argv[2]))"
        name = f"s3://{BUCKET}/in/{Path(path).name}"
        subprocess.run(
            [sys.executable, "-c", code, path, name],
            cwd=REPOSITORY,
            env=os.environ | s3.environment,
            check=True,
            timeout=100,
        )
    reading = every(5, ("500", "reset", "short"))
    s3.fault = lambda request: reading(request) if "/in/" in request.path and request.method == "GET" else ""
    inputs = [f"s3://{BUCKET}/in/sample.warc.gz", f"{s3.url}/{BUCKET}/in/sample-2.warc.gz"]
    warcmill("run", *inputs, "-o", url, *FEW, environment=s3.environment)
    assert digests(url, s3.environment) == undisturbed


@pytest.mark.parametrize(
    "engine", [("beam",), ("beam", "--direct_running_mode=multi_processing", "--direct_num_workers=2"), ("spark",)]
)
def test_engines(undisturbed, s3, url, engine):
    pytest.importorskip(
        {"beam": "apache_beam", "spark": "pyspark"}[engine[0]], reason="needs the engine's extra: make setup-dev"
    )
    s3.fault = every(25, ("500", "reset", "503", "short"))
    options = ["--", *engine[1:]] if engine[1:] else []
    place = f"s3://{BUCKET}/engine-{'-'.join(engine)[:24].replace('=', '')}"
    environment = s3.environment | {"PYTHONPATH": str(REPOSITORY)}
    warcmill("run", *SAMPLES, "-o", place, *FEW, "--engine", engine[0], *options, environment=environment)
    assert digests(place, s3.environment) == undisturbed


TABLE = """
import sys
from pathlib import Path
from pipeline.io.storage import location, put_file
put_file(Path(sys.argv[1]), location(sys.argv[2]))
"""
TABLES = """
import json, sys
from hashlib import sha256
from pipeline.io.storage import location
run = location(sys.argv[1])
files = [path for name in ("kept", "audit", "shards") for path in sorted((run / name).glob("*.parquet"), key=str)]
files += [run / "manifest.json"]
print(json.dumps({str(path.relative_to(run)): sha256(path.read_bytes()).hexdigest() for path in files}))
"""


def script(code, *arguments, environment=None):
    """What a script prints that reads or writes places of either kind."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    env = os.environ | (environment or {})
    done = subprocess.run(command, cwd=REPOSITORY, env=env, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def table_rows():
    """Copies, copies with an end cut off, and different pages."""
    for number in range(60):
        words = [f"w{(number // 3) * 1_000 + k * k % 997}" for k in range(120)]
        text = " ".join(words if number % 3 else words[:90])
        yield {"id": f"d{number:03d}", "text": f"{text} {number}" if number % 3 == 2 else text, "source": "made"}


@pytest.mark.parametrize("protocol", ["s3", "gs"])
def test_verbs_over_tables(tmp_path, protocol):
    """Input and run folder of dedup, decontaminate and tokenize in a store that fails now and then."""
    rows, items = tmp_path / "in.jsonl", tmp_path / "items.jsonl"
    rows.write_text("".join(json.dumps(row) + "\n" for row in table_rows()))
    words = " ".join(f"w{1000 + k * k % 997}" for k in range(20, 50))
    items.write_text(json.dumps({"id": "i1", "benchmark": "made", "text": words}) + "\n")
    server, environment_of = {"s3": (s3_server, s3_environment), "gs": (gcs_server, gcs_environment)}[protocol]
    with server() as front:
        front.fault = every(17, ("500", "503", "reset", "lost", "short"))
        environment = environment_of(front)
        table = f"{protocol}://{BUCKET}/in/in.jsonl"
        script(TABLE, rows, table, environment=environment)
        verbs = {"dedup": (), "decontaminate": ("--against", items), "tokenize": ()}
        for verb, options in verbs.items():
            warcmill(verb, rows, "-o", tmp_path / verb, "--workers", "2", *options)
            place = f"{protocol}://{BUCKET}/runs/{verb}"
            warcmill(verb, table, "-o", place, "--workers", "2", *options, environment=environment)
            expected = json.loads(script(TABLES, tmp_path / verb))
            assert json.loads(script(TABLES, place, environment=environment)) == expected
            assert len(expected) > 1


def test_gcs(undisturbed):
    """The same through the GCS emulator, with faults."""
    with gcs_server() as front:
        front.fault = every(12, ("500", "503", "reset", "lost", "short"))
        environment = gcs_environment(front)
        place = f"gs://{BUCKET}/run"
        warcmill("run", *SAMPLES, "-o", place, *FEW, environment=environment)
        assert digests(place, environment) == undisturbed
        assert warcmill("verify", place, environment=environment).stdout.startswith("ok: ")
        assert "finished" in warcmill("status", place, environment=environment).stdout
