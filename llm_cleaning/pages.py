"""One page from marks to cleaned text: a conversation that yields questions, takes answers and ends in a result.

No model, network or disk here: a page says what it wants to know, whoever runs it asks. So the same page asks the same
questions on every backend, and ends the same however often it was interrupted.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from llm_cleaning.chunking import Chunk, chunks, merge
from llm_cleaning.guard import Verdict, check
from llm_cleaning.messages import CountTokens, Reply, Request
from llm_cleaning.repairing import Repair, broken_formulas, read_repair, repair_request, with_repairs
from llm_cleaning.rewriting import read_rewrite, rewrite_again, rewrite_request
from llm_cleaning.routing import route
from llm_cleaning.selecting import listings, lost_content, read_selection, select_request, with_safe
from llm_cleaning.stage import STAGE, CleanConfig
from pipeline.document import Blocks, Document, Formulas
from pipeline.text.spans import cut, markdown_to_blocks, scan_formulas

PASSED = Verdict(True, ())


@dataclass(frozen=True, slots=True)
class ChunkRecord:
    """What became of one chunk, list or formula: `source[start:end]`, who wrote what stands there now, and why.

    `attempts` are the answers that were refused on the way, oldest first, each with the guard's reasons.
    """

    start: int
    end: int
    mode: str
    attempts: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def to_json(self) -> dict[str, Any]:
        refused = [{"mode": mode, "reasons": list(reasons)} for mode, reasons in self.attempts]
        return {"start": self.start, "end": self.end, "mode": self.mode, "refused": refused}


@dataclass(frozen=True, slots=True)
class CleanedPage:
    """A page at the end.

    Attributes:
        document: with the new text, or rejected.
        route: what the router said.
        mode: rules, select, repair or rewrite: what most of the text went through.
        verdict: of the text that is written.
        chunks: what became of the parts that a model was asked about.
    """

    document: Document
    route: str
    mode: str
    verdict: Verdict
    chunks: tuple[ChunkRecord, ...] = ()


Conversation = Generator[list[Request], list[Reply], CleanedPage]
_Part = Generator[list[Request], list[Reply], "_Cleaned"]


@dataclass(slots=True)
class _Cleaned:
    """A part of a page at the end: its text, and who wrote it."""

    text: str
    record: ChunkRecord


@dataclass(slots=True)
class _Selected:
    keep: list[bool]
    records: list[ChunkRecord] = field(default_factory=list)


def clean_page(document: Document, config: CleanConfig, count: CountTokens) -> Conversation:
    """The conversation about one marked document, which is not changed; `count` is the model's tokenizer."""
    way = route(document, config.mode, config.route)
    if way == "select":
        return (yield from _select(document, config, count))
    if way == "repair":
        return (yield from _repair(document, config))
    if way == "rewrite":
        return (yield from _rewrite(document, config, count))
    return by_rules(document, config, way)


def by_rules(document: Document, config: CleanConfig, way: str, records: Sequence[ChunkRecord] = ()) -> CleanedPage:
    """The page as the rule cleaner cuts it, checked."""
    keep = _rule_keep(document.blocks, config)
    text, blocks, formulas = cut(document.text, document.blocks, document.formulas, keep)
    verdict = check(document.text, text, source_blocks=document.blocks)
    return CleanedPage(_revised(document, text, blocks, formulas, config), way, "rules", verdict, tuple(records))


def _rule_keep(blocks: Blocks, config: CleanConfig) -> list[bool]:
    return [score is None or score >= config.keep_threshold for score in blocks.keep_score]


def _revised(document: Document, text: str, blocks: Blocks, formulas: Formulas, config: CleanConfig) -> Document:
    if len(text.strip()) < config.min_kept_chars and not len(formulas):
        return replace(document).reject(STAGE, "no_content")
    return replace(document, text=text, blocks=blocks, formulas=formulas)


def _select(document: Document, config: CleanConfig, count: CountTokens) -> Conversation:
    selected = yield from _selection(document, config, count, "")
    if not any(record.mode == "select" for record in selected.records):
        return by_rules(document, config, "select", selected.records)
    text, blocks, formulas = cut(document.text, document.blocks, document.formulas, selected.keep)
    revised = _revised(document, text, blocks, formulas, config)
    return CleanedPage(revised, "select", "select", PASSED, tuple(selected.records))


def _selection(
    document: Document, config: CleanConfig, count: CountTokens, place: str
) -> Generator[list[Request], list[Reply], _Selected]:
    """Keep flags for the blocks of a page or chunk; lists with a refused answer are left to the rules."""
    lists = listings(document.text, document.blocks, config.select, count)
    by_rule = _rule_keep(document.blocks, config)
    if not lists or len(lists) > config.max_requests:
        return _Selected(by_rule, [ChunkRecord(0, len(document.text), "rules", (("select", ("too_long",)),))])
    nothing = with_safe(document.blocks, document.formulas.start, [False] * len(document.blocks))
    # weak models like to keep nothing: where that would be refused it is not offered
    may = len(lists) > 1 or not lost_content(document.blocks, nothing, config.select)
    replies = yield [select_request(document.id, place, part, config.seed, may_be_empty=may) for part in lists]
    found = _Selected([])
    for listing, reply in zip(lists, replies, strict=True):
        keep, reason = read_selection(reply, listing.last - listing.first)
        found.keep += keep or by_rule[listing.first : listing.last]
        span = document.blocks.start[listing.first], document.blocks.end[listing.last - 1]
        refused: tuple[tuple[str, tuple[str, ...]], ...] = (("select", (reason,)),) if reason else ()
        found.records.append(ChunkRecord(*span, "rules" if reason else "select", refused))
    found.keep = with_safe(document.blocks, document.formulas.start, found.keep)
    if not lost_content(document.blocks, found.keep, config.select):
        return found
    refused = (*(attempt for record in found.records for attempt in record.attempts), ("select", ("content_lost",)))
    return _Selected(by_rule, [ChunkRecord(0, len(document.text), "rules", refused)])


def _repair(document: Document, config: CleanConfig) -> Conversation:
    """Repaired formulas in a text that is otherwise cut by the rules."""
    wanted = broken_formulas(document, config.repair)
    replies = yield [repair_request(document, index, config.repair, config.seed) for index in wanted]
    repairs, records = [], []
    for index, reply in zip(wanted, replies, strict=True):
        start, end = document.formulas.start[index], document.formulas.end[index]
        tex, reason = read_repair(reply, document.text[start:end])
        if tex:
            repairs.append(Repair(index, tex))
        refused = (("repair", (reason,)),) if reason else ()
        records.append(ChunkRecord(start, end, "rules" if reason else "repair", refused))
    page = by_rules(with_repairs(document, repairs), config, "repair", records)
    return replace(page, mode="repair") if repairs else page


def _rewrite(document: Document, config: CleanConfig, count: CountTokens) -> Conversation:
    pieces = chunks(document.text, document.blocks, config.chunk_tokens, count)
    if not pieces or len(pieces) > config.max_requests:
        record = ChunkRecord(0, len(document.text), "rules", (("rewrite", ("too_long",)),))
        return by_rules(document, config, "rewrite", [record])
    parts = yield from _together([_rewrite_chunk(document, piece, config, count) for piece in pieces])
    records = [part.record for part in parts]
    modes = [record.mode for record in records]
    mode = next((name for name in ("rewrite", "select") if name in modes), "rules")
    text = merge(pieces, dict(enumerate(part.text for part in parts)))
    verdict = check(document.text, text, source_blocks=document.blocks)
    if mode == "rules" or not verdict.passed:
        return by_rules(document, config, "rewrite", records)
    blocks = markdown_to_blocks(text)
    revised = _revised(document, text, blocks, scan_formulas(text, blocks), config)
    return CleanedPage(revised, "rewrite", mode, verdict, tuple(records))


def _rewrite_chunk(document: Document, piece: Chunk, config: CleanConfig, count: CountTokens) -> _Part:
    """One chunk: rewritten, rewritten again with what the guard said, selected from, or cut by the rules."""
    part = _part(document, piece)
    attempts: list[tuple[str, tuple[str, ...]]] = []
    request = rewrite_request(document.id, piece, count(piece.text), config.temperature, config.seed)
    for _ in range(2):
        (reply,) = yield [request]
        text, verdict = read_rewrite(reply, piece, part.blocks)
        if verdict.passed:
            return _Cleaned(text, ChunkRecord(piece.start, piece.end, "rewrite", tuple(attempts)))
        attempts.append(("rewrite", verdict.reasons))
        if verdict.reasons == ("refused",):
            break
        request = rewrite_again(request, verdict)
    selected = yield from _selection(part, config, count, f"rewrite/{piece.order:04d}/")
    attempts += [attempt for record in selected.records for attempt in record.attempts]
    mode = "select" if any(record.mode == "select" for record in selected.records) else "rules"
    text, _, _ = cut(part.text, part.blocks, part.formulas, selected.keep)
    return _Cleaned(text, ChunkRecord(piece.start, piece.end, mode, tuple(attempts)))


def _part(document: Document, piece: Chunk) -> Document:
    """A chunk as a document of its own: its blocks, clipped, and its formulas."""
    found = replace(document, text=piece.text, blocks=Blocks(), formulas=Formulas())
    for block in document.blocks:
        start, end = max(block.start, piece.start), min(block.end, piece.end)
        if start < end:
            found.blocks.append(block._replace(start=start - piece.start, end=end - piece.start))
    for formula in document.formulas:
        if piece.start <= formula.start and formula.end <= piece.end:
            moved = formula._replace(start=formula.start - piece.start, end=formula.end - piece.start)
            found.formulas.append(moved)
    return found


def _together(parts: Sequence[_Part]) -> Generator[list[Request], list[Reply], list[_Cleaned]]:
    """Several conversations as one: every round asks what all of them want to know."""
    done: dict[int, _Cleaned] = {}
    asking: dict[int, list[Request]] = {}
    answers: dict[int, list[Reply]] = {}
    for index, part in enumerate(parts):
        _advance(index, part, None, asking, done)
    while asking:
        replies = iter((yield [request for requests in asking.values() for request in requests]))
        answers = {index: [next(replies) for _ in requests] for index, requests in asking.items()}
        asking = {}
        for index, given in answers.items():
            _advance(index, parts[index], given, asking, done)
    return [done[index] for index in range(len(parts))]


def _advance(
    index: int,
    part: _Part,
    given: list[Reply] | None,
    asking: dict[int, list[Request]],
    done: dict[int, _Cleaned],
) -> None:
    try:
        asking[index] = next(part) if given is None else part.send(given)
    except StopIteration as end:
        done[index] = end.value
