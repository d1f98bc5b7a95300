"""What is asked of a model and what it answered: the values that cleaning modes, backends and the store exchange.

A request says everything that decides the answer, so its key can name the answer on disk: document, chunk, prompt,
model and its revision, sampling. Where the model runs is not part of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol

CountTokens = Callable[[str], int]
REFUSED = "refused"  # finish reason of a request that the server would not take, e.g. too long for its context


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn. Greedy by default: then the seed is recorded but decides nothing."""

    max_tokens: int
    temperature: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model.

    Attributes:
        document, chunk: whose it is, e.g. a document id and "rewrite/0003".
        mode: select, repair or rewrite.
        system: the fixed part of the prompt, equal for all requests of a mode: servers keep its prefix cached.
        user: the page's part.
        sampling: how tokens are drawn.
        schema: JSON schema that the answer must follow, as canonical JSON, or "" for free text.
    """

    document: str
    chunk: str
    mode: str
    system: str
    user: str
    sampling: Sampling
    schema: str = ""

    def messages(self) -> list[dict[str, str]]:
        """The chat, fixed part first."""
        return [{"role": "system", "content": self.system}, {"role": "user", "content": self.user}]

    @property
    def prompt_sha(self) -> str:
        """Digest of everything the model is shown and bound to, 32 hex digits."""
        parts = (self.system, self.user, self.schema)
        return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which model answers; `revision` is whatever pins its weights: a commit, a digest, a date."""

    name: str
    revision: str = ""


def request_key(request: Request, model: ModelIdentity) -> str:
    """32 hex digits that name one answer."""
    parts = [request.document, request.chunk, request.prompt_sha, model.name, model.revision]
    text = json.dumps([*parts, asdict(request.sampling)], sort_keys=True)
    return blake2b(text.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `finish_reason` is "stop", "length", ... or REFUSED, then `text` says why."""

    text: str
    finish_reason: str
    tokens_in: int
    tokens_out: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Reply:
        return cls(data["text"], data["finish_reason"], data["tokens_in"], data["tokens_out"])


class Answer(NamedTuple):
    """A reply with the key it was asked under."""

    key: str
    reply: Reply


class Backend(Protocol):
    """Whoever answers. Requests are handed in without waiting, answers come in any order."""

    model: ModelIdentity
    max_model_len: int | None  # tokens of prompt and answer together, where known

    def submit(self, key: str, request: Request) -> None:
        """Take a request; it is paid for from here on."""
        ...

    def collect(self) -> Sequence[Answer]:
        """Wait until at least one answer is there and return those that are.

        Raises:
            BackendFailed: the model cannot be reached or refuses to work.
        """
        ...

    def close(self) -> None:
        """Give back connections and memory; unanswered requests are dropped."""
        ...


class Responses(Protocol):
    """Answers by key, kept so that none is paid for twice."""

    def __contains__(self, key: str) -> bool: ...

    def get(self, key: str) -> Reply | None:
        """The stored answer, or None."""
        ...

    def put(self, key: str, request: Request, model: ModelIdentity, reply: Reply) -> None:
        """Store an answer. The first one under a key stays."""
        ...

    def sync(self) -> None:
        """What was put outlives this process and machine from here on; only then is it used."""
        ...


def canonical_schema(schema: Mapping[str, Any]) -> str:
    """A JSON schema as one string, equal for equal schemas."""
    return json.dumps(schema, sort_keys=True, separators=(",", ":"))
