"""When a model service stumbles: how long to wait, when to stop asking for a while, when to give up.

Only times depend on this, never results: a request is repeated until it is answered, or the run stops and resumes.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import blake2b

from pipeline.errors import WarcmillError

BASE_DELAY_S = 0.25
MAX_DELAY_S = 30.0
MAX_RETRY_AFTER_S = 300.0
SLOW_PATIENCE = 6


class BackendFailed(WarcmillError):
    """The model cannot be reached, is not the one that was asked for, or refuses to work."""


class Transient(Exception):
    """A failure that may pass. `wait_s` is what the server asked for; `own` says that this request may be to blame."""

    def __init__(self, what: str, *, wait_s: float | None = None, own: bool = False) -> None:
        super().__init__(what)
        self.wait_s, self.own = wait_s, own


class Slow(Transient):
    """No answer in time: a hang, or a server with more to do than it was thought to have."""


def delay_s(key: str, attempt: int, asked_s: float | None) -> float:
    """Seconds before attempt number `attempt` + 1: exponential, with jitter that needs no random numbers."""
    if asked_s is not None:
        return min(asked_s, MAX_RETRY_AFTER_S) + BASE_DELAY_S * _fraction(key, attempt)
    longest = min(MAX_DELAY_S, BASE_DELAY_S * 2.0 ** min(attempt, 16))
    return longest * (0.5 + 0.5 * _fraction(key, attempt))


def _fraction(key: str, attempt: int) -> float:
    digest = blake2b(f"{key} {attempt}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "little") / 2**32


def retry_after_s(header: str | None) -> float | None:
    """Seconds that a Retry-After header asks for, or None. It holds seconds or a date (RFC 9110, 10.2.3)."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header.strip()[:9])
    try:
        wait_s = (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError):
        return None
    return max(0.0, wait_s)


@dataclass(slots=True)
class Breaker:
    """Circuit breaker: after many failures in a row nobody asks for a while, then one request tries.

    Attributes:
        threshold: failures in a row that open it.
        give_up_s: seconds without any answer after which `failed` raises.
    """

    threshold: int
    give_up_s: float
    failures: int = 0
    opened: int = 0  # times in a row that it opened without a success between
    closed_until_s: float = 0.0  # monotonic; nobody asks before
    probing: bool = False
    last_success_s: float = field(default_factory=time.monotonic)

    async def ready(self) -> None:
        """Wait until asking makes sense."""
        while self.failures >= self.threshold:
            wait_s = self.closed_until_s - time.monotonic()
            if wait_s <= 0 and not self.probing:
                self.probing = True
                return
            await asyncio.sleep(min(max(wait_s, 0.05), 1.0))

    def succeeded(self) -> None:
        """An answer came."""
        self.failures = self.opened = 0
        self.probing = False
        self.last_success_s = time.monotonic()

    def failed(self, what: str, where: str, *, is_slow: bool = False) -> None:
        """A request failed for a reason that may pass; slow servers get SLOW_PATIENCE times as long.

        Raises:
            BackendFailed: nothing has worked for too long.
        """
        now = time.monotonic()
        was_probe, self.probing = self.probing, False
        self.failures += 1
        if was_probe or self.failures == self.threshold:
            self.closed_until_s = now + min(MAX_DELAY_S, 2.0**self.opened)
            self.opened += 1
        if now - self.last_success_s > self.give_up_s * (SLOW_PATIENCE if is_slow else 1):
            raise BackendFailed(
                f"no answer for {self.give_up_s:g} s; last: {what}",
                where=where,
                expected="a model service that answers",
                hint="start it, then run the same command again: what was answered is stored and not asked again",
            )
