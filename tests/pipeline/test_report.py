"""The report of a real tiny run: its numbers, its harmlessness, its independence of place."""

import html
import io
import json
import re
import shutil
from dataclasses import replace

import pytest
import turbohtml
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from pipeline.engines.local import LocalConfig
from pipeline.errors import UsageError, VerificationError
from pipeline.inspection import explain
from pipeline.recipe import load_recipe
from pipeline.report import write_report
from pipeline.run import RunConfig, run

PARAGRAPHS = (
    "The {0} number of a graph is the smallest number of colours that its vertices need when no two neighbours may "
    "share one, and it is the {1} question of this chapter because the answer is known for trees and for planar "
    "graphs but not in general, as we shall see with the help of {2} examples that are worked out in full below. ",
    "Start with any vertex and give it the first colour. Every other vertex then takes the lowest {0} colour that is "
    "free among those around it, which never asks for more than the largest degree plus one. That bound is {1} for "
    "complete graphs and for odd cycles, and Brooks showed that {2} others do better by at least one. ",
    "A map on the plane needs four, although the proof was {1} for a century and used a computer in the end. We only "
    "prove that five are enough: remove a vertex of degree five or less, colour what remains by induction, and swap "
    "two {0} colours along a chain where all {2} of the removed one's neighbours differ. ",
)
HOSTILE_TITLE = "</style></title><script>alert('title')</script>"
HOSTILE_URL = 'http://evil.example/"><img src=x onerror=alert(1)>?a=1&b=2'
PAGES = {
    "http://one.example/kept": ("Colours", ["chromatic", "central", "seven"], " $\\chi(G) \\le \\Delta(G) + 1$ "),
    HOSTILE_URL: (html.escape(HOSTILE_TITLE), ["list", "oldest", "hostile"], " &lt;script&gt;boo()&lt;/script&gt; "),
    "http://two.example/copy": ("Colours", ["chromatic", "central", "seven"], " $\\chi(G) \\le \\Delta(G) + 1$ "),
    "http://three.example/short": ("Nothing", [], "Too little."),
}


def body(title, words, extra):
    texts = [paragraph.format(*words) for paragraph in PARAGRAPHS] if words else []
    inside = "".join(f"<p>{text}{extra}</p>" for text in texts) or f"<p>{extra}</p>"
    return (
        f"<!DOCTYPE html><html lang=en><meta charset=utf-8><title>{title}</title><body><main>{inside}</main>".encode()
    )


def warc(path):
    with path.open("wb") as file:
        writer = WARCWriter(file, gzip=True)
        for url, page in PAGES.items():
            headers = StatusAndHeaders("200 OK", [("Content-Type", "text/html; charset=utf-8")], protocol="HTTP/1.1")
            block = headers.to_ascii_bytes() + body(*page)
            record = writer.create_warc_record(
                url,
                "response",
                payload=io.BytesIO(block),
                length=len(block),  # without it warcio leaves a temporary file open
                warc_content_type="application/http; msgtype=response",
                warc_headers_dict={"WARC-Date": "2026-01-01T00:00:00Z"},
            )
            writer.write_record(record)
        writer.write_record(writer.create_warcinfo_record("tiny.warc.gz", {"software": "test"}))
    return str(path)


class Silent:
    """Hears nothing."""

    def begin(self, phase, tasks): ...

    def progress(self, finished, records): ...

    def end(self, phase, counters): ...


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    config = RunConfig((warc(folder / "tiny.warc.gz"),), folder / "run", load_recipe("default"), None, LocalConfig(1))
    manifest = run(config, Silent())
    path = write_report(folder / "run")
    return folder / "run", manifest, path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(finished):
    return turbohtml.parse(finished[2])


def words(element):
    return " ".join(element.text.split())


def figure(page, title):
    return next(found for found in page.select("figure") if words(found.select_one("h3")) == title)


def bar_counts(page, title):
    rows = figure(page, title).select("tbody tr")
    return {words(row.select_one("th")): int(words(row.select_one("td.n")).replace(",", "")) for row in rows}


def test_the_run_has_what_the_tests_below_look_for(finished):
    _, manifest, _ = finished
    assert manifest["totals"]["rows_in"] == 4
    assert manifest["totals"]["documents"] == 2  # of four: one is a copy, one too short
    assert {drop["stage"] for drop in manifest["drops"]} == {"exact_dedup", "classify"}


def test_tiles_repeat_the_totals(finished, page):
    totals = finished[1]["totals"]
    tiles = {words(tile.select_one("span")): words(tile.select_one("strong")) for tile in page.select(".tile")}
    assert tiles["documents"] == str(totals["documents"])
    assert tiles["tokens"] == f"{totals['tokens']:,}"
    assert tiles["tokens in math"] == f"{totals['tokens_by_kind']['math']:,}"
    assert tiles["failed records"] == "0"
    assert tiles["formulas as TeX"] == "6"  # one per paragraph in two pages; no formula in the hostile one


def test_the_funnel_walks_from_records_to_documents(page):
    kept = bar_counts(page, "From records to documents")
    assert kept == {
        "read": 4,
        "rendered": 4,
        "exact dedup": 3,
        "classified": 2,
        "fuzzy dedup": 2,
        "cleaned": 2,
        "tokenized": 2,
    }


def test_losses_are_those_of_the_drop_ledger(finished, page):
    ledger = {f"{drop['stage']}: {drop['reason']}": drop["rows"] for drop in finished[1]["drops"]}
    assert bar_counts(page, "Why records were lost") == ledger
    assert bar_counts(page, "Records that are no responses") == {"warcinfo": 1}
    assert bar_counts(page, "Duplicates by rule") == {"exact_dedup: exact": 1}


def test_histograms_add_up(finished, page):
    assert sum(bar_counts(page, "Tokens by kind").values()) == finished[1]["totals"]["tokens"]
    assert bar_counts(page, "Languages") == {"en": 2}
    assert bar_counts(page, "Charsets") == {"utf-8": 4}
    for title, documents in (("Quality", 2), ("Mathness", 2), ("Code score", 2), ("Length after cleaning", 2)):
        counts = [words(count) for count in figure(page, title).select(".rod b")]
        assert sum(int(count) for count in counts if count) == documents, title


def test_a_duplicate_is_shown_with_both_addresses(page):
    pair = words(page.select_one("article.pair"))
    assert "http://one.example/kept" in pair
    assert "http://two.example/copy" in pair
    assert "jaccard 1.00" in pair


def test_samples_show_formulas_and_rejects_their_reason(page):
    cards = page.select("details")
    assert [card.has_class("rejected") for card in cards] == [False, False, True, True]
    formulas = {words(formula) for card in cards[:2] for formula in card.select("code.formula")}
    assert formulas == {"$\\chi(G) \\le \\Delta(G) + 1$"}
    stages = [words(stage.select_one("h3")) for stage in page.select("section.stage")]
    assert sorted(stages) == ["classify", "exact_dedup"]
    extracts = [words(extract) for extract in page.select("section.stage blockquote")]
    assert "Too little." in extracts


def test_ids_on_the_page_can_be_explained(finished, page):
    id_ = re.search(r"id ([0-9a-f]{32})", page.text).group(1)
    assert explain(finished[0], id_)


def test_hostile_text_stays_text(finished, page):
    markup = finished[2]
    assert "<script" not in markup.lower()
    assert "<img" not in markup.lower()
    assert markup.count("</style>") == 1
    for spelled in ("<script>boo()</script>", HOSTILE_TITLE, HOSTILE_URL):
        assert spelled in page.text
    assert not any(
        name.startswith("on") for element in page.descendants if hasattr(element, "attrs") for name in element.attrs
    )


def test_nothing_is_loaded_from_elsewhere(finished, page):
    loading = {"src", "srcset", "href", "action", "data", "poster", "background", "xlink:href", "formaction"}
    links = [
        (element.tag, element.attrs[name])
        for element in page.select("*")
        for name in loading.intersection(element.attrs)
    ]
    assert links == [("a", "manifest.json")]
    assert (finished[0] / "manifest.json").exists()
    assert "url(" not in finished[2]
    assert "@import" not in finished[2]
    policy = page.select_one('meta[http-equiv="Content-Security-Policy"]')
    assert policy.attrs["content"].startswith("default-src 'none'")
    assert len(finished[2].encode()) < 2_000_000


def test_the_page_is_well_formed(finished, page):
    assert not page.errors
    assert words(page.select_one("title")) == "warcmill run report"


def test_a_moved_run_has_the_same_report(finished, tmp_path):
    moved = tmp_path / "elsewhere"
    shutil.copytree(finished[0], moved)
    assert write_report(moved).read_text(encoding="utf-8") == finished[2]


def test_without_run_json_only_times_are_missing(finished, tmp_path):
    moved = tmp_path / "run"
    shutil.copytree(finished[0], moved)
    (moved / "run.json").unlink()
    page = turbohtml.parse(write_report(moved).read_text(encoding="utf-8"))
    assert bar_counts(page, "From records to documents")["tokenized"] == 2
    assert {words(row.select("td")[2]) for row in figure(page, "Time per phase").select("tbody tr")} == {"–"}


def test_a_resumed_run_claims_no_rate(finished, tmp_path):
    moved = tmp_path / "run"
    shutil.copytree(finished[0], moved)
    (session,) = json.loads((moved / "run.json").read_bytes())["sessions"]
    times = session["phase_seconds"]
    first = session | {"phase_seconds": {name: times[name] for name in ("inputs", "render")}}
    last = session | {"phase_seconds": {name: times[name] for name in times if name not in ("inputs", "render")}}
    nothing_left = session | {"phase_seconds": {}}
    (moved / "run.json").write_text(json.dumps({"sessions": [first, last, nothing_left]}))
    page = turbohtml.parse(write_report(moved).read_text(encoding="utf-8"))
    tile = next(tile for tile in page.select(".tile") if words(tile.select_one("span")) == "this run")
    assert words(tile.select_one("small")) == "2 sessions"
    shown = {
        words(row.select("td")[0]): words(row.select("td")[2])
        for row in figure(page, "Time per phase").select("tbody tr")
    }
    assert shown == {name: f"{seconds:,.2f}" for name, seconds in times.items()}


@pytest.mark.slow
def test_a_run_without_dedup_has_a_report(tmp_path):
    recipe = load_recipe("default")
    recipe = replace(
        recipe,
        exact_dedup=replace(recipe.exact_dedup, enabled=False),
        fuzzy_dedup=replace(recipe.fuzzy_dedup, enabled=False),
    )
    run(RunConfig((warc(tmp_path / "t.warc.gz"),), tmp_path / "run", recipe, None, LocalConfig(1)), Silent())
    page = turbohtml.parse(write_report(tmp_path / "run").read_text(encoding="utf-8"))
    assert bar_counts(page, "From records to documents")["tokenized"] == 3
    assert words(figure(page, "Duplicates by rule").select_one(".none")) == "none"
    assert not page.select("article.pair")


def test_only_finished_untouched_runs_have_a_report(finished, tmp_path):
    with pytest.raises(UsageError, match="not a warcmill run"):
        write_report(tmp_path)
    moved = tmp_path / "run"
    shutil.copytree(finished[0], moved)
    manifest = json.loads((moved / "manifest.json").read_bytes())
    manifest["totals"]["documents"] += 1
    (moved / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(VerificationError):
        write_report(moved)
    (moved / "_SUCCESS").unlink()
    with pytest.raises(VerificationError):
        write_report(moved)
