"""`warcmill dedup` cut into other files, shards and key ranges, its rows in another order: the same survivors and audit."""

from __future__ import annotations

import gzip
import json
import os
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from in_process import Here, Quiet
from test_dedup_index import ALL, audit_of, corpus, kept_of

from pipeline import job
from pipeline.dedup_job import dedup
from pipeline.engines.local import LocalConfig
from pipeline.phases import tables

SHARED = Path(__file__).resolve().parents[2] / "../shared"
NEARDUP = SHARED / "data/neardup2/dev/docs.jsonl.gz"
Result = tuple[set[str], dict[str, tuple]]


@pytest.fixture(autouse=True)
def without_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: None)


def deduplicated(folder: Path, rows: Sequence[dict], files: int) -> Result:
    """The rows dealt to files in turn."""
    folder.mkdir()
    for number in range(files):
        part = rows[number::files]
        (folder / f"{number}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part))
    inputs = tuple(str(folder / f"{number}.jsonl") for number in range(files))
    manifest = dedup(Here(inputs, folder / "run", LocalConfig(1)), ALL, Quiet())
    return kept_of(folder / "run", manifest), audit_of(folder / "run", manifest)


def same_however_cut(folder: Path, rows: list[dict], shard_bytes: int, monkeypatch: pytest.MonkeyPatch) -> Result:
    """One file, shard and key range; then 1, 2 and 8 ranges of rows in other orders, in other files and shards."""
    expected = deduplicated(folder / "whole", rows, 1)
    real = job.partitions
    monkeypatch.setattr(tables, "SHARD_BYTES", shard_bytes)
    for count, files in ((1, 3), (2, 1), (8, 2)):
        ranges = lambda spilled, _, others=(), count=count: real(spilled, count, others)  # noqa: E731
        monkeypatch.setattr(job, "partitions", ranges)
        shuffled = random.Random(count).sample(rows, len(rows))
        assert deduplicated(folder / f"in {count}", shuffled, files) == expected
    return expected


def test_order_files_shards_and_key_ranges_decide_nothing(tmp_path, monkeypatch):
    kept, audit = same_however_cut(tmp_path, corpus(), 4_000, monkeypatch)
    assert len(kept) + len(audit) == len(corpus())
    assert {row[3] for row in audit.values()} == {"exact", "jaccard", "containment"}


@pytest.mark.slow
@pytest.mark.skipif(not NEARDUP.exists(), reason="needs ../shared (the project's data folder beside the checkout)")
def test_the_same_of_real_pages(tmp_path, monkeypatch):
    with gzip.open(NEARDUP, "rt", encoding="utf-8") as lines:
        rows = [{name: row[name] for name in ("id", "text")} for row in map(json.loads, lines)]
    kept, audit = same_however_cut(tmp_path, rows, 1 << 20, monkeypatch)
    assert len(kept) + len(audit) == len(rows)
    assert len(audit) > 300
