"""A model in this process: vLLM's engine, fed continuously, so that answers are stored one by one as they finish.

The batch never drains between pages: new requests join while others are being generated. vLLM is the `gpu` extra and is
imported here only.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llm_cleaning.messages import REFUSED, Answer, ModelIdentity, Reply, Request
from llm_cleaning.service_faults import BackendFailed


class VllmBackend:
    """`vllm.LLM` with the requests of many pages in flight."""

    def __init__(self, model: str, revision: str = "", **engine: Any) -> None:
        """Load a model. `engine` goes to `vllm.LLM`, e.g. max_model_len, tensor_parallel_size.

        Raises:
            BackendFailed: vLLM is not installed, or cannot load the model.
        """
        self._vllm = _imported()
        engine = {"structured_outputs_config": self._compact_json(), **engine}
        try:
            self._llm = self._vllm.LLM(model=model, revision=revision or None, seed=0, **engine)
        except (OSError, ValueError, RuntimeError) as error:
            raise BackendFailed(
                f"vLLM cannot load the model: {_first_line(error)}", where=f"--model {model}"
            ) from error
        self.tokenizer = self._llm.get_tokenizer()
        self.model = ModelIdentity(Path(model).name if Path(model).exists() else model, revision)
        self.max_model_len: int | None = int(self._llm.model_config.max_model_len)
        self._engine = self._llm.llm_engine
        self._refused: list[Answer] = []
        self._waiting = 0

    @staticmethod
    def _compact_json() -> Any:
        """White space between JSON tokens says nothing, costs tokens, and a weak model never stops writing it."""
        kind = importlib.import_module("vllm.config").StructuredOutputsConfig
        return kind(backend="xgrammar", disable_any_whitespace=True)

    def count(self, text: str) -> int:
        """Tokens of a text by the model's own tokenizer, control tokens read as text where it can."""
        return len(self.tokenizer.encode(text, add_special_tokens=False))

    def submit(self, key: str, request: Request) -> None:
        """Hand a request to the engine; it starts with the next step."""
        ids = self._prompt(request)
        room = (self.max_model_len or 0) - len(ids)
        if room < 1:
            self._refused.append(Answer(key, Reply("the prompt is longer than the context", REFUSED, len(ids), 0)))
            return
        self._engine.add_request(key, {"prompt_token_ids": ids}, self._sampling(request, room))
        self._waiting += 1

    def collect(self) -> Sequence[Answer]:
        """Let the engine work until at least one request is finished."""
        found, self._refused = self._refused, []
        while self._waiting and not found:
            outputs = [output for output in self._engine.step() if output.finished]
            self._waiting -= len(outputs)
            found += [Answer(output.request_id, _reply(output)) for output in outputs]
        return found

    def close(self) -> None:
        """Give back the memory."""
        del self._engine, self._llm

    def _prompt(self, request: Request) -> list[int]:
        if getattr(self.tokenizer, "chat_template", None):
            ids = self.tokenizer.apply_chat_template(
                request.messages(), add_generation_prompt=True, tokenize=True, return_dict=False
            )
            return list(ids)
        text = f"{request.system}\n\n{request.user}\n\n"
        return list(self.tokenizer.encode(text))

    def _sampling(self, request: Request, room: int) -> Any:
        sampling = request.sampling
        schema: dict[str, Any] = {}
        if request.schema:
            kind = importlib.import_module("vllm.sampling_params").StructuredOutputsParams
            schema = {"structured_outputs": kind(json=json.loads(request.schema))}
        return self._vllm.SamplingParams(
            temperature=sampling.temperature,
            max_tokens=min(sampling.max_tokens, room),
            seed=sampling.seed,
            **schema,
        )


def _reply(output: Any) -> Reply:
    done = output.outputs[0]
    return Reply(done.text, done.finish_reason or "stop", len(output.prompt_token_ids or ()), len(done.token_ids))


def _imported() -> Any:
    try:
        return importlib.import_module("vllm")
    except ImportError as error:
        raise BackendFailed(
            f"vLLM is not installed: {error}",
            where="--backend vllm",
            expected="the gpu extra",
            hint="pip install 'warcmill[gpu]', or serve the model and use --backend openai --base-url URL",
        ) from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
