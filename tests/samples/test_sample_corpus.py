"""The bundled sample: built from its sources, readable by warcio, and described by its truth file."""

import hashlib
import html
import importlib.util
import json
import re
import sys
import zlib
from collections import Counter
from functools import cache
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote

import brotli
import pytest
from warcio.archiveiterator import ArchiveIterator

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
WARCS = ("sample.warc.gz", "sample-2.warc.gz")
MIB = 1 << 20


@cache
def builder():
    """samples/build_sample.py as a module; it is a script beside its data, not part of the wheel."""
    spec = importlib.util.spec_from_file_location("build_sample", SAMPLES / "build_sample.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def records(name):
    """[(type, url, date, status, HTTP headers, raw body)] of a committed WARC, with warcio, digests checked."""
    rows = []
    with (SAMPLES / name).open("rb") as file:
        for record in ArchiveIterator(file, check_digests="raise", no_record_parse=False):
            headers = record.rec_headers
            http = record.http_headers
            status = http.get_statuscode() if http and record.rec_type in {"response", "revisit"} else None
            lines = tuple(http.headers) if http else ()
            body = record.raw_stream.read()
            rows.append((record.rec_type, headers["WARC-Target-URI"], headers["WARC-Date"], status, lines, body))
    return rows


@cache
def truth():
    return [json.loads(line) for line in (SAMPLES / "truth.jsonl").read_text(encoding="utf-8").splitlines()]


@cache
def sources():
    """{source path: front matter}"""
    builder()
    corpus = sys.modules["corpus"]
    files = [path for path in (SAMPLES / "pages").rglob("*") if path.is_file()]
    return {str(path.relative_to(SAMPLES / "pages")): corpus.read_source(path)[0] for path in files}


def decoded(lines, body):
    """Body without transfer and content encoding, written here anew so that the builder is not its own judge."""
    fields = {key.lower(): value for key, value in lines}
    if fields.get("transfer-encoding") == "chunked":
        body = b"".join(chunks(body))
    match fields.get("content-encoding"):
        case "gzip":
            return zlib.decompress(body, zlib.MAX_WBITS | 16)
        case "br":
            return brotli.decompress(body)
    return body


def chunks(body):
    stream = BytesIO(body)
    while size := int(stream.readline(), 16):
        yield stream.read(size)
        stream.readline()


def test_two_builds_have_the_same_bytes(tmp_path):
    digests = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        builder().build(folder)
        digests.append({file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()})
    assert digests[0] == digests[1]
    assert set(digests[0]) == {*WARCS, "truth.jsonl"}


@pytest.mark.parametrize("name", WARCS)
def test_committed_warc_is_what_the_sources_give(name, tmp_path):
    builder().build(tmp_path)
    built, committed = ((folder / name).read_bytes() for folder in (tmp_path, SAMPLES))
    if built != committed:  # another zlib packs the same bytes differently; the records must still agree
        assert unpacked(tmp_path / name) == unpacked(SAMPLES / name)


def unpacked(path):
    with path.open("rb") as file:
        rows = []
        for record in ArchiveIterator(file):
            lines = tuple(record.http_headers.headers) if record.http_headers else ()
            identity = record.rec_headers["WARC-Record-ID"], record.rec_headers["WARC-Date"]
            kept = tuple(line for line in lines if line[0] != "Content-Length")
            rows.append((record.rec_type, identity, kept, decoded(lines, record.raw_stream.read())))
        return rows


def test_committed_truth_is_what_the_sources_give(tmp_path):
    builder().build(tmp_path)
    assert (tmp_path / "truth.jsonl").read_bytes() == (SAMPLES / "truth.jsonl").read_bytes()


def test_renderings_are_not_older_than_their_sources():
    index = json.loads((SAMPLES / "rendered/index.json").read_text(encoding="utf-8"))
    needed = {name for name in sources() if name.endswith((".md", ".tex"))}
    assert set(index) == needed
    for name, entry in index.items():
        digest = hashlib.sha256((SAMPLES / "pages" / name).read_bytes()).hexdigest()
        assert digest == entry["sha256"], f"{name} changed: run `npm run render` in samples/build"


def test_gzip_members_carry_no_time():
    for name in WARCS:
        head = (SAMPLES / name).read_bytes()[:10]
        assert head[:4] == b"\x1f\x8b\x08\x00"
        assert head[4:8] == bytes(4)


def test_sizes():
    assert sum((SAMPLES / name).stat().st_size for name in WARCS) <= 1.5 * MIB
    rendered = sum(path.stat().st_size for path in (SAMPLES / "rendered").rglob("*") if path.is_file())
    assert rendered <= 4 * MIB


@pytest.mark.parametrize("name", WARCS)
def test_truth_and_responses_are_the_same_set(name):
    captures = [(row[1], row[2]) for row in records(name) if row[0] in {"response", "revisit"}]
    expected = [(row["url"], row["date"]) for row in truth() if row["warc"] == name]
    assert Counter(captures) == Counter(expected)
    assert len(set(captures)) == len(captures)


def test_record_types_and_statuses():
    kinds = Counter(row[0] for row in records(WARCS[0]))
    assert kinds["warcinfo"] == 1
    assert min(kinds["request"], kinds["metadata"], kinds["revisit"]) >= 1
    assert {row[3] for row in records(WARCS[0]) if row[0] == "response"} == {"200", "301", "404", "503"}


def test_every_way_on_the_wire_occurs_and_decodes():
    seen = set()
    for kind, url, _, status, lines, body in records(WARCS[0]):
        if kind != "response" or status != "200":
            continue
        fields = {key.lower(): value for key, value in lines}
        seen.add((fields.get("content-encoding"), fields.get("transfer-encoding")))
        seen.add("cc" if "x-crawl-content-encoding" in fields else None)
        assert decoded(lines, body), url
    assert {("gzip", "chunked"), ("gzip", None), ("br", None), (None, None), "cc"} <= seen


def test_charsets_decode_strictly_to_the_prose():
    bodies = {(url, date): decoded(lines, body) for _, url, date, _, lines, body in all_responses()}
    charsets = set()
    for row in truth():
        if not row["keep"]:
            continue
        text = bodies[row["url"], row["date"]].decode(row["charset"])
        charsets.add(row["charset"])
        shown = " ".join(html.unescape(re.sub(r"</?(code|span|strong|em)\b[^>]*>", "", text)).split())
        if row["kind"] != "notebook":  # JSON escapes
            assert [phrase for phrase in row["must_have"] if " ".join(phrase.split()) not in shown] == []
    assert charsets >= {
        "utf-8",
        "windows-1251",
        "shift_jis",
        "euc-jp",
        "gbk",
        "big5",
        "euc-kr",
        "iso-8859-1",
        "utf-16",
        "koi8-r",
        "iso-8859-2",
    }


def all_responses():
    return [row for name in WARCS for row in records(name) if row[0] == "response"]


def test_revisits_name_a_record_with_that_payload():
    digests = {}
    revisits = []
    for name in WARCS:
        with (SAMPLES / name).open("rb") as file:
            for record in ArchiveIterator(file):
                fields = record.rec_headers
                if record.rec_type == "response":
                    digests[fields["WARC-Target-URI"], fields["WARC-Date"]] = fields["WARC-Payload-Digest"]
                if record.rec_type == "revisit":
                    target = fields["WARC-Refers-To-Target-URI"], fields["WARC-Refers-To-Date"]
                    revisits.append((target, fields["WARC-Payload-Digest"]))
    assert len(revisits) == 2
    assert [digests[target] for target, _ in revisits] == [digest for _, digest in revisits]


def test_languages():
    kept = {row["language"] for row in truth() if row["keep"]}
    assert kept >= {"en", "de", "fr", "ru", "ja", "zh", "ko", "es", "pt", "pl", "it"}


def test_exact_duplicates_are_exact_and_near_ones_are_not():
    bodies = {}
    for _, url, date, _, lines, body in all_responses():
        bodies.setdefault(url, {})[date] = decoded(lines, body)
    for row in truth():
        if row["reason"] not in {"exact_duplicate", "near_duplicate"}:
            continue
        own, original = bodies[row["url"]][row["date"]], bodies[row["duplicate_of"]]
        first = original[min(original)]
        assert (own == first) == (row["reason"] == "exact_duplicate"), row["url"]


def test_duplicates_point_at_kept_pages():
    kept = {row["url"] for row in truth() if row["keep"]}
    for row in truth():
        assert row["duplicate_of"] is None or row["duplicate_of"] in kept
        assert row["near_but_different"] is None or (row["keep"] and row["near_but_different"] in kept)
        assert (row["reason"] is None) == row["keep"]


def test_every_form_of_mathematics_occurs():
    forms = Counter(formula["form"] for row in truth() if row["keep"] for formula in row["formulas"])
    assert set(forms) >= {
        "katex", "katex_html", "katex_mathml", "temml", "mathml_plain", "latexml", "math_script",
        "mathjax3_chtml", "mathjax3_chtml_assistive", "mathjax3_svg", "mathjax3_svg_assistive",
        "mathjax4_chtml", "mathjax4_chtml_assistive", "mathjax4_svg",
        "pandoc_mathml", "pandoc_mathjax", "pandoc_katex", "mediawiki", "sphinx", "data_latex", "asciimath",
        "delimiters_dollar", "delimiters_paren", "html_sub_sup",
        "img_wordpress", "img_codecogs", "img_codecogs_no_title", "img_latex2html",
    }  # fmt: skip


def test_tex_stands_in_the_page_where_the_truth_says_so():
    """Where a form keeps its TeX, the author's TeX is in the bytes, but for escaping and white space."""
    bodies = {(url, date): decoded(lines, body) for _, url, date, _, lines, body in all_responses()}
    for row in truth():
        if not row["keep"] or row["kind"] == "notebook":
            continue
        text = plain(bodies[row["url"], row["date"]].decode(row["charset"]))
        for formula in row["formulas"]:
            if formula["tex_in_page"]:
                assert plain(formula["tex"]) in text, (row["url"], formula)


def plain(text):
    return "".join(html.unescape(unquote(text.replace("+", "%2B"))).split())


def test_there_is_enough_to_read():
    kept = [row for row in truth() if row["keep"]]
    assert len(kept) >= 60
    assert len({row["url"].split("/")[2] for row in kept}) >= 20
    assert sum(not row["keep"] for row in truth()) >= 20
