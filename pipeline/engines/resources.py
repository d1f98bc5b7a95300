"""What one task of a phase needs of a machine, as a recipe says it; each engine translates it into its own terms.

Nothing here decides the output, so it is no part of a recipe's identity: a run may be resumed on other machines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.errors import UsageError

ANY_PHASE = "*"
ACCELERATOR = re.compile(r"([a-z0-9][a-z0-9-]*)(?::(\d+))?")


@dataclass(frozen=True, slots=True)
class Resources:
    """Needs of one task, the unit that an engine schedules.

    Args:
        phase: name of a phase as `warcmill status` prints it, or `*` for all that are not named.
        cpus: cores; the rooms are single-threaded, so more than one serves tasks that start servers of their own.
        memory_gib: of the worker process and its children, or None for what the engine gives.
        accelerator: `nvidia-l4` or `nvidia-l4:2`, or None.
    """

    phase: str = ANY_PHASE
    cpus: int = 1
    memory_gib: float | None = None
    accelerator: str | None = None

    def __post_init__(self) -> None:
        if self.cpus < 1 or (self.memory_gib is not None and not 0.25 <= self.memory_gib <= 4096):
            raise ValueError(
                f"cpus={self.cpus}, memory_gib={self.memory_gib}: a task needs a core and 0.25 GiB or more"
            )
        if self.accelerator is not None and not ACCELERATOR.fullmatch(self.accelerator):
            raise ValueError(f"accelerator {self.accelerator!r} is not NAME or NAME:COUNT, e.g. nvidia-l4:1")

    @property
    def accelerators(self) -> tuple[str, int]:
        """Kind and count; count 0 without any."""
        found = ACCELERATOR.fullmatch(self.accelerator or "")
        return (found[1], int(found[2] or 1)) if found else ("", 0)


DEFAULT = Resources()


def resources_of(phase: str, wanted: Iterable[Resources]) -> Resources:
    """The entry that names the phase, else the one for all, else the defaults."""
    by_name = {entry.phase: entry for entry in wanted}
    return by_name.get(phase) or by_name.get(ANY_PHASE) or DEFAULT


def require_phases(wanted: Iterable[Resources], phases: Iterable[str], where: str) -> None:
    """Refuse an entry for a phase that does not exist, or two for one. Raises UsageError."""
    names = [entry.phase for entry in wanted]
    known = [ANY_PHASE, *phases]
    for name in names:
        if name not in known:
            raise UsageError(f"no phase {name!r}", where=f"{where}: resources", expected=", ".join(known))
        if names.count(name) > 1:
            raise UsageError(f"phase {name!r} has two entries", where=f"{where}: resources", expected="one")
