"""The same fetch from an object store: a real S3 server on loopback (moto), with failures in front of it."""

import http.client
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from fetch_world import CRAWL, Capture, build_world, records_of

from pipeline.engines.local import LocalConfig
from pipeline.fetching import FetchConfig, fetch
from pipeline.io import storage
from pipeline.io.fetch.access import Access
from pipeline.io.fetch.chunk import FetchSettings
from pipeline.io.fetch.retry import RetryPolicy
from pipeline.io.fetch.stores import ReadFailed

boto3 = pytest.importorskip("boto3", reason="needs boto3, moto and s3fs (dev extra)")
server = pytest.importorskip("moto.server", reason="needs boto3, moto and s3fs (dev extra)")
s3fs = pytest.importorskip("s3fs", reason="needs boto3, moto and s3fs (dev extra)")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")]


class Quiet:
    def begin(self, phase, tasks): ...

    def progress(self, finished, records): ...

    def end(self, phase, counters): ...


class Front(ThreadingHTTPServer):
    """Forwards to the S3 server; the first `failures` reads of archives are answered 503 SlowDown."""

    daemon_threads = True

    def __init__(self, port):
        super().__init__(("127.0.0.1", 0), Forward)
        self.port, self.failures, self.log = port, 0, []


class Forward(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.log.append((self.command, self.path, self.headers.get("Range")))
        if self.server.failures and ".warc" in self.path:
            self.server.failures -= 1
            return self.answer(503, [], b"<Error><Code>SlowDown</Code><Message>x</Message></Error>")
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port)
        connection.request(self.command, self.path, headers=dict(self.headers))
        reply = connection.getresponse()
        body = reply.read()
        headers = [
            (k, v)
            for k, v in reply.getheaders()
            if k.lower() not in ("content-length", "transfer-encoding", "connection")
        ]
        connection.close()
        return self.answer(reply.status, headers, body, reply.getheader("Content-Length"))

    do_HEAD = do_GET  # noqa: N815 - the name the library looks for

    def answer(self, status, headers, body, length=None):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", length if self.command == "HEAD" and length else str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@pytest.fixture
def bucket(tmp_path, monkeypatch):
    """A world in s3://archive/, and the server in front of it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    captures = [Capture(f"https://example.org/{i}", body=os.urandom(2000)) for i in range(12)]
    s3fs.S3FileSystem.clear_instance_cache()
    storage._filesystem.cache_clear()  # both remember the endpoint of the test before
    world = build_world(tmp_path / "cc", {"a.warc.gz": captures[:6], "b.warc.gz": captures[6:]})
    moto = server.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    moto.start()
    port = moto.get_host_and_port()[1]
    client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}")
    client.create_bucket(Bucket="archive")
    for path in world.root.rglob("*"):
        if path.is_file():
            client.put_object(Bucket="archive", Key=str(path.relative_to(world.root)), Body=path.read_bytes())
    front = Front(port)
    thread = threading.Thread(target=front.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{front.server_address[1]}")
    yield world, front
    front.shutdown()
    thread.join()
    front.server_close()
    moto.stop()


def config(output, **options):
    settings = FetchSettings("s3://archive/", Access(retry=RetryPolicy(4, 0.05)), 4)
    return FetchConfig(
        output=output, base="s3://archive/", crawls=(CRAWL,), settings=settings, local=LocalConfig(1, None), **options
    )


@pytest.mark.parametrize("form", ["table", "cdx"])
def test_from_s3_with_failures(bucket, tmp_path, form):
    world, front = bucket
    front.failures = 3
    (tmp_path / "urls.txt").write_text("".join(c.url + "\n" for c in world.captures) + "https://example.org/none\n")
    manifest = fetch(config(tmp_path / "out", inputs=(str(tmp_path / "urls.txt"),), index_format=form), Quiet())
    assert front.failures == 0
    assert manifest["results"] == {"found": 12, "not_found": {"not_in_index": 1}}
    assert records_of(tmp_path / "out/warc") == {c.url: [world.bytes_of(c)] for c in world.captures}


def test_what_s3_does_not_have_is_named(bucket, tmp_path):
    world, _ = bucket
    one = world.captures[0]
    size = (world.root / one.warc).stat().st_size
    rows = [
        {"warc_filename": "crawl-data/none.warc.gz", "offset": 0, "length": 10},
        {"warc_filename": one.warc, "offset": size + 10, "length": 10},
        {"warc_filename": one.warc, "offset": one.offset, "length": one.length},
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    manifest = fetch(config(tmp_path / "out", inputs=(str(tmp_path / "rows.jsonl"),)), Quiet())
    assert manifest["results"] == {"found": 1, "not_found": {"beyond_end": 1, "http_404": 1}}
    with pytest.raises(ReadFailed, match="http_404"):
        Access(retry=RetryPolicy(1)).reader("s3://archive/").size("nothing")
