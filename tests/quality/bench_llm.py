"""Measure what a model would cost on real pages: tokens in and out of every mode, by a real tokenizer, ideal answers.

    python tests/quality/bench_llm.py [--pages N]
    python tests/quality/bench_llm.py --throughput FOLDER [--requests N] [--answer-tokens N] [--rounds N] [--base-url URL]

Pages are rendered by `extractors.render`, each asked about in each mode without the router, then with it. The ideal
answer of `select` keeps what the rule cleaner keeps; that of `rewrite` is the text the rule cleaner cuts. No model is
asked. Of `select` also: the longest answer that its limit of tokens would allow.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")  # one process, so that its CPU time is all of it
os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")  # GiB; it takes nearly all memory otherwise
ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/llm_cleaning"), str(ROOT / "tests/quality")]

from bench_guard import html_pages  # noqa: E402

from extractors import RenderRejected, render  # noqa: E402
from llm_cleaning.conversations import Conversations  # noqa: E402
from llm_cleaning.messages import Backend, Request, Sampling  # noqa: E402
from llm_cleaning.pages import PASSED, CleanedPage, Conversation, clean_page  # noqa: E402
from llm_cleaning.routing import RouteConfig, route  # noqa: E402
from llm_cleaning.selecting import SelectConfig, listings  # noqa: E402
from llm_cleaning.stage import CleanConfig, mark_one  # noqa: E402
from llm_cleaning.store import ResponseStore  # noqa: E402
from llm_cleaning.token_counts import bundled_counter  # noqa: E402
from pipeline.cleaning_estimate import ideal_answer  # noqa: E402
from pipeline.document import Document  # noqa: E402
from pipeline.text.spans import cut  # noqa: E402

MODES = ("select", "rewrite")
SLOTS = 8  # requests in flight


def documents(limit: int) -> Iterator[Document]:
    """Marked pages of every set."""
    for number, (html, url, _) in enumerate(html_pages(limit)):
        try:
            page = render(html, url=url)
        except RenderRejected:
            continue
        found = Document(str(number), "", "", "", 0, "", text=page.text, blocks=page.blocks, formulas=page.formulas)
        mark_one(found, CleanConfig())
        yield found


def first_round(document: Document, mode: str, count) -> list[Request]:
    config = CleanConfig(backend="openai", mode=mode, route=RouteConfig(enabled=False))
    try:
        return next(clean_page(document, config, count))
    except StopIteration:
        return []


def ideal(document: Document, mode: str, count) -> str:
    """The answers to all of a page's questions, one per line."""
    keep = [score >= 0.5 for score in document.blocks.keep_score]
    if mode == "select":
        lists = listings(document.text, document.blocks, SelectConfig(), count)
        return "\n".join(ideal_answer(keep[part.first : part.last]) for part in lists)
    return cut(document.text, document.blocks, deepcopy(document.formulas), keep)[0]


def questions(number: int, answer_tokens: int) -> list[Request]:
    """Requests to go on with our own sample pages: short questions, long answers, so that generation dominates."""
    from bench_guard import cleaned_pages, sample_pages

    texts = [cleaned[:200] for _, _, cleaned in cleaned_pages(sample_pages())]
    sampling = Sampling(max_tokens=answer_tokens)
    return [
        Request(str(n), "rewrite/0000", "rewrite", "Go on with this text.", text, sampling)
        for n, text in enumerate((texts * number)[:number])
    ]


def talked(backend: Backend, asked: list[Request], folder: Path, slots: int) -> int:
    """Tokens that a backend generates for the requests, every answer stored before it is used."""

    def conversation(request: Request) -> Conversation:
        yield [request]
        return CleanedPage(Document(request.document, "", "", "", 0, ""), "rewrite", "rewrite", PASSED)

    with ResponseStore(folder / "responses") as store:
        talks: Conversations[str] = Conversations(backend, store, slots=slots)
        for _ in talks.run((request.document, conversation(request)) for request in asked):
            pass
    return sum(talks.spent.tokens_out.values())


def throughput(model: str, dtype: str, number: int, answer_tokens: int, rounds: int, base_url: str) -> None:
    """The same requests by a bare `LLM.generate`, through the backend and, with a server, through it, in turns."""
    from llm_cleaning.vllm_backend import VllmBackend

    engine = {"enforce_eager": True, "max_model_len": 2048, "max_num_seqs": SLOTS, "enable_prefix_caching": False}
    backend = VllmBackend(model, **engine, dtype=dtype, distributed_executor_backend="uni")
    asked = questions(number, answer_tokens)
    bare(backend, questions(2, 4))  # warms up
    spent: dict[str, list[Counter[str]]] = {}
    for turn in range(rounds):
        systems: list[tuple[str, Callable[[], int]]] = [
            ("bare", lambda: bare(backend, asked)),
            ("in process", lambda: stored(backend, asked)),
        ]
        for name, generate in systems if turn % 2 else systems[::-1]:
            spent.setdefault(name, []).append(measured(name, generate))
        if base_url:
            spent.setdefault("service", []).append(measured("service", lambda: served(base_url, asked)))
    for unit in ("CPU", "clock"):
        rates = {name: sorted(1000 * turn["tokens"] / turn[unit] for turn in turns) for name, turns in spent.items()}
        for what, place in (("best turn", -1), ("median turn", rounds // 2)):
            chosen = {name: f"{found[place]:.1f}" for name, found in rates.items()}
            share = rates["in process"][place] / rates["bare"][place]
            print(f"tokens per second of {unit}, {what}: {chosen}, in process / bare {share:.1%}")


def measured(name: str, generate: Callable[[], int]) -> Counter[str]:
    """Tokens, and the milliseconds of this process's CPU and of the clock that they took."""
    clock_s, cpu_s = time.monotonic(), time.process_time()
    tokens = generate()
    cpu_s, clock_s = time.process_time() - cpu_s, time.monotonic() - clock_s
    print(f"{name:<12}{tokens:>6,} tokens {cpu_s:7.1f} CPU s {clock_s:7.1f} s", flush=True)
    return Counter({"tokens": tokens, "CPU": round(1000 * cpu_s), "clock": round(1000 * clock_s)})


def bare(backend: Any, asked: list[Request]) -> int:
    prompts = [{"prompt_token_ids": backend._prompt(request)} for request in asked]
    sampling = [backend._sampling(request, backend.max_model_len) for request in asked]
    done = backend._llm.generate(prompts, sampling, use_tqdm=False)
    return sum(len(output.outputs[0].token_ids) for output in done)


def stored(backend: Backend, asked: list[Request]) -> int:
    with TemporaryDirectory() as folder:
        return talked(backend, asked, Path(folder), SLOTS)


def served(base_url: str, asked: list[Request]) -> int:
    from llm_cleaning.openai_backend import OpenAIBackend, ServiceConfig

    service = OpenAIBackend(ServiceConfig(base_url, max_in_flight=SLOTS))
    try:
        return stored(service, asked)
    finally:
        service.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=60, help="pages per set")
    parser.add_argument("--throughput", metavar="FOLDER", default="", help="compare a loaded model with itself")
    parser.add_argument("--requests", type=int, default=16)
    parser.add_argument("--answer-tokens", type=int, default=64)
    parser.add_argument("--dtype", default="auto", help="float32 where a processor is slow at bfloat16")
    parser.add_argument("--rounds", type=int, default=2, help="each system once a round, the order changing")
    parser.add_argument("--base-url", default="", help="with --throughput: a server of the same model")
    options = parser.parse_args()
    if options.throughput:
        how = options.requests, options.answer_tokens, options.rounds, options.base_url
        throughput(options.throughput, options.dtype, *how)
        return
    count = bundled_counter()
    total: Counter[str] = Counter()
    routes: Counter[str] = Counter()
    for document in documents(options.pages):
        total["pages"] += 1
        for mode in MODES:
            requests = first_round(document, mode, count)
            total[f"{mode} requests"] += len(requests)
            total[f"{mode} in"] += sum(count(request.system) + count(request.user) for request in requests)
            total[f"{mode} out"] += count(ideal(document, mode, count)) if requests else 0
            total[f"{mode} limit"] += sum(request.sampling.max_tokens for request in requests)
        for mode in ("auto", "select", "rewrite"):
            routes[f"{mode}: {route(document, mode, RouteConfig())}"] += 1
    print(f"{total['pages']} pages, tokens by the tokenizer of DeepSeek")
    for mode in MODES:
        line = f"{total[f'{mode} in']:>10,} in {total[f'{mode} out']:>9,} out (limit {total[f'{mode} limit']:,})"
        print(f"{mode:<10}{total[f'{mode} requests']:>6,} requests {line}")
    print(f"select / rewrite, tokens out: {total['select out'] / total['rewrite out']:.2%}")
    print(f"select, tokens out per page: {total['select out'] / total['pages']:.1f}")
    print("routes:", ", ".join(f"{name} {n}" for name, n in sorted(routes.items())))


if __name__ == "__main__":
    main()
