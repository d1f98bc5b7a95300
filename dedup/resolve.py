"""Who goes and who stays: removals within components, each verified against a survivor that is kept.

Documents of a component arrive best first. Each is compared with the documents it was proposed with; where one of those
has already been removed, with that one's survivor instead; and with a few kept documents that met the same survivor. It
is removed only if one of these texts, all of them kept for good, is the same document. So no removal hangs on another:
A ~ B ~ C removes B for A, and C only if A ~ C holds.

Memory: an id and some numbers per document of the component; texts of kept documents that still have a neighbour to
come lie on a shelf, most of them on disk.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from heapq import heapify, heappop, heappush
from itertools import islice
from typing import Any

import pyarrow as pa

from dedup.audit import AUDIT_SCHEMA, audit_batch
from dedup.rank import RANK_COLUMNS, RANK_FIELDS, rank_columns
from dedup.shelf import SHELF_BYTES, Shelf
from dedup.verify import Prepared, Verdict, VerifyConfig, compare, overlap, prepare, similarity
from pipeline.text.sketch import within

RESOLVE_SORT = ("component", *RANK_COLUMNS)
RESOLVE_SCHEMA = pa.schema(
    [("component", pa.uint64()), *RANK_FIELDS, ("text", pa.string()), ("neighbours", pa.list_(pa.string()))]
)
_NUMBERS = partial(array, "q")


@dataclass(slots=True)
class _Component:
    """What must be remembered of the component at hand."""

    key: int
    kept: Shelf  # texts of kept documents that may still be needed
    numbers: dict[str, int] = field(default_factory=dict)  # of the documents seen, in order; what follows goes by them
    names: list[str] = field(default_factory=list)
    survivor: array[int] = field(default_factory=_NUMBERS)  # its own number where it is kept
    pending: array[int] = field(default_factory=_NUMBERS)  # neighbours to come, also of those it replaced
    sizes: array[int] = field(default_factory=_NUMBERS)  # shingles of each
    kin: dict[int, tuple[int, ...]] = field(default_factory=dict)  # kept ones that met a survivor and differed


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
    name: str = row["id"]
    if name in state.numbers:
        counts["resolve:repeated_id"] += 1
        return None
    neighbours = [other for other in row["neighbours"] or () if other != name]
    earlier = [number for number in map(state.numbers.get, neighbours) if number is not None]
    text = prepare(row["text"] or "", config)
    found = _match(state, text, _candidates(state, earlier), config, counts)
    own = state.numbers[name] = len(state.names)
    survivor = own if found is None else found[0]
    state.names.append(name)
    state.sizes.append(len(text.shingles))
    state.survivor.append(survivor)
    state.pending.append(0)
    if survivor == own:
        state.kept[own] = text
    state.pending[survivor] += len(neighbours) - len(earlier)
    if survivor == own:
        _remember_kin(state, own, earlier, config)
    _release(state, earlier, own)
    if found is None:
        return None
    verdict = found[1]
    return {
        "removed_id": name,
        "kept_id": state.names[survivor],
        "jaccard": verdict.jaccard,
        "containment": verdict.containment,
        "rule": verdict.rule,
        "shared_shingles": round(verdict.containment * min(state.sizes[own], state.sizes[survivor])),
    }


def _candidates(state: _Component, earlier: Sequence[int]) -> list[int]:
    """Kept documents to compare with: survivors of the neighbours, then their kin, each in order of rank or id."""
    targets = dict.fromkeys(state.survivor[other] for other in earlier)
    for target in list(targets):
        targets.update(dict.fromkeys(state.kin.get(target, ())))
    return [target for target in targets if target in state.kept]


def _match(
    state: _Component, text: Prepared, candidates: Sequence[int], config: VerifyConfig, counts: Counter[str]
) -> tuple[int, Verdict] | None:
    """The most similar candidate that is the same document; the better ranked one among equals."""
    counts["resolve:candidates"] += len(candidates)
    for other, known in islice(_alike(state, text, candidates, config), config.max_comparisons):
        verdict = compare(state.kept[other], text, config, known)
        counts["resolve:compared"] += 1
        counts[f"resolve:{'same' if verdict.same else 'apart'}:{verdict.rule}"] += 1
        if verdict.same:
            return other, verdict
    return None


def _alike(
    state: _Component, text: Prepared, candidates: Sequence[int], config: VerifyConfig
) -> Iterator[tuple[int, tuple[float, float]]]:
    """Candidates that share enough shingles, and (Jaccard, containment); the most similar ones first, equals in order.

    An outline says how similar a text can be at most. The shingles are read of those only that are next by that.
    """
    size = len(text.shingles)
    if not size:
        return
    most = within(text.shingles, [state.kept.outlines[other] for other in candidates])
    queue = []
    for place, (other, common) in enumerate(zip(candidates, most, strict=True)):
        other_size = state.sizes[other]
        jaccard, containment = overlap(min(common, other_size), size, other_size)
        if containment >= config.min_containment:
            queue.append((-jaccard, -containment, place, False))
    heapify(queue)
    while queue:
        jaccard, containment, place, exact = heappop(queue)
        if exact:
            yield candidates[place], (-jaccard, -containment)
            continue
        jaccard, containment = similarity(text.shingles, state.kept.shingles(candidates[place]))
        if containment >= config.min_containment:
            heappush(queue, (-jaccard, -containment, place, True))


def _remember_kin(state: _Component, own: int, earlier: Sequence[int], config: VerifyConfig) -> None:
    """A kept document is met again by those who share its hub: a star proposes them to the hub only."""
    for target in dict.fromkeys(state.survivor[other] for other in earlier):
        kin = state.kin.get(target, ())
        if len(kin) < config.max_kin:
            state.kin[target] = (*kin, own)
            state.pending[own] += 1  # held until the hub is let go


def _release(state: _Component, earlier: Sequence[int], own: int) -> None:
    """Forget the texts that no document to come can ask for."""
    for other in earlier:
        target = state.survivor[other]
        state.pending[target] -= 1
        _forget(state, target)
    _forget(state, state.survivor[own])


def _forget(state: _Component, first: int) -> None:
    stack = [first]
    while stack:
        node = stack.pop()
        if state.pending[node] == 0 and state.kept.discard(node):
            for kin in state.kin.pop(node, ()):
                state.pending[kin] -= 1
                stack.append(kin)
