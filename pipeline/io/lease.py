"""One driver at a time on a run in an object store, where no lock dies with its holder.

A driver creates `.lock/<n>` for the smallest n that is not there, if the holder of n - 1 has not renewed its claim
for LEASE_S; creating is conditional, so only one driver gets n. Clocks need to agree to within seconds. The lock only
saves work and confusion: commits keep their promise with any number of drivers, so one that was suspended for longer
than its lease, and goes on, does no harm.
"""

from __future__ import annotations

import json
import os
import platform
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from pipeline.errors import InputError, OutputError
from pipeline.io.storage import StorePath, create_bytes, listed, put_bytes

LEASE_S = 60.0
RENEW_S = 15.0


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a run, as written in its lock."""

    owner: str
    host: str
    pid: int
    until_s: float

    @property
    def alive(self) -> bool:
        """False once the lease ended, or where this machine can see that the process is gone."""
        if self.host == platform.node() and not _running(self.pid):
            return False
        return time.time() < self.until_s


def _running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def holder(folder: StorePath) -> Holder | None:
    """The driver at work in a run, None where there is none; `folder` is RUN/.lock."""
    last = _last(folder)
    found = _read(folder, last) if last else None
    return found if found and found.alive else None


def _last(folder: StorePath) -> int:
    return max((int(entry.name) for entry in listed(folder) if entry.name.isdigit()), default=0)


def _read(folder: StorePath, number: int) -> Holder | None:
    try:
        said: dict[str, Any] = json.loads((folder / f"{number:06d}").read_bytes())
    except FileNotFoundError:  # given back just now
        return None
    return Holder(**said)


@contextmanager
def held(folder: StorePath, run: StorePath) -> Iterator[None]:
    """Hold a run as long as the block lasts.

    Raises:
        OutputError: another driver holds it.
    """
    owner = uuid.uuid4().hex
    place = _claim(folder, run, owner)
    ended = threading.Event()
    renewing = threading.Thread(target=_renew, args=(place, owner, ended), name="warcmill-lease", daemon=True)
    renewing.start()
    try:
        yield
    finally:
        ended.set()
        renewing.join()
        with suppress(InputError, OutputError):  # a claim that cannot be given back ends by itself
            _give_back(folder, place)


def _give_back(folder: StorePath, place: StorePath) -> None:
    """Remove the claim, and those of dead drivers before it."""
    for entry in listed(folder):
        if entry.name <= place.name:
            (folder / entry.name).unlink(missing_ok=True)


def _claim(folder: StorePath, run: StorePath, owner: str) -> StorePath:
    last = _last(folder)
    other = _read(folder, last) if last else None
    place = folder / f"{last + 1:06d}"
    if (other is None or not other.alive) and create_bytes(place, _claimed(owner)):
        return place
    if place.exists() and (now := _read(folder, last + 1)) is not None:
        if now.owner == owner:  # the answer to a try that succeeded was lost
            return place
        other = now
    who = f"{other.host}, process {other.pid}" if other else "a driver that began just now"
    left_s = max(other.until_s - time.time(), 0.0) if other else LEASE_S
    raise OutputError(
        f"another warcmill is writing here: {who}",
        where=str(run),
        hint=f"wait for it, or choose another -o; if it was killed, its claim ends in {left_s:.0f} s",
    )


def _claimed(owner: str) -> bytes:
    said = {"owner": owner, "host": platform.node(), "pid": os.getpid(), "until_s": time.time() + LEASE_S}
    return json.dumps(said).encode()


def _renew(place: StorePath, owner: str, ended: threading.Event) -> None:
    """Until the run ends, or until the store has been away for so long that the claim is lost."""
    while not ended.wait(RENEW_S):
        try:
            put_bytes(place, _claimed(owner))
        except (OutputError, InputError):
            continue
