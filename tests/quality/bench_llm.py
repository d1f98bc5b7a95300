"""Measure what a model would cost on real pages: tokens in and out of every mode, by a real tokenizer, ideal answers.

    python tests/quality/bench_llm.py [--pages N]
    python tests/quality/bench_llm.py --throughput FOLDER [--requests N] [--answer-tokens N] [--base-url URL]

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
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")  # one process, so that its CPU time is all of it
ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/llm_cleaning"), str(ROOT / "tests/quality")]

from bench_guard import html_pages  # noqa: E402

from extractors import RenderRejected, render  # noqa: E402
from llm_cleaning.conversations import Conversations  # noqa: E402
from llm_cleaning.messages import Backend, Request, Sampling  # noqa: E402
from llm_cleaning.neutral import fenced  # noqa: E402
from llm_cleaning.pages import PASSED, CleanedPage, Conversation, clean_page  # noqa: E402
from llm_cleaning.prompt_texts import prompt  # noqa: E402
from llm_cleaning.routing import RouteConfig, route  # noqa: E402
from llm_cleaning.selecting import SelectConfig, listings  # noqa: E402
from llm_cleaning.stage import CleanConfig, mark_one  # noqa: E402
from llm_cleaning.store import ResponseStore  # noqa: E402
from llm_cleaning.token_counts import bundled_counter  # noqa: E402
from pipeline.cleaning_estimate import ideal_answer  # noqa: E402
from pipeline.document import Document  # noqa: E402
from pipeline.text.spans import cut  # noqa: E402

MODES = ("select", "rewrite")


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
    """Requests to rewrite our own sample pages, each with an answer of a bounded length."""
    from bench_guard import cleaned_pages, sample_pages

    texts = [cleaned[:600] for _, _, cleaned in cleaned_pages(sample_pages())]
    sampling = Sampling(max_tokens=answer_tokens)
    return [
        Request(str(n), "rewrite/0000", "rewrite", prompt("rewrite"), fenced(text), sampling)
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


def throughput(model: str, number: int, answer_tokens: int, base_url: str) -> None:
    from llm_cleaning.openai_backend import OpenAIBackend, ServiceConfig
    from llm_cleaning.vllm_backend import VllmBackend

    slots = 8
    engine = {"enforce_eager": True, "max_model_len": 2048, "max_num_seqs": slots, "enable_prefix_caching": False}
    backend = VllmBackend(model, **engine, distributed_executor_backend="uni")
    asked = questions(number, answer_tokens)
    prompts = [{"prompt_token_ids": backend._prompt(request)} for request in asked]
    sampling = [backend._sampling(request, 2048) for request in asked]
    rates: dict[str, list[float]] = {"bare": [], "in process": [], "service": []}
    for turn in range(3):
        for name in ("bare", "in process") if turn % 2 else ("in process", "bare"):
            before, cpu_s = time.monotonic(), time.process_time()
            if name == "bare":
                done = backend._llm.generate(prompts, sampling, use_tqdm=False)
                tokens = sum(len(output.outputs[0].token_ids) for output in done)
            else:
                with TemporaryDirectory() as folder:
                    tokens = talked(backend, asked, Path(folder), slots)
            used_s = time.process_time() - cpu_s
            rates[name].append(tokens / used_s)
            print(f"{name:<12}{tokens:>6,} tokens {used_s:7.1f} CPU s {time.monotonic() - before:7.1f} s", flush=True)
        if base_url:
            service = OpenAIBackend(ServiceConfig(base_url, max_in_flight=slots))
            with TemporaryDirectory() as folder:
                before = time.monotonic()
                tokens = talked(service, asked, Path(folder), slots)
            service.close()
            rates["service"].append(tokens / (time.monotonic() - before))
            print(f"{'service':<12}{tokens:>6,} tokens {tokens / rates['service'][-1]:7.1f} s", flush=True)
    # the first turn warms up
    best = {name: max(found[1:]) for name, found in rates.items() if found[1:]}
    print(", ".join(f"{name} {rate:.1f} tokens/s" for name, rate in best.items()))
    print(f"in process / bare: {best['in process'] / best['bare']:.1%} of the tokens per CPU second")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=60, help="pages per set")
    parser.add_argument("--throughput", metavar="FOLDER", default="", help="compare a loaded model with itself")
    parser.add_argument("--requests", type=int, default=16)
    parser.add_argument("--answer-tokens", type=int, default=64)
    parser.add_argument("--base-url", default="", help="with --throughput: a server of the same model")
    options = parser.parse_args()
    if options.throughput:
        throughput(options.throughput, options.requests, options.answer_tokens, options.base_url)
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
