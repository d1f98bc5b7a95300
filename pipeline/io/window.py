"""A forward-only view of a stream with bounded look-ahead: what record framing reads from."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.io.compressed_members import MemberDamaged


class Window:
    """Bytes from `cursor` on are unread. `position` counts from the start of the stream (plus the given origin).

    A MemberDamaged raised by `pull` ends the stream and is kept in `damage`.
    """

    __slots__ = ("_origin", "_pull", "buffer", "cursor", "damage", "ended")

    def __init__(self, pull: Callable[[], bytes], origin: int = 0) -> None:
        self._pull, self._origin = pull, origin
        self.buffer, self.cursor = b"", 0
        self.ended = False
        self.damage: MemberDamaged | None = None

    @property
    def position(self) -> int:
        return self._origin + self.cursor

    @property
    def available(self) -> int:
        return len(self.buffer) - self.cursor

    def ensure(self, count: int) -> int:
        """Hold at least `count` unread bytes if the stream has them; return how many are held."""
        held = len(self.buffer) - self.cursor
        if held >= count or self.ended:
            return held
        chunks = [self.buffer[self.cursor :]]
        while held < count and (chunk := self._next()):
            chunks.append(chunk)
            held += len(chunk)
        self._origin += self.cursor
        self.buffer, self.cursor = b"".join(chunks), 0
        return held

    def _next(self) -> bytes:
        try:
            chunk = self._pull()
        except MemberDamaged as damage:
            self.damage, chunk = damage, b""
        self.ended = not chunk
        return chunk

    def peek(self, start: int, count: int) -> bytes:
        """Bytes `start` to `start + count` after the cursor, as far as they exist."""
        self.ensure(start + count)
        return self.buffer[self.cursor + start : self.cursor + start + count]

    def advance(self, count: int) -> None:
        """Pass over `count` held bytes."""
        self.cursor = min(self.cursor + count, len(self.buffer))

    def jump(self, position: int) -> None:
        """Drop what is held and stand at `position`; the owner of `pull` must continue from there."""
        self.buffer, self.cursor, self._origin = b"", 0, position
        self.ended = False
