"""A small Common Crawl: archives, both indexes, lists of paths, and a server of byte ranges that fails on demand."""

import base64
import gzip
import hashlib
import json
import threading
import time
import uuid
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from warcio.archiveiterator import ArchiveIterator

from pipeline.io.fetch.surt import surt_key

CRAWL = "CC-MAIN-2099-01"
TABLE_SCHEMA = pa.schema(
    [
        ("url_surtkey", pa.string()),
        ("url", pa.string()),
        ("url_host_name", pa.string()),
        ("url_host_tld", pa.string()),
        ("url_host_registered_domain", pa.string()),
        ("fetch_time", pa.timestamp("ms", "UTC")),
        ("fetch_status", pa.int16()),
        ("content_digest", pa.string()),
        ("content_mime_type", pa.string()),
        ("content_mime_detected", pa.string()),
        ("content_languages", pa.string()),
        ("warc_filename", pa.string()),
        ("warc_record_offset", pa.int32()),
        ("warc_record_length", pa.int32()),
    ]
)


@dataclass
class Capture:
    """One page of the world, and where it lies once it was written."""

    url: str
    time: str = "2099-01-02T03:04:05Z"
    status: int = 200
    mime: str = "text/html"
    languages: str = "eng"
    body: bytes = b"<html><body><p>A page about $x^2$.</p></body></html>"
    warc: str = ""
    offset: int = 0
    length: int = 0

    def index_row(self):
        host = self.url.split("/")[2]
        return {
            "url_surtkey": surt_key(self.url),
            "url": self.url,
            "url_host_name": host,
            "url_host_tld": host.rpartition(".")[2],
            "url_host_registered_domain": ".".join(host.split(".")[-2:]),
            "fetch_time": datetime.strptime(self.time, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC),
            "fetch_status": self.status,
            "content_digest": "",
            "content_mime_type": self.mime,
            "content_mime_detected": self.mime,
            "content_languages": self.languages,
            "warc_filename": self.warc,
            "warc_record_offset": self.offset,
            "warc_record_length": self.length,
        }

    def cdxj_line(self):
        stamp = self.time.translate(str.maketrans("", "", "-:TZ"))
        known = {"url": self.url, "mime": self.mime, "mime-detected": self.mime, "status": str(self.status)}
        known |= {"length": str(self.length), "offset": str(self.offset), "filename": self.warc}
        return f"{surt_key(self.url)} {stamp} {json.dumps(known | {'languages': self.languages})}"


def record_bytes(capture) -> bytes:
    """One response record, uncompressed, with a right block digest."""
    block = b"HTTP/1.1 %d X\r\nContent-Type: %s\r\n\r\n" % (capture.status, capture.mime.encode()) + capture.body
    digest = base64.b32encode(hashlib.sha1(block).digest()).decode()
    head = [
        "WARC/1.0",
        "WARC-Type: response",
        f"WARC-Record-ID: <urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, capture.url + capture.time)}>",
        f"WARC-Target-URI: {capture.url}",
        f"WARC-Date: {capture.time}",
        f"WARC-Block-Digest: sha1:{digest}",
        "Content-Type: application/http; msgtype=response",
        f"Content-Length: {len(block)}",
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + block + b"\r\n\r\n"


def write_warc(path: Path, name: str, captures, *, gzipped=True):
    """Write the captures as one WARC, and note in each where its record lies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    info = b"WARC/1.0\r\nWARC-Type: warcinfo\r\nContent-Length: 0\r\n\r\n\r\n\r\n"
    with path.open("wb") as file:
        file.write(gzip.compress(info, mtime=0) if gzipped else info)
        for capture in captures:
            data = record_bytes(capture)
            capture.warc, capture.offset = name, file.tell()
            file.write(gzip.compress(data, mtime=0) if gzipped else data)
            capture.length = file.tell() - capture.offset


def captures_of(path: Path, name: str):
    """The responses of a WARC as captures; offsets and lengths as warcio reads them."""
    found = []
    with path.open("rb") as file:
        records = ArchiveIterator(file)
        for record in records:
            offset, kind = records.get_record_offset(), record.rec_type
            url, date = record.rec_headers.get_header("WARC-Target-URI"), record.rec_headers.get_header("WARC-Date")
            status = int(record.http_headers.get_statuscode()) if kind == "response" and record.http_headers else 0
            records.read_to_end(record)
            if kind == "response" and status and url.startswith("http"):
                one = Capture(url, date[:19] + "Z", status, warc=name, offset=offset)
                one.length = records.get_record_length()
                found.append(one)
    return found


def write_table(folder: Path, captures, *, files=2, group_rows=4):
    """The columnar index, sorted by key over all its files."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = sorted((c.index_row() for c in captures), key=lambda row: (row["url_surtkey"], row["fetch_time"]))
    size = -(-len(rows) // files)
    for i in range(files):
        table = pa.Table.from_pylist(rows[i * size : (i + 1) * size], schema=TABLE_SCHEMA)
        pq.write_table(table, folder / f"part-{i:05d}.parquet", row_group_size=group_rows)


def write_zipnum(folder: Path, captures, *, block_lines=3):
    """A zipnum CDXJ collection: cdx-00000.gz of gzip members, and its cluster.idx."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = sorted(c.cdxj_line() for c in captures)
    index, at = [], 0
    with (folder / "cdx-00000.gz").open("wb") as file:
        for number, i in enumerate(range(0, len(lines), block_lines)):
            block = lines[i : i + block_lines]
            data = gzip.compress("".join(line + "\n" for line in block).encode(), mtime=0)
            file.write(data)
            key = " ".join(block[0].split(" ")[:2])
            index.append(f"{key}\tcdx-00000.gz\t{at}\t{len(data)}\t{number + 1}\n")
            at += len(data)
    (folder / "cluster.idx").write_text("".join(index))


def write_paths(root: Path, name: str, paths):
    path = root / "crawl-data" / CRAWL / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress("".join(f"{p}\n" for p in paths).encode(), mtime=0))


@dataclass
class World:
    """A crawl on disk below `root`."""

    root: Path
    captures: list = field(default_factory=list)

    def bytes_of(self, capture) -> bytes:
        data = (self.root / capture.warc).read_bytes()
        return data[capture.offset : capture.offset + capture.length]


def build_world(root: Path, by_warc: dict) -> World:
    """Archives and indexes of captures, given by the name of their WARC."""
    world = World(root)
    for name, captures in by_warc.items():
        path = f"crawl-data/{CRAWL}/segments/1/warc/{name}"
        write_warc(root / path, path, captures, gzipped=name.endswith(".gz"))
        world.captures += captures
    index_world(world)
    return world


def index_world(world: World) -> None:
    """Both indexes and the lists of paths of what the world holds."""
    table = f"cc-index/table/cc-main/warc/crawl={CRAWL}/subset=warc"
    cdx = f"cc-index/collections/{CRAWL}/indexes"
    write_table(world.root / table, world.captures)
    write_zipnum(world.root / cdx, world.captures)
    other = table.replace("subset=warc", "subset=robotstxt") + "/part-00000.parquet"
    write_paths(world.root, "cc-index-table.paths.gz", [f"{table}/part-{i:05d}.parquet" for i in (0, 1)] + [other])
    write_paths(world.root, "cc-index.paths.gz", [f"{cdx}/cdx-00000.gz", f"{cdx}/cluster.idx"])
    write_paths(world.root, "warc.paths.gz", sorted({c.warc for c in world.captures}))


@dataclass
class Fault:
    """What a server does instead of answering well: `status`, with `headers`; or `how`: slow, truncated, reset, drip."""

    status: int = 0
    how: str = ""
    headers: dict = field(default_factory=dict)
    times: int = 1_000_000


class RangeServer(ThreadingHTTPServer):
    """Serves a folder with byte ranges; `faults[path]` are used up in order; `log` holds (path, range)."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = root
        self.faults = defaultdict(list)
        self.log = []
        self.agents = set()
        self.bytes_sent = 0
        self.to_reset = set()
        self.delay_s = 0.0
        self.lock = threading.Lock()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"

    def next_fault(self, path):
        with self.lock:
            for fault in self.faults[path] + self.faults["*"]:
                if fault.times > 0:
                    fault.times -= 1
                    return fault
        return None

    def shutdown_request(self, request):
        if request in self.to_reset:
            request.close()  # without the FIN that would come first
        else:
            super().shutdown_request(request)

    def handle_error(self, request, client_address):
        pass  # clients that are killed, and resets of our own


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        server = self.server
        path = self.path.lstrip("/")
        with server.lock:
            server.log.append((path, self.headers.get("Range", "")))
            server.agents.add(self.headers.get("User-Agent", ""))
        time.sleep(server.delay_s)
        fault = server.next_fault(path)
        if fault and fault.status:
            self._answer(fault.status, b"failed", fault.headers)
        elif not (server.root / path).is_file():
            self._answer(404, b"none", {})
        else:
            self._file((server.root / path).read_bytes(), fault)

    def _file(self, data, fault):
        size, wanted = len(data), self.headers.get("Range")
        headers, status = {}, 200
        if wanted and not (fault and fault.how == "no_ranges"):
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            first, last = int(first), min(int(last) if last else size - 1, size - 1)
            if first >= size:
                return self._answer(416, b"", {"Content-Range": f"bytes */{size}"})
            data, status = data[first : last + 1], 206
            headers = {"Content-Range": f"bytes {first}-{last}/{size}"}
        return self._answer(status, data, headers, fault.how if fault else "")

    def _chunked(self, data, cut):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for i in range(0, len(data), 50_000):
            piece = data[i : i + 50_000]
            self.wfile.write(b"%x\r\n" % len(piece) + piece + b"\r\n")
            if cut:
                self.close_connection = True
                return
        self.wfile.write(b"0\r\n\r\n")

    def _answer(self, status, data, headers, how=""):
        if how.startswith("chunked"):
            self._chunked(data, how == "chunked cut")
            return
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(data))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if how == "truncated":
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
        elif how == "reset":
            self.server.to_reset.add(self.connection)
            self.connection.setsockopt(1, 13, b"\x01\x00\x00\x00\x00\x00\x00\x00")  # SO_LINGER 0: RST on close
            self.close_connection = True
        elif how == "silent":
            time.sleep(3)
            self.close_connection = True
        elif how == "flipped":
            middle = len(data) // 2
            self.wfile.write(data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :])
        else:
            for i in range(0, len(data), 65536):
                self.wfile.write(data[i : i + 65536])
        with self.server.lock:
            self.server.bytes_sent += len(data)


@contextmanager
def serving(root: Path):
    """A RangeServer on a free port of 127.0.0.1."""
    server = RangeServer(root)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def records_of(folder: Path):
    """The raw bytes of every record of the WARC files of a folder: {url: [bytes, …]}, as warcio cuts them."""
    found = defaultdict(list)
    for path in sorted(folder.glob("*.warc*")):
        data = path.read_bytes()
        with path.open("rb") as file:
            records = ArchiveIterator(file)
            for record in records:
                at = records.get_record_offset()
                url = record.rec_headers.get_header("WARC-Target-URI")
                records.read_to_end(record)
                stop = at + records.get_record_length()  # of a plain record without the blank lines that end it
                found[url].append(data[at:stop] + (b"" if path.suffix == ".gz" else b"\r\n\r\n"))
    return dict(found)
