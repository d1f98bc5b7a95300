"""Runs on an object store: an in-memory one here, S3 on a moto server in the slow test; cache, damage, full disks."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import fsspec
import pytest
from blends_support import CORPUS, document, make_run

import blends.shard_cache
import blends.shards
from blends.blend_compile import compile_blend
from blends.blend_config import parse_blend
from blends.card import write_card
from blends.diff import diff_runs
from blends.export import export
from blends.plan import save_plan
from blends.reader import TokenDataset, read_documents
from blends.shard_cache import ShardCache
from blends.shards import TokenizeConfig
from blends.takedown import request_of, take_down
from blends.verify import verify_shards
from pipeline.errors import OutputError, UsageError, VerificationError
from pipeline.io.storage import location

URL = "memory://bucket/runs/web"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("remote") / "web"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blends.shards, "ROW_GROUP_ROWS", 7)
        documents = [document(CORPUS[i % 32] + f" {i}", i) for i in range(64)]
        make_run(made, documents, TokenizeConfig(tokens_per_shard=250))
    return made


@pytest.fixture
def store(local: Path) -> fsspec.AbstractFileSystem:
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]
    memory.put(str(local), "/bucket/runs/web", recursive=True)
    return memory


def ids(dataset: TokenDataset) -> list[list[int]]:
    return [sample["input_ids"].tolist() for sample in dataset]


def test_a_remote_run_reads_like_a_local_one(local: Path, store, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    expected = ids(TokenDataset(local, sequence_length=16))
    assert ids(TokenDataset(URL, sequence_length=16, cache=cache)) == expected
    names = {path.name for path in cache.glob("*.parquet")}
    manifest = json.loads((local / "manifest.json").read_bytes())
    assert names == {f"{shard['sha256']}.parquet" for shard in manifest["shards"]}
    assert not list(cache.glob(".*"))
    for shard in manifest["shards"]:  # a second pass needs the small files only
        store.rm(f"/bucket/runs/web/{shard['path']}")
    assert ids(TokenDataset(f"{URL}/manifest.json", sequence_length=16, cache=cache)) == expected
    assert [row["doc_id"] for row in read_documents(URL, cache=cache)] == [r["doc_id"] for r in read_documents(local)]


def test_states_move_between_places(local: Path, store, tmp_path: Path) -> None:
    state = TokenDataset(local, sequence_length=16).state_dict(11)
    got = ids(TokenDataset(URL, sequence_length=16, state=state, cache=tmp_path))
    assert got == ids(TokenDataset(local, sequence_length=16))[11:]


def test_plans_exports_diff_and_takedown_of_remote_runs(local: Path, store, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("WARCMILL_CACHE", str(tmp_path / "cache"))
    text = f'name="b"\nsequence_length=16\nsources=[{{name="web", manifest="{URL}"}}]\n'
    text += '[[phases]]\nname="p"\ntokens=1600\nweights={web=1}'
    save_plan(compile_blend(parse_blend(text), tmp_path), tmp_path / "plan.json", tmp_path)
    whole = ids(TokenDataset(tmp_path / "plan.json"))
    store.put(str(tmp_path / "plan.json"), "/bucket/plan.json")
    assert ids(TokenDataset("memory://bucket/plan.json")) == whole
    export(URL, "jsonl", tmp_path / "out")
    rows = [json.loads(line) for p in sorted((tmp_path / "out").glob("*.jsonl")) for line in p.read_text().splitlines()]
    assert rows == list(read_documents(local))
    assert diff_runs(URL, local)["same"]
    take_down(URL, request_of(urls=["https://example.org/3"]), "x", tmp_path / "child")
    assert verify_shards(tmp_path / "child") == []
    assert diff_runs(local, tmp_path / "child")["documents"]["removed"]["documents"] == 1


def damage(content: bytes) -> bytes:
    return content[:100] + bytes([content[100] ^ 1]) + content[101:]


def first_shard(local: Path) -> tuple[str, str]:
    shard = json.loads((local / "manifest.json").read_bytes())["shards"][0]
    return f"/bucket/runs/web/{shard['path']}", f"{shard['sha256']}.parquet"


@pytest.mark.parametrize("change", [damage, lambda content: content[:-7], None])
def test_a_damaged_object_is_refused(local: Path, store, tmp_path: Path, change) -> None:
    path, _ = first_shard(local)
    content = store.cat_file(path)
    store.rm(path)
    if change:
        store.pipe_file(path, change(content))
    with pytest.raises(VerificationError, match=r"sha256|missing"):
        ids(TokenDataset(URL, sequence_length=16, cache=tmp_path))
    assert not list(tmp_path.glob(".*.part"))
    store.pipe_file(path, content)  # copied again: the same reader command works
    assert ids(TokenDataset(URL, sequence_length=16, cache=tmp_path)) == ids(TokenDataset(local, sequence_length=16))


@pytest.mark.parametrize("change", [damage, lambda content: content[:-7]])
def test_a_damaged_cache_is_fetched_again(local: Path, store, tmp_path: Path, change) -> None:
    expected = ids(TokenDataset(URL, sequence_length=16, cache=tmp_path))
    cached = tmp_path / first_shard(local)[1]
    cached.write_bytes(change(cached.read_bytes()))
    assert ids(TokenDataset(URL, sequence_length=16, cache=tmp_path)) == expected


def test_a_small_cache_holds_the_latest_shards_only(local: Path, store, tmp_path: Path) -> None:
    sizes = [shard["bytes"] for shard in json.loads((local / "manifest.json").read_bytes())["shards"]]
    cache = ShardCache(tmp_path, max_bytes=2 * max(sizes))
    assert ids(TokenDataset(URL, sequence_length=16, cache=cache)) == ids(TokenDataset(local, sequence_length=16))
    deadline = time.monotonic() + 10
    while list(tmp_path.glob(".*.part")) and time.monotonic() < deadline:  # the last one fetched ahead
        time.sleep(0.01)
    assert sum(path.stat().st_size for path in tmp_path.glob("*.parquet")) <= 3 * max(sizes)
    assert len(sizes) > 4


class FullDisk:
    """A file on a disk that has room for a number of bytes in all files."""

    def __init__(self, room: int) -> None:
        self.room = room

    def sync(self, _: int) -> None:
        self.room -= 1
        if self.room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_full_while_caching_is_emptied_or_named(local: Path, store, tmp_path: Path, monkeypatch) -> None:
    expected = ids(TokenDataset(local, sequence_length=16))
    disk = FullDisk(3)
    monkeypatch.setattr(blends.shard_cache.os, "fsync", disk.sync)
    removed = []
    make_room = ShardCache._make_room

    def noted(self: ShardCache, wanted: int) -> None:
        if wanted == self.max_bytes:  # what is removed makes room again
            removed.append(len(list(self.folder.glob("*.parquet"))))
            disk.room = 3
        make_room(self, wanted)

    monkeypatch.setattr(ShardCache, "_make_room", noted)
    assert ids(TokenDataset(URL, sequence_length=16, cache=tmp_path)) == expected
    assert removed
    monkeypatch.setattr(ShardCache, "_make_room", make_room)
    disk.room = 0
    with pytest.raises(OutputError, match="cannot keep a shard in the cache") as caught:
        ids(TokenDataset(URL, sequence_length=16, cache=tmp_path / "other"))
    assert "WARCMILL_CACHE" in caught.value.hint


@pytest.mark.parametrize("seconds", [0, 4_000_000_000])  # 1970, 2096
def test_clocks_that_are_wrong_change_nothing(local: Path, store, tmp_path: Path, monkeypatch, seconds: int) -> None:
    """Files from the past or the future, and a clock that jumps: no time decides what is read, kept or finished."""
    expected = ids(TokenDataset(local, sequence_length=16))
    run = shutil.copytree(local, tmp_path / "run")
    for path in run.rglob("*"):
        os.utime(path, (seconds, seconds))
    assert verify_shards(run) == []
    assert ids(TokenDataset(run, sequence_length=16)) == expected
    size = max(shard["bytes"] for shard in json.loads((local / "manifest.json").read_bytes())["shards"])
    cache = ShardCache(tmp_path / "cache", 2 * size)  # shards are removed all the time, the oldest first
    state = TokenDataset(URL, sequence_length=16, cache=cache).state_dict(7)
    assert ids(TokenDataset(URL, sequence_length=16, cache=cache)) == expected
    for path in cache.folder.glob("*.parquet"):
        os.utime(path, (seconds, seconds))
    monkeypatch.setattr(time, "time", lambda: float(seconds))
    assert ids(TokenDataset(URL, sequence_length=16, cache=cache, state=state)) == expected[7:]
    export(run, "jsonl", tmp_path / "out")
    whole = tree(tmp_path / "out")
    (tmp_path / "out" / "_SUCCESS").unlink()
    for path in (tmp_path / "out").rglob("*"):
        os.utime(path, (seconds, seconds))
    export(run, "jsonl", tmp_path / "out")
    assert tree(tmp_path / "out") == whole


def test_unfinished_and_unknown_places_are_refused(store, tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="missing"):
        TokenDataset("memory://bucket/none", cache=tmp_path)
    with pytest.raises((UsageError, Exception), match="nosuch"):
        TokenDataset("nosuch://bucket/none", cache=tmp_path)


def test_a_cache_is_shared_by_processes(local: Path, tmp_path: Path) -> None:
    shutil.copytree(local, tmp_path / "run")
    code = (
        "import sys; from blends.reader import TokenDataset;"
        f"d = TokenDataset('file://{tmp_path}/run', sequence_length=16, cache='{tmp_path}/cache');"
        "print(sum(int(s['input_ids'].sum()) for s in d))"
    )
    started = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    printed = {process.communicate(timeout=120)[0] for process in started}
    assert printed == {f"{sum(int(s['input_ids'].sum()) for s in TokenDataset(local, sequence_length=16))}\n"}


def read_all(dataset: TokenDataset, queue) -> None:
    queue.put(ids(dataset))


def test_a_worker_forked_while_a_shard_is_fetched_reads_on(local: Path, store, tmp_path: Path) -> None:
    dataset = TokenDataset(URL, sequence_length=16, cache=tmp_path)
    next(iter(dataset))  # and the next shard is on its way
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=read_all, args=(dataset, queue))
    child.start()
    assert queue.get(timeout=60) == ids(TokenDataset(local, sequence_length=16))
    child.join(timeout=30)


def children_and_exports_lie_there_as_here(local: Path, store, tmp_path: Path) -> None:
    """From here to the store and from the store to the store: the same bytes as on the disk."""
    store.put(str(local), "bucket/whole", recursive=True)
    request = request_of(urls=["https://example.org/3", "https://example.org/none"])
    take_down(local, request, "x", tmp_path / "child")
    write_card(tmp_path / "child")
    for parent in (local, "s3://bucket/whole"):
        child = location(f"s3://bucket/child-of-{Path(parent).name}")
        assert take_down(parent, request, "x", child)["takedowns"][0]["unmatched"] == ["url:https://example.org/none"]
        write_card(child)
        assert take_down(parent, request, "x", child)["takedowns"][0]["documents"] == 1  # finished: nothing to do
        assert tree(child, store) == tree(tmp_path / "child")
    assert ids(TokenDataset(str(child), sequence_length=16)) == ids(
        TokenDataset(tmp_path / "child", sequence_length=16)
    )
    for form in ("megatron", "mds", "jsonl", "parquet"):
        export(local, form, tmp_path / form)
        there = location(f"s3://bucket/exports/{form}")
        export("s3://bucket/whole", form, there)
        here, found = tree(tmp_path / form), tree(there, store)
        for name in [name for name in here if name.startswith("run.") and name != "run.bin" and name != "run.idx"]:
            assert str(there) in found.pop(name).decode()  # Megatron's lists name the place
            here.pop(name)
        assert found == here


def tree(folder: Path, store=None) -> dict[str, bytes]:
    """Content of every file by its name from the folder."""
    if store is None:
        return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    key = str(folder).removeprefix("s3://")
    return {name.removeprefix(f"{key}/"): store.cat_file(name) for name in store.find(key)}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_s3(local: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = pytest.importorskip("moto.server", reason="needs moto: pip install 'moto[s3,server]'")
    pytest.importorskip("s3fs", reason="needs s3fs: pip install 'warcmill[s3]'")
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    running.start()
    try:
        host, port = running.get_host_and_port()
        for name, value in (
            ("AWS_ACCESS_KEY_ID", "x"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
        ):
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        store = fsspec.filesystem("s3")
        store.mkdir("bucket")
        store.put(str(local), "bucket/web", recursive=True)
        dataset = TokenDataset("s3://bucket/web", sequence_length=16, cache=tmp_path)
        assert ids(dataset) == ids(TokenDataset(local, sequence_length=16))
        path = first_shard(local)[0].replace("/bucket/runs/", "bucket/")
        store.pipe_file(path, damage(store.cat_file(path)))
        with pytest.raises(VerificationError, match="sha256"):
            ids(TokenDataset("s3://bucket/web", sequence_length=16, cache=tmp_path / "new"))
        monkeypatch.setenv("WARCMILL_CACHE", str(tmp_path / "store"))
        children_and_exports_lie_there_as_here(local, store, tmp_path)
    finally:
        running.stop()
