"""Counting for the quality gate: of how many items how many were found, by measure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from extractors import Rendered
from pipeline.text.latex import canonical

_SPACE = re.compile(r"\s+")


class Tally:
    """Hits and items by measure."""

    def __init__(self) -> None:
        self._hits: Counter[str] = Counter()
        self._of: Counter[str] = Counter()

    def add(self, measure: str, hits: int, of: int) -> None:
        self._hits[measure] += hits
        self._of[measure] += of

    def shares(self) -> dict[str, dict[str, Any]]:
        """{"measure": {"share": hits over items, 4 digits, "of": items}}, by name."""
        return {
            name: {"share": round(self._hits[name] / of, 4), "of": of} for name, of in sorted(self._of.items()) if of
        }


def spelled(tex: str) -> str:
    """One spelling of a formula: cheap, no renderer asked, so equal formulas may differ but never the reverse."""
    return canonical(tex).rstrip(" .,;")


def formulas_of(page: Rendered) -> Counter[str]:
    """Canonical spellings of a page's delimited formulas."""
    return Counter(spelled(formula.tex) for formula in page.formulas if formula.recovered)


def found_of(wanted: Iterable[str], formulas: Counter[str]) -> list[bool]:
    """For each wanted formula whether the page holds it; each of the page's formulas answers once."""
    left = formulas.copy()
    hits = []
    for tex in wanted:
        key = spelled(tex)
        hits.append(left[key] > 0)
        left[key] -= 1
    return hits


def squeezed(text: str) -> str:
    """Text without white space, for phrases that layout may break."""
    return _SPACE.sub("", text)
