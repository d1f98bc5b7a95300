"""Educational quality, 0 to 5, by a transformer: our head on an embedding, or a whole model such as FineMath's.

A long page is read in windows spread over all of it and gets their mean, where one crop would judge a page by its
middle. Scores are rounded to STEP, and kept per document and model, so that every engine and batch size agrees.

Source: the form follows HuggingFaceTB/finemath-classifier, 2024: an embedding and one linear output.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np

from classifiers.embedder import Vectors, direct_scores, embed, identity, load, resolve, windows
from classifiers.score_store import ScoreStore, key
from pipeline.errors import InputError

STEP = 1 / 32  # far above what batch size moves, and exact in binary
TOP = 5.0
BATCH = 16
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Head:
    """A linear head on an embedding: score = vector · weights + bias.

    Attributes:
        embedder: folder, hub name or "" for the wheel's model; what the head was trained on.
        embedder_identity: `embedder.identity` of that model; another model's vectors would be scored to nonsense.
        weights: one per number of the vector.
    """

    embedder: str
    embedder_identity: str
    weights: Vectors
    bias: float


def head_bytes(head: Head) -> bytes:
    """The head as .npz without pickle; the same head gives the same bytes."""
    arrays = {
        "format": np.array(FORMAT),
        "embedder": np.array(head.embedder),
        "embedder_identity": np.array(head.embedder_identity),
        "weights": head.weights.astype(np.float32),
        "bias": np.array(head.bias, np.float64),
    }
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, array in arrays.items():
            part = io.BytesIO()
            np.lib.format.write_array(part, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), part.getvalue())  # a fixed date: no clock in the bytes
    return target.getvalue()


def load_head(path: Path) -> Head:
    """A head that train-classifier wrote.

    Raises:
        InputError: missing, damaged, of another format, or of impossible dimensions.
    """
    expected = "an .npz written by warcmill train-classifier --kind regressor"
    if not path.is_file():
        raise InputError("the regressor is missing", where=str(path), expected=expected)
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            number, weights = int(arrays["format"]), arrays["weights"]
            names = str(arrays["embedder"]), str(arrays["embedder_identity"])
            bias = float(arrays["bias"])
    except (ValueError, KeyError, OSError, EOFError, TypeError, zipfile.BadZipFile) as problem:
        raise InputError(f"the regressor is damaged: {problem}", where=str(path), expected=expected) from None
    if number != FORMAT or weights.ndim != 1 or weights.size == 0 or not np.isfinite([*weights, bias]).all():
        raise InputError(
            f"wrong format or dimensions: format {number}, weights {weights.shape}", where=str(path), expected=expected
        )
    return Head(*names, weights.astype(np.float32), bias)


@dataclass(frozen=True, slots=True)
class Regressor:
    """A model ready to score.

    Attributes:
        name: the embedder or whole model: folder, hub name, or "" for the wheel's.
        identity: what scores are stored under; changes with any byte of head or transformer.
        head: None for a whole regression model.
    """

    name: str
    identity: str
    head: Head | None
    device: str = "cpu"
    batch: int = BATCH

    def scores(self, texts: Sequence[str]) -> list[float]:
        """0 to 5 in steps of STEP, the mean over windows; 0.0 for a blank text."""
        parts = [list(windows(text)) if text.strip() else [] for text in texts]
        flat = [part for one in parts for part in one]
        values = self._values(flat) if flat else np.zeros(0, np.float32)
        ends = np.cumsum([len(one) for one in parts])
        return [quantised(values[end - len(one) : end]) for one, end in zip(parts, ends, strict=True)]

    def _values(self, texts: Sequence[str]) -> Vectors:
        by_length = sorted(range(len(texts)), key=lambda i: (len(texts[i]), i))  # little padding in a batch
        ordered = [texts[i] for i in by_length]
        if self.head is None:
            found = direct_scores(ordered, self.name, self.device, self.batch)
        else:
            vectors = embed(ordered, self.name, self.device, self.batch)
            found = vectors @ self.head.weights + np.float32(self.head.bias)
        values = np.empty_like(found)
        values[by_length] = found
        return values


def quantised(values: Vectors) -> float:
    """Mean of a page's windows, cut to 0..5 and rounded to STEP."""
    if not len(values):
        return 0.0
    mean = float(np.clip(values.astype(np.float64), 0.0, TOP).mean())
    return round(mean / STEP) * STEP


@cache
def open_regressor(model: str, device: str = "cpu", batch: int = BATCH) -> Regressor:
    """The regressor at `model`: an .npz head, a folder of a whole model, or a hub name. Loads it: errors come now.

    Raises:
        InputError: missing or damaged, torch missing, or head and transformer do not fit.
    """
    if not model.endswith(".npz"):
        load(resolve(model), device, "score")
        return Regressor(model, identity(model), None, device, batch)
    path = Path(model)
    head = load_head(path)
    found = identity(head.embedder)
    if found != head.embedder_identity:
        raise InputError(
            "the head was trained on another embedding model",
            where=model,
            expected=f"{head.embedder or 'the wheel'}, {head.embedder_identity[:12]}…; found {found[:12]}…",
        )
    _, transformer = load(head.embedder, device, "embed")
    dim = int(transformer.config.hidden_size)
    if dim != head.weights.size:
        raise InputError(f"wrong dimensions: head {head.weights.size}, embedding {dim}", where=model)
    both = sha256(path.read_bytes() + found.encode()).hexdigest()
    return Regressor(head.embedder, both, head, device, batch)


def stored_scores(regressor: Regressor, store: ScoreStore, ids: Sequence[str], texts: Sequence[str]) -> list[float]:
    """Scores of documents, read from the store where it has them, added to it where it has not."""
    keys = [key(document, text) for document, text in zip(ids, texts, strict=True)]
    known = store.get(regressor.identity, keys)
    new = {name: text for name, text in zip(keys, texts, strict=True) if name not in known}
    if new:
        made = dict(zip(new, regressor.scores(list(new.values())), strict=True))
        known |= store.put(regressor.identity, made)
    return [known[name] for name in keys]
