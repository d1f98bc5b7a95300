"""From what the user named (a folder, an address) to a reader of byte ranges, in any worker process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.io.fetch.http_store import HttpPolicy, HttpStore
from pipeline.io.fetch.retry import Reader, RetryPolicy
from pipeline.io.fetch.stores import FolderStore, ObjectStore, Store

COMMON_CRAWL = "https://data.commoncrawl.org/"


@dataclass(frozen=True, slots=True)
class Access:
    """How to read, wherever: the same for index and archives."""

    http: HttpPolicy = field(default_factory=HttpPolicy)
    retry: RetryPolicy = field(default_factory=RetryPolicy)

    def reader(self, base: str, on_bytes: Callable[[int], None] | None = None) -> Reader:
        """A reader of files below `base`: http(s)://, an fsspec URL, or a folder."""
        return Reader(self._store(base), self.retry, on_bytes)

    def _store(self, base: str) -> Store:
        if base.startswith(("http://", "https://")):
            return HttpStore(base, self.http)
        if "://" in base and not base.startswith("file://"):
            return ObjectStore(base)
        return FolderStore(base)
