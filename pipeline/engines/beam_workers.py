"""Processes of Beam's local runner, kept for a whole run.

FnApiRunner starts its SDK processes anew for every pipeline, which is every phase of ours, and importing Beam costs
each of them 4 s of CPU. So it is told that its workers are external, and asks here for each; it gets the next of our
processes. These keep their supervised children too, with the models they have loaded.
"""

from __future__ import annotations

import itertools
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import grpc  # type: ignore[import-untyped]
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc
from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer
from apache_beam.utils.thread_pool_executor import shared_unbounded_instance

from pipeline.engines.supervised import LOST_HINT
from pipeline.errors import WarcmillError

LOOPBACK = "127.0.0.1"
# quiet while Beam is imported: it warns of Google clients that are not installed, and need not be
PROCESS = "import logging; logging.disable(logging.WARNING); from pipeline.engines.beam_workers import main; main()"


class WorkerProcesses(beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolServicer):
    """Processes that run what Beam sends them, and the address where a runner asks for them.

    Args:
        count: of processes.
        lost: called, from another thread, when one has ended by itself.
    """

    def __init__(self, count: int, lost: Callable[[WarcmillError], None]) -> None:
        self._count, self._lost = count, lost
        self._processes: list[subprocess.Popen[str]] = []
        self._server: Any = None
        self.url = ""

    def start(self) -> None:
        """Start the processes; returns when they listen."""
        leave_lost_streams_unsaid()
        command = [sys.executable, "-c", PROCESS]
        self._processes = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(self._count)
        ]
        addresses = [self._address(process) for process in self._processes]
        channels = (grpc.insecure_channel(address) for address in addresses)
        self._next = itertools.cycle([beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolStub(each) for each in channels])  # type: ignore[no-untyped-call]
        self._server, self.url = _serve(self)
        for process in self._processes:
            threading.Thread(target=self._watch, args=(process,), name="warcmill-worker", daemon=True).start()

    def _address(self, process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None  # noqa: S101 - asked for above
        port = process.stdout.readline().strip()
        if not port:
            raise WarcmillError(f"a worker process did not start, exit code {process.wait()}", where="--engine beam")
        return f"{LOOPBACK}:{port}"

    def _watch(self, process: subprocess.Popen[str]) -> None:
        code = process.wait()
        if process in self._processes:
            what = f"worker process {process.pid} ended with exit code {code}"
            self._lost(WarcmillError(what, where="--engine beam", hint=LOST_HINT))

    def stop(self) -> None:
        """End the processes, and with them their children."""
        processes, self._processes = self._processes, []
        for process in processes:
            process.kill()
        for process in processes:
            process.communicate()
        if self._server is not None:
            self._server.stop(0)

    def StartWorker(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002 - names of Beam's protocol
        """A runner asks for a worker: one more in the next process, at a port of this machine."""
        port = request.control_endpoint.url.rpartition(":")[2]
        request.control_endpoint.url = f"{LOOPBACK}:{port}"  # Beam gives the machine's full name, which may not resolve
        return next(self._next).StartWorker(request)

    def StopWorker(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        """Nothing: a worker's thread ends with its connection, its process serves the next phase."""
        return beam_fn_api_pb2.StopWorkerResponse()


@cache
def leave_lost_streams_unsaid() -> None:
    """Where a process dies, threads of Beam end in tracebacks; we say it ourselves, in one line, or do what is left.

    For the rest of this process, since some threads notice only after the run has ended.
    """
    before = threading.excepthook

    def hook(details: threading.ExceptHookArgs) -> None:
        if not isinstance(details.exc_value, grpc.RpcError):
            before(details)

    threading.excepthook = hook
    logging.getLogger("apache_beam.runners.worker.data_plane").setLevel(logging.CRITICAL)


def _serve(pool: Any) -> tuple[Any, str]:
    """A server for a pool's requests, and its address; on loopback, unlike Beam's own."""
    server = grpc.server(shared_unbounded_instance())  # type: ignore[no-untyped-call]
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(pool, server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port(f"{LOOPBACK}:0")
    server.start()
    return server, f"{LOOPBACK}:{port}"


def main() -> None:
    """One process: say the port, then work until the driver hangs up or dies."""
    logging.disable(logging.NOTSET)
    logging.getLogger("apache_beam").setLevel(logging.ERROR)
    _, address = _serve(BeamFnExternalWorkerPoolServicer(use_process=False))
    sys.stdout.write(address.rpartition(":")[2] + "\n")
    sys.stdout.flush()
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nobody reads on
    sys.stdin.read()
    os._exit(0)
