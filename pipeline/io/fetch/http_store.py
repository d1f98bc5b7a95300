"""Byte ranges over HTTP(S) with the standard library: addresses are checked where the connection is made.

The name is resolved once, every address must be public unless the user named that very host, and the connection goes to
the address that was checked, so a second answer of the resolver cannot lead elsewhere. Redirects are followed by hand
and each target is checked the same way. Why no HTTP package: docs/decisions/0021-fetch.md.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import NoReturn
from urllib.parse import quote, urljoin, urlsplit

from pipeline.errors import UsageError
from pipeline.io.fetch.stores import CHUNK_BYTES, ReadFailed
from pipeline.io.fetch.url_rules import is_private_address

MAX_REDIRECTS = 5
TRANSIENT_STATUSES = frozenset((408, 425, 429, 500, 502, 503, 504))
SLOWEST_BYTES_PER_S = 4096  # an answer slower than this, after the timeout, is given up
_CONTENT_RANGE = re.compile(r"bytes\s+(\d+)-(\d+)/(\d+|\*)")
Origin = tuple[str, str, int]  # scheme, host, port


@dataclass(frozen=True, slots=True)
class HttpPolicy:
    """How to behave towards a server.

    Args:
        timeout_s: for a connection and for any silence; also the time after which an answer must not be slower than
            SLOWEST_BYTES_PER_S on the whole.
        contact: mail or page of whoever runs this, told to the server.
        allow_private: let redirects and names lead to private addresses.
    """

    timeout_s: float = 30.0
    contact: str = ""
    allow_private: bool = False

    def headers(self) -> dict[str, str]:
        contact = f" (+{self.contact})" if self.contact else ""
        found = {"User-Agent": f"warcmill/{version('warcmill')}{contact}", "Accept-Encoding": "identity"}
        return found | ({"From": self.contact} if "@" in self.contact else {})


@dataclass
class _Local(threading.local):  # no slots: they would be shared by the threads
    connections: dict[Origin, http.client.HTTPConnection] = field(default_factory=dict)


class HttpStore:
    """Files below an http(s) base. One connection per thread and origin, kept alive."""

    def __init__(self, base: str, policy: HttpPolicy) -> None:
        self.base = base if base.endswith("/") else base + "/"
        parts = urlsplit(self.base)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError("is no http(s) address", where=base, expected="https://host/path/")
        self._trusted = _origin(self.base)
        self._policy, self._headers = policy, policy.headers()
        self._local = _Local()
        self._opened: set[http.client.HTTPConnection] = set()  # by all threads, to be closed by one
        self._tls = ssl.create_default_context()

    def chunks(self, path: str, start: int, stop: int | None) -> Iterator[bytes]:
        """One GET with a Range header; see `Store`.

        Raises:
            ReadFailed: named by status or by what broke.
        """
        wanted = {"Range": f"bytes={start}-{'' if stop is None else stop - 1}"} if (start or stop is not None) else {}
        answer, deadline = self._answer(path, wanted)
        try:
            first, size = _extent(answer, start, bool(wanted))
        except ReadFailed:
            self._drop(answer)
            raise
        if first != start or (stop is not None and (size is None or size > stop - start)):
            self._drop(answer)
            raise ReadFailed("no_ranges", f"asked for {start}-{stop}, got {size} bytes from {first}")
        yield from self._body(answer, size, deadline)

    def size(self, path: str) -> int:
        """From the Content-Range of the first byte; HEAD is answered wrongly too often."""
        answer, _ = self._answer(path, {"Range": "bytes=0-0"})
        whole = answer.headers.get("Content-Length", "") if answer.status == 200 else ""
        if answer.status == 206 and (match := _CONTENT_RANGE.match(answer.headers.get("Content-Range", ""))):
            whole = match[3]
        self._drain(answer)
        if not whole.isdigit():
            raise ReadFailed("no_ranges", "the server does not say how long the file is")
        return int(whole)

    def _answer(self, path: str, headers: dict[str, str]) -> tuple[http.client.HTTPResponse, float]:
        url = self.base + quote(path, safe="/~=,+@!&()[]:-._")
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._request(url, headers)
            if answer.status not in (301, 302, 303, 307, 308):
                self._require_success(answer)
                return answer, time.monotonic() + self._policy.timeout_s
            self._drain(answer)
            url = _target(url, answer.headers.get("Location", ""))
        raise ReadFailed("refused_redirect", f"more than {MAX_REDIRECTS} in a row")

    def _request(self, url: str, headers: dict[str, str]) -> http.client.HTTPResponse:
        origin, parts = _origin(url), urlsplit(url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        for reused in (True, False):
            connection = self._local.connections.get(origin) if reused else None
            if reused and connection is None:
                continue
            try:
                connection = connection or self._connect(origin)
                connection.request("GET", path, headers=self._headers | headers)
                return connection.getresponse()
            except (OSError, http.client.HTTPException) as error:
                self._drop()
                if not reused:  # a kept connection may have been closed meanwhile: once more on a new one
                    _fail(error)
        raise AssertionError("the second round returns or raises")

    def _connect(self, origin: Origin) -> http.client.HTTPConnection:
        scheme, host, port = origin
        addresses = self._checked_addresses(origin)
        connection = http.client.HTTPConnection(host, port, timeout=self._policy.timeout_s)
        connection.default_port = 443 if scheme == "https" else 80  # which the Host header leaves out
        connection.auto_open = 0  # a closed connection must come back here, never be opened by name
        connection.sock = _connected(addresses, port, self._policy.timeout_s)
        self._local.connections[origin] = connection
        self._opened.add(connection)
        if scheme == "https":
            connection.sock = self._tls.wrap_socket(connection.sock, server_hostname=host)
        return connection

    def _checked_addresses(self, origin: Origin) -> list[str]:
        """The addresses of the host; all of them must be public, unless the user named this origin."""
        try:
            found = socket.getaddrinfo(origin[1], origin[2], type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            raise ReadFailed("dns", f"{origin[1]}: {error}", transient=isinstance(error, OSError)) from error
        addresses = [str(item[4][0]) for item in found]
        if origin != self._trusted and not self._policy.allow_private:
            for address in addresses:
                if is_private_address(address):
                    raise ReadFailed("private_address", f"{origin[1]} is {address}")
        return list(dict.fromkeys(addresses))

    def _require_success(self, answer: http.client.HTTPResponse) -> None:
        if answer.status in (200, 206):
            return
        wait_s = _retry_after_s(answer.headers.get("Retry-After", ""))
        self._drain(answer)
        transient = answer.status in TRANSIENT_STATUSES
        raise ReadFailed(f"http_{answer.status}", answer.reason, transient=transient, retry_after_s=wait_s)

    def _body(self, answer: http.client.HTTPResponse, size: int | None, deadline_s: float) -> Iterator[bytes]:
        """The body; `size` None is until the server ends it, which only whole files without a length may have."""
        got = 0
        try:
            while size is None or got < size:
                chunk = self._read(answer, CHUNK_BYTES if size is None else min(CHUNK_BYTES, size - got))
                if not chunk and size is None:
                    size = got
                    break
                if not chunk:
                    raise ReadFailed("truncated", f"{got} of {size} bytes came", transient=True)
                got += len(chunk)
                yield chunk
                if time.monotonic() > deadline_s + got / SLOWEST_BYTES_PER_S:
                    raise ReadFailed("timeout", f"{got} of {size} bytes in time", transient=True)
        finally:
            if size is None or got < size:
                self._drop(answer)
            else:
                self._drain(answer)

    def _read(self, answer: http.client.HTTPResponse, count: int) -> bytes:
        try:
            return answer.read1(count)  # what one receive brings: a slow sender must not hold us past the deadline
        except (OSError, http.client.HTTPException) as error:
            self._drop(answer)
            _fail(error)

    def _drain(self, answer: http.client.HTTPResponse) -> None:
        """Read what is left of a short answer, so that the connection can be used again; drop it where it is long."""
        try:
            answer.read(CHUNK_BYTES)  # unlike read1, read notices the end, without which no request can follow
        except (OSError, http.client.HTTPException):
            self._drop(answer)
        if not answer.isclosed():
            self._drop(answer)

    def _drop(self, answer: http.client.HTTPResponse | None = None) -> None:
        """Close this thread's connections, and an answer that was not read to its end."""
        if answer:
            answer.close()
        for connection in self._local.connections.values():
            connection.close()
            self._opened.discard(connection)
        self._local.connections.clear()

    def close(self) -> None:
        """Close the connections of all threads, which must have ended."""
        for connection in self._opened:
            connection.close()
        self._opened.clear()

    def __del__(self) -> None:
        self.close()


def _connected(addresses: list[str], port: int, timeout_s: float) -> socket.socket:
    """A connection to the first address that takes one: a host may have an IPv6 address that leads nowhere."""
    for address in addresses[:-1]:
        with suppress(OSError):
            return socket.create_connection((address, port), timeout=timeout_s)
    return socket.create_connection((addresses[-1], port), timeout=timeout_s)


def _origin(url: str) -> Origin:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _target(url: str, location: str) -> str:
    try:
        target = urljoin(url, location)
        scheme, host, _ = _origin(target)
    except ValueError as error:
        raise ReadFailed("refused_redirect", str(error)) from error
    if scheme not in ("http", "https") or not host or not location:
        raise ReadFailed("refused_redirect", f"to {location[:200]!r}")
    if url.startswith("https:") and scheme == "http":
        raise ReadFailed("refused_redirect", "from https to http")
    return target


def _extent(answer: http.client.HTTPResponse, start: int, ranged: bool) -> tuple[int, int | None]:
    """Where the body begins in the file, and how many bytes it must have, None where the server does not say."""
    if answer.status == 206:
        match = _CONTENT_RANGE.match(answer.headers.get("Content-Range", ""))
        if not match:
            raise ReadFailed("no_ranges", "206 without a Content-Range")
        return int(match[1]), int(match[2]) - int(match[1]) + 1
    length = answer.headers.get("Content-Length", "")
    if ranged and start:
        raise ReadFailed("no_ranges", "the server sends whole files: copy them, and give the folder as --base-url")
    return 0, int(length) if length.isdigit() else None


def _retry_after_s(value: str) -> float | None:
    value = value.strip()
    if value.isascii() and value.isdigit() and len(value) < 8:
        return float(value)
    if not value:
        return None
    try:
        return max(parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except (ValueError, TypeError):
        return None


def _fail(error: Exception) -> NoReturn:
    if isinstance(error, TimeoutError):
        raise ReadFailed("timeout", str(error), transient=True) from error
    if isinstance(error, ssl.SSLCertVerificationError):
        raise ReadFailed("tls", str(error)) from error
    if isinstance(error, http.client.IncompleteRead):
        raise ReadFailed("truncated", str(error), transient=True) from error
    reason = "refused" if isinstance(error, ConnectionRefusedError) else "reset"
    raise ReadFailed(reason, str(error) or type(error).__name__, transient=True) from error
