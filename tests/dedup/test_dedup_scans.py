"""Exact scan, star scan, MinHash, containment sketch, components: right answers, any order, bounded memory."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.audit import AUDIT_SCHEMA, cluster_ids
from dedup.components import COMPONENT_SCHEMA, components
from dedup.containment import ContainmentConfig, containment_keys
from dedup.exact import EXACT_SCHEMA, EXACT_SORT, canonical_url, exact_removals, exact_rows, url_rows
from dedup.lsh import EDGE_SCHEMA, LSH_SORT, star_edges
from dedup.minhash import PRESETS, PROPOSAL_SCHEMA, MinHashConfig, band_keys_of, derive, signatures
from dedup.propose import proposals
from dedup.rank import RANK_COLUMNS, RANK_FIELDS, rank_columns
from pipeline.text.sketch import smallest
from pipeline.text.words import text_hashes

WORDS = [f"word{number}" for number in range(5_000)]


def docs(*texts: str, **columns: list[object]) -> pa.RecordBatch:
    ids = [f"d{number:03}" for number in range(len(texts))]
    return pa.RecordBatch.from_pydict({"id": ids, "text": list(texts), **columns})


def prose(seed: int, size: int) -> list[str]:
    return random.Random(seed).choices(WORDS, k=size)


def ordered(rows: pa.RecordBatch, by: tuple[str, ...]) -> pa.Table:
    return pa.Table.from_batches([rows]).sort_by([(name, "ascending") for name in by])


def removals(batch: pa.RecordBatch) -> list[dict[str, object]]:
    table = ordered(exact_rows(batch), EXACT_SORT)
    return pa.Table.from_batches(exact_removals(iter(table.to_batches(2))), AUDIT_SCHEMA).to_pylist()


def test_rank_prefers_quality_then_length_then_early_capture_then_id() -> None:
    batch = pa.RecordBatch.from_pydict(
        {
            "id": ["f", "e", "d", "c", "b", "a"],
            "text": ["aa", "aa", "aaa", "aa", "aa", "a"],
            "quality": [0.9, None, 0.9, 0.9, 0.9, 0.90001],
            "crawl_time": ["2024-01-01T00:00:00Z", "2020-01-01T00:00:00Z", "", "2023-01-01T00:00:00Z", "", None],
        }
    )
    table = pa.Table.from_arrays(rank_columns(batch), schema=pa.schema(RANK_FIELDS))
    best_first = table.sort_by([(name, "ascending") for name in RANK_COLUMNS])["id"].to_pylist()
    # 0.90001 and 0.9 quantise alike; length decides, then the earlier capture, unknown captures last; no quality is worst
    assert best_first == ["d", "c", "f", "b", "a", "e"]


def test_exact_duplicates_keep_the_best_copy() -> None:
    batch = docs("One text.", "other", "ONE  text.", "one text.", quality=[0.1, 0.5, 0.9, 0.2])
    found = removals(batch)
    assert {(row["removed_id"], row["kept_id"], row["rule"]) for row in found} == {
        ("d000", "d002", "exact"),
        ("d003", "d002", "exact"),
    }
    assert all(row["jaccard"] == row["containment"] == 1.0 for row in found)


def test_empty_and_one_word_documents_are_exact_duplicates_of_their_like_only() -> None:
    found = removals(docs("", "", "word", "word", "another"))
    assert sorted((row["removed_id"], row["kept_id"]) for row in found) == [("d001", "d000"), ("d003", "d002")]


def test_two_captures_with_one_id_say_so() -> None:
    batch = pa.RecordBatch.from_pydict({"id": ["a", "a"], "text": ["same text", "same text"]})
    assert [(row["removed_id"], row["kept_id"]) for row in removals(batch)] == [("a", "a")]


def test_a_sign_makes_another_document() -> None:
    assert removals(docs("Solve $x + 1 = 0$.", "Solve $x - 1 = 0$.")) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://www.Example.org/a/?utm_source=x&b=2&a=1#top", "http://example.org:80/a?a=1&b=2"),
        ("https://example.org", "https://example.org/"),
    ],
)
def test_one_page_under_two_addresses(one: str, other: str) -> None:
    assert canonical_url(one) == canonical_url(other)


@pytest.mark.parametrize(
    ("one", "other"), [("http://a.org/x?id=1", "http://a.org/x?id=2"), ("http://a.org/X", "http://a.org/x")]
)
def test_other_addresses_stay_apart(one: str, other: str) -> None:
    assert canonical_url(one) != canonical_url(other)


def test_odd_urls_do_not_raise() -> None:
    assert canonical_url("http://[bad") == "http://[bad"
    assert canonical_url("http://h:99999/") == "http://h:99999/"


def test_url_removals_say_so() -> None:
    batch = docs("first", "second, longer", "x", url=["http://a.org/", "http://a.org", ""])
    table = ordered(url_rows(batch), EXACT_SORT)
    found = pa.Table.from_batches(exact_removals(iter(table.to_batches()), "url")).to_pylist()
    assert found == [
        {
            "removed_id": "d000",
            "kept_id": "d001",
            "jaccard": None,
            "containment": None,
            "rule": "url",
            "shared_shingles": None,
        }
    ]


def copies(schema: pa.Schema, rows: int, batch_rows: int, **fixed: object) -> Iterator[pa.RecordBatch]:
    for start in range(0, rows, batch_rows):
        ids = pc.utf8_lpad(pa.array(range(start, start + batch_rows)).cast(pa.string()), 8, "0")
        columns = [
            ids if field.name == "id" else pa.repeat(pa.scalar(fixed[field.name], field.type), batch_rows)
            for field in schema
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def consume(batches: Iterator[pa.RecordBatch], column: str) -> tuple[int, set[str], int]:
    """(rows, distinct values of a column, most bytes Arrow held at once)."""
    before, peak_bytes, rows, values = pa.total_allocated_bytes(), 0, 0, set()
    for batch in batches:
        rows += batch.num_rows
        values.update(batch.column(column).unique().to_pylist())
        peak_bytes = max(peak_bytes, pa.total_allocated_bytes() - before)
    return rows, values, peak_bytes


RANK = {"rank_quality": 0, "rank_length": -5, "rank_time": "~"}


def test_a_million_identical_documents_stream_through_the_exact_scan() -> None:
    rows = copies(EXACT_SCHEMA, 1_000_000, 10_000, key=1, content_hash=b"x" * 16, **RANK)
    removed, kept, peak_bytes = consume(exact_removals(rows), "kept_id")
    assert removed == 999_999
    assert kept == {"00000000"}
    assert peak_bytes < 10e6  # a few batches of 10,000 rows, not a million rows


def test_a_million_rows_in_one_bucket_stream_through_the_star_scan() -> None:
    tallies: Counter[str] = Counter()
    rows = copies(PROPOSAL_SCHEMA, 1_000_000, 10_000, key=1, **RANK)
    edges, hubs, peak_bytes = consume(star_edges(rows, tallies=tallies), "a")
    assert edges == 999_999
    assert hubs == {"00000000"}
    assert tallies["lsh:largest_bucket"] == 1_000_000
    assert peak_bytes < 10e6


def test_star_edges_start_at_the_best_row_of_each_bucket() -> None:
    rows = pa.RecordBatch.from_pydict(
        {
            "key": [1, 1, 1, 1, 2, 3, 3],
            "rank_quality": [0] * 7,
            "rank_length": [0] * 7,
            "rank_time": ["~"] * 7,
            "id": ["a", "b", "b", "c", "d", "a", "a"],
        },
        schema=PROPOSAL_SCHEMA,
    )
    for size in (1, 3, 7):
        batches = pa.Table.from_batches([rows]).to_batches(size)
        found = pa.Table.from_batches(star_edges(iter(batches)), EDGE_SCHEMA).to_pylist()
        assert found == [{"a": "a", "b": "b"}, {"a": "a", "b": "c"}]


def test_a_capped_bucket_is_counted() -> None:
    tallies: Counter[str] = Counter()
    rows = copies(PROPOSAL_SCHEMA, 100, 10, key=1, **RANK)
    assert sum(batch.num_rows for batch in star_edges(rows, max_bucket=40, tallies=tallies)) == 39
    assert tallies["lsh:capped"] == 60


def test_signatures_estimate_jaccard_similarity() -> None:
    rng = np.random.default_rng(5)
    config = MinHashConfig(bands=64, rows=8, n=1)
    for share in (0.2, 0.5, 0.8, 0.95):
        pool = rng.integers(0, 2**64, 2_000, dtype=np.uint64)
        common = int(2_000 * share)
        rest = (2_000 - common) // 2
        a, b = pool[: common + rest], np.concatenate([pool[:common], pool[common + rest :]])
        one, other = signatures([a, b], config)
        # 512 hashes: standard deviation at most sqrt(0.25 / 512) = 0.022, so four of them
        assert abs(float(np.mean(one == other)) - share) < 0.09


def test_signatures_do_not_depend_on_the_company() -> None:
    config = MinHashConfig(bands=4, rows=2, n=1)
    grams = [np.arange(size, dtype=np.uint64) * np.uint64(77) for size in (1, 3, 100_000, 2, 70_000)]
    together = signatures(grams, config)
    for row, gram in zip(together, grams, strict=True):
        assert np.array_equal(row, signatures([gram], config)[0])


def test_short_documents_are_counted_not_proposed() -> None:
    tallies: Counter[str] = Counter()
    rows = proposals(docs("", "one", "one two three four five"), MinHashConfig(), ContainmentConfig(), tallies)
    assert set(rows.column("id").to_pylist()) == {"d002"}
    assert tallies == {"minhash:too_short": 2, "containment:too_short": 3}


def test_a_batch_without_documents_gives_no_rows() -> None:
    empty = docs().cast(pa.schema([("id", pa.string()), ("text", pa.string())]))
    for rows in (proposals(empty, MinHashConfig(), ContainmentConfig()), exact_rows(empty)):
        assert rows.num_rows == 0


def test_both_channels_together_are_the_two_apart() -> None:
    batch = docs(" ".join(prose(1, 300)), " ".join(prose(2, 40)))
    units = [text_hashes(text) for text in batch.column("text").to_pylist()]
    bands, owners = band_keys_of(units, MinHashConfig())
    apart = {name: set(bands[owners == n].tolist()) for n, name in enumerate(("d000", "d001"))}
    for name, found in zip(apart, units, strict=True):
        apart[name] |= set(containment_keys(found, ContainmentConfig()).tolist())
    together = proposals(batch, MinHashConfig(), ContainmentConfig())
    for name, keys in apart.items():
        own = together.filter(pc.equal(together.column("id"), name)).column("key").to_pylist()
        assert set(own) == keys
        assert len(own) == 14 + 16


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_presets_propose_what_their_formula_says(preset: str) -> None:
    config = PRESETS[preset]
    assert config.probability(config.threshold) == pytest.approx(1 - (1 - 1 / config.bands) ** config.bands)


def test_derived_parameters_rise_around_the_target() -> None:
    for target in (0.5, 0.7, 0.9):
        config = derive(target, 128)
        assert config.bands * config.rows <= 128
        assert abs(config.threshold - target) < 0.12
    with pytest.raises(ValueError, match="between 0 and 1"):
        derive(1.0)


def test_a_quarter_of_a_text_shares_a_containment_key_with_the_whole() -> None:
    # 16 keys, share 0.25: missed with probability 0.75^16 = 0.01 each; of 100 pairs at most 6 but for one run in 10^3
    missed = 0
    for seed in range(100):
        whole = prose(seed, 2_000)
        a, b = (text_hashes(" ".join(part)) for part in (whole, whole[500:1_000]))
        keys = containment_keys(a, ContainmentConfig()), containment_keys(b, ContainmentConfig())
        missed += not np.intersect1d(*keys).size
    assert missed <= 6


def test_smallest_of_many_repeats() -> None:
    hashes = np.repeat(np.arange(20, dtype=np.uint64), 5_000)
    assert np.array_equal(smallest(hashes, 1, 16), smallest(np.arange(20, dtype=np.uint64), 1, 16))


def edge_table(pairs: list[tuple[str, str]]) -> pa.Table:
    left, right = ([pair[end] for pair in pairs] for end in (0, 1))
    return pa.Table.from_pydict({"a": left, "b": right}, schema=EDGE_SCHEMA)


def roots(pairs: list[tuple[str, str]]) -> dict[str, str]:
    table = components(edge_table(pairs))
    assert table.schema == COMPONENT_SCHEMA
    return dict(zip(table["id"].to_pylist(), table["root"].to_pylist(), strict=True))


def naive_roots(pairs: list[tuple[str, str]]) -> dict[str, str]:
    group = {end: {end} for pair in pairs for end in pair}
    for a, b in pairs:
        union = group[a] | group[b]
        for member in union:
            group[member] = union
    return {member: min(members) for member, members in group.items()}


NAMES = st.integers(0, 25).map(lambda number: chr(97 + number))


@given(st.lists(st.tuples(NAMES, NAMES), max_size=40), st.randoms(use_true_random=False))
def test_components_are_those_of_a_naive_union(pairs: list[tuple[str, str]], shuffler: random.Random) -> None:
    expected = naive_roots(pairs)
    shuffled = [pair[::-1] if shuffler.random() < 0.5 else pair for pair in shuffler.sample(pairs, len(pairs))]
    assert roots(pairs) == roots(shuffled) == expected


@pytest.mark.parametrize("seed", [0, None])
def test_a_chain_of_a_hundred_thousand(seed: int | None) -> None:
    names = [f"{number:06}" for number in range(100_000)]
    if seed is not None:
        random.Random(seed).shuffle(names)
    found = components(edge_table(list(pairwise(names))))
    assert found["root"].unique().to_pylist() == ["000000"]
    assert len(found) == 100_000


def test_no_edges_no_components() -> None:
    assert components(edge_table([])).num_rows == 0


def test_cluster_ids_follow_survivors_across_phases() -> None:
    rows = [("b", "a"), ("d", "c"), ("c", "b"), ("x", "x")]
    audit = pa.Table.from_pylist(
        [{"removed_id": removed, "kept_id": kept, "rule": "exact"} for removed, kept in rows], schema=AUDIT_SCHEMA
    )
    assert cluster_ids(audit).to_pydict() == {"id": ["b", "c", "d"], "cluster_id": ["a", "a", "a"]}


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(8)), st.integers(1, 8))
def test_permuted_input_gives_the_same_edges(order: list[int], batch_rows: int) -> None:
    base = prose(3, 200)
    texts = [" ".join(base[shift:]) for shift in range(0, 40, 5)]
    batch = docs(*texts)
    config = MinHashConfig()

    def edges(source: pa.Table) -> pa.Table:
        parts = [proposals(part, config, ContainmentConfig()) for part in source.to_batches(batch_rows)]
        rows = pa.Table.from_batches(parts).sort_by([(name, "ascending") for name in LSH_SORT])
        return pa.Table.from_batches(star_edges(iter(rows.to_batches(batch_rows))), EDGE_SCHEMA).combine_chunks()

    assert edges(pa.Table.from_batches([batch.take(pa.array(order))])) == edges(pa.Table.from_batches([batch]))
