"""Our sums answer what fastText answers, at the step that is stored; both twins answer the same bits."""

import gzip
import json
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers import hot
from classifiers.fasttext_file import LABEL_PREFIX, check_model
from classifiers.fasttext_model import load, shipped
from classifiers.fasttext_parts import read_parts
from classifiers.language import GLANCE_CHARS, MIN_LETTERS, WINDOWS, model_path
from classifiers.model_text import model_text, windows
from classifiers.native import NATIVE, twin
from extractors import RenderRejected, html_to_text
from pipeline.errors import InputError

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"
WORDS = ("the", "ring", "naïve", "größer", "τὸ", "定", "理", "a", "b_0", "(", ")", "=", "0", "__label__l9", ">", "é")
KINDS = {
    "softmax": {"loss": "softmax"},
    "n-grams": {"loss": "softmax", "minn": 1, "maxn": 4, "wordNgrams": 3, "bucket": 500},
    "tree": {"loss": "hs", "minn": 2, "maxn": 3, "bucket": 300},
    "one against all": {"loss": "ova", "wordNgrams": 2, "bucket": 100},
    "negative": {"loss": "ns", "maxn": 2, "minn": 2, "bucket": 100},
}
PACKED = {
    "plain": None,
    "quantised": {},
    "norms apart": {"qnorm": True, "dsub": 3},
    "pruned": {"cutoff": 300, "qnorm": True},
}


PAIRS = [
    ("softmax", "quantised"), ("softmax", "norms apart"), ("n-grams", "plain"), ("n-grams", "pruned"), ("tree", "plain"),
    ("tree", "norms apart"), ("one against all", "plain"), ("negative", "pruned"),
]  # fmt: skip


def trained_on(rows, options):
    """Ten threads fill vectors of ten numbers; else a part stays as memory was. The first reports NaN if it got no turn."""
    import fasttext

    for _ in range(5):
        try:
            return fasttext.train_supervised(
                str(rows), dim=10, epoch=10, lr=0.1, minCount=1, thread=10, verbose=0, **options
            )
        except RuntimeError as error:
            if "NaN" not in str(error):
                raise
    return pytest.fail("fastText reported NaN five times")


@pytest.fixture(scope="module", params=PAIRS, ids="-".join)
def model(request, tmp_path_factory):
    """(path, fastText's own model): seven labels, some hundred words."""
    import fasttext

    kind, pack = request.param
    folder = tmp_path_factory.mktemp("model")
    rows = folder / "rows.txt"
    lines = (f"__label__l{n % 7} w{n % 90} v{n % 130}é u{n * 7 % 110} {WORDS[n % len(WORDS)]}\n" for n in range(2_000))
    rows.write_text("".join(lines))
    trained = trained_on(rows, KINDS[kind])
    if PACKED[pack] is not None:
        trained.quantize(str(rows), retrain=True, verbose=0, thread=1, **PACKED[pack])
    trained.save_model(str(folder / "model.ftz"))
    return folder / "model.ftz", fasttext.load_model(str(folder / "model.ftz"))


def rounded(answers):
    return {label: round(min(score, 1.0), 4) for score, label in answers}


def of_library(library, line, count):
    return [
        (score, name.removeprefix(LABEL_PREFIX))
        for score, name in library.f.predict(line + "\n", count, 0.0, "replace")
    ]


def named(path, answers):
    return [(score, check_model(path).labels[label]) for score, label in answers]


def test_every_kind_of_model_answers_as_fasttext_does(model):
    path, library = model
    ours, python = load(path), hot.Model(read_parts(path, check_model(path).labels))
    labels = len(check_model(path).labels)
    said = [f"w{n} u{n} {WORDS[n % len(WORDS)]}  unseen{n} {WORDS[n * 5 % len(WORDS)]}\tv{n}é" for n in range(120)]
    for line in (*said, "", " ", "w1 </s> w2", "__label__l1 w1"):
        answers = ours.predict(line, labels)
        assert answers == python.predict(line, labels)
        theirs = of_library(library, line, labels)
        assert rounded(named(path, answers)) == pytest.approx(rounded(theirs), abs=1e-9)
        assert [score for score, _ in ours.predict(line, 3)] == [score for score, _ in answers[:3]]


@given(st.text(max_size=80))
def test_twins_answer_alike_whatever_the_line_holds(text):
    text = text.encode("utf-8", "replace").decode()
    line = twin.language_line(text, 0, 200)
    assert line == hot.language_line(text, 0, 200)
    for path in (shipped("math"), model_path()):
        assert load(path).predict(line, 3) == PYTHON[path].predict(line, 3)
        assert load(path).predict(text, 3) == PYTHON[path].predict(text, 3)


PYTHON = {path: hot.Model(read_parts(path, check_model(path).labels)) for path in (shipped("math"), model_path())}


@given(st.text(alphabet="ab 漢é\n\t1_#>www.http://x\u2028\ud800", max_size=60), st.integers(0, 8), st.integers(0, 30))
def test_twins_cut_lines_of_letters_alike(text, enough, look):
    assert twin.language_line(text, enough, look) == hot.language_line(text, enough, look)


def lines_of(texts, path):
    if path == model_path():
        return (twin.language_line(" ".join(windows(text, WINDOWS, GLANCE_CHARS)), MIN_LETTERS, 200) for text in texts)
    return map(model_text, texts)


def texts_of_pages(limit):
    for name in ("mathpages/dev/pages", "extraction/dev/articles"):
        with gzip.open(SHARED / f"{name}.jsonl.gz", "rt") as handle:
            for row in islice(map(json.loads, handle), limit):
                try:
                    yield html_to_text(row["html"].encode())
                except RenderRejected:
                    continue


def compare(texts):
    import fasttext

    for path in (shipped("math"), shipped("code"), shipped("quality"), model_path()):
        ours, library = load(path), fasttext.load_model(str(path))
        for line in filter(None, lines_of(texts, path)):
            assert rounded(named(path, ours.predict(line, 3))) == rounded(of_library(library, line, 3))


NEEDS_SHARED = pytest.mark.skipif(
    not SHARED.is_dir(), reason="needs ../shared (the project's data folder beside the checkout)"
)


@NEEDS_SHARED
def test_shipped_models_score_pages_as_fasttext_does():
    compare(list(texts_of_pages(40)))


@NEEDS_SHARED
@pytest.mark.slow
def test_shipped_models_score_every_page_as_fasttext_does():
    compare(list(texts_of_pages(None)))


def parts(**changed):
    """A model of two words, two labels, one kept bucket."""
    facts = {
        "words": b"a\0b\0", "n_words": 2, "labels": ("x", "y"), "rows": np.ones((3, 2), np.float32),
        "output": np.ones((2, 2), np.float32), "scales": np.ones(2, np.float32), "tree": np.full((3, 2), -1, np.int32),
        "loss": 3, "minn": 0, "maxn": 2, "word_ngrams": 1, "bucket": 10, "pruned": np.zeros((1, 2), np.int32),
    }  # fmt: skip
    return SimpleNamespace(**facts | changed)


@pytest.mark.skipif(not NATIVE, reason="classifiers/c is not built: no C compiler")
@pytest.mark.parametrize(
    "changed",
    [
        {"n_words": 3}, {"n_words": 0}, {"n_words": -1}, {"rows": np.ones((1, 2), np.float32)},
        {"rows": np.ones((3, 2))}, {"rows": np.ones(3, np.float32)}, {"output": np.ones((1, 2), np.float32)},
        {"output": np.ones((2, 3), np.float32)}, {"scales": np.ones(1, np.float32)}, {"labels": ()}, {"maxn": 65},
        {"bucket": 0}, {"bucket": 2**31}, {"word_ngrams": 0}, {"pruned": np.array([[0, -1]], np.int32)},
        {"pruned": np.zeros(3, np.int32)}, {"loss": 1, "tree": np.zeros((1, 2), np.int32)},
        {"loss": 1, "tree": np.array([[-1, -1], [-1, -1], [0, 2]], np.int32)},
    ],
)  # fmt: skip
def test_numbers_that_do_not_fit_are_refused_by_the_compiled_twin(changed):
    with pytest.raises(ValueError):
        twin.Model(parts(**changed))
    assert twin.Model(parts()).predict("a zz", 2)


def test_a_file_whose_numbers_do_not_fit_is_an_error(tmp_path):
    data = bytearray(shipped("quality").read_bytes())
    data[8 + 4 * 5 : 8 + 4 * 6] = (2).to_bytes(4, "little")  # n-grams of two words, and no vectors for them
    data[8 + 4 * 8 : 8 + 4 * 9] = (1_000).to_bytes(4, "little")
    path = tmp_path / "grams.ftz"
    path.write_bytes(data)
    with pytest.raises(InputError, match="damaged"):
        load(path)
