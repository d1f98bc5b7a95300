"""A real OpenAI-compatible HTTP server on loopback whose model is a small program: for tests of the protocol.

    python tests/llm_cleaning/protocol_server.py PORT [--log FILE] [--slow SECONDS]

`program(body)` gets the request and returns (text, finish_reason). Every chat request is counted by its content, so
that tests can say how often each was paid for. Faults are planned as a list that is used up, one per request.
"""

from __future__ import annotations

import argparse
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MODEL = "program"
Program = Callable[[dict], tuple[str, str]]
PAGE = re.compile(r"<<<PAGE (\w+)\n(.*)\nPAGE \1>>>", re.DOTALL)


def page_of(body):
    """The page's part of a request."""
    return PAGE.search(body["messages"][1]["content"])[2]


def mode_of(body):
    system = body["messages"][0]["content"]
    return "select" if "blocks of one page" in system else "repair" if "one formula" in system else "rewrite"


def keeps_sentences(body):
    """A model that selects blocks with a sentence, writes a broken formula as it stands, and copies what it rewrites."""
    page = page_of(body)
    if mode_of(body) == "select":
        keep = [i for i, line in enumerate(page.split("\n"), 1) if re.search(r"[.!?$]|heading:|code:", line)]
        return json.dumps({"keep": [[i, i] for i in keep]}), "stop"
    if mode_of(body) == "repair":
        return json.dumps({"tex": re.search(r"formula: (.*)", page)[1]}), "stop"
    return page, "stop"


class Server:
    """Serves a program; `faults` are played one per chat request: an int status, "hang", "reset", "garbage", "flood"."""

    def __init__(
        self, program: Program = keeps_sentences, faults=(), models=(MODEL,), slow_s=0.0, port=0, context=None
    ):
        self.program, self.models, self.slow_s, self.context = program, models, slow_s, context
        self.faults = list(faults)
        self.paid: Counter[str] = Counter()
        self.bodies: list[dict] = []
        self.headers: list[dict] = []
        self.in_flight = self.most_in_flight = 0
        self.lock = threading.Lock()
        self.http = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/v1"

    def next_fault(self):
        with self.lock:
            return self.faults.pop(0) if self.faults else None


@contextmanager
def serving(*args, **kwargs):
    server = Server(*args, **kwargs)
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.http.shutdown()
        server.http.server_close()
        thread.join()


def _handler(server: Server):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_GET(self):
            if self.path != "/v1/models":
                return self.send(404, b"{}")
            rows = [
                {"id": name, "object": "model"} | ({"max_model_len": server.context} if server.context else {})
                for name in server.models
            ]
            return self.send(200, json.dumps({"object": "list", "data": rows}).encode())

        def do_POST(self):
            raw = self.rfile.read(int(self.headers["content-length"]))
            if self.path != "/v1/chat/completions":
                return self.send(404, b"{}")
            body = json.loads(raw)
            fault = server.next_fault()
            if fault is not None:
                return self.fail(fault)
            with server.lock:
                server.in_flight += 1
                server.most_in_flight = max(server.most_in_flight, server.in_flight)
                server.headers.append(dict(self.headers))
            try:
                time.sleep(server.slow_s)
                text, finish = server.program(body)
            finally:
                with server.lock:
                    server.in_flight -= 1
            with server.lock:
                server.paid[json.dumps(body["messages"])] += 1
                server.bodies.append(body)
            usage = {"prompt_tokens": len(raw) // 4, "completion_tokens": len(text) // 4}
            message = {"role": "assistant", "content": text}
            answer = {"id": "x", "model": body["model"], "usage": usage}
            answer["choices"] = [{"index": 0, "message": message, "finish_reason": finish}]
            return self.send(200, json.dumps(answer).encode())

        def fail(self, fault):
            if fault == "hang":
                time.sleep(3)
                self.close_connection = True
            elif fault == "reset":
                self.close_connection = True
                self.connection.shutdown(2)
            elif fault == "garbage":
                self.send(200, b"<html>\xff not json")
            elif fault == "half":
                self.send(200, b'{"choices": [{"message": {"content": null}, "finish_reason": null}]}')
            elif fault == "flood":
                self.send(200, b'{"choices": "' + b"x" * 5_000_000 + b'"}')
            elif fault == "no schema":
                self.send(400, json.dumps({"error": {"message": "response_format is not supported"}}).encode())
            else:
                headers = {"retry-after": "0"} if fault == 429 else {}
                self.send(fault, b'{"error": {"message": "planned"}}', headers)

        def send(self, status, content, headers=None):
            self.send_response(status)
            for name, value in {
                "content-length": str(len(content)),
                "content-type": "application/json",
                **(headers or {}),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(content)
            except OSError:
                self.close_connection = True

    return Handler


def main():
    """Serve until killed, with the requests that were answered appended to a log."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--log", default="")
    parser.add_argument("--slow", type=float, default=0.0)
    options = parser.parse_args()

    def program(body):
        answer = keeps_sentences(body)
        with Path(options.log or "/dev/stderr").open("a", encoding="utf-8") as log:
            log.write(json.dumps(body["messages"]) + "\n")
        return answer

    server = Server(program, port=options.port, slow_s=options.slow)
    server.http.serve_forever()


if __name__ == "__main__":
    main()
