"""Many pages talk to one model at once: answers are replayed from the store, else asked for and stored before use.

Pages come out in the order they went in, whatever the order of answers. A page in waiting costs its text; how many wait
is bounded.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from llm_cleaning.messages import Answer, Backend, Reply, Request, Responses, request_key
from llm_cleaning.pages import CleanedPage, Conversation

Label = TypeVar("Label")
PAGES_PER_SLOT = 4  # pages in waiting per request in flight, so that slow pages do not leave slots idle


@dataclass(slots=True)
class Spent:
    """Requests and tokens by mode. `replayed` ones were paid for by an earlier run."""

    asked: Counter[str] = field(default_factory=Counter)
    replayed: Counter[str] = field(default_factory=Counter)
    tokens_in: Counter[str] = field(default_factory=Counter)
    tokens_out: Counter[str] = field(default_factory=Counter)

    def add(self, request: Request, reply: Reply) -> None:
        """Count an answer under its mode, replayed or not."""
        self.tokens_in[request.mode] += reply.tokens_in
        self.tokens_out[request.mode] += reply.tokens_out


@dataclass(slots=True, eq=False)
class _Talk(Generic[Label]):
    label: Label
    conversation: Conversation
    requests: list[Request] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)
    result: CleanedPage | None = None


class Conversations(Generic[Label]):
    """Runs conversations against a backend with a store behind it."""

    def __init__(
        self,
        backend: Backend,
        store: Responses,
        *,
        slots: int,
        beat: Callable[[], None] = lambda: None,
        spent: Spent | None = None,
    ) -> None:
        """Begin to talk.

        Args:
            slots: how many requests the backend works on at a time; 0 for one page after the other.
            beat: called every few seconds while answers are awaited.
            spent: filled with requests and tokens.
        """
        self._backend, self._store, self._beat = backend, store, beat
        self._window = max(1, PAGES_PER_SLOT * slots)
        self._talks: deque[_Talk[Label]] = deque()
        self._waiting: dict[str, list[_Talk[Label]]] = {}  # key -> talks that wait for its answer
        self._requests: dict[str, Request] = {}  # key -> request in flight
        self.spent = spent if spent is not None else Spent()

    def run(self, pages: Iterable[tuple[Label, Conversation]]) -> Iterator[tuple[Label, CleanedPage]]:
        """Results in the order of `pages`, which is read ahead by a bounded number of pages."""
        for label, conversation in pages:
            talk = _Talk(label, conversation)
            self._talks.append(talk)
            self._ask(talk, None)
            yield from self._ready()
            while len(self._talks) >= self._window:
                self._listen()
                yield from self._ready()
        while self._talks:
            self._listen()
            yield from self._ready()

    def _ready(self) -> Iterator[tuple[Label, CleanedPage]]:
        while self._talks and (result := self._talks[0].result) is not None:
            yield self._talks.popleft().label, result

    def _ask(self, talk: _Talk[Label], replies: list[Reply] | None) -> None:
        """Hand a page its answers, and the backend what it asks next; go on while the store knows all answers."""
        while True:
            try:
                requests = next(talk.conversation) if replies is None else talk.conversation.send(replies)
            except StopIteration as end:
                talk.result = end.value
                return
            talk.requests = requests
            talk.keys = [request_key(request, self._backend.model) for request in requests]
            talk.missing = {key for key in talk.keys if key not in self._store}
            for key, request in zip(talk.keys, requests, strict=True):
                self._wait_for(key, request, talk)
            if talk.missing:
                return
            replies = self._replies(talk)

    def _wait_for(self, key: str, request: Request, talk: _Talk[Label]) -> None:
        if key not in talk.missing:
            self.spent.replayed[request.mode] += 1
        elif key in self._waiting:
            if talk not in self._waiting[key]:
                self._waiting[key].append(talk)
        else:
            self._waiting[key], self._requests[key] = [talk], request
            self.spent.asked[request.mode] += 1
            self._backend.submit(key, request)

    def _replies(self, talk: _Talk[Label]) -> list[Reply]:
        replies = []
        for key, request in zip(talk.keys, talk.requests, strict=True):
            reply = self._store.get(key)
            assert reply is not None  # noqa: S101 - what is waited for is stored before the wait ends
            self.spent.add(request, reply)
            replies.append(reply)
        return replies

    def _listen(self) -> None:
        """Take the answers that are there: all are on disk before any is used."""
        answers = self._backend.collect()
        for answer in answers:
            self._store.put(answer.key, self._requests.pop(answer.key), self._backend.model, answer.reply)
        if answers:
            self._store.sync()
        for answer in answers:
            self._deliver(answer)
        self._beat()

    def _deliver(self, answer: Answer) -> None:
        for talk in self._waiting.pop(answer.key):
            talk.missing.discard(answer.key)
            if not talk.missing:
                self._ask(talk, self._replies(talk))
