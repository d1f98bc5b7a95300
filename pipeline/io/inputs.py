"""Input arguments to a list of files, archives or tables: files, globs, fsspec URLs and lists of paths.

The result depends on the set of arguments only, not on their order, because shards are numbered by it.
"""

from __future__ import annotations

import gzip
import os
import posixpath
import re
import zlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from glob import glob, has_magic
from pathlib import Path
from typing import NamedTuple

import fsspec

from pipeline.errors import InputError
from pipeline.io.byte_source import GLOB_HINT, is_remote, open_source
from pipeline.io.retries import retried
from pipeline.io.storage import RUN_PROTOCOLS, filesystem

MAX_LIST_BYTES = 256 << 20
COMMON_CRAWL_ROOT = "crawl-data/"  # its lists name paths from the root of the bucket
COMMON_CRAWL_HINT = (
    "name the list by its URL, or put s3://commoncrawl/ or https://data.commoncrawl.org/ before its lines"
)
TABLES = (".parquet", ".jsonl", ".jsonl.gz", ".jsonl.zst", ".ndjson", ".ndjson.gz", ".ndjson.zst", ".json.gz")
_LIST_NAME = re.compile(r"\.(paths|txt|list|lst)(\.gz)?$", re.I)


class Input(NamedTuple):
    """A file of rows, and what manifests and places of rows call it."""

    path: str
    name: str


def expand_inputs(arguments: Sequence[str]) -> list[str]:
    """Archive files named by the arguments, without repeats, ordered by basename.

    An argument is a file, a glob, an fsspec URL (with or without glob), or a list whose name ends in .paths, .txt,
    .list or .lst, optionally .gz: one path, URL or glob a line; blank lines and lines that begin with # are ignored;
    relative entries are relative to the list, those of Common Crawl's own lists (`crawl-data/…`) to the bucket the
    list lies in. Lists do not nest. Remote entries of a list are not looked up here (a crawl names 90,000 of them);
    reading a missing one raises.

    Raises:
        InputError: a missing, empty or unreadable file, a directory, a glob or list without files, or two different
            files with one basename (manifests and lineage name inputs by basename).
    """
    found = _expanded(arguments)
    if not found:
        raise InputError("no inputs given", expected="at least one archive", hint="warcmill run FILE.warc.gz -o RUN")
    by_name = _by_basename(found)
    return [by_name[name] for name in sorted(by_name)]


def expand_tables(arguments: Sequence[str]) -> list[str]:
    """Files of rows named by the arguments, without repeats, ordered by basename, then `input_names`.

    Arguments as of `expand_inputs`, and local folders: their Parquet files, else their JSON lines, at any depth.

    Raises:
        InputError: as `expand_inputs`, or a folder without such files; files of one basename are no error.
    """
    found = _expanded([file for argument in arguments for file in _files_in(argument)])
    first: dict[object, str] = {}
    for path in sorted(found):
        first.setdefault(_identity(path), path)
    paths = list(first.values())
    named = zip(map(basename, paths), input_names(paths), paths, strict=True)
    return [path for _, _, path in sorted(named)]


def input_names(paths: Sequence[str]) -> list[str]:
    """What manifests and places of rows call each file: its basename, `de/train.parquet` where others share that.

    Of files with one basename all have as many folders before it as tell them apart, whatever the order of `paths`.

    Raises:
        InputError: no folder tells two of them apart, as where URLs differ in their query only.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        groups[basename(path)].append(path)
    names = {path: name for group in groups.values() for path, name in zip(group, _told_apart(group), strict=True)}
    return [names[path] for path in paths]


def _told_apart(paths: list[str]) -> list[str]:
    parts = [_folders(path) for path in paths]
    for depth in range(1, max(map(len, parts)) + 1):
        names = ["/".join(each[-depth:]) for each in parts]
        if len(set(names)) == len(names):
            return names
    raise InputError(
        f"has the same name as {paths[0]}",
        where=paths[1],
        expected="inputs that differ in name or folder: places of rows are named by them",
        hint="rename one of them",
    )


def _folders(path: str) -> list[str]:
    whole = path.split("::", 1)[0].split("?", 1)[0] if is_remote(path) else os.path.abspath(path)  # noqa: PTH100 - links stay
    return [part for part in whole.split("/") if part]


def _identity(path: str) -> object:
    """Equal for two spellings of one file."""
    if is_remote(path):
        return path
    found = Path(path).stat()
    return found.st_dev, found.st_ino


def _files_in(argument: str) -> list[str]:
    """The argument, or the files of a local folder."""
    if is_remote(argument) or not Path(argument).is_dir():
        return [argument]
    for endings in (TABLES[:1], TABLES[1:]):
        found = [str(file) for file in Path(argument).rglob("*") if file.is_file() and file.name.endswith(endings)]
        if found:
            return sorted(found)
    hint = "name the files, or a glob in quotes"
    raise InputError("holds no rows", where=argument, expected=f"files that end in {', '.join(TABLES)}", hint=hint)


def _expanded(arguments: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for argument in arguments:
        if _LIST_NAME.search(argument) and not has_magic(argument):
            found.update(_from_list(argument))
        else:
            found.update(_one(argument))
    return found


def basename(path: str) -> str:
    """Last component of a path or URL, as manifests name it."""
    return posixpath.basename(path.split("::", 1)[0].split("?", 1)[0] if is_remote(path) else path)


def _one(path: str, where: str = "") -> list[str]:
    """Files of one argument or list line; `where` names the list it stands in."""
    matches = _matches(path, where) if has_magic(path) else [_normal(path)]
    for match in matches:
        if not (where and is_remote(match)):
            _check_readable(match, where)
    return matches


def _matches(pattern: str, where: str) -> list[str]:
    if is_remote(pattern):
        matches = _remote_matches(pattern)
    else:
        matches = [_normal(match) for match in _local_glob(pattern) if Path(match).is_file()]
        if Path(pattern).is_file():  # a file whose name holds [ or *
            matches.append(_normal(pattern))
    if not matches:
        raise InputError(
            "no file matches this glob", where=_place(pattern, where), hint="quote it and check the folder"
        )
    return matches


def _local_glob(pattern: str) -> list[str]:
    return glob(pattern, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute patterns


def _remote_matches(pattern: str) -> list[str]:
    try:
        return retried(lambda: sorted(_glob_url(pattern)), pattern)
    except FileNotFoundError:
        return []


def _glob_url(pattern: str) -> list[str]:
    protocol, _, key = pattern.partition("://")
    if protocol in RUN_PROTOCOLS and "::" not in pattern:
        return [f"{protocol}://{found}" for found in filesystem(protocol).glob(key)]
    return [file.full_name for file in fsspec.open_files(pattern, "rb")]


def _normal(path: str) -> str:
    """One spelling for one local file, so that `a.warc` and `./a.warc` are the same input; links stay as they are."""
    if is_remote(path):
        return path
    return str(Path(path)) if ".." not in Path(path).parts else str(Path(path).resolve())


def _check_readable(path: str, where: str) -> None:
    if not is_remote(path) and Path(path).is_dir():
        hint = GLOB_HINT.format(where=path.rstrip("/"))
        raise InputError("is a directory", where=_place(path, where), expected="an archive file", hint=hint)
    try:
        with open_source(path):
            pass
    except InputError as error:
        hint = COMMON_CRAWL_HINT if where and f"/{COMMON_CRAWL_ROOT}" in f"/{path}" else error.hint
        raise InputError(error.what, where=_place(path, where), expected=error.expected, hint=hint) from error


def _place(path: str, where: str) -> str:
    return f"{path} (named in {where})" if where else path


def _from_list(path: str) -> Iterable[str]:
    entries = [line.strip() for line in _list_text(path).splitlines()]
    entries = [entry for entry in entries if entry and not entry.startswith("#")]
    if not entries:
        raise InputError("names no file", where=path, expected="one path or URL a line", hint="fetch the list again")
    for entry in entries:
        yield from _one(_resolved(entry, path), path)


def _list_text(path: str) -> str:
    with open_source(path) as source:
        data = source.read_at(0, MAX_LIST_BYTES + 1)
    try:
        if data.startswith(b"\x1f\x8b"):
            data = gzip.decompress(data) if len(data) <= MAX_LIST_BYTES else data
        if len(data) > MAX_LIST_BYTES:
            raise InputError("is too long for a list of paths", where=path, hint="split it")
        return data.decode("utf-8-sig")
    except (UnicodeDecodeError, zlib.error, gzip.BadGzipFile, EOFError) as error:
        hint = "an archive must not be called .txt, .list, .lst or .paths"
        raise InputError(f"cannot be read as a list of paths: {error}", where=path, hint=hint) from error


def _resolved(entry: str, list_path: str) -> str:
    if is_remote(entry) or posixpath.isabs(entry):
        return entry
    root, found, _ = list_path.rpartition(f"/{COMMON_CRAWL_ROOT}")
    if found and entry.startswith(COMMON_CRAWL_ROOT):
        return f"{root}/{entry}"
    folder = posixpath.dirname(list_path)
    return f"{folder}/{entry}" if folder else entry


def _by_basename(paths: Iterable[str]) -> dict[str, str]:
    """One path per basename; of several spellings of one file the first in string order."""
    chosen: dict[str, str] = {}
    for path in sorted(paths):
        other = chosen.setdefault(basename(path), path)
        if other != path and not _same_file(other, path):
            raise InputError(
                f"has the same name as {other}",
                where=path,
                expected="inputs with different basenames: manifests and lineage name a record by basename and offset",
                hint="rename one of them",
            )
    return chosen


def _same_file(one: str, other: str) -> bool:
    return not is_remote(one) and not is_remote(other) and Path(one).samefile(other)
