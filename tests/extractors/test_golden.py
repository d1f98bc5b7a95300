"""Golden pages a person can read: tests/golden/render/CASE/{page.html, expected.md, why.md}."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from extractors import render

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "render"
CASES = sorted(path.name for path in GOLDEN.iterdir() if path.is_dir())


def test_there_are_cases() -> None:
    assert CASES


@pytest.mark.parametrize("case", CASES)
def test_golden_page(case: str) -> None:
    folder = GOLDEN / case
    assert (folder / "why.md").read_text(encoding="utf-8").strip(), "every case says why it exists"
    expected = (folder / "expected.md").read_text(encoding="utf-8").rstrip("\n")
    found = render((folder / "page.html").read_bytes()).text
    if found != expected:
        diff = difflib.unified_diff(expected.split("\n"), found.split("\n"), "expected.md", "rendered", lineterm="")
        pytest.fail("\n".join(diff), pytrace=False)
