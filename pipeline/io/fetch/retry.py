"""Reads that fail and are tried again: what is worth another attempt, how long to wait, when to stop.

Waiting is polite: Retry-After is obeyed for the whole process, and delays grow with jitter, so that many workers do not
come back together. The jitter is a hash of what is read, not a random number.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pipeline.io.fetch.stores import ReadFailed, Store


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Attempts at one range, and the seconds between them.

    Args:
        attempts: in all, the first included.
        first_wait_s: before the second attempt; doubled each time.
        longest_wait_s: no wait is longer, whatever Retry-After says.
    """

    attempts: int = 6
    first_wait_s: float = 0.5
    longest_wait_s: float = 120.0

    def wait_s(self, attempt: int, retry_after_s: float | None, what: str) -> float:
        """Seconds to wait after failed attempt number `attempt`, from 1."""
        if retry_after_s is not None:
            return min(max(retry_after_s, 0.0), self.longest_wait_s)
        digest = hashlib.blake2b(f"{what} {attempt}".encode(), digest_size=4).digest()
        jitter = 0.5 + int.from_bytes(digest, "big") / (1 << 32)  # 0.5 … 1.5
        return min(self.first_wait_s * float(1 << (attempt - 1)) * jitter, self.longest_wait_s)


@dataclass(slots=True)
class Tally:
    """What reading has cost so far: requests, bytes, attempts that failed by reason."""

    requests: int = 0
    bytes: int = 0
    failed: dict[str, int] = field(default_factory=dict)


class Reader:
    """Reads ranges from a store with retries. Used by many threads."""

    def __init__(self, store: Store, policy: RetryPolicy, on_bytes: Callable[[int], None] | None = None) -> None:
        self.store, self.policy = store, policy
        self.tally = Tally()
        self._on_bytes = on_bytes
        self._lock = threading.Lock()
        self._not_before_s = 0.0

    def read(self, path: str, start: int, stop: int | None = None) -> bytes:
        """Bytes [start, stop) of a file, fewer only where it ends before.

        Raises:
            ReadFailed: a permanent failure, or the last of several attempts.
        """
        return b"".join(self.chunks(path, start, stop))

    def chunks(self, path: str, start: int, stop: int | None = None) -> Iterator[bytes]:
        """As `read`, piece by piece; an interrupted answer is continued where it broke off."""
        got = 0
        for attempt in range(1, self.policy.attempts + 1):
            self._wait()
            try:
                with self._lock:
                    self.tally.requests += 1
                for chunk in self.store.chunks(path, start + got, stop):
                    got += len(chunk)
                    self._count(len(chunk))
                    yield chunk
            except ReadFailed as failure:
                self._note(failure)
                if not failure.transient or attempt == self.policy.attempts:
                    raise
                self._pause(failure, attempt, f"{path} {start}")
            else:
                return

    def size(self, path: str) -> int:
        """Size of a file in bytes.

        Raises:
            ReadFailed: as `read`.
        """
        for attempt in range(1, self.policy.attempts + 1):
            self._wait()
            try:
                with self._lock:
                    self.tally.requests += 1
                return self.store.size(path)
            except ReadFailed as failure:
                self._note(failure)
                if not failure.transient or attempt == self.policy.attempts:
                    raise
                self._pause(failure, attempt, path)
        raise AssertionError("a policy allows at least one attempt")

    def _count(self, size: int) -> None:
        with self._lock:
            self.tally.bytes += size
            if self._on_bytes:
                self._on_bytes(size)

    def _note(self, failure: ReadFailed) -> None:
        with self._lock:
            self.tally.failed[failure.reason] = self.tally.failed.get(failure.reason, 0) + 1

    def _pause(self, failure: ReadFailed, attempt: int, what: str) -> None:
        wait_s = self.policy.wait_s(attempt, failure.retry_after_s, what)
        if failure.retry_after_s is not None:  # said by the server: it holds for every thread here
            with self._lock:
                self._not_before_s = max(self._not_before_s, time.monotonic() + wait_s)
        else:
            time.sleep(wait_s)

    def _wait(self) -> None:
        with self._lock:
            left_s = self._not_before_s - time.monotonic()
        if left_s > 0:
            time.sleep(left_s)
