"""Did cleaning invent, change or lose anything? A pure function of two texts, independent of who cleaned.

The cleaned text is aligned with the source in order, by lines first and by tokens where lines differ. What is added,
or changed, or missing from the middle of a sentence, is a reason; whole blocks may go when they are boilerplate. One
proof covers formulas, numbers, code, names and negations alike, since each of them is a token that must not move.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from llm_cleaning.guard_align import Gap
from llm_cleaning.guard_edits import Edits, edits, kinds_of
from llm_cleaning.guard_forms import adopt_tabs, displayed
from llm_cleaning.guard_lines import Lines, adopt_indented, line_tokens
from llm_cleaning.guard_loss import is_chrome, losses
from llm_cleaning.guard_tokens import EDITORIAL, Token
from llm_cleaning.guard_words import ANSWER, PREAMBLE, REFUSAL
from llm_cleaning.native import twin
from pipeline.document import Blocks

_ELLIPSES = frozenset({"...", "…", "[...]", "[…]", "(...)"})
MAX_PADDED_GROWTH = 20
MAX_COMPARED_LINES, MAX_COMPARED_CHARS = 200_000, 8_000_000  # of lines that differ, on both sides together
MAX_REFUSAL_CHARS = 500  # an answer that is nothing but a refusal is compared with nothing
FINISHED = frozenset({"stop", "eos", "end_turn"})


@dataclass(frozen=True, slots=True)
class GuardConfig:
    """Limits of the guard.

    Attributes:
        max_growth: cleaned length over source length; beyond it nothing is compared.
        max_typos, max_typo_share: repaired words allowed, the larger of a count and a share of the compared words.
        max_minor_loss, max_minor_loss_share: characters of lists, tables and headings marked as content that may go,
            the larger of a count and a share of the source.
    """

    max_growth: float = 1.5
    max_typos: int = 5
    max_typo_share: float = 0.02
    max_minor_loss: int = 200
    max_minor_loss_share: float = 0.05


@dataclass(frozen=True, slots=True)
class Verdict:
    """`passed` means no reason was found. Reasons are sorted, from a small closed set: they are counted."""

    passed: bool
    reasons: tuple[str, ...]


@dataclass(slots=True)
class _Findings:
    reasons: set[str] = field(default_factory=set)
    lost_lines: list[int] = field(default_factory=list)  # indices into the source's lines
    typos: int = 0


def check(
    source: str,
    cleaned: str,
    *,
    source_blocks: Blocks | None = None,
    finish_reason: str | None = None,
    config: GuardConfig | None = None,
) -> Verdict:
    """Compare a cleaned text with its source.

    `source_blocks` are spans into `source`; their keep_score, where set, says what was boilerplate. `finish_reason` is
    the model's. Work is linear in both texts but for bounded windows.
    """
    config = config or GuardConfig()
    reasons = _finish(finish_reason)
    if _is_too_long(source, cleaned, config.max_growth):
        return _verdict(reasons | {"too_long"} | _chatter(cleaned))
    if len(cleaned) <= MAX_REFUSAL_CHARS and REFUSAL.search(cleaned) and not REFUSAL.search(source):
        return _verdict(reasons | {"refusal"})
    source, cleaned = displayed(source), displayed(cleaned)
    old, new = Lines(*twin.lines(source)), Lines(*twin.lines(cleaned))
    adopt_indented(source, old, new)
    adopt_indented(cleaned, new, old)
    adopt_tabs(old, new)
    adopt_tabs(new, old)
    findings = _Findings(reasons)
    different = [Gap(*gap) for gap in twin.gaps(old.key, new.key, False)]
    if _is_beyond_reading(different, old, new):
        return _verdict(reasons | {"too_many_changes"})
    for gap in different:
        if gap.b0 == gap.b1:
            findings.lost_lines += range(gap.a0, gap.a1)
        else:
            _compare(source, cleaned, old, new, gap, findings)
    if any(new.key.count(mark) > old.key.count(mark) for mark in _ELLIPSES):
        findings.reasons.add("truncated")
    if new.open_fence and not old.open_fence:
        findings.reasons.add("unclosed_fence")
    if cleaned.count("$$") % 2 > source.count("$$") % 2:
        findings.reasons.add("unclosed_formula")
    _judge_losses(source, source_blocks, old, cleaned, findings, config)
    if findings.typos > max(config.max_typos, config.max_typo_share * len(source) / 6):
        findings.reasons.add("too_many_changes")
    return _verdict(findings.reasons)


def _is_beyond_reading(different: list[Gap], old: Lines, new: Lines) -> bool:
    """More lines differ than any page has that is cleaned."""
    changed = [gap for gap in different if gap.b0 < gap.b1]
    size = sum(gap.a1 - gap.a0 + gap.b1 - gap.b0 for gap in changed)
    chars = sum(new.end[gap.b1 - 1] - new.start[gap.b0] for gap in changed)
    chars += sum(old.end[gap.a1 - 1] - old.start[gap.a0] for gap in changed if gap.a0 < gap.a1)
    return size > MAX_COMPARED_LINES or chars > MAX_COMPARED_CHARS


def _is_too_long(source: str, cleaned: str, growth: float) -> bool:
    """Beyond all that padding of tables and markup of lists may add."""
    if len(cleaned) <= growth * len(source) + 200:
        return False
    return len(cleaned) > MAX_PADDED_GROWTH * len(source) + 10_000 or _ink(cleaned) > growth * _ink(source) + 200


def _ink(text: str) -> int:
    """Characters without what pads a table."""
    return len(text) - sum(map(text.count, " -\n\t\r"))


def _verdict(reasons: set[str]) -> Verdict:
    return Verdict(not reasons, tuple(sorted(reasons)))


def _finish(finish_reason: str | None) -> set[str]:
    if finish_reason is None or finish_reason in FINISHED:
        return set()
    return {"truncated" if finish_reason == "length" else "not_finished"}


def _compare(source: str, cleaned: str, old: Lines, new: Lines, gap: Gap, findings: _Findings) -> None:
    """Lines that differ: once more by what they say, then token by token."""
    before, before_at, before_text = line_tokens(source, old, gap.a0, gap.a1)
    after, after_at, after_text = line_tokens(cleaned, new, gap.b0, gap.b1)
    old_borders, new_borders = _borders(before_at), _borders(after_at)
    for a0, a1, b0, b1 in twin.gaps(_said(before, old_borders), _said(after, new_borders), False):
        tokens_at = slice(old_borders[a0], old_borders[a1])
        if b0 == b1:
            findings.lost_lines += sorted(set(before_at[tokens_at]))
            continue
        words, at = before[tokens_at], before_at[tokens_at]
        others = after[new_borders[b0] : new_borders[b1]]
        result = edits(words, others, before_text, after_text)
        findings.reasons |= result.reasons
        findings.typos += len(result.typos)
        if any(_is_known(source, word) for word, _ in result.typos):
            findings.reasons.add("word_changed")
        _judge_lost(words, at, result, findings)
        if result.added:
            added, lost = [others[j] for j in result.added], [words[i] for i in result.lost]
            findings.reasons |= _added(added, lost, cleaned, new, after_at[new_borders[b0]], source)


def _borders(at: list[int]) -> list[int]:
    """Where a new line begins among tokens, and the end."""
    return [index for index, line in enumerate(at) if not index or at[index - 1] != line] + [len(at)]


def _said(found: list[Token], borders: list[int]) -> list[str]:
    """What each line says, its layout read away."""
    return [
        " ".join(token.key for token in found[start:end] if token.kind != "soft" and token.key not in EDITORIAL)
        for start, end in pairwise(borders)
    ]


def _is_known(source: str, word: str) -> bool:
    """A word that the source spells alike three times is no slip."""
    return source.lower().count(word) >= 3


def _judge_lost(before: list[Token], at: list[int], result: Edits, findings: _Findings) -> None:
    """Lines whose every token went are judged with the other lost lines; holes in a line are judged here."""
    if not result.lost:
        return
    lost = set(result.lost)
    left: dict[int, int] = {}
    for index, line in enumerate(at):
        if before[index].kind not in ("soft", "end", "ordinal", "cite", "image", "link"):
            left[line] = left.get(line, 0) + (index not in lost)
    findings.lost_lines += [line for line, count in left.items() if not count]
    holes = [index for index in result.lost if left[at[index]]]
    for run in _runs(holes):
        words = [before[i] for i in run]
        if is_chrome(" ".join(token.raw for token in words)) and not kinds_of(words) & _FACTS:
            continue
        findings.reasons |= {"words_lost"} | kinds_of(words)
        if run[-1] + 2 >= len(before):
            findings.reasons.add("truncated")


_FACTS = frozenset({"formula_changed", "number_changed", "code_changed", "negation_changed"})


def _runs(indices: list[int]) -> list[list[int]]:
    """Neighbouring indices together."""
    found: list[list[int]] = []
    for index in indices:
        if found and index <= found[-1][-1] + 2:
            found[-1].append(index)
        else:
            found.append([index])
    return found


def _added(added: list[Token], lost: list[Token], cleaned: str, new: Lines, first: int, source: str) -> set[str]:
    """Reasons for text that the source does not have at this place."""
    reasons = kinds_of(added)
    if "formula_changed" in reasons:
        formulas = {token.key for token in added if token.kind == "formula"}
        if formulas <= {token.key for token in lost}:
            reasons.add("formula_moved")
        elif not any(token.kind == "formula" for token in lost):
            reasons.add("formula_added")
    words = [token.key for token in added]
    reasons.add("words_changed" if len(words) <= 2 or lost else "invented")
    line = cleaned[new.start[first] : new.end[first]]
    if (first == 0 or new.end[first] == new.end[-1]) and PREAMBLE.match(line):
        reasons.add("preamble")
    if REFUSAL.search(line):
        reasons.add("refusal")
    if ANSWER.match(line):
        reasons.add("answered")
    if len(words) >= 4 and " ".join(token.raw for token in added[:4]) in source:
        reasons.add("repetition")
    return reasons


def _chatter(cleaned: str) -> set[str]:
    found = {"preamble"} if PREAMBLE.match(cleaned[:MAX_REFUSAL_CHARS]) else set()
    return found | ({"refusal"} if REFUSAL.search(cleaned[:MAX_REFUSAL_CHARS]) else set())


def _judge_losses(
    source: str, blocks: Blocks | None, old: Lines, cleaned: str, findings: _Findings, config: GuardConfig
) -> None:
    lines = sorted(findings.lost_lines)
    if any(old.code[line] and len(old.key[line]) > 1 for line in lines) and _code_partly_lost(old, lines):
        findings.reasons.add("code_changed")
    spans = [(old.start[line], old.end[line]) for line in lines if not old.fence[line] and len(old.key[line]) > 1]
    if not spans:
        return
    loss = losses(source, blocks, old, spans, cleaned)
    findings.reasons |= loss.reasons
    if loss.minor_chars > max(config.max_minor_loss, config.max_minor_loss_share * len(source)):
        findings.reasons.add("content_lost")


def _code_partly_lost(old: Lines, lines: list[int]) -> bool:
    """A lost line of code whose neighbour within the fence stayed."""
    gone = set(lines)
    return any(
        old.code[near] and near not in gone
        for line in lines
        if old.code[line]
        for near in (line - 1, min(line + 1, len(old.code) - 1))
    )
