"""What dedup takes from each source: counted by the phases, shown in summaries and reports, and the alarm.

Tools that look at totals only have deleted whole sources without anyone noticing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.errors import WarcmillError

ALARM_ROWS = 20  # a source of fewer documents can lose nearly all of them by chance
SHOWN_SOURCES = 8


def losses(tallies: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Documents by source, and how many of them dedup removed, from the counts "in:<source>" and "lost:<source>"."""
    names = sorted(name.removeprefix("in:") for name in tallies if name.startswith("in:"))
    return {name: {"rows": tallies[f"in:{name}"], "removed": tallies.get(f"lost:{name}", 0)} for name in names}


def losses_in(funnel: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """The same over the phases of a run: documents that came to the first, removed by any."""
    found: dict[str, dict[str, int]] = {}
    for phase in funnel:
        for name, counts in losses(phase["tallies"]).items():
            found.setdefault(name, {"rows": counts["rows"], "removed": 0})["removed"] += counts["removed"]
    return found


def loss_lines(sources: Mapping[str, Mapping[str, int]]) -> list[str]:
    """One line for each of the sources that lose the largest shares."""
    shares = sorted((-counts["removed"] / counts["rows"], name) for name, counts in sources.items())
    lines = [
        f"source    {name}: dedup removed {abs(share):.1%} of {sources[name]['rows']:,} rows"
        for share, name in shares[:SHOWN_SOURCES]
    ]
    return [*lines, *([f"source    and {len(shares) - SHOWN_SOURCES:,} more"] if len(shares) > SHOWN_SOURCES else [])]


def raise_alarm(sources: Mapping[str, Mapping[str, int]], max_source_loss: float, where: str, hint: str) -> None:
    """Stop a run in which a source nearly disappears.

    Raises:
        WarcmillError: a source of at least ALARM_ROWS documents lost a larger share.
    """
    lost: dict[str, Any] = {
        name: counts["removed"] / counts["rows"]
        for name, counts in sources.items()
        if counts["rows"] >= ALARM_ROWS and counts["removed"] > max_source_loss * counts["rows"]
    }
    if lost:
        worst = ", ".join(
            f"{name} {share:.1%}" for name, share in sorted(lost.items(), key=lambda x: (-x[1], x[0]))[:5]
        )
        raise WarcmillError(
            f"{len(lost)} sources lose more than {max_source_loss:.1%} of their rows: {worst}",
            where=where,
            expected="no source that nearly disappears",
            hint=hint,
        )
