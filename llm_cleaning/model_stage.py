"""Cleaning with a model as one step over documents: open who answers, let many pages ask at once, results in order."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from llm_cleaning.conversations import Conversations, Spent
from llm_cleaning.messages import Backend, CountTokens, Reply, Request, Responses
from llm_cleaning.openai_backend import OpenAIBackend, ServiceConfig
from llm_cleaning.pages import PASSED, CleanedPage, clean_page
from llm_cleaning.prompt_texts import VERSIONS, prompt
from llm_cleaning.service_faults import BackendFailed
from llm_cleaning.stage import CleanConfig, mark_one
from llm_cleaning.token_counts import counter
from llm_cleaning.vllm_backend import VllmBackend
from pipeline.document import Document
from pipeline.text.spans import markdown_to_blocks, scan_formulas

BASE_URL_VARIABLE = "WARCMILL_BASE_URL"
MIN_CHUNK_TOKENS = 64
FRAME_TOKENS = 128  # chat template, page marks, the note of a second attempt


@dataclass(frozen=True, slots=True)
class Opened:
    """A model that answers, its tokenizer, and the settings made to fit its context."""

    backend: Backend
    count: CountTokens
    config: CleanConfig
    tokenizer: str  # what counts, in words


def open_model(
    config: CleanConfig,
    engine: dict[str, Any] | None = None,
    *,
    absent_s: float = 4.0,
    notice: Callable[[str], None] = lambda _line: None,
) -> Opened:
    """Connect to the service, or load the model.

    Args:
        config: says which.
        engine: for `vllm.LLM`.
        absent_s: how long to wait for a service where nobody listens; the workers of a run wait for one that restarts.
        notice: hears what is waited for.

    Raises:
        BackendFailed: no such service or model.
    """
    if config.backend == "vllm":
        if not config.model:
            raise BackendFailed("no model named", where="--backend vllm", expected="--model NAME or FOLDER")
        local = VllmBackend(config.model, config.revision, **(engine or {}))
        return _fitted(local, local.count, config, "the model's tokenizer")
    url = config.base_url or os.environ.get(BASE_URL_VARIABLE, "")
    if not url:
        hint = f"give --base-url, or set base_url in the recipe or {BASE_URL_VARIABLE} in the environment"
        raise BackendFailed("no address of a model service", where="--backend openai", hint=hint)
    service = ServiceConfig(
        url,
        config.model,
        config.revision,
        max_in_flight=config.max_in_flight,
        timeout_s=config.timeout_s,
        absent_s=absent_s,
    )
    backend = OpenAIBackend(service, notice)
    try:
        count, said = counter(config.tokenizer, config.model, backend.counter())
        return _fitted(backend, count, config, said)
    except BaseException:
        backend.close()
        raise


def _fitted(backend: Backend, count: CountTokens, config: CleanConfig, said: str) -> Opened:
    """Chunks and lists small enough that prompt and answer fit the model's context."""
    if backend.max_model_len is None:
        return Opened(backend, count, config, said)
    fixed = max(count(prompt(name)) for name in VERSIONS)
    room = backend.max_model_len - fixed - FRAME_TOKENS
    most = int(room / 2.4)  # an answer is up to 1.25 times its chunk, in a list up to about as long as the list
    if most < MIN_CHUNK_TOKENS:
        raise BackendFailed(
            f"a context of {backend.max_model_len:,} tokens is too short",
            where=backend.model.name,
            expected=f"at least {fixed + FRAME_TOKENS + int(2.4 * MIN_CHUNK_TOKENS) + 3:,} tokens (max_model_len)",
        )
    select = replace(config.select, max_list_tokens=min(config.select.max_list_tokens, most))
    fitted = replace(config, chunk_tokens=min(config.chunk_tokens, most), select=select)
    return Opened(backend, count, fitted, said)


def clean_documents(
    documents: Iterable[Document],
    opened: Opened,
    store: Responses,
    *,
    beat: Callable[[], None] = lambda: None,
    spent: Spent | None = None,
    one_by_one: bool = False,
) -> Iterator[tuple[Document, CleanedPage]]:
    """(document as it came, marked; what became of it), in order. Rejected documents pass through.

    Args:
        beat: called every few seconds while answers are awaited.
        spent: filled with requests and tokens by mode.
        one_by_one: finish a page before the next is read, so that a crash is blamed on the right one.
    """
    slots = 0 if one_by_one else opened.config.max_in_flight
    talks: Conversations[Document] = Conversations(opened.backend, store, slots=slots, beat=beat, spent=spent)
    return talks.run((document, page_conversation(document, opened)) for document in documents)


def page_conversation(document: Document, opened: Opened) -> Generator[list[Request], list[Reply], CleanedPage]:
    """The conversation about one document, which is marked first."""
    if document.rejected:
        return CleanedPage(document, "rejected", "rules", PASSED)
    if not len(document.blocks):
        document.blocks = markdown_to_blocks(document.text)
        document.formulas = scan_formulas(document.text, document.blocks)
    mark_one(document, opened.config)
    return (yield from clean_page(document, opened.config, opened.count))
