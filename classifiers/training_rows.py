"""Rows {"text", "label"} in, a training and a held-out part out; the same rows always part the same way."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import zstandard

from pipeline.errors import InputError


@dataclass(frozen=True, slots=True)
class Row:
    """One example.

    Attributes:
        group: what must not stand on both sides of the split: a site, a repository; "" for none.
        held_out: keep the row for the test; where any row says so, those that do are the held-out part.
    """

    text: str
    label: str
    group: str = ""
    held_out: bool = False

    @property
    def key(self) -> bytes:
        """Place of the row in every order: a hash of label and text."""
        return blake2b(f"{self.label}\0{self.text}".encode("utf-8", "replace"), digest_size=8).digest()


def unique(rows: Iterable[Row]) -> list[Row]:
    """Each row once, in order of the hashes, which no order of the file moves."""
    known = {row.key: row for row in rows}
    return [known[key] for key in sorted(known)]


def read_rows(path: Path) -> list[Row]:
    """Every row of a JSON-lines file with text and label; other fields but `group` and `held_out` are left alone.

    Raises:
        InputError: the file is missing, or a line is no such row; says which.
    """
    if not path.is_file():
        raise InputError("the training file is missing", where=str(path), expected="JSON lines with text and label")
    with _opened(path) as handle:
        rows = [_row(line, f"{path}:{number}") for number, line in enumerate(handle, 1) if line.strip()]
    if not rows:
        raise InputError("no training rows", where=str(path), expected='lines like {"text": "…", "label": "math"}')
    return rows


def _zstd(packed: bytes) -> bytes:
    """What all frames hold. (zstandard's stream reader takes a cut-off frame for a whole one.)"""
    plain = bytearray()
    while packed:
        frame = zstandard.ZstdDecompressor().decompressobj()
        plain += frame.decompress(packed)
        if not frame.eof:
            raise EOFError("the last zstd frame is cut off")
        packed = frame.unused_data
    return bytes(plain)


@contextmanager
def _opened(path: Path) -> Iterator[Iterable[bytes]]:
    """Lines of a plain, gzip or zstd file, told by its first bytes.

    Raises:
        InputError: the compressed file is damaged or cut off.
    """
    with path.open("rb") as handle:
        magic = handle.read(4)
        handle.seek(0)
        try:
            if magic[:2] == b"\x1f\x8b":
                yield gzip.GzipFile(fileobj=handle)
            elif magic == b"\x28\xb5\x2f\xfd":
                yield io.BytesIO(_zstd(handle.read()))
            else:
                yield handle
        except (OSError, EOFError, zlib.error, zstandard.ZstdError) as problem:
            raise InputError(f"the training file is damaged: {problem}", where=str(path)) from problem


def _row(line: bytes, where: str) -> Row:
    expected = '{"text": "…", "label": "math"}, optionally "group" and "held_out"'
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError) as problem:
        raise InputError(f"no JSON: {problem}", where=where, expected=expected) from None
    if not isinstance(row, dict) or not isinstance(row.get("text"), str) or not _is_label(row.get("label")):
        raise InputError("a row needs text and a label", where=where, expected=expected)
    return Row(row["text"], str(row["label"]), str(row.get("group") or ""), row.get("held_out") is True)


def _is_label(label: object) -> bool:
    if isinstance(label, str):
        return bool(label) and not any(sign.isspace() for sign in label)
    return isinstance(label, int | float)


def split(rows: Iterable[Row], share: float, *, by_label: bool = True) -> tuple[list[Row], list[Row]]:
    """(training, held out), each in order of the rows' hashes, which no order of the file moves; repeated rows once.

    Held out are the rows marked so, where there are any. Else, with at least two groups, whole groups: the smallest
    hashes first, until `share` of the rows is reached. Otherwise every row by its own hash.

    Args:
        by_label: labels are classes, and each must stay in the training part; False where they are numbers.

    Raises:
        InputError: nothing, or not every class, would be left to train on.
    """
    ordered = unique(rows)
    held = _held_groups(ordered, share, by_label=by_label)
    chosen = [row.group in held if held else _fraction(row.key) < share for row in ordered]
    if any(row.held_out for row in ordered):
        chosen = [row.held_out for row in ordered]
    train = [row for row, out in zip(ordered, chosen, strict=True) if not out]
    kept = [row for row, out in zip(ordered, chosen, strict=True) if out]
    missing = {row.label for row in ordered} - {row.label for row in train}
    if not train or (by_label and (missing or len({row.label for row in train}) < 2)):
        raise InputError(
            f"nothing to learn: {len(train)} training rows with labels {sorted({row.label for row in train})}",
            expected="at least two labels, each in more than one group or with more rows",
            hint="give more rows, or drop the group field",
        )
    return train, kept


def _held_groups(rows: list[Row], share: float, *, by_label: bool) -> set[str]:
    """Groups to hold out: those that leave every label something to train on, by hash, up to `share` of the rows."""
    sizes = Counter(row.group for row in rows)
    if len(sizes) < 2 or "" in sizes:
        return set()
    left = {(row.group, row.label if by_label else "") for row in rows}
    held: set[str] = set()
    taken = 0
    for group in sorted(sizes, key=lambda name: blake2b(name.encode("utf-8", "replace"), digest_size=8).digest()):
        labels = {label for name, label in left if name == group}
        others = {label for name, label in left if name != group}
        if taken < share * len(rows) and labels <= others and taken + sizes[group] <= max(2 * share, 0.5) * len(rows):
            held.add(group)
            taken += sizes[group]
            left = {pair for pair in left if pair[0] != group}
    return held


def _fraction(key: bytes) -> float:
    return int.from_bytes(key, "big") / 2**64


def counts(rows: Iterable[Row]) -> Iterator[tuple[str, int]]:
    """(label, rows) by label."""
    yield from sorted(Counter(row.label for row in rows).items())
