"""Which stream does sample number p come from? Even interleaving, exact in integers, with a seek that needs no history.

Sample j of a stream that has n of a phase's samples is due at time (2j+1) / 2n of the phase, in units of 2^-64 rounded
down. A phase is all its samples ordered by (time, stream). So weights hold on every stretch and not only at the end:
at any position a stream is within S of its exact share, for S streams.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence


def taken_before(samples: Sequence[int], position: int) -> list[int]:
    """Samples of each stream among the first `position` ones of a phase with `samples[s]` of stream s.

    Starts a few samples early, at a time where the numbers have a closed form, and walks the rest: O(S log S).
    """
    total, streams = sum(samples), len(samples)
    if not 0 <= position <= total:
        raise ValueError(f"position {position} outside a phase of {total} samples")
    if position == total:
        return list(samples)
    time = (max(0, position - streams) << 64) // total
    taken = [(time * n + (1 << 63) - 1) >> 64 for n in samples]  # every j with (2j+1) * 2^63 < time * n
    walk = interleaved(samples, taken)
    for _ in range(position - sum(taken)):
        taken[next(walk)] += 1
    return taken


def interleaved(samples: Sequence[int], taken: Sequence[int]) -> Iterator[int]:
    """Streams of the samples that follow, in order, up to the end of the phase."""
    heap = [(_time(j, n), s, j, n) for s, (n, j) in enumerate(zip(samples, taken, strict=True)) if j < n]
    heapq.heapify(heap)
    while heap:
        _, s, j, n = heap[0]
        yield s
        if j + 1 < n:
            heapq.heapreplace(heap, (_time(j + 1, n), s, j + 1, n))
        else:
            heapq.heappop(heap)


def _time(j: int, n: int) -> int:
    return (2 * j + 1 << 63) // n
