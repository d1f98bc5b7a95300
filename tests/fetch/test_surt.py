"""The table of docs/fetch.md is true, and our keys are those of the package the indexes were built with."""

import re
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.io.fetch.surt import MAX_URL_BYTES, UrlRefused, surt_key

DOCS = (Path(__file__).resolve().parents[2] / "docs/fetch.md").read_text(encoding="utf-8")
MATCHING, DIFFERING = DOCS.split("What does not match, because")


def rows(text, header):
    table = text.split(header, 1)[1].split("\n\n", 1)[0]
    return [re.findall(r"`([^`]*)`", line) for line in table.splitlines() if line.startswith("| ") and "`" in line]


def test_the_table_of_what_matches():
    found = rows(MATCHING, "| rule | URL | matches | key |")
    assert len(found) >= 25
    for url, other, key in found:
        assert surt_key(url) == key, url
        assert surt_key(other) == key, other


def test_the_table_of_what_differs():
    found = rows(DIFFERING, "| rule | URL | differs from |")
    assert len(found) >= 5
    for url, other in found:
        assert surt_key(url) != surt_key(other), url


def package_key(url):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package's regular expressions and ours do not
        surt = pytest.importorskip("surt", reason="needs the surt package (dev extra)")
    return surt.surt(url)


@pytest.mark.parametrize("url", [u for row in rows(MATCHING, "| rule | URL | matches | key |") for u in row[:2]])
def test_the_package_says_the_same(url):
    assert surt_key(url) == package_key(url)


PIECES = st.sampled_from(
    ["a", "B", "%41", "%2F", "%25", "/", "//", "/../", "/./", "?", "&", "=", "#", ";", ":", "é", " ", "x=1", "sid=", "%zz",
     "0123456789abcdef0123456789abcdef", "cfid=1", "cftoken=2", "jsessionid=", ".aspx", "~", "+", "@", "\\", "|", "'"]
)  # fmt: skip
HOSTS = st.sampled_from(
    ["example.org", "www.example.org", "WWW3.Example.ORG", "exämple.org", "a.b.c.org", "example.org."]
)


@given(
    st.sampled_from(["http://", "https://", "HTTP://"]),
    HOSTS,
    st.sampled_from(["", ":80", ":443", ":8080"]),
    st.lists(PIECES, max_size=12),
)
def test_any_http_url_has_the_package_s_key(scheme, host, port, pieces):
    url = f"{scheme}{host}{port}/{''.join(pieces)}"
    assert surt_key(url) == package_key(url)


@given(st.text(max_size=60))
def test_any_text_has_a_key_or_a_reason(text):
    try:
        key = surt_key(text)
    except UrlRefused as refused:
        key = f"({refused.reason})"
    assert ")" in key


@pytest.mark.parametrize(
    "url", ["http://", "http://:80/", "http://example.org:99999/", "http://example.org:x/", "http://[::1/", "http:///"]
)
def test_malformed_urls_are_refused(url):
    with pytest.raises(UrlRefused, match="malformed"):
        surt_key(url)


def test_limits_on_hostile_urls():
    with pytest.raises(UrlRefused, match="too_long"):
        surt_key("http://example.org/" + "a" * MAX_URL_BYTES)
    with pytest.raises(UrlRefused, match="over and over"):
        surt_key("http://example.org/%" + "25" * 100)
    assert surt_key("http://example.org/?" + "cfid=" * 3000).startswith(
        "org,example)/?cfid="
    )  # at once, not in minutes
