"""Who needs a model: clean pages skip it, hopeless ones never reach it, the others get the cheapest mode that helps.

Scores come from the rule cleaner's marks alone, so routing costs no more than marking. Tokens of each mode are counted
from the very requests that would be sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipeline.document import Document

Route = Literal["clean", "hopeless", "select", "repair", "rewrite"]


@dataclass(frozen=True, slots=True)
class RouteConfig:
    """Thresholds of the router. Who asks for `rewrite` gets it on every page that is not hopeless.

    Attributes:
        enabled: False sends every page with text to the model.
        low, high: keep_scores between these are uncertain: the rules might be wrong.
        max_uncertain: share of a page's characters in uncertain blocks up to which the rules are trusted.
        min_chars: pages with less text outside of links are hopeless, unless they hold a formula or code.
        max_chars: longer pages are left to the rules.
    """

    enabled: bool = True
    low: float = 0.1
    high: float = 0.9
    max_uncertain: float = 0.02
    min_chars: int = 80
    max_chars: int = 2_000_000


@dataclass(frozen=True, slots=True)
class PageScores:
    """What the router sees of one page."""

    chars: int  # outside of links
    kept_chars: int  # in blocks that the rules keep
    uncertain_chars: int
    safe_blocks: int  # of code, or with a formula
    broken_formulas: int


def page_scores(document: Document, config: RouteConfig) -> PageScores:
    """Scores of a marked document."""
    blocks = document.blocks
    chars = kept = uncertain = code = 0
    for start, end, kind, links, score in zip(
        blocks.start, blocks.end, blocks.kind, blocks.link_density, blocks.keep_score, strict=True
    ):
        size = end - start
        chars += int(size * (1.0 - links))
        kept += size if score is None or score >= 0.5 else 0
        uncertain += size if score is None or config.low < score < config.high else 0
        code += kind in ("code", "math")
    broken = document.formulas.recovered.count(False)
    return PageScores(chars, kept, uncertain, code + len(document.formulas), broken)


def route(document: Document, mode: str, config: RouteConfig) -> Route:
    """The route of a marked document; `mode` is what was asked for, or "auto"."""
    scores = page_scores(document, config)
    if not document.text.strip() or len(document.text) > config.max_chars:
        return "hopeless"
    if mode == "repair":
        return "repair" if scores.broken_formulas else "clean"
    if config.enabled:
        if scores.chars < config.min_chars and not scores.safe_blocks:
            return "hopeless"
        if mode != "rewrite" and scores.uncertain_chars <= config.max_uncertain * scores.kept_chars:
            return "repair" if mode == "auto" and scores.broken_formulas else "clean"
    return "rewrite" if mode == "rewrite" else "select"
