from collections import Counter
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from work_for_tests import ROWS, losing, misbehaving, random_rows

from pipeline.engines.local import LocalConfig, LocalEngine
from pipeline.engines.work import Partition, Sorting, map_documents, reduce_partition, spill
from pipeline.errors import ConservationError, UsageError, VerificationError
from pipeline.io.commit import PhaseDirectory
from pipeline.stage import Counters, Task


def quiet(finished: int, records: int) -> None: ...


def tasks(count: int) -> list[Task]:
    return [Task(f"{i:05d}", i, None) for i in range(count)]


def mapped(path, faults, *, workers=2, timeout_s=60.0):
    directory = PhaseDirectory(path, "mapped")
    directory.bind({"version": 1})
    with LocalEngine(LocalConfig(workers, timeout_s)) as engine:
        work = partial(map_documents, directory=directory, produce=partial(misbehaving, faults=faults))
        engine.map_shards(directory, tasks(3), work, quiet)
    return directory, directory.finish(task.name for task in tasks(3))


def counters(manifest) -> Counters:
    return Counters.from_json(manifest["counters"])


def test_each_bad_record_costs_one_record(tmp_path, caplog):
    faults = {(0, 3): "crash", (1, 5): "memory", (2, 0): "exception"}
    directory, manifest = mapped(tmp_path / "p", faults)
    found = counters(manifest)
    assert (found.rows_in, found.failed) == (3 * ROWS, 3)
    assert found.tallies == Counter({"poison:crash": 1, "poison:memory": 1, "poison:exception": 1})
    # rows 3 and 5 would have been rejected as odd, row 0 kept
    assert (found.rows_out, found.rejected["test:odd"]) == (3 * ROWS // 2 - 1, 3 * ROWS // 2 - 2)
    verdict = (directory.path / "_poison" / "00002-0.log").read_text()
    assert verdict.startswith("mapped/00002 None, record 0: exception\nTraceback")
    assert verdict.endswith("ValueError: a bug in a stage\n\n")
    assert "mapped/00000 None, record 3: crash, attempt 1 of 3: exit code -11\n" in caplog.text
    assert "mapped/00002 None, record 0: exception, attempt 2 of 2: ValueError: a bug in a stage\n" in caplog.text


def test_a_hanging_record_is_given_up(tmp_path):
    _, manifest = mapped(tmp_path / "p", {(1, 4): "timeout"}, timeout_s=3.0)
    assert counters(manifest).tallies == Counter({"poison:timeout": 1})


def test_one_kill_from_outside_changes_nothing(tmp_path):
    _, undisturbed = mapped(tmp_path / "a", {})
    _, killed = mapped(tmp_path / "b", {(1, 7): f"kill once {tmp_path / 'marker'}"}, workers=1)
    assert (tmp_path / "marker").exists()
    assert killed == undisturbed


def test_a_verdict_is_replayed_on_resume(tmp_path):
    directory, first = mapped(tmp_path / "p", {(0, 3): "crash"})
    for name in ("manifest.json", "_SUCCESS", "_commit/00000.json"):
        (directory.path / name).unlink()
    _, second = mapped(tmp_path / "p", {})  # the fault is gone, the verdict stays
    assert second == first


def test_a_stage_that_loses_a_row_is_found_out(tmp_path):
    directory = PhaseDirectory(tmp_path / "p", "losing")
    directory.bind({})
    with LocalEngine(LocalConfig(1)) as engine, pytest.raises(ConservationError, match="2 rows in, but 1 out"):
        engine.map_shards(directory, tasks(1), partial(map_documents, directory=directory, produce=losing), quiet)
    with pytest.raises(VerificationError, match="no commit"):
        directory.finish(["00000"])


def test_a_phase_refuses_another_fingerprint(tmp_path):
    PhaseDirectory(tmp_path / "p", "p").bind({"version": 1, "config": {"a": 1}})
    PhaseDirectory(tmp_path / "p", "p").bind({"version": 1, "config": {"a": 1}})
    with pytest.raises(UsageError, match="written with other config"):
        PhaseDirectory(tmp_path / "p", "p").bind({"version": 1, "config": {"a": 2}})


ORDER = Sorting("key", ("id",))
SCHEMA = pa.schema([("key", pa.uint64()), ("id", pa.int64())])


def identity(rows):
    yield from rows


@pytest.mark.parametrize("partitions", [1, 2, 7])
def test_exchange_is_one_sorted_table_whatever_the_partitions(tmp_path, partitions):
    rows = 2000
    spilled = PhaseDirectory(tmp_path / "spill", "spill")
    reduced = PhaseDirectory(tmp_path / "reduced", "reduced")
    for directory in (spilled, reduced):
        directory.bind({})
    with LocalEngine(LocalConfig(2)) as engine:
        emit = partial(random_rows, rows=rows)
        engine.map_shards(spilled, tasks(3), partial(spill, directory=spilled, emit=emit, sorting=ORDER), quiet)
        spilled.finish(task.name for task in tasks(3))
        parts = [Task(f"{i:05d}", i, Partition(spilled, i, partitions)) for i in range(partitions)]
        work = partial(reduce_partition, directory=reduced, reduce=identity, sorting=ORDER, schema=SCHEMA, grouping={})
        engine.map_shards(reduced, parts, work, quiet)
        reduced.finish(part.name for part in parts)
    files = [reduced.path / "data" / file.path for commit in reduced.commits() for file in commit.data]
    table = pa.concat_tables([pq.read_table(file) for file in files])
    assert table.num_rows == 3 * 3 * rows
    assert table.equals(table.sort_by([("key", "ascending"), ("id", "ascending")]))
    expected = [batch for task in tasks(3) for batch in random_rows(task, None, Counters(), rows=rows)]
    assert sorted(table["id"].to_pylist()) == sorted(i for batch in expected for i in batch["id"].to_pylist())
