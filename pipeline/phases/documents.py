"""The phases that map documents: render an archive, classify a shard, clean a shard.

Each is a `produce` function for `pipeline.engines.work.map_documents`: it yields every row it was given, kept or
rejected, and counts rows_in. Fates are counted by the engine's work function.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import combinations

from blends.shards import TokenizeConfig, screen_documents
from classifiers.privacy import PLACEHOLDERS
from classifiers.stage import ClassifyConfig, classify
from dedup.site_blocks import without_labels
from extractors.stage import RenderConfig, render_pages
from llm_cleaning.stage import CleanConfig, clean, mark
from pipeline.arrow_document import from_batch
from pipeline.document import Document, Page, document_id
from pipeline.engines.work import POISON
from pipeline.io.commit import PhaseDirectory
from pipeline.io.inputs import basename
from pipeline.io.read_limits import ReadLimits
from pipeline.io.shards import read_shard
from pipeline.io.warc import TRUNCATED_HEADER, BadRecord, Skipped, Split, read_split
from pipeline.phases.placed import DocumentShard, rows_of_shard
from pipeline.phases.repeats import repeats_of
from pipeline.stage import Context, Counters, Task

VERSIONS = {"render": 3, "classify": 9, "clean": 2}  # raise one when its stages would give another result
READ = "read"
AGREEMENT = ("math_score", "code_score", "quality")  # of each two of them the report shows how they go together


def render_split(
    task: Task,
    context: Context,
    counters: Counters,
    *,
    limits: ReadLimits,
    config: RenderConfig,
    max_records: int | None,
) -> Iterator[Document]:
    """Documents of one byte range of an archive; `task.source` is a Split."""
    lost: deque[Document] = deque()  # rows that never become pages, to be yielded in their place
    pages = _pages(task.source, context, counters, lost, limits, config.source, max_records)
    for document in render_pages(pages, config=config):
        yield from _drain(lost)
        _tally_render(document, counters)
        yield document
    yield from _drain(lost)


def _drain(queue: deque[Document]) -> Iterator[Document]:
    while queue:
        yield queue.popleft()


def _pages(
    split: Split,
    context: Context,
    counters: Counters,
    lost: deque[Document],
    limits: ReadLimits,
    source: str,
    max_records: int | None,
) -> Iterator[Page]:
    for record in read_split(split, limits):
        if isinstance(record, Skipped):
            counters.skipped[record.record_type] += 1
            continue
        if max_records is not None and counters.rows_in >= max_records:
            return
        counters.rows_in += 1
        context.at(record.offset)
        if isinstance(record, BadRecord):
            lost.append(_empty(record, source).reject(READ, record.reason, record.detail))
        elif record.offset in context.skip:
            lost.append(_empty(record, source).reject(POISON, context.skip[record.offset]))
        else:
            counters.tallies["truncated_bodies"] += record.header(TRUNCATED_HEADER) is not None
            yield record


def _empty(record: BadRecord | Page, source: str) -> Document:
    """A row for a record that has no text: the place stands in for the payload, so that ids stay distinct."""
    place = f"{basename(record.warc_path)}:{record.offset}"
    return Document(
        id=document_id(record.url, record.crawl_time, place.encode()),
        url=record.url,
        source=source,
        warc_path=basename(record.warc_path),
        offset=record.offset,
        crawl_time=record.crawl_time,
    )


def _tally_render(document: Document, counters: Counters) -> None:
    if document.rejected:
        return
    counters.tallies.update(f"opt_out:{mark}" for mark in document.opt_out)
    if document.license:
        counters.tallies[f"license:{document.license if document.license.startswith('cc') else 'other'}"] += 1
    counters.tallies[f"content_type:{document.content_type}"] += 1
    counters.tallies[f"charset:{document.charset}"] += 1
    forms = zip(document.formulas.source_form, document.formulas.recovered, strict=True)
    counters.tallies.update(f"formulas:{form}" if recovered else f"unrecovered:{form}" for form, recovered in forms)
    counters.tallies.update(f"blocks:{kind}" for kind in document.blocks.kind)


def classify_shard(
    task: Task,
    context: Context,
    counters: Counters,
    *,
    marking: CleanConfig,
    config: ClassifyConfig,
    repeats: PhaseDirectory | None = None,
) -> Iterator[Document]:
    """Mark blocks, score, apply the rules; documents removed by exact dedup are rejected first.

    `repeats` is the phase that found what sites repeat; its places are set before blocks are marked.
    """
    stages = (partial(mark, config=marking), partial(classify, config=config))
    documents = _with_repeats(read_documents(task.source, context, counters), task.source, repeats, counters)
    for stage in stages:
        documents = stage(documents)
    for document in documents:
        _tally_scores(document, counters)
        if config.privacy is not None and not document.rejected:
            counters.tallies.update(_masked(document.text))
        yield document


def _with_repeats(
    documents: Iterator[Document], source: DocumentShard, repeats: PhaseDirectory | None, counters: Counters
) -> Iterator[Document]:
    blocks_of_row = repeats_of(source.index, repeats) if repeats is not None else {}
    for row, document in enumerate(documents):
        repeated = without_labels(document.text, document.blocks, frozenset(blocks_of_row.get(row, ())))
        for block in repeated:
            document.blocks.site_repeat[block] = True
        counters.tallies["site_repeats"] += len(repeated)
        yield document


def _masked(text: str) -> dict[str, int]:
    """Placeholders in a text by kind."""
    counts = {f"masked:{kind}": text.count(placeholder) for kind, placeholder in PLACEHOLDERS.items()}
    return {name: count for name, count in counts.items() if count}


def _tally_scores(document: Document, counters: Counters) -> None:
    if document.rejected:
        return
    counters.tallies[f"language:{document.language}"] += 1
    for name in ("quality", "math_score", "code_score"):
        score = getattr(document, name)
        counters.tallies[f"{name}:{'none' if score is None else f'{min(int(score * 10), 9) / 10:.1f}'}"] += 1
    fifths = {name: min(int((getattr(document, name) or 0.0) * 5), 4) for name in AGREEMENT}
    counters.tallies.update(f"both:{a}/{b}:{fifths[a]}{fifths[b]}" for a, b in combinations(AGREEMENT, 2))


def clean_shard(
    task: Task, context: Context, counters: Counters, *, config: CleanConfig, tokens: TokenizeConfig
) -> Iterator[Document]:
    """Cut what is marked as boilerplate; documents removed by fuzzy dedup are rejected first."""
    documents = clean(read_documents(task.source, context, counters), config=config)
    for document in screen_documents(documents, config=tokens):
        if not document.rejected:
            document.cluster_id = document.id
            counters.tallies[f"length:{len(document.text).bit_length()}"] += 1
        yield document


def read_documents(source: DocumentShard, context: Context, counters: Counters) -> Iterator[Document]:
    """Every kept document of a shard, counted, also by source; removed and poisoned ones arrive rejected."""
    removed = removed_rows(source)
    rows: Iterable[Document] = (
        document
        for file in source.files
        for batch in read_shard(source.directory.path / "data", file)
        for document in from_batch(batch)
    )
    for row, document in enumerate(rows):
        counters.rows_in += 1
        context.at(row)
        if source.removals:
            counters.tallies[f"in:{document.source}"] += 1
        if row in context.skip:
            yield document.reject(POISON, context.skip[row])
        elif row in removed:
            counters.tallies[f"lost:{document.source}"] += 1
            stage, rule, document.cluster_id = removed[row]
            yield document.reject(stage, rule, f"duplicate of {document.cluster_id}")
        else:
            yield document


def removed_rows(source: DocumentShard) -> Mapping[int, tuple[str, str, str]]:
    """Row -> (stage, rule, kept id) for the rows of this shard in the audits."""
    found: dict[int, tuple[str, str, str]] = {}
    for removals in source.removals:
        table = rows_of_shard(removals.directory, source.index, ["row", "rule", "kept_id"])
        rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
        found.update((row, (removals.stage, rule, kept)) for row, rule, kept in rows)
    return found
