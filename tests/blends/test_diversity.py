"""Vendi score against its closed forms, overlap and novelty of sources made for it."""

from __future__ import annotations

import math
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from blends_support import CORPUS, document, make_run

from blends.diversity import diversity_of_run, diversity_of_runs, diversity_text, embed, vendi
from blends.embeddings import word_vectors
from blends.shards import TokenizeConfig
from pipeline.errors import UsageError


def test_vendi_of_known_sets() -> None:
    assert vendi(np.eye(7)) == pytest.approx(7)
    assert vendi(np.ones((5, 3))) == pytest.approx(1)
    assert vendi(np.repeat(np.eye(4), 5, axis=0)) == pytest.approx(4)
    shares = np.array([0.5, 0.25, 0.25])  # two of four alike: exp of the entropy of the shares
    mixed = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], float)
    assert vendi(mixed) == pytest.approx(math.exp(-(shares * np.log(shares)).sum()))
    assert vendi(np.zeros((0, 3))) == 0
    rows = np.random.default_rng(0).normal(size=(30, 50))
    assert vendi(rows) == pytest.approx(vendi(np.vstack([rows, rows])))  # either way round


def test_alike_documents_are_alike() -> None:
    ids = [np.array(part, np.int32) for part in ([5, 6, 7, 8] * 9, [5, 6, 7, 8] * 9, [9, 1, 2], [])]
    vectors = embed(ids)
    assert np.array_equal(vectors[0], vectors[1])
    assert abs(vectors[0] @ vectors[2]) < 1e-9 * (vectors[0] @ vectors[0])
    assert not vectors[3].any()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = tmp_path_factory.mktemp("diversity")
    alike = [CORPUS[0] + f" The number is {i}." for i in range(40)]
    mixed = [f"{' '.join(chr(97 + (i * k) % 26) * 3 for k in range(60))} {i * i}" for i in range(40)]
    for name, texts in (("alike", alike), ("mixed", mixed), ("both", alike[:20] + mixed[:20])):
        make_run(made / name, [document(t, i) for i, t in enumerate(texts)], TokenizeConfig(tokens_per_shard=900))
    return {name: made / name for name in ("alike", "mixed", "both")}


def test_the_report_tells_sources_apart(runs: dict[str, Path], tmp_path: Path) -> None:
    np.save(tmp_path / "g.npy", np.eye(9))
    found = diversity_of_runs(runs, gradients={"mixed": tmp_path / "g.npy"})
    sources = found["sources"]
    assert 2 * sources["alike"]["vendi"] < sources["mixed"]["vendi"]
    assert 0 < sources["alike"]["repeated_ngrams"] < 1
    assert sources["alike"]["overlap"]["mixed"] == sources["mixed"]["overlap"]["alike"] == 0
    assert sources["both"]["novelty"] == 0
    assert sources["both"]["same_documents"] == {"alike": 20, "mixed": 20}
    assert sources["mixed"]["g_vendi"] == 9
    assert "100.0% of the n-grams of both" not in diversity_text(found)
    assert "documents whole" in diversity_text(found)
    assert diversity_of_runs(runs)["sources"]["both"] == sources["both"]


def test_word_vectors_are_the_mean_of_the_tokens(runs: dict[str, Path]) -> None:
    if find_spec("wordllama") is None:
        pytest.skip("needs wordllama: pip install wordllama")
    found = word_vectors()
    assert found is not None
    ids = found.tokenizer.encode("number theory", add_special_tokens=False).ids
    rows = found.embed(["number theory", "", "prime numbers", "cheese cake"])
    assert np.allclose(rows[0], found.vectors[ids].mean(axis=0))
    assert not rows[1].any()
    near, far = (rows[0] @ rows[i] / np.linalg.norm(rows[i]) for i in (2, 3))
    assert near > far
    report = diversity_of_runs(runs, words="deepseek")
    assert report["sources"]["alike"]["vendi_words"] < report["sources"]["mixed"]["vendi_words"]
    assert "words" in diversity_text(report)


def test_without_word_vectors_it_says_so(runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blends.embeddings.find_spec", lambda _: None)
    with pytest.raises(UsageError, match="no word vectors"):
        diversity_of_runs(runs, words="deepseek")


def test_what_cannot_be_measured_is_refused(runs: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="gradients of 'none'"):
        diversity_of_runs(runs, gradients={"none": tmp_path / "g.npy"})
    with pytest.raises(UsageError, match="cannot read gradients"):
        diversity_of_runs(runs, gradients={"both": tmp_path / "none.npy"})
    np.save(tmp_path / "bad.npy", np.zeros(3, int))
    with pytest.raises(UsageError, match="int64 of shape"):
        diversity_of_runs(runs, gradients={"both": tmp_path / "bad.npy"})


def test_a_run_is_told_apart_by_source(tmp_path: Path) -> None:
    documents = [document(f"{CORPUS[i % 8]} {i // 8}", i) for i in range(24)]
    documents += [document(f"the proof of lemma {i} {CORPUS[i % 8][::-1]}", 100 + i) for i in range(16)]
    documents += [document(f"{CORPUS[0]} 0", 200)]
    for number, each in enumerate(documents):
        each.source = "math" if 24 <= number < 40 else "web" if number < 24 else "copy"
    make_run(tmp_path / "run", documents, TokenizeConfig())
    report = diversity_of_run(tmp_path / "run")
    assert {name: source["documents"] for name, source in report["sources"].items()} == {
        "web": 24,
        "math": 16,
        "copy": 1,
    }
    assert report["sources"]["copy"]["same_documents"] == {"web": 1, "math": 0}
    assert report["sources"]["copy"]["vendi"] == 1.0
    assert report["sources"]["math"]["novelty"] > report["sources"]["web"]["novelty"]
    few = diversity_of_run(tmp_path / "run", documents=5)
    assert sum(source["documents"] for source in few["sources"].values()) == 5
