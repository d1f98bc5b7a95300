"""Rows of users' files: types that are kept, types that have none in common, packed files, lines without end."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

import pipeline.io.text_lines
from pipeline.errors import InputError
from pipeline.io.json_lines import json_line, lines_in, lines_out
from pipeline.io.user_tables import JSON_TEXT, MAX_LEAVES, json_batch, json_columns, json_rows, json_schema

LINES = b"".join(b'{"n": %d}\n' % i for i in range(3000))


def table(path: Path, rows: list[dict], size: int = 1) -> pa.Table:
    """Rows as JSON lines read back with the file's schema; batches are small, so that types are joined."""
    schema = json_schema((rows[i : i + size] for i in range(0, len(rows), size)), "test")
    batches = [json_batch(rows[i : i + size], schema) for i in range(0, len(rows), size)]
    written = pa.Table.from_batches(batches, schema)
    pq.write_table(written, path / "out.parquet")  # what cannot be written is no type
    return pq.read_table(path / "out.parquet")


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        ([1, 2, None], pa.int64()),
        ([1, 2.5], pa.float64()),
        ([True, None], pa.bool_()),
        (["a", "b"], pa.string()),
        ([[1], []], pa.list_(pa.int64())),
        ([{"a": 1}, {"b": "x"}], pa.struct([("a", pa.int64()), ("b", pa.string())])),
        ([{"a": [{"b": 1}]}, {"a": None}], pa.struct([("a", pa.list_(pa.struct([("b", pa.int64())])))])),
    ],
)
def test_columns_of_one_type_keep_it(tmp_path: Path, values: list, type_: pa.DataType) -> None:
    found = table(tmp_path, [{"c": value} for value in values])
    assert found.schema.field("c").type == type_


@pytest.mark.parametrize(
    "values",
    [
        [1, "one"],
        [True, 1],
        [[1], 1],
        [{"a": 1}, "x"],
        [{"a": 1}, {"a": "x"}],
        [1 << 70],
        [{"a": {}}],
        [{}],
        [{f"k{i}": 1} for i in range(MAX_LEAVES + 1)],
        [json.loads("[" * 40 + "]" * 40)],
        ["true", True, None, "null"],
    ],
)
@pytest.mark.parametrize("size", [1, 512])
def test_other_columns_hold_json_text_that_gives_every_value_back(tmp_path: Path, values: list, size: int) -> None:
    found = table(tmp_path, [{"c": value} for value in values], size)
    assert found.schema.field("c").metadata == JSON_TEXT
    assert [None if text is None else json.loads(text) for text in found["c"].to_pylist()] == values
    assert json_columns(found.schema) == ["c"]


def test_large_numbers_beside_fractions_become_floats(tmp_path: Path) -> None:
    found = table(tmp_path, [{"c": {"x": (1 << 53) + 1}}, {"c": {"x": 0.5}}])
    assert found["c"].to_pylist() == [{"x": float((1 << 53) + 1)}, {"x": 0.5}]


def test_names_stay_as_they_are(tmp_path: Path) -> None:
    found = table(tmp_path, [{"id": "a", "url": "u"}, {"id": 5, "url": None}, {"id": 6, "url": ["x"]}])
    assert found["id"].to_pylist() == ["a", "5", "6"]
    assert found["url"].to_pylist() == ["u", None, '["x"]']


def test_names_as_columns_are_refused() -> None:
    with pytest.raises(InputError, match="too many columns"):
        json_schema(([{f"name {i}": 1}] for i in range(3000)), "in.jsonl")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text("ab\u00e9\ud800", max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=3), inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(["a", "b", "id"]), JSON, max_size=3), min_size=1, max_size=6))
def test_any_rows_can_be_written(tmp_path_factory: pytest.TempPathFactory, rows: list[dict]) -> None:
    assert table(tmp_path_factory.mktemp("any"), [{"n": 1} | row for row in rows], 2).num_rows == len(rows)


@pytest.mark.parametrize(
    "pack", [bytes, gzip.compress, zstandard.compress, lambda data: gzip.compress(data[:99]) + gzip.compress(data[99:])]
)
def test_packed_files_are_known_by_their_first_bytes(tmp_path: Path, pack) -> None:
    (tmp_path / "rows").write_bytes(pack(LINES))
    assert [row["n"] for rows in json_rows(str(tmp_path / "rows")) for row in rows.good] == list(range(3000))
    with lines_in(str(tmp_path / "rows")) as lines:
        assert b"".join(lines) == LINES


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_cut_files_are_refused(tmp_path: Path, pack) -> None:
    (tmp_path / "rows").write_bytes(pack(LINES)[:-9])
    with pytest.raises(InputError, match=r"rows:\d+: cannot be read"):
        list(json_rows(str(tmp_path / "rows")))


def test_a_line_without_end_is_one_bad_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (pipeline.io.text_lines, pipeline.io.user_tables):
        monkeypatch.setattr(module, "MAX_LINE_BYTES", 1000)
    (tmp_path / "rows").write_bytes(b'{"n": 1}\n' + b'{"x": "' + b"a" * 5_000_000 + b'"}\n{"n": 2}')
    rows = list(json_rows(str(tmp_path / "rows")))
    assert [row["n"] for batch in rows for row in batch.good] == [1, 2]
    assert [(bad.number, bad.reason) for batch in rows for bad in batch.bad] == [(2, "too_long")]


def test_parquet_comes_in_as_lines(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"id": ["a"], "html": [b"<p>\xff"], "when": pa.array([0], pa.timestamp("s"))}), tmp_path / "in.parquet"
    )
    with lines_in(str(tmp_path / "in.parquet")) as lines:
        assert [json.loads(line) for line in lines] == [
            {"id": "a", "html_b64": "PHA+/w==", "when": "1970-01-01 00:00:00"}
        ]


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz", "out.jsonl.zst"])
def test_lines_go_out_packed_as_the_name_says(tmp_path: Path, name: str) -> None:
    with lines_out(str(tmp_path / name)) as out:
        out.write(json_line({"n": 1}))
    with lines_in(str(tmp_path / name)) as lines:
        assert list(lines) == [b'{"n": 1}\n']
    assert (tmp_path / name).read_bytes().startswith(b"{") == (name == "out.jsonl")
