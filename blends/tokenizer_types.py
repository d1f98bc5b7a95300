"""What every kind of tokenizer looks like to the rest of the house: an identity and three functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int32]
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TokenizerIdentity:
    """What the manifest says about the tokenizer. Every id is in [0, vocab_size)."""

    name: str
    sha256: str  # of the bytes of the file: tokenizer.json, .tiktoken or SentencePiece .model
    vocab_size: int  # highest id + 1, added tokens included: rows that an embedding needs
    eos_id: int
    eos_token: str
    bos_id: int | None
    dtype: str = "int32"
    format: str = "tokenizer.json"  # or "tiktoken", "sentencepiece"
    settings: Mapping[str, Any] | None = None  # what the file does not say: pattern and special tokens of tiktoken

    def to_json(self) -> dict[str, Any]:
        """Without `format` and `settings` for a tokenizer.json, as manifests had it before there were other kinds."""
        optional = {"format", "settings"} if self.format == "tokenizer.json" else set()
        optional |= {"settings"} if self.settings is None else set()
        return {key: value for key, value in asdict(self).items() if key not in optional}


class TokenizerHandle(Protocol):
    """A loaded tokenizer; make one with `blends.tokenizer.load_tokenizer`. Never pickled: workers load their own."""

    @property
    def identity(self) -> TokenizerIdentity:
        """What goes into the manifest."""

    def encode_batch(self, texts: Sequence[str]) -> list[Ids]:
        """Token ids of each text, without any control token, without EOS."""

    def decode(self, ids: Ids) -> str:
        """Text of token ids, control tokens included."""

    def last_characters(self, text: str, ids: Ids) -> Positions:
        """Index into text of the last character of each token. `ids` is what encode_batch gave for text."""


def int32(ids: Sequence[int]) -> Ids:
    """Ids as the array type that shards hold."""
    return np.array(ids, dtype=np.int32)


def characters_of_bytes(text: str) -> Positions:
    """For each UTF-8 byte of text the index of its character."""
    if text.isascii():
        return np.arange(len(text), dtype=np.int64)
    code_points = np.frombuffer(text.encode("utf-32-le"), dtype="<u4")
    widths = 1 + (code_points > 0x7F) + (code_points > 0x7FF) + (code_points > 0xFFFF)
    return np.repeat(np.arange(len(text), dtype=np.int64), widths)
