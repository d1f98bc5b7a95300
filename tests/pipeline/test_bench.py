"""`warcmill bench extractors`: counts that can be checked by hand, failures that are not hidden."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from extractors import peers
from pipeline.bench import CRASHED, TIMED_OUT, Outcome, Score, compare, count_formulas, rows, table
from pipeline.bench_pages import BenchPage, read_pages
from pipeline.cli import warcmill
from pipeline.errors import InputError, UsageError

SAMPLE = str(Path(__file__).resolve().parents[2] / "samples" / "sample.warc.gz")
HTML = "<article><h1>Roots</h1><p>Let \\(x^2\\) and $$y$$ be two of them, which is long enough.</p><pre>a = 1</pre></article>"


def test_formulas_count_when_delimited_well_formed_and_outside_code() -> None:
    assert count_formulas(r"Let $x$ be \(y\), and \[z = \frac{1}{2} \\[2pt] w\] so $$v$$.") == 4
    assert count_formulas(r"Broken: $x^{2$ and \(\frac{1\). Prices: $5 and $6.") == 0
    assert count_formulas("```\ncost = $x$ \\(y\\)\n```\n\nand \\(z\\)") == 1
    assert count_formulas("\\(" * 10_000) == 0


def test_pages_of_json_lines_and_archives(tmp_path: Path) -> None:
    path = tmp_path / "pages.jsonl.gz"
    pages = [
        {"html": HTML, "url": "https://example.org/a"},
        {"html_b64": base64.b64encode(b"%PDF-1.4 x").decode(), "content_type": "application/pdf"},
        {"html_b64": base64.b64encode(HTML.encode("utf-16")).decode(), "content_type": "text/html"},
    ]
    path.write_bytes(gzip.compress("\n".join(json.dumps(row) for row in pages).encode()))
    found, others = read_pages([str(path)], 10)
    assert ([page.url for page in found], others) == (["https://example.org/a", ""], 1)
    assert found[1].body == HTML.encode("utf-16")
    assert len(read_pages([str(path), SAMPLE], 5)[0]) == 5


@pytest.mark.parametrize("text", ["{", "[1]", '{"html": 1}', '{"html_b64": "!"}'])
def test_a_row_without_a_page_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pages.jsonl"
    path.write_text("\n" + text)
    with pytest.raises(InputError) as caught:
        read_pages([str(path)], 1)
    assert caught.value.where == f"{path}:2"


def test_no_page_and_no_file_are_errors(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    for name in ("empty.jsonl", "missing.jsonl", "missing.warc.gz"):
        with pytest.raises(InputError):
            read_pages([str(tmp_path / name)], 1)


def test_scores_count_text_once_and_speed_by_the_median_pass() -> None:
    score, ours = Score("lynx"), Score(peers.OURS)
    for seconds in (4.0, 1.0, 2.0):
        score.add_pass([Outcome(seconds, 10, 2), Outcome(failure=TIMED_OUT), Outcome(failure=CRASHED, cpu_s=99)])
        ours.add_pass([Outcome(0.5, peak_bytes=3_000_000)] * 3)
    lynx, warcmill_row = rows([score, ours])
    assert (lynx["pages"], lynx["characters"], lynx["formulas"]) == (3, 10, 2)
    assert lynx["failures"] == {CRASHED: 1, TIMED_OUT: 1}
    assert lynx["pages_per_s"] == 0.5  # one page answered, in 2 s
    assert warcmill_row["pages_per_s"] == 2.0
    assert lynx["times_ours"] == 0.25
    assert table([score, ours]).splitlines()[1].split() == ["lynx", "0.5", "0.25", "10", "2", "0", "0", "0", "2", "0"]
    assert table([score, ours]).splitlines()[3:] == ["lynx: 1 crashed", "lynx: 1 timed_out"]


def test_extractors_run_in_processes_of_their_own_and_a_hang_is_one_failure() -> None:
    page = BenchPage("https://example.org/", "text/html; charset=utf-8", HTML.encode())
    slow = BenchPage("", "text/html", b"<p>" + b"$x " * 3_000_000)
    (score,) = compare([page, slow, page], ["resiliparse"], passes=2, timeout_s=0.01)
    assert score.failures[TIMED_OUT] >= 1
    assert score.failures[CRASHED] == 0
    (score,) = compare([page, page], ["warcmill"], passes=1)
    assert (score.pages, score.formulas, score.code_blocks, score.failures.total()) == (2, 4, 2, 0)
    assert score.peak_bytes > 1_000_000


def test_the_command_prints_one_object_per_extractor(tmp_path: Path) -> None:
    path = tmp_path / "pages.jsonl"
    path.write_text(json.dumps({"html": HTML}) + "\n")
    command = ["bench", "extractors", str(path), "--only", "warcmill,resiliparse", "--passes", "1", "--json"]
    result = CliRunner().invoke(warcmill, command)
    assert result.exit_code == 0, result.output
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(row["extractor"], row["formulas"]) for row in found] == [("warcmill", 2), ("resiliparse", 2)]
    assert "1 HTML pages" in result.stderr
    with pytest.raises(UsageError, match="w3m"):
        CliRunner().invoke(warcmill, ["bench", "extractors", str(path), "--only", "w3m"], catch_exceptions=False)
