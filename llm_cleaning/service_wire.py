"""What goes over the wire to an OpenAI-compatible server, and what may come back: everything is checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from llm_cleaning.messages import REFUSED, Reply, Request
from llm_cleaning.service_faults import BackendFailed, Transient, retry_after_s

# Ways to force a JSON schema, in the order they are tried: the standard, vLLM since 0.11, vLLM before, none.
DIALECTS = ("json_schema", "structured_outputs", "guided_json", "none")
_FATAL = {401: "the server wants a key", 403: "the server forbids it", 404: "the server has no such model or path"}
_TRANSIENT = frozenset({408, 409, 425, 429, *range(500, 600)})
_STRUCTURED_WORDS = ("response_format", "structured", "guided", "json_schema", "grammar", "schema")
MAX_SAID_CHARS = 300


class UnknownDialect(Exception):
    """The server does not know this way to force a schema."""


def payload(request: Request, model: str, dialect: str) -> bytes:
    """Body of POST /chat/completions."""
    body: dict[str, Any] = {
        "model": model,
        "messages": request.messages(),
        "max_tokens": request.sampling.max_tokens,
        "temperature": request.sampling.temperature,
        "seed": request.sampling.seed,
        "n": 1,
        "stream": False,
    }
    if request.schema:
        body |= _forced(json.loads(request.schema), request.mode, dialect)
    return json.dumps(body).encode()


def _forced(schema: Mapping[str, Any], name: str, dialect: str) -> dict[str, Any]:
    if dialect == "json_schema":
        return {"response_format": {"type": "json_schema", "json_schema": {"name": name, "schema": schema}}}
    if dialect == "structured_outputs":
        return {"structured_outputs": {"json": schema}}
    return {"guided_json": schema} if dialect == "guided_json" else {}


def read_reply(status: int, headers: Mapping[str, str], body: bytes, request: Request, where: str) -> Reply:
    """The answer in a response.

    Raises:
        Transient: try again.
        UnknownDialect: try another way to force the schema.
        BackendFailed: no request can succeed.
    """
    if status == 200:
        return _completion(body)
    said = said_by(body)
    if status in _TRANSIENT:
        wait_s = retry_after_s(headers.get("retry-after"))
        raise Transient(f"HTTP {status}: {said}", wait_s=wait_s, own=status not in (429, 502, 503, 504))
    if status in _FATAL or 300 <= status < 400:
        raise BackendFailed(
            f"HTTP {status}: {_FATAL.get(status, 'a redirect')}: {said}",
            where=where,
            expected="an OpenAI-compatible server",
            hint="check --base-url and --model, and the key in OPENAI_API_KEY",
        )
    if request.schema and any(word in said.lower() for word in _STRUCTURED_WORDS):
        raise UnknownDialect(said)
    return Reply(f"HTTP {status}: {said}", REFUSED, 0, 0)


def _completion(body: bytes) -> Reply:
    """Raises Transient for anything that is not a completion."""
    try:
        data = json.loads(body)
        choice = data["choices"][0]
        text, finish = choice["message"]["content"], choice["finish_reason"]
        usage = data.get("usage") or {}
        tokens = [usage.get(name) or 0 for name in ("prompt_tokens", "completion_tokens")]
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError) as error:
        raise Transient(f"not a completion: {type(error).__name__}", own=True) from error
    text = "" if text is None and finish == "length" else text
    if not isinstance(text, str) or not isinstance(finish, str) or not all(type(count) is int for count in tokens):
        raise Transient("not a completion: fields of the wrong type", own=True)
    return Reply(text, finish, *tokens)


def served_models(body: bytes) -> dict[str, int | None]:
    """Model names of GET /models, with the context length where the server tells it.

    Raises:
        Transient: the body is no such list.
    """
    try:
        rows = json.loads(body)["data"]
        return {str(row["id"]): _length(row.get("max_model_len")) for row in rows}
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError) as error:
        raise Transient(f"not a list of models: {type(error).__name__}") from error


def read_count(status: int, headers: Mapping[str, str], body: bytes) -> int | None:
    """Tokens in a response of vLLM's POST /tokenize, None where the server has no such path. Raises Transient."""
    if (400 <= status < 500 and status not in _TRANSIENT) or status == 501:
        return None
    if status != 200:
        raise Transient(f"HTTP {status}: {said_by(body)}", wait_s=retry_after_s(headers.get("retry-after")))
    try:
        count = json.loads(body)["count"]
    except (ValueError, RecursionError, LookupError, TypeError) as error:
        raise Transient(f"not a token count: {type(error).__name__}") from error
    if type(count) is not int:
        raise Transient("not a token count: no number")
    return count


def _length(value: Any) -> int | None:
    return value if type(value) is int and value > 0 else None


def said_by(body: bytes) -> str:
    """What an error response says, short and on one line."""
    text = body[:4096].decode("utf-8", "replace")
    try:
        data = json.loads(body)
        inner = data.get("error", data)
        text = str(inner.get("message", inner)) if isinstance(inner, dict) else str(inner)
    except (ValueError, RecursionError, AttributeError):
        pass
    return " ".join(text.split())[:MAX_SAID_CHARS]
