"""`warcmill dedup --index` with run and index in an object store: the same files as in local folders."""

import json
import random
import sys
from pathlib import Path

import pytest
from test_object_store import folder, pytestmark, store  # noqa: F401 - fixtures

from pipeline.dedup_job import DedupSettings, dedup
from pipeline.engines.local import LocalConfig

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pipeline"))
from in_process import Here, Quiet


def page(seed):
    draw = random.Random(seed)
    return [f"word{draw.randrange(500)}" for _ in range(120)]


@pytest.mark.parametrize("stars", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_crawls_in_a_store_end_as_in_folders(tmp_path, folder, stars):  # noqa: F811 - the fixture
    crawls = [
        [{"id": f"old{n}", "text": " ".join(page(n)[:90])} for n in range(6)],
        [{"id": f"new{n}", "text": " ".join(page(2 * n))} for n in range(6)],
    ]
    found = []
    for place in (tmp_path, folder):
        how = DedupSettings(max_source_loss=1.0, index=place / "index", max_edges_in_memory=0 if stars else 1_000)
        manifests = []
        for number, rows in enumerate(crawls):
            source = tmp_path / f"crawl{number}.jsonl"
            source.write_text("".join(json.dumps(row) + "\n" for row in rows))
            manifests.append(dedup(Here((str(source),), place / f"run{number}", LocalConfig(1)), how, Quiet()))
        found.append((manifests, (place / "run1" / "displaced.txt").read_text()))
    assert found[0] == found[1]
    assert found[0][0][1]["index"] == {"generation": 2, "displaced": 3, "moved": 0, "restored": 0}
