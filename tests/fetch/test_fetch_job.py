"""`warcmill fetch` as a whole, against a real server: every list row ends up in one list, every record as it was."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from fetch_world import CRAWL, Capture, Fault, World, build_world, captures_of, index_world, records_of, serving

from pipeline.cli import warcmill
from pipeline.engines.local import LocalConfig
from pipeline.errors import InputError, UsageError
from pipeline.fetching import INDEX, PATHS, FetchConfig, fetch
from pipeline.io.fetch.access import Access
from pipeline.io.fetch.captures import Wanted
from pipeline.io.fetch.chunk import FetchSettings
from pipeline.io.fetch.http_store import HttpPolicy
from pipeline.io.fetch.retry import RetryPolicy

WARCMILL = str(Path(sys.executable).with_name("warcmill"))
SHARED = Path(__file__).resolve().parents[2] / "../shared"
QUICK = Access(HttpPolicy(timeout_s=2.0), RetryPolicy(attempts=3, first_wait_s=0.01))


class Quiet:
    def begin(self, phase, tasks): ...

    def progress(self, finished, records): ...

    def end(self, phase, counters): ...


def config(server, output, *inputs, **options):
    settings = FetchSettings(server.base, options.pop("access", QUICK), connections=4)
    options = {"crawls": (CRAWL,), "index_format": "table"} | options
    return FetchConfig(
        tuple(map(str, inputs)), output, base=server.base, settings=settings, local=LocalConfig(1, None), **options
    )


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def small_world(root):
    pages = [Capture(f"https://www.example.org/Page/{i}/", body=b"<p>%d</p>" % i * 200) for i in range(20)]
    old = [Capture(c.url, time="2098-05-05T00:00:00Z", body=b"old") for c in pages[:4]]
    other = [
        Capture("https://example.org/gone", status=404),
        Capture("https://example.org/a.pdf", mime="application/pdf"),
    ]
    german = [Capture("https://de.example.org/seite", languages="deu")]
    return (
        build_world(root, {"a.warc.gz": pages[:12], "b.warc.gz": old + other, "c.warc": pages[12:] + german}),
        pages,
        old,
    )


def test_lists_of_every_form_with_faults(tmp_path):
    world, pages, _ = small_world(tmp_path / "cc")
    wanted = [f"http://EXAMPLE.org:80/page/{i}#top" for i in range(20)]
    text = [
        *wanted[:10],
        "https://example.org/gone",
        "https://example.org/nowhere",
        "file:///etc/passwd",
        "http://10.0.0.1/",
    ]
    (tmp_path / "urls.txt").write_text("\n".join(text) + "\n")
    place = {
        "warc_filename": pages[10].warc,
        "warc_record_offset": pages[10].offset,
        "warc_record_length": pages[10].length,
    }
    rows = [
        {"url": wanted[10], **place},
        {"url": wanted[11], **place, "warc_filename": "../../x"},
        {"url": wanted[3]},
        {"url": wanted[12]},
    ]
    (tmp_path / "more.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    pq.write_table(pa.table({"url": wanted[13:]}), tmp_path / "rest.parquet")
    with serving(world.root) as server:
        server.faults[pages[0].warc] = [Fault(503, times=1), Fault(how="truncated", times=1)]
        server.faults[f"crawl-data/{CRAWL}/cc-index-table.paths.gz"] = [Fault(500, times=1)]
        inputs = [tmp_path / name for name in ("more.jsonl", "rest.parquet", "urls.txt")]
        manifest = fetch(config(server, tmp_path / "out", *inputs), Quiet())
        index_reads = [path for path, _ in server.log if "subset=robotstxt" in path]
    assert index_reads == []
    assert manifest["results"] == {
        "found": 20,
        "not_found": {"bad_path": 1, "not_in_index": 1, "private_address": 1, "scheme": 1, "status": 1},
    }
    missing = lines(tmp_path / "out/not_found.jsonl")
    assert [(row["list"], row["line"], row["reason"], row["detail"]) for row in missing] == [
        ("more.jsonl", 2, "bad_path", "leaves the base"),
        ("urls.txt", 11, "status", "404"),
        ("urls.txt", 12, "not_in_index", CRAWL),
        ("urls.txt", 13, "scheme", "file"),
        ("urls.txt", 14, "private_address", "10.0.0.1"),
    ]
    found = lines(tmp_path / "out/found.jsonl")
    assert [(row["list"], row["line"]) for row in found] == (
        [("more.jsonl", 1), ("more.jsonl", 3), ("more.jsonl", 4)]
        + [("rest.parquet", i) for i in range(1, 8)]
        + [("urls.txt", i) for i in range(1, 11)]
    )
    assert "captured_url" not in found[0]  # its coordinates were given: nothing was looked up
    assert found[1]["captured_url"] == pages[3].url
    got = records_of(tmp_path / "out/warc")
    expected = [c for i, c in enumerate(pages) if i != 11]
    assert got == {c.url: [world.bytes_of(c)] for c in expected}  # the newest of two, and page 3 once for two rows
    assert sum(file["records"] for file in manifest["files"]) == 19
    listed = (tmp_path / "out/warc.paths").read_text().split()
    assert sorted(listed) == sorted(f"warc/{file['name']}" for file in manifest["files"])


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    world, pages, old = small_world(tmp_path_factory.mktemp("cc"))
    with serving(world.root) as server:
        yield server, world, pages, old


@pytest.mark.slow
@pytest.mark.parametrize("form", ["table", "cdx"])
@pytest.mark.parametrize(
    ("policy", "kept"), [("newest", "pages"), ("oldest", "old"), ("all", "both"), ("best", "pages")]
)
def test_policies_over_both_formats(served, tmp_path, form, policy, kept):
    server, world, pages, old = served
    (tmp_path / "urls.txt").write_text("".join(f"example.org/page/{i}\n" for i in range(4)))
    manifest = fetch(config(server, tmp_path / "out", tmp_path / "urls.txt", policy=policy, index_format=form), Quiet())
    expected = {"pages": pages[:4], "old": old, "both": pages[:4] + old}[kept]
    got = records_of(tmp_path / "out/warc")
    assert sorted(data for many in got.values() for data in many) == sorted(world.bytes_of(c) for c in expected)
    assert manifest["results"]["found"] == len(expected)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["table", "cdx"])
def test_selection_by_place(served, tmp_path, form):
    server, _, pages, _ = served
    wanted = Wanted(domains=("example.org",), languages=("deu",))
    manifest = fetch(config(server, tmp_path / "out", kind=INDEX, wanted=wanted, index_format=form), Quiet())
    assert list(records_of(tmp_path / "out/warc")) == ["https://de.example.org/seite"]
    assert manifest["results"] == {"found": 1, "not_found": {}}
    wanted = Wanted(hosts=("example.org",), mimes=("text/*",))
    fetch(config(server, tmp_path / "out2", kind=INDEX, wanted=wanted, index_format=form), Quiet())
    assert set(records_of(tmp_path / "out2/warc")) == {c.url for c in pages}


@pytest.mark.slow
def test_whole_files_by_seed(served, tmp_path):
    server, world, _, _ = served
    paths = world.root / f"crawl-data/{CRAWL}/warc.paths.gz"
    manifest = fetch(config(server, tmp_path / "out", paths, kind=PATHS, sample=2, seed=3), Quiet())
    for file in manifest["files"]:
        source = next(world.root.glob(f"crawl-data/**/{file['name']}"))
        assert (tmp_path / "out/warc" / file["name"]).read_bytes() == source.read_bytes()
    assert len(manifest["files"]) == 2
    again = fetch(config(server, tmp_path / "out2", paths, kind=PATHS, sample=2, seed=3, list_only=True), Quiet())
    assert again["files"] == []
    listed = (tmp_path / "out2/warc.paths").read_text().split()
    assert sorted(line.rpartition("/")[2] for line in listed) == sorted(file["name"] for file in manifest["files"])
    assert all(line.startswith(server.base) for line in listed)


def wait_for(condition, seconds=60.0):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.02)


@pytest.mark.slow
def test_killed_and_run_again_reads_only_what_is_missing(tmp_path):
    captures = [Capture(f"https://example.org/{i}", body=os.urandom(3000)) for i in range(60)]
    world = build_world(tmp_path / "cc", {f"{i:02d}.warc.gz": captures[i::12] for i in range(12)})
    (tmp_path / "urls.txt").write_text("".join(c.url + "\n" for c in captures))
    command = [
        WARCMILL,
        "fetch",
        str(tmp_path / "urls.txt"),
        "-o",
        str(tmp_path / "out"),
        "--crawl",
        CRAWL,
        "--workers",
        "1",
    ]
    command += ["--connections", "1", "--gap-bytes", "0", "--file-bytes", "40000"]

    def archive_reads(server):
        return [(path, wanted) for path, wanted in server.log if "/warc/" in path and path.endswith(".warc.gz")]

    with serving(world.root) as server:
        server.delay_s = 0.05
        process = subprocess.Popen([*command, "--base-url", server.base], start_new_session=True)
        wait_for(lambda: len(archive_reads(server)) >= 6)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        before = archive_reads(server)
        assert len(before) < 12
        done = subprocess.run([*command, "--base-url", server.base], timeout=120, check=False)
        assert done.returncode == 0
        every = archive_reads(server)
    assert len(every) - len(set(every)) <= 1  # the one in flight
    assert len(set(every)) >= 12
    assert records_of(tmp_path / "out/warc") == {c.url: [world.bytes_of(c)] for c in captures}
    assert not (tmp_path / "out/warc/_spool").exists()
    again = subprocess.run(
        [*command, "--base-url", "http://127.0.0.1:9/"], timeout=120, check=False, capture_output=True, text=True
    )
    assert again.returncode == 0
    assert "nothing to do" in again.stderr


@pytest.mark.slow
def test_the_same_bytes_whatever_the_faults_and_the_workers(tmp_path):
    world, _, _ = small_world(tmp_path / "cc")
    (tmp_path / "urls.txt").write_text("".join(f"example.org/page/{i}\n" for i in range(20)))
    files = []
    with serving(world.root) as server:
        for number, workers in enumerate((1, 2)):
            if number:
                server.faults["*"] = [Fault(503, times=3), Fault(how="reset", times=3), Fault(how="truncated", times=3)]
            access = Access(QUICK.http, RetryPolicy(12, 0.01))
            asked = config(server, tmp_path / f"out{number}", tmp_path / "urls.txt", chunk_bytes=3000, access=access)
            asked = replace(asked, local=LocalConfig(workers, None))
            files.append(fetch(asked, Quiet()))
    assert files[0] == files[1]
    assert len(files[0]["files"]) > 2


@pytest.mark.slow
def test_a_folder_keeps_to_what_it_was_begun_with(served, tmp_path):
    server, _, _, _ = served
    (tmp_path / "urls.txt").write_text("".join(f"example.org/page/{i}\n" for i in range(4)))
    asked = config(server, tmp_path / "out", tmp_path / "urls.txt")
    with pytest.raises(UsageError, match="no index"):
        fetch(replace(asked, crawls=()), Quiet())
    done = fetch(asked, Quiet())  # a forgotten --crawl is no reason to begin anew
    reads = len(server.log)
    assert fetch(asked, Quiet()) == done
    assert len(server.log) == reads
    with pytest.raises(UsageError, match="other policy"):
        fetch(replace(asked, policy="oldest"), Quiet())
    (tmp_path / "urls.txt").write_text("example.org/page/1\n")
    with pytest.raises(UsageError, match="the input has"):
        fetch(asked, Quiet())


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["beam", "spark"])
def test_the_same_on_every_engine(served, tmp_path, engine):
    pytest.importorskip({"beam": "apache_beam", "spark": "pyspark"}[engine])
    server, _, _, _ = served
    (tmp_path / "urls.txt").write_text("".join(f"example.org/page/{i}\n" for i in range(20)))
    asked = config(server, tmp_path / "local", tmp_path / "urls.txt", chunk_bytes=3000)
    local = fetch(asked, Quiet())
    assert fetch(replace(asked, output=tmp_path / "other", engine=engine), Quiet()) == local
    for name in ("found.jsonl", "not_found.jsonl", "warc.paths"):
        assert (tmp_path / "other" / name).read_bytes() == (tmp_path / "local" / name).read_bytes()


@pytest.mark.slow
def test_run_takes_the_result(served, tmp_path):
    server, _, _, _ = served
    (tmp_path / "urls.txt").write_text("".join(f"example.org/page/{i}\n" for i in range(20)))
    fetch(config(server, tmp_path / "out", tmp_path / "urls.txt"), Quiet())
    done = subprocess.run(
        [WARCMILL, "run", str(tmp_path / "out/warc.paths"), "-o", str(tmp_path / "run"), "--workers", "1"],
        timeout=300,
        check=False,
    )
    assert done.returncode == 0
    manifest = json.loads((tmp_path / "run/manifest.json").read_text())
    assert manifest["funnel"][0]["rows_in"] == 20


@pytest.mark.slow
@pytest.mark.skipif(
    not (SHARED / "data/warc/ok").is_dir(), reason="needs ../shared (the project's data folder beside the checkout)"
)
@pytest.mark.parametrize("form", ["table", "cdx"])
def test_every_record_of_the_shared_archives(tmp_path, form):
    world = World(tmp_path / "cc")
    folder = world.root / f"crawl-data/{CRAWL}/segments/1/warc"
    folder.mkdir(parents=True)
    for path in sorted((SHARED / "data/warc/ok").glob("*.warc*")):
        name = path.name.replace("~", "-")
        if path.name.endswith((".lz4", ".wet.gz", ".wat.gz", ".wet", ".wat")):
            continue
        (folder / name).write_bytes(path.read_bytes())
        world.captures += captures_of(path, f"crawl-data/{CRAWL}/segments/1/warc/{name}")
    index_world(world)
    (tmp_path / "urls.txt").write_text("".join(c.url + "\n" for c in world.captures))
    with serving(world.root) as server:
        asked = config(
            server,
            tmp_path / "out",
            tmp_path / "urls.txt",
            policy="all",
            index_format=form,
            wanted=Wanted(statuses=()),
            allow_private=True,
        )
        manifest = fetch(asked, Quiet())
    places = {(row["warc_filename"], row["warc_record_offset"]) for row in lines(tmp_path / "out/found.jsonl")}
    lost = {
        (row.get("warc_filename"), row.get("warc_record_offset")): row["reason"]
        for row in lines(tmp_path / "out/not_found.jsonl")
    }
    got = [data for many in records_of(tmp_path / "out/warc").values() for data in many]
    for capture in world.captures:
        key = (capture.warc, capture.offset)
        assert (key in places) != (key in lost), capture
        if key in places:
            data = world.bytes_of(capture)
            assert data in got or data.rstrip(b"\r\n") in [g.rstrip(b"\r\n") for g in got]
    print(manifest["results"], lost)
    assert len(places) > 200
    assert set(lost.values()) <= {"digest", "damaged"}


def call(*arguments):
    done = CliRunner().invoke(warcmill, ["fetch", *map(str, arguments)])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def test_what_does_not_go_together_is_said(tmp_path):
    (tmp_path / "urls.txt").write_text("https://example.org/\n")
    (tmp_path / "warc.paths").write_text("crawl-data/a.warc.gz\n")
    wrong = [
        (["-o", tmp_path / "o"], "nothing to fetch"),
        ([tmp_path / "urls.txt"], "no output folder"),
        ([tmp_path / "urls.txt", "-o", tmp_path / "o", "--domain", "example.org"], "not from a list"),
        ([tmp_path / "urls.txt", tmp_path / "warc.paths", "-o", tmp_path / "o"], "several kinds"),
        (["-o", tmp_path / "o", "--crawl", CRAWL], "needs a place"),
        ([tmp_path / "urls.txt", "-o", tmp_path / "o", "--sample", "5"], "list of paths"),
        ([tmp_path / "urls.txt", "-o", tmp_path / "o", "--base-url", tmp_path / "none"], "no folder"),
    ]
    for arguments, message in wrong:
        with pytest.raises(UsageError, match=message):
            call(*arguments)
    with pytest.raises(InputError, match="no such file"):
        call(tmp_path / "nothing.txt", "-o", tmp_path / "o")
    (tmp_path / "bad.paths").write_text("crawl-data/a.warc.gz\n../../etc/passwd\n")
    with pytest.raises(InputError, match=r"bad.paths:2"):
        call(tmp_path / "bad.paths", "-o", tmp_path / "o", "--base-url", tmp_path, "--dry-run")


def test_help_has_examples():
    said = call("--help").output
    assert "warcmill fetch urls.txt -o OUT --crawl CC-MAIN-2024-10" in said
