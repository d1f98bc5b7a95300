"""Where a run lives: a local folder (`pathlib.Path`) or a prefix of an object store (`StorePath`).

Local paths stay plain `Path`s with everything that the operating system promises. A StorePath has those methods of
Path that run folders need; what it cannot do is an AttributeError, never a silent local file. Code that wants a local
file (pyarrow, open) gets a copy in scratch space through `os.fspath`.

What a commit rests on is the same in both worlds: an object appears whole or not at all, a reader sees it as soon as
it is there, and `create` fails where the name exists (`os.link`; `If-None-Match: *` on S3; `ifGenerationMatch=0` on
GCS).
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from functools import cache, partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, TypeVar, cast

from pipeline.errors import UsageError
from pipeline.io import scratch
from pipeline.io.retries import Truncated, error_code, explained, is_transient, retried

RUN_PROTOCOLS = ("s3", "gs")  # whose conditional create is known to be one
CONNECT_S, ANSWER_S = 10, 30
AT_ONCE = 64  # small objects read or deleted together
_ALIASES = {"s3a": "s3", "s3n": "s3", "gcs": "gs"}
_OPTIONS: dict[str, dict[str, Any]] = {
    # retries are ours (pipeline.io.retries): those of the packages would multiply with them
    "s3": {
        "config_kwargs": {"connect_timeout": CONNECT_S, "read_timeout": ANSWER_S, "retries": {"total_max_attempts": 1}},
        "max_concurrency": 1,  # of the parts of one file: tasks are the parallelism; and one request less per read
        "use_listings_cache": False,
    },
    "gs": {"use_listings_cache": False, "consistency": "md5"},
}
T = TypeVar("T")


@dataclass(frozen=True, slots=True, order=True)
class StorePath:
    """An object, or the prefix of some, in a bucket. `key` is "bucket/name", without a slash at either end."""

    protocol: str
    key: str

    def __str__(self) -> str:
        return f"{self.protocol}://{self.key}"

    def __fspath__(self) -> str:
        """A local copy of the object, whole and as it is now; it may go when others are fetched after it."""
        found = info(self)
        if found["type"] != "file":
            raise IsADirectoryError(f"{self} is a prefix, not an object")
        return str(scratch.kept_copy(str(self), identity(found), partial(_get_file, self, found["size"])))

    def __truediv__(self, name: str) -> StorePath:
        return StorePath(self.protocol, f"{self.key}/{name}".rstrip("/"))

    def joinpath(self, *names: str) -> StorePath:
        return self / "/".join(names)

    @property
    def name(self) -> str:
        return PurePosixPath(self.key).name

    @property
    def stem(self) -> str:
        return PurePosixPath(self.key).stem

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.key).suffix

    @property
    def parent(self) -> StorePath:
        return StorePath(self.protocol, str(PurePosixPath(self.key).parent))

    def relative_to(self, other: StorePath) -> PurePosixPath:
        return PurePosixPath(self.key).relative_to(other.key)

    def absolute(self) -> StorePath:
        return self

    def mkdir(self, *, parents: bool = True, exist_ok: bool = True) -> None:
        """Nothing: a prefix is there when something is under it."""

    def exists(self) -> bool:
        return self._kind() is not None

    def is_file(self) -> bool:
        return self._kind() == "file"

    def is_dir(self) -> bool:
        return self._kind() == "directory"

    def _kind(self) -> str | None:
        try:
            return str(info(self)["type"])
        except FileNotFoundError:
            return None

    def stat(self) -> os.stat_result:
        """Size, and when it was last written, whole seconds.

        Raises:
            FileNotFoundError: no such object.
        """
        found = info(self)
        kind = stat.S_IFREG if found["type"] == "file" else stat.S_IFDIR
        seconds = int(_modified_s(found))
        return os.stat_result((kind, 0, 0, 1, 0, 0, found["size"] or 0, seconds, seconds, seconds))

    def read_bytes(self) -> bytes:
        return bytes(_call(self, "cat_file", self.key))

    def read_text(self, encoding: str = "utf-8") -> str:
        return self.read_bytes().decode(encoding)

    def open(self, mode: str = "rb") -> BinaryIO:
        """A local copy, for reading."""
        if mode not in ("r", "rb"):
            raise ValueError(f"{self}: written with write_atomic or write_shard, not mode {mode!r}")
        return Path(self).open("rb")

    def iterdir(self) -> Iterator[StorePath]:
        """What stands directly in this prefix, by name; nothing where it does not exist."""
        return (StorePath(self.protocol, entry.key) for entry in listed(self))

    def glob(self, pattern: str) -> Iterator[StorePath]:
        """Entries of this prefix whose name fits; one level only."""
        return (path for path in self.iterdir() if fnmatchcase(path.name, pattern))

    def rglob(self, pattern: str) -> Iterator[StorePath]:
        """Objects anywhere under this prefix whose name fits, by key."""
        found = sorted(_tolerant(partial(_call, self, "find", self.key), []))
        return (path for key in found if fnmatchcase((path := StorePath(self.protocol, key)).name, pattern))

    def unlink(self, missing_ok: bool = False) -> None:
        try:
            _call(self, "rm_file", self.key, writes=True)
        except FileNotFoundError:
            if not missing_ok:
                raise


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a listing."""

    key: str
    modified_s: float

    @property
    def name(self) -> str:
        return PurePosixPath(self.key).name


def location(text: str | os.PathLike[str]) -> Path:
    """A run's place from what a user wrote: a StorePath for s3:// and gs:// URLs, a Path for anything without "://".

    Typed as Path, because a StorePath has what is used of one.

    Raises:
        UsageError: another kind of URL, or one without a bucket.
    """
    if isinstance(text, (Path, StorePath)):
        return cast(Path, text)
    protocol, separator, rest = str(text).partition("://")
    if not separator:
        return Path(text)
    protocol, key = _ALIASES.get(protocol, protocol), rest.strip("/")
    if protocol == "file":
        return Path("/" + key)
    if protocol not in RUN_PROTOCOLS or not key:
        raise UsageError(
            "a run cannot live there",
            where=str(text),
            expected="a local folder, s3://BUCKET/PREFIX or gs://BUCKET/PREFIX",
        )
    return cast(Path, StorePath(protocol, key))


def is_store(path: Path) -> bool:
    """Whether a run's place is in an object store."""
    return isinstance(path, StorePath)


def filesystem(protocol: str) -> Any:
    """The fsspec file system of a protocol, one per process.

    Raises:
        UsageError: its package is not installed.
    """
    return _filesystem(protocol, os.getpid())


@cache
def _filesystem(protocol: str, _pid: int) -> Any:
    """Its event loop is a thread, which a forked child does not have."""
    # else gcsfs asks another service, by gRPC, of what kind the bucket is, which needs a right of its own
    os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    import fsspec  # 0.2 s of CPU that local runs need not spend

    try:
        found = fsspec.filesystem(protocol, **_OPTIONS.get(protocol, {}))
    except ImportError as error:
        raise explained(error, f"{protocol}://", writes=False) from error
    if protocol == "s3":
        found.retries = 1
    elif protocol == "gs":
        found.requests_timeout = http_timeout()
        if once := getattr(type(found)._request, "__wrapped__", None):
            found._request = partial(once, found)  # without gcsfs's own six tries, which it has no setting for
    return found


def http_timeout() -> Any:
    """Of one HTTP request: a server that hangs is asked again before a record is called slow. aiohttp waits 300 s."""
    import aiohttp  # of fsspec[http] and gcsfs, not of the core

    return aiohttp.ClientTimeout(total=None, connect=CONNECT_S, sock_read=ANSWER_S)


def _call(path: StorePath, verb: str, *arguments: Any, writes: bool = False, **options: Any) -> Any:
    """One request, repeated as `retried` does."""
    return retried(lambda: getattr(filesystem(path.protocol), verb)(*arguments, **options), str(path), writes=writes)


def _tolerant(call: Callable[[], Any], missing: Any) -> Any:
    try:
        return call()
    except FileNotFoundError:
        return missing


def info(path: StorePath) -> dict[str, Any]:
    """What a store says of an object or prefix: type, size, ETag or generation, time."""
    return dict(_call(path, "info", path.key))


def identity(found: dict[str, Any]) -> str:
    """What changes when an object does."""
    mark = found.get("ETag") or found.get("generation") or found.get("etag") or _modified_s(found)
    return f"{mark} {found['size']}"


def _modified_s(found: dict[str, Any]) -> float:
    value = found.get("LastModified") or found.get("mtime") or found.get("updated") or found.get("created")
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return value.timestamp() if isinstance(value, datetime) else float(value or 0.0)


def listed(folder: StorePath) -> list[Entry]:
    """Objects and prefixes directly in a prefix, sorted by name."""
    found = _tolerant(partial(_call, folder, "ls", folder.key, detail=True, refresh=True), [])
    entries = {each["name"].rstrip("/"): _modified_s(each) for each in found}
    entries.pop(folder.key, None)  # some stores list the prefix itself
    return [Entry(key, entries[key]) for key in sorted(entries)]


def put_bytes(path: StorePath, content: bytes) -> None:
    """Write a small object whole, over what was there."""
    _write(path, partial(_call, path, "pipe_file", path.key, content, writes=True))


def create_bytes(path: StorePath, content: bytes) -> bool:
    """Write a small object unless the name is taken; says whether this call, or a lost try of it, wrote it."""

    def create() -> bool:
        try:
            filesystem(path.protocol).pipe_file(path.key, content, mode="create")
        except FileExistsError:
            return False
        except OSError as error:
            if error_code(error) in ("PreconditionFailed", "412"):  # s3fs knows AWS's own wording of it only
                return False
            raise
        return True

    return _write(path, partial(retried, create, str(path), writes=True))


def put_file(source: Path, path: StorePath) -> None:
    """Upload a local file whole; it appears when its last byte has arrived.

    Raises:
        OutputError: the store did not take it, or holds another number of bytes afterwards.
    """
    size = source.stat().st_size

    def put() -> None:
        store = filesystem(path.protocol)
        store.put_file(str(source), path.key)
        if store.info(path.key)["size"] != size:
            raise Truncated(f"not all of the {size} bytes arrived")

    _write(path, partial(retried, put, str(path), writes=True))


def _write(path: StorePath, call: Callable[[], T]) -> T:
    try:
        return call()
    except FileNotFoundError as error:
        bucket = path.key.partition("/")[0]
        reason = FileNotFoundError(f"no bucket {bucket!r}, or it is not yours")
        raise explained(reason, str(path), writes=True) from error


def _get_file(path: StorePath, size: int, target: Path) -> None:
    def get() -> None:
        filesystem(path.protocol).get_file(path.key, str(target))
        if (arrived := target.stat().st_size) != size:
            raise Truncated(f"{arrived} of {size} bytes arrived")

    retried(get, str(path))


def read_all(paths: Sequence[Path]) -> list[bytes]:
    """Contents of many small files of one place, those in a store read together.

    Raises:
        FileNotFoundError: one is missing.
    """
    contents: list[bytes] = []
    for start in range(0, len(paths), AT_ONCE):
        some = paths[start : start + AT_ONCE]
        stored = [each for each in cast(Sequence[Any], some) if isinstance(each, StorePath)]
        contents += _read_together(stored) if stored else [path.read_bytes() for path in some]
    return contents


def _read_together(paths: Sequence[StorePath]) -> list[bytes]:
    """One answer each; those that failed are asked for again one by one."""
    keys = [path.key for path in paths]
    found = filesystem(paths[0].protocol).cat_ranges(keys, None, None, on_error="return")
    return [_or_again(path, content) for path, content in zip(paths, found, strict=True)]


def _or_again(path: StorePath, found: Any) -> bytes:
    if isinstance(found, bytes):
        return found
    if isinstance(found, Exception) and not is_transient(found) and not isinstance(found, FileNotFoundError):
        raise explained(found, str(path), writes=False) from found
    return path.read_bytes()


def remove_tree(folder: Path) -> None:
    """Remove a folder or prefix with all that is in it, if it is there."""
    if not isinstance(folder, StorePath):
        shutil.rmtree(folder, ignore_errors=True)
        return
    keys = [path.key for path in folder.rglob("*")]
    for start in range(0, len(keys), 1000):
        some = keys[start : start + 1000]
        _tolerant(partial(_call, folder, "rm", some, writes=True), None)


def copy_file(source: Path, target: Path) -> None:
    """Copy one file of a run to another place of the same run."""
    if isinstance(source, StorePath) and isinstance(target, StorePath):
        _write(target, partial(_call, target, "cp_file", source.key, target.key, writes=True))
    else:
        shutil.copyfile(source, target)


def names_in(folder: Path) -> list[str]:
    """Names of the files in a folder, without hidden ones (unfinished writes); [] where there is no folder."""
    if isinstance(folder, StorePath):
        names: Iterable[str] = (entry.name for entry in listed(folder))
    else:
        names = os.listdir(folder) if folder.is_dir() else ()  # noqa: PTH208 - names of 100,000 commits, no Path objects
    return sorted(name for name in names if not name.startswith("."))


def last_modified_s(folder: Path) -> dict[str, float]:
    """Name -> seconds since the epoch at which it was written, for the files that `names_in` names."""
    if isinstance(folder, StorePath):
        return {entry.name: entry.modified_s for entry in listed(folder) if not entry.name.startswith(".")}
    return {name: (folder / name).stat().st_mtime for name in names_in(folder)}
