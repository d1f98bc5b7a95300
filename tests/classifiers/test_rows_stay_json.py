"""What `classify --jsonl` writes is JSON, whatever numbers its rows held."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
from click.testing import CliRunner

from pipeline.cli import warcmill

TEXT = "The mayor said that the new market will open in spring, and that all of the town is invited to it."


def refuse(constant):
    raise AssertionError(f"{constant} is no JSON")


def rows(path):
    return [json.loads(line, parse_constant=refuse) for line in path.read_text().splitlines()]


def classified(source, target):
    result = CliRunner().invoke(warcmill, ["classify", "--jsonl", str(source), "-o", str(target)])
    assert result.exit_code == 0, result.output
    return rows(target)


def test_a_line_with_nan_is_recorded_and_a_number_beyond_a_double_is_null(tmp_path):
    text = json.dumps(TEXT)
    source = tmp_path / "in.jsonl"
    source.write_text(f'{{"text": {text}, "x": NaN}}\n{{"text": {text}, "y": [1e999, 2.5], "z": -1e999}}\n')
    refused, kept = classified(source, tmp_path / "out.jsonl")
    assert refused["error"] == {"kind": "bad_json", "message": "NaN is no JSON"}
    assert refused["line"] == 1
    assert refused["language"] is None
    assert (kept["y"], kept["z"], kept["language"], kept["error"]) == ([None, 2.5], None, "en", None)


def test_nan_in_a_column_of_parquet_is_null(tmp_path):
    pq.write_table(pa.table({"text": [TEXT], "x": [float("nan")]}), tmp_path / "in.parquet")
    (row,) = classified(tmp_path / "in.parquet", tmp_path / "out.jsonl")
    assert (row["x"], row["language"]) == (None, "en")
