"""Local disk space of this process for object stores: files on their way up, copies of files that came down.

Parquet needs a file that can be sought, and a shard's name needs the digest of all of it, so shards are written here
and uploaded whole. Space: one shard per writer, plus copies up to COPY_BYTES per process. TMPDIR says where. A
process holds a lock on its folder; what a killed one left behind is removed by the next.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from pathlib import Path

COPY_BYTES = 4 << 30  # of copies kept by one process
_FOLDER, _LOCK = "warcmill-scratch-", ".lock"
_COPIES: OrderedDict[tuple[str, str], Path] = OrderedDict()  # (url, identity) -> copy, the last used last
_HELD: list[int] = []  # descriptor of the lock of this process's folder, open as long as it lives
_GUARD = threading.RLock()


@cache
def _folder(_pid: int) -> Path:
    """This process's folder, made on first use; a forked child gets its own."""
    sweep()
    _COPIES.clear()
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_FOLDER))
        lock = os.open(folder / _LOCK, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / _LOCK).exists():
            break
        os.close(lock)  # it was swept away before it was locked
    _HELD.append(lock)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def sweep() -> None:
    """Remove the folders of processes that are gone."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*"):
        try:
            with (folder / _LOCK).open("r") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue  # in use, somebody else's, or just being made


def new_file() -> Path:
    """A name for a file that nobody else uses."""
    with _GUARD:
        return _folder(os.getpid()) / uuid.uuid4().hex


def kept_copy(name: str, identity: str, fetch: Callable[[Path], None]) -> Path:
    """The local copy of something remote, made by `fetch(path)` unless this process has one of the same identity."""
    key = (name, identity)
    with _GUARD:
        if key in _COPIES and _COPIES[key].exists():
            _COPIES.move_to_end(key)
            return _COPIES[key]
    target = new_file()
    try:
        fetch(target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    with _GUARD:
        _COPIES[key] = target
        _forget_oldest()
    return target


def _forget_oldest() -> None:
    sizes = {key: copy.stat().st_size for key, copy in _COPIES.items() if copy.exists()}
    total = sum(sizes.values())
    for key in list(_COPIES)[:-1]:
        if total <= COPY_BYTES:
            return
        total -= sizes.get(key, 0)
        _COPIES.pop(key).unlink(missing_ok=True)  # a reader that has it open goes on reading
