"""The main job against what the authors of the sample corpus say about each page (samples/truth.jsonl)."""

import json
from collections import defaultdict

import pyarrow.parquet as pq
import pytest
from test_run import SAMPLES, start

TRUTH = [json.loads(line) for line in (SAMPLES / "truth.jsonl").read_text(encoding="utf-8").splitlines()]
COLUMNS = ["url", "crawl_time", "text", "language", "reject_stage", "reject_reason"]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """(url, crawl time) -> row of the last phase the page reached."""
    output = tmp_path_factory.mktemp("truth") / "run"
    start(output)
    files = [*output.glob("phases/*-clean/data/*.parquet"), *output.glob("phases/*/reject/*.parquet")]
    rows = [row for path in files for row in pq.read_table(path, columns=COLUMNS).to_pylist()]
    return {(row["url"], row["crawl_time"]): row for row in rows}


def rows(outcome, condition):
    return [(truth, outcome[truth["url"], truth["date"]]) for truth in TRUTH if condition(truth)]


def group(truth):
    return truth["duplicate_of"] or truth["url"]


def test_every_page_of_the_truth_has_a_fate(outcome):
    assert {(truth["url"], truth["date"]) for truth in TRUTH} == set(outcome)


def test_content_is_kept_unless_a_copy_of_it_is(outcome):
    copied = {group(truth) for truth in TRUTH if truth["duplicate_of"]}
    lost = [
        truth["url"]
        for truth, row in rows(outcome, lambda truth: truth["keep"] and group(truth) not in copied)
        if row["reject_reason"]
    ]
    # one forum thread is mostly figures and symbols: Gopher's rule on alphabetic words takes it
    assert len(lost) <= 1, lost


def test_of_each_set_of_copies_exactly_one_stays(outcome):
    kept = defaultdict(list)
    for truth, row in rows(outcome, lambda truth: truth["status"] == 200):
        if not row["reject_reason"]:
            kept[group(truth)].append(truth["url"])
    copies = {group(truth) for truth in TRUTH if truth["duplicate_of"] and truth["reason"] != "revisit"}
    assert len(copies) >= 8
    assert {name: kept[name] for name in copies if len(kept[name]) != 1} == {}


def test_sheets_that_differ_in_numbers_both_stay(outcome):
    pairs = rows(outcome, lambda truth: truth["near_but_different"])
    assert len(pairs) >= 2
    assert [truth["url"] for truth, row in pairs if row["reject_reason"]] == []


def test_most_junk_goes(outcome):
    junk = rows(outcome, lambda truth: truth["kind"] == "junk")
    kept = [truth["url"] for truth, row in junk if not row["reject_reason"]]
    assert len(junk) >= 10
    assert len(kept) <= 2, kept


def test_content_survives_cleaning_and_boilerplate_does_not(outcome):
    kept = [(truth, row) for truth, row in rows(outcome, lambda truth: truth["keep"]) if not row["reject_reason"]]
    have = [text in row["text"] for truth, row in kept for text in truth["must_have"]]
    rest = [text in row["text"] for truth, row in kept for text in truth["boilerplate"]]
    assert sum(have) >= 0.95 * len(have)
    assert sum(rest) <= 0.10 * len(rest)


def test_languages(outcome):
    kept = [(truth, row) for truth, row in rows(outcome, lambda truth: truth["keep"]) if not row["reject_reason"]]
    assert [truth["url"] for truth, row in kept if row["language"] != truth["language"]] == []
