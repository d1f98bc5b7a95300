"""Records fetched by the chunk from a real server: each is there byte for byte, or named with a reason."""

from pathlib import Path

import pytest
from fetch_world import Capture, Fault, build_world, record_bytes, records_of, serving, write_warc

from pipeline.errors import InputError
from pipeline.io.fetch.access import Access
from pipeline.io.fetch.chunk import FetchSettings, fetch_chunk
from pipeline.io.fetch.http_store import HttpPolicy
from pipeline.io.fetch.range_plan import RecordPlace
from pipeline.io.fetch.record_check import RecordRefused, check_record
from pipeline.io.fetch.retry import RetryPolicy

QUICK = Access(HttpPolicy(timeout_s=1.0, contact="test@example.org"), RetryPolicy(attempts=4, first_wait_s=0.01))
CAPTURES = 12


@pytest.fixture
def world(tmp_path):
    captures = [Capture(f"https://example.org/{i}", body=b"<p>%d</p>" % i * 300) for i in range(CAPTURES)]
    return build_world(tmp_path / "cc", {"a.warc.gz": captures[:5], "b.warc.gz": captures[5:9], "c.warc": captures[9:]})


def fetched(world, server, folder, captures=None, **options):
    captures = world.captures if captures is None else captures
    places = sorted(RecordPlace(c.warc, c.offset, c.length, c.url) for c in captures)
    settings = FetchSettings(server.base, options.pop("access", QUICK), 3, **{"max_gap_bytes": 1000, **options})
    return fetch_chunk(places, settings, folder, "x")


def check(world, folder, result, lost=()):
    """Every capture is there, byte for byte, or named."""
    got = records_of(folder)
    for capture in world.captures:
        if capture.url in lost:
            assert capture.url not in got
        else:
            assert got[capture.url] == [world.bytes_of(capture)]
    assert {missing.place.url for missing in result.missing} == set(lost)
    assert len(result.fetched) + len(result.missing) == len(world.captures)


def test_records_come_as_they_are(world, tmp_path):
    with serving(world.root) as server:
        result = fetched(world, server, tmp_path / "out")
        check(world, tmp_path / "out", result)
        assert len(server.log) == 3  # neighbours share a request
        again = fetched(world, server, tmp_path / "out2", max_gap_bytes=0, max_range_bytes=1)
        assert [file.sha256 for file in again.files] == [file.sha256 for file in result.files]
        assert len(server.log) == 3 + CAPTURES
    assert sorted(file.name[-8:] for file in result.files) == [".warc.gz", result.files[1].name[-8:]]
    for one in result.fetched:
        data = (tmp_path / "out" / one.file).read_bytes()[one.offset : one.offset + one.place.length]
        assert data == (world.root / one.place.path).read_bytes()[one.place.offset : one.place.stop]


def test_what_was_spooled_is_not_read_again(world, tmp_path):
    with serving(world.root) as server:
        fetched(world, server, tmp_path / "out")
        before = len(server.log)
        check(world, tmp_path / "out", fetched(world, server, tmp_path / "out"))
        assert len(server.log) == before


def test_a_torn_spool_file_is_read_again(world, tmp_path):
    with serving(world.root) as server:
        fetched(world, server, tmp_path / "out")
        for part in (tmp_path / "out/_spool/x").iterdir():
            data = part.read_bytes()
            part.write_bytes(data[:60] + b"\0" * 40 + data[100:])
        for old in (tmp_path / "out").glob("*.warc*"):
            old.unlink()
        check(world, tmp_path / "out", fetched(world, server, tmp_path / "out"))


@pytest.mark.parametrize("status", [403, 404, 410, 500, 503])
def test_an_archive_that_cannot_be_had_costs_its_records(world, tmp_path, status):
    with serving(world.root) as server:
        server.faults[world.captures[0].warc].append(Fault(status))
        result = fetched(world, server, tmp_path / "out")
        check(world, tmp_path / "out", result, {c.url for c in world.captures[:5]})
    assert {missing.reason for missing in result.missing} == {f"http_{status}"}


def test_bytes_flipped_on_the_way_are_read_again(world, tmp_path):
    with serving(world.root) as server:
        for capture in (world.captures[0], world.captures[9]):  # in a gzip archive, and in a plain one
            server.faults[capture.warc].append(Fault(how="flipped", times=1))
        check(world, tmp_path / "out", fetched(world, server, tmp_path / "out"))


def test_bytes_flipped_for_good_are_named(world, tmp_path):
    last = world.captures[-1]
    path = world.root / last.warc
    data = bytearray(path.read_bytes())
    data[last.offset + last.length - 20] ^= 1
    path.write_bytes(data)
    with serving(world.root) as server:
        result = fetched(world, server, tmp_path / "out")
    assert [(missing.place.url, missing.reason) for missing in result.missing] == [(last.url, "digest")]


def test_wrong_places_are_named(world, tmp_path):
    one, two = world.captures[0], world.captures[1]
    size = (world.root / one.warc).stat().st_size
    places = [
        (RecordPlace(one.warc, one.offset, one.length, two.url), "other_record"),
        (RecordPlace(one.warc, one.offset + 1, one.length, one.url), "not_a_record"),
        (RecordPlace(one.warc, one.offset, one.length - 1, one.url), "damaged"),
        (RecordPlace(one.warc, one.offset, one.length + 1, one.url), "damaged"),
        (RecordPlace(one.warc, two.offset, size, two.url), "beyond_end"),
        (RecordPlace(one.warc, size + 5, 10, one.url), "http_416"),
    ]
    with serving(world.root) as server:
        for place, reason in places:
            result = fetch_chunk([place], FetchSettings(server.base, QUICK), tmp_path / "out", reason)
            assert [missing.reason for missing in result.missing] == [reason]


def test_a_dead_server_stops_the_job(world, tmp_path):
    with serving(world.root) as server:
        server.faults["*"].append(Fault(503))
        with pytest.raises(InputError, match="5 reads in a row"):
            fetched(world, server, tmp_path / "out", give_up_after=5, max_range_bytes=1, max_gap_bytes=0)
        server.faults.clear()
        check(world, tmp_path / "out", fetched(world, server, tmp_path / "out"))


def gz(data):
    import gzip

    return gzip.compress(data, mtime=0)


RECORD = record_bytes(Capture("https://example.org/a"))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not_a_record"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "not_a_record"),
        (gz(b"<html>"), "not_a_record"),
        (gz(RECORD)[:-9], "damaged"),
        (gz(RECORD)[:-8] + b"\0\0\0\0" + gz(RECORD)[-4:], "damaged"),
        (gz(RECORD) + gz(RECORD), "damaged"),
        (RECORD + RECORD, "damaged"),
        (RECORD[:-30], "damaged"),
        (gz(RECORD + RECORD), "damaged"),
        (RECORD.replace(b"sha1:", b"sha1:A", 1), "digest"),
        (RECORD.replace(b"Content-Length: ", b"Content-Length: -", 1), "damaged"),
        (b"WARC/1.0\r\n" + b"X: y\r\n" * 100_000, "damaged"),
    ],
)
def test_records_that_are_none(data, reason):
    with pytest.raises(RecordRefused) as refused:
        check_record(data, "https://example.org/a")
    assert refused.value.reason == reason


def test_a_bomb_is_too_large_and_cheap(monkeypatch):
    monkeypatch.setattr("pipeline.io.fetch.record_check.MAX_INFLATED_BYTES", 4 << 20)
    with pytest.raises(RecordRefused, match="too_large"):
        check_record(gz(RECORD.replace(b"Content-Length: ", b"Content-Length: 99999", 1) + b"\0" * (64 << 20)))


def test_good_records(tmp_path):
    assert check_record(gz(RECORD), "http://www.EXAMPLE.org/a/#x").url == "https://example.org/a"
    assert check_record(RECORD.replace(b"sha1:", b"unknown:")).record_type == "response"
    write_warc(Path(tmp_path / "a.warc"), "a.warc", [Capture("https://example.org/a")], gzipped=False)
