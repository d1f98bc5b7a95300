"""Percentile buckets from a sample, and scores that are decided once."""

import json
import random

import pytest
from click.testing import CliRunner

from classifiers.ensemble import Calibration, bucket, calibrate, ensemble_score, level, load_calibration, to_json
from classifiers.score_store import ScoreStore, key
from pipeline.cli import warcmill
from pipeline.errors import InputError

HUNDRED = [number / 100 for number in range(1, 101)]


def test_every_twentieth_of_the_sample_gets_its_bucket():
    calibration = calibrate({"a": HUNDRED})
    counts = [0] * 20
    for value in HUNDRED:
        counts[bucket({"a": value}, calibration)] += 1
    assert counts == [4] + [5] * 18 + [6]  # an edge belongs to the bucket above it
    assert ensemble_score({"a": 1.0}, calibration) == 1.0
    assert ensemble_score({"a": 0.0}, calibration) == 0.0


def test_the_best_rank_counts_whatever_the_scale():
    calibration = calibrate({"a": HUNDRED, "b": [100 * value for value in HUNDRED]})
    assert bucket({"a": 0.0, "b": 99.0}, calibration) == bucket({"a": 0.99, "b": 0.0}, calibration) == 19
    assert level(19) == "high"
    assert [level(number) for number in (18, 12, 7, 6)] == ["medium-high", "medium", "medium-low", "low"]


def test_order_of_the_sample_does_not_matter():
    shuffled = HUNDRED[:]
    random.Random(1).shuffle(shuffled)
    assert calibrate({"a": shuffled}) == calibrate({"a": HUNDRED})


@pytest.mark.parametrize(
    "sample", [{}, {"a": [0.1]}, {"a": HUNDRED, "b": HUNDRED[:-1]}, {"a": [*HUNDRED, float("nan")]}]
)
def test_samples_that_say_nothing_are_refused(sample):
    with pytest.raises(InputError):
        calibrate(sample)


def test_a_missing_score_is_named():
    with pytest.raises(InputError, match="'b'"):
        bucket({"a": 1.0}, Calibration({"a": (0.5,) * 19, "b": (0.5,) * 19}, 100))


def test_the_verb_makes_the_file_that_is_read_back(tmp_path):
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps({"q": value}) + "\n" for value in HUNDRED) + '{"q": null}\n')
    target = tmp_path / "buckets.json"
    done = CliRunner().invoke(
        warcmill, ["train-classifier", str(rows), "-o", str(target), "--kind", "ensemble", "--scores", "q"]
    )
    assert done.exit_code == 0, done.output
    assert load_calibration(target) == calibrate({"q": HUNDRED})


@pytest.mark.parametrize("text", ["{", "{}", '{"buckets": 20, "documents": 100, "edges": {"a": [1, 2]}}'])
def test_damaged_calibrations_are_refused(tmp_path, text):
    path = tmp_path / "c.json"
    path.write_text(text)
    with pytest.raises(InputError):
        load_calibration(path)
    assert to_json(calibrate({"a": HUNDRED})).endswith("}\n")


def test_the_first_score_of_a_document_stays(tmp_path):
    store = ScoreStore(tmp_path / "deep" / "scores.sqlite")
    one, two = key("doc", "text"), key("doc", "another text")
    assert one != two
    assert store.put("model", {one: 3.0}) == {one: 3.0}
    assert ScoreStore(store.path).put("model", {one: 4.0, two: 1.5}) == {one: 3.0, two: 1.5}
    assert store.get("other model", [one]) == {}
    assert len(store.get("model", [one, two] * 800)) == 2


def test_a_file_that_is_no_store_is_an_error(tmp_path):
    path = tmp_path / "scores.sqlite"
    path.write_text("not a database" * 100)
    with pytest.raises(InputError, match="no score store"):
        ScoreStore(path)
