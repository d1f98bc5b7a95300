"""Status reads a run's folder: running, stopped and finished, whichever engine works on it."""

import fcntl
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.io.commit import Commit, PhaseDirectory
from pipeline.progress import funnel_table
from pipeline.run_folder import LOCK_FILE, RECIPE_FILE
from pipeline.stage import Counters
from pipeline.status import note_plan, read_status, status_text


def at(second: float) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def begin(run: Path, tasks: int, second: float) -> PhaseDirectory:
    run.mkdir(exist_ok=True)
    (run / RECIPE_FILE).write_text("{}")
    (run / LOCK_FILE).touch()
    directory = PhaseDirectory(run / "phases" / "01-render", "render")
    directory.bind({})
    note_plan(directory.path, tasks, at(second))
    return directory


def commit(directory: PhaseDirectory, task: str, second: float, *, kept: int, blank: int) -> None:
    counters = Counters(rows_in=kept + blank, rows_out=kept)
    counters.rejected["render:blank"] = blank
    directory.commit(Commit(task, (), (), counters, {}))

    os.utime(directory.path / "_commit" / f"{task}.json", (second, second))


def test_a_running_run_has_speed_and_time_left(tmp_path):
    directory = begin(tmp_path / "run", 6, 1000.0)
    commit(directory, "00000", 900.0, kept=5, blank=0)  # of an earlier session
    commit(directory, "00001", 1004.0, kept=10, blank=2)
    commit(directory, "00002", 1006.0, kept=7, blank=1)
    with (tmp_path / "run" / LOCK_FILE).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = read_status(tmp_path / "run", at(1010.0))
    phase = found.phases[0]
    assert (found.state, phase.tasks_done, phase.tasks) == ("running", 3, 6)
    assert (phase.records, phase.kept, phase.lost) == (25, 22, {"render:blank": 3})
    assert phase.per_s == 20 / 10  # this session: 12 + 8 rows in 10 s
    assert phase.left_s == 3 * 10 / 2  # 3 tasks left, 2 took 10 s
    text = status_text(found)
    assert "3/6 tasks, 25 rows, 22 kept, 2.0 rows/s, about 15 s left" in text
    assert "3  render:blank" in text


def test_a_stopped_run_says_why_and_what_to_do(tmp_path):
    directory = begin(tmp_path / "run", 2, 1000.0)
    commit(directory, "00000", 1005.0, kept=4, blank=1)
    directory.poison("00001", 7, {"position": 7, "reason": "crash", "task": "00001"})
    (directory.path / "_failed").mkdir()
    (directory.path / "_failed" / "00001.json").write_text(json.dumps({"what": "disk full", "where": "x.parquet"}))
    found = read_status(tmp_path / "run", at(9000.0))
    assert (found.state, found.phases[0].left_s, found.phases[0].poisoned) == ("stopped", None, 1)
    assert found.phases[0].per_s == 1.0  # until its last commit, not until now
    assert "failed: x.parquet: disk full" in status_text(found)
    assert "hint: the command that began it resumes it" in status_text(found)


def test_a_finished_phase_and_run(tmp_path):
    directory = begin(tmp_path / "run", 1, 1000.0)
    commit(directory, "00000", 1005.0, kept=4, blank=0)
    directory.finish(["00000"])
    (tmp_path / "run" / "_SUCCESS").touch()
    found = read_status(tmp_path / "run")
    assert (found.state, found.phases[0].finished, found.phases[0].left_s) == ("finished", True, None)
    assert json.loads(json.dumps(found.to_json()))["phases"][0]["name"] == "render"


def test_what_dedup_found_is_counted_where_it_was_found(tmp_path):
    """render keeps 9, exact removes 2 of them while classify has passed over one and kept 3 of its 4 rows."""
    begin(tmp_path / "run", 1, 1000.0).commit(Commit("00000", (), (), Counters(rows_in=9, rows_out=9), {}))
    classified = Counters(rows_in=5, rows_out=3)
    classified.reject("exact_dedup", "exact")
    classified.reject("classify", "stop_words")
    found = Counters(rows_in=9, rows_out=9)
    found.tallies["rows"] = 2  # of the audit
    for name, counters in (("02-exact-rows", Counters(9, 9)), ("03-exact", found), ("04-classify", classified)):
        directory = PhaseDirectory(tmp_path / "run" / "phases" / name, name)
        directory.bind({})
        note_plan(directory.path, 2, at(1000.0))
        directory.commit(Commit("00000", (), (), counters, {}))
    status = read_status(tmp_path / "run")
    _, _, exact, classify = status.phases
    assert (exact.records, exact.kept, exact.lost) == (9, 7, {"exact_dedup": 2})
    assert (classify.records, classify.kept, classify.lost) == (4, 3, {"classify:stop_words": 1})
    lines = status_text(status).splitlines()
    below = lines[next(i for i, line in enumerate(lines) if line.startswith("classify")) :]
    assert not [line for line in below if "exact_dedup" in line]


def test_the_funnel_of_a_run_has_a_line_for_dedup():
    rejected = {"exact_dedup:exact": 5, "classify:stop_words": 2}
    phase = {"phase": "classify", "rows_in": 20, "rows_out": 12, "rejected": rejected, "failed": 1}
    table = funnel_table({"funnel": [phase]})
    columns = [list(column.cells) for column in table.columns]
    assert columns[0] == ["exact_dedup", "classify", ""]
    assert columns[1] == ["20", "15", ""]
    assert columns[2] == ["15", "12", ""]
    assert columns[3] == ["5", "3", ""]
    assert [cell.split()[1] for cell in columns[4]] == ["exact_dedup:exact", "failed", "classify:stop_words"]


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(UsageError, match="not a warcmill run"):
        read_status(tmp_path)
