"""One document as a card: its scores and fate, and its rendered text with what cleaning cut struck out."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from pipeline.document import Block, Document, Formula
from pipeline.report.markup import Markup, page_text, shortened, tag

MAX_CHARS, MAX_BLOCKS, MAX_FORMULAS = 4000, 80, 300  # shown of one document: at most 150 kB of markup, see tests
URL_CHARS, TITLE_CHARS, PATH_CHARS, DETAIL_CHARS = 200, 120, 40, 160


def document_card(before: Document, after: Document | None, keep_threshold: float, *, unfolded: bool = False) -> Markup:
    """A card to unfold. `before` has the rendered text and marks, `after` the cleaned text, None where rejected."""
    title = shortened(before.title or before.url, TITLE_CHARS)
    summary = tag("summary", page_text(title, class_="title"), " ", *_badges(before, after))
    facts = tag("p", page_text(shortened(before.url, URL_CHARS)), class_="url")
    fate = tag("p", _fate(before, after), class_="note")
    text = tag("div", *_blocks(before, keep_threshold), class_="text", dir="auto")
    fold = "" if unfolded else None
    return tag("details", summary, facts, fate, text, class_="kept" if after else "rejected", open=fold)


def _badges(document: Document, after: Document | None) -> Iterator[Markup]:
    if after is None:
        yield tag("span", f"{document.reject_stage}: {document.reject_reason}", class_="badge lost")
    yield tag("span", document.language or "?", class_="badge")
    for name, score in (("math", document.math_score), ("code", document.code_score), ("quality", document.quality)):
        if score is not None:
            yield tag("span", f"{name} {score:.2f}", class_=f"badge {name}" if score >= 0.5 else "badge")
    if len(document.formulas):
        yield tag("span", f"{len(document.formulas):,} formulas", class_="badge math")


def _fate(before: Document, after: Document | None) -> str:
    if after is None:
        detail = f" ({shortened(before.reject_detail, DETAIL_CHARS)})" if before.reject_detail else ""
        return f"rejected by {before.reject_stage}: {before.reject_reason}{detail} · id {before.id}"
    counts = (
        (len(before.text), len(after.text), "characters"),
        (len(before.blocks), len(after.blocks), "blocks"),
        (len(before.formulas), len(after.formulas), "formulas"),
    )
    return ", ".join(f"{was:,} → {is_:,} {what}" for was, is_, what in counts) + f" · id {before.id}"


def _blocks(document: Document, keep_threshold: float) -> Iterator[Markup]:
    """Blocks in order until the limits are reached, then how much is left."""
    formulas = [formula for formula in document.formulas if formula.end > formula.start][:MAX_FORMULAS]
    starts = [formula.start for formula in formulas]
    blocks = list(document.blocks) or [Block(0, len(document.text), "other", None, None, 0.0, "", False, None)]
    left, shown_to = MAX_CHARS, 0
    for block in blocks[:MAX_BLOCKS]:
        end = min(block.end, block.start + left)
        inside = formulas[bisect_left(starts, block.start) : bisect_left(starts, end)]
        yield _block(document.text, block, end, inside, keep_threshold)
        left, shown_to = left - (end - block.start), end
        if left <= 0:
            break
    if shown_to < blocks[-1].end:
        yield tag("p", f"… {len(document.text) - shown_to:,} more characters", class_="more")


def _block(text: str, block: Block, end: int, formulas: list[Formula], keep_threshold: float) -> Markup:
    score = "unmarked" if block.keep_score is None else f"keep score {block.keep_score:.2f}"
    cut = block.keep_score is not None and block.keep_score < keep_threshold
    about = f"{block.kind}, {score}, {shortened(block.dom_path, PATH_CHARS)}"
    name = "del" if cut else "div"
    return tag(name, *_pieces(text, block.start, end, formulas), class_=f"block {block.kind}", title=about, dir="auto")


def _pieces(text: str, start: int, end: int, formulas: list[Formula]) -> Iterator[object]:
    """Text between formulas as it is, formulas marked with the form they had in the page."""
    for formula in formulas:
        if formula.start < start:
            continue  # overlaps the one before
        yield text[start : formula.start]
        colour = "formula" if formula.recovered else "formula unrecovered"
        stop = min(formula.end, end)
        yield tag("code", text[formula.start : stop], class_=colour, title=formula.source_form)
        start = stop
    yield text[start:end]
