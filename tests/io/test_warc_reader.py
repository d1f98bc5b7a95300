"""Formats and record kinds of well-formed archives."""

import gzip
import io
import zipfile

import fsspec
import pytest
import zstandard
from warc_building import DATE, PACKERS, bad, gz, http, lz, page, pages, read, record, urls, warcio_archive, write, zst

from pipeline.errors import InputError
from pipeline.io.record_heads import arc_time, iso_time
from pipeline.io.warc import TRUNCATED_HEADER, BadRecord, Skipped, plan_splits


@pytest.mark.parametrize("packing", sorted(PACKERS))
def test_records_packed_one_by_one_keep_the_offset_of_their_member(tmp_path, packing):
    members = [PACKERS[packing](page(n)) for n in range(3)]
    items = read(write(tmp_path / "a", b"".join(members)))
    assert [item.offset for item in items] == [0, len(members[0]), len(members[0]) + len(members[1])]
    assert [item.body for item in pages(items)] == [b"<p>page 0</p>", b"<p>page 1</p>", b"<p>page 2</p>"]


@pytest.mark.parametrize("packing", ["gzip", "zstd", "lz4"])
def test_a_file_packed_as_a_whole_counts_inflated_bytes(tmp_path, packing):
    records = [page(n) for n in range(3)]
    path = write(tmp_path / "a", PACKERS[packing](b"".join(records)))
    assert [item.offset for item in read(path)] == [0, len(records[0]), len(records[0]) + len(records[1])]
    assert len(plan_splits(path, 10)) == 1


@pytest.mark.parametrize("packing", ["gzip", "zstd", "lz4"])
def test_blocks_that_ignore_records_are_one_stream(tmp_path, packing):
    data = b"".join(page(n) for n in range(20))
    blocks = [PACKERS[packing](data[i : i + 100]) for i in range(0, len(data), 100)]
    assert urls(read(write(tmp_path / "a", b"".join(blocks)))) == [str(n) for n in range(20)]


def test_page_fields(tmp_path):
    block = b"HTTP/1.1 200 OK\r\nX-A: caf\xe9\r\nx-fold: one\r\n two\r\n\r\nbody"
    [item] = read(write(tmp_path / "a", record(block, "<http://example.org/x y>")))
    assert item.url == "http://example.org/x y"
    assert (item.crawl_time, item.offset, item.body) == (DATE, 0, b"body")
    assert item.http_headers == (("X-A", "caf\xe9"), ("x-fold", "one two"))


def test_other_records_are_skipped_by_type_and_other_responses_rejected(tmp_path):
    data = b"".join(
        [
            record(b"software: x\r\n", kind="warcinfo"),
            record(b"GET / HTTP/1.1\r\n\r\n", kind="request"),
            record(b"20240221093000\nexample.org. 1 IN A 1.2.3.4\n", "dns:example.org"),
            record(http(b"", status="404 Not Found")),
            record(http(b"", status="304 Not Modified"), kind="revisit"),
            record(http(b"x"), url=""),
            record(b"no status line"),
            record(b"text", kind="Conversion"),
            record(http(b"ok")),
        ]
    )
    items = read(write(tmp_path / "a", data))
    skipped = [item.record_type for item in items if isinstance(item, Skipped)]
    assert skipped == ["warcinfo", "request", "response:dns", "conversion"]
    assert [(item.reason, item.detail) for item in bad(items)][:2] == [("http_status", "404"), ("revisit", "")]
    assert [item.reason for item in bad(items)][2:] == ["no_url", "malformed_http"]
    assert len(items) == 9
    assert pages(items)[0].body == b"ok"


def test_warc_truncated_pages_are_kept_and_marked(tmp_path):
    [item] = read(write(tmp_path / "a", record(http(b"half"), extra=["WARC-Truncated: length"])))
    assert (item.body, item.header(TRUNCATED_HEADER)) == (b"half", "length")


@pytest.mark.parametrize("version", [b"WARC/0.17", b"WARC/0.18", b"WARC/1.1", b"warc/1.0"])
def test_versions_and_bare_line_feeds(tmp_path, version):
    block = http(b"<p>page 1</p>").replace(b"\r\n", b"\n")
    data = record(block, "http://example.org/1").replace(b"WARC/1.0", version).replace(b"\r\n", b"\n")
    assert urls(read(write(tmp_path / "a", data * 2))) == ["1", "1"]


def test_arc_v1_v2_and_urls_with_blanks(tmp_path):
    block = b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<p>arc</p>"
    intro = b"1 1 Someone\nURL IP-address Archive-date Content-type Archive-length\n"
    data = b"filedesc://a.arc 0.0.0.0 20010203040506 text/plain %d\n%s\n" % (len(intro), intro)
    data += b"http://a.org/x y 1.2.3.4 20010203040506 text/html %d\n%s\n" % (len(block), block)
    data += b"http://a.org/2 1.2.3.4 20010203040507 text/html 200 - - 99 a.arc %d\n%s\n" % (len(block), block)
    filedesc, one, two = read(write(tmp_path / "a.arc", data))
    assert filedesc == Skipped("filedesc", 0)
    assert (one.url, one.crawl_time, one.body) == ("http://a.org/x y", "2001-02-03T04:05:06Z", b"<p>arc</p>")
    assert (two.url, two.offset) == ("http://a.org/2", data.rindex(b"http://a.org/2 "))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_wacz(tmp_path, method):
    inner = {"archive/a.warc.gz": [gz(page(n)) for n in (1, 2)], "archive/b.warc": [page(3)], "pages/p.jsonl": [b"{}"]}
    with zipfile.ZipFile(tmp_path / "x.wacz", "w", method) as archive:
        for name, members in inner.items():
            archive.writestr(name, b"".join(members))
    path = str(tmp_path / "x.wacz")
    items = read(path)
    assert urls(items) == ["1", "2", "3"]
    if method == zipfile.ZIP_STORED:
        data = (tmp_path / "x.wacz").read_bytes()
        assert [data[item.offset : item.offset + 4] for item in items[:2]] == [gz(b"")[:4]] * 2
        assert data[items[2].offset :].startswith(b"WARC/1.0")
    assert len(plan_splits(path, 10)) == 1


def test_zstd_dictionary_frame(tmp_path):
    dictionary = zstandard.ZstdCompressionDict(
        b"".join(page(n) for n in range(40)), dict_type=zstandard.DICT_TYPE_RAWCONTENT
    )
    packer = zstandard.ZstdCompressor(dict_data=dictionary)
    raw = dictionary.as_bytes()
    data = b"\x5d\x2a\x4d\x18" + len(raw).to_bytes(4, "little") + raw
    data += b"".join(packer.compress(page(n)) for n in range(3))
    assert urls(read(write(tmp_path / "a.warc.zst", data))) == ["0", "1", "2"]


def test_the_name_does_not_matter(tmp_path):
    assert urls(read(write(tmp_path / "a.warc", gz(page(1))))) == ["1"]
    assert urls(read(write(tmp_path / "a.warc.gz", page(1)))) == ["1"]


def test_fsspec_url():
    with fsspec.open("memory://crawl/a.warc.gz", "wb") as out:
        out.write(gz(page(1)) + gz(page(2)))
    assert urls(read("memory://crawl/a.warc.gz")) == ["1", "2"]


@pytest.mark.parametrize("compress", [True, False])
def test_archives_written_by_warcio(tmp_path, compress):
    bodies = [b"<p>%d</p>" % n * (n * 50) for n in range(30)]
    items = read(write(tmp_path / "a", warcio_archive(bodies, compress)))
    assert items[0] == Skipped("warcinfo", 0)
    assert [item.body for item in pages(items)] == bodies


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (b"<html><body>not an archive</body></html>" * 10, "is no archive"),
        (gzip.compress(b"text" * 1000, mtime=0), "is no archive"),
        (zst(b"text" * 1000), "is no archive"),
        (lz(b"text" * 1000), "is no archive"),
        (b"\x00" * 100_000, "is no archive"),
        (b"\xff\xd8\xff\xe0" * 5000, "is no archive"),
        (b"PK\x03\x04 damaged zip", "is no archive"),
    ],
)
def test_what_is_no_archive_is_an_input_error(tmp_path, content, what):
    path = write(tmp_path / "x.warc.gz", content)
    with pytest.raises(InputError, match=what) as caught:
        read(path)
    assert path in str(caught.value)
    assert caught.value.hint


def test_a_long_file_without_records_is_refused_before_it_is_split(tmp_path):
    with pytest.raises(InputError, match="is no archive"):
        plan_splits(write(tmp_path / "x.warc", b"no record here\n" * 1000), 1000)


def test_missing_file_directory_and_unknown_url(tmp_path):
    for path in (str(tmp_path / "none.warc"), str(tmp_path), "nosuchprotocol://x/y.warc.gz", "memory://none.warc.gz"):
        with pytest.raises(InputError) as caught:
            read(path)
        assert caught.value.hint


def wacz(path, method=zipfile.ZIP_STORED) -> bytes:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, numbers in {"archive/a.warc.gz": (1, 2), "archive/b.warc.gz": (3, 4)}.items():
            archive.writestr(name, b"".join(gz(page(n)) for n in numbers))
    return path.read_bytes()


def test_wacz_without_its_directory_gives_the_records_found(tmp_path):
    data = wacz(tmp_path / "x.wacz")
    items = read(write(tmp_path / "cut.wacz", data[: data.rindex(b"archive/a")]))
    assert urls(items) == ["1", "2", "3", "4"]
    assert bad(items)[0].detail.startswith("zip directory: ")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_damaged_wacz_entry_leaves_the_others(tmp_path, method):
    data = bytearray(wacz(tmp_path / "x.wacz", method))
    data[0:4] = b"\0\0\0\0"  # the first entry's local header
    path = write(tmp_path / "hurt.wacz", b"PK\x03\x04" + bytes(data))
    items = read(path)
    assert urls(items) == ["3", "4"]
    assert [item.reason for item in bad(items)] == ["damaged"]


def test_zip_without_archives(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a.txt", "x")
    with pytest.raises(InputError, match=r"without archive/"):
        read(str(tmp_path / "x.zip"))


def test_errors_name_the_file_in_rejects(tmp_path):
    path = write(tmp_path / "a", record(http(b"", status="500 Oops"), "http://example.org/a"))
    assert read(path) == [BadRecord("http://example.org/a", path, 0, DATE, "http_status", "500")]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("2024-02-21T09:30:00Z", "2024-02-21T09:30:00Z"),
        ("2024-02-21T09:30:00.123456Z", "2024-02-21T09:30:00Z"),
        ("2024-02-21T09:30:00+02:00", "2024-02-21T07:30:00Z"),
        ("2024-02-21T23:30:00-0700", "2024-02-22T06:30:00Z"),
        ("2024-02", "2024-02-01T00:00:00Z"),
        ("2008-10-294T05:21:46-0700", ""),
        ("2024-13-01T00:00:00Z", ""),
        ("blue monday", ""),
        ("", ""),
    ],
)
def test_warc_dates(raw, expected):
    assert iso_time(raw) == expected


def test_arc_dates():
    assert arc_time("20010203040506") == "2001-02-03T04:05:06Z"
    assert arc_time("200102030405") == "2001-02-03T04:05:00Z"
    assert arc_time("20019903040506") == ""


def test_byte_source_reads_short_only_at_the_end():
    from pipeline.io.byte_source import ByteSource

    source = ByteSource(io.BytesIO(bytes(range(100))), "x", 50, base=10)
    assert source.read_at(0, 3) == bytes([10, 11, 12])
    assert source.read_at(48, 10) == bytes([58, 59])
    assert source.read_at(50, 1) == b""
    assert source.part(5, 2).read_at(0, 9) == bytes([15, 16])
