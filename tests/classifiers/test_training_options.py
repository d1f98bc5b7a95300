"""What training offers beside the plain call: compressed rows, rows marked for the test, a shifted boundary; ensembles."""

import gzip
import json
import math

import pytest
import zstandard

from classifiers.ensemble import Calibration, check_calibration, to_json
from classifiers.fasttext_model import shifted
from classifiers.measures_of_fit import best_offset
from classifiers.prose import split as split_prose
from classifiers.quality import quality_score
from classifiers.stage import ClassifyConfig, classify, files_of, require_files
from classifiers.training_rows import Row, read_rows, split
from pipeline.document import Document
from pipeline.errors import InputError

LINES = b'{"text": "a b", "label": "x"}\n{"text": "c", "label": "y", "held_out": true}\n'


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.ZstdCompressor().compress])
def test_rows_plain_gzip_and_zstd(tmp_path, pack):
    path = tmp_path / "rows"
    path.write_bytes(pack(LINES))
    assert read_rows(path) == [Row("a b", "x"), Row("c", "y", "", True)]


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_cut_off_rows_are_said(tmp_path, pack):
    path = tmp_path / "rows"
    path.write_bytes(pack(LINES * 50)[:-12])
    with pytest.raises(InputError, match="damaged"):
        read_rows(path)


def test_rows_marked_held_out_are_the_test():
    rows = [Row(f"{label}{n}", label, "g", n < 2) for label in "xy" for n in range(9)]
    train, held = split(rows, 0.5)
    assert (len(train), len(held)) == (14, 4)
    assert all(row.held_out for row in held)


def test_offset_moves_the_best_boundary_to_a_half():
    scores = [0.05] * 300 + [0.25] * 300  # a boundary between the two is best
    offset = best_offset([False] * 300 + [True] * 300, scores)
    assert offset == pytest.approx(math.log(0.75 / 0.25), abs=1e-4)  # 0.25 is the good one nearest to 0.5
    assert shifted(0.05, offset) < 0.5 <= shifted(0.25, offset)
    assert shifted(0.5, 0.0) == 0.5
    assert best_offset([True, False], [0.1, 0.0]) == 0.0  # two rows say nothing


def test_an_ensemble_ranks_by_its_best_score(tmp_path):
    path = tmp_path / "buckets.json"
    edges = {"rule_score": tuple(n / 20 for n in range(1, 20)), "math_score": (2.0,) * 19}
    path.write_text(to_json(Calibration(edges, 100)))
    config = ClassifyConfig(ensemble=str(path), rules=None)
    require_files(config)
    assert path in files_of(config)
    document = Document("", "", "", "", 0, "", text="A plain sentence of some words. " * 4)
    bucket = int(quality_score(split_prose(document, 0.5)) * 20)
    (scored,) = classify([document], config=config)
    assert scored.quality == round(bucket / 19, 4)


def test_an_ensemble_of_unknown_scores_is_refused_before_work(tmp_path):
    path = tmp_path / "buckets.json"
    path.write_text(json.dumps({"buckets": 20, "documents": 100, "edges": {"fame": [0.5] * 19}}))
    with pytest.raises(InputError, match="fame"):
        require_files(ClassifyConfig(ensemble=str(path)))
    with pytest.raises(InputError, match="missing"):
        check_calibration(tmp_path / "none.json")
