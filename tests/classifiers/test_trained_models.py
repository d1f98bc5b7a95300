"""Models: damaged files are refused before fastText reads them; scores do not depend on company; training is repeatable."""

import json
import struct
from hashlib import sha256

import pytest
from click.testing import CliRunner

from classifiers.fasttext_file import check_model
from classifiers.fasttext_model import positive_label, score, scores, shipped
from classifiers.language import check_languages, detect_top, macro, model_path
from classifiers.language_codes import short_code
from classifiers.measures_of_fit import at_threshold, average_precision
from classifiers.model_text import WINDOW_CHARS, WINDOWS, model_text, windows
from classifiers.models_check import check_models
from classifiers.training import FastTextConfig, positive_of, train
from classifiers.training_rows import Row, read_rows, split
from pipeline.cli import warcmill
from pipeline.errors import InputError, UsageError

SUBJECTS = {
    "math": "let the matrix group ring field lemma follows converges bounded operator eigenvalue polynomial integral kernel",
    "nonmath": "the town mayor said river festival market bread weather school match summer garden police minister voters",
}


def examples(count=120):
    """Rows of two vocabularies, each row another rotation of its words, ten groups."""
    for number in range(count):
        for label, vocabulary in SUBJECTS.items():
            words = vocabulary.split()
            turn = number % len(words)
            yield Row(f"{' '.join(words[turn:] + words[:turn])} {number}", label, f"site{number % 10}")


@pytest.fixture(scope="module")
def trained():
    return train(list(examples()), FastTextConfig())


@pytest.fixture
def model(trained, tmp_path):
    path = tmp_path / "model.ftz"
    path.write_bytes(trained.data)
    return path


def test_training_is_repeatable_and_ignores_the_order_of_rows(trained):
    again = train(list(examples())[::-1], FastTextConfig())
    assert again.data == trained.data
    assert again.card == trained.card


def test_disjoint_vocabularies_are_told_apart_on_held_out_groups(trained):
    assert trained.card["metrics"]["f1"] == 1.0
    assert not set(trained.card["held_out"]["groups"]) & set(trained.card["training"]["groups"])
    assert trained.card["sha256"] == sha256(trained.data).hexdigest()


def test_the_facts_of_a_file_are_its_labels_and_dimension(model):
    facts = check_model(model)
    assert sorted(facts.labels) == ["math", "nonmath"]
    assert facts.dim == FastTextConfig().dim


@pytest.mark.parametrize("kept", [0, 3, 60, 200, -1, -5000])
def test_a_truncated_model_is_an_error_at_once(model, tmp_path, kept):
    cut = tmp_path / f"cut{kept}.ftz"
    cut.write_bytes(model.read_bytes()[:kept])
    with pytest.raises(InputError):
        check_model(cut)


def test_foreign_appended_and_missing_files_are_errors(model, tmp_path):
    for name, data in (("text", b"no model " * 50), ("longer", model.read_bytes() + b"x")):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(InputError):
            check_model(path)
    with pytest.raises(InputError, match="missing"):
        check_model(tmp_path / "none.ftz")


def test_a_header_with_another_dimension_is_refused(model, tmp_path):
    data = bytearray(model.read_bytes())
    data[8:12] = struct.pack("<i", FastTextConfig().dim + 1)
    path = tmp_path / "dim.ftz"
    path.write_bytes(data)
    with pytest.raises(InputError, match="dimensions"):
        check_model(path)


def test_flipped_bits_are_found_by_the_card(model, tmp_path):
    data = bytearray(model.read_bytes())
    data[-10] ^= 1
    path = tmp_path / "flipped.ftz"
    path.write_bytes(data)
    check_model.cache_clear()
    assert check_model(path).labels
    check_model.cache_clear()
    (tmp_path / "flipped.ftz.json").write_text(json.dumps({"sha256": sha256(model.read_bytes()).hexdigest()}))
    with pytest.raises(InputError, match="sha256"):
        check_model(path)


def test_a_model_without_the_label_names_what_it_has(model):
    assert positive_label(model, "math") == "math"
    with pytest.raises(InputError, match="no label 'code'"):
        positive_label(model, "code")


def test_scores_do_not_depend_on_company(model):
    texts = [row.text for row in examples(8)]
    together = scores(texts, model, "math")
    assert together == [score(text, model, "math") for text in texts]
    assert together[::-1] == scores(texts[::-1], model, "math")
    assert all(value == round(value, 4) for value in together)
    assert score("", model, "math") == score("∎ § …", model, "math") == 0.0


def test_model_text_has_no_markup_left_and_separates_unspaced_scripts():
    assert model_text(r"Let $\frac{A}{b_1}$ **be** `f(x)`").split() == [
        "let",
        "frac",
        "a",
        "b_0",
        "be",
        "f",
        "(",
        "x",
        ")",
    ]
    assert model_text("定理1").split() == ["定", "理", "0"]


def test_windows_reach_both_ends_and_are_bounded():
    text = "a" * 5_000 + "b" * 5_000 + "z"
    parts = list(windows(text))
    assert len(parts) == WINDOWS
    assert {len(part) for part in parts} == {WINDOW_CHARS}
    assert text.startswith(parts[0])
    assert text.endswith(parts[-1])
    assert list(windows("short")) == ["short"]


def test_the_split_keeps_groups_whole_and_repeats_itself():
    rows = list(examples())
    training, held = split(rows, 0.2)
    assert not {row.group for row in training} & {row.group for row in held}
    assert len(training) + len(held) == len(rows)
    assert 0.1 * len(rows) <= len(held) <= 0.4 * len(rows)
    assert split(rows[::-1] + rows[:5], 0.2) == (training, held)


def test_one_label_cannot_be_learned():
    with pytest.raises(InputError, match="nothing to learn"):
        split([Row(f"text {i}", "math") for i in range(50)], 0.2)


@pytest.mark.parametrize(
    ("line", "number"), [("{", 1), ('{"text": 1, "label": "a"}', 1), ('{"text": "t", "label": "a"}\n{"text": "t"}', 2)]
)
def test_a_bad_training_row_is_named(tmp_path, line, number):
    path = tmp_path / "rows.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(InputError) as caught:
        read_rows(path)
    assert caught.value.where == f"{path}:{number}"


def test_the_positive_label_is_told_or_asked_for():
    assert positive_of({"math", "nonmath"}, "") == "math"
    assert positive_of({"de", "en", "fr"}, "fr") == "fr"
    with pytest.raises(UsageError, match="cannot be told"):
        positive_of({"de", "en"}, "")
    with pytest.raises(UsageError, match="'it'"):
        positive_of({"de", "en"}, "it")


def test_precision_recall_and_area_by_hand():
    truth, values = [True, False, True, False], [0.9, 0.8, 0.7, 0.1]
    found = at_threshold(truth, values, 0.5)
    assert (found["precision"], found["recall"], found["f1"]) == (0.6667, 1.0, 0.8)
    assert average_precision(truth, values) == round((1 + 2 / 3) / 2, 4)


def test_the_verb_writes_model_and_cards(tmp_path):
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps({"text": row.text, "label": row.label}) + "\n" for row in examples()))
    done = CliRunner().invoke(warcmill, ["train-classifier", str(rows), "-o", str(tmp_path / "m.ftz")])
    assert done.exit_code == 0, done.output
    card = json.loads((tmp_path / "m.ftz.json").read_text())
    assert card["positive"] == "math"
    assert len(card["metrics"]["curve"]) == 19
    assert "Held-out part" in (tmp_path / "m.ftz.md").read_text()
    assert score(SUBJECTS["math"], tmp_path / "m.ftz", "math") > 0.5


@pytest.mark.parametrize("name", ["math", "code", "quality"])
def test_shipped_models_are_whole_small_and_described(name):
    path = shipped(name)
    facts = check_model(path)
    assert name in facts.labels
    assert path.stat().st_size < 2_000_000
    assert path.with_name(path.name + ".md").is_file()


def test_shipped_models_judge_content_without_markup():
    theorem = (
        "Every bounded sequence of real numbers has a convergent subsequence. Proof: bisect the interval, choose a half"
        " with infinitely many terms, and repeat; the nested intervals shrink to a limit point. The theorem fails in"
        " infinite dimensional spaces, where the unit ball is not compact and orthonormal vectors stay apart."
    )
    council = (
        "The council voted on Tuesday to reopen the old swimming pool after residents collected four thousand"
        " signatures. Work will start in spring, the mayor said, and a café is planned beside the entrance."
    )
    program = (
        "Call connect() with the host name and port. import socket sock = socket.socket() sock.connect((host, port))"
        " for line in sock.makefile(): print(line.strip()) The function returns None when the timeout is reached."
    )
    assert score(theorem, shipped("math"), "math") > 0.5 > score(council, shipped("math"), "math")
    assert score(program, shipped("code"), "code") > 0.5 > score(council, shipped("code"), "code")


def test_language_codes_are_checked_before_work():
    check_languages(("en", "de", "zh", "no", "und"))
    with pytest.raises(UsageError, match="unknown language code 'ger'"):
        check_languages(("en", "ger"))
    with pytest.raises(InputError, match="missing"):
        check_languages(("en",), "/nowhere/glotlid.bin")
    with pytest.raises(InputError, match="missing"):
        check_models(math_model="/nowhere/math.ftz")


def test_the_wheel_model_passes_the_same_walk():
    assert len(check_model(model_path()).labels) == 176


def test_top_languages_come_with_scores_best_first():
    text = (
        "Der Fluss zieht ruhig durch das Tal, bis er die alte Mühle erreicht, und niemand weiß, wie tief er dort ist."
    )
    found = detect_top(text)
    assert found[0][0] == "de"
    assert [value for _, value in found] == sorted((value for _, value in found), reverse=True)
    assert detect_top("1 + 1 = 2") == [("und", 0.0)]


def test_labels_of_other_models_become_the_same_codes():
    assert [short_code(label) for label in ("eng_Latn", "arb_Arab", "cmn_Hani", "en", "mwl")] == [
        "en",
        "ar",
        "zh",
        "en",
        "mwl",
    ]
    assert macro("nn") == macro("nb") == "no"
