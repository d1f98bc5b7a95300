"""Shards of remote runs on the local disk: fetched once per machine, named by their sha256, oldest removed first.

The name is the checksum that the manifest promises, so a cache may be shared by runs, ranks and workers, and what a
crash left behind is never taken for a shard: files appear under their name only when whole and checked.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread, current_thread

import fsspec

from blends.manifest_types import ShardEntry
from pipeline.errors import OutputError, VerificationError, WarcmillError
from pipeline.io.retries import retried
from pipeline.io.shards import file_sha256

MAX_BYTES = 64 << 30
_fetching: dict[str, Thread] = {}  # by file: what this process fetches ahead
os.register_at_fork(after_in_child=_fetching.clear)  # a child has none of its parent's threads
_CHUNK = 8 << 20
_TRIES = 3  # of fetching a shard whose bytes are not those promised


def default_folder() -> Path:
    """$WARCMILL_CACHE, or ~/.cache/warcmill."""
    return Path(os.environ.get("WARCMILL_CACHE") or Path.home() / ".cache" / "warcmill") / "shards"


@dataclass(frozen=True, slots=True)
class ShardCache:
    """A folder of shards with a limit on its size; two shards in use may exceed it."""

    folder: Path = field(default_factory=default_folder)
    max_bytes: int = MAX_BYTES

    def get(self, url: str, shard: ShardEntry, *, check: bool) -> Path:
        """The shard's local file, fetched unless it is there; one that fails the check is fetched again.

        Raises:
            VerificationError: the object is missing, or its bytes are not those that the manifest promises.
            OutputError: the disk is full and nothing can be removed.
        """
        path = self.folder / f"{shard.sha256}.parquet"
        ahead = _fetching.get(str(path))
        if ahead is not None and ahead is not current_thread():
            ahead.join()
        with self._locked(shard.sha256):
            if not self._sound(path, shard, check=check):
                self._fetch(url, shard, path)
        with suppress(FileNotFoundError):  # another process made room just now: the next use fetches it again
            os.utime(path)
        return path

    def prefetch(self, url: str, shard: ShardEntry) -> None:
        """Fetch a shard in the background. What fails here fails again, with its error, when the shard is used."""
        path = self.folder / f"{shard.sha256}.parquet"
        if not path.exists() and str(path) not in _fetching:
            _fetching[str(path)] = Thread(target=self._try, args=(url, shard, str(path)), daemon=True)
            _fetching[str(path)].start()

    def _try(self, url: str, shard: ShardEntry, name: str) -> None:
        try:
            with suppress(WarcmillError, OSError):
                self.get(url, shard, check=False)
        finally:
            _fetching.pop(name, None)

    def _sound(self, path: Path, shard: ShardEntry, *, check: bool) -> bool:
        if not path.is_file() or path.stat().st_size != shard.bytes:
            return False
        return not check or file_sha256(path) == shard.sha256

    @contextmanager
    def _locked(self, sha256: str) -> Iterator[None]:
        """One process of this machine at a time for a shard. Record locks: a forked child does not inherit them."""
        locks = self.folder / "locks"
        with _room(self.folder):
            locks.mkdir(parents=True, exist_ok=True)
            lock = locks.joinpath(sha256[:3]).open("w")
        with lock:
            fcntl.lockf(lock, fcntl.LOCK_EX)
            yield

    def _fetch(self, url: str, shard: ShardEntry, path: Path) -> None:
        self._make_room(shard.bytes)
        temporary = self.folder / f".{uuid.uuid4().hex}.part"
        try:
            found = ""
            for _ in range(_TRIES):
                found = self._download(url, temporary)
                if found == shard.sha256:
                    temporary.replace(path)
                    return
            size = temporary.stat().st_size
        finally:
            temporary.unlink(missing_ok=True)
        what = f"{size} bytes, sha256 {found}"
        expected = f"{shard.bytes} bytes, sha256 {shard.sha256}"
        raise VerificationError(what, where=url, expected=expected, hint="copy the run again, and verify it")

    def _download(self, url: str, temporary: Path) -> str:
        """sha256 of what was fetched. A full disk is tried again once, with an empty cache."""
        try:
            return _copy(url, temporary)
        except OutputError:
            temporary.unlink(missing_ok=True)
        self._make_room(self.max_bytes)
        return _copy(url, temporary)

    def _make_room(self, wanted: int) -> None:
        """Remove the shards used longest ago until `wanted` more bytes fit; readers keep what they have open."""
        files = [(path.stat(), path) for path in self.folder.glob("*.parquet")]
        files.sort(key=lambda item: (item[0].st_mtime_ns, item[1].name))
        total = sum(stat.st_size for stat, _ in files)
        for stat, path in files:
            if total + wanted <= self.max_bytes:
                return
            path.unlink(missing_ok=True)
            total -= stat.st_size


@contextmanager
def _room(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM):
            raise  # of the store that is read from
        what = f"cannot keep a shard in the cache: {error.strerror or error}"
        hint = "free some space, or give a folder with room: cache=… or WARCMILL_CACHE"
        raise OutputError(what, where=str(folder), expected="room for at least one shard", hint=hint) from error


def _copy(url: str, target: Path) -> str:
    """Copy an object to a file, synced; gives the sha256 of its bytes.

    Raises:
        OutputError: the disk is full.
        VerificationError: there is no such object.
    """

    def once() -> str:
        digest = hashlib.sha256()
        with fsspec.open(url, "rb") as source, _room(target.parent):
            file = target.open("wb")
            with file:
                while chunk := source.read(_CHUNK):
                    digest.update(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
        return digest.hexdigest()

    try:
        return retried(once, url)
    except FileNotFoundError as error:
        raise VerificationError("missing", where=url, expected="a shard that the manifest names") from error


def read_object(url: str) -> bytes | None:
    """Content of a small object, None where it is missing.

    Raises:
        InputError: it cannot be read.
        UsageError: the package for this kind of URL, or credentials, are missing.
    """

    def once() -> bytes:
        with fsspec.open(url, "rb") as source:
            return bytes(source.read())

    try:
        return retried(once, url)
    except FileNotFoundError:
        return None
