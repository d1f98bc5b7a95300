"""Mode `repair`: formulas the renderer could only show as text become LaTeX, if it says exactly what the page shows.

A formula is accepted when its TeX is well formed and its visible symbols are those of the page, each as often. So a
wrong index or a lost sign cannot pass; which of two letters is the exponent is the model's to judge.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from llm_cleaning.guard import FINISHED
from llm_cleaning.messages import REFUSED, Reply, Request, Sampling, canonical_schema
from llm_cleaning.neutral import fenced, one_line
from llm_cleaning.prompt_texts import prompt
from pipeline.document import Document, Formula, Formulas
from pipeline.text.latex import is_well_formed, visible_symbols

MODE = "repair"
_SCHEMA = canonical_schema(
    {
        "type": "object",
        "properties": {"tex": {"type": "string", "maxLength": 2000}},
        "required": ["tex"],
        "additionalProperties": False,
    }
)


# What could carry text that no reader sees, or do anything but typeset. A comment would hide the rest of a line.
_NOT_SHOWN = re.compile(
    r"%|\\(?:[hv]?phantom|smash|color|textcolor|colorbox|href|url|label|tag|ref|eqref|cite|footnote|def|let|gdef|edef|"
    r"newcommand|renewcommand|providecommand|input|include|write|read|openout|csname|catcode|special|require|unicode|"
    r"class|cssId|style|html\w*|data|bbox|tooltip|texttip|mmlToken)(?![A-Za-z])"
)


@dataclass(frozen=True, slots=True)
class RepairConfig:
    """Limits of one page.

    Attributes:
        context_chars: text shown before and after a formula.
        max_formula_chars: longer ones are left as they are.
        max_formulas: of one page that are asked about, the first ones.
    """

    context_chars: int = 300
    max_formula_chars: int = 300
    max_formulas: int = 64


class Repair(NamedTuple):
    """TeX for formula number `number` of a document."""

    number: int
    tex: str


def broken_formulas(document: Document, config: RepairConfig) -> list[int]:
    """Indices of the formulas to ask about."""
    found = (
        index
        for index, formula in enumerate(document.formulas)
        if not formula.recovered and 1 < formula.end - formula.start <= config.max_formula_chars
    )
    return [index for _, index in zip(range(config.max_formulas), found, strict=False)]


def repair_request(document: Document, index: int, config: RepairConfig, seed: int) -> Request:
    """The question about one formula."""
    start, end = document.formulas.start[index], document.formulas.end[index]
    shown = document.text[start:end]
    near = config.context_chars
    before = one_line(document.text[max(0, start - near) : start], near, near)
    after = one_line(document.text[end : end + near], near, near)
    formula = one_line(shown, config.max_formula_chars, 0)
    user = fenced(f"before: {before}\nformula: {formula}\nafter: {after}")
    sampling = Sampling(max_tokens=64 + 6 * len(shown), seed=seed)
    return Request(document.id, f"{MODE}/{index:04d}", MODE, prompt(MODE), user, sampling, _SCHEMA)


def read_repair(reply: Reply, shown: str) -> tuple[str, str]:
    """(TeX, "") or ("", reason). Reasons: truncated, not_finished, refused, bad_answer, no_answer, formula_changed."""
    if reply.finish_reason not in FINISHED:
        return "", {"length": "truncated", REFUSED: REFUSED}.get(reply.finish_reason, "not_finished")
    try:
        answer = json.loads(reply.text)
    except (ValueError, RecursionError):
        return "", "bad_answer"
    tex = answer.get("tex") if isinstance(answer, dict) else None
    if not isinstance(tex, str) or "$" in tex or not tex.isprintable():
        return "", "bad_answer"
    if not tex.strip():
        return "", "no_answer"
    return (tex.strip(), "") if says_the_same(tex, shown) else ("", "formula_changed")


def says_the_same(tex: str, shown: str) -> bool:
    """Well-formed TeX with the symbols that the page shows, each as often."""
    is_plain = _NOT_SHOWN.search(tex) is None
    return is_plain and is_well_formed(tex) and visible_symbols(tex) == visible_symbols(shown)


def with_repairs(document: Document, repairs: Sequence[Repair]) -> Document:
    """A copy of the document with the repaired formulas delimited in its text, every span moved along."""
    formulas = list(document.formulas)
    marked = {number: _marked(formulas[number], tex) for number, tex in sorted(repairs)}
    parts: list[str] = []
    at = 0
    for index, shown in marked.items():
        parts += (document.text[at : formulas[index].start], shown)
        at = formulas[index].end
    text = "".join([*parts, document.text[at:]])
    ends = [formulas[index].end for index in marked]
    grown = [0, *accumulate(len(shown) - _length(formulas[index]) for index, shown in marked.items())]
    blocks = replace(
        document.blocks,
        start=_moved(document.blocks.start, ends, grown),
        end=_moved(document.blocks.end, ends, grown),
    )
    return replace(document, text=text, blocks=blocks, formulas=_repaired(formulas, marked, dict(repairs), ends, grown))


def _marked(formula: Formula, tex: str) -> str:
    mark = "$$" if formula.display else "$"
    return f"{mark}{tex}{mark}"


def _length(formula: Formula) -> int:
    return formula.end - formula.start


def _moved(places: Sequence[int], ends: Sequence[int], grown: Sequence[int]) -> list[int]:
    """Where places of the old text are in the new one; a place inside a replaced span does not occur."""
    moved: list[int] = (np.array(places, np.int64) + np.array(grown)[np.searchsorted(ends, places, "right")]).tolist()
    return moved


def _repaired(
    formulas: Sequence[Formula], marked: dict[int, str], tex: dict[int, str], ends: Sequence[int], grown: Sequence[int]
) -> Formulas:
    found = Formulas()
    starts = _moved([formula.start for formula in formulas], ends, grown)
    for formula, start, (index, size) in zip(formulas, starts, _sizes(formulas, marked), strict=True):
        new = formula._replace(start=start, end=start + size)
        found.append(new._replace(tex=tex[index], recovered=True) if index in tex else new)
    return found


def _sizes(formulas: Sequence[Formula], marked: dict[int, str]) -> Iterator[tuple[int, int]]:
    for index, formula in enumerate(formulas):
        yield index, len(marked[index]) if index in marked else _length(formula)
