"""A TCP proxy that misbehaves by plan: one fault per connection, then honest. It stands in front of a real server."""

from __future__ import annotations

import re
import socket
import struct
import threading
from contextlib import contextmanager

RESPONSE = "HTTP/1.1 {status} Planned\r\ncontent-length: 0\r\nretry-after: 0\r\nconnection: close\r\n\r\n"


class FaultProxy:
    """Faults: an int (HTTP status), "hang", "reset", "garbage", "half" (the answer is cut), None (honest)."""

    def __init__(self, target_port: int, faults=()):
        self.target_port, self.faults, self.played = target_port, list(faults), []
        self.asked = []  # bodies of the chat requests that reached the server, in order
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.stopped = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.stopped.set()
        self.listener.close()

    def _accept(self):
        while not self.stopped.is_set():
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                fault = self.faults.pop(0) if self.faults else None
            threading.Thread(target=self._serve, args=(client, fault), daemon=True).start()

    def _serve(self, client, fault):
        with client:
            if fault in (None, "half"):
                self._forward(client, cut=fault == "half")
            else:
                first = client.recv(65536)
                if not first:
                    return
                self._misbehave(client, fault)
            self.played.append(fault)

    def _misbehave(self, client, fault):
        if fault == "hang":
            self.stopped.wait(20)
        elif fault == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif fault == "garbage":
            client.sendall(b"\x16\x03\x01\x00 this is no HTTP\r\n\r\n" * 4)
        else:
            client.sendall(RESPONSE.format(status=fault).encode())

    def _noted(self, stream):
        """Take whole requests off a stream of them; returns what is left of it."""
        while b"\r\n\r\n" in stream:
            head, rest = stream.split(b"\r\n\r\n", 1)
            found = re.search(rb"(?i)content-length: (\d+)", head)
            length = int(found[1]) if found else 0
            if len(rest) < length:
                break
            if b"/chat/completions" in head.split(b"\r\n", 1)[0]:
                self.asked.append(rest[:length])
            stream = rest[length:]
        return stream

    def _forward(self, client, cut):
        try:
            server = socket.create_connection(("127.0.0.1", self.target_port), timeout=5)
        except OSError:
            return  # the server is down: the client sees a closed connection
        server.settimeout(None)
        with server:
            threading.Thread(target=_pump, args=(client, server, self._noted), daemon=True).start()
            try:
                while chunk := server.recv(65536):
                    client.sendall(chunk[: len(chunk) // 2] if cut else chunk)
                    if cut:
                        return
            except OSError:
                return


def _pump(source, target, noted):
    """Copy a stream of requests; `noted` takes what is complete and gives back the rest."""
    pending = b""
    try:
        while chunk := source.recv(65536):
            pending = noted(pending + chunk)
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


@contextmanager
def proxied(target_port, faults=()):
    proxy = FaultProxy(target_port, faults)
    try:
        yield proxy
    finally:
        proxy.close()
