"""Pages of our own for the third set: articles, forum threads, docs, lectures in six languages (adversary/*.txt).

Chrome stands in ⟦ ⟧. People, places and products are invented; so are most of the facts.
"""

from __future__ import annotations

import re
from pathlib import Path

_CHROME = re.compile(r"⟦(.*?)⟧", re.DOTALL)
FILES = sorted((Path(__file__).parent / "adversary").glob("*.txt"))


def written_pages() -> list[tuple[str, str]]:
    """(page with its chrome, the page as it should be cleaned)."""
    texts = [file.read_text(encoding="utf-8") for file in FILES]
    return [(_CHROME.sub(r"\1", text), re.sub(r"\n{3,}", "\n\n", _CHROME.sub("", text)).strip()) for text in texts]
