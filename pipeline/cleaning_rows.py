"""`warcmill clean --jsonl`: rendered rows in, cleaned and checked rows out, by the rules or with a model.

One way for both: a row is marked, cleaned, checked and written in its place. With a model many rows wait for answers at
a time; what was answered is on disk before it is used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llm_cleaning.conversations import Conversations, Spent
from llm_cleaning.messages import Reply, Request
from llm_cleaning.model_stage import Opened, open_model, page_conversation
from llm_cleaning.pages import PASSED, CleanedPage, by_rules
from llm_cleaning.stage import CleanConfig, mark_one
from llm_cleaning.store import ResponseStore
from pipeline.cleaning import parsed_row, row_document, row_error
from pipeline.document import Document
from pipeline.errors import UsageError
from pipeline.io.json_lines import STANDARD_STREAM, json_line, lines_in, lines_out
from pipeline.text_rows import BadRow, Row

Pages = Iterator[tuple["Labelled", CleanedPage]]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A row on its way: as it came, as a document, and what is wrong with it ("" where nothing is)."""

    row: Row
    document: Document
    problem: str = ""


@dataclass(slots=True)
class CleanSummary:
    """What a call of the verb did."""

    rows: int = 0
    empty: int = 0  # without text, or broken
    failed: int = 0  # written with guard_verdict "fail"
    chars_in: int = 0
    chars_out: int = 0
    modes: Counter[str] = field(default_factory=Counter)
    routes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)  # of texts that were written
    refused: Counter[str] = field(default_factory=Counter)  # "mode:reason" of answers that were not used
    spent: Spent = field(default_factory=Spent)
    model: str = ""
    tokenizer: str = ""
    notes: list[str] = field(default_factory=list)

    def add(self, label: Labelled, page: CleanedPage) -> None:
        """Count one row."""
        self.rows += 1
        if label.problem:
            self.empty += 1
            return
        self.failed += not page.verdict.passed
        self.chars_in += len(label.document.text)
        self.chars_out += len(clean_text(page))
        self.modes[page.mode] += 1
        self.routes[page.route] += 1
        self.reasons.update(page.verdict.reasons)
        self.refused.update(
            f"{mode}:{reason}" for chunk in page.chunks for mode, reasons in chunk.attempts for reason in reasons
        )


Watch = Callable[[Labelled, CleanedPage], None]


def clean_jsonl(
    source: str,
    target: str,
    config: CleanConfig,
    *,
    responses: Path | None = None,
    engine: dict[str, Any] | None = None,
    watch: Watch = lambda _label, _page: None,
    beat: Callable[[], None] = lambda: None,
    notice: Callable[[str], None] = lambda _line: None,
) -> CleanSummary:
    """Clean rows {"text", "blocks"?, "formulas"?}, as `warcmill render --jsonl` writes them.

    Adds clean_text, clean_mode, guard_verdict ("pass" or "fail") and guard_reasons, and with a model clean_route and
    clean_chunks; other fields are passed through unchanged, rows keep their order. Rows without text get nulls and an
    `error`, where they have none.

    Args:
        responses: file of the model's answers; a rerun replays it. TARGET.responses when None.
        engine: settings of `vllm.LLM`, with the backend "vllm".
        watch, beat: called for every row written, and every few seconds.
        notice: hears what is waited for.

    Raises:
        InputError, OutputError: a file that cannot be read or written.
        UsageError: a model's answers could not be stored anywhere.
        BackendFailed: the model does not answer; the same call goes on where this one stopped.
    """
    summary = CleanSummary()
    with lines_in(source) as lines:
        rows = (labelled(*parsed_row(line, n)) for n, line in enumerate(lines, start=1) if line.strip())
        if config.backend == "rules":
            _write(target, ((label, _by_rules(label, config)) for label in rows), summary, watch, with_chunks=False)
            return summary
        opened = open_model(config, engine, notice=notice)
        try:
            with ResponseStore(_store_path(target, responses)) as store:
                _describe(summary, opened, config, store)
                pages = _with_model(rows, opened, store, summary.spent, beat)
                _write(target, pages, summary, watch, with_chunks=True)
        finally:
            opened.backend.close()
    return summary


def _store_path(target: str, responses: Path | None) -> Path:
    if responses is None and target == STANDARD_STREAM:
        raise UsageError(
            "the model's answers need a file, so that none is paid for twice",
            where="clean",
            expected="-o OUT.jsonl, or --responses FILE",
        )
    return responses if responses is not None else Path(f"{target}.responses")


def _describe(summary: CleanSummary, opened: Opened, config: CleanConfig, store: ResponseStore) -> None:
    summary.model, summary.tokenizer = opened.backend.model.name, opened.tokenizer
    if opened.config.chunk_tokens < config.chunk_tokens:
        summary.notes.append(f"chunks of {opened.config.chunk_tokens:,} tokens, to fit the model's context")
    if store.damaged_lines:
        summary.notes.append(f"{store.damaged_lines:,} damaged lines in the response store: asked again")
    if store.torn_bytes:
        summary.notes.append("the response store ended in the middle of a line, as after a kill: cut off")


def labelled(row: Row | None, number: int, problem: str) -> Labelled:
    """What `parsed_row` found, as a row on its way."""
    nothing = Document("", "", "", "", 0, "")
    if row is None:
        broken = {"id": None, "line": number, "text": None, "error": row_error("bad_json", problem)}
        return Labelled(broken, nothing, "bad_json")
    if row.get("text") is None or row.get("error") is not None:
        return Labelled({**row, "error": row.get("error") or row_error("no_text", "no text")}, nothing, "no_text")
    try:
        document = row_document(row["text"], row.get("blocks"), row.get("formulas"), row.get("url"))
    except BadRow as error:
        return Labelled({**row, "error": row_error("bad_row", str(error))}, nothing, "bad_row")
    document.id = str(row.get("id", f"line {number}"))
    return Labelled(row, document)


def _by_rules(label: Labelled, config: CleanConfig) -> CleanedPage:
    if label.problem:
        return _untouched(label)
    mark_one(label.document, config)
    return by_rules(label.document, config, "rules")


def _untouched(label: Labelled) -> CleanedPage:
    return CleanedPage(label.document, label.problem, "rules", PASSED)


def _with_model(
    rows: Iterator[Labelled], opened: Opened, store: ResponseStore, spent: Spent, beat: Callable[[], None]
) -> Pages:
    talks: Conversations[Labelled] = Conversations(
        opened.backend, store, slots=opened.config.max_in_flight, beat=beat, spent=spent
    )
    return talks.run((label, _conversation(label, opened)) for label in rows)


def _conversation(label: Labelled, opened: Opened) -> Generator[list[Request], list[Reply], CleanedPage]:
    if label.problem:
        return _untouched(label)
    return (yield from page_conversation(label.document, opened))


def _write(target: str, pages: Pages, summary: CleanSummary, watch: Watch, *, with_chunks: bool) -> None:
    with lines_out(target) as out:
        for label, page in pages:
            out.write(json_line({**label.row, **_added(label, page, with_chunks=with_chunks)}))
            summary.add(label, page)
            watch(label, page)


def _added(label: Labelled, page: CleanedPage, *, with_chunks: bool) -> Row:
    broken = bool(label.problem)
    added: Row = {
        "clean_text": None if broken else clean_text(page),
        "clean_mode": page.mode,
        "guard_verdict": None if broken else "pass" if page.verdict.passed else "fail",
        "guard_reasons": list(page.verdict.reasons),
    }
    if with_chunks:
        added |= {"clean_route": page.route, "clean_chunks": [chunk.to_json() for chunk in page.chunks]}
    return added


def clean_text(page: CleanedPage) -> str:
    """The text that is written: "" where nothing was kept."""
    return "" if page.document.rejected else page.document.text
