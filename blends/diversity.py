"""How diverse each source is and how much sources repeat each other: numbers to choose weights by.

- Vendi score (Friedman, Dieng 2023, arXiv 2210.02410): exp of the entropy of the eigenvalues of the similarity matrix
  of documents, "how many different documents"; of embeddings here, and of gradients of a proxy model where they are
  given (G-Vendi: Jung et al. 2025, arXiv 2505.20161).
- Embeddings are hashed token 1- and 2-grams with inverse document frequency, so no model is needed and the same run has
  the same numbers. They see words, not meaning; word vectors (blends.embeddings) can be asked for beside them.
- Overlap: the share of a source's token 8-grams that another has, from a sketch of all its sampled documents
  (FracMinHash: hashes below a threshold); novelty: the share that no other source has.

A run is in random order, so its first documents are a uniform sample.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from blends.embeddings import word_vectors
from blends.manifest import open_manifest
from blends.plan_walk import open_source_run
from blends.run_place import place_of
from blends.shard_cache import ShardCache
from blends.stream_reader import RunFiles, run_files
from blends.streams import Selection, read_stream_group
from blends.tokenizer import load_tokenizer
from pipeline.errors import UsageError

DOCUMENTS = 2000  # sampled of each source
MAX_SOURCES = 12  # of a run that are compared: those with the most documents
DIMENSIONS = 512
GRAM = 8  # tokens
_MAX_TOKENS = 4096  # of a document's embedding
_SKETCH = 1 << 60  # hashes below this are kept: one in 16
_PRIME = np.uint64(0x9E3779B97F4A7C15)
Floats = npt.NDArray[np.float64]
Hashes = npt.NDArray[np.uint64]
Ids = npt.NDArray[np.int32]


def diversity_of_runs(
    runs: Mapping[str, str | Path],
    *,
    documents: int = DOCUMENTS,
    gradients: Mapping[str, Path] | None = None,
    words: str | None = None,
    cache: ShardCache | None = None,
) -> dict[str, Any]:
    """The report of finished runs by name.

    Args:
        runs: folders or URLs.
        documents: sampled of each.
        gradients: by name, a .npy of gradients of a proxy model, shape (samples, dimensions); gives G-Vendi.
        words: the runs' tokenizer, as for `warcmill tokenize`: also score word vectors of the decoded texts.
        cache: where shards of remote runs are kept.

    Raises:
        VerificationError: a run is unfinished or altered.
        UsageError: runs of two tokenizers, another tokenizer than theirs, no word vectors installed, gradients of no
            run, or a file that is no matrix.
    """
    places = {name: place_of(run, cache) for name, run in runs.items()}
    manifests = {name: open_manifest(place) for name, place in places.items()}
    if len({manifest["tokenizer"]["sha256"] for manifest in manifests.values()}) > 1:
        raise UsageError("runs of two tokenizers", where="diversity", expected="one: tokens are compared")
    files = {name: run_files(places[name], manifests[name], checksums=False) for name in runs}
    samples = {name: _sample(run, Selection({}, []), documents) for name, run in files.items()}
    report = _report(samples, gradients or {})
    if words is not None:
        _add_words(report, samples, words, next(iter(manifests.values()))["tokenizer"]["sha256"])
    return report


def diversity_of_run(run: str | Path, *, documents: int = DOCUMENTS, cache: ShardCache | None = None) -> dict[str, Any]:
    """The report of one run by the `source` of its documents, from one uniform sample of them.

    Raises:
        VerificationError: the run is unfinished or altered.
    """
    place = place_of(run, cache)
    files = run_files(place, open_manifest(place), checksums=False)
    samples: dict[str, list[Ids]] = {}
    for index, number in ((i, n) for i, shard in enumerate(files.shards) for n in range(len(shard.row_groups))):
        if sum(map(len, samples.values())) >= documents:
            break
        rows = files.small_columns(index, number, ("source", "input_ids")).slice(0, documents)
        for source, ids in zip(rows["source"].to_pylist(), rows["input_ids"], strict=True):
            samples.setdefault(source, []).append(np.asarray(ids.values.to_numpy(), np.int32)[:-1])
    chosen = sorted(samples, key=lambda name: (-len(samples[name]), name))[:MAX_SOURCES]
    return _report({name: samples[name] for name in chosen}, {})


def _add_words(report: dict[str, Any], samples: Mapping[str, Sequence[Ids]], spec: str, sha256: str) -> None:
    vectors, handle = word_vectors(), load_tokenizer(spec)
    if vectors is None:
        raise UsageError("no word vectors", where="diversity", expected="the package", hint="pip install wordllama")
    if handle.identity.sha256 != sha256:
        what = f"tokenizer {handle.identity.name}, sha256 {handle.identity.sha256}"
        raise UsageError(what, where="diversity", expected=f"sha256 {sha256}, which wrote the runs")
    rows = {name: vectors.embed([handle.decode(ids) for ids in documents]) for name, documents in samples.items()}
    for name, found in rows.items():
        report["sources"][name]["vendi_words"] = round(vendi(found), 3)
    report["words"] = vectors.name
    report["vendi_words_of_all"] = round(vendi(np.concatenate(list(rows.values()))), 3)


def diversity_of_plan(
    plan: Mapping[str, Any], folder: str | Path, *, documents: int = DOCUMENTS, cache: ShardCache | None = None
) -> dict[str, Any]:
    """The report of a plan's sources, under their conditions, with the shares that the plan gives them."""
    samples = {}
    for source in plan["sources"]:
        run = open_source_run(source, folder, cache or ShardCache(), checksums=False)
        samples[source["name"]] = _sample(run, Selection(source["where"], []), documents)
    return _report(samples, {})


def _sample(run: RunFiles, selection: Selection, documents: int) -> list[Ids]:
    """Token ids of the first documents, EOS left out."""
    found: list[Ids] = []
    for index, shard in enumerate(run.shards):
        for number in range(len(shard.row_groups)):
            group = read_stream_group(run.file(index), shard, number, selection, 0).documents
            starts = np.concatenate([[0], group.ends[:-1]]).astype(np.int64)
            pairs = zip(starts.tolist(), group.ends.tolist(), strict=False)
            found += [group.ids[a : b - 1] for a, b in pairs]
            if len(found) >= documents:
                return found[:documents]
    return found


def _report(samples: Mapping[str, Sequence[Ids]], gradients: Mapping[str, Path]) -> dict[str, Any]:
    unknown = sorted(set(gradients) - set(samples))
    if unknown:
        raise UsageError(f"gradients of {unknown[0]!r}", where="diversity", expected=f"one of {', '.join(samples)}")
    names = list(samples)
    vectors = embed([ids for name in names for ids in samples[name]])
    bounds = np.cumsum([0, *(len(samples[name]) for name in names)])
    own = {name: vectors[a:b] for name, a, b in zip(names, bounds[:-1], bounds[1:], strict=True)}
    grams = {name: [_grams(ids) for ids in samples[name]] for name in names}
    sketches = {name: np.unique(np.concatenate([np.zeros(0, np.uint64), *parts])) for name, parts in grams.items()}
    sources = {}
    for name in names:
        others = [sketches[other] for other in names if other != name]
        sources[name] = {
            "documents": len(samples[name]),
            "vendi": round(vendi(own[name]), 3),
            "repeated_ngrams": _repeated(grams[name], sketches[name]),
            "novelty": _novelty(sketches[name], others),
            "overlap": {other: _share(sketches[name], sketches[other]) for other in names if other != name},
            "same_documents": {other: _same(samples[name], samples[other]) for other in names if other != name},
        }
        if name in gradients:
            sources[name]["g_vendi"] = round(vendi(_matrix(gradients[name])), 3)
    return {
        "embedding": f"hashed token 1- and 2-grams, {DIMENSIONS} dimensions, idf",
        "ngram": GRAM,
        "sources": sources,
        "vendi_of_all": round(vendi(vectors), 3),
    }


def vendi(vectors: Floats) -> float:
    """Vendi score of row vectors: from 1 (all alike) to the number of rows or dimensions; 0 without rows."""
    if not len(vectors):
        return 0.0
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.where(lengths > 0, lengths, 1)
    small = unit.T @ unit if unit.shape[1] <= len(unit) else unit @ unit.T  # the same eigenvalues but for zeros
    values = np.linalg.eigvalsh(small / len(unit))
    values = values[values > 1e-12]
    values = values / values.sum() if len(values) else np.ones(1)
    return float(np.exp(-(values * np.log(values)).sum()))


def embed(documents: Sequence[Ids]) -> Floats:
    """One row of DIMENSIONS per document: hashed 1- and 2-grams with signs, log frequency, idf over these documents."""
    features = [_features(ids[:_MAX_TOKENS]) for ids in documents]
    everywhere = np.concatenate([np.zeros(0, np.uint64), *(keys for keys, _ in features)])
    keys, seen = np.unique(everywhere, return_counts=True)
    weight = np.log((1 + len(documents)) / (1 + seen)) + 1
    vectors = np.zeros((len(documents), DIMENSIONS))
    for row, (mine, counts) in enumerate(features):
        values = (1 + np.log(counts)) * weight[np.searchsorted(keys, mine)]
        signs = np.where(mine >> np.uint64(63), 1.0, -1.0)
        np.add.at(vectors[row], (mine % np.uint64(DIMENSIONS)).astype(np.int64), signs * values)
    return vectors


def _features(ids: Ids) -> tuple[Hashes, npt.NDArray[np.int64]]:
    parts = [_windows(ids, size) for size in (1, 2) if len(ids) >= size]
    keys, counts = np.unique(np.concatenate([np.zeros(0, np.uint64), *parts]), return_counts=True)
    return keys, counts


def _windows(ids: Ids, size: int) -> Hashes:
    """Hash of every run of `size` ids: a polynomial, mixed by splitmix64's finish."""
    with np.errstate(over="ignore"):
        values = ids.astype(np.uint64) + np.uint64(1)
        found = np.full(len(ids) - size + 1, size, np.uint64)
        for i in range(size):
            found = found * _PRIME + values[i : len(ids) - size + 1 + i]
        found = (found ^ (found >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        found = (found ^ (found >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Hashes = found ^ (found >> np.uint64(31))
    return mixed


def _grams(ids: Ids) -> Hashes:
    """The sketched n-grams of a document; a shorter one is one n-gram."""
    if not len(ids):
        return np.zeros(0, np.uint64)
    found = _windows(ids, min(GRAM, len(ids)))
    return found[found < _SKETCH]


def _repeated(parts: Sequence[Hashes], unique: Hashes) -> float:
    whole = sum(len(part) for part in parts)
    return round(1 - len(unique) / whole, 4) if whole else 0.0


def _share(mine: Hashes, other: Hashes) -> float:
    return round(float(np.isin(mine, other, assume_unique=True).mean()), 4) if len(mine) else 0.0


def _novelty(mine: Hashes, others: Sequence[Hashes]) -> float:
    return round(1 - _share(mine, np.unique(np.concatenate(others))), 4) if others else 1.0


def _same(mine: Sequence[Ids], other: Sequence[Ids]) -> int:
    known = {ids.tobytes() for ids in other}
    return sum(ids.tobytes() in known for ids in mine)


def _matrix(path: Path) -> Floats:
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read gradients: {error}", where=str(path), expected="a .npy matrix") from error
    if found.ndim != 2 or not np.issubdtype(found.dtype, np.floating) or not np.isfinite(found).all():
        what = f"{found.dtype} of shape {found.shape}"
        raise UsageError(what, where=str(path), expected="finite floats, shape (samples, dimensions)")
    return np.asarray(found, np.float64)


def diversity_text(report: Mapping[str, Any]) -> str:
    """The report as a table."""
    sources = report["sources"]
    gradients = any("g_vendi" in source for source in sources.values())
    head = f"{'source':<24}{'documents':>11}{'Vendi':>10}{'repeated':>10}{'novelty':>9}" + "   G-Vendi" * gradients
    head += f"{'words':>10}" if "words" in report else ""
    lines = [f"diversity ({report['embedding']}; {report['ngram']}-grams)", head]
    lines += [_line(name, source) for name, source in sources.items()]
    lines.append(
        f"{'all together':<24}{sum(s['documents'] for s in sources.values()):>11,}{report['vendi_of_all']:>10.1f}"
    )
    lines += list(_overlaps(sources))
    return "\n".join(lines)


def _line(name: str, source: Mapping[str, Any]) -> str:
    own = f"{source['g_vendi']:>10.1f}" if "g_vendi" in source else ""
    numbers = f"{source['vendi']:>10.1f}{source['repeated_ngrams']:>10.1%}{source['novelty']:>9.1%}"
    own += f"{source['vendi_words']:>10.1f}" if "vendi_words" in source else ""
    return f"{name:<24}{source['documents']:>11,}{numbers}{own}"


def _overlaps(sources: Mapping[str, Any]) -> Iterator[str]:
    for name, source in sources.items():
        for other, share in source["overlap"].items():
            same = source["same_documents"][other]
            if share or same:
                yield f"{share:.1%} of the n-grams of {name} are in {other}" + (
                    f", {same:,} documents whole" if same else ""
                )
