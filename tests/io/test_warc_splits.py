"""Reading a file by byte ranges gives exactly the records of reading it whole."""

import gzip
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from warc_building import PACKERS, gz, http, page, read, write

import pipeline.io.archive_records as archive_records
from pipeline.io.warc import Split, plan_splits, read_split

SHARED = Path(__file__).resolve().parents[2] / "../shared/data/warc"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="needs ../shared (the project's data folder beside the checkout)"
)
RANDOM = random.Random(5)
BODIES = [RANDOM.randbytes(RANDOM.choice([10, 300, 4000])) for _ in range(30)]
NESTED_GZIP = b"".join(gz(page(n, http(RANDOM.randbytes(700)))) for n in range(100, 140))
NESTED_PLAIN = b"".join(page(n) for n in range(100, 140))


def by_splits(path: str, split_bytes: int) -> list:
    return [item for split in plan_splits(path, split_bytes) for item in read_split(split)]


def archive(pack) -> bytes:
    records = [pack(page(n, http(body))) for n, body in enumerate(BODIES)]
    nested = page(90, http(NESTED_GZIP))
    records[7:7] = [
        gzip.compress(nested, 0, mtime=0) if pack is gz else pack(nested),  # stored, as deflate does with packed data
        pack(page(91, http(b"<pre>" + NESTED_PLAIN + b"</pre>"))),
        pack(page(92, http(NESTED_PLAIN))),
    ]
    return b"".join(records)


@pytest.mark.parametrize("packing", sorted(PACKERS))
@pytest.mark.parametrize("split_bytes", [700, 4096, 20_000])
def test_splits_equal_the_whole_with_nested_archives(tmp_path, packing, split_bytes):
    path = write(tmp_path / "a", archive(PACKERS[packing]))
    whole = read(path)
    assert len(whole) == 33
    assert by_splits(path, split_bytes) == whole


def test_the_nested_members_are_visible_in_the_packed_file():
    """The trap of these tests is real: magics of members that are none."""
    assert archive(gz).count(gz(b"")[:10]) == 33 - 1 + 40  # the stored one has another header


@pytest.mark.parametrize("packing", ["plain", "gzip"])
@pytest.mark.parametrize("lookback", [45_000, 60_000])
def test_a_short_look_back_is_enough_where_it_exceeds_the_nested_archive(tmp_path, monkeypatch, packing, lookback):
    """The same with reading that really begins in the middle, as it does in files longer than the look-back."""
    monkeypatch.setattr(archive_records, "LOOKBACK_BYTES", lookback)
    path = write(tmp_path / "a", archive(PACKERS[packing]) * 3)
    assert by_splits(path, 7001) == read(path)


@pytest.mark.parametrize("packing", ["plain", "gzip"])
def test_the_look_back_grows_until_it_sees_a_record(tmp_path, monkeypatch, packing):
    monkeypatch.setattr(archive_records, "LOOKBACK_BYTES", 100)
    blocks = [http(random.Random(n).randbytes(5000)) for n in range(9)]
    path = write(tmp_path / "a", b"".join(PACKERS[packing](page(n, block)) for n, block in enumerate(blocks)))
    assert by_splits(path, 1500) == read(path)


def test_damage_at_a_border_is_reported_once(tmp_path):
    members = [gz(page(n, http(body))) for n, body in enumerate(BODIES)]
    data = bytearray(b"".join(members))
    for at in range(500, len(data), 2500):
        data[at] ^= 0xFF
    path = write(tmp_path / "a", bytes(data))
    whole = read(path)
    for split_bytes in (640, 5000, 33_333):
        assert by_splits(path, split_bytes) == whole


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sizes=st.lists(st.integers(0, 3000), min_size=1, max_size=12),
    packing=st.sampled_from(sorted(PACKERS)),
    garbage=st.sampled_from([b"", b"garbage\r\n", b"\0" * 700, b"\nWARC/1.0\r\nContent-Length: 99\r\n\r\n"]),
    split_bytes=st.integers(50, 5000),
)
def test_any_archive(tmp_path, sizes, packing, garbage, split_bytes):
    members = [PACKERS[packing](page(n, http(random.Random(n).randbytes(size)))) for n, size in enumerate(sizes)]
    path = write(tmp_path / "a", garbage.join(members))
    assert by_splits(path, split_bytes) == read(path)


def test_every_record_belongs_to_the_split_of_its_offset(tmp_path):
    members = [gz(page(n)) for n in range(4)]
    starts = [0, len(members[0]), len(members[0] + members[1]), len(b"".join(members[:3]))]
    path = write(tmp_path / "a", b"".join(members))
    assert [item.offset for item in read(path, start=starts[1], end=starts[2])] == [starts[1]]
    assert [item.offset for item in read(path, start=starts[1] + 1, end=starts[2] + 1)] == [starts[2]]
    assert [item.offset for item in read(path, start=starts[3])] == [starts[3]]
    assert read(path, start=starts[3] + 1) == []
    assert read(path, start=5, end=5) == []


def test_plan(tmp_path):
    data = b"".join(gz(page(n)) for n in range(20))
    path = write(tmp_path / "a", data)
    assert plan_splits(path, len(data)) == [Split(path)]
    splits = plan_splits(path, len(data) // 2)
    assert [split.start for split in splits] == [n * (len(data) // 2) for n in range(len(splits))]
    assert [split.end for split in splits] == [*(split.start for split in splits[1:]), None]


def test_a_stream_belongs_to_the_first_split(tmp_path):
    path = write(tmp_path / "a", gz(b"".join(page(n) for n in range(5))))
    assert len(read(path, start=0, end=10)) == 5
    assert read(path, start=10) == []


@needs_shared
@pytest.mark.parametrize("split_bytes", [900, pytest.param(400_000, marks=pytest.mark.slow)])
def test_files_of_others(split_bytes):
    compared = 0
    for path in sorted([*SHARED.glob("ok/*"), *SHARED.glob("malformed/*")]):
        if path.stat().st_size > 60 * split_bytes:
            continue
        assert by_splits(str(path), split_bytes) == read(str(path)), path.name
        compared += 1
    assert compared > 20
