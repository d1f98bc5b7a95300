"""What a list may ask for: rules that refuse a row by name before anything is looked up or read.

A list is somebody else's data. Its URLs are only ever looked up, never connected to; what it does decide are archive
paths, which are joined to the base the user gave, and those are held to a narrow form. Addresses are checked again
when a connection is made (`http_store`), after name resolution and at every redirect.
"""

from __future__ import annotations

import ipaddress
import re

from pipeline.io.fetch.surt import UrlRefused, host_of, scheme_of, surt_key

LIST_REASONS: tuple[str, ...] = (
    "not_utf8",
    "too_long",
    "bad_row",  # a line of JSON lines that is no object
    "no_url",  # a row without url and without coordinates
    "malformed",
    "scheme",  # not http or https
    "private_address",
    "bad_path",  # warc_filename: absolute, with .., a scheme, or odd characters
    "bad_range",  # offset or length not a number, negative, or too large
)
MAX_PATH_CHARS = 1024
MAX_RECORD_BYTES = 1 << 30
MAX_OFFSET = 1 << 50
_PATH = re.compile(r"[A-Za-z0-9._~+,@=!&()\[\]-][A-Za-z0-9._~+,@=!&()\[\] :-]*(?:/[A-Za-z0-9._~+,@=!&()\[\] :-]+)*")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_LOCAL_NAMES = ("localhost", "local", "localdomain", "internal", "lan", "home", "intranet", "corp")


def screened_key(url: str, *, allow_private: bool = False) -> str:
    """The index key of a URL that the rules let pass.

    Raises:
        UrlRefused: malformed, too_long, scheme, or private_address.
    """
    if url.startswith(("http://", "https://")) and (key := _quick_key(url)):
        return key
    if (scheme := scheme_of(url)) not in ("http", "https"):
        raise UrlRefused("scheme", scheme[:32])
    host = host_of(url)
    if any(char.isspace() for char in host) or "%20" in host:
        raise UrlRefused("malformed", f"{host[:200]!r} is no host")
    if not allow_private and is_private_host(host):
        raise UrlRefused("private_address", host[:200])
    return surt_key(url)


def _quick_key(url: str) -> str | None:
    """The key of a URL whose host cannot be an address or a local name: its last label is a plain word."""
    key = surt_key(url)
    top = key.partition(",")[0]
    return key if top.isalpha() and top.isascii() and top not in _LOCAL_NAMES and ")" not in top else None


def is_private_host(host: str) -> bool:
    """True for literal addresses that are not global (as `is_private_address`) and names that only exist inside."""
    try:
        return is_private_address(host.strip("[]"))
    except ValueError:
        return host.rpartition(".")[2].lower() in _LOCAL_NAMES or "." not in host


def is_private_address(address: str) -> bool:
    """True unless the address is global unicast: loopback, private, link-local, shared, multicast, reserved, mapped.

    Raises:
        ValueError: it is no address.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    inner = None
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
    return not ip.is_global or ip.is_multicast or (inner is not None and is_private_address(str(inner)))


def screened_path(path: str) -> str:
    """An archive path relative to the base: `crawl-data/CC-MAIN-…/….warc.gz`.

    Raises:
        UrlRefused: bad_path.
    """
    if len(path) > MAX_PATH_CHARS:
        raise UrlRefused("bad_path", f"{len(path)} characters")
    if _SCHEME.match(path):
        raise UrlRefused("bad_path", "an address; expected a path below the base")
    if not _PATH.fullmatch(path):
        raise UrlRefused("bad_path", "absolute, or with characters that archive names do not have")
    if any(segment in (".", "..") for segment in path.split("/")):
        raise UrlRefused("bad_path", "leaves the base")
    return path


def screened_range(offset: object, length: object) -> tuple[int, int]:
    """Offset and length of a record, bytes in the file as stored; numbers may come as text, as in CDX JSON.

    Raises:
        UrlRefused: bad_range.
    """
    start, size = _count(offset), _count(length)
    if start > MAX_OFFSET or not 0 < size <= MAX_RECORD_BYTES:
        raise UrlRefused("bad_range", f"offset {start}, length {size}")
    return start, size


def _count(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, float) and value.is_integer() and 0 <= value <= MAX_OFFSET:  # pandas wrote it so
        return int(value)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 16:
        return int(value)
    raise UrlRefused("bad_range", f"{str(value)[:40]!r} is no count of bytes")
