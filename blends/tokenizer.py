"""Text to token ids with any tokenizer, so that page text can never spell a control token; here `tokenizer.json` files.

tiktoken and SentencePiece files have modules of their own and keep the same promise.

A page may contain `<|endoftext|>`, `<s>` or `<think>` as text. Left alone, a tokenizer turns these into control
tokens, and a web page could end a document or open a chat turn in the training data. Three layers stop that:
1. every added token that is not pure whitespace is marked special before loading, and `encode_special_tokens` then
   makes the tokenizer treat its spelling as text (the flag alone misses added tokens that are not marked special);
2. truncation, padding, dropout and post-processing are removed, so that nothing is cut, padded, random or added;
3. after encoding, ids are checked against the control ids; where a model still produced one (Unigram models hold
   `<s>` in their vocabulary), the text is cut inside that spelling and the parts are encoded one by one.
Ordinary text gets the same ids as from the untouched tokenizer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from blends.tokenizer_files import TokenizerFiles, read_tokenizer_files
from blends.tokenizer_sentencepiece import load_sentencepiece
from blends.tokenizer_tiktoken import load_tiktoken
from blends.tokenizer_types import (
    Ids,
    Positions,
    TokenizerHandle,
    TokenizerIdentity,
    characters_of_bytes,
    int32,
)
from pipeline.errors import InputError

_END_TOKENS = (
    "<|endoftext|>",
    "<|end_of_text|>",
    "<｜end▁of▁sentence｜>",
    "</s>",
    "<eos>",
    "<|eos|>",
    "[EOS]",
)
_MAX_CUT_ROUNDS = 16


@dataclass(frozen=True, slots=True, eq=False)
class JsonHandle:
    """A loaded tokenizer.json."""

    identity: TokenizerIdentity
    model: Tokenizer
    control: npt.NDArray[np.bool_]  # by id: True for ids that text must never produce
    byte_lengths: Positions | None  # by id: bytes of text a token stands for, for byte-level models

    def encode_batch(self, texts: Sequence[str]) -> list[Ids]:
        """Token ids of each text, without any control token, without EOS.

        Memory: 60 to 250 bytes per character of the whole batch, so callers bound the batch.
        """
        encoded = [int32(e.ids) for e in self.model.encode_batch_fast(list(texts), add_special_tokens=False)]
        return [
            self._encode_cut(text) if self.control[ids].any() else ids for text, ids in zip(texts, encoded, strict=True)
        ]

    def _encode_cut(self, text: str) -> Ids:
        """Encode a text whose spelling of a control token the model itself would recognise."""
        cuts = {0, len(text)}
        for _ in range(_MAX_CUT_ROUNDS):
            bounds = list(pairwise(sorted(cuts)))
            encodings = self.model.encode_batch([text[a:b] for a, b in bounds], add_special_tokens=False)
            found = {
                cut
                for (base, _), encoding in zip(bounds, encodings, strict=True)
                for cut in self._cuts_inside_control(encoding.ids, encoding.offsets, base)
            }
            if not found:
                return np.concatenate([int32(e.ids) for e in encodings])
            if found <= cuts:
                break
            cuts |= found
        raise InputError(
            "the tokenizer turns ordinary text into a control token",
            where=self.identity.name,
            expected="a model that spells control tokens with ordinary pieces",
            hint="use a byte-level tokenizer, e.g. --tokenizer deepseek",
        )

    def _cuts_inside_control(self, ids: list[int], offsets: list[tuple[int, int]], base: int) -> Iterator[int]:
        for token, (start, end) in zip(ids, offsets, strict=True):
            if self.control[token]:
                yield from range(base + start + 1, base + end) if end - start > 1 else (base + start,)

    def decode(self, ids: Ids) -> str:
        """Text of token ids, control tokens included."""
        return str(self.model.decode(ids.tolist(), skip_special_tokens=False))

    def last_characters(self, text: str, ids: Ids) -> Positions:
        """Index into text of the last character of each token. `ids` is what encode_batch gave for text.

        Byte-level models: from token lengths, checked by their sum. Others: encoded again with offsets.
        """
        if self.byte_lengths is not None:
            ends = np.cumsum(self.byte_lengths[ids])
            character_of_byte = characters_of_bytes(text)
            if len(ends) and ends[-1] == len(character_of_byte):
                return character_of_byte[ends - 1]
        offsets = self.model.encode(text, add_special_tokens=False).offsets
        return np.fromiter((max(end - 1, 0) for _, end in offsets), dtype=np.int64, count=len(offsets))


@cache
def load_tokenizer(spec: str = "deepseek", eos_token: str | None = None) -> TokenizerHandle:
    """Load a tokenizer once per process.

    Args:
        spec: "deepseek" (ships with warcmill's dependencies, works offline); the path of a `tokenizer.json`, a
            `.tiktoken` file or a SentencePiece `.model`, or of a folder with one; an fsspec URL of such a file; or a
            Hugging Face Hub name such as "org/name".
        eos_token: the end-of-document token; None takes it from `tokenizer_config.json`, else the one usual name
            ("<|endoftext|>", "</s>", …) that the tokenizer has.

    Raises:
        InputError: no such tokenizer, not a tokenizer's file, or no (single) end-of-document token in it.
    """
    files = read_tokenizer_files(spec)
    if files.kind == "tiktoken":
        return load_tiktoken(files.name, files.raw, files.config_json, eos_token)
    eos_token = eos_token or _configured(files.config_json, "eos_token", spec)
    if files.kind == "sentencepiece":
        return load_sentencepiece(files.name, files.raw, eos_token, _configured(files.config_json, "bos_token", spec))
    return _load_json(files, spec, eos_token)


def _load_json(files: TokenizerFiles, spec: str, eos_token: str | None) -> JsonHandle:
    layout = _parse(files.raw, spec)
    model = _build(layout, spec)
    ids = _ids_by_token(layout)
    eos = eos_token or _guess_end_token(ids, spec)
    if eos not in ids:
        usual = [token for token in _END_TOKENS if token in ids]
        raise InputError(
            f"token {eos!r} is not in the tokenizer",
            where=spec,
            expected="an end-of-document token of this tokenizer",
            hint=f"set eos_token in the recipe to one of {usual or 'its added tokens'}",
        )
    bos = _configured(files.config_json, "bos_token", spec)
    identity = TokenizerIdentity(
        name=files.name,
        sha256=sha256(files.raw).hexdigest(),
        vocab_size=max(ids.values()) + 1,
        eos_id=ids[eos],
        eos_token=eos,
        bos_id=ids.get(bos) if bos else None,
    )
    return JsonHandle(identity, model, _control_mask(layout, ids, identity), _byte_lengths(layout, ids))


def _parse(raw: bytes, where: str) -> dict[str, Any]:
    try:
        layout = json.loads(raw)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise _not_a_tokenizer(where, str(error)) from error
    if not isinstance(layout, dict) or not isinstance(layout.get("model"), dict) or "vocab" not in layout["model"]:
        raise _not_a_tokenizer(where, "it has no model.vocab")
    if not all(isinstance(token, dict) and {"id", "content", "special"} <= token.keys() for token in _added(layout)):
        raise _not_a_tokenizer(where, "added_tokens lack id, content or special")
    return layout


def _not_a_tokenizer(where: str, why: str) -> InputError:
    return InputError(
        f"not a Hugging Face tokenizer.json: {why}",
        where=where,
        expected="the file that transformers calls tokenizer.json",
        hint="`tokenizer.save_pretrained(DIR)` with a fast tokenizer writes one",
    )


def _ids_by_token(layout: Mapping[str, Any]) -> dict[str, int]:
    vocab = layout["model"]["vocab"]
    pieces = vocab.items() if isinstance(vocab, dict) else ((piece, i) for i, (piece, _) in enumerate(vocab))
    return {**dict(pieces), **{token["content"]: token["id"] for token in _added(layout)}}


def _added(layout: Mapping[str, Any]) -> list[dict[str, Any]]:
    return layout.get("added_tokens") or []


def _is_control(token: Mapping[str, Any]) -> bool:
    """Whitespace runs (GPT-NeoX, Llama 3 style) are added tokens too, but plain text: they stay."""
    return bool(token["special"]) or not token["content"].isspace()


def _configured(config_json: bytes | None, key: str, where: str) -> str | None:
    """A token named in tokenizer_config.json, there either a string or an object with `content`."""
    if config_json is None:
        return None
    try:
        value = json.loads(config_json).get(key)
    except (UnicodeDecodeError, json.JSONDecodeError, AttributeError) as error:
        raise InputError("tokenizer_config.json is not a JSON object", where=where) from error
    content = value.get("content") if isinstance(value, dict) else value
    return content if isinstance(content, str) else None


def _guess_end_token(ids: Mapping[str, int], where: str) -> str:
    found = [token for token in _END_TOKENS if token in ids]
    if len(found) == 1:
        return found[0]
    raise InputError(
        f"cannot tell which token ends a document, candidates: {found or 'none'}",
        where=where,
        expected="eos_token in tokenizer_config.json beside tokenizer.json, or exactly one usual name",
        hint='set eos_token in the recipe, e.g. eos_token = "<|endoftext|>"',
    )


def _control_mask(
    layout: Mapping[str, Any], ids: Mapping[str, int], identity: TokenizerIdentity
) -> npt.NDArray[np.bool_]:
    mask = np.zeros(identity.vocab_size, dtype=np.bool_)
    mask[[token["id"] for token in _added(layout) if _is_control(token)]] = True
    mask[_unknown_ids(layout, ids)] = False  # a model may answer "unknown" to any text
    mask[identity.eos_id] = True
    if identity.bos_id is not None:
        mask[identity.bos_id] = True
    return mask


def _unknown_ids(layout: Mapping[str, Any], ids: Mapping[str, int]) -> list[int]:
    model = layout["model"]
    found = [ids.get(model.get("unk_token") or ""), model.get("unk_id")]
    return [i for i in found if i is not None]


def _build(layout: Mapping[str, Any], where: str) -> Tokenizer:
    safe = {**layout, "truncation": None, "padding": None, "post_processor": None}
    safe["added_tokens"] = [{**token, "special": _is_control(token)} for token in _added(layout)]
    safe["model"] = {**layout["model"], "dropout": None} if "dropout" in layout["model"] else layout["model"]
    try:
        model = Tokenizer.from_str(json.dumps(safe, ensure_ascii=False))
    except Exception as error:  # tokenizers raises bare Exception for every malformed file
        raise _not_a_tokenizer(where, str(error)) from error
    moved = [token["content"] for token in _added(layout) if model.token_to_id(token["content"]) != token["id"]]
    if moved:
        raise _not_a_tokenizer(where, f"{len(moved)} added tokens, e.g. {moved[0]!r}, get other ids than the file says")
    model.encode_special_tokens = True
    return model


def _byte_lengths(layout: Mapping[str, Any], ids: Mapping[str, int]) -> Positions | None:
    """Byte-level vocabularies spell one byte per character; None for other models."""
    if not any(part.get("type") == "ByteLevel" for part in _parts(layout.get("pre_tokenizer"))):
        return None
    lengths = np.zeros(max(ids.values()) + 1, dtype=np.int64)
    lengths[np.fromiter(ids.values(), dtype=np.int64)] = [len(token) for token in ids]
    for token in _added(layout):
        lengths[token["id"]] = len(token["content"].encode())
    return lengths


def _parts(component: dict[str, Any] | None) -> Iterable[dict[str, Any]]:
    return component.get("pretokenizers", [component]) if component else []
