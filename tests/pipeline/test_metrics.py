"""OpenMetrics text, read back by Prometheus's own parser."""

import math

from pipeline.metrics import openmetrics
from pipeline.status import PhaseStatus, RunStatus

RENDER = PhaseStatus("render", True, 3, 3, 120, 100, {"render:empty": 19, "failed": 1}, 12.5, None, 1, [])
CLEAN = PhaseStatus("clean", False, 1, None, 40, 40, {}, None, 7.0, 0, ["clean: disk full"])


def families(status):
    from prometheus_client.openmetrics import parser

    return {family.name: family for family in parser.text_string_to_metric_families(openmetrics(status))}


def values(family, label):
    return {sample.labels[label]: sample.value for sample in family.samples}


def test_prometheus_reads_what_the_status_says():
    found = families(RunStatus('/runs/a "b"\\c', "running", [RENDER, CLEAN]))
    assert {sample.labels["run"] for family in found.values() for sample in family.samples} == {'/runs/a "b"\\c'}
    assert values(found["warcmill_run"], "warcmill_run") == {"running": 1, "stopped": 0, "finished": 0}
    assert values(found["warcmill_rows"], "phase") == {"render": 120, "clean": 40}
    assert values(found["warcmill_rows_lost"], "reason") == {"render:empty": 19, "failed": 1}
    assert values(found["warcmill_failures"], "phase") == {"render": 0, "clean": 1}
    assert values(found["warcmill_rows_per_second"], "phase") == {"render": 12.5}
    waiting = {s.labels["phase"]: s.value for s in found["warcmill_tasks"].samples if s.labels["state"] == "waiting"}
    assert waiting == {"render": 0}  # of a phase whose plan is not known nothing is said


def test_a_run_that_was_just_begun_has_no_phases():
    found = families(RunStatus("r", "stopped", []))
    assert math.isclose(sum(sample.value for family in found.values() for sample in family.samples), 1)
