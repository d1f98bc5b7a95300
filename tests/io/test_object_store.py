"""The storage face on real protocol servers (moto, gcp-storage-emulator), undisturbed and disturbed."""

import hashlib
import os
import platform
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")  # before gcsfs is imported, as storage.py does
pytest.importorskip("s3fs", reason="needs the s3 extra: make setup-dev")
pytest.importorskip("gcsfs", reason="needs the gcs extra: make setup-dev")
pytest.importorskip("moto", reason="needs moto: make setup-dev")

from object_stores import BUCKET, gcs_environment, gcs_server, no_fault, s3_environment, s3_server

from pipeline.errors import CommitConflict, InputError, OutputError, UsageError, VerificationError
from pipeline.io import lease, retries, scratch, storage
from pipeline.io.byte_source import chunks, open_file, open_source, sizes
from pipeline.io.commit import Commit, PhaseDirectory, create_if_absent, write_atomic
from pipeline.io.exchange import merge_runs, sorted_runs
from pipeline.io.inputs import expand_inputs
from pipeline.io.shards import check_shard, read_shard, regroup, write_shard
from pipeline.io.storage import location
from pipeline.run_folder import at_work, claimed
from pipeline.stage import Counters

REPOSITORY = Path(__file__).resolve().parents[2]


pytestmark = pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")  # gcsfs, above 1 MiB


@pytest.fixture(scope="module", params=["s3", pytest.param("gs", marks=pytest.mark.slow)])
def store(request):
    """A front before a server, and the URL of its bucket."""
    server, environment = {"s3": (s3_server, s3_environment), "gs": (gcs_server, gcs_environment)}[request.param]
    with pytest.MonkeyPatch.context() as patch, server() as front:
        for name, value in environment(front).items():
            patch.setenv(name, value)
        storage._filesystem.cache_clear()
        storage.filesystem(request.param).clear_instance_cache()
        storage._filesystem.cache_clear()
        front.bucket = f"{request.param}://{BUCKET}"
        yield front
        storage._filesystem.cache_clear()


@pytest.fixture
def folder(store, request, monkeypatch):
    """An unused prefix; the front lets everything through."""
    monkeypatch.setattr(retries, "FIRST_PAUSE_S", 0.01)
    store.fault = no_fault
    store.done.clear()
    store.seen.clear()
    name = hashlib.sha256(request.node.name.encode()).hexdigest()[:12]
    return location(f"{store.bucket}/{name}")


def once_each(kinds, wanted=lambda request: True):
    """A fault for each of the first wanted requests, then none."""
    left = list(kinds)
    guard = threading.Lock()

    def fault(request):
        with guard:
            return left.pop(0) if left and wanted(request) else ""

    return fault


def table(rows, seed=0):
    keys = np.random.default_rng(seed).integers(0, 1 << 64, rows, np.uint64)
    return pa.table({"key": keys, "id": [f"{seed}-{i}" for i in range(rows)], "text": ["x" * 50] * rows})


def test_urls_become_places(tmp_path):
    assert str(location("s3://b/run/")) == "s3://b/run"
    assert str(location("s3a://b/run")) == "s3://b/run"
    assert str(location("gcs://b/a") / "phases/00-x") == "gs://b/a/phases/00-x"
    assert location(str(tmp_path)) == tmp_path
    assert location(f"file://{tmp_path}") == tmp_path
    assert not storage.is_store(location("relative/folder"))
    for wrong in ("https://host/run", "s3://", "hdfs://host/run"):
        with pytest.raises(UsageError, match="cannot live there"):
            location(wrong)


def test_a_prefix_behaves_like_a_folder(folder):
    assert not folder.exists()
    assert list(folder.iterdir()) == []
    write_atomic(folder / "a.json", b"1")
    write_atomic(folder / "sub" / "b.txt", b"22")
    write_atomic(folder / "a.json", b"333")
    assert (folder.is_dir(), folder.is_file(), (folder / "a.json").is_file()) == (True, False, True)
    assert (folder / "a.json").read_bytes() == b"333"
    assert (folder / "a.json").stat().st_size == 3
    assert abs((folder / "a.json").stat().st_mtime - time.time()) < 60
    assert [path.name for path in folder.iterdir()] == ["a.json", "sub"]
    assert [path.name for path in folder.glob("*.json")] == ["a.json"]
    assert [str(path.relative_to(folder)) for path in folder.rglob("*")] == ["a.json", "sub/b.txt"]
    assert storage.names_in(folder / "sub") == ["b.txt"]
    with open(folder / "sub" / "b.txt", "rb") as file:  # noqa: PTH123 - os.fspath: a local copy
        assert file.read() == b"22"
    with pytest.raises(FileNotFoundError):
        (folder / "nothing").read_bytes()
    storage.copy_file(folder / "a.json", folder / "sub" / "c.json")
    assert storage.read_all([folder / "sub" / "c.json", folder / "sub" / "b.txt"]) == [b"333", b"22"]
    (folder / "a.json").unlink()
    (folder / "a.json").unlink(missing_ok=True)
    storage.remove_tree(folder)
    assert not folder.exists()
    storage.remove_tree(folder)


def test_a_name_is_created_once_by_whoever_comes_first(folder):
    """Ten at once, all different: one wins, and the others are told."""
    place = folder / "_commit" / "00000.json"
    with ThreadPoolExecutor(10) as pool:
        won = list(pool.map(lambda i: storage.create_bytes(place, b"%d" % i), range(10)))
    assert won.count(True) == 1
    assert place.read_bytes() == b"%d" % won.index(True)


def test_a_second_attempt_must_be_equal(folder):
    create_if_absent(folder / "x.json", b"same")
    create_if_absent(folder / "x.json", b"same")
    with pytest.raises(CommitConflict, match="different results"):
        create_if_absent(folder / "x.json", b"other")
    assert (folder / "x.json").read_bytes() == b"same"


def test_two_attempts_at_one_shard(folder):
    """Same rows: one file, one commit. Other rows: a hard error, and the first stays."""
    phase = PhaseDirectory(folder, "classify")
    phase.bind({"version": 1})

    def attempt(rows):
        file = write_shard(folder / "data", "00000-{sha}.parquet", regroup(rows.to_batches()), rows.schema)
        phase.commit(Commit("00000", (file,), (), Counters(rows_in=file.rows, rows_out=file.rows), {}))
        return file

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(attempt, [table(100), table(100)])
    assert first == second
    assert [path.name for path in (folder / "data").iterdir()] == [first.path]
    with pytest.raises(CommitConflict):
        attempt(table(100, seed=1))
    manifest = phase.finish(["00000"])
    assert [commit["data"][0]["sha256"] for commit in manifest["commits"]] == [first.sha256]
    assert phase.files() == (first,)


@pytest.mark.parametrize("kind", ["500", "503", "reset", "lost", pytest.param("slow", marks=pytest.mark.slow)])
def test_writes_survive(folder, store, kind):
    store.fault = once_each([kind, kind])
    write_atomic(folder / "a", b"content")
    create_if_absent(folder / "b", b"once")
    assert store.done[kind] == 2
    store.fault = once_each([kind])
    create_if_absent(folder / "c", b"twice")
    assert [path.name for path in folder.iterdir()] == ["a", "b", "c"]
    assert storage.read_all([folder / name for name in "abc"]) == [b"content", b"once", b"twice"]


@pytest.mark.parametrize("kind", ["500", "503", "reset", "short", pytest.param("slow", marks=pytest.mark.slow)])
def test_reads_survive(folder, store, kind):
    content = np.random.default_rng(0).bytes(300_000)
    for name in "abcd":
        write_atomic(folder / name, content)
    reading = lambda request: request.method == "GET"  # noqa: E731
    store.fault = once_each([kind, kind], reading)
    assert (folder / "a").read_bytes() == content
    store.fault = once_each([kind] * 3, reading)
    assert storage.read_all([folder / name for name in "abcd"]) == [content] * 4
    store.fault = once_each([kind, kind], reading)
    assert Path(folder / "b").read_bytes() == content
    store.fault = once_each([kind], reading)
    assert len(list(folder.iterdir())) == 4
    assert store.done[kind] >= 6  # two at least each time, but only one of a listing


def test_an_input_is_read_whole_however_the_connection_behaves(folder, store):
    content = np.random.default_rng(1).bytes(3_000_000)
    write_atomic(folder / "crawl.warc.gz", content)
    url = str(folder / "crawl.warc.gz")
    store.fault = lambda request: (
        ("reset", "short", "500", "", "")[request.number % 5] if request.method == "GET" else ""
    )
    assert b"".join(chunks(url)) == content
    with open_source(url) as source:
        assert source.read_at(2_000_000, 70_000) == content[2_000_000:2_070_000]
        assert source.read_at(5, 10) == content[5:15]
        assert source.read_at(2_999_990, 50) == content[-10:]
    assert store.done["short"] + store.done["reset"] + store.done["500"] >= 3
    store.fault = no_fault
    assert sizes([url, url]) == [3_000_000, 3_000_000]
    assert expand_inputs([f"{folder}/*.warc.gz"]) == [url]
    with pytest.raises(InputError, match="no such file"):
        open_file(f"{folder}/missing.warc.gz")
    with pytest.raises(InputError, match="no file matches"):
        expand_inputs([f"{folder}/*.arc"])


def test_an_input_behind_http_is_read_whole(folder, store):
    """Through the front as a plain web server; fsspec calls every failure of the first request a missing file."""
    if folder.protocol != "s3":
        pytest.skip("the GCS emulator serves no plain GET")
    content = np.random.default_rng(2).bytes(3_000_000)
    write_atomic(folder / "crawl.warc.gz", content)
    url = f"{store.url}/{folder.key}/crawl.warc.gz"
    for kinds in (["500"] * 3, ["reset"] * 3, ["", "500", "reset", "short", "503"], ["short"] * 3):
        store.fault = once_each(kinds)
        assert b"".join(chunks(url)) == content
    store.fault = no_fault
    assert sizes([url]) == [3_000_000]
    with pytest.raises(InputError, match="no such file"):
        open_file(f"{url}.missing")


def test_a_store_that_stays_down_ends_in_one_message(folder, store, monkeypatch):
    monkeypatch.setattr(retries, "ATTEMPTS", 2)
    write_atomic(folder / "a", b"1")
    store.fault = lambda request: "reset"
    with pytest.raises(OutputError, match="no usable answer") as caught:
        write_atomic(folder / "b", b"2")
    assert "it resumes" in str(caught.value)
    with pytest.raises(InputError, match="no usable answer in 2 attempts"):
        (folder / "a").read_bytes()


def test_a_bucket_that_is_not_there(store, folder):
    missing = location(store.bucket.replace(BUCKET, "no-such-bucket") + "/run")
    with pytest.raises(OutputError, match="no bucket 'no-such-bucket'"):
        write_atomic(missing / "a", b"1")
    with pytest.raises((OutputError, InputError)), claimed(missing, {"recipe": {"name": "x"}}):
        pass


def test_a_shard_is_the_same_in_a_store_and_checked_there(folder, tmp_path):
    rows = table(5000)
    name, groups = "00000-{sha}.parquet", list(regroup(rows.to_batches()))
    stored = write_shard(folder / "data", name, groups, rows.schema)
    assert stored == write_shard(tmp_path / "data", name, groups, rows.schema)
    assert pa.Table.from_batches(read_shard(folder / "data", stored)).equals(rows)
    path = folder / "data" / stored.path
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    write_atomic(path, bytes(content))
    with pytest.raises(VerificationError, match="sha256"):
        check_shard(path, stored)
    path.unlink()
    with pytest.raises(VerificationError, match="missing"):
        check_shard(path, stored)


@pytest.mark.parametrize("partitions", [1, 3])
def test_an_exchange_through_a_store_reads_each_row_group_once(folder, store, partitions):
    """A partition asks for ranges of a run, and survives faults; the result is the sorted whole."""
    rows = [table(20_000, seed).sort_by("key") for seed in range(2)]
    order = ("key", "id")
    runs = [
        run for i, part in enumerate(rows) for run in sorted_runs(folder / "data", f"{i:05d}", part.to_batches(), order)
    ]
    store.seen.clear()
    store.fault = once_each(["500", "reset", "short", "503"], lambda request: request.method == "GET")
    parts = [list(merge_runs(folder / "data", runs, index, partitions, order)) for index in range(partitions)]
    merged = pa.Table.from_batches([batch for part in parts for batch in part])
    assert merged.equals(pa.concat_tables(rows).sort_by([("key", "ascending"), ("id", "ascending")]).combine_chunks())
    gets = [request for request in store.seen if request.method == "GET" and "parquet" in request.path]
    ranged = [request for request in gets if "range" in request.headers]
    assert ranged
    assert len(ranged) <= 4 + partitions * len(runs) * 8


def test_runs_that_were_altered_are_refused(folder):
    (run,) = sorted_runs(folder, "00000", table(100).to_batches(), ("key", "id"))
    content = (folder / run.path).read_bytes()
    write_atomic(folder / run.path, content[:-20])
    with pytest.raises(VerificationError):
        list(merge_runs(folder, [run], 0, 1, ("key", "id")))
    (folder / run.path).unlink()
    with pytest.raises(VerificationError):
        list(merge_runs(folder, [run], 0, 1, ("key", "id")))


def test_one_driver_at_a_time(folder):
    settings = {"recipe": {"name": "x"}}
    with claimed(folder, settings):
        assert at_work(folder)
        with pytest.raises(OutputError, match="another warcmill is writing here") as caught, claimed(folder, settings):
            pass
        assert platform.node() in str(caught.value)
    assert not at_work(folder)
    with claimed(folder, settings):
        assert at_work(folder)
    with pytest.raises(UsageError, match="another recipe"), claimed(folder, {"recipe": {"name": "y"}}):
        pass
    assert storage.names_in(folder) == ["recipe.json"]


def test_a_dead_driver_is_followed_at_once_or_when_its_lease_ends(folder):
    settings = {"recipe": {"name": "x"}}
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    lock = folder / ".lock"

    def holds(host, pid, seconds):
        storage.put_bytes(
            lock / "000007",
            lease.json.dumps({"owner": "o", "host": host, "pid": pid, "until_s": time.time() + seconds}).encode(),
        )

    holds(platform.node(), gone.pid, 60)  # of this machine, and the process is gone
    with claimed(folder, settings):
        assert storage.listed(lock)[-1].name == "000008"
    holds("elsewhere", os.getpid(), 60)
    with pytest.raises(OutputError, match="elsewhere"), claimed(folder, settings):
        pass
    holds("elsewhere", os.getpid(), -1)
    with claimed(folder, settings):
        assert at_work(folder)
    assert storage.listed(lock) == []


def test_drivers_that_follow_a_dead_one_together(folder):
    """Of ten that see the same ended claim one gets the next number."""
    storage.put_bytes(folder / ".lock" / "000001", b'{"owner": "o", "host": "h", "pid": 1, "until_s": 0}')
    ready, release = threading.Barrier(10), threading.Event()

    def drive(_):
        ready.wait()
        try:
            with lease.held(folder / ".lock", folder):
                release.wait(20)
                return True
        except OutputError:
            return False

    with ThreadPoolExecutor(10) as pool:
        outcomes = [pool.submit(drive, i) for i in range(10)]
        while sum(outcome.done() for outcome in outcomes) < 9:
            time.sleep(0.05)
        release.set()
        assert sum(outcome.result() for outcome in outcomes) == 1


def test_scratch_space_is_bounded_and_swept(folder, monkeypatch):
    for name in "abc":
        write_atomic(folder / name, bytes(1000))
    monkeypatch.setattr(scratch, "COPY_BYTES", 2000)
    copies = [Path(os.fspath(folder / name)) for name in "abc"]
    assert [copy.exists() for copy in copies] == [False, True, True]
    assert os.fspath(folder / "c") == str(copies[2])
    write_atomic(folder / "c", b"changed")
    assert Path(os.fspath(folder / "c")).read_bytes() == b"changed"
    code = "import os, signal; from pipeline.io import scratch; print(scratch.new_file().parent, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    killed = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    left = Path(killed.stdout.strip())
    assert left.is_dir()
    scratch.sweep()
    assert not left.exists()
    assert copies[1].parent.exists()  # this process's own
