"""Embeddings of documents: static word vectors where their wheel is installed, hashed token n-grams everywhere.

The vectors are those of WordLlama (pip install wordllama: 16 MB inside the wheel, no network at run time). Its files
are read, its code is not imported: a document is the mean of its tokens' vectors, as its own inference computes it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from pipeline.errors import InputError

Floats = npt.NDArray[np.float64]
MAX_CHARS = 20_000  # of a document
_WEIGHTS, _TOKENIZER = "weights/l2_supercat_256.safetensors", "tokenizers/l2_supercat_tokenizer_config.json"
_BATCH = 64


@dataclass(frozen=True, slots=True, eq=False)
class WordVectors:
    """Vectors by token id, and the tokenizer that they belong to."""

    name: str
    tokenizer: Tokenizer
    vectors: npt.NDArray[np.float32]

    def embed(self, texts: Sequence[str]) -> Floats:
        """One row per text: the mean of its tokens' vectors; zeros for a text without tokens."""
        rows = np.zeros((len(texts), self.vectors.shape[1]))
        for start in range(0, len(texts), _BATCH):
            batch = [text[:MAX_CHARS] for text in texts[start : start + _BATCH]]
            for place, encoded in enumerate(self.tokenizer.encode_batch(batch, add_special_tokens=False), start):
                ids = np.array(encoded.ids, np.int64)
                if len(ids):
                    rows[place] = self.vectors[ids].mean(axis=0, dtype=np.float64)
        return rows


def word_vectors() -> WordVectors | None:
    """The vectors in the wordllama wheel, None where it is not installed.

    Raises:
        InputError: the wheel does not hold what it should.
    """
    found = find_spec("wordllama")
    if found is None or not found.submodule_search_locations:
        return None
    folder = Path(found.submodule_search_locations[0])
    try:
        tokenizer = Tokenizer.from_file(str(folder / _TOKENIZER))
        vectors = _safetensors(folder.joinpath(_WEIGHTS).read_bytes())
    except (OSError, ValueError, KeyError, struct.error) as error:
        raise InputError(
            f"cannot read its vectors: {error}", where="wordllama", hint="pip install wordllama"
        ) from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return WordVectors("wordllama l2_supercat_256", tokenizer, vectors)


def _safetensors(raw: bytes) -> npt.NDArray[np.float32]:
    """The one matrix of a safetensors file: u64 size of a JSON head, the head, the bytes."""
    (size,) = struct.unpack_from("<Q", raw)
    head = {name: entry for name, entry in json.loads(raw[8 : 8 + size]).items() if name != "__metadata__"}
    (entry,) = head.values()
    dtype = {"F16": np.float16, "F32": np.float32}[entry["dtype"]]
    begin, end = entry["data_offsets"]
    values = np.frombuffer(raw[8 + size + begin : 8 + size + end], dtype)
    return values.reshape(entry["shape"]).astype(np.float32)
