"""Dedup inside the main job: the alarm, the URL rule, derived parameters, rounds of stars."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from pipeline.cli import warcmill
from pipeline.errors import UsageError, WarcmillError
from pipeline.recipe import load_recipe

SAMPLES = [
    str(Path(__file__).resolve().parents[2] / "samples" / name) for name in ("sample.warc.gz", "sample-2.warc.gz")
]


def write_recipe(folder: Path, text: str) -> str:
    path = folder / "recipe.toml"
    path.write_text(f'name = "test"\n{text}')
    return str(path)


def run(folder: Path, recipe: str):
    arguments = ["run", *SAMPLES, "-o", str(folder / "run"), "--recipe", recipe, "--workers", "1"]
    return CliRunner().invoke(warcmill, arguments)


def test_keys_of_dedup_are_checked(tmp_path):
    with pytest.raises(UsageError, match="none of off, best, newest"):
        load_recipe(write_recipe(tmp_path, '[exact_dedup]\nurl = "first"'))
    with pytest.raises(UsageError, match="not between 0 and 1"):
        load_recipe(write_recipe(tmp_path, "[fuzzy_dedup]\nthreshold = 1.5"))
    recipe = load_recipe(write_recipe(tmp_path, '[fuzzy_dedup]\nthreshold = 0.5\n[fuzzy_dedup.minhash]\nunit = "char"'))
    assert recipe.fuzzy_dedup.proposer.unit == "char"
    assert recipe.fuzzy_dedup.proposer.threshold == pytest.approx(0.5, abs=0.08)


@pytest.mark.slow
def test_a_source_that_loses_too_much_stops_the_run_until_that_is_allowed(tmp_path):
    settings = (
        '[exact_dedup]\nurl = "newest"\n[fuzzy_dedup]\nmax_edges_in_memory = 2\n[dedup_alarm]\nmax_source_loss = '
    )
    stopped = run(tmp_path, write_recipe(tmp_path, f"{settings}0.05\n"))
    assert isinstance(stopped.exception, WarcmillError)
    assert "1 sources lose more than 5.0% of their rows: web" in str(stopped.exception)
    assert not (tmp_path / "run" / "_SUCCESS").exists()
    done = run(tmp_path, write_recipe(tmp_path, f"{settings}0.5\n"))  # the same run goes on
    assert done.exit_code == 0, done.output
    assert "dedup removed" in done.stderr
    assert "Removed by source" in (tmp_path / "run" / "report.html").read_text()
    audit = [row for path in (tmp_path / "run" / "audit").glob("*") for row in pq.read_table(path).to_pylist()]
    found = CliRunner().invoke(warcmill, ["explain", audit[-1]["removed_id"], str(tmp_path / "run"), "--json"])
    steps = [json.loads(line) for line in found.stdout.splitlines()]
    assert {"audit", "overlap"} <= {step["phase"] for step in steps}
