"""Ranges over HTTP from a real server that fails in every way: what is read is right, what is not is named."""

import http.server
import shutil
import socket
import ssl
import subprocess
import threading
import time

import fetch_world
import pytest
from fetch_world import Fault, serving

from pipeline.io.fetch import http_store
from pipeline.io.fetch.access import Access
from pipeline.io.fetch.http_store import HttpPolicy, HttpStore
from pipeline.io.fetch.range_plan import RecordPlace, coalesced
from pipeline.io.fetch.retry import RetryPolicy
from pipeline.io.fetch.stores import ReadFailed
from pipeline.io.fetch.url_rules import is_private_address

QUICK = Access(HttpPolicy(timeout_s=1.0, contact="test@example.org"), RetryPolicy(attempts=4, first_wait_s=0.01))
BODY = bytes(range(256)) * 600


@pytest.fixture
def served(tmp_path):
    (tmp_path / "a.bin").write_bytes(BODY)
    with serving(tmp_path) as server:
        yield server


def read(server, start=1000, stop=150_000, access=QUICK):
    return access.reader(server.base).read("a.bin", start, stop)


def failed(function, *arguments, **options):
    with pytest.raises(ReadFailed) as failure:
        function(*arguments, **options)
    return failure.value


def test_ranges_and_size(served):
    reader = QUICK.reader(served.base)
    assert reader.size("a.bin") == len(BODY)
    assert reader.read("a.bin", 0) == BODY
    assert reader.read("a.bin", 5, 6) == BODY[5:6]
    assert reader.read("a.bin", len(BODY) - 3, len(BODY) + 100) == BODY[-3:]
    assert served.agents == {next(iter(served.agents))}
    assert next(iter(served.agents)).startswith("warcmill/")
    assert "test@example.org" in next(iter(served.agents))


@pytest.mark.parametrize(
    "fault",
    [Fault(429), Fault(500), Fault(502), Fault(503), Fault(504)]
    + [Fault(how=how) for how in ("truncated", "reset", "silent")]
    + [Fault(503, headers={"Retry-After": "0"}), Fault(429, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"})],
    ids=lambda fault: f"{fault.status or fault.how} {fault.headers}",
)
def test_transient_failures_are_tried_again(served, fault):
    fault.times = 1
    served.faults["a.bin"].append(fault)
    assert read(served) == BODY[1000:150_000]


def test_servers_that_close_after_each_answer(served, monkeypatch):
    monkeypatch.setattr(fetch_world._Handler, "protocol_version", "HTTP/1.0")
    reader = QUICK.reader(served.base)
    assert reader.size("a.bin") == len(BODY)
    assert [reader.read("a.bin", i, i + 9) for i in range(3)] == [BODY[i : i + 9] for i in range(3)]
    assert len(served.log) == 4


def test_a_whole_file_without_a_length(served):
    served.faults["a.bin"].append(Fault(how="chunked", times=1))
    assert QUICK.reader(served.base).read("a.bin", 0) == BODY
    served.faults["a.bin"].append(Fault(how="chunked cut", times=1))
    assert QUICK.reader(served.base).read("a.bin", 0) == BODY


def test_an_interrupted_answer_is_continued(served):
    served.faults["a.bin"].append(Fault(how="truncated", times=1))
    assert read(served) == BODY[1000:150_000]
    assert [wanted for _, wanted in served.log] == ["bytes=1000-149999", "bytes=75500-149999"]


@pytest.mark.parametrize(("status", "tries"), [(404, 1), (403, 1), (416, 1), (410, 1), (500, 4), (503, 4), (429, 4)])
def test_lasting_failures_are_named(served, status, tries):
    served.faults["a.bin"].append(Fault(status))
    assert failed(read, served).reason == f"http_{status}"
    assert len(served.log) == tries


@pytest.mark.parametrize(
    ("how", "reason"), [("truncated", "truncated"), ("reset", "reset"), ("no_ranges", "no_ranges")]
)
def test_lasting_breaks_are_named(served, how, reason):
    served.faults["a.bin"].append(Fault(how=how))
    assert failed(read, served).reason == reason


def test_retry_after_is_obeyed(served):
    served.faults["a.bin"].append(Fault(503, headers={"Retry-After": "1"}, times=1))
    started = time.monotonic()
    assert read(served) == BODY[1000:150_000]
    assert time.monotonic() - started >= 1.0


def test_retry_after_has_a_limit():
    policy = RetryPolicy(longest_wait_s=7.0)
    assert policy.wait_s(1, 10_000.0, "x") == 7.0
    waits = [policy.wait_s(attempt, None, "x") for attempt in range(1, 12)]
    assert all(0.25 * 2 ** min(i, 3) <= wait <= 7.0 for i, wait in enumerate(waits))


def test_nobody_there():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{free.getsockname()[1]}/"
    assert failed(QUICK.reader(base).read, "a", 0, 1).reason == "refused"


def test_a_slow_drip_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(http_store, "SLOWEST_BYTES_PER_S", 1 << 30)

    class Drip(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(206)
            self.send_header("Content-Range", "bytes 0-999/1000")
            self.end_headers()
            try:
                for _ in range(1000):
                    self.wfile.write(b"x")
                    time.sleep(0.05)
            except OSError:
                return

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Drip) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        access = Access(HttpPolicy(timeout_s=0.3), RetryPolicy(attempts=1))
        try:
            failure = failed(access.reader(f"http://127.0.0.1:{server.server_address[1]}/").read, "a", 0, 1000)
        finally:
            server.shutdown()
            thread.join()
    assert failure.reason == "timeout"


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("file:///etc/passwd", "refused_redirect"),
        ("ftp://example.org/a", "refused_redirect"),
        ("", "refused_redirect"),
        ("http://169.254.169.254/latest/meta-data/", "private_address"),
        ("http://localhost:1/a", "private_address"),
        ("http://127.0.0.1:1/a", "private_address"),
        ("http://[::1]/a", "private_address"),
        ("//10.0.0.1/a", "private_address"),
        ("http://2130706433/a", "private_address"),
        ("/a.bin", "refused_redirect"),  # round and round
    ],
)
def test_redirects_out_of_the_base_are_refused(served, location, reason):
    served.faults["a.bin"].append(Fault(302, headers={"Location": location}))
    assert failed(read, served).reason == reason


def test_redirects_within_the_server_are_followed(served):
    served.faults["moved"].append(Fault(301, headers={"Location": "/a.bin"}))
    assert QUICK.reader(served.base).read("moved", 3, 9) == BODY[3:9]


def test_another_port_of_this_machine_needs_leave(served, tmp_path):
    with serving(tmp_path) as other:
        served.faults["moved"].append(Fault(302, headers={"Location": other.base + "a.bin"}))
        assert failed(QUICK.reader(served.base).read, "moved", 3, 9).reason == "private_address"
        assert other.log == []
        allowed = Access(HttpPolicy(allow_private=True), QUICK.retry)
        assert allowed.reader(served.base).read("moved", 3, 9) == BODY[3:9]


def test_a_name_that_resolves_to_a_private_address_is_refused(served, monkeypatch):
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.7", 80))]
    known = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *a, **k: answer if host == "rebind.example.org" else known(host, *a, **k)
    )
    served.faults["a.bin"].append(Fault(302, headers={"Location": "http://rebind.example.org/a.bin"}))
    assert failed(read, served).reason == "private_address"
    assert is_private_address("10.0.0.7")


def test_an_address_that_leads_nowhere_is_passed_over(served, monkeypatch):
    port = served.server_address[1]
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in ("127.0.0.99", "127.0.0.1")]
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda *a, _known=socket.getaddrinfo, **k: answer if a[0] == "cc.example.org" else _known(*a, **k),
    )
    assert QUICK.reader(f"http://cc.example.org:{port}/").read("a.bin", 3, 9) == BODY[3:9]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl, to make a certificate")
def test_https_holds_certificates(served, tmp_path, monkeypatch):
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    made += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(made, check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    served.socket = tls.wrap_socket(served.socket, server_side=True)
    base = f"https://localhost:{served.server_address[1]}/"
    unknown = Access(QUICK.http, RetryPolicy(1))
    assert failed(unknown.reader(base).read, "a.bin", 3, 9).reason == "tls"
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    assert QUICK.reader(base).read("a.bin", 3, 9) == BODY[3:9]
    assert failed(unknown.reader(base.replace("localhost", "127.0.0.1")).read, "a.bin", 3, 9).reason == "tls"


def test_https_does_not_become_http():
    assert failed(http_store._target, "https://a.org/x", "http://a.org/x").reason == "refused_redirect"
    assert HttpStore("https://a.org/x", HttpPolicy()).base == "https://a.org/x/"


def test_folders_and_memory(tmp_path):
    import fsspec

    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.bin").write_bytes(BODY)
    (tmp_path / "secret").write_bytes(b"s")
    (tmp_path / "in/link").symlink_to(tmp_path / "secret")
    fsspec.filesystem("memory").pipe_file("/bucket/a.bin", BODY)
    for base in (f"{tmp_path}/in", "memory://bucket"):
        reader = QUICK.reader(base)
        assert reader.size("a.bin") == len(BODY)
        assert reader.read("a.bin", 7, 77) == BODY[7:77]
        assert failed(reader.read, "nothing", 0, 5).reason == "http_404"
    assert failed(QUICK.reader(f"{tmp_path}/in").read, "link", 0, 1).reason == "bad_path"
    assert failed(QUICK.reader(f"{tmp_path}/in").read, "a.bin", 1 << 30, 1 << 31).reason == "beyond_end"


def test_coalescing():
    places = [
        RecordPlace("a", 0, 10),
        RecordPlace("a", 15, 10),
        RecordPlace("a", 100, 10),
        RecordPlace("b", 110, 5),
        RecordPlace("b", 112, 2),
    ]
    found = [(part.path, part.start, part.stop, len(part.records)) for part in coalesced(places, 5, 1000)]
    assert found == [("a", 0, 25, 2), ("a", 100, 110, 1), ("b", 110, 115, 2)]
    assert [part.stop for part in coalesced(places[:3], 100, 30)] == [25, 110]
