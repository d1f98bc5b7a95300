"""Archives of other projects, malformed ones included: nothing crashes, counts agree with warcio or are explained.

Differences are explained in docs/decisions/0003-reading-archives.md.
"""

import json
from collections import Counter
from pathlib import Path

import pytest
from warc_building import bad, pages, read
from warcio.archiveiterator import ArchiveIterator

from pipeline.document import Page
from pipeline.io.warc import BAD_RECORD_REASONS, BadRecord, Skipped

SHARED = Path(__file__).resolve().parents[2] / "../shared/data/warc"
if not SHARED.is_dir():
    pytest.skip("needs ../shared (the project's data folder beside the checkout)", allow_module_level=True)
MANIFEST = {row["file"]: row for row in json.loads((SHARED / "manifest.json").read_text())}
WELL_FORMED = sorted(name for name in MANIFEST if name.startswith("ok/") and MANIFEST[name]["records_warcio"])

HTML_DIFFERENCES = {  # file: ours minus html200_pages
    "malformed/chatnoir-resiliparse__clipped.warc.gz": -1,  # its only member has no end: reject `truncated`
    "malformed/webarchive-commons__IAH-20080430204825-00000-blackbook-truncated.arc": 2,  # warcio stops at record 2
    "malformed/webarchive-commons__link-extraction-test.warc": 3,  # warcio stops at record 5 of 8
    "ok/replayweb.page__example.wacz": 1,  # the manifest lists WACZ with zero
    "ok/replayweb.page__iframetest.wacz": 2,
}


def is_html(page: Page) -> bool:
    return "html" in (page.header("content-type") or "").lower()


@pytest.mark.parametrize("name", sorted(MANIFEST))
def test_html_pages_agree_with_the_manifest(name):
    items = read(str(SHARED / name))
    difference = sum(map(is_html, pages(items))) - MANIFEST[name]["html200_pages"]
    assert difference == HTML_DIFFERENCES.get(name, 0)
    assert {item.reason for item in bad(items)} <= set(BAD_RECORD_REASONS)
    assert [item.offset for item in items] == sorted(item.offset for item in items)


@pytest.mark.parametrize("name", WELL_FORMED)
def test_record_counts_agree_with_the_manifest(name):
    items = read(str(SHARED / name))
    assert len(items) == MANIFEST[name]["records_warcio"]
    assert not [item for item in bad(items) if item.reason not in ("http_status", "revisit")]


def kind(item) -> str:
    if isinstance(item, Skipped):
        return {"filedesc": "arc_header"}.get(item.record_type, item.record_type.split(":")[0])
    return "revisit" if isinstance(item, BadRecord) and item.reason == "revisit" else "response"


@pytest.mark.parametrize("name", WELL_FORMED)
def test_records_are_those_of_warcio(name):
    ours = iter(read(str(SHARED / name)))
    compared = Counter()
    with (SHARED / name).open("rb") as handle:
        iterator = ArchiveIterator(handle)
        for theirs in iterator:
            item = next(ours)
            assert kind(item) == theirs.rec_type.strip().lower(), item
            if isinstance(item, Page):
                assert item.url == theirs.rec_headers.get_header("uri" if ".arc" in name else "WARC-Target-URI")
                assert theirs.http_headers.get_statuscode() == "200"
                compared[item.body == theirs.content_stream().read()] += 1
            elif isinstance(item, BadRecord) and item.reason == "http_status":
                assert item.detail == theirs.http_headers.get_statuscode()
            assert item.offset == iterator.get_record_offset()  # reads the record to its end
    assert next(ours, None) is None
    assert compared[False] == 0
