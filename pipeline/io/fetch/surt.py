"""URL to the key under which Common Crawl's indexes file it (SURT), so that lists can be joined with an index.

The indexes were built with the `surt` package (pywb's canonicalizer). Its rules are written again here, because the
package asks the resolver about hosts such as `1.2.3`, and needs a public-suffix list for nothing we use; a test holds
both equal. The rules, with examples that a test executes, are the table in docs/fetch.md.
"""

from __future__ import annotations

import re
import socket
from urllib.parse import quote_from_bytes, unquote_to_bytes

MAX_URL_BYTES = 16 << 10
MAX_UNESCAPES = 32  # each round shortens the text; a URL that needs more is refused
MAX_PORT = 65535
_PLAIN_HTTP = re.compile(
    rb"https?://([a-z0-9_-]+(?:\.[a-z0-9_-]+)*)((?:/[a-z0-9!$&'*+,:;=@_~-]+(?:\.[a-z0-9]+)*)*)(/?)"
)
_SCHEME = re.compile(rb"[a-zA-Z][a-zA-Z0-9+\-.]*:")
_REPEATED_SCHEME = re.compile(rb"(?:https?://)+")
_LAST_SCHEME = re.compile(rb"https?://$")
_PARTS = re.compile(rb"(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?", re.S)
_NUMERIC_HOST = re.compile(rb"\d+(?:\.\d+){0,3}$")
_WWW = re.compile(rb"www\d*\.")
_UNSAFE = re.compile(rb"[^!-~]|[#%]")
_SAFE = b"""!"$&'()*+,-./:;<=>?@[\\]^_`{|}~"""
_DEFAULT_PORTS = {b"http": 80, b"https": 443}
_PATH_SESSIONS = (
    re.compile(rb"^(.*/)(?:\((?:[a-z]\([0-9a-z]{24}\))+\)/)([^?]+\.aspx.*)$", re.I | re.S),
    re.compile(rb"^(.*/)(?:\([0-9a-z]{24}\)/)([^?]+\.aspx.*)$", re.I | re.S),
)
_QUERY_SESSIONS = (
    re.compile(rb"^(.*)(?:jsessionid=[0-9a-zA-Z]{32})(?:&(.*))?$", re.I | re.S),
    re.compile(rb"^(.*)(?:phpsessid=[0-9a-zA-Z]{32})(?:&(.*))?$", re.I | re.S),
    re.compile(rb"^(.*)(?:sid=[0-9a-zA-Z]{32})(?:&(.*))?$", re.I | re.S),
    re.compile(rb"^(.*)(?:ASPSESSIONID[a-zA-Z]{8}=[a-zA-Z]{24})(?:&(.*))?$", re.I | re.S),
)
_MAYBE_SESSION = re.compile(rb"s(?:ession)?id|cfid|aspsession", re.I)


class UrlRefused(ValueError):
    """A URL that no index can hold, or that a rule forbids; `reason` is one of url_rules.LIST_REASONS."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason, self.detail = reason, detail


def surt_key(url: str) -> str:
    """`https://www.Example.org:443/a/?b=1&a=2#x` → `org,example)/a?a=2&b=1`.

    Raises:
        UrlRefused: malformed (no host, bad port or brackets), or too_long.
    """
    data = url.encode("utf-8", "replace")
    plain = _PLAIN_HTTP.fullmatch(data)
    if plain and not _NUMERIC_HOST.match(plain[1]) and len(data) <= MAX_URL_BYTES:
        return (
            _reversed_host(_WWW.sub(b"", plain[1], count=1) if plain[1][:3] == b"www" else plain[1])
            + b")"
            + (plain[2] or b"/")
        ).decode("ascii")
    return _general_key(data).decode("utf-8", "replace")


def scheme_of(url: str) -> str:
    """The scheme in lower case; http where none is given.

    Raises:
        UrlRefused: too_long.
    """
    return _cleaned(url.encode("utf-8", "replace")).partition(b":")[0].lower().decode("ascii", "replace")


def host_of(url: str) -> str:
    """Host of a URL as the key's rules read it: lower case, punycode, addresses as dotted numbers.

    Raises:
        UrlRefused: as `surt_key`.
    """
    _, host, _, _, _ = _split(_cleaned(url.encode("utf-8", "replace")))
    return _canonical_host(host).decode("ascii", "replace")


def _general_key(data: bytes) -> bytes:
    scheme, host, port, path, query = _split(_cleaned(data))
    path = _path(path)
    query = _query(query)
    where = _reversed_host(_WWW.sub(b"", name, count=1) if (name := _canonical_host(host))[:3] == b"www" else name)
    if port is not None and port != _DEFAULT_PORTS.get(scheme.lower()):
        where += b":%d" % port
    return where + b")" + path + (b"?" + query if query else b"")


def _cleaned(data: bytes) -> bytes:
    if len(data) > MAX_URL_BYTES:
        raise UrlRefused("too_long", f"{len(data)} bytes")
    data = re.sub(rb"[\n\r\t]", b"", data.strip())
    if not _SCHEME.match(data) or _host_with_port(data):
        data = b"http://" + data
    return _REPEATED_SCHEME.sub(_only_last, data, count=1) if data.startswith(b"http") else data


def _host_with_port(data: bytes) -> bool:
    """`example.org:8080/a` names a host and a port, not the scheme `example.org`."""
    head, _, rest = data.partition(b":")
    digits = re.match(rb"\d{1,5}(?=[/?#]|$)", rest)
    return b"." in head and digits is not None


def _only_last(match: re.Match[bytes]) -> bytes:
    last = _LAST_SCHEME.search(match[0])
    return last[0] if last else match[0]


def _split(data: bytes) -> tuple[bytes, bytes, int | None, bytes, bytes]:
    """Scheme, host, port, path, query of a cleaned URL; user and password are dropped, the fragment too."""
    match = _PARTS.match(data)
    if match is None:
        raise UrlRefused("malformed")
    scheme, place, path, query = match[1] or b"http", (match[2] or b"").rstrip(b":"), match[3], match[4] or b""
    if not place and scheme.startswith(b"http"):  # http:////www.example.org/a
        place, _, path = path.lstrip(b"/").partition(b"/")
        path = b"/" + path
    host, port = _host_and_port(place.rpartition(b"@")[2])
    if not host:
        raise UrlRefused("malformed", "no host")
    return scheme, host, port, path, query


def _host_and_port(place: bytes) -> tuple[bytes, int | None]:
    if place.startswith(b"["):
        host, bracket, rest = place[1:].partition(b"]")
        if not bracket or (rest and not rest.startswith(b":")):
            raise UrlRefused("malformed", "brackets")
        return host.lower(), _port(rest[1:])
    host, _, port = place.partition(b":")
    return host.lower(), _port(port)


def _port(text: bytes) -> int | None:
    if not text:
        return None
    if not text.isdigit() or len(text) > 5 or int(text) > MAX_PORT:
        raise UrlRefused("malformed", "port")
    return int(text) or None


def _canonical_host(host: bytes) -> bytes:
    host = _unescaped(host)
    if not host.isascii():
        host = _punycode(host)
    host = host.replace(b"..", b".").strip(b".")
    if not host:
        raise UrlRefused("malformed", "no host")
    return _ip_address(host) or _escaped(host.lower())


def _punycode(host: bytes) -> bytes:
    try:
        return host.decode("utf-8", "ignore").encode("idna")
    except ValueError:  # a label too long, or a character IDNA 2003 forbids
        return host


def _ip_address(host: bytes) -> bytes | None:
    """The dotted form of `2130706433`, `127.1` or `0177.0.0.1`, as the C library reads numbers; None for a name."""
    if host.isdigit() and not host.startswith(b"0"):
        return socket.inet_ntoa((int(host) & 0xFFFFFFFF).to_bytes(4, "big")).encode("ascii")
    if not _NUMERIC_HOST.match(host):
        return None
    try:
        return socket.inet_ntoa(socket.inet_aton(host.decode("ascii"))).encode("ascii")
    except OSError:
        return None


def _path(path: bytes) -> bytes:
    path = _escaped(_normal_path(_unescaped(path))).lower()
    for pattern in _PATH_SESSIONS:
        if b".aspx" in path and (match := pattern.match(path)):
            path = match[1] + match[2]
    return path[:-1] if path.endswith(b"/") and len(path) > 1 else path


def _normal_path(path: bytes) -> bytes:
    """Without empty, `.` and `..` segments; `..` at the top stays, as in the package."""
    kept: list[bytes] = []
    for segment in path.split(b"/")[1:]:
        if segment == b"..":
            kept = kept[:-1] if kept else [segment]
        elif segment != b".":
            kept.append(segment)
    if not kept:
        return b"/"
    return b"/" + b"".join(segment + b"/" for segment in kept[:-1] if segment) + kept[-1]


def _query(query: bytes) -> bytes:
    query = _escaped(_unescaped(query))
    if _MAYBE_SESSION.search(query):
        for pattern in _QUERY_SESSIONS:
            if match := pattern.match(query):
                query = match[1] + (match[2] or b"")
        query = _without_coldfusion(query)
    query = query.lower()
    if b"&" not in query:
        return query
    pairs = sorted(tuple(pair.split(b"=", 1)) for pair in query.split(b"&"))
    return b"&".join(b"=".join(pair) for pair in pairs)


def _without_coldfusion(query: bytes) -> bytes:
    """Without the last `cfid=…&cftoken=…`; not a regex, which would be quadratic in a query of `cfid=cfid=…`."""
    pairs = query.split(b"&")
    for k in range(len(pairs) - 2, -1, -1):
        at = pairs[k].lower().rfind(b"cfid=", 0, len(pairs[k]) - 1)
        if at >= 0 and len(pairs[k + 1]) > len(b"cftoken=") and pairs[k + 1].lower().startswith(b"cftoken="):
            return b"&".join([*pairs[:k], pairs[k][:at]]) + b"&".join(pairs[k + 2 :])
    return query


def _unescaped(data: bytes) -> bytes:
    for _ in range(MAX_UNESCAPES):
        if b"%" not in data or (plain := unquote_to_bytes(data)) == data:
            return data
        data = plain
    raise UrlRefused("malformed", "percent-encoded over and over")


def _escaped(data: bytes) -> bytes:
    """Control characters, spaces, bytes over 126, # and % as %XX."""
    return quote_from_bytes(data, safe=_SAFE).encode("ascii") if _UNSAFE.search(data) else data


def _reversed_host(host: bytes) -> bytes:
    return b",".join(reversed(host.split(b".")))
