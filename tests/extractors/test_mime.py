"""What a body is, by its bytes first and its header second (extractors/mime.py)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.mime import RENDERABLE, essence, sniff

NOTEBOOK = json.dumps({"cells": [], "metadata": {"x": "y" * 20_000}, "nbformat": 4, "nbformat_minor": 5}).encode()
OLD_NOTEBOOK = json.dumps({"metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0, "worksheets": []}).encode()
HTML = b"<!DOCTYPE html><html><body><p>text</p></body></html>"


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (HTML, "text/html; charset=utf-8", "text/html"),
        (HTML, "TEXT/HTML", "text/html"),
        (b"just words", "text/html", "text/html"),
        (b"", "text/html", "text/html"),
        (HTML, None, "text/html"),
        (HTML, "", "text/html"),
        (HTML, "application/octet-stream", "text/html"),
        (HTML, "application/x-httpd-php", "text/html"),
        (HTML, "text/javascript", "text/html"),
        (b"\xef\xbb\xbf \r\n\t<HTML lang=en>", None, "text/html"),
        (b"<!-- saved from somewhere -->\n<!doctype html>", "text/xml", "text/html"),
        (b"<p>fragment", None, "text/html"),
        (b"<h1>x</h1>", "unknown/unknown", "text/html"),
        (b"<math><mi>x</mi></math>", None, "text/html"),
        (b"<ul><li>x", "", "text/html"),
        (b"<pre>a\nb</pre>", "application/octet-stream", "text/html"),
        (b'<mjx-container jax="SVG">', None, "text/html"),
        (b"<svg width=0></svg><div>x", None, "text/html"),
        (b"<T> a generic type", None, "text/plain"),
        (b"<math.h> is a header", None, "text/plain"),
        ("<html><p>x</p></html>".encode("utf-16"), None, "text/html"),
        ("<html><p>x</p></html>".encode("utf-16-be"), "text/html", "text/html"),
        (HTML, "application/xhtml+xml", "application/xhtml+xml"),
        (b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">', "text/xml", "application/xhtml+xml"),
        (b'<?xml version="1.0"?><!-- <rss> --><html xmlns="a">', "application/xml", "application/xhtml+xml"),
        (b'<?xml version="1.0"?><!DOCTYPE html><html>', None, "application/xhtml+xml"),
        (b"plain words, nothing else", None, "text/plain"),
        (b"plain words", "text/plain; charset=latin-1", "text/plain"),
        (HTML, "text/plain", "text/plain"),  # a server that says plain means the source
        ("two words".encode("utf-16"), "text/plain", "text/plain"),
        ("日本語".encode("shift_jis"), "text/plain", "text/plain"),
        (b"\x1b$B$\"\x1b(B", "text/plain", "text/plain"),  # escape is text: ISO-2022-JP
        (b"<a", None, "text/plain"),  # the standard wants a space or > behind a tag's name
    ],
)  # fmt: skip
def test_what_the_renderer_takes(body, content_type, expected):
    assert sniff(body, content_type) == expected
    assert expected in RENDERABLE


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/x-ipynb+json", "text/plain", "application/octet-stream", "text/html", None],
)
@pytest.mark.parametrize("body", [NOTEBOOK, OLD_NOTEBOOK, b"\xef\xbb\xbf" + NOTEBOOK, b"\n" + NOTEBOOK + b"\n"])
def test_notebooks_under_every_header_servers_give_them(body, content_type):
    assert sniff(body, content_type) == "application/x-ipynb+json"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"%PDF-1.7\n", "application/pdf"), (b"%!PS-Adobe-3.0", "application/postscript"), (b"\x89PNG\r\n\x1a\n\0", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"), (b"GIF89a..", "image/gif"), (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
        (b"PK\x03\x04\x14\0", "application/zip"), (b"\x1f\x8b\x08\0", "application/x-gzip"), (b"\0\0\0\x18ftypmp42", "video/mp4"),
        (b"wOF2\0\x01", "font/woff2"), (b"ID3\x04", "audio/mpeg"), (b"\x7fELF\x02", "application/x-executable"), (b"{\\rtf1", "application/rtf"),
        (b"AT&TFORM\0\0", "image/vnd.djvu"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("content_type", ["text/html", "text/plain", "application/octet-stream", None])
def test_magic_numbers_win_over_every_header(body, expected, content_type):
    assert sniff(body, content_type) == expected


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b'{"a": [1, 2]}', "application/json", "application/json"),
        (b'{"a": [1, 2]}', "text/html", "application/json"),
        (b'[{"a": 1}]', None, "application/json"),
        (b'{"nbformat": "none"}', "application/x-ipynb+json", "application/json"),
        (b"not json", "application/x-ipynb+json", "application/json"),
        (b'<?xml version="1.0"?>\n<rss version="2.0">', "text/html", "application/rss+xml"),
        (b"<rss version='2.0'>", "application/xml", "application/rss+xml"),
        (b"<rss version='2.0'><channel>", None, "application/rss+xml"),
        (b'<feed xmlns="http://www.w3.org/2005/Atom">', "", "application/atom+xml"),
        (b'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom">', "text/xml", "application/atom+xml"),
        (b'<?xml version="1.0"?><rdf:RDF>', None, "application/rdf+xml"),
        (b'<?xml version="1.0"?><svg>', None, "image/svg+xml"),
        (b'<?xml version="1.0"?><urlset>', "text/xml", "application/xml"),
        (b"body{}", "text/css", "text/css"),
        (b"anything", "image/png", "image/png"),
        (b"\0\x01\x02\x03 binary", None, "application/octet-stream"),
        (b"text\x00with a NUL", "text/plain", "application/octet-stream"),
        (bytes(range(32)) * 4, "text/html", "application/octet-stream"),
    ],
)
def test_everything_else_is_named_for_the_reject(body, content_type, expected):
    assert sniff(body, content_type) == expected
    assert expected not in RENDERABLE


def test_one_stray_control_byte_does_not_make_html_binary():
    assert sniff(HTML + b"\x00", "text/html") == "text/html"


@pytest.mark.parametrize(
    ("header", "expected"),
    [(" Text/HTML;x", "text/html"), ("nonsense", ""), ("", ""), ("text/html, text/html", "text/html")],
)
def test_essence(header, expected):
    assert essence(header) == expected


@given(st.binary(max_size=200), st.one_of(st.none(), st.text(max_size=50)))
def test_sniff_never_fails(body, content_type):
    assert "/" in sniff(body, content_type)


def test_hostile_heads_are_linear():
    for body in (
        b"<!--" * 100_000,
        b"{" * 100_000,
        b'{"' + b"a" * 100_000,
        b"<?xml " + b"<" * 100_000,
        b" " * 1_000_000,
    ):
        sniff(body, "text/xml")
        sniff(body)
