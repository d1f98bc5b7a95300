"""Runs of equal keys in sorted batches, scanned with one batch of memory: what the exact and the LSH scan share."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


class Carried(NamedTuple):
    """The run that was open when the last batch ended."""

    key: Any = None
    first: str = ""  # id of the run's first row
    last: str = ""  # id of its latest row
    size: int = 0


class Scan(NamedTuple):
    """For each row of a batch: id of the first row of its run, and its place in the run, 0 for the first."""

    first: pa.Array
    place: NDArray[np.int64]
    carried: Carried


def scan_runs(keys: NDArray[Any], ids: pa.Array, carried: Carried) -> Scan:
    """Scan one batch of sorted keys, continuing the run that `carried` describes."""
    rows = len(keys)
    if not rows:
        return Scan(ids, np.zeros(0, np.int64), carried)
    starts = np.r_[True, keys[1:] != keys[:-1]]
    begin = np.maximum.accumulate(np.where(starts, np.arange(rows), 0))
    place = np.arange(rows) - begin
    first = ids.take(pa.array(begin))
    if carried.size and keys[0].tobytes() == carried.key:
        head = int(np.argmax(begin > 0)) if begin[-1] else rows
        place[:head] += carried.size
        first = pa.concat_arrays([pa.repeat(pa.scalar(carried.first, ids.type), head), first[head:]])
    still_open = Carried(keys[-1].tobytes(), first[-1].as_py(), ids[-1].as_py(), int(place[-1]) + 1)
    return Scan(first, place, still_open)
