"""SentencePiece models (`tokenizer.model`), encoded by the sentencepiece library itself.

Its control pieces (`<s>`, `</s>`) never come from text, but user-defined pieces (`<start_of_turn>`) do. So pieces of
that type that are not whitespace are turned into control pieces before loading: one byte each in the model file, ids
unchanged. Their spelling is then encoded with ordinary pieces, as for every other kind of tokenizer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from blends.tokenizer_types import Ids, Positions, TokenizerIdentity, characters_of_bytes, int32
from pipeline.errors import InputError

INSTALL = "pip install 'warcmill[tokenizers]'"
_USER_DEFINED, _CONTROL = 4, 3  # sentencepiece_model.proto, ModelProto.SentencePiece.Type
_SPACE = "\N{LOWER ONE EIGHTH BLOCK}"


@dataclass(frozen=True, slots=True, eq=False)
class SentencePieceHandle:
    """A loaded SentencePiece model."""

    identity: TokenizerIdentity
    model: Any  # sentencepiece.SentencePieceProcessor

    def encode_batch(self, texts: Sequence[str]) -> list[Ids]:
        """Token ids of each text; control pieces are spelled out, never made."""
        return [int32(ids) for ids in self.model.encode(list(texts), out_type=int, num_threads=1)]

    def decode(self, ids: Ids) -> str:
        """Text of token ids. Most models normalise, so this is not always the text that was encoded."""
        return str(self.model.decode(ids.tolist()))

    def last_characters(self, text: str, ids: Ids) -> Positions:  # noqa: ARG002 - other kinds need the ids
        """Index into text of the last character of each token, from the library's byte offsets."""
        pieces = self.model.encode(text, return_type="proto").pieces
        ends = np.fromiter((piece.end for piece in pieces), dtype=np.int64, count=len(pieces))
        character_of_byte = characters_of_bytes(text)
        return character_of_byte[np.clip(ends - 1, 0, len(character_of_byte) - 1)] if len(ends) else ends


def load_sentencepiece(name: str, raw: bytes, eos_token: str | None, bos_token: str | None) -> SentencePieceHandle:
    """A handle from the bytes of a SentencePiece model.

    Raises:
        InputError: not a model, no end-of-document piece in it, or sentencepiece is not installed.
    """
    try:
        import sentencepiece
    except ImportError as error:
        what, expected = "sentencepiece is not installed", "the package sentencepiece"
        raise InputError(what, where=name, expected=expected, hint=INSTALL) from error
    try:
        model = sentencepiece.SentencePieceProcessor(model_proto=without_user_defined(raw))
    except (RuntimeError, ValueError, IndexError) as error:
        what = f"not a SentencePiece model: {error}"
        raise InputError(
            what, where=name, expected="a tokenizer.model, a .tiktoken file or a tokenizer.json"
        ) from error
    ids = {model.id_to_piece(i): i for i in range(model.vocab_size())}
    eos_id = ids.get(eos_token, -1) if eos_token else model.eos_id()
    if eos_id < 0:
        what = f"piece {eos_token!r} is not in the model" if eos_token else "the model has no end-of-document piece"
        raise InputError(what, where=name, expected="an end-of-document piece of this model", hint="set eos_token")
    bos_id = ids.get(bos_token) if bos_token else model.bos_id()
    identity = TokenizerIdentity(
        name=name,
        sha256=sha256(raw).hexdigest(),
        vocab_size=model.vocab_size(),
        eos_id=eos_id,
        eos_token=model.id_to_piece(eos_id),
        bos_id=None if bos_id is None or bos_id < 0 else bos_id,
        format="sentencepiece",
    )
    return SentencePieceHandle(identity, model)


def without_user_defined(raw: bytes) -> bytes:
    """The model with its user-defined pieces, whitespace excepted, marked as control pieces.

    Raises:
        ValueError, IndexError: the bytes are no protocol buffer.
    """
    safe = bytearray(raw)
    for number, start, end in _fields(raw, 0, len(raw)):
        if number == 1:  # repeated SentencePiece pieces = 1
            _mark(safe, raw, start, end)
    return bytes(safe)


def _mark(safe: bytearray, raw: bytes, start: int, end: int) -> None:
    piece, place = "", -1
    for number, begin, stop in _fields(raw, start, end):
        if number == 1:  # string piece
            piece = raw[begin:stop].decode("utf-8", "replace")
        elif number == 3 and raw[begin] == _USER_DEFINED and stop == begin + 1:  # Type type
            place = begin
    if place >= 0 and piece.replace(_SPACE, "").strip():
        safe[place] = _CONTROL


def _fields(raw: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Fields of a protocol buffer message in raw[start:end]: number, and where its value begins and ends."""
    while start < end:
        key, start = _varint(raw, start)
        kind = key & 7
        if kind == 0:
            stop = _varint(raw, start)[1]
        elif kind == 2:
            size, start = _varint(raw, start)
            stop = start + size
        elif kind in (1, 5):
            stop = start + (8 if kind == 1 else 4)
        else:
            raise ValueError(f"wire type {kind}")
        if stop > end:
            raise ValueError("cut off")
        yield key >> 3, start, stop
        start = stop


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number of more than ten bytes")
