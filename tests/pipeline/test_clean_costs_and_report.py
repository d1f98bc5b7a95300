"""`warcmill clean --dry-run` and `--report`: numbers that follow from the requests and the rates, samples that cannot break out."""

import json

import pytest
from click.testing import CliRunner

from llm_cleaning.stage import MODES
from pipeline.cleaning_estimate import Rates, ideal_answer, load_rates
from pipeline.cli import warcmill
from pipeline.errors import InputError

PARAGRAPH = (
    "A paragraph that has enough words, and a point to make, to be taken for the content of a page without doubt. "
)
CLEAN = {
    "id": "clean", "text": PARAGRAPH * 3,
    "blocks": [{"start": 0, "end": 3 * len(PARAGRAPH), "kind": "paragraph", "dom_path": "html/body/main/p"}],
}  # fmt: skip
UNSURE = {"id": "unsure", "text": f"{PARAGRAPH * 2}\n\nSome words\n\nOther words, few\n\nLast words"}
HOPELESS = {"id": "hopeless", "text": "Home\n\nNext"}
BROKEN = {
    "id": "broken", "text": f"{PARAGRAPH * 3}x2+1 = 5",
    "formulas": [{"start": 3 * len(PARAGRAPH), "end": 3 * len(PARAGRAPH) + 8, "tex": "x2+1 = 5", "recovered": False}],
}  # fmt: skip


def run(*arguments):
    return CliRunner().invoke(warcmill, ["clean", *map(str, arguments)], catch_exceptions=False)


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def dry_run(path, *more):
    result = run("--jsonl", path, "--dry-run", *more)
    assert result.exit_code == 0
    return {row["mode"]: row for row in map(json.loads, result.stdout.splitlines())}, result.stderr


def test_a_dry_run_asks_nobody_and_tells_nothing_that_was_not_measured(tmp_path):
    costs, said = dry_run(write(tmp_path / "in", [CLEAN, UNSURE, HOPELESS, BROKEN]))
    assert set(costs) == set(MODES)
    assert all(row["gpu_hours"] is None and row["cost"] is None for row in costs.values())
    assert "--rates FILE" in said
    assert (costs["select"]["pages"], costs["select"]["clean"], costs["select"]["hopeless"]) == (1, 2, 1)
    assert (costs["repair"]["pages"], costs["repair"]["requests"]) == (1, 1)
    assert (costs["rewrite"]["pages"], costs["rewrite"]["hopeless"]) == (3, 1)
    assert (costs["auto"]["pages"], costs["auto"]["requests"]) == (2, 2)  # one selection, one formula
    assert costs["rewrite"]["tokens_out"] > 10 * costs["select"]["tokens_out"] > 0


def test_hours_and_money_follow_from_the_rates(tmp_path):
    rates = write(tmp_path / "rates", [{"tokens_per_s": {"select": 100.0}, "gpus": 2, "price_per_gpu_hour": 3.0}])
    costs, _ = dry_run(write(tmp_path / "in", [UNSURE]), "--rates", rates)
    tokens = costs["select"]["tokens_in"] + costs["select"]["tokens_out"]
    assert costs["select"]["gpu_hours"] == pytest.approx(tokens / 100 / 3600 * 2, abs=1e-6)
    assert costs["select"]["cost"] == pytest.approx(tokens / 100 / 3600 * 2 * 3, abs=1e-5)
    assert costs["rewrite"]["gpu_hours"] is None
    assert Rates({}).gpu_hours("select", 5) is None


@pytest.mark.parametrize(
    "text", ["", "[]", '{"tokens": 1}', '{"tokens_per_s": {"select": 0}}', '{"tokens_per_s": {"select": "fast"}}']
)
def test_rates_that_are_none_are_refused(text, tmp_path):
    path = tmp_path / "rates"
    path.write_text(text)
    with pytest.raises(InputError, match="no rates"):
        load_rates(path)


@pytest.mark.parametrize(
    ("keep", "answer"),
    [("", []), ("1", [[1, 1]]), ("000", []), ("1101", [[1, 2], [4, 4]]), ("0111", [[2, 4]])],
)
def test_the_ideal_answer_keeps_exactly_these_blocks(keep, answer):
    assert json.loads(ideal_answer(flag == "1" for flag in keep)) == {"keep": answer}


@pytest.mark.parametrize("name", ["report.html", "report.md"])
def test_a_report_shows_the_sides_and_no_page_breaks_out(name, tmp_path):
    hostile = {
        "id": "h",
        "text": f"{PARAGRAPH * 3}\n\n<script>alert(1)</script> </pre> a line of code\n\n```\n</pre><b>\n```\n\nSubscribe to all of it",
    }
    source = write(tmp_path / "in", [hostile, CLEAN])
    result = run("--jsonl", source, "-o", tmp_path / "out", "--report", tmp_path / name)
    assert result.exit_code == 0
    assert "kept" in result.stderr
    text = (tmp_path / name).read_text()
    assert "of" in text
    assert "cleaned by rules" in text
    if name.endswith("html"):
        assert "<script>" not in text
        assert "&lt;script&gt;" in text
        assert text.count("<pre>") == text.count("</pre>") == 6
    else:
        assert all(line.startswith("    ") for line in text.split("\n") if "<script>" in line)
