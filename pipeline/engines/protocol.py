"""What an engine is: something that runs a list of tasks until each has its commit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from pipeline.io.commit import PhaseDirectory
from pipeline.stage import Context, Task

Work = Callable[[Task, Context], None]
Progress = Callable[[int, int], None]  # tasks finished, records touched so far


class Engine(Protocol):
    """Runs tasks somewhere. It holds no policy: what a task does, and what failed means, is the same on all engines.

    An exchange is two calls of `map_shards` (spill sorted runs, merge key ranges), an iteration one or more per round,
    and small results are read from commits; so this is the only verb. Task and work must survive pickling.
    """

    def map_shards(self, directory: PhaseDirectory, tasks: Sequence[Task], work: Work, progress: Progress) -> None:
        """Run `work` on every task that has no commit yet; `progress` is called from the caller's thread.

        Raises:
            WarcmillError: raised by a task, or ShardFailed for anything else. Commits made so far stay.
        """
