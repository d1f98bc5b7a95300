"""What a model did in the cleaning phase: who wrote the texts, what the guard said, tokens paid for."""

from __future__ import annotations

from pipeline.report.charts import Bar, bars, percent, ranked
from pipeline.report.facts import RunFacts
from pipeline.report.markup import Markup, join


def cleaning(facts: RunFacts) -> Markup:
    """Figures of a run with a model behind its cleaning; nothing where the rules cleaned alone."""
    modes = facts.tally("clean_mode")
    if not modes:
        return join(())
    chars_in, chars_out = facts.tallies["clean_chars:in"], facts.tallies["clean_chars:out"]
    kept = f"{percent(chars_out, chars_in)} of {chars_in:,} characters were kept." if chars_in else ""
    verdicts = facts.tally("guard") | {f"fail: {name}": rows for name, rows in facts.tally("guard_reason").items()}
    figures = [
        bars("Cleaned by", "pages", ranked(modes), whole=sum(modes.values()), note=kept),
        bars("Guard", "pages, by verdict and reason of what is written", ranked(verdicts)),
        bars("Tokens of the model", "tokens in and out, by mode", _tokens(facts)),
    ]
    if refused := facts.tally("refused"):
        note = "Refused answers are asked again, then selected from, then left to the rules. verdicts/ has every one."
        figures.append(bars("Refused answers", "answers, by mode and reason", ranked(refused, "lost"), note=note))
    return join(figures)


def _tokens(facts: RunFacts) -> list[Bar]:
    directions = {"in": facts.tally("model_tokens_in"), "out": facts.tally("model_tokens_out")}
    return [
        Bar(f"{mode}, {direction}", counts[mode], "kept")
        for mode in sorted(directions["in"])
        for direction, counts in directions.items()
    ]
