"""Make a calibration file from scored rows: what `train-classifier --kind ensemble` does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from classifiers.ensemble import Calibration, calibrate
from pipeline.errors import InputError, UsageError


def calibrate_file(path: Path, names: Sequence[str]) -> Calibration:
    """Edges of the scores `names` over the rows of a JSON-lines file, e.g. what `warcmill classify` wrote.

    Rows that were not scored (null) are left out.

    Raises:
        UsageError: no score is named.
        InputError: the file is missing, a line is no JSON, or too few rows carry every score.
    """
    if not names:
        raise UsageError("no score to calibrate", where="--scores", expected="names, e.g. quality_score,math_score")
    if not path.is_file():
        raise InputError("the scored rows are missing", where=str(path), expected="JSON lines with scores")
    columns: dict[str, list[float]] = {name: [] for name in names}
    with path.open("rb") as handle:
        for number, line in enumerate(handle, 1):
            values = _values(line, names, f"{path}:{number}") if line.strip() else None
            for name, value in zip(names, values or (), strict=False):
                columns[name].append(value)
    return calibrate(columns)


def _values(line: bytes, names: Sequence[str], where: str) -> list[float] | None:
    try:
        row = json.loads(line)
        found = [row.get(name) for name in names]
        return None if None in found else [float(value) for value in found]
    except (ValueError, TypeError, AttributeError, RecursionError) as problem:
        raise InputError(f"no scored row: {problem}", where=where, expected=f"numbers for {', '.join(names)}") from None
