"""From the name of an engine to the engine, opened; Beam and Spark are imported only when they are asked for."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any

from pipeline.engines.local import LocalConfig, LocalEngine
from pipeline.engines.protocol import Engine, Work
from pipeline.engines.resources import Resources, resources_of
from pipeline.errors import UsageError
from pipeline.io.commit import PhaseDirectory
from pipeline.stage import Task

ENGINES = ("local", "beam", "spark")


def open_engine(
    name: str, options: Sequence[str], local: LocalConfig, resources: Sequence[Resources] = ()
) -> AbstractContextManager[Engine]:
    """The engine, to be used as a context manager.

    Args:
        name: one of ENGINES.
        options: what stood behind `--` on the command line, the engine's own options.
        local: how many processes on this machine, and the limits on one record, which hold on every engine.
        resources: what phases need, for engines that choose machines; one machine is what it is.

    Raises:
        UsageError: the engine is unknown or not installed, or an option is not one of its options.
    """
    if name == "local":
        if options:
            raise UsageError(
                "the local engine has no options of its own",
                where=" ".join(options),
                hint="say --engine beam or --engine spark; inputs go before the --",
            )
        return LocalEngine(local)
    if name not in ENGINES:
        raise UsageError(f"no engine {name!r}", where="--engine", expected=" or ".join(ENGINES))
    opened: AbstractContextManager[Engine] = _adapter(name).open_engine(options, local, resources)
    return opened


def submission(
    name: str,
    options: Sequence[str],
    local: LocalConfig,
    resources: Sequence[Resources],
    directory: PhaseDirectory,
    tasks: Sequence[Task],
    work: Work,
) -> list[str]:
    """What the engine would be asked to do for one phase, as lines for a person; it is built, but not started."""
    if name == "local":
        return [f"{len(tasks):,} tasks in {min(len(tasks), local.workers)} processes"]
    needs = resources_of(directory.name, resources)
    lines: list[str] = _adapter(name).submission(options, local, directory, tasks, work, needs)
    return lines


def _adapter(name: str) -> Any:
    """The engine's module: by name, so that neither the core nor the import rules meet Beam and Spark."""
    logging.disable(logging.WARNING)  # Beam warns of Google clients that are not installed, and need not be
    try:
        return import_module(f"pipeline.engines.{name}")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("apache_beam", "pyspark"):
            raise
        raise UsageError(
            f"{error.name} is not installed",
            where=f"--engine {name}",
            hint=f"pip install 'warcmill[{name}]', or in a checkout: make setup-dev",
        ) from error
    finally:
        logging.disable(logging.NOTSET)
