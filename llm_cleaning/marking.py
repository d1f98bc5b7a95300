"""Marks: the belief of the rules in every block of a document."""

from __future__ import annotations

from llm_cleaning.names import CODES, NAMES, read_code
from llm_cleaning.native import twin
from llm_cleaning.rules import WEIGHTS
from llm_cleaning.texts import KINDS, PHRASES
from pipeline.document import Document

_OTHER = KINDS["other"]


def keep_scores(document: Document) -> list[float]:
    """keep_score of every block; the document is not changed."""
    blocks = document.blocks
    kinds = bytes([KINDS.get(kind, _OTHER) for kind in blocks.kind])
    sizes, bits = twin.bodies(document.text, blocks.start, blocks.end, kinds, document.formulas.start, PHRASES)
    places, technical = twin.places(blocks.dom_path, blocks.link_density, sizes, bits, CODES, NAMES, read_code)
    return twin.scores(
        kinds, blocks.level, blocks.link_density, blocks.site_repeat, sizes, bits, places, technical, WEIGHTS
    )
