"""Whole runs of the sample on every engine, and the processes behind them; tests disturb them on purpose."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
INPUTS = [str(ROOT / "samples" / name) for name in ("sample.warc.gz", "sample-2.warc.gz")]
FEW = ("--max-records", "12", "--workers", "2")
ENGINES = {
    "local": (),
    "beam": ("--engine", "beam", "--", "--direct_running_mode=multi_processing", "--direct_num_workers=2"),
    "spark": ("--engine", "spark", "--", "--master=local[2,4]"),
}
PUBLISHED = ("shards", "audit")
# A driver that ends as by kill -9: before the manifest of a phase is written, or before the run's _SUCCESS.
KILLED_AT = """
import os, signal, sys
from pipeline import run
from pipeline.io.commit import PhaseDirectory
where, finish, write = sys.argv.pop(1), PhaseDirectory.finish, run.write_atomic
def finish_or_die(directory, tasks):
    if directory.name == where:
        os.kill(os.getpid(), signal.SIGKILL)
    return finish(directory, tasks)
def write_or_die(path, content):
    if where == "run" and path.name == "_SUCCESS":
        os.kill(os.getpid(), signal.SIGKILL)
    write(path, content)
PhaseDirectory.finish, run.write_atomic = finish_or_die, write_or_die
from pipeline.cli import warcmill
warcmill()
"""


def arguments(run, engine, options=FEW):
    return ["run", *INPUTS, "-o", str(run), *options, *ENGINES[engine]]


def environment(**more):
    """Of a process that finds this checkout first, whichever engine starts it."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return os.environ | {"PYTHONPATH": path, "PYTHON": sys.executable} | more


def started(*words, **more):
    """A driver at work, its output in a pipe."""
    command = [sys.executable, *map(str, words)]
    return subprocess.Popen(command, cwd=ROOT, env=environment(**more), stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def ended(driver, code=0):
    """What a driver said, once it has ended, and as it should."""
    _, said = driver.communicate(timeout=1800)
    assert driver.returncode == code, said.decode()[-4000:]
    return said.decode()


def finish(run, engine, options=FEW, code=0, **more):
    return ended(started("-m", "pipeline.cli", *arguments(run, engine, options), **more), code)


def digests(run):
    """Everything that a reader of the run sees, by path."""
    files = [run / "manifest.json", *(path for name in PUBLISHED for path in sorted((run / name).glob("*.parquet")))]
    assert (run / "_SUCCESS").exists()
    return {str(path.relative_to(run)): path.read_bytes() for path in files}


def wait_for(what, driver, pause_s=0.02):
    """What `what()` gives once it gives something; the driver must live until then."""
    for _ in range(int(600 / pause_s)):
        if found := what():
            return found
        assert driver.poll() is None, driver.communicate()[1].decode()[-4000:]
        time.sleep(pause_s)
    raise AssertionError("did not happen within 600 s")


def below(driver, *words):
    """Processes that the driver started, at any depth, whose command lines have all the words."""
    found = []
    for process in psutil.Process(driver.pid).children(recursive=True):
        try:
            line = " ".join(process.cmdline())
        except psutil.Error:
            continue  # it ended while we looked
        if all(word in line for word in words):
            found.append(process)
    return found
