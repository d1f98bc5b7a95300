"""tiktoken files: lines of "base64-bytes rank". The file lacks the splitting pattern and the special tokens.

Both are public for the well-known files and stand here, found by file name; for any other file they come from a
`tiktoken.json` beside it: {"pat_str": "…", "special_tokens": {"<|endoftext|>": 50256}}. They decide the ids, so they go
into the manifest with the file's sha256. Only `encode_ordinary` is used, which never makes a special token.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from blends.tokenizer_types import Ids, Positions, TokenizerIdentity, characters_of_bytes, int32
from pipeline.errors import InputError

SETTINGS_FILE = "tiktoken.json"
INSTALL = "pip install 'warcmill[tokenizers]'"
_MAX_RANKS = 1 << 24

# Patterns and special tokens: openai/tiktoken, tiktoken_ext/openai_public.py; meta-llama/llama3, llama/tokenizer.py;
# QwenLM/Qwen, tokenization_qwen.py.
_GPT2 = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"""
_CL100K = (
    r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|"""
    r"""\s++$|\s*[\r\n]|\s+(?!\S)|\s"""
)
_WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_O200K = "|".join(
    [
        rf"[^\r\n\p{{L}}\p{{N}}]?[\p{{Lu}}\p{{Lt}}\p{{Lm}}\p{{Lo}}\p{{M}}]*[\p{{Ll}}\p{{Lm}}\p{{Lo}}\p{{M}}]+{_WORDS}?",
        rf"[^\r\n\p{{L}}\p{{N}}]?[\p{{Lu}}\p{{Lt}}\p{{Lm}}\p{{Lo}}\p{{M}}]+[\p{{Ll}}\p{{Lm}}\p{{Lo}}\p{{M}}]*{_WORDS}?",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    ]
)
_LLAMA3 = (
    rf"{_WORDS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_QWEN = _LLAMA3.replace("{1,3}", "")
_KNOWN: dict[str, tuple[str, dict[str, int]]] = {
    "gpt2": (_GPT2, {"<|endoftext|>": 50256}),
    "r50k_base": (_GPT2, {"<|endoftext|>": 50256}),
    "p50k_base": (_GPT2, {"<|endoftext|>": 50256}),
    "cl100k_base": (
        _CL100K,
        {
            "<|endoftext|>": 100257,
            "<|fim_prefix|>": 100258,
            "<|fim_middle|>": 100259,
            "<|fim_suffix|>": 100260,
            "<|endofprompt|>": 100276,
        },
    ),
    "o200k_base": (_O200K, {"<|endoftext|>": 199999, "<|endofprompt|>": 200018}),
    "qwen": (_QWEN, {"<|endoftext|>": 151643, "<|im_start|>": 151644, "<|im_end|>": 151645}),
}
_LLAMA3_SIZE = 128_000  # ranks in Llama 3's tokenizer.model; its special tokens follow


@dataclass(frozen=True, slots=True, eq=False)
class TiktokenHandle:
    """A loaded tiktoken encoding."""

    identity: TokenizerIdentity
    encoding: Any  # tiktoken.Encoding
    byte_lengths: Positions  # by id: bytes of text a token stands for

    def encode_batch(self, texts: Sequence[str]) -> list[Ids]:
        """Token ids of each text; special tokens are spelled out, never made."""
        return [int32(ids) for ids in self.encoding.encode_ordinary_batch(list(texts), num_threads=1)]

    def decode(self, ids: Ids) -> str:
        """Text of token ids, special tokens included."""
        return str(self.encoding.decode(ids.tolist()))

    def last_characters(self, text: str, ids: Ids) -> Positions:
        """Index into text of the last character of each token, from token lengths, which tiktoken always keeps."""
        character_of_byte = characters_of_bytes(text)
        return character_of_byte[np.cumsum(self.byte_lengths[ids]) - 1]


def load_tiktoken(name: str, raw: bytes, settings_json: bytes | None, eos_token: str | None) -> TiktokenHandle:
    """A handle from the bytes of a tiktoken file, and of the `tiktoken.json` beside it where there is one.

    Raises:
        InputError: not a tiktoken file, unknown pattern, no end-of-document token, or tiktoken is not installed.
    """
    ranks = _ranks(raw, name)
    pattern, special = _settings(name, len(ranks), settings_json)
    clash = sorted(set(special.values()) & set(ranks.values()))
    if clash:
        raise InputError(f"special token id {clash[0]} is an ordinary token too", where=name, expected="different ids")
    eos = _end_token(special, eos_token, name)
    encoding = _encoding(name, pattern, ranks, special)
    vocab_size = max([*ranks.values(), *special.values()]) + 1
    identity = TokenizerIdentity(
        name=name,
        sha256=sha256(raw).hexdigest(),
        vocab_size=vocab_size,
        eos_id=special[eos],
        eos_token=eos,
        bos_id=special.get("<|begin_of_text|>"),
        format="tiktoken",
        settings={"pat_str": pattern, "special_tokens": dict(sorted(special.items()))},
    )
    return TiktokenHandle(identity, encoding, _byte_lengths(ranks, special, vocab_size))


def _encoding(name: str, pattern: str, ranks: Mapping[bytes, int], special: Mapping[str, int]) -> Any:
    try:
        import tiktoken
    except ImportError as error:
        raise InputError(
            "tiktoken is not installed", where=name, expected="the package tiktoken", hint=INSTALL
        ) from error
    try:
        return tiktoken.Encoding(name, pat_str=pattern, mergeable_ranks=dict(ranks), special_tokens=dict(special))
    except ValueError as error:
        raise InputError(
            f"tiktoken refuses the file: {error}", where=name, expected="ranks and a valid pattern"
        ) from error


def _ranks(raw: bytes, where: str) -> dict[bytes, int]:
    ranks: dict[bytes, int] = {}
    try:
        for line in raw.splitlines():
            if line:
                token, rank = line.split()
                ranks[base64.b64decode(token, validate=True)] = int(rank)
    except (ValueError, binascii.Error) as error:
        what = f"not a tiktoken file, line {len(ranks) + 1}: {error}"
        raise InputError(what, where=where, expected='lines of "base64 rank"') from error
    whole = all(bytes([byte]) in ranks for byte in range(256))
    if not whole or len(set(ranks.values())) != len(ranks) or max(ranks.values()) >= _MAX_RANKS:
        raise InputError("torn tiktoken file", where=where, expected="all 256 single bytes, and every rank once")
    return ranks


def _settings(name: str, size: int, settings_json: bytes | None) -> tuple[str, dict[str, int]]:
    if settings_json is not None:
        return _parsed_settings(settings_json, name)
    stem = PurePosixPath(name).name.removesuffix(".tiktoken").removesuffix(".model")
    if stem in _KNOWN:
        return _KNOWN[stem]
    if size == _LLAMA3_SIZE:
        return _LLAMA3, _llama3_special()
    raise InputError(
        "the file does not say how text is split before merging",
        where=name,
        expected=f"a {SETTINGS_FILE} beside it, or one of the known names {', '.join(_KNOWN)}",
        hint='tiktoken.json: {"pat_str": "…", "special_tokens": {"<|endoftext|>": 50256}}',
    )


def _llama3_special() -> dict[str, int]:
    named = ["<|begin_of_text|>", "<|end_of_text|>", *(f"<|reserved_special_token_{i}|>" for i in range(4))]
    named += ["<|start_header_id|>", "<|end_header_id|>", "<|reserved_special_token_4|>", "<|eot_id|>"]
    named += [f"<|reserved_special_token_{i}|>" for i in range(5, 251)]
    return {token: _LLAMA3_SIZE + i for i, token in enumerate(named)}


def _parsed_settings(settings_json: bytes, where: str) -> tuple[str, dict[str, int]]:
    expected = '{"pat_str": "…", "special_tokens": {"<|endoftext|>": 50256}}'
    try:
        data = json.loads(settings_json)
        pattern, special = data["pat_str"], data["special_tokens"]
        sound = isinstance(pattern, str) and all(type(i) is int and 0 <= i < _MAX_RANKS for i in special.values())
    except (UnicodeDecodeError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{SETTINGS_FILE} cannot be used: {error!r}", where=where, expected=expected) from error
    if not sound or len(set(special.values())) != len(special):
        raise InputError(f"{SETTINGS_FILE} cannot be used", where=where, expected=expected)
    return pattern, special


def _end_token(special: Mapping[str, int], eos_token: str | None, where: str) -> str:
    usual = [token for token in ("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>") if token in special]
    wanted = eos_token or (usual[0] if len(usual) == 1 else "")
    if wanted not in special:
        raise InputError(
            f"cannot end documents with {eos_token!r}" if eos_token else "cannot tell which token ends a document",
            where=where,
            expected=f"eos_token, one of {', '.join(list(special)[:8]) or 'its special tokens, but it has none'}",
        )
    return wanted


def _byte_lengths(ranks: Mapping[bytes, int], special: Mapping[str, int], size: int) -> Positions:
    lengths = np.zeros(size, dtype=np.int64)
    lengths[np.fromiter(ranks.values(), dtype=np.int64)] = [len(token) for token in ranks]
    for token, number in special.items():
        lengths[number] = len(token.encode())
    return lengths
