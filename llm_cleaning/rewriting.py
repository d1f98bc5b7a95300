"""Mode `rewrite`: the model copies a chunk without its boilerplate; the guard compares every chunk with its source."""

from __future__ import annotations

from llm_cleaning.chunking import Chunk
from llm_cleaning.guard import FINISHED, Verdict, check
from llm_cleaning.messages import REFUSED, Reply, Request, Sampling
from llm_cleaning.neutral import fenced, neutral, restored
from llm_cleaning.prompt_texts import prompt
from pipeline.document import Blocks

MODE = "rewrite"
NOTHING = "NO USEFUL CONTENT"
GROWTH = 1.25  # LaTeX delimiters and fences may make a cleaned chunk longer
SPARE_TOKENS = 64


def rewrite_request(document: str, chunk: Chunk, tokens: int, temperature: float, seed: int) -> Request:
    """The first question about a chunk of `tokens` tokens."""
    sampling = Sampling(answer_tokens(tokens), temperature, seed)
    user = fenced(neutral(chunk.text))
    return Request(document, f"{MODE}/{chunk.order:04d}", MODE, prompt(MODE), user, sampling)


def rewrite_again(first: Request, verdict: Verdict) -> Request:
    """The second question, greedy: the same page with what the guard found, after it, so that the prefix is cached."""
    note = prompt("rewrite_again").format(reasons=", ".join(verdict.reasons).replace("_", " "))
    sampling = Sampling(first.sampling.max_tokens, 0.0, first.sampling.seed)
    user = f"{first.user}\n\n{note}"
    return Request(first.document, f"{first.chunk}/again", MODE, first.system, user, sampling)


def answer_tokens(tokens: int) -> int:
    """Tokens an answer about a chunk may have."""
    return int(tokens * GROWTH) + SPARE_TOKENS


def read_rewrite(reply: Reply, chunk: Chunk, blocks: Blocks) -> tuple[str, Verdict]:
    """The rewritten chunk and the guard's verdict on it. `blocks` are marked spans into the chunk's text."""
    if reply.finish_reason == REFUSED:
        return "", Verdict(False, (REFUSED,))
    text = restored(reply.text, chunk.text).strip()
    if text == NOTHING and reply.finish_reason in FINISHED:
        text = ""
    return text, check(chunk.text, text, source_blocks=blocks, finish_reason=reply.finish_reason)
