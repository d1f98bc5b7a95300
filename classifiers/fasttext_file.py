"""A fastText file is walked before fastText reads it, whose loader can loop for minutes on a damaged one.

Every part of the format gives its own size, so the sum must be the file's size: a truncated, appended or mixed-up file
is found before any work starts, without a checksum. A model card beside the file adds its sha256, which finds flipped
bits too.

Source: fastText 0.9.2, `fasttext.cc`, `dictionary.cc`, `quantmatrix.cc` (file version 12; 11 differs only in meaning).
"""

from __future__ import annotations

import json
import mmap
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from struct import Struct, error
from typing import Any

from pipeline.errors import InputError

MAGIC = 793712314
LABEL_PREFIX = "__label__"
HEAD = Struct("<2i12id3i2q")  # magic, version, twelve arguments, t, size, words, labels, tokens, pruned
PLAIN = Struct("<2q")  # rows, columns
QUANTISED = Struct("<?2qi")  # norms apart, rows, columns, bytes of codes
QUANTISER = Struct("<4i")  # dim, subquantisers, their length, the last one's length
CENTROIDS = 256
LABEL = 1  # entry type; 0 is a word


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What the file says of itself.

    Attributes:
        labels: without the prefix, in the file's order.
        dim: length of a word's vector.
        quantised: whether it is an `.ftz`.
    """

    labels: tuple[str, ...]
    dim: int
    quantised: bool


@cache
def check_model(path: Path) -> ModelFacts:
    """Facts of a whole and consistent fastText classifier.

    Raises:
        InputError: the file is missing, no fastText model, damaged, or not the one its card describes.
    """
    if not path.is_file():
        raise bad_model(path, "the model file is missing")
    if path.stat().st_size < HEAD.size:
        raise bad_model(path, f"only {path.stat().st_size} bytes: no fastText model")
    with path.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            facts = _walk(data, path)
        except error as problem:  # struct: the file ends inside a number
            raise bad_model(path, f"damaged or truncated: {problem}") from problem
    _check_card(path)
    return facts


def card_of(path: Path) -> dict[str, Any]:
    """The JSON card beside a model written by train-classifier; {} where there is none."""
    card = path.with_name(path.name + ".json")
    if not card.is_file():
        return {}
    try:
        loaded = json.loads(card.read_text())
    except ValueError as problem:
        raise InputError(
            f"the model card is no JSON: {problem}", where=str(card), hint="train the model again"
        ) from None
    return loaded if isinstance(loaded, dict) else {}


def bad_model(path: Path, what: str) -> InputError:
    """The error for a file that is no model, or no whole one."""
    hint = "check the path, or copy or train the model again (warcmill train-classifier)"
    return InputError(what, where=str(path), expected="a fastText classifier, .ftz or .bin", hint=hint)


def _check_card(path: Path) -> None:
    wanted = card_of(path).get("sha256")
    if wanted and sha256(path.read_bytes()).hexdigest() != wanted:
        raise bad_model(path, "damaged, or another model: sha256 differs from its model card's")


def _walk(data: mmap.mmap, path: Path) -> ModelFacts:
    magic, version, dim, *middle = HEAD.unpack_from(data, 0)
    size, words, labels, _, pruned = middle[-5:]
    if magic != MAGIC or version not in (11, 12):
        raise bad_model(path, "no fastText model: its first bytes are others")
    if labels <= 0 or words < 0 or size != words + labels or dim <= 0:
        raise bad_model(path, f"no classifier: {words} words, {labels} labels, dim {dim}")
    names, at = _entries(data, size, path)
    at += max(0, pruned) * 8
    quantised = bool(data[at : at + 1] == b"\x01")
    at, columns = _matrix(data, at + 1, quantised)
    output_quantised = bool(data[at : at + 1] == b"\x01")
    at, output_columns = _matrix(data, at + 1, output_quantised)
    if columns != dim or output_columns != dim:
        raise bad_model(path, f"wrong dimensions: header {dim}, input {columns}, output {output_columns}")
    if at != len(data) or len(names) != labels:
        raise bad_model(path, f"damaged or truncated: {len(data):,} bytes where its own lengths add up to {at:,}")
    return ModelFacts(tuple(names), dim, quantised)


def _entries(data: mmap.mmap, size: int, path: Path) -> tuple[list[str], int]:
    """Labels, and the offset after `size` entries of text, NUL, count (8 bytes), type (1 byte)."""
    at, names = HEAD.size, []
    for _ in range(size):
        end = data.find(b"\0", at)
        if end < 0 or end + 9 >= len(data):
            raise bad_model(path, "damaged or truncated: the dictionary does not end")
        if data[end + 9] == LABEL:
            names.append(data[at:end].decode("utf-8", "replace").removeprefix(LABEL_PREFIX))
        at = end + 10
    return names, at


def _matrix(data: mmap.mmap, at: int, quantised: bool) -> tuple[int, int]:
    """(offset after the matrix, its columns)."""
    if not quantised:
        rows, columns = PLAIN.unpack_from(data, at)
        return at + PLAIN.size + rows * columns * 4, columns
    norms, rows, columns, codes = QUANTISED.unpack_from(data, at)
    at = _quantiser(data, at + QUANTISED.size + max(0, codes))
    return (_quantiser(data, at + rows) if norms else at), columns


def _quantiser(data: mmap.mmap, at: int) -> int:
    dim = max(0, int(QUANTISER.unpack_from(data, at)[0]))
    return at + QUANTISER.size + dim * CENTROIDS * 4
