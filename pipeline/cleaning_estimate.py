"""`warcmill clean --dry-run`: what each mode would cost on these rows, before a token is paid for.

Tokens in are counted from the very requests of a page's first round. Tokens out are the answers that agree with the
rule cleaner. Hours and money follow from rates that were measured, or are not told at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from llm_cleaning.messages import CountTokens, Request
from llm_cleaning.pages import by_rules, clean_page
from llm_cleaning.routing import route
from llm_cleaning.stage import MODES, CleanConfig, mark_one
from llm_cleaning.token_counts import counter
from pipeline.cleaning import parsed_row
from pipeline.cleaning_rows import labelled
from pipeline.document import Document
from pipeline.errors import InputError
from pipeline.io.json_lines import lines_in


@dataclass(frozen=True, slots=True)
class Rates:
    """What was measured on the machine that will do the work, by mode.

    Attributes:
        tokens_per_s: tokens in and out together, per second of wall clock, by mode.
        gpus: of that machine.
        price_per_gpu_hour: in whatever money.
    """

    tokens_per_s: dict[str, float]
    gpus: float = 1.0
    price_per_gpu_hour: float | None = None

    def gpu_hours(self, mode: str, tokens: int) -> float | None:
        """GPU-hours of so many tokens, None where the mode has no rate."""
        rate = self.tokens_per_s.get(mode)
        return None if rate is None else tokens / rate / 3600 * self.gpus


def load_rates(path: Path) -> Rates:
    """Rates from a JSON file {"tokens_per_s": {"select": 9000.0}, "gpus": 1, "price_per_gpu_hour": 2.0}.

    Raises:
        InputError: the file cannot be read or says something else.
    """
    try:
        rates = Rates(**json.loads(path.read_bytes()))
        numbers = [*rates.tokens_per_s.values(), rates.gpus, rates.price_per_gpu_hour or 1.0]
        if not all(isinstance(number, int | float) and number > 0 for number in numbers):
            raise ValueError("rates are numbers above 0")
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"no rates: {error}", where=str(path), expected='{"tokens_per_s": {"select": 9000.0}, "gpus": 1}'
        ) from error
    return rates


@dataclass(slots=True)
class ModeCost:
    """What one mode would take on the rows."""

    mode: str
    pages: int = 0  # that a model would be asked about
    clean: int = 0
    hopeless: int = 0
    requests: int = 0
    tokens_in: int = 0
    tokens_out: int = 0


def estimate(source: str, config: CleanConfig, watch: Callable[[], None] = lambda: None) -> tuple[list[ModeCost], str]:
    """Costs of every mode on the rows of a file, and what counted the tokens; `watch` is called after each."""
    count, said = counter(config.tokenizer, config.model, None)
    costs = [ModeCost(mode) for mode in MODES]
    for document in _documents(source, config):
        if document is not None:
            for cost in costs:
                _add(cost, document, replace(config, mode=cost.mode), count)
        watch()
    return costs, said


def _documents(source: str, config: CleanConfig) -> Iterator[Document | None]:
    """The marked document of every row, None for one without text."""
    with lines_in(source) as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            label = labelled(*parsed_row(line, number))
            if not label.problem:
                mark_one(label.document, config)
            yield None if label.problem else label.document


def _add(cost: ModeCost, document: Document, config: CleanConfig, count: CountTokens) -> None:
    way = route(document, config.mode, config.route)
    cost.clean += way == "clean"
    cost.hopeless += way == "hopeless"
    if way in ("clean", "hopeless"):
        return
    requests = _first_round(document, config, count)
    cost.pages += bool(requests)
    cost.requests += len(requests)
    cost.tokens_in += sum(count(request.system) + count(request.user) for request in requests)
    cost.tokens_out += _expected(document, config, way, requests, count)


def _first_round(document: Document, config: CleanConfig, count: CountTokens) -> list[Request]:
    try:
        return next(clean_page(document, config, count))
    except StopIteration:
        return []  # too long for a model


def _expected(document: Document, config: CleanConfig, way: str, requests: list[Request], count: CountTokens) -> int:
    if not requests:
        return 0
    if way == "select":
        scores = document.blocks.keep_score
        return count(ideal_answer([score is None or score >= config.keep_threshold for score in scores]))
    if way == "repair":
        return sum(count(formula.tex) + 8 for formula in document.formulas if not formula.recovered)
    page = by_rules(document, config, way)
    return 0 if page.document.rejected else count(page.document.text)


def ideal_answer(keep: Iterable[bool]) -> str:
    """The answer of mode select that keeps exactly these blocks."""
    ranges: list[list[int]] = []
    for number, wanted in enumerate(keep, start=1):
        if wanted and ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        elif wanted:
            ranges.append([number, number])
    return json.dumps({"keep": ranges})


def cost_table(costs: list[ModeCost], rates: Rates | None) -> list[dict[str, Any]]:
    """One row per mode, with None where nothing was measured."""
    rows = []
    for cost in costs:
        hours = rates.gpu_hours(cost.mode, cost.tokens_in + cost.tokens_out) if rates else None
        price = rates.price_per_gpu_hour if rates else None
        rows.append(
            {
                "mode": cost.mode,
                "pages": cost.pages,
                "clean": cost.clean,
                "hopeless": cost.hopeless,
                "requests": cost.requests,
                "tokens_in": cost.tokens_in,
                "tokens_out": cost.tokens_out,
                "gpu_hours": None if hours is None else round(hours, 6),
                "cost": None if hours is None or price is None else round(hours * price, 6),
            }
        )
    return rows
