"""Lists in every form: each row comes out once, usable or refused by name."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import InputError
from pipeline.io.fetch import url_lists
from pipeline.io.fetch.url_lists import read_list


def rows_of(path):
    return [row for table in read_list(str(path)) for row in table.to_pylist()]


def reasons(path):
    return [(row["line"], row["reason"]) for row in rows_of(path)]


def test_text(tmp_path):
    path = tmp_path / "urls.txt"
    path.write_bytes(b"\xef\xbb\xbfhttps://example.org/a\r\n\n# a comment\n  example.org/b  \nhttp://\xff\xfe.org/\n")
    assert [(row["line"], row["url"], row["surt"], row["reason"]) for row in rows_of(path)] == [
        (1, "https://example.org/a", "org,example)/a", ""),
        (4, "example.org/b", "org,example)/b", ""),
        (5, "http://\ufffd\ufffd.org/", "", "not_utf8"),
    ]


def test_long_lines_cost_one_row_and_little_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(url_lists, "MAX_ROW_BYTES", 1 << 20)
    path = tmp_path / "urls.txt"
    path.write_bytes(
        b"http://example.org/"
        + b"a" * (1 << 20)
        + b"\nhttp://example.org/"
        + b"b" * (3 << 20)
        + b"\nhttp://example.org/c\n"
    )
    found = rows_of(path)
    assert [row["reason"] for row in found] == ["too_long", "too_long", ""]
    assert max(len(row["url"]) for row in found) <= url_lists.SHOWN_CHARS + 1
    assert str((3 << 20) + len("http://example.org/")) in found[1]["detail"]


def test_json_lines(tmp_path):
    path = tmp_path / "urls.jsonl.gz"
    place = {"warc_filename": "crawl-data/a.warc.gz", "warc_record_offset": 10, "warc_record_length": 20}
    lines = [
        json.dumps({"url": "http://example.org/a", "text": "x" * 100_000}).encode(),
        b"{broken",
        b"[1]",
        json.dumps({"text": "no url"}).encode(),
        json.dumps({"url": "http://example.org/b", **place}).encode(),
        json.dumps({"filename": "a.warc.gz", "offset": "5", "length": "6"}).encode(),
        json.dumps({"url": "http://example.org/c", "warc_filename": "../a", "offset": 5, "length": 6}).encode(),
        json.dumps({"url": "http://example.org/c", "warc_filename": "a", "offset": -5, "length": 6}).encode(),
        json.dumps({"url": 7}).encode(),
        b'{"url": "http://example.org/\xff"}',
        b'{"url": "http://example.org/\\ud800"}',
    ]
    path.write_bytes(gzip.compress(b"\n".join(lines)))
    found = rows_of(path)
    assert [row["reason"] for row in found] == [
        "", "bad_row", "bad_row", "no_url", "", "", "bad_path", "bad_range", "bad_row", "not_utf8", "",
    ]  # fmt: skip
    assert (found[4]["warc_filename"], found[4]["warc_record_offset"], found[4]["warc_record_length"]) == (
        "crawl-data/a.warc.gz",
        10,
        20,
    )
    assert (found[5]["url"], found[5]["surt"], found[5]["warc_record_offset"]) == ("", "", 5)
    assert [row["ordinal"] for row in found] == list(range(len(lines)))


def test_deep_json_is_one_bad_row(tmp_path):
    path = tmp_path / "urls.jsonl"
    path.write_text('{"url": "http://example.org/"}\n' + '{"url": ' + "[" * 100_000 + "\n")
    assert reasons(path) == [(1, ""), (2, "bad_row")]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary(), pa.dictionary(pa.int32(), pa.string())])
def test_parquet(tmp_path, kind):
    path = tmp_path / "urls.parquet"
    values = pa.array(["http://example.org/a", None, "file:///etc/passwd"], pa.string()).cast(kind)
    pq.write_table(pa.table({"text": ["x", "y", "z"], "url": values}), path)
    assert reasons(path) == [(1, ""), (2, "no_url"), (3, "scheme")]


def test_parquet_that_is_not_utf8(tmp_path):
    path = tmp_path / "urls.parquet"
    raw = pa.array([b"http://example.org/\xff", b"http://example.org/a"], pa.binary())
    lying = pa.Array.from_buffers(pa.string(), 2, raw.buffers())
    pq.write_table(pa.table({"url": lying}), path)
    assert reasons(path) == [(1, "not_utf8"), (2, "")]


def test_parquet_without_a_page(tmp_path):
    path = tmp_path / "urls.parquet"
    pq.write_table(pa.table({"text": ["x"]}), path)
    with pytest.raises(InputError, match="no column for a page"):
        rows_of(path)


def test_a_cut_list_is_an_error_not_a_short_list(tmp_path):
    path = tmp_path / "urls.txt.gz"
    path.write_bytes(gzip.compress(b"http://example.org/a\n" * 10_000)[:-20])
    with pytest.raises(InputError, match="cut off"):
        rows_of(path)
