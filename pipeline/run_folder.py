"""A run's folder: who may write in it, and with which settings it was begun."""

from __future__ import annotations

import fcntl
import json
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.errors import OutputError, UsageError
from pipeline.io import scratch
from pipeline.io.commit import canonical_json, write_atomic
from pipeline.io.lease import held, holder
from pipeline.io.shards import writing
from pipeline.io.storage import StorePath

RUN_FILE, RECIPE_FILE, LOCK_FILE = "run.json", "recipe.json", ".lock"


@contextmanager
def claimed(output: Path, settings: Mapping[str, Any]) -> Iterator[None]:
    """Hold a run's folder: created or resumed, bound to `settings`, used by one driver at a time.

    Raises:
        UsageError: it is something else, or was begun with other settings.
        OutputError: another driver holds it, or it cannot be written.
    """
    if output.exists() and not output.is_dir():
        raise UsageError("is a file", where=str(output), expected="a folder to create or to resume")
    others = any(path.name != LOCK_FILE for path in output.iterdir()) if output.is_dir() else False
    if others and not (output / RECIPE_FILE).exists():
        raise UsageError("is not empty and not a warcmill run", where=str(output), hint="choose another folder with -o")
    with _locked(output):
        _bind(output, settings)
        yield


@contextmanager
def _locked(output: Path) -> Iterator[None]:
    if isinstance(output, StorePath):
        with held(output / LOCK_FILE, output):
            yield
        scratch.sweep()  # of worker processes, which are killed at the end
        return
    with writing(output):
        output.mkdir(parents=True, exist_ok=True)
        lock = (output / LOCK_FILE).open("w")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise OutputError(
                "another warcmill is writing here", where=str(output), hint="wait for it, or choose another -o"
            ) from error
        yield


def at_work(output: Path) -> bool:
    """Whether a driver holds the run."""
    if isinstance(output, StorePath):
        return holder(output / LOCK_FILE) is not None
    with (output / LOCK_FILE).open("r") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _bind(output: Path, settings: Mapping[str, Any]) -> None:
    """Write down the settings of the run, or refuse when they are not those it was begun with."""
    path = output / RECIPE_FILE
    if not path.exists():
        write_atomic(path, canonical_json(settings))
        return
    known = json.loads(path.read_bytes())
    changed = sorted(_changes(known, json.loads(canonical_json(settings))))
    if changed:
        raise UsageError(
            f"this run was begun with another recipe: {'; '.join(changed[:4])}",
            where=str(output),
            expected=f"recipe {known['recipe']['name']!r} as it was",
            hint="choose another folder with -o, or remove this one",
        )


def _changes(known: Any, wanted: Any, path: str = "") -> Iterator[str]:
    if isinstance(known, dict) and isinstance(wanted, dict):
        for key in known.keys() | wanted.keys():
            yield from _changes(known.get(key), wanted.get(key), f"{path}.{key}" if path else key)
    elif known != wanted:
        yield f"{path} was {known!r}, is {wanted!r}"


def note_session(output: Path, started: datetime, facts: Mapping[str, Any]) -> None:
    """Add to run.json what must not be in the manifest: times, host, engine, paths. A resumed run adds a session."""
    path = output / RUN_FILE
    history = json.loads(path.read_bytes())["sessions"] if path.exists() else []
    session = {
        "started": started.isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "host": platform.node(),
        "python": platform.python_version(),
        **facts,
    }
    write_atomic(path, canonical_json({"sessions": [*history, session]}))
