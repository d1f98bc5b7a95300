"""`warcmill clean` from the outside: rows through, verdicts out, errors named."""

import gzip
import json

from click.testing import CliRunner

from extractors import render
from pipeline.cli import warcmill
from pipeline.rendering import as_json

HTML = """<html><body><nav><a href=/>Home</a> <a href=/x>Topics</a></nav><main><h1>Series</h1>
<p>Every absolutely convergent series converges, and its value does not depend on the order.</p>
<p>For \\(|q| < 1\\) we have the sum of all powers, which is known.</p></main><footer>© 2024 Example.</footer></body></html>"""


def run(*arguments):
    return CliRunner().invoke(warcmill, ["clean", *map(str, arguments)], catch_exceptions=False)


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_rendered_rows_are_cleaned_in_order_with_other_fields_unchanged(tmp_path):
    rows = [{"id": str(i), "extra": {"n": [i]}, **as_json(render(HTML)), "error": None} for i in range(3)]
    result = run("--jsonl", write(tmp_path / "in.jsonl", rows), "-o", tmp_path / "out.jsonl", "--backend", "rules")
    assert result.exit_code == 0
    written = read(tmp_path / "out.jsonl")
    assert [row["id"] for row in written] == ["0", "1", "2"]
    for before, after in zip(rows, written, strict=True):
        assert {key: after[key] for key in before} == before
        assert after["clean_mode"] == "rules"
        assert after["guard_verdict"] == "pass"
        assert after["guard_reasons"] == []
        assert after["clean_text"].startswith("# Series\n\nEvery absolutely")
        assert "$|q|" in after["clean_text"]
        assert "Topics" not in after["clean_text"]


def test_rows_without_text_pass_through_with_nulls_and_bad_rows_are_named(tmp_path):
    failed = {"id": "a", "text": None, "blocks": [], "formulas": [], "error": {"kind": "blank", "message": "x"}}
    silent = {"id": "c", "text": None}
    bad = {"id": "b", "text": "short", "blocks": [{"start": 0, "end": 99, "kind": "paragraph"}]}
    source = write(tmp_path / "in.jsonl", [failed, bad, silent])
    source.write_text(source.read_text() + "{broken\n[1]\n")
    assert run("--jsonl", source, "-o", tmp_path / "out.jsonl").exit_code == 0
    one, two, unread, three, four = read(tmp_path / "out.jsonl")
    assert unread["error"]["kind"] == "no_text"
    assert {key: one[key] for key in failed} == failed
    assert one["clean_text"] is None
    assert one["guard_verdict"] is None
    assert two["error"]["kind"] == "bad_row"
    assert "outside the text" in two["error"]["message"]
    assert [three["error"]["kind"], four["error"]["kind"]] == ["bad_json", "bad_json"]
    assert [three["line"], four["line"]] == [4, 5]


def test_text_alone_is_enough_and_gzip_is_read_and_written(tmp_path):
    with gzip.open(tmp_path / "in.jsonl.gz", "wt") as file:
        file.write(json.dumps({"id": "a", "text": "A paragraph that has some words, and a point to make here."}) + "\n")
    assert run("--jsonl", tmp_path / "in.jsonl.gz", "-o", tmp_path / "out.jsonl.gz").exit_code == 0
    with gzip.open(tmp_path / "out.jsonl.gz", "rt") as file:
        row = json.loads(file.read())
    assert row["id"] == "a"
    assert row["guard_verdict"] == "pass"


def test_check_prints_one_json_verdict(tmp_path):
    (tmp_path / "a.txt").write_text("The value is 12 km, and $x_1 = 2$ holds.")
    (tmp_path / "b.txt").write_text("The value is 13 km, and $x_1 = 2$ holds.")
    same = run("--check", tmp_path / "a.txt", tmp_path / "a.txt")
    other = run("--check", tmp_path / "a.txt", tmp_path / "b.txt")
    assert json.loads(same.stdout) == {"pass": True, "reasons": []}
    assert json.loads(other.stdout)["pass"] is False
    assert "number_changed" in json.loads(other.stdout)["reasons"]


def test_check_jsonl_gives_a_verdict_per_row_in_order(tmp_path):
    page = as_json(render(HTML))
    rows = [
        {"id": "same", "source": page["text"], "cleaned": page["text"], "blocks": page["blocks"]},
        {
            "id": "chrome gone",
            "source": page["text"],
            "cleaned": page["text"][page["text"].index("#") :],
            "blocks": page["blocks"],
        },
        {"id": "negated", "source": page["text"], "cleaned": page["text"].replace("does not", "does")},
        {"id": 4, "source": page["text"]},
    ]
    result = run("--check-jsonl", write(tmp_path / "in.jsonl", rows), "-o", tmp_path / "out.jsonl")
    assert result.exit_code == 0
    assert "4 rows, 2 failed the guard" in result.stderr
    assert "1  bad_row" in result.stderr
    written = read(tmp_path / "out.jsonl")
    assert [(row["id"], row["pass"]) for row in written] == [
        ("same", True),
        ("chrome gone", True),
        ("negated", False),
        (4, False),
    ]
    assert "negation_changed" in written[2]["reasons"]
    assert written[3]["reasons"] == ["bad_row"]


def test_exactly_one_input_is_asked_for(tmp_path):
    result = CliRunner().invoke(warcmill, ["clean"])
    assert result.exception is not None
    assert "--check-jsonl" in str(result.exception)
