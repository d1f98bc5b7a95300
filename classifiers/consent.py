"""Whose pages are left out: opt-out marks and licences recorded at rendering, and blocklists of hosts and URLs.

A blocklist is a text file, one entry a line, `#` begins a comment. `example.com` is that host and every host below it,
`*.example.com` only those below, `example.com/path` every URL that begins so. Scheme, port and a leading `www.` say
nothing. Look-up is by suffixes of the host in a set, so that a list of millions costs a page a few look-ups.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pipeline.document import Document
from pipeline.errors import InputError

_URL = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]{0,20}:)?//(?:[^/?#@]{0,200}@)?([^/?#:\s]{1,255})(?::\d{1,5})?([^\s#]*)")
_ENTRY = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]{0,20}://)?(\*\.)?([^/?#:\s]{1,255})(?::\d{1,5})?([^\s#]*)")
MAX_PATH_PARTS = 32


@dataclass(frozen=True, slots=True)
class ConsentConfig:
    """Which marks and lists reject a document.

    Attributes:
        refuse: opt-out marks that reject, e.g. ("noai", "tdm-reservation"); see `extractors.consent.MARKS`.
        licenses: beginnings of licences to keep, e.g. ("cc-by", "cc0"); empty keeps every page, known licence or not.
        blocklists: files of hosts and URLs.
    """

    refuse: tuple[str, ...] = ()
    licenses: tuple[str, ...] = ()
    blocklists: tuple[str, ...] = ()


class Blocklist(NamedTuple):
    """Entries of a list by kind."""

    hosts: frozenset[str]
    below: frozenset[str]  # hosts whose subdomains are blocked
    urls: frozenset[str]  # host and beginning of the path


@cache
def load_blocklist(path: str) -> Blocklist:
    """Read a list once per worker.

    Raises:
        InputError: it cannot be read, or a line is no host or URL.
    """
    kinds: tuple[set[str], set[str], set[str]] = (set(), set(), set())
    for number, line in enumerate(_lines(path), start=1):
        entry = line.split("#", 1)[0].strip()
        if not entry:
            continue
        match = _ENTRY.fullmatch(entry)
        if match is None:
            raise InputError(f"no host or URL: {entry[:80]!r}", where=f"{path}:{number}", expected="example.com")
        host = _bare(match[2])
        if match[3].strip("/"):
            kinds[2].add(host + match[3].rstrip("*"))
        else:
            kinds[1 if match[1] else 0].add(host)
    return Blocklist(*map(frozenset, kinds))


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the blocklist: {error}", where=path, expected="a text file of hosts") from error


def _bare(host: str) -> str:
    return host.lower().rstrip(".").removeprefix("www.")


def blocks(blocklist: Blocklist, url: str) -> str | None:
    """The entry that blocks a URL, None where none does."""
    match = _URL.match(url)
    if match is None:
        return None
    host, path = _bare(match[1]), match[2] or "/"
    for level, suffix in enumerate(_suffixes(host)):
        if suffix in blocklist.hosts or (level and suffix in blocklist.below):
            return suffix
    return (
        next((place for place in _beginnings(host, path) if place in blocklist.urls), None) if blocklist.urls else None
    )


def _suffixes(host: str) -> Iterator[str]:
    """a.b.c, b.c, c."""
    yield host
    while "." in host:
        host = host.partition(".")[2]
        yield host


def _beginnings(host: str, path: str) -> Iterator[str]:
    """host/path?query, then shorter ones that end at a slash, or without their query."""
    yield host + path
    path = path.split("?", 1)[0]
    for _ in range(MAX_PATH_PARTS):
        yield host + path
        if not path.strip("/"):
            return
        path = path.rstrip("/") if path.endswith("/") else path[: path.rindex("/") + 1]


def consent_reason(document: Document, config: ConsentConfig) -> tuple[str, str] | None:
    """(reason, detail) why a document may not be used: "blocked", "opt_out", "license"; None where it may."""
    for path in config.blocklists:
        if (entry := blocks(load_blocklist(path), document.url)) is not None:
            return "blocked", entry
    if refused := sorted(set(config.refuse).intersection(document.opt_out)):
        return "opt_out", ", ".join(refused)
    if config.licenses and not document.license.startswith(config.licenses):
        return "license", document.license or "none found"
    return None
