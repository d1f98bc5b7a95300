"""Which files make up an index: those of a crawl below a base, or what the user named.

HTTP servers list no folders; there Common Crawl's own lists are read: crawl-data/CRAWL/cc-index-table.paths.gz and
cc-index.paths.gz. Of the columnar index only `subset=warc` is used: the other subsets hold no pages.
"""

from __future__ import annotations

import gzip
import posixpath
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import fsspec

from pipeline.errors import InputError, UsageError
from pipeline.io.byte_source import is_remote
from pipeline.io.fetch.access import Access
from pipeline.io.fetch.stores import ReadFailed
from pipeline.io.fetch.surt import UrlRefused
from pipeline.io.fetch.url_rules import screened_path

TABLE, CDX, CLUSTER = "table", "cdx", "cluster"
FORMATS = (TABLE, CDX)
MAX_LIST_BYTES = 256 << 20
_KINDS = (
    (re.compile(r"(^|/)cluster\.idx$"), CLUSTER),
    (re.compile(r"\.parquet$|(^|/)part-[^/]*$"), TABLE),
    (re.compile(r"\.cdxj?(\.gz)?$|(^|/)cdx-[^/]*\.gz$"), CDX),
)
_CRAWL = re.compile(r"CC-MAIN-[0-9A-Za-z-]+")
_SUBSET = re.compile(r"(^|/)subset=(?!warc/)")
CRAWL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MAGIC = re.compile(r"[*?\[]")  # of a glob


@dataclass(frozen=True, slots=True, order=True)
class IndexFile:
    """One file of an index: where its store begins, its path there, how to read it, the crawl it says it is of."""

    base: str
    path: str
    kind: str
    crawl: str = ""


def index_of_crawl(base: str, crawl: str, form: str, access: Access) -> list[IndexFile]:
    """Files of a crawl's index below the base of the archive.

    Raises:
        InputError: the base holds no index of that crawl.
    """
    if not CRAWL_NAME.fullmatch(crawl):
        raise UsageError(f"no crawl {crawl[:80]!r}", where="--crawl", expected="a name such as CC-MAIN-2024-10")
    name = "cc-index-table.paths.gz" if form == TABLE else "cc-index.paths.gz"
    listed = _listed(base, f"crawl-data/{crawl}/{name}", access)
    if listed is None:
        folder = (
            f"cc-index/table/cc-main/warc/crawl={crawl}/subset=warc"
            if form == TABLE
            else f"cc-index/collections/{crawl}/indexes"
        )
        return _in_folder(base, folder, crawl)
    files = [
        IndexFile(base, path, kind, crawl) for path in listed if (kind := kind_of_index(path)) and _is_wanted(path, ())
    ]
    return _require(_clusters_first(files), f"{base}crawl-data/{crawl}/{name}")


def index_named(argument: str, crawls: Sequence[str], access: Access) -> list[IndexFile]:
    """Files of one `--index`: a file, a folder, a glob, or a list of paths (.paths[.gz]).

    Raises:
        InputError: nothing there is an index.
    """
    if not (is_remote(argument) or _MAGIC.search(argument) or Path(argument).exists()):
        raise InputError(
            "no such file", where=argument, expected="index files or a folder of them", hint="check the path"
        )
    if re.search(r"\.paths(\.gz)?$", argument):
        base, name = _split(argument)
        root = base[: -len(found)] if (found := _common_root(base)) else base
        paths = _listed(base, name, access)
        if paths is None:
            raise InputError("no such file", where=argument)
        found_files = [
            IndexFile(root, p, kind, _crawl_of(p))
            for p in paths
            if (kind := kind_of_index(p)) and _is_wanted(p, crawls)
        ]
        return _require(_clusters_first(found_files), argument)
    if kind := kind_of_index(argument):
        if not _MAGIC.search(argument):
            base, name = _split(argument)
            return [IndexFile(base, name, kind, _crawl_of(argument))]
    elif argument.startswith(("http://", "https://")):
        hint = "name its files, or a list of them: …/cc-index-table.paths.gz; or use --crawl"
        raise InputError("HTTP servers list no folders", where=argument, hint=hint)
    return _glob(argument, crawls)


def _glob(argument: str, crawls: Sequence[str]) -> list[IndexFile]:
    pattern = argument if _MAGIC.search(argument) else argument.rstrip("/") + "/**"
    try:
        files, root = fsspec.core.url_to_fs(pattern)
        names = sorted(files.glob(root))
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"cannot be listed: {error}", where=argument, hint="check the address") from error
    found = []
    for name in names:
        if (kind := kind_of_index(name)) and _is_wanted(name, crawls):
            base, path = _split(files.unstrip_protocol(name) if is_remote(argument) else name)
            found.append(IndexFile(base, path, kind, _crawl_of(name)))
    return _require(_clusters_first(found), argument)


def _in_folder(base: str, folder: str, crawl: str) -> list[IndexFile]:
    if base.startswith(("http://", "https://")):
        raise InputError(
            f"holds no index of {crawl}",
            where=base,
            expected=f"crawl-data/{crawl}/cc-index-table.paths.gz",
            hint="check the name of the crawl, or name the index with --index",
        )
    found = _glob(f"{base.rstrip('/')}/{folder}", ())
    return [IndexFile(file.base, file.path, file.kind, crawl) for file in found]


def _clusters_first(files: list[IndexFile]) -> list[IndexFile]:
    """Without the cdx files that a cluster.idx beside them speaks for."""
    spoken = {(file.base, posixpath.dirname(file.path)) for file in files if file.kind == CLUSTER}
    return sorted(f for f in files if f.kind != CDX or (f.base, posixpath.dirname(f.path)) not in spoken)


def _require(files: list[IndexFile], where: str) -> list[IndexFile]:
    if not files:
        expected = "Parquet files of the columnar index, .cdx or .cdxj files, or a cluster.idx"
        raise InputError("holds no index", where=where, expected=expected)
    return files


def _is_wanted(path: str, crawls: Sequence[str]) -> bool:
    inner = re.search(r"(?:^|/)crawl=([^/]+)/", path)
    return not _SUBSET.search(path) and (not crawls or inner is None or inner[1] in crawls)


def kind_of_index(path: str) -> str:
    """table, cdx or cluster by the name of the file, "" for anything else."""
    return next((kind for pattern, kind in _KINDS if pattern.search(path)), "")


def _crawl_of(path: str) -> str:
    match = _CRAWL.search(path)
    return match[0] if match else ""


def _split(path: str) -> tuple[str, str]:
    folder, name = posixpath.split(path)
    return (folder or ".") + "/", name


def _common_root(base: str) -> str:
    """The part of a list's folder that its own entries begin with, so that they are relative to what is before it."""
    match = re.search(r"(?:^|(?<=/))crawl-data/(?:[^/]+/)*$", base)
    return match[0] if match else ""


def _listed(base: str, path: str, access: Access) -> list[str] | None:
    """Entries of a list of paths, None where there is no such file.

    Raises:
        InputError: it cannot be read, or an entry leaves the base.
    """
    where = base + path
    try:
        data = access.reader(base).read(path, 0)
        data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        entries = [line.strip() for line in data.decode().splitlines() if line.strip()]
        return [screened_path(entry) for entry in entries if not entry.startswith("#")]
    except ReadFailed as failure:
        if failure.reason in ("http_404", "http_403"):
            return None
        hint = "check the address; the same command goes on where it stopped"
        raise InputError(f"cannot be read: {failure}", where=where, hint=hint) from failure
    except (UnicodeDecodeError, zlib.error, OSError, EOFError) as error:
        raise InputError(f"cannot be read as a list of paths: {error}", where=where) from error
    except UrlRefused as refused:
        raise InputError(f"names a path that is refused: {refused}", where=where) from refused
