"""`warcmill dedup --index`: a crawl after another ends as a run over both would."""

from __future__ import annotations

import json
import os
import random
import shutil
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from in_process import Here, InProcess, Quiet

from blends.takedown import request_of
from pipeline.dedup_job import DedupSettings, dedup
from pipeline.engines.local import LocalConfig
from pipeline.errors import CommitConflict, InputError, UsageError
from pipeline.inspection import explain
from pipeline.text.sketch import HASHES_VERSION

STEMS = ("river", "stone", "bridge", "winter", "garden", "letter", "window")
WORDS = [f"{stem}{end}" for stem in STEMS for end in "abcdefgh"]
ALL = DedupSettings(max_source_loss=1.0)


@pytest.fixture(autouse=True, scope="module")
def without_waiting_for_the_disk():
    """What must survive a power cut is tested elsewhere; here are some forty phases a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


def page(seed: int, words: int = 160) -> list[str]:
    draw = random.Random(seed)
    return [draw.choice(WORDS) + str(draw.randrange(60)) for _ in range(words)]


def corpus() -> list[dict]:
    """Families of copies: the same, cut off, wrapped, edited a little and chained, in several qualities."""
    rows = []
    for family in range(6):
        words = page(family)
        drift = list(words)
        for variant in range(5):
            if variant == 1:
                text = " ".join(words).upper()
            elif variant == 2:
                text = " ".join(words[: 90 + 10 * family])
            elif variant == 3:
                text = " ".join([*page(50 + family, 30), *words, *page(70 + family, 30)])
            else:
                drift[20 * variant : 20 * variant + 3] = page(90 + family * 7 + variant, 3)
                text = " ".join(drift)
            quality = [None, 0.25, 0.5][(family + variant) % 3]
            rows.append({"id": f"f{family}v{variant}", "text": text, "quality": quality, "source": "s"})
    rows += [{"id": f"single{n}", "text": " ".join(page(500 + n))} for n in range(4)]
    return [*rows, {"id": "empty", "text": ""}, {"id": "empty too", "text": " "}, {"id": "failed", "text": None}]


def start(output: Path, rows: list[dict], how: DedupSettings = ALL) -> dict:
    source = output.parent / f"{output.name}.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return dedup(Here((str(source),), output, LocalConfig(1)), how, Quiet())


def kept_of(output: Path, manifest: dict) -> set[str]:
    return {i for entry in manifest["shards"] for i in pq.read_table(output / entry["path"])["id"].to_pylist()}


def audit_of(output: Path, manifest: dict) -> dict[str, tuple]:
    rows = [row for entry in manifest["audit"] for row in pq.read_table(output / entry["path"]).to_pylist()]
    names = ("kept_id", "jaccard", "containment", "rule", "shared_shingles")
    return {row["removed_id"]: tuple(row[name] for name in names) for row in rows}


def ids_in(path: Path) -> set[str]:
    """Ids of displaced.txt or restored.txt, as a takedown reads them."""
    request = request_of(lines=path.read_text().splitlines()) if path.exists() else None
    assert request is None or not request.urls | request.domains
    return set(request.ids) if request else set()


def crawls(folder: Path, parts: list[list[dict]]) -> tuple[set[str], dict[str, tuple], list[dict]]:
    """What is kept and why everything else is gone, after runs over one part after the other."""
    kept: set[str] = set()
    audit: dict[str, tuple] = {}
    manifests = []
    for number, part in enumerate(parts):
        run = folder / f"run{number}"
        manifest = start(run, part, replace(ALL, index=folder / "index"))
        displaced, restored = ids_in(run / "displaced.txt"), ids_in(run / "restored.txt")
        assert displaced <= kept
        assert restored <= set(audit)
        audit = {i: row for i, row in audit.items() if i not in restored} | audit_of(run, manifest)
        kept = (kept - displaced) | restored | kept_of(run, manifest)
        manifests.append(manifest)
    return kept, audit, manifests


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    run = tmp_path_factory.mktemp("whole") / "run"
    manifest = start(run, corpus())
    return kept_of(run, manifest), audit_of(run, manifest)


def test_the_corpus_has_removals_of_every_kind(whole):
    kept, audit = whole
    assert {row[3] for row in audit.values()} == {"exact", "jaccard", "containment"}
    assert len(kept) + len(audit) == len(corpus())


@pytest.mark.parametrize("seed", [3, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(10, 22))])
def test_crawls_in_turn_end_as_one_run_over_all(tmp_path, whole, seed):
    draw, parts = random.Random(seed), [[], [], []]
    for row in corpus():
        draw.choice(parts[: 2 + seed % 2]).append(row)
    kept, audit, _ = crawls(tmp_path, [part for part in parts if part])
    assert kept == whole[0]
    assert audit == whole[1]


def test_a_better_copy_displaces_and_what_was_removed_for_the_old_one_may_come_back(tmp_path):
    words = page(1, 200)
    old = [{"id": "old", "text": " ".join(words[:150]), "quality": 0.5}]
    new = [{"id": "new", "text": " ".join(words), "quality": 0.9}]
    kept, audit, manifests = crawls(tmp_path, [old, new])
    assert kept == {"new"}
    assert audit["old"][0] == "new"
    assert manifests[1]["index"] == {"generation": 2, "displaced": 1, "moved": 0, "restored": 0}
    assert ids_in(tmp_path / "run1" / "displaced.txt") == {"old"}


def test_what_is_no_copy_of_the_newcomer_comes_back(tmp_path):
    draw = random.Random(5)
    letters = ["".join(draw.choice("bcdfgklm") + draw.choice("aeiou") for _ in range(3)) for _ in range(900)]
    words = [draw.choice(letters) for _ in range(600)]
    edited = [draw.choice(letters) if n < 100 and n % 9 == 3 else word for n, word in enumerate(words)]
    old = [{"id": "A", "text": " ".join(words), "quality": 0.5}, {"id": "B", "text": " ".join(words[:100])}]
    new = [{"id": "N", "text": " ".join(edited), "quality": 0.9}]  # a tenth of B is edited, a fiftieth of A
    kept, audit, manifests = crawls(tmp_path, [old, new])
    assert (kept, {removed: row[0] for removed, row in audit.items()}) == ({"N", "B"}, {"A": "N"})
    assert manifests[1]["index"] == {"generation": 2, "displaced": 1, "moved": 0, "restored": 1}
    together = start(tmp_path / "together", old + new)
    assert (kept_of(tmp_path / "together", together), audit_of(tmp_path / "together", together)) == (kept, audit)


def test_old_inputs_are_not_wanted_and_a_finished_run_does_nothing(tmp_path):
    crawls(tmp_path, [corpus()[:10]])
    (tmp_path / "run0.jsonl").unlink()
    shutil.rmtree(tmp_path / "run0")
    how = replace(ALL, index=tmp_path / "index")
    first = start(tmp_path / "next", corpus()[10:20], how)
    third = start(tmp_path / "third", corpus()[20:], how)
    assert (first["index"]["generation"], third["index"]["generation"]) == (2, 3)
    assert start(tmp_path / "next", corpus()[10:20], how) == first  # bound to the generation it began with


def test_what_cannot_be_is_said(tmp_path):
    how = replace(ALL, index=tmp_path / "index")
    start(tmp_path / "one", corpus()[:10], how)
    with pytest.raises(InputError, match="'f0v1' is in the index already"):
        start(tmp_path / "again", corpus()[1:2], how)
    with pytest.raises(UsageError, match="made with other settings"):
        start(tmp_path / "other", corpus()[10:12], replace(how, threshold=0.5))
    with pytest.raises(UsageError, match="does not go together"):
        start(tmp_path / "urls", corpus()[10:12], replace(how, url="best"))


def test_an_index_of_other_hashes_is_refused(tmp_path):
    how = replace(ALL, index=tmp_path / "index")
    start(tmp_path / "one", corpus()[:10], how)
    generation = tmp_path / "index" / "generation-0001.json"
    content = json.loads(generation.read_bytes())
    del content["hashes"]  # as they were before versions were noted
    generation.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(UsageError, match="hashed words otherwise") as refused:
        start(tmp_path / "two", corpus()[10:], how)
    assert refused.value.expected == f"hashes of version {HASHES_VERSION}, found 1"
    assert not (tmp_path / "two" / "kept").exists()


def test_of_two_runs_from_one_generation_the_second_is_refused(tmp_path):
    how = replace(ALL, index=tmp_path / "index")
    start(tmp_path / "one", corpus()[:10], how)

    class Overtaken(Here):
        def open_engine(self):
            class Engine(InProcess):
                def map_shards(self, directory, tasks, work, progress):
                    if directory.name == "kept":
                        start(tmp_path / "faster", corpus()[20:], how)
                    super().map_shards(directory, tasks, work, progress)

            return nullcontext(Engine())

    (tmp_path / "slow.jsonl").write_text("".join(json.dumps(row) + "\n" for row in corpus()[10:20]))
    with pytest.raises(CommitConflict, match="another run has extended the index"):
        dedup(Overtaken((str(tmp_path / "slow.jsonl"),), tmp_path / "slow", LocalConfig(1)), how, Quiet())


def test_the_texts_of_an_old_survivor_are_explained(tmp_path):
    words = page(1, 200)
    how = replace(ALL, index=tmp_path / "index")
    start(tmp_path / "one", [{"id": "old", "text": " ".join(words)}], how)
    start(tmp_path / "two", [{"id": "new", "text": " ".join(words[:150])}], how)
    shutil.rmtree(tmp_path / "one")
    evidence, shared, missing = explain(tmp_path / "two", "new")
    assert evidence.what.endswith("146 shared shingles  kept old")  # of 150 words, in fives
    assert shared.what.startswith("=    300 words")  # a stem and a number each, as this alignment counts
    assert missing.what.startswith("-    100 words")


@pytest.mark.parametrize("edges", [0, 3])
def test_rounds_of_stars_give_the_same_run(tmp_path, whole, edges):
    manifest = start(tmp_path / "run", corpus(), replace(ALL, max_edges_in_memory=edges))
    assert (kept_of(tmp_path / "run", manifest), audit_of(tmp_path / "run", manifest)) == whole
    assert not (tmp_path / "run" / "stars").exists()
