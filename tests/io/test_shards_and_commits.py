import hashlib
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import CommitConflict, ConservationError, OutputError, VerificationError
from pipeline.io.commit import Commit, PhaseDirectory, create_if_absent
from pipeline.io.shards import check_shard, read_shard, regroup, write_shard
from pipeline.stage import Counters

SCHEMA = pa.schema([("n", pa.int64()), ("text", pa.string())])


def batches(rows, size):
    for begin in range(0, len(rows), size):
        part = rows[begin : begin + size]
        yield pa.record_batch([pa.array(part), pa.array(["x" * (n % 7) for n in part])], schema=SCHEMA)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=60), st.integers(1, 20), st.integers(1, 20))
def test_row_groups_depend_on_rows_not_on_batches(rows, one, other):
    groups = [
        [table.num_rows for table in regroup(batches(rows, size), max_rows=9, max_weight=400)] for size in (one, other)
    ]
    assert groups[0] == groups[1]
    assert sum(groups[0]) == len(rows)
    assert max(groups[0]) <= 9


def test_same_rows_same_bytes(tmp_path):
    rows = list(range(500))
    files = [
        write_shard(tmp_path, f"{size}-{{sha}}.parquet", regroup(batches(rows, size), max_rows=64), SCHEMA)
        for size in (7, 500)
    ]
    assert files[0].sha256 == files[1].sha256
    path = tmp_path / files[0].path
    assert hashlib.sha256(path.read_bytes()).hexdigest() == files[0].sha256
    assert files[0].sha256[:12] in files[0].path
    assert pq.read_table(path)["n"].to_pylist() == rows
    assert [b.num_rows for b in read_shard(tmp_path, files[0])] == list(files[0].row_groups)


def test_a_failing_source_leaves_nothing_behind(tmp_path):
    def broken():
        yield pa.Table.from_batches(list(batches([1, 2], 2)))
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        write_shard(tmp_path, "a.parquet", broken(), SCHEMA)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_unwritable_folder_is_an_output_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        write_shard(tmp_path / "file", "a.parquet", [], SCHEMA)


@pytest.mark.parametrize("damage", ["missing", "short", "flipped"])
def test_damage_is_found_before_use(tmp_path, damage):
    shard = write_shard(tmp_path, "a.parquet", regroup(batches(list(range(50)), 50)), SCHEMA)
    path = tmp_path / shard.path
    content = bytearray(path.read_bytes())
    if damage == "missing":
        path.unlink()
    else:
        content[20] ^= 1
        path.write_bytes(content[:-5] if damage == "short" else content)
    with pytest.raises(VerificationError):
        list(read_shard(tmp_path, shard))
    with pytest.raises(VerificationError):
        check_shard(path, shard)


def test_equal_commits_agree_and_different_ones_conflict(tmp_path):
    phase = PhaseDirectory(tmp_path, "p")
    counters = Counters(rows_in=3, rows_out=2)
    counters.reject("s", "r")
    commit = Commit("00000", (), (), counters, {"x": 1})
    phase.commit(commit)
    phase.commit(commit)
    assert phase.committed("00000") == commit
    assert phase.committed("00001") is None
    with pytest.raises(CommitConflict, match="different results"):
        phase.commit(Commit("00000", (), (), counters, {"x": 2}))


def test_a_commit_that_does_not_add_up_is_refused(tmp_path):
    with pytest.raises(ConservationError):
        PhaseDirectory(tmp_path, "p").commit(Commit("00000", (), (), Counters(rows_in=1), {}))


def test_create_if_absent_leaves_one_file(tmp_path):
    create_if_absent(tmp_path / "a.json", b"1")
    create_if_absent(tmp_path / "a.json", b"1")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_an_altered_phase_manifest_is_refused(tmp_path):
    phase = PhaseDirectory(tmp_path, "p")
    phase.bind({"a": 1})
    phase.commit(Commit("00000", (), (), Counters(), {}))
    phase.finish(["00000"])
    assert phase.manifest()["fingerprint"] == {"a": 1}
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    manifest["counters"]["rows_in"] = 7
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(VerificationError, match="altered"):
        phase.manifest()
