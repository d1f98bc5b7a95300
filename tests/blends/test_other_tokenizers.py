"""tiktoken and SentencePiece files: the library's own ids, no control token out of text, identity, refusals."""

from __future__ import annotations

import base64
import io
import json
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from blends_support import CORPUS, document, make_run, with_spans
from hypothesis import given, settings
from hypothesis import strategies as st

from blends.manifest import load_manifest, tokenizer_identity
from blends.shards import TokenizeConfig, count_kinds
from blends.tokenizer import load_tokenizer
from blends.tokenizer_sentencepiece import without_user_defined
from blends.verify import verify_shards
from pipeline.errors import InputError

tiktoken = pytest.importorskip("tiktoken", reason="needs tiktoken: pip install 'warcmill[tokenizers]'")
sentencepiece = pytest.importorskip("sentencepiece", reason="needs sentencepiece: pip install 'warcmill[tokenizers]'")

PATTERN = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
MERGES = [b"th", b"the", b" s", b" su", b" sum", b"in", b"\xc3\xa9", b"  "]
RANKS = {bytes([i]): i for i in range(256)} | {token: 256 + i for i, token in enumerate(MERGES)}
SPECIAL = {"<|endoftext|>": 300, "<|im_start|>": 301}
TEXTS = [*CORPUS[:4], "", " ", "a<|endoftext|>b", "<|im_start|>user", "x\u0301\U0001f600 積分", "'s the sums  \n\n"]


@pytest.fixture(scope="module")
def bpe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiktoken")
    lines = [b"%s %d\n" % (base64.b64encode(token), rank) for token, rank in RANKS.items()]
    folder.joinpath("own.tiktoken").write_bytes(b"".join(lines))
    folder.joinpath("tiktoken.json").write_text(json.dumps({"pat_str": PATTERN, "special_tokens": SPECIAL}))
    return folder / "own.tiktoken"


@pytest.fixture(scope="module", params=["unigram", "bpe"])
def pieces(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS * 4),
        model_writer=made,
        vocab_size=400,
        hard_vocab_limit=False,
        model_type=request.param,
        byte_fallback=True,
        character_coverage=1.0,
        normalization_rule_name="identity",
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        user_defined_symbols=["<|im_start|>", "▁▁▁▁"],
        minloglevel=2,
    )
    path = tmp_path_factory.mktemp("pieces") / "tokenizer.model"
    path.write_bytes(made.getvalue())
    return path


def test_tiktoken_ids_are_the_librarys(bpe: Path) -> None:
    handle = load_tokenizer(str(bpe))
    theirs = tiktoken.Encoding("own", pat_str=PATTERN, mergeable_ranks=RANKS, special_tokens=SPECIAL)
    for text, ids in zip(TEXTS, handle.encode_batch(TEXTS), strict=True):
        assert ids.dtype == np.int32
        assert ids.tolist() == theirs.encode_ordinary(text)
        assert handle.decode(ids) == text
    assert theirs.encode("<|endoftext|>", allowed_special="all") == [300]


@settings(max_examples=100, deadline=None)
@given(st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("<|>endoftx ")), max_size=60))
def test_no_text_becomes_a_special_token_of_tiktoken(bpe: Path, text: str) -> None:
    handle = load_tokenizer(str(bpe))
    ids = handle.encode_batch([text])[0]
    assert not {300, 301} & set(ids.tolist())
    assert handle.decode(ids) == text
    ends = handle.last_characters(text, ids)
    assert len(ends) == len(ids)
    assert not len(ends) or ends[-1] == len(text) - 1
    assert (np.diff(ends) >= 0).all()


def test_identity_of_tiktoken_holds_what_the_file_lacks(bpe: Path) -> None:
    identity = load_tokenizer(str(bpe)).identity
    assert identity.sha256 == sha256(bpe.read_bytes()).hexdigest()
    assert (identity.format, identity.eos_id, identity.eos_token) == ("tiktoken", 300, "<|endoftext|>")
    assert identity.vocab_size == 302
    assert identity.settings == {"pat_str": PATTERN, "special_tokens": SPECIAL}
    assert load_tokenizer(str(bpe.parent)).identity == identity


def test_sentencepiece_ids_are_the_librarys(pieces: Path) -> None:
    handle = load_tokenizer(str(pieces))
    theirs = sentencepiece.SentencePieceProcessor(model_file=str(pieces))
    for text in [*CORPUS[:4], "", "a b", "four    spaces"]:
        ids = handle.encode_batch([text])[0]
        assert ids.tolist() == theirs.encode(text)
        assert handle.decode(ids) == text
    assert (handle.identity.eos_token, handle.identity.format) == ("</s>", "sentencepiece")
    assert handle.identity.sha256 == sha256(pieces.read_bytes()).hexdigest()


def test_no_text_becomes_a_control_piece_of_sentencepiece(pieces: Path) -> None:
    theirs = sentencepiece.SentencePieceProcessor(model_file=str(pieces))
    (start,) = [i for i in range(theirs.vocab_size()) if theirs.id_to_piece(i) == "<|im_start|>"]
    assert start in theirs.encode("x <|im_start|> y"), "the library alone does it"
    handle = load_tokenizer(str(pieces))
    for text in ("x <|im_start|> y", "<s>", "</s>", "a</s>b", "<unk>"):
        ids = handle.encode_batch([text])[0]
        assert not {start, theirs.bos_id(), theirs.eos_id()} & set(ids.tolist()), text
        assert handle.decode(ids) == text


def test_formulas_and_code_are_counted(bpe: Path, pieces: Path) -> None:
    for path in (bpe, pieces):
        check_kinds(path)


def check_kinds(path: Path) -> None:
    handle = load_tokenizer(str(path))
    text = "Let $x^2 é$ be\n```\nint i;\n``` done"
    marked = with_spans(text, code=["```\nint i;\n```"], math=["$x^2 é$"])
    ids = handle.encode_batch([text])[0]
    prose, code, math = count_kinds(handle, marked, ids).tolist()
    assert prose + code + math == len(ids)
    assert code > 3
    assert math > 3


def test_runs_with_these_tokenizers_verify(bpe: Path, pieces: Path, tmp_path: Path) -> None:
    for path in map(str, (bpe, pieces)):
        run = tmp_path / Path(path).name
        make_run(run, [document(text, i) for i, text in enumerate(CORPUS)], TokenizeConfig(tokenizer=path))
        assert verify_shards(run) == []
        assert tokenizer_identity(load_manifest(run)[0]) == load_tokenizer(path).identity


@pytest.mark.parametrize(
    ("name", "content", "beside", "said"),
    [
        ("a.tiktoken", b"AA== 0\n", None, "torn tiktoken file"),
        ("a.tiktoken", b"AA== 0\n!!!! 1\n", None, "not a tiktoken file, line 2"),
        ("a.tiktoken", None, None, "does not say how text is split"),
        ("a.tiktoken", None, {"pat_str": "["}, "tiktoken.json cannot be used"),
        ("a.tiktoken", None, {"pat_str": "[", "special_tokens": {"<|endoftext|>": 300}}, "refuses the file"),
        ("a.tiktoken", None, {"pat_str": "a", "special_tokens": {"<|endoftext|>": 3}}, "ordinary token too"),
        ("a.tiktoken", None, {"pat_str": "a", "special_tokens": {}}, "cannot tell which token ends"),
        ("t.model", b"no model", None, "not a SentencePiece model"),
        ("t.model", b"\x0a\x05ab", None, "not a SentencePiece model"),
    ],
)
def test_broken_files_are_refused(tmp_path: Path, bpe: Path, name, content, beside, said: str) -> None:
    tmp_path.joinpath(name).write_bytes(bpe.read_bytes() if content is None else content)
    if beside is not None:
        tmp_path.joinpath("tiktoken.json").write_text(json.dumps(beside))
    with pytest.raises(InputError, match=said):
        load_tokenizer(str(tmp_path / name))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_model_or_refused_by_name(content: bytes) -> None:
    with suppress(ValueError, IndexError):
        assert len(without_user_defined(content)) == len(content)
