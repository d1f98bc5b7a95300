"""Who goes and who stays: removals within components, each verified against a survivor that is kept.

Documents of a component arrive best first. Each is compared with the documents it was proposed with; where one of those
has already been removed, with that one's survivor instead; and with a few kept documents that met the same survivor. It
is removed only if one of these texts, all of them kept for good, is the same document. So no removal hangs on another:
A ~ B ~ C removes B for A, and C only if A ~ C holds.

Memory: two short strings per document of the component; texts of kept documents that still have a neighbour to come
lie on a shelf, most of them on disk.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from dedup.audit import AUDIT_SCHEMA, audit_batch
from dedup.rank import RANK_COLUMNS, RANK_FIELDS, rank_columns
from dedup.shelf import SHELF_BYTES, Shelf
from dedup.verify import Prepared, Verdict, VerifyConfig, compare, prepare, similarities
from pipeline.text.sketch import within

RESOLVE_SORT = ("component", *RANK_COLUMNS)
RESOLVE_SCHEMA = pa.schema(
    [("component", pa.uint64()), *RANK_FIELDS, ("text", pa.string()), ("neighbours", pa.list_(pa.string()))]
)


@dataclass(slots=True)
class _Component:
    """What must be remembered of the component at hand."""

    key: int
    kept: Shelf  # texts of kept documents that may still be needed
    survivor: dict[str, str] = field(default_factory=dict)  # of every document seen; its own id where it is kept
    pending: dict[str, int] = field(
        default_factory=dict
    )  # neighbours to come, of a kept document and those it replaced
    kin: dict[str, list[str]] = field(default_factory=dict)  # kept documents that met a survivor and differed from it


def member_rows(docs: pa.RecordBatch, component: pa.ChunkedArray, neighbours: pa.ChunkedArray) -> pa.RecordBatch:
    """RESOLVE_SCHEMA rows of documents that all are in a component, with their component and neighbours, in order."""
    columns = [component, *rank_columns(docs), docs.column("text").cast(pa.string()), neighbours]
    return pa.Table.from_arrays(columns, schema=RESOLVE_SCHEMA).combine_chunks().to_batches()[0]


def resolve_components(
    rows: Iterable[pa.RecordBatch],
    config: VerifyConfig,
    tallies: Counter[str] | None = None,
    shelf_bytes: int = SHELF_BYTES,
) -> Iterator[pa.RecordBatch]:
    """AUDIT_SCHEMA rows of the removals among RESOLVE_SCHEMA rows sorted by RESOLVE_SORT; any number of components.

    `neighbours` must be symmetric. Tallies count comparisons and verdicts by rule.
    About `shelf_bytes` of texts are held in memory; the result does not depend on it.
    """
    counts = Counter[str]() if tallies is None else tallies
    with closing(Shelf(shelf_bytes)) as shelf:
        state = _Component(-1, shelf)
        for batch in rows:
            removed: list[dict[str, Any]] = []
            for row in batch.to_pylist():
                if row["component"] != state.key:
                    shelf.clear()
                    state = _Component(row["component"], shelf)
                found = _place(state, row, config, counts)
                if found is not None:
                    removed.append(found)
            yield audit_batch(removed) if removed else pa.RecordBatch.from_pylist([], schema=AUDIT_SCHEMA)


def _place(state: _Component, row: dict[str, Any], config: VerifyConfig, counts: Counter[str]) -> dict[str, Any] | None:
    """Decide one document, best first; its audit row if it is removed."""
    own: str = row["id"]
    if own in state.survivor:
        counts["resolve:repeated_id"] += 1
        return None
    neighbours = [other for other in row["neighbours"] or () if other != own]
    earlier = [other for other in neighbours if other in state.survivor]
    text = prepare(row["text"] or "", config)
    found = _match(state, text, _candidates(state, earlier), config, counts)
    survivor = own if found is None else found[0]
    shorter = min(len(text.shingles), state.kept.outlines[survivor].shingles) if found else 0
    state.survivor[own] = survivor
    if survivor == own:
        state.kept[own] = text
    state.pending[survivor] = state.pending.get(survivor, 0) + len(neighbours) - len(earlier)
    if survivor == own:
        _remember_kin(state, own, earlier, config)
    _release(state, earlier, own)
    if found is None:
        return None
    verdict = found[1]
    return {
        "removed_id": own,
        "kept_id": survivor,
        "jaccard": verdict.jaccard,
        "containment": verdict.containment,
        "rule": verdict.rule,
        "shared_shingles": round(verdict.containment * shorter),
    }


def _candidates(state: _Component, earlier: Sequence[str]) -> list[str]:
    """Kept documents to compare with: survivors of the neighbours, then their kin, each in order of rank or id."""
    targets = dict.fromkeys(state.survivor[other] for other in earlier)
    for target in list(targets):
        targets.update(dict.fromkeys(state.kin.get(target, ())))
    return [target for target in targets if target in state.kept]


def _match(
    state: _Component, text: Prepared, candidates: Sequence[str], config: VerifyConfig, counts: Counter[str]
) -> tuple[str, Verdict] | None:
    """The most similar candidate that is the same document; the better ranked one among equals."""
    near = _near(state.kept, text, candidates, config)
    counts["resolve:candidates"] += len(candidates)
    found = similarities(text.shingles, [state.kept.shingles(other) for other in near])
    alike = [place for place, (_, containment) in enumerate(found) if containment >= config.min_containment]
    alike.sort(key=found.__getitem__, reverse=True)  # stable: equal ones stay in their order
    for place in alike[: config.max_comparisons]:
        verdict = compare(state.kept[near[place]], text, config, found[place])
        counts["resolve:compared"] += 1
        counts[f"resolve:{'same' if verdict.same else 'apart'}:{verdict.rule}"] += 1
        if verdict.same:
            return near[place], verdict
    return None


def _near(kept: Shelf, text: Prepared, candidates: Sequence[str], config: VerifyConfig) -> list[str]:
    """The candidates whose outlines leave it open whether they share enough shingles to be the same document."""
    outlines = [kept.outlines[other] for other in candidates]
    size = len(text.shingles)
    most = within(text.shingles, [other.bits for other in outlines]) if size else ()
    return [
        name
        for name, other, common in zip(candidates, outlines, most, strict=bool(size))
        if common / max(1, min(size, other.shingles)) >= config.min_containment
    ]


def _remember_kin(state: _Component, own: str, earlier: Sequence[str], config: VerifyConfig) -> None:
    """A kept document is met again by those who share its hub: a star proposes them to the hub only."""
    for target in dict.fromkeys(state.survivor[other] for other in earlier):
        kin = state.kin.setdefault(target, [])
        if len(kin) < config.max_kin:
            kin.append(own)
            state.pending[own] += 1  # held until the hub is let go


def _release(state: _Component, earlier: Sequence[str], own: str) -> None:
    """Forget the texts that no document to come can ask for."""
    for other in earlier:
        target = state.survivor[other]
        state.pending[target] -= 1
        _forget(state, target)
    _forget(state, state.survivor[own])


def _forget(state: _Component, first: str) -> None:
    stack = [first]
    while stack:
        node = stack.pop()
        if state.pending[node] == 0 and state.kept.discard(node):
            for kin in state.kin.pop(node, ()):
                state.pending[kin] -= 1
                stack.append(kin)
