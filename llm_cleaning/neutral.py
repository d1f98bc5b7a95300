"""The page is data: its text is shown to a model so that it can neither close the prompt nor number blocks itself.

Three layers. Spellings of control tokens (`<|im_end|>`, `</s>`, `[INST]`) are broken by an invisible joiner, since
servers turn them into the tokens themselves. The page stands between marks that hold a digest of its own text, which no
page can foresee. In lists every block is one line behind its number, so a line break cannot begin another.
"""

from __future__ import annotations

import re
from hashlib import blake2b

JOINER = "\u2060"  # WORD JOINER: no width, no meaning, read away by the guard

_CONTROL = re.compile(
    r"<(?=[|｜]|/?(?:s|bos|eos|pad|unk|mask|think|system|user|assistant|start_of_turn|end_of_turn|tool_call|"
    r"tool_response|start_header_id|end_header_id)\b)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|SYS|EOS|BOS|PAD|UNK|MASK|CLS|SEP)\])"
    r"|<(?=<SYS>>|</?SYS>>)",
    re.IGNORECASE,
)
_BREAKS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")


def neutral(text: str) -> str:
    """The text with control tokens broken; `restored` undoes it."""
    return _CONTROL.sub(lambda match: match[0] + JOINER, text)


def restored(text: str, source: str) -> str:
    """A model's text without the joiners that `neutral` put in; those of the page itself stay."""
    return text if JOINER in source else text.replace(JOINER, "")


def one_line(text: str, head_chars: int, tail_chars: int) -> str:
    """A block as one neutral line: white space collapsed, a long middle left out."""
    if len(text) > 4 * (head_chars + tail_chars):  # collapse only what is shown
        text = f"{text[: 2 * head_chars]} … {text[len(text) - 2 * tail_chars :]}"
    line = " ".join(_BREAKS.sub(" ", text).split())
    if len(line) > head_chars + tail_chars:
        line = f"{line[:head_chars]} … {line[len(line) - tail_chars :]}".rstrip()
    return neutral(line)


def fenced(text: str) -> str:
    """Page text between two marks that name its digest."""
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return f"<<<PAGE {digest}\n{text}\nPAGE {digest}>>>"
