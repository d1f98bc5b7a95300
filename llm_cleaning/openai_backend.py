"""A model behind an OpenAI-compatible server, such as a vLLM service: the same client on every engine.

Requests are asked concurrently on an event loop in a thread of its own, bounded in flight; a failed one is repeated
after a pause. Whatever the order of the answers, results do not depend on it.
"""

from __future__ import annotations

import asyncio
import json
import os
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2

from llm_cleaning.messages import REFUSED, Answer, ModelIdentity, Reply, Request, Sampling
from llm_cleaning.service_faults import BackendFailed, Breaker, Slow, Transient, delay_s
from llm_cleaning.service_wire import DIALECTS, UnknownDialect, payload, read_count, read_reply, served_models

KEY_VARIABLE = "OPENAI_API_KEY"
WAIT_S = 5.0  # `collect` returns empty-handed after this, so that the caller can show that it lives
MAX_OWN_FAILURES = 12  # of one request, by the server's fault, while others are answered
MAX_REFUSED = 50  # requests refused without one being answered
BYTES_PER_TOKEN = 64
SPARE_BYTES = 1 << 16
QUICK_S = 20.0
TOKENIZE_ATTEMPTS = 8
MAX_PATIENCE = 16  # a request that took too long gets twice the time, up to this many times


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    """Where the model is served, and how hard to try.

    Attributes:
        base_url: of the API, e.g. http://127.0.0.1:8000/v1; without a path, /v1 is assumed.
        model: name to ask for; "" takes the one that is served.
        revision: what pins its weights; only recorded.
        max_in_flight: requests asked at the same time.
        timeout_s: longest one request may take; each time it takes longer it gets twice as long.
        startup_s: how long to wait at the beginning for a server that stumbles.
        absent_s: how long to wait at the beginning for one where nobody listens.
        give_up_s: seconds without any answer after which the run stops.
    """

    base_url: str
    model: str = ""
    revision: str = ""
    max_in_flight: int = 32
    timeout_s: float = 120.0
    startup_s: float = 30.0
    absent_s: float = 4.0
    give_up_s: float = 600.0


class OpenAIBackend:
    """Asks a server. Made by `open_service`, which checks it first."""

    def __init__(self, config: ServiceConfig, notice: Callable[[str], None] = lambda _line: None) -> None:
        """Connect. `notice` is told, from another thread, when the server has to be asked again.

        Raises:
            BackendFailed: nobody answers, or the model is not served.
        """
        self._config, self._notice = config, notice
        self._url = _api(config.base_url)
        self._done: queue.SimpleQueue[Answer | BaseException] = queue.SimpleQueue()
        self._breaker = Breaker(threshold=max(8, config.max_in_flight // 2), give_up_s=config.give_up_s)
        self._dialect = 0
        self._answered = self._refused = self._waiting = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="warcmill-llm", daemon=True)
        self._thread.start()
        try:
            self._name, self.max_model_len = asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()
        except BaseException:
            self.close()
            raise
        self.model = ModelIdentity(self._name, config.revision)

    def submit(self, key: str, request: Request) -> None:
        """Ask; the answer comes out of `collect`."""
        self._waiting += 1
        self._loop.call_soon_threadsafe(self._start, key, request)

    def collect(self) -> Sequence[Answer]:
        """Answers that are there, after waiting for at least one, but WAIT_S at most."""
        if not self._waiting:
            return []
        found: list[Answer] = []
        try:
            item = self._done.get(timeout=WAIT_S)
            while True:
                if isinstance(item, BaseException):
                    raise item
                found.append(item)
                item = self._done.get_nowait()
        except queue.Empty:
            self._waiting -= len(found)
            return found

    def counter(self) -> Callable[[str], int] | None:
        """Counts tokens with the server's tokenizer (vLLM's POST /tokenize), or None where it offers none.

        A server that stumbles is asked again: which counter is used must not depend on a fault.
        """
        offers = asyncio.run_coroutine_threadsafe(self._offers_count(), self._loop).result()
        return self._count if offers else None

    async def _offers_count(self) -> bool:
        for attempt in range(TOKENIZE_ATTEMPTS):
            try:
                return await self._count_once("x") is not None
            except (httpx2.HTTPError, Transient, TimeoutError) as error:
                await asyncio.sleep(delay_s("tokenize", attempt, getattr(error, "wait_s", None)))
        return False

    def _count(self, text: str) -> int:
        return asyncio.run_coroutine_threadsafe(self._counted(text), self._loop).result()

    async def _counted(self, text: str) -> int:
        attempt = 0
        while True:
            await self._breaker.ready()
            try:
                count = await self._count_once(text)
                if count is None:
                    raise BackendFailed("the server no longer counts tokens", where=self._url)
            except (httpx2.HTTPError, Transient, TimeoutError) as error:
                self._breaker.failed(f"/tokenize: {_said(error)}", self._url)
                await asyncio.sleep(delay_s(text[:99], attempt, getattr(error, "wait_s", None)))
                attempt += 1
            else:
                self._breaker.succeeded()
                return count

    async def _count_once(self, text: str) -> int | None:
        body = json.dumps({"model": self._name, "prompt": text, "add_special_tokens": False}).encode()
        url = f"{self._url.removesuffix('/v1')}/tokenize"
        async with asyncio.timeout(QUICK_S):
            return read_count(*await self._exchange("POST", url, body, SPARE_BYTES + BYTES_PER_TOKEN * len(text)))

    def close(self) -> None:
        """Drop what is unanswered, close the connections."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result(timeout=30)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()

    async def _open(self) -> tuple[str, int | None]:
        limits = httpx2.Limits(max_connections=self._config.max_in_flight, max_keepalive_connections=None)
        key = os.environ.get(KEY_VARIABLE, "")
        headers = {"authorization": f"Bearer {key}"} if key else {}
        timeout = httpx2.Timeout(None, connect=5.0)  # a whole exchange is timed, not its parts
        self._client = httpx2.AsyncClient(limits=limits, headers=headers, timeout=timeout, trust_env=False)
        self._slots = asyncio.Semaphore(self._config.max_in_flight)
        return await self._checked()

    async def _checked(self) -> tuple[str, int | None]:
        """Name and context length of the model, once the server answers and serves it."""
        began_s, attempt = self._loop.time(), 0
        while True:
            try:
                return _chosen(await self._models(), self._config.model, self._url)
            except (httpx2.HTTPError, Transient, TimeoutError) as error:
                is_absent = isinstance(error, httpx2.ConnectError)
                left_s = began_s + (self._config.absent_s if is_absent else self._config.startup_s) - self._loop.time()
                if left_s <= 0:
                    raise BackendFailed(
                        f"no answer from the model service: {_said(error)}",
                        where=f"{self._url}/models",
                        expected="an OpenAI-compatible server, e.g. `vllm serve MODEL`",
                        hint="start it, or correct --base-url",
                    ) from error
                self._notice(f"{self._url}/models: {_said(error)}; asking again for {left_s:.0f} s")
                await asyncio.sleep(min(delay_s(self._url, attempt, None), left_s))
                attempt += 1

    async def _models(self) -> dict[str, int | None]:
        async with asyncio.timeout(QUICK_S):
            status, headers, body = await self._exchange("GET", f"{self._url}/models", b"", SPARE_BYTES * 16)
        if status != 200:
            read_reply(status, headers, body, _NOTHING, f"{self._url}/models")
            raise Transient(f"HTTP {status}")
        return served_models(body)

    def _start(self, key: str, request: Request) -> None:
        task = self._loop.create_task(self._answer(key, request))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._done.put(error)

    async def _answer(self, key: str, request: Request) -> None:
        async with self._slots:
            reply = await self._asked(key, request)
        self._answered += reply.finish_reason != REFUSED
        self._refused += reply.finish_reason == REFUSED
        if self._refused >= MAX_REFUSED and not self._answered:
            raise BackendFailed(f"every request is refused; last: {reply.text}", where=self._url)
        self._done.put(Answer(key, reply))

    async def _asked(self, key: str, request: Request) -> Reply:
        own = attempt = 0
        patience = 1
        while True:
            await self._breaker.ready()
            dialect = self._dialect
            try:
                reply = await self._once(request, DIALECTS[dialect], patience * self._config.timeout_s)
            except UnknownDialect as error:
                if dialect + 1 == len(DIALECTS):
                    return Reply(str(error), REFUSED, 0, 0)
                self._dialect = max(self._dialect, dialect + 1)
                self._breaker.succeeded()
                continue
            except (httpx2.HTTPError, Transient) as error:
                own += isinstance(error, Transient) and error.own
                patience = min(MAX_PATIENCE, 2 * patience) if isinstance(error, Slow) else patience
                if own >= MAX_OWN_FAILURES and self._answered:
                    return Reply(f"given up: {_said(error)}", REFUSED, 0, 0)
                self._breaker.failed(_said(error), self._url, is_slow=isinstance(error, Slow))
                await asyncio.sleep(delay_s(key, attempt, getattr(error, "wait_s", None)))
                attempt += 1
                continue
            self._breaker.succeeded()
            return reply

    async def _once(self, request: Request, dialect: str, timeout_s: float) -> Reply:
        body = payload(request, self._name, dialect)
        most = SPARE_BYTES + BYTES_PER_TOKEN * request.sampling.max_tokens
        try:
            async with asyncio.timeout(timeout_s):
                status, headers, said = await self._exchange("POST", f"{self._url}/chat/completions", body, most)
        except TimeoutError as error:
            raise Slow(f"no answer within {timeout_s:g} s", own=True) from error
        return read_reply(status, headers, said, request, self._url)

    async def _exchange(self, method: str, url: str, body: bytes, most: int) -> tuple[int, httpx2.Headers, bytes]:
        """Status, headers and body of one HTTP exchange; bodies beyond `most` bytes are no answers."""
        headers = {"content-type": "application/json"} if body else {}
        parts: list[bytes] = []
        async with self._client.stream(method, url, content=body, headers=headers) as response:
            async for part in response.aiter_bytes():
                parts.append(part)
                most -= len(part)
                if most < 0:
                    raise Transient("the answer has no end", own=True)
            return response.status_code, response.headers, b"".join(parts)

    async def _shut(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if hasattr(self, "_client"):
            await self._client.aclose()


def _api(base_url: str) -> str:
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise BackendFailed(
            "not an http address", where=f"--base-url {base_url}", expected="e.g. http://127.0.0.1:8000/v1"
        )
    url = base_url.rstrip("/")
    return url if parts.path.strip("/") else f"{url}/v1"


def _chosen(served: dict[str, int | None], wanted: str, url: str) -> tuple[str, int | None]:
    if not wanted and len(served) == 1:
        wanted = next(iter(served))
    if wanted not in served:
        raise BackendFailed(
            f"the server does not serve {wanted!r}" if wanted else "the server serves several models, none was named",
            where=url,
            expected=f"--model with one of: {', '.join(sorted(served)) or 'nothing is served'}",
        )
    return wanted, served[wanted]


def _said(error: BaseException) -> str:
    return str(error) or type(error).__name__


_NOTHING = Request("", "", "", "", "", Sampling(1))
