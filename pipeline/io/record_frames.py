"""Cuts a stream of inflated bytes into records, and finds the next record after damage.

A record's length is believed only if what follows is a record, the end, or the blank line that ends every record; else
the record is a loss and reading goes on at the next header that parses. So bytes that look like a record inside a body
never start one in a clean archive, and a wrong Content-Length costs that record only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pipeline.io.read_limits import ReadLimits
from pipeline.io.record_heads import (
    ARC_URL,
    HEAD_MARKS,
    MAX_ARC_LINE_BYTES,
    WARC_LINE,
    Head,
    parse_arc_head,
    parse_warc_head,
)
from pipeline.io.window import Window

TAIL_BYTES = 64
FIRST_HEAD_BYTES = 4 << 10
SCAN_BYTES = 64 << 10
RESYNC_HEAD_BYTES = 8 << 10  # a header found by scanning must be this short, which bounds the work of false ones
BLANK_LINES = (b"\r\n\r\n", b"\n\n", b"\r\n\n", b"\n\r\n")


@dataclass(frozen=True, slots=True)
class Record:
    """One framed record; `block` is None when it is longer than max_record_bytes (then passed over)."""

    head: Head
    position: int
    block: bytes | None


@dataclass(frozen=True, slots=True)
class Loss:
    """Bytes that gave no record. `head` is what their header said, if there was one."""

    position: int
    reason: str
    detail: str
    head: Head | None = None


class Framer:
    """Frames of one window.

    Args:
        window: the bytes.
        limits: budgets.
        seek: for random-access streams, moves the window's source and says if the position exists; None for others.
        whole_units: True where the window is one compressed member holding one record: a member whose checksum fails
            then takes its record with it. False for streams, where what was inflated before the damage is kept.
        archive: "warc", "arc" or "" while unknown; limits what is searched for after damage.
    """

    def __init__(
        self,
        window: Window,
        limits: ReadLimits,
        *,
        seek: Callable[[int], bool] | None = None,
        whole_units: bool = False,
        archive: str = "",
    ) -> None:
        self.window, self.limits, self.archive = window, limits, archive
        self._seek, self._whole_units = seek, whole_units
        self._no_blank_line_before = 0  # position; lets overlapping searches for the end of a header start late
        self.broken_head: Head | None = None  # of the record in which the window's damage struck, where it is known
        self.broken_at: int | None = None  # position where that record, or the garbage it struck in, begins

    def frames(self, *, synced: bool = True) -> Iterator[Record | Loss]:
        """Records and losses in order. With synced=False the bytes before the first header are passed over silently."""
        window = self.window
        if not synced:
            self.skip_to_head()
        while self._skip_blank():
            start = window.position
            head = self.head(self.limits.max_header_bytes)
            if head is None:
                yield from self._lose(start, self._garbage_reason(), None, 1)
            elif head.length is None:
                yield from self._lose(start, "damaged", head, head.head_bytes - 1, "no usable Content-Length, ")
            else:
                self.archive = head.archive
                yield from self._record(head, head.length, start)

    def _skip_blank(self) -> bool:
        """Pass line ends between records; False at the end of the stream."""
        window = self.window
        while window.ensure(1):
            if window.buffer[window.cursor] not in b"\r\n":
                return True
            run = window.peek(0, TAIL_BYTES)
            window.advance(len(run) - len(run.lstrip(b"\r\n")))
        return False

    def _garbage_reason(self) -> str:
        window = self.window
        if not WARC_LINE.match(window.buffer, window.cursor):
            return "damaged"
        if window.available >= self.limits.max_header_bytes:
            return "headers_too_large"
        return "truncated" if window.ended and self._head_end(window.available) < 0 else "damaged"

    def head(self, max_bytes: int) -> Head | None:
        """Head at the cursor, if one is there and no longer than max_bytes."""
        window = self.window
        window.ensure(min(FIRST_HEAD_BYTES, max_bytes))
        if WARC_LINE.match(window.buffer, window.cursor):
            return self._warc_head(max_bytes)
        if ARC_URL.match(window.buffer, window.cursor):
            end = window.peek(0, min(MAX_ARC_LINE_BYTES, max_bytes)).find(b"\n")
            return parse_arc_head(window.buffer[window.cursor : window.cursor + end + 1]) if end > 0 else None
        return None

    def _warc_head(self, max_bytes: int) -> Head | None:
        window = self.window
        wanted = min(FIRST_HEAD_BYTES, max_bytes)
        while True:
            held = min(window.ensure(wanted), max_bytes)
            end = self._head_end(held)
            if end > 0 or held < wanted or wanted >= max_bytes:
                break
            wanted = min(wanted * 4, max_bytes)
        if end < 0:
            return None
        return parse_warc_head(window.buffer[window.cursor : end])

    def _head_end(self, held: int) -> int:
        """Index in the buffer just after the blank line that ends the header at the cursor; -1 if not within `held`."""
        buffer, cursor, origin = self.window.buffer, self.window.cursor, self.window.position - self.window.cursor
        start, stop = max(cursor, self._no_blank_line_before - origin - 2), cursor + held
        crlf = buffer.find(b"\n\r\n", start, stop)
        bare = buffer.find(b"\n\n", start, stop if crlf < 0 else crlf + 1)
        if bare < 0 and crlf < 0:
            self._no_blank_line_before = max(self._no_blank_line_before, origin + stop)
            return -1
        return bare + 2 if bare >= 0 else crlf + 3

    def _record(self, head: Head, length: int, start: int) -> Iterator[Record | Loss]:
        if length > self.limits.max_record_bytes:
            yield from self._oversized(head, length, start)
            return
        window, total = self.window, head.head_bytes + length
        held = window.ensure(total + TAIL_BYTES)
        if window.damage and (self._whole_units or held < total):
            self.broken_head, self.broken_at = head, start
            window.advance(window.available)
        elif held < total:
            yield from self._lose(start, "truncated", head, head.head_bytes - 1, f"{held} of {total} bytes present, ")
        elif not self._ends_well(window.peek(total, TAIL_BYTES)):
            yield from self._lose(start, "damaged", head, head.head_bytes - 1, "Content-Length does not fit, ")
        else:
            block = window.buffer[window.cursor + head.head_bytes : window.cursor + total]
            window.advance(total)
            yield Record(head, start, block)

    def _ends_well(self, tail: bytes) -> bool:
        """Whether `tail`, the bytes after a block, can follow a record."""
        rest = tail.lstrip(b"\r\n")
        if not rest or rest[:5].upper() == b"WARC/":
            return True
        if self.archive == "arc":
            return len(rest) < len(tail) or ARC_URL.match(rest) is not None
        return tail.startswith(BLANK_LINES)

    def _oversized(self, head: Head, length: int, start: int) -> Iterator[Record | Loss]:
        """Pass over a block that is too long to hold.

        Where the stream can be sought, its end is checked there. Elsewhere the block is scanned while it passes, and
        the first header inside it ends it: a wrong length would otherwise swallow the rest of the archive.
        """
        end = start + head.head_bytes + length
        if self._seek:
            after_head = start + head.head_bytes
            if not (self._move(end) and self._ends_well(self.window.peek(0, TAIL_BYTES))):
                self._move(after_head - 1)
                yield from self._lose(start, "damaged", head, 0, "Content-Length does not fit, ")
                return
        else:
            losses = list(self._pass_over(head, start, end))
            yield from losses
            if losses or self.broken_at is not None:
                return
        yield Record(head, start, None)

    def _pass_over(self, head: Head, start: int, end: int) -> Iterator[Loss]:
        window = self.window
        window.advance(head.head_bytes - 1)
        if self.skip_to_head(stop=end):
            yield Loss(start, "damaged", f"Content-Length {head.length} does not fit", head)
        elif window.position < end and window.damage:
            self.broken_head, self.broken_at = head, start
        elif window.position < end:
            yield Loss(start, "truncated", f"{window.position - start} of {end - start} bytes present", head)

    def _move(self, position: int) -> bool:
        if not self._seek or not self._seek(position):
            return False
        self.window.jump(position)
        return True

    def _lose(self, start: int, reason: str, head: Head | None, skip: int, why: str = "") -> Iterator[Loss]:
        """Go to the next head at least `skip` bytes on and report what was passed."""
        window = self.window
        window.advance(skip)
        found = self.skip_to_head()
        if found and reason == "truncated":
            reason = "damaged"  # the record claimed the bytes of later ones
        if window.damage and not found:
            self.broken_head, self.broken_at = head, start
            return  # one damage, one report: by who reads the members
        yield Loss(start, reason, f"{why}{window.position - start} bytes skipped", head)

    def skip_to_head(self, stop: int | None = None) -> bool:
        """Move to the next record head; False at the end of the stream or at position `stop`, whichever is first."""
        window = self.window
        while window.ensure(SCAN_BYTES):
            at = self._candidate()
            if stop is not None and window.position + (at if at is not None else window.available) >= stop:
                window.advance(stop - window.position)
                return False
            if at is None:
                keep = 0 if window.ended else MAX_ARC_LINE_BYTES + 1  # a head may begin there, after its newline
                window.advance(max(window.available - keep, 0))
                if window.ended and not window.available:
                    return False
                continue
            window.advance(at)
            if self.head(RESYNC_HEAD_BYTES):
                return True
            window.advance(1)
        return False

    def _candidate(self) -> int | None:
        """Distance from the cursor to the next place where a head might begin, within what is held."""
        window = self.window
        for hit in HEAD_MARKS[self.archive].finditer(window.buffer, window.cursor):
            at = hit.start() if hit[0][:1] != b" " else self._arc_line(hit.start())
            if at >= window.cursor:
                return at - window.cursor
        return None

    def _arc_line(self, date: int) -> int:
        """Start in the buffer of the ARC line whose date field is at `date`; -1 if that is no URL line."""
        buffer = self.window.buffer
        newline = buffer.rfind(b"\n", max(0, date - MAX_ARC_LINE_BYTES), date)
        return newline + 1 if newline >= 0 and ARC_URL.match(buffer, newline + 1) else -1
