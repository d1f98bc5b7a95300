"""Blocklists by suffix, licences and opt-outs as pages declare them, and the recipe's verdict on both."""

import pytest

from classifiers.consent import ConsentConfig, blocks, load_blocklist
from classifiers.stage import ClassifyConfig, classify, require_files
from extractors.consent import Consent, read_consent
from extractors.stage import RenderConfig, render_page
from pipeline.document import Document, Page
from pipeline.errors import InputError

LIST = """
# hosts
example.com
*.example.org    # only those below
https://www.Example.NET:8080/private/
example.edu/a.html
"""


@pytest.fixture
def blocklist(tmp_path):
    path = tmp_path / "hosts.txt"
    path.write_text(LIST, encoding="utf-8")
    return str(path)


BLOCKED = {
    "https://example.com/": "example.com",
    "http://WWW.EXAMPLE.COM:80/x": "example.com",
    "https://a.b.example.com/x?y": "example.com",
    "https://sub.example.org/": "example.org",
    "https://example.net/private/": "example.net/private/",
    "https://example.net/private/deep/er?q=1#f": "example.net/private/",
    "https://example.edu/a.html?x=1": "example.edu/a.html",
    "//example.com/x": "example.com",
}
FREE = [
    "https://example.org/",
    "https://notexample.com/",
    "https://example.com.evil.example.us/",
    "https://example.net/public/",
    "https://example.net/private-not",
    "https://example.edu/b.html",
    "",
    "file:/x",
    "mailto:a@example.com",
]


@pytest.mark.parametrize("url", BLOCKED)
def test_blocked(url, blocklist):
    assert blocks(load_blocklist(blocklist), url) == BLOCKED[url]


@pytest.mark.parametrize("url", FREE)
def test_not_blocked(url, blocklist):
    assert blocks(load_blocklist(blocklist), url) is None


def test_hostile_urls_cost_little(blocklist):
    assert blocks(load_blocklist(blocklist), "https://" + "a." * 100 + "us/" + "b/" * 50_000) is None


def test_a_missing_or_broken_list_is_an_error_before_any_work(tmp_path):
    with pytest.raises(InputError, match="cannot read the blocklist"):
        require_files(ClassifyConfig(consent=ConsentConfig(blocklists=(str(tmp_path / "no.txt"),))))
    broken = tmp_path / "broken.txt"
    broken.write_text("example.com\nnot a host\n", encoding="utf-8")
    with pytest.raises(InputError, match="no host or URL") as error:
        require_files(ClassifyConfig(consent=ConsentConfig(blocklists=(str(broken),))))
    assert error.value.where.endswith(":2")


def page(html, *headers):
    return Page("https://example.us/", "a.warc", 0, "", headers, html if isinstance(html, bytes) else html.encode())


CC = "https://creativecommons.org/licenses/by-sa/4.0/"
PAGES = {
    '<meta name="robots" content="noai, noimageai">': Consent("", ["noai", "noimageai"]),
    "<META CONTENT='NOINDEX,FOLLOW' NAME=ROBOTS>": Consent("", ["noindex"]),
    '<meta name="robots" content="none">': Consent("", ["noindex"]),
    '<meta name="robots" content="index, follow, max-image-preview:large">': Consent("", []),
    '<meta name="otherbot" content="noindex">': Consent("", []),
    '<meta name="GPTBot" content="noindex">': Consent("", ["noindex"]),
    '<meta name="tdm-reservation" content="1"><meta name="tdm-policy" content="https://x/y">': Consent(
        "", ["tdm-reservation"]
    ),
    '<meta name="tdm-reservation" content="0">': Consent("", []),
    f'<a rel="license" href="{CC}">CC</a>': Consent("cc-by-sa-4.0", []),
    f'<link href="{CC}" rel="license">': Consent("cc-by-sa-4.0", []),
    f"Text under {CC}deed.de only": Consent("cc-by-sa-4.0", []),
    '<a rel="license" href="https://creativecommons.org/publicdomain/zero/1.0/">0</a>': Consent("cc0-1.0", []),
    '<a rel="nofollow license" href="https://example.us/terms">t</a>': Consent("https://example.us/terms", []),
    f'<a href="{CC}">photo</a> <a href="https://creativecommons.org/licenses/by/2.0/">photo</a>': Consent("", []),
    f'<a href="{CC}">p</a><a rel="license" href="https://creativecommons.org/licenses/by/3.0/us/">t</a>': Consent(
        "cc-by-3.0", []
    ),
    '<a href="/license">our license</a>': Consent("", []),
}


@pytest.mark.parametrize("html", PAGES)
def test_what_a_page_declares(html):
    assert read_consent(page(f"<html><head>{html}</head><body>x</body></html>")) == PAGES[html]


def test_headers_count_and_those_for_other_bots_do_not():
    headers = (("X-Robots-Tag", "noai, noimageai"), ("x-robots-tag", "otherbot: noindex"), ("TDM-Reservation", "1"))
    assert read_consent(page("<p>x</p>", *headers)).opt_out == ["noai", "noimageai", "tdm-reservation"]
    assert read_consent(page("<p>x</p>", ("x-robots-tag", "ccbot: noindex"))).opt_out == ["noindex"]


def test_utf_16_pages_are_read_too():
    html = '<html><head><meta name="robots" content="noai"></head><body>' + "x" * 100
    assert read_consent(page(html.encode("utf-16"))).opt_out == ["noai"]


def test_rendering_records_and_classifying_refuses(blocklist):
    html = f'<html><head><meta name="robots" content="noai"></head><body><p>Words.</p><a rel="license" href="{CC}">CC</a></body></html>'
    rendered = render_page(page(html), RenderConfig())
    assert (rendered.license, rendered.opt_out, rendered.rejected) == ("cc-by-sa-4.0", ["noai"], False)

    def verdict(url="https://example.us/", **settings):
        document = Document("", url, "", "", 0, "", text="Words.", license=rendered.license, opt_out=rendered.opt_out)
        (result,) = classify([document], config=ClassifyConfig(rules=None, consent=ConsentConfig(**settings)))
        return result.reject_reason, result.reject_detail

    assert verdict() == ("", "")
    assert verdict(refuse=("noai", "tdm-reservation")) == ("opt_out", "noai")
    assert verdict(refuse=("noindex",)) == ("", "")
    assert verdict(licenses=("cc-by", "cc0")) == ("", "")
    assert verdict(licenses=("cc0",)) == ("license", "cc-by-sa-4.0")
    assert verdict("https://a.example.com/", blocklists=(blocklist,)) == ("blocked", "example.com")
