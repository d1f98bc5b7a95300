"""The cleaning phase with a model behind it: a shard's pages talk to a service, answers stay in the run's folder.

`responses/<task>.log` (a file; in an object store a prefix) holds every answer, so that a task that is tried again pays
for none of them twice;
`verdicts/<task>.jsonl` says for every page who cleaned it and what the guard found, with the parts of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from blends.shards import TokenizeConfig, screen_documents
from llm_cleaning.conversations import Spent
from llm_cleaning.model_stage import clean_documents, open_model
from llm_cleaning.pages import CleanedPage
from llm_cleaning.prompt_texts import VERSIONS
from llm_cleaning.shared_store import SharedResponseStore
from llm_cleaning.stage import CleanConfig, deciding
from llm_cleaning.store import ResponseStore
from pipeline.document import Document
from pipeline.errors import UsageError
from pipeline.io.commit import PhaseDirectory, write_atomic
from pipeline.io.json_lines import json_line
from pipeline.io.storage import StorePath
from pipeline.phases.documents import clean_shard, read_documents
from pipeline.stage import IDLE, Context, Counters, Task

RESTART_S = 30.0  # a service that restarts while a shard begins is waited for
Produce = Callable[[Task, Context, Counters], Iterator[Document]]


def clean_settings(config: CleanConfig) -> dict[str, Any]:
    """What the phase is bound to: every setting that decides results, and the prompts."""
    prompts = {} if config.backend == "rules" else {"prompts": VERSIONS}
    return {**deciding(config), **prompts}


def clean_producer(config: CleanConfig, tokens: TokenizeConfig, directory: PhaseDirectory) -> Produce:
    """What cleans a shard, by the rules or with a model.

    Raises:
        UsageError: a backend that cannot work inside of a run.
    """
    if config.backend == "rules":
        return partial(clean_shard, config=config, tokens=tokens)
    if config.backend != "openai":
        raise UsageError(
            f"backend {config.backend!r} does not work inside of a run",
            where="recipe: [clean] backend",
            expected="rules or openai",
            hint='serve the model, e.g. `vllm serve MODEL`, and set backend = "openai" and base_url',
        )
    return partial(clean_shard_with_model, config=config, tokens=tokens, directory=directory)


def clean_shard_with_model(
    task: Task,
    context: Context,
    counters: Counters,
    *,
    config: CleanConfig,
    tokens: TokenizeConfig,
    directory: PhaseDirectory,
) -> Iterator[Document]:
    """Clean the pages of a shard with the recipe's model; documents removed by fuzzy dedup are rejected first.

    Raises:
        BackendFailed: the service does not answer; a resumed run goes on with the answers that are stored.
    """
    verdicts: list[bytes] = []
    opened = open_model(config, absent_s=RESTART_S)
    with closing(opened.backend), _responses(directory.path / "responses" / f"{task.name}.log") as store:
        spent = Spent()
        pages = clean_documents(
            read_documents(task.source, context, counters),
            opened,
            store,
            beat=lambda: context.at(IDLE),
            spent=spent,
            one_by_one=context.careful,
        )
        cleaned = _noted(pages, verdicts, counters)
        for document in screen_documents(cleaned, config=tokens):
            if not document.rejected:
                document.cluster_id = document.id
                counters.tallies[f"length:{len(document.text).bit_length()}"] += 1
            yield document
    _tally_spent(spent, counters)
    write_atomic(directory.path / "verdicts" / f"{task.name}.jsonl", b"".join(verdicts))


def _responses(path: Path) -> ResponseStore | SharedResponseStore:
    return SharedResponseStore(path) if isinstance(path, StorePath) else ResponseStore(path)


def _noted(
    pages: Iterable[tuple[Document, CleanedPage]], verdicts: list[bytes], counters: Counters
) -> Iterator[Document]:
    for document, page in pages:
        if page.route != "rejected":
            verdicts.append(_verdict(page))
            _tally(page, counters)
            counters.tallies["clean_chars:in"] += len(document.text)
            counters.tallies["clean_chars:out"] += 0 if page.document.rejected else len(page.document.text)
        yield page.document


def _verdict(page: CleanedPage) -> bytes:
    return json_line(
        {
            "id": page.document.id,
            "url": page.document.url,
            "clean_route": page.route,
            "clean_mode": page.mode,
            "guard_verdict": "pass" if page.verdict.passed else "fail",
            "guard_reasons": list(page.verdict.reasons),
            "clean_chunks": [chunk.to_json() for chunk in page.chunks],
        }
    )


def _tally(page: CleanedPage, counters: Counters) -> None:
    counters.tallies[f"clean_route:{page.route}"] += 1
    counters.tallies[f"clean_mode:{page.mode}"] += 1
    counters.tallies[f"guard:{'pass' if page.verdict.passed else 'fail'}"] += 1
    counters.tallies.update(f"guard_reason:{reason}" for reason in page.verdict.reasons)
    counters.tallies.update(
        f"refused:{mode}:{reason}" for chunk in page.chunks for mode, reasons in chunk.attempts for reason in reasons
    )


def _tally_spent(spent: Spent, counters: Counters) -> None:
    """Asked and replayed together: a resumed run must count like one that was never stopped."""
    for mode in sorted(spent.asked.keys() | spent.replayed.keys()):
        counters.tallies[f"model_requests:{mode}"] += spent.asked[mode] + spent.replayed[mode]
        counters.tallies[f"model_tokens_in:{mode}"] += spent.tokens_in[mode]
        counters.tallies[f"model_tokens_out:{mode}"] += spent.tokens_out[mode]
