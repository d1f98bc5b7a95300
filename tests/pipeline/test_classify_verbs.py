"""`warcmill classify` and `warcmill prefilter` as tools outside call them, and `classify RUN` on the sample's run."""

import base64
import gzip
import json
import subprocess
import sys

import pytest
from click.testing import CliRunner
from test_run import start

from pipeline.classify_verbs import classify, prefilter

ADDED = {"language", "language_score", "languages", "math_score", "code_score", "quality_score", "reject_reason"}
PROSE = (
    "The river keeps a steady course through the valley until it meets the old mill. People who lived there before the"
    " railway came still tell stories of the great flood. A bridge of local stone, built with the help of every"
    " household, carries the road north. In spring the meadows to the west turn yellow, and the herds return to the"
    " higher ground. Nobody has measured the depth of the lower pool, though many have claimed to know it."
)


def lines(path):
    data = path.read_bytes()
    return [json.loads(line) for line in (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines()]


def call(verb, *arguments, **options):
    return CliRunner().invoke(verb, [str(argument) for argument in arguments], catch_exceptions=False, **options)


def write(path, rows):
    text = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")
    return path


def test_every_row_comes_out_in_order_with_its_own_fields(tmp_path):
    rows = [
        {"id": "a", "text": PROSE, "mine": [1, {"x": None}]},
        {"id": "b", "text": "a few words"},
        "{broken",
        {"id": "c", "text": 5},
        {"id": "d", "text": None, "error": {"kind": "too_large", "message": "m"}},
        {"id": "e", "text": "x", "blocks": [{"start": 0, "end": 9}]},
        {"id": "f", "text": "x", "blocks": [{"start": 0, "end": 1, "link_density": "much", "kind": 3}]},
        {"id": "g", "text": ""},
    ]
    out = tmp_path / "out.jsonl.gz"
    done = call(classify, "--jsonl", write(tmp_path / "in.jsonl", rows), "-o", out)
    found = lines(out)
    assert done.exit_code == 0
    assert [row["id"] for row in found] == ["a", "b", None, "c", "d", "e", "f", "g"]
    assert all(set(row) >= ADDED | {"error"} for row in found)
    assert {key: found[0][key] for key in rows[0]} == rows[0]
    assert (found[0]["language"], found[0]["reject_reason"], found[1]["reject_reason"]) == ("en", None, "too_few_words")
    assert [row["error"] and row["error"]["kind"] for row in found] == [
        None, None, "bad_json", "bad_row", "too_large", "bad_row", None, None,
    ]  # fmt: skip
    assert all(found[3][name] is None for name in ADDED)


def test_recipes_decide_and_more_rows_than_a_batch_keep_their_order(tmp_path):
    source = write(tmp_path / "in.jsonl", [{"id": n, "text": PROSE} for n in range(150)])
    out = tmp_path / "out.jsonl"
    call(classify, "--jsonl", source, "-o", out, "--recipe", "nemotron-cc-math-4plus")
    assert [(row["id"], row["reject_reason"]) for row in lines(out)] == [(n, "not_math") for n in range(150)]


def test_formulas_and_blocks_of_a_row_are_taken_as_given(tmp_path):
    tex = [f"$x_{{{n}}} = {n}$" for n in range(60)]
    text = "We have " + " and ".join(tex)
    starts = [text.index(part) for part in tex]
    formulas = [
        {"start": at, "end": at + len(part), "tex": part.strip("$")} for at, part in zip(starts, tex, strict=True)
    ]
    blocks = [{"start": 0, "end": len(text), "kind": "paragraph"}]
    out = tmp_path / "out.jsonl"
    row = {"text": text, "formulas": formulas, "blocks": blocks}
    call(classify, "--jsonl", write(tmp_path / "in.jsonl", [row, {"text": text}]), "-o", out)
    given, scanned = lines(out)
    assert given["formulas"] == formulas
    assert given["math_score"] == scanned["math_score"]


def test_standard_streams():
    call = [sys.executable, "-m", "pipeline.cli", "classify", "--jsonl", "-", "-o", "-"]
    done = subprocess.run(
        call, input=json.dumps({"text": PROSE}).encode(), capture_output=True, check=True, timeout=120
    )
    assert json.loads(done.stdout)["language"] == "en"


def test_prefilter_rows(tmp_path):
    rows = [
        {"id": 1, "html": "<p>$x^2$</p>"},
        {"id": 2, "html_b64": base64.b64encode(b"<pre>x</pre>").decode(), "k": 1},
        {"id": 3, "html": "<p>news</p>"},
        {"id": 4, "html_b64": "*"},
        {"id": 5},
        [],
    ]
    out = tmp_path / "out.jsonl"
    assert call(prefilter, "--jsonl", write(tmp_path / "in.jsonl", rows), "-o", out).exit_code == 0
    found = lines(out)
    assert [(row["has_math"], row["has_code"]) for row in found] == [
        (True, False), (False, True), (False, False), (None, None), (None, None), (None, None),
    ]  # fmt: skip
    assert [row["error"] is None for row in found] == [True, True, True, False, False, False]
    assert found[1]["k"] == 1


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    output = tmp_path_factory.mktemp("classified") / "run"
    start(output)
    return output


def test_a_run_is_scored_again_without_rendering(finished, tmp_path):
    manifest = (finished / "manifest.json").read_bytes()
    out = tmp_path / "scores.jsonl"
    same = call(classify, finished, "-o", out)
    table = [line.split() for line in same.stdout.splitlines()]
    assert same.exit_code == 0, same.output
    assert table[1][:2] == ["all", "rules"]
    assert table[1][4:] == ["0", "0"]  # the same recipe changes nothing
    rows = lines(out)
    assert rows
    assert all(row["reject_reason"] == row["reject_reason_before"] for row in rows)
    stricter = tmp_path / "stricter.toml"
    stricter.write_text('name = "stricter"\n[classify.rules]\nmin_words = 1000000\n', encoding="utf-8")
    call(classify, finished, "-o", out, "--recipe", stricter)
    assert all(row["reject_reason"] for row in lines(out))
    assert (finished / "manifest.json").read_bytes() == manifest


@pytest.mark.parametrize("arguments", [[], ["--jsonl", "x", "RUN"]])
def test_bad_usage(arguments):
    done = CliRunner().invoke(classify, arguments)
    assert done.exit_code != 0
    assert "give one of RUN and --jsonl" in str(done.exception)


def test_what_is_no_run(tmp_path):
    (tmp_path / "x").mkdir()
    done = CliRunner().invoke(classify, [str(tmp_path / "x")])
    assert "is not a warcmill run" in str(done.exception)
