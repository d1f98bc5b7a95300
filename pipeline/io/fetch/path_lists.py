"""A snapshot's list of archives (warc.paths[.gz]), and a sample of it that depends on the seed and the names alone."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence

import fsspec

from pipeline.errors import InputError, UsageError
from pipeline.io.fetch.surt import UrlRefused
from pipeline.io.fetch.url_rules import screened_path

MAX_PATHS = 10_000_000


def read_paths(lists: Sequence[str], base: str) -> list[str]:
    """Archive paths below the base, without repeats, sorted. An entry that begins with the base is taken as below it.

    Raises:
        InputError: a list cannot be read, names nothing, or names a path the rules refuse (where: list:line).
    """
    root = base if base.endswith("/") else base + "/"
    found: set[str] = set()
    for name in lists:
        for line, entry in _entries(name):
            try:
                found.add(screened_path(entry.removeprefix(root)))
            except UrlRefused as refused:
                raise InputError(
                    f"is refused: {refused.detail}",
                    where=f"{name}:{line} {entry[:200]!r}",
                    expected=f"paths below {base}",
                    hint="give the place they are in as --base-url, and relative paths",
                ) from refused
        if len(found) > MAX_PATHS:
            raise InputError("names too many files", where=name, expected=f"at most {MAX_PATHS:,}")
    if not found:
        raise InputError("names no file", where=", ".join(lists), expected="one path a line")
    _require_names(found)
    return sorted(found)


def _require_names(paths: Iterable[str]) -> None:
    """Copies are named by basename, so these must differ."""
    seen: dict[str, str] = {}
    for path in sorted(paths):
        other = seen.setdefault(path.rpartition("/")[2], path)
        if other != path:
            raise UsageError(f"has the name of {other}", where=path, expected="files with different basenames")


def _entries(name: str) -> Iterator[tuple[int, str]]:
    try:
        with fsspec.open(name, "rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            for number, line in enumerate(gzip.GzipFile(fileobj=raw) if packed else raw, 1):
                entry = line.decode("utf-8").strip()
                if entry and not entry.startswith("#"):
                    yield number, entry
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, ValueError, ImportError) as error:
        raise InputError(f"cannot be read as a list of paths: {error}", where=name) from error


def sampled(paths: Sequence[str], count: int | None, seed: int) -> list[str]:
    """`count` of the paths, in order: of smallest hash of seed and path, so that larger samples hold smaller."""
    if count is None or count >= len(paths):
        return list(paths)
    return sorted(sorted(paths, key=lambda path: _draw(path, seed))[:count])


def _draw(path: str, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed} {path}".encode(), digest_size=16).digest()
