"""From the name of an engine to the engine, opened; Beam and Spark are imported only when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from importlib import import_module

from pipeline.engines.local import LocalConfig, LocalEngine
from pipeline.engines.protocol import Engine
from pipeline.errors import UsageError

ENGINES = ("local", "beam", "spark")
_LIBRARY = {"beam": "apache_beam", "spark": "pyspark"}


def open_engine(name: str, options: Sequence[str], local: LocalConfig) -> AbstractContextManager[Engine]:
    """The engine, to be used as a context manager.

    Args:
        name: one of ENGINES.
        options: what stood behind `--` on the command line, the engine's own options.
        local: how many processes on this machine, and the limits on one record, which hold on every engine.

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
    if name not in _LIBRARY:
        raise UsageError(f"no engine {name!r}", where="--engine", expected=" or ".join(ENGINES))
    _require(name)
    # by name, so that neither the core nor the import rules meet Beam and Spark
    opened: AbstractContextManager[Engine] = import_module(f"pipeline.engines.{name}").open_engine(options, local)
    return opened


def _require(name: str) -> None:
    try:
        import_module(_LIBRARY[name])
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{error.name} is not installed",
            where=f"--engine {name}",
            hint=f"pip install 'warcmill[{name}]', or in a checkout: make setup-dev",
        ) from error
