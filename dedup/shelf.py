"""Texts that may be compared again: those used last in memory, the others in a file that has no name.

A component of a crawl can hold every page of some thousand sites; what is kept of it must not have to fit into memory.
The file is deleted by the system when the process ends, however it ends. TMPDIR says where it lies. Of every text an
outline of its shingles stays in memory, some 2 to 4 bytes for each: most candidates are ruled out by it and not read;
of the others the shingles are read, and the whole text only where it is aligned.
"""

from __future__ import annotations

import os
import tempfile
from collections import OrderedDict
from functools import cached_property
from typing import IO, NamedTuple

import numpy as np

from dedup.verify import Prepared
from pipeline.text.sketch import U64, outline

SHELF_BYTES = 512 << 20  # of texts in memory
_WORD_BYTES = 100  # of one token in the list of words that a comparison may have made


class _Place(NamedTuple):
    """Where a text lies in the file, shingles first, and the items or bytes of each part."""

    start: int
    shingles: int
    words: int
    text_bytes: int
    keep: int


class Shelf:
    """A mapping from number to Prepared that holds about `max_bytes` of them in memory."""

    def __init__(self, max_bytes: int = SHELF_BYTES) -> None:
        self._max_bytes = max_bytes
        self.outlines: dict[int, bytes] = {}  # what `pipeline.text.sketch.outline` says of the shingles
        self._near: OrderedDict[int, tuple[Prepared, int]] = OrderedDict()  # with bytes; the last used last
        self._near_bytes = 0
        self._far: dict[int, tuple[int, ...]] = {}  # of a _Place; the garbage collector looks at plain tuples once
        self._end = 0

    @cached_property
    def _file(self) -> IO[bytes]:
        return tempfile.TemporaryFile(prefix="warcmill-shelf-", buffering=0)

    def __contains__(self, number: int) -> bool:
        return number in self.outlines

    def __getitem__(self, number: int) -> Prepared:
        held = self._near.pop(number, None)
        text, size = held or (self._restored(_Place(*self._far[number])), 0)
        self._near_bytes -= size
        self._hold(number, text)  # weighed again, as it may hold words by now
        return text

    def __setitem__(self, number: int, text: Prepared) -> None:
        self.outlines[number] = outline(text.shingles)
        self._hold(number, text)

    def shingles(self, number: int) -> U64:
        """Those of one text; where it lies in the file the rest is not read, and it stays there."""
        held = self._near.get(number)
        if held is not None:
            return held[0].shingles
        place = _Place(*self._far[number])
        return np.frombuffer(self._read(place.start, 8 * place.shingles), np.uint64)

    def discard(self, number: int) -> bool:
        """Forget a text; whether it was there."""
        held = self._near.pop(number, None)
        if held is not None:
            self._near_bytes -= held[1]
        self._far.pop(number, None)
        return self.outlines.pop(number, None) is not None

    def clear(self) -> None:
        """Forget all of them; the file's space is used again."""
        self.outlines.clear()
        self._near.clear()
        self._far.clear()
        self._near_bytes = self._end = 0

    def close(self) -> None:
        """Give the file back; the shelf is empty afterwards and may be used again."""
        self.clear()
        if "_file" in self.__dict__:
            self._file.close()
            del self._file

    def _hold(self, number: int, text: Prepared) -> None:
        size = _size(text)
        self._near[number] = text, size
        self._near_bytes += size
        while self._near_bytes > self._max_bytes and len(self._near) > 1:
            oldest, (other, size) = self._near.popitem(last=False)
            self._near_bytes -= size
            if oldest not in self._far:
                self._far[oldest] = tuple(self._write(other))

    def _write(self, text: Prepared) -> _Place:
        encoded = text.text.encode()
        place = _Place(self._end, len(text.shingles), len(text.hashes), len(encoded), text.keep)
        parts = memoryview(b"".join((text.shingles.data, text.hashes.data, text.formula.data, encoded)))
        while parts:
            written = os.pwrite(self._file.fileno(), parts, self._end)
            self._end += written
            parts = parts[written:]
        return place

    def _restored(self, place: _Place) -> Prepared:
        hashes = 8 * place.shingles
        formula = hashes + 8 * place.words
        data = self._read(place.start, formula + place.words + place.text_bytes)
        return Prepared(
            data[formula + place.words :].decode(),
            np.frombuffer(data, np.uint64, place.words, hashes),
            np.frombuffer(data, np.bool_, place.words, formula),
            np.frombuffer(data, np.uint64, place.shingles),
            place.keep,
        )

    def _read(self, start: int, size: int) -> bytes:
        data = more = os.pread(self._file.fileno(), size, start)
        while len(data) < size and more:  # the system gives at most 2 GiB at a time
            more = os.pread(self._file.fileno(), size - len(data), start + len(data))
            data += more
        return data  # what lacks is an error of numpy's


def _size(text: Prepared) -> int:
    """Bytes that a text holds, what comparisons have derived from it included."""
    hashes = len(text.hashes)
    listed = _WORD_BYTES * hashes if "words" in text.__dict__ else 0
    return text.text.__sizeof__() + 17 * hashes + 8 * len(text.shingles) + listed
