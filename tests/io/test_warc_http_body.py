"""HTTP heads and the codings of bodies: undone once, never twice, never without bound."""

import gzip
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from warc_building import bad, http, pages, read, record, write

from pipeline.io.http_body import BodyRefused, HttpHead, decode_body, looks_decoded, parse_http_head, unchunk
from pipeline.io.read_limits import ReadLimits
from pipeline.io.warc import TRUNCATED_HEADER

LIMITS = ReadLimits()
TEXT = b"<p>An HTML body, long enough to be worth packing.</p>\n" * 200


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


ENCODERS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "deflate raw": raw_deflate,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


def decoded(body: bytes, *headers: tuple[str, str], limits=LIMITS) -> tuple[bytes, str]:
    return decode_body(HttpHead(200, headers, 0), body, limits)


def chunked(body: bytes, size: int) -> bytes:
    parts = [b"%x\r\n%s\r\n" % (len(body[i : i + size]), body[i : i + size]) for i in range(0, len(body), size)]
    return b"".join(parts) + b"0\r\n\r\n"


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("body", [TEXT, b"x", b"<p>short</p>", bytes(range(256)) * 9])
def test_content_codings(name, body):
    assert decoded(ENCODERS[name](body), ("Content-Encoding", name.split()[0].upper())) == (body, "")


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize(
    "body", [TEXT, b"", b"<", b"plain", "日本語のページ".encode("euc-jp"), "日本語".encode("iso-2022-jp")]
)
def test_a_body_that_is_stored_decoded_is_left_alone(name, body):
    assert decoded(body, ("Content-Encoding", name.split()[0])) == (body, "")


def test_stacked_codings_and_transfer_codings():
    body = gzip.compress(brotli.compress(TEXT), mtime=0)
    assert decoded(body, ("Content-Encoding", "br, gzip")) == (TEXT, "")
    assert decoded(body, ("Content-Encoding", "br"), ("content-encoding", "gzip")) == (TEXT, "")
    body = chunked(gzip.compress(brotli.compress(TEXT), mtime=0), 100)
    assert decoded(body, ("Content-Encoding", "br"), ("Transfer-Encoding", "gzip, chunked")) == (TEXT, "")


def test_a_download_that_is_compressed_itself_stays_so():
    archive = gzip.compress(TEXT, mtime=0)
    assert decoded(archive) == (archive, "")
    assert decoded(gzip.compress(archive, mtime=0), ("Content-Encoding", "gzip")) == (archive, "")


def test_several_gzip_members_and_padding():
    body = gzip.compress(b"one ", mtime=0) + gzip.compress(b"two", mtime=0) + b"\0\0\0"
    assert decoded(body, ("Content-Encoding", "gzip")) == (b"one two", "")


@pytest.mark.parametrize("name", ENCODERS)
def test_cut_bodies_keep_their_beginning(name):
    page = bytes(range(256)) * 50 + TEXT * 20
    packed = ENCODERS[name](page)
    body, cut = decoded(packed[: len(packed) - 10], ("Content-Encoding", name.split()[0]))
    assert cut == "content-coding"
    assert page.startswith(body)
    assert body


@pytest.mark.parametrize(
    "packed", [gzip.compress(TEXT, mtime=0)[:10], gzip.compress(TEXT, mtime=0)[:1], b"\x28\xb5\x2f\xfd\x00"]
)
def test_cut_before_the_first_byte(packed):
    coding = "zstd" if packed.startswith(b"\x28") else "gzip"
    with pytest.raises(BodyRefused) as caught:
        decoded(packed, ("Content-Encoding", coding))
    assert caught.value.reason == "truncated"


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", b"\x1f\x8b\x08\0" + b"\xff" * 100),
        ("gzip", gzip.compress(TEXT, mtime=0)[:-8] + b"\0" * 8),  # checksum
        ("compress", b"\x1f\x9d\x90" + bytes(range(100))),
        ("br", b"\xff\0\1" * 50),
        (", ".join(["gzip"] * 9), gzip.compress(TEXT, mtime=0)),
    ],
)
def test_bad_codings(coding, body):
    with pytest.raises(BodyRefused) as caught:
        decoded(body, ("Content-Encoding", coding))
    assert caught.value.reason == "bad_content_encoding"


@pytest.mark.parametrize("coding", ["UTF-8", "none", "identity", "", "text/html"])
def test_names_that_are_no_coding(coding):
    assert decoded(TEXT, ("Content-Encoding", coding)) == (TEXT, "")


@pytest.mark.parametrize("name", ENCODERS)
def test_bombs_and_large_bodies(name):
    zeros = bytes(20 << 20)
    packed = brotli.compress(zeros, quality=1) if name == "br" else ENCODERS[name](zeros)
    with pytest.raises(BodyRefused) as caught:
        decoded(packed, ("Content-Encoding", name.split()[0]))
    assert caught.value.reason == "inflate_ratio"
    generous = ReadLimits(max_inflate_ratio=10**9, max_body_bytes=1 << 20)
    with pytest.raises(BodyRefused) as caught:
        decoded(packed, ("Content-Encoding", name.split()[0]), limits=generous)
    assert caught.value.reason == "record_too_large"


def test_large_body_without_coding():
    with pytest.raises(BodyRefused) as caught:
        decoded(TEXT, limits=ReadLimits(max_body_bytes=100))
    assert caught.value.reason == "record_too_large"


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=1, max_size=300), st.integers(1, 400))
def test_chunked_round_trip(body, size):
    assert unchunk(chunked(body, size)) == (body, True)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"5;name=value\r\nhello\r\n0\r\n\r\n", (b"hello", True)),
        (b"5 \nhello\n0\n\n", (b"hello", True)),
        (b"0\r\n\r\n", (b"", True)),
        (b"5\r\nhello\r\n", (b"hello", False)),
        (b"ff\r\nhello", (b"hello", False)),
        (b"5\r\nhello\r\nxyz", (b"hello", False)),
        (b"<html>", (b"<html>", True)),
        (b"12\r\nlines of numbers, not chunks, in a body that was stored decoded", None),
        (b"", (b"", True)),
    ],
)
def test_unchunk(body, expected):
    assert unchunk(body) == (expected or (body, True))


def test_cut_chunked_page_is_marked(tmp_path):
    block = http(b"5\r\nhello\r\n20\r\nwor", "Transfer-Encoding: chunked")
    [item] = read(write(tmp_path / "a", record(block, extra=["WARC-Truncated: time"])))
    assert (item.body, item.header(TRUNCATED_HEADER)) == (b"hellowor", "time,chunked")


def test_common_crawl_headers_are_not_decoded(tmp_path):
    headers = ["X-Crawl-Content-Encoding: gzip", "X-Crawl-Transfer-Encoding: chunked"]
    [item] = read(write(tmp_path / "a", record(http(TEXT, *headers))))
    assert item.body == TEXT


@pytest.mark.parametrize("status", ["200", "200 ", "200 OK", "200 Gut so"])
def test_status_lines(tmp_path, status):
    assert len(pages(read(write(tmp_path / "a", record(http(b"x", status=status)))))) == 1


@pytest.mark.parametrize("block", [b"", b"HTTP", b"HTTP/1.1 20 OK\r\n\r\n", b"<html>", b"HTTP/1.1 2000 OK\r\n\r\n"])
def test_no_status_line(tmp_path, block):
    assert [item.reason for item in bad(read(write(tmp_path / "a", record(block))))] == ["malformed_http"]


def test_headers_without_an_end_are_an_empty_body():
    head = parse_http_head(b"HTTP/1.0 200 OK\r\nA: b\r\nno colon\r\n: no name\r\n", LIMITS)
    assert (head.status, head.headers) == (200, (("A", "b"),))
    assert head.body_start == 44


def test_looks_decoded():
    assert looks_decoded("текст\r\n\t\f".encode("koi8-r"))
    assert looks_decoded("漢字".encode("iso-2022-jp"))  # ESC is text there
    assert not looks_decoded(gzip.compress(TEXT, mtime=0))
    assert not looks_decoded(zlib.compress(TEXT))
    assert not looks_decoded(brotli.compress(TEXT))
