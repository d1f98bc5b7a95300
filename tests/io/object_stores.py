"""Real servers for tests of object stores, and a front that gets in their way.

moto is the S3 server, gcp-storage-emulator that of GCS: each a process of its own. All requests pass a small HTTP
front in the test's process, which can answer 500, cut a connection, be slow or send half of a body; what it lets
through is what the server saw. The front also does two things the emulators do not: it lets one conditional write at a
time through (moto looks, then writes), and it knows GCS's `ifGenerationMatch=0`, which the emulator ignores.
"""

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BUCKET = "bucket"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
SIGNED = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
HOPS = {"connection", "transfer-encoding", "keep-alive", "proxy-connection"}


@dataclass
class Request:
    """What the front sees of a request before it lets it through."""

    method: str
    path: str  # with query
    number: int  # of all requests so far, from 0
    headers: dict[str, str] = field(default_factory=dict)


Fault = Callable[[Request], str]  # "" to let it through, else one of FAULTS, or "403"
FAULTS = ("500", "503", "reset", "lost", "short", "slow")


def no_fault(request: Request) -> str:
    return ""


class Front(ThreadingHTTPServer):
    """The HTTP front. `fault` decides on every request; `seen` and `done` count what came and what was done to it."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, upstream: tuple[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream, self.fault = upstream, no_fault
        self.seen: list[Request] = []
        self.done: Counter[str] = Counter()
        self.guard, self.one_writer = threading.Lock(), threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def note(self, method: str, path: str, headers: dict[str, str]) -> Request:
        with self.guard:
            request = Request(method, path, len(self.seen), headers)
            self.seen.append(request)
        return request

    def handle_error(self, request, client_address) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Front

    def _serve(self) -> None:
        body = self._body()
        request = self.server.note(self.command, self.path, {k.lower(): v for k, v in self.headers.items()})
        fault = self.server.fault(request)
        with self.server.guard:
            self.server.done[fault or "through"] += 1
        if fault.isdigit():
            return self._answer(int(fault), [("Content-Type", "application/xml")], _error(fault))
        if fault == "reset":
            return self._hang_up()
        if fault == "slow":
            time.sleep(1.5)
        status, headers, content = self._ask(body)
        if fault == "lost":  # done, but the client never hears of it
            return self._hang_up()
        return self._answer(status, headers, content, half=fault == "short")

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_PATCH = _serve  # noqa: N815 - http.server's names

    def _body(self) -> bytes:
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return b"".join(iter(self._chunk, b""))
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunk(self) -> bytes:
        size = int(self.rfile.readline().split(b";")[0], 16)
        data = self.rfile.read(size)
        self.rfile.readline()
        return data

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        generation = "ifGenerationMatch=0" in self.path
        if not (generation or self.headers.get("If-None-Match")):
            return self._forward(self.command, self.path, body)
        with self.server.one_writer:
            if generation and self._gcs_has(body):
                return 412, [("Content-Type", "application/json")], b'{"error": {"code": 412, "message": "exists"}}'
            return self._forward(self.command, self.path, body)

    def _gcs_has(self, body: bytes) -> bool:
        bucket = urllib.parse.urlsplit(self.path).path.split("/b/")[1].split("/")[0]
        name = body.split(b'"name": "', 1)[1].split(b'"', 1)[0].decode()
        status, _, _ = self._forward("GET", f"/storage/v1/b/{bucket}/o/{urllib.parse.quote(name, safe='')}", b"")
        return status == 200

    def _forward(self, method: str, path: str, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        upstream = http.client.HTTPConnection(*self.server.upstream, timeout=60)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in {*HOPS, "content-length", "expect"}}
        headers.setdefault("Authorization", SIGNED)  # a web server for those who do not sign
        headers["Content-Length"] = str(len(body))
        try:
            upstream.request(method, path, body, headers)
            answer = upstream.getresponse()
            kept = [(k, v) for k, v in answer.getheaders() if k.lower() not in HOPS]
            return answer.status, kept, answer.read()
        finally:
            upstream.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes, half: bool = False) -> None:
        self.send_response_only(status)
        for key, value in headers:
            if key.lower() != "content-length" or self.command == "HEAD":
                self.send_header(key, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[: len(content) // 2] if half else content)
        if half:
            self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"  # on, 0 s: the peer gets a reset, not an orderly end
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None: ...


def _error(status: str) -> bytes:
    code = {"500": "InternalError", "503": "SlowDown", "403": "AccessDenied"}[status]
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()


@contextmanager
def s3_server() -> Iterator[Front]:
    """moto behind a front, with a bucket."""
    port = _free_port()
    code = f"from moto.server import main; main(['-H', '127.0.0.1', '-p', '{port}'])"
    with _server([sys.executable, "-W", "ignore", "-c", code], port) as front:
        _put(port, f"/{BUCKET}", b"")
        yield front


@contextmanager
def gcs_server() -> Iterator[Front]:
    """gcp-storage-emulator behind a front, with a bucket."""
    port = _free_port()
    command = [sys.executable, "-m", "gcp_storage_emulator", "start", "--host=127.0.0.1", f"--port={port}"]
    with _server([*command, "--in-memory", f"--default-bucket={BUCKET}"], port) as front:
        yield front


@contextmanager
def _server(command: list[str], port: int) -> Iterator[Front]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | KEYS)
    try:
        _wait(port, process)
        with Front(("127.0.0.1", port)) as front:
            threading.Thread(target=front.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
            yield front
            front.shutdown()
    finally:
        process.kill()
        process.wait()


def _wait(port: int, process: subprocess.Popen) -> None:
    for _ in range(600):
        assert process.poll() is None, f"{process.args} ended"
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"nothing on port {port}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _put(port: int, path: str, body: bytes) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("PUT", path, body)
    assert connection.getresponse().status == 200
    connection.close()


def s3_environment(front: Front) -> dict[str, str]:
    """What a process needs to reach it."""
    return KEYS | {"AWS_ENDPOINT_URL": front.url, "AWS_EC2_METADATA_DISABLED": "true"}


def gcs_environment(front: Front) -> dict[str, str]:
    return {"STORAGE_EMULATOR_HOST": front.url, "FSSPEC_GS_TOKEN": "anon", "FSSPEC_GCS_TOKEN": "anon"}
