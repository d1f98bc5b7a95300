"""The quality gate itself, and that today's output passes it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import gate
from gate_tally import Tally, formulas_of, found_of, spelled

from extractors import render


def floors(share: float, sha256: str = "a") -> gate.Floors:
    return {"sha256": sha256, "measures": {"formulas: katex": {"share": share, "of": 200}}}


def test_the_sample_passes() -> None:
    assert gate.problems("sample", gate.pinned()["sample"], gate.measure("sample")) == []


@pytest.mark.slow
@pytest.mark.skipif(
    "shared" not in gate.available(), reason="needs ../shared (the project's data folder beside the checkout)"
)
def test_real_pages_pass() -> None:
    assert gate.problems("shared", gate.pinned()["shared"], gate.measure("shared")) == []


def test_a_fall_beyond_rounding_is_a_problem() -> None:
    assert gate.problems("sample", floors(0.99), floors(0.9895)) == []
    (line,) = gate.problems("sample", floors(0.99), floors(0.985))
    assert line == "sample: formulas: katex fell from 0.9900 to 0.9850 (200 items)"
    (line,) = gate.problems("sample", floors(0.99), {"sha256": "a", "measures": {}})
    assert "fell from 0.9900 to 0.0000" in line


def test_other_data_is_not_compared() -> None:
    (line,) = gate.problems("sample", floors(0.5), floors(0.9, sha256="b"))
    assert "not what the floors were pinned on" in line


def test_an_update_raises_and_does_not_lower() -> None:
    assert gate.raised(floors(0.9), floors(0.95), lower=False) == floors(0.95)
    assert gate.raised(floors(0.9), floors(0.8995), lower=False) == floors(0.9)
    assert gate.raised(floors(0.9), floors(0.5), lower=True) == floors(0.5)


def test_lowering_a_floor_is_refused_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pinned = tmp_path / "gate.json"
    too_high = gate.pinned()
    too_high["sample"]["measures"]["boilerplate dropped by cleaning"]["share"] = 2.0
    pinned.write_text(json.dumps(too_high))
    monkeypatch.setattr(gate, "PINNED", pinned)
    assert gate.main(["--suite", "sample"]) == 1
    assert gate.main(["--suite", "sample", "--update"]) == 1
    assert json.loads(pinned.read_text()) == too_high
    assert gate.main(["--suite", "sample", "--update", "--allow-regression"]) == 0
    assert gate.main(["--suite", "sample"]) == 0


def test_a_formula_of_the_page_answers_once() -> None:
    page = render("<p>\\(x^2\\), \\(y\\) and \\(x^{2}\\)")
    assert found_of(["x^2", "x^{2}", "x^2", "z"], formulas_of(page)) == [True, True, False, False]
    assert spelled("\\frac12 .") == spelled("\\dfrac{1}{2}")


def test_a_share_is_hits_over_items() -> None:
    tally = Tally()
    tally.add("a", 1, 2)
    tally.add("a", 1, 1)
    tally.add("nothing asked", 0, 0)
    assert tally.shares() == {"a": {"share": 0.6667, "of": 3}}
