"""What a list may not ask for."""

import pytest

from pipeline.io.fetch.surt import UrlRefused
from pipeline.io.fetch.url_rules import (
    is_private_address,
    screened_key,
    screened_path,
    screened_range,
)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("not a url", "malformed"),
        ("file:///etc/passwd", "scheme"),
        ("FILE:///etc/passwd", "scheme"),
        ("ftp://example.org/a", "scheme"),
        ("javascript:alert(1)", "scheme"),
        ("data:text/html,x", "scheme"),
        ("gopher://example.org/", "scheme"),
        ("s3://bucket/key", "scheme"),
        ("http://127.0.0.1/", "private_address"),
        ("http://127.0.0.1:8080/", "private_address"),
        ("http://127.1/", "private_address"),
        ("http://2130706433/", "private_address"),
        ("http://0177.0.0.1/", "private_address"),
        ("http://10.1.2.3/", "private_address"),
        ("http://172.16.0.1/", "private_address"),
        ("http://192.168.1.1/", "private_address"),
        ("http://169.254.169.254/latest/meta-data/", "private_address"),
        ("http://100.64.0.1/", "private_address"),
        ("http://0.0.0.0/", "private_address"),
        ("http://[::1]/", "private_address"),
        ("http://[fe80::1]/", "private_address"),
        ("http://[fd00::1]/", "private_address"),
        ("http://[::ffff:10.0.0.1]/", "private_address"),
        ("http://localhost/", "private_address"),
        ("http://LOCALHOST:80/", "private_address"),
        ("http://printer/", "private_address"),
        ("http://db.internal/", "private_address"),
        ("http://user:pw@127.0.0.1/", "private_address"),
        ("http://127.0.0.1%2f.example.org@10.0.0.1/", "private_address"),
        ("http://%31%32%37.0.0.1/", "private_address"),
    ],
)
def test_refused_urls(url, reason):
    with pytest.raises(UrlRefused) as refused:
        screened_key(url)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "example.org/a",
        "https://8.8.8.8/",
        "http://[2606:4700::1111]/",
        "http://xn--p1ai.xn--p1ai/",
    ],
)
def test_public_urls_pass(url):
    assert ")" in screened_key(url)


def test_private_addresses_pass_when_the_user_says_so():
    assert screened_key("http://127.0.0.1:8000/a", allow_private=True) == "1,0,0,127:8000)/a"


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111"])
def test_global_addresses(address):
    assert not is_private_address(address)


@pytest.mark.parametrize(
    "address", ["224.0.0.1", "::", "::ffff:127.0.0.1", "2002:7f00:1::", "fe80::1%eth0", "240.0.0.1"]
)
def test_other_addresses(address):
    assert is_private_address(address)


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../a.warc.gz",
        "crawl-data/../../a.warc.gz",
        "crawl-data/./a.warc.gz",
        "a/..",
        "http://169.254.169.254/a",
        "s3://bucket/a",
        "file:a",
        "//host/a",
        "a//b",
        "a\\..\\b",
        "a?x",
        "a#x",
        "a%2e%2e/b",
        "a\nb",
        "a\0b",
        "",
        "é.warc.gz",
        "a/" * 600,
    ],
)
def test_refused_paths(path):
    with pytest.raises(UrlRefused, match="bad_path"):
        screened_path(path)


@pytest.mark.parametrize(
    "path",
    ["crawl-data/CC-MAIN-2099-01/segments/1.2/warc/CC-MAIN-x-00000.warc.gz", "a.warc", "x~y~8443.warc.gz", "a b.warc"],
)
def test_paths_that_pass(path):
    assert screened_path(path) == path


@pytest.mark.parametrize(
    ("offset", "length"),
    [
        (-1, 5),
        (0, 0),
        (0, -1),
        (0, 1 << 40),
        (1 << 60, 5),
        (None, 5),
        (5, None),
        ("x", 5),
        (1.5, 5),
        (True, 5),
        ("-1", 5),
        (5, []),
    ],
)
def test_refused_ranges(offset, length):
    with pytest.raises(UrlRefused, match="bad_range"):
        screened_range(offset, length)


def test_ranges_that_pass():
    assert screened_range("10", 20.0) == (10, 20)
