"""Differences between two runs of tokens: which are spelling, and which change what the text says."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from llm_cleaning.guard_align import Gap
from llm_cleaning.guard_forms import same_mathematics
from llm_cleaning.guard_tokens import SOFT_KINDS, Token, tokens
from llm_cleaning.guard_words import ARTICLES, NEGATIONS, PROTECTED, QUANTIFIERS, UNIT_ENDINGS, UNITS
from llm_cleaning.native import twin

MIN_TYPO_CHARS = 4  # shorter words are other words, except for swapped neighbours ("teh")
TWO_EDITS_CHARS = 8
TELLING_CHARS = 7  # of a protected word: nothing but a slip is as near to a long one ("milllion")
MAX_FILLED_CHARS, MAX_FILLED_ENDS = 2, 64  # for a lost character; places where what was filled may end
MAX_TICKED_CHARS = 200  # more than what ticks, space and marks within code make of the same text
_THOUSANDS = re.compile(r"[-±]?\d{1,3}( \d{3})+(?:[.,]\d+)?")


@dataclass(slots=True)
class Edits:
    """What token alignment found.

    Attributes:
        lost: indices of source tokens that are gone and matter.
        added: indices of cleaned tokens that came from nowhere and matter.
        typos: pairs (source word, cleaned word) that look like repaired spelling.
        reasons: facts changed in other ways.
    """

    lost: list[int] = field(default_factory=list)
    added: list[int] = field(default_factory=list)
    typos: list[tuple[str, str]] = field(default_factory=list)
    reasons: set[str] = field(default_factory=set)


def edits(source: list[Token], cleaned: list[Token], before: str, after: str) -> Edits:
    """Align and judge every difference; `before` and `after` are what the tokens' places count in."""
    result = Edits()
    for found in twin.gaps([token.key for token in source], [token.key for token in cleaned], True):
        gap = _but_notation(source, cleaned, Gap(*found), before, after)
        if gap.a0 < gap.a1 or gap.b0 < gap.b1:
            _judge(source, cleaned, gap, result)
    return result


def _but_notation(source: list[Token], cleaned: list[Token], gap: Gap, before: str, after: str) -> Gap:
    """What is left of a difference where one side has as a formula what the other has in its text."""
    a0, a1, b0, b1 = gap
    if _formulas(source[a0:a1]) == _formulas(cleaned[b0:b1]):
        return gap
    borders = [index for index in range(a0, a1) if source[index].kind == "soft"]  # beside it whole lines may have gone
    parts = [(a0, a1)] + ([(a0, borders[0]), (borders[-1] + 1, a1)] if borders else [])
    for first, last in parts:
        if same_mathematics((before, source, first, last), (after, cleaned, b0, b1)):
            return Gap(last, a1, b1, b1) if first == a0 else Gap(a0, first, b0, b0)
    return gap


def _formulas(side: list[Token]) -> int:
    return sum(token.kind == "formula" for token in side)


def _judge(source: list[Token], cleaned: list[Token], gap: Gap, result: Edits) -> None:
    old = [i for i in range(gap.a0, gap.a1) if _matters(source[i])]
    new = [j for j in range(gap.b0, gap.b1) if _matters(cleaned[j])]
    _ordinals(source[gap.a0 : gap.a1], cleaned[gap.b0 : gap.b1], result)
    if _asked(source[gap.a0 : gap.a1]) != _asked(cleaned[gap.b0 : gap.b1]) and not old and not new:
        result.reasons.add("words_changed")
    if not old and _is_merge(source, cleaned, gap):
        result.reasons.add("merged_sentences")
    if _same_text([source[i] for i in old], [cleaned[j] for j in new]):
        return
    if len(old) == len(new):
        old, new = _but_typos(source, cleaned, old, new, result)
    if 0 < len(new) < len(old):
        old, new = _beside(source, cleaned, old, new)
    if not new and len(old) == 1 and _is_spare(source, old[0]):
        return
    if not old and len(new) == 1 and cleaned[new[0]].key in ARTICLES:
        return
    result.lost += old
    result.added += new


def _but_typos(
    source: list[Token], cleaned: list[Token], old: list[int], new: list[int], result: Edits
) -> tuple[list[int], list[int]]:
    """What is left of pairs of tokens where one reads like the other or repairs it."""
    left = []
    for i, j in zip(old, new, strict=True):
        if _same_text([source[i]], [cleaned[j]]):
            continue
        if _is_typo(source, i, cleaned[j]):
            result.typos.append((source[i].key, cleaned[j].key))
        else:
            left.append((i, j))
    return [i for i, _ in left], [j for _, j in left]


def _beside(source: list[Token], cleaned: list[Token], old: list[int], new: list[int]) -> tuple[list[int], list[int]]:
    """What is lost and added where a changed spelling stands before or behind what went."""
    there = [cleaned[j] for j in new]
    for kept, rest in ((old[-len(new) :], old[: -len(new)]), (old[: len(new)], old[len(new) :])):
        if all(_same_text([source[i]], [token]) for i, token in zip(kept, there, strict=True)):
            return rest, []
    return old, new


def _asked(side: list[Token]) -> int:
    """How many sentences end as questions."""
    return sum(token.key == "?" for token in side if token.kind == "end")


def _matters(token: Token) -> bool:
    return token.kind not in SOFT_KINDS and token.kind != "end"


def _ordinals(old: list[Token], new: list[Token], result: Edits) -> None:
    before = [token.key for token in old if token.kind in ("ordinal", "cite")]
    after = [token.key for token in new if token.kind in ("ordinal", "cite")]
    if before and after and before != after and len(before) == len(after):
        result.reasons.add("number_changed")
    if after and not before and any(token.kind == "cite" for token in new):
        result.reasons.add("invented")
    if not _captions(new) <= _captions(old):
        result.reasons.add("invented")
    if {token.key for token in new if token.kind == "link"} - {
        token.key for token in old if token.kind in ("link", "url")
    }:
        result.reasons.add("url_changed")


def _captions(side: list[Token]) -> set[tuple[str, ...]]:
    """What images say, without their targets."""
    texts = (token.raw[2 : token.raw.index("]")] for token in side if token.kind == "image")
    return {tuple(token.key for token in tokens(text) if _matters(token)) for text in texts}


def _is_merge(source: list[Token], cleaned: list[Token], gap: Gap) -> bool:
    """A sentence end is gone between two sentences that both stayed, and no layout border took its place."""
    ends = sum(token.kind == "end" for token in source[gap.a0 : gap.a1])
    borders = sum(token.key in ".?" for token in cleaned[gap.b0 : gap.b1])
    return ends > borders and gap.a0 > 0 and gap.a1 < len(source) and gap.b1 < len(cleaned)


def _same_text(old: list[Token], new: list[Token]) -> bool:
    """The same characters otherwise divided: a word broken at a line end, 1 000 for 1000, code without its ticks."""
    if any(token.kind in ("formula", "codeline") for token in (*old, *new)):
        return False
    before = "".join(map(_bare, old))
    if not new and "\ufffd" not in before:
        return not old
    after = "".join(map(_bare, new))
    if "\ufffd" in before:
        return _fills(re.split("\ufffd+", before), after)
    if len(before) > 2 * len(after) + MAX_TICKED_CHARS or len(after) > 2 * len(before) + MAX_TICKED_CHARS:
        return False
    if (_codes(new) < _codes(old) or _codes(old) < _codes(new)) and _spoken(old) == _spoken(new):
        return True
    if before != after:
        return False
    numbers = [[token.key for token in side if token.kind == "number"] for side in (old, new)]
    if numbers[0] != numbers[1]:
        return any(_THOUSANDS.fullmatch(" ".join(side)) is not None for side in numbers)
    return _protected(old) == _protected(new)


def _fills(pieces: list[str], after: str) -> bool:
    """Whether a text is these pieces with at most two characters put in the place of each lost one."""
    ends = {len(pieces[0])} if after.startswith(pieces[0]) else set()
    for piece in pieces[1:]:
        starts = {end + more for end in ends for more in range(MAX_FILLED_CHARS + 1)}
        ends = {start + len(piece) for start in starts if after.startswith(piece, start)}
        if not 0 < len(ends) <= MAX_FILLED_ENDS:
            return False
    return len(after) in ends


def _codes(side: list[Token]) -> set[str]:
    return {token.key for token in side if token.kind == "code"}


def _spoken(side: list[Token]) -> list[str]:
    """What is written, code without its ticks read as the words that it would be then."""
    parts = (tokens(token.raw) if token.kind == "code" else [token] for token in side)
    return [token.raw for part in parts for token in part if _matters(token)]


def _bare(token: Token) -> str:
    return "".join(token.key.split()).strip("`.'")


def _protected(side: list[Token]) -> list[str]:
    return [token.key for token in side if token.key in NEGATIONS]


def _is_spare(source: list[Token], index: int) -> bool:
    """An article, or a word written twice."""
    token = source[index]
    neighbours = [source[i].key for i in (index - 1, index + 1) if 0 <= i < len(source)]
    return token.key in ARTICLES or (token.kind == "word" and len(token.key) > 1 and token.key in neighbours)


def _is_typo(source: list[Token], index: int, new: Token) -> bool:
    """One or two letters differ in a word that is no name, no number, no unit, no negation, no quantifier."""
    old = source[index]
    if old.kind != "word" or new.kind != "word" or old.key in PROTECTED:
        return False
    if new.key in PROTECTED and len(new.key) < TELLING_CHARS and not _is_swap(old.key, new.key):
        return False
    if any(char.isdigit() for char in old.key + new.key) or old.key.endswith(UNIT_ENDINGS):
        return False
    if _is_name(source, index) or (new.raw[0].isupper() and not old.raw[0].isupper()):
        return False
    return _is_close(old.key, new.key)


def _is_name(source: list[Token], index: int) -> bool:
    starts = index == 0 or source[index - 1].kind in ("end", "soft", "ordinal", "codeline")
    return source[index].raw[0].isupper() and (not starts or source[index].raw[1:2].isupper())


def _is_close(old: str, new: str) -> bool:
    """Within one edit (two in long words), the first letter unharmed unless neighbours were swapped."""
    if _is_swap(old, new):
        return len(old) >= 3
    if old[:1] != new[:1] or min(len(old), len(new)) < MIN_TYPO_CHARS:
        return False
    return _distance(old, new, 2) <= (2 if len(old) >= TWO_EDITS_CHARS else 1)


def _is_swap(old: str, new: str) -> bool:
    if len(old) != len(new):
        return False
    where = [i for i, (one, two) in enumerate(zip(old, new, strict=True)) if one != two]
    return (
        len(where) == 2 and where[1] == where[0] + 1 and old[where[0]] + old[where[1]] == new[where[1]] + new[where[0]]
    )


def _distance(one: str, two: str, most: int) -> int:
    """Levenshtein distance, `most` + 1 for anything beyond; words of 40 letters and more count as beyond."""
    if abs(len(one) - len(two)) > most or len(one) > 40:
        return most + 1
    row = list(range(len(two) + 1))
    for i, char in enumerate(one, start=1):
        before, row[0] = row[0], i
        for j, other in enumerate(two, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (char != other))
    return row[-1]


def kinds_of(found: list[Token]) -> set[str]:
    """Reasons for tokens that were lost or added, by what they are."""
    reasons: set[str] = set()
    for token in found:
        if token.kind in _REASONS:
            reasons.add(_REASONS[token.kind])
        elif token.key in NEGATIONS or token.key.endswith("n't"):
            reasons.add("negation_changed")
        elif token.key in QUANTIFIERS:
            reasons.add("quantifier_changed")
        elif token.key in UNITS or token.key.endswith(UNIT_ENDINGS):
            reasons.add("unit_changed")
        elif token.raw[:1].isupper():
            reasons.add("name_changed")
    return reasons


_REASONS = {
    "formula": "formula_changed",
    "number": "number_changed",
    "symbol": "symbol_changed",
    "codeline": "code_changed",
    "code": "code_changed",
    "url": "url_changed",
}
