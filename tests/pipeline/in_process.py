"""A place whose engine is the test's own process: error paths and resumption need no workers."""

from contextlib import nullcontext

from pipeline.stage import Context
from pipeline.table_job import Place


class Quiet:
    def begin(self, phase, tasks): ...
    def progress(self, finished, records): ...
    def end(self, phase, counters): ...


class InProcess:
    """An engine that runs tasks here."""

    def map_shards(self, directory, tasks, work, progress):
        for task in tasks:
            if directory.committed(task.name) is None:
                work(task, Context())


class Here(Place):
    def open_engine(self):
        return nullcontext(InProcess())
