"""The exception tree. Every error a user can meet says what, where, what was expected, and a hint.

WarcmillError
├── UsageError            exit 2: bad arguments, unknown recipe key, output of another recipe
├── InputError            exit 1: an input that cannot be read at all (missing, a directory, not a WARC)
├── OutputError           exit 1: an output that cannot be written (permissions, disk full)
├── CommitConflict        exit 1: two attempts at one shard wrote different bytes
├── ConservationError     exit 1: rows in != rows out + rejected + failed
├── VerificationError     exit 1: stored bytes or counts differ from what the manifest says
└── ShardFailed           exit 1: a shard raised; carries file, offset and url of the record at hand
"""

from __future__ import annotations


class WarcmillError(Exception):
    """Base of every error warcmill raises on purpose.

    Args:
        what: what went wrong, one sentence.
        where: file, file:offset, url or option it happened at.
        expected: what would have been right.
        hint: the next thing to try, a command where there is one.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", expected: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what, self.where, self.expected, self.hint = what, where, expected, hint

    def __str__(self) -> str:
        lines = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.expected:
            lines.append(f"expected: {self.expected}")
        if self.hint:
            lines.append(f"hint: {self.hint}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:  # keyword-only arguments must survive process borders
        return _rebuild, (type(self), self.what, self.where, self.expected, self.hint)


def _rebuild(cls: type[WarcmillError], what: str, where: str, expected: str, hint: str) -> WarcmillError:
    return cls(what, where=where, expected=expected, hint=hint)


class UsageError(WarcmillError):
    """The command or recipe asks for something that does not exist or does not fit."""

    exit_code = 2


class InputError(WarcmillError):
    """An input cannot be read at all. Damage inside a readable file is a reject, not this."""


class OutputError(WarcmillError):
    """An output cannot be written."""


class CommitConflict(WarcmillError):
    """Two attempts at the same shard produced different bytes: a stage is not deterministic."""


class ConservationError(WarcmillError):
    """rows in != rows out + rejected + failed."""


class VerificationError(WarcmillError):
    """Stored bytes, rows or counts differ from what a manifest or commit says."""


class ShardFailed(WarcmillError):
    """A shard raised an error that is not a named reject."""
