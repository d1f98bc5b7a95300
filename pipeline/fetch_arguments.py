"""The arguments of `warcmill fetch` to a config: what kind of list each input is, and what does not go together."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from glob import glob, has_magic
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.engines.local import LocalConfig
from pipeline.errors import InputError, UsageError
from pipeline.fetching import INDEX, PATHS, URLS, FetchConfig
from pipeline.io.byte_source import is_remote
from pipeline.io.fetch.access import Access
from pipeline.io.fetch.captures import Wanted
from pipeline.io.fetch.chunk import FetchSettings
from pipeline.io.fetch.http_store import HttpPolicy
from pipeline.io.fetch.index_files import CDX, CLUSTER, TABLE, kind_of_index
from pipeline.io.fetch.retry import RetryPolicy
from pipeline.io.fetch.table_index import KEY
from pipeline.io.fetch.url_lists import raw_rows
from pipeline.io.inputs import basename

_PATHS_NAME = re.compile(r"\.paths(\.gz)?$")
_ARCHIVE = re.compile(r"^[^:]*\.(warc|arc)(\.gz|\.zst)?$")
DRY_RUN_OUTPUT = Path("OUT")


def config_of(inputs: Sequence[str], output: Path | None, dry_run: bool, options: Mapping[str, Any]) -> FetchConfig:
    """The config that the command line asks for.

    Raises:
        UsageError: parts of it do not go together.
        InputError: an input is missing.
    """
    if output is None and not dry_run:
        raise UsageError("no output folder", where="fetch", expected="-o OUT", hint="warcmill fetch --help")
    places = {name: tuple(options[name]) for name in ("domain", "host", "tld")}
    files = _expanded(inputs)
    kind = _kind(files, any(places.values()))
    _check(kind, files, options, any(places.values()))
    workers = options["workers"] or os.cpu_count() or 1
    http = HttpPolicy(options["timeout_s"], options["contact"], options["allow_private"])
    settings = FetchSettings(
        base=_base(options["base_url"]),
        access=Access(http, RetryPolicy(options["attempts"])),
        connections=options["connections"],
        max_gap_bytes=options["gap_bytes"],
    )
    wanted = Wanted(
        statuses=tuple(options["status"]) or (200,),
        mimes=tuple(options["mime"]),
        languages=tuple(options["language"]),
        domains=places["domain"],
        hosts=places["host"],
        tlds=places["tld"],
    )
    return FetchConfig(
        inputs=() if kind == INDEX else tuple(files),
        output=output or DRY_RUN_OUTPUT,
        kind=kind,
        base=settings.base,
        crawls=tuple(sorted(set(options["crawl"]))),
        indexes=tuple(options["index"]) + (tuple(files) if kind == INDEX else ()),
        index_format=options["index_format"],
        wanted=wanted,
        policy=options["policy"],
        exact=options["exact_url"],
        allow_private=options["allow_private"],
        chunk_bytes=options["file_bytes"],
        sample=options["sample"],
        seed=options["seed"],
        list_only=options["list_only"],
        settings=settings,
        local=LocalConfig(workers, None),
        engine=options["engine"],
        engine_options=options["engine_options"],
    )


def _base(text: str) -> str:
    if not is_remote(text) and not Path(text).is_dir():
        raise UsageError("is no folder", where=f"--base-url {text}", expected="http(s)://…, s3://…, or a folder")
    return text if text.endswith("/") else text + "/"


def _expanded(inputs: Sequence[str]) -> list[str]:
    """Files the arguments name, ordered by basename, which must differ: results name lists so."""
    found = {match for argument in inputs for match in _matches(argument)}
    by_name: dict[str, str] = {}
    for path in sorted(found):
        other = by_name.setdefault(basename(path) if not is_remote(path) else path.rpartition("/")[2], path)
        if other != path:
            raise UsageError(f"has the same name as {other}", where=path, expected="lists with different names")
    return [by_name[name] for name in sorted(by_name)]


def _matches(argument: str) -> Iterator[str]:
    if has_magic(argument) and not is_remote(argument) and not Path(argument).exists():
        matches = sorted(glob(argument, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute patterns
        if not matches:
            raise InputError("no file matches this glob", where=argument, hint="quote it and check the folder")
        yield from matches
        return
    if not is_remote(argument) and not Path(argument).exists():
        raise InputError("no such file", where=argument, expected="a list of URLs, index files, or warc.paths")
    yield argument


def _kind(files: Sequence[str], selects: bool) -> str:
    kinds = {_kind_of(path, selects) for path in files} or {INDEX}
    if len(kinds) > 1:
        raise UsageError(f"inputs of several kinds: {', '.join(sorted(kinds))}", expected="one kind per fetch")
    return kinds.pop()


def _kind_of(path: str, selects: bool) -> str:
    if _PATHS_NAME.search(path):
        return PATHS
    form = kind_of_index(path)
    if (not is_remote(path) and Path(path).is_dir()) or form in (CDX, CLUSTER) or (is_remote(path) and form == TABLE):
        return INDEX
    if form == TABLE and selects and _has_keys(path):
        return INDEX
    first = next(islice(raw_rows(path), 1), None)
    is_archive = first and isinstance(first[1], bytes) and _ARCHIVE.match(first[1].decode("utf-8", "replace"))
    return PATHS if is_archive else URLS


def _has_keys(path: str) -> bool:
    try:
        return KEY in pq.read_schema(path).names
    except (pa.ArrowException, OSError):
        return False  # read as a list, it will say what is wrong with it


def _check(kind: str, files: Sequence[str], options: Mapping[str, Any], selects: bool) -> None:
    if kind == URLS and selects:
        hint = "without a list: warcmill fetch -o OUT --crawl CC-MAIN-… --domain example.org"
        raise UsageError("--domain, --host and --tld select from an index, not from a list", hint=hint)
    if kind == INDEX and not files and not (options["crawl"] or options["index"]):
        raise UsageError("nothing to fetch", expected="a list, or --crawl with --domain", hint="warcmill fetch --help")
    if kind == INDEX and not selects:
        hint = "--domain example.org, --host '*.example.org' or --tld edu; '--host *' takes everything"
        raise UsageError("a selection from an index needs a place", expected="--domain, --host or --tld", hint=hint)
    if kind != PATHS and (options["sample"] is not None or options["list_only"]):
        raise UsageError("--sample and --list-only are for a list of paths", expected="warc.paths.gz")
