"""Shuffle arithmetic, token rows, kinds of tokens, row groups, permutation and batch invariance."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from blends_support import CORPUS, byte_level_bpe, document, save, sorted_rows, unigram, with_spans
from hypothesis import given
from hypothesis import strategies as st

from blends import shards
from blends.shards import (
    SHARD_SCHEMA,
    SHUFFLE_ORDER,
    TokenizeConfig,
    keyed_schema,
    screen_documents,
    shard_count,
    shard_name,
    shard_of,
    shard_schema,
    shuffle_key,
    tokenize_documents,
    write_token_shard,
)
from blends.tokenizer import load_tokenizer
from pipeline.errors import ConservationError, UsageError
from pipeline.io.exchange import merge_runs, partition_of, sorted_runs
from pipeline.stage import Counters

KEYS = st.integers(0, 2**64 - 1)


@given(KEYS, st.integers(1, 100_000))
def test_shard_of_is_floor_of_the_fraction_and_agrees_with_the_exchange(key: int, n: int) -> None:
    shard = shard_of(key, n)
    assert shard * 2**64 <= key * n < (shard + 1) * 2**64
    if n <= 50:
        assert partition_of(np.array([key], dtype=np.uint64), n)[0] == shard


@given(KEYS, KEYS, st.integers(1, 1000))
def test_shards_are_ranges_of_keys(a: int, b: int, n: int) -> None:
    low, high = sorted((a, b))
    assert 0 <= shard_of(low, n) <= shard_of(high, n) < n


@pytest.mark.parametrize(
    ("tokens", "target", "count"), [(0, 100, 1), (1, 100, 1), (100, 100, 1), (101, 100, 2), (10**13, 2**25, 298_024)]
)
def test_shard_count_is_the_ceiling(tokens: int, target: int, count: int) -> None:
    assert shard_count(tokens, target) == count


def test_shuffle_key_depends_on_seed_and_id_and_is_uniform() -> None:
    ids = [document("x", number).id for number in range(4000)]
    keys = [shuffle_key(7, doc_id) for doc_id in ids]
    assert len(set(keys)) == len(ids)
    assert keys != [shuffle_key(8, doc_id) for doc_id in ids]
    sizes = np.bincount([shard_of(key, 4) for key in keys], minlength=4)
    assert (abs(sizes - 1000) < 5 * np.sqrt(1000 * 0.75)).all()  # five standard deviations of a binomial


def test_shuffle_key_is_the_documented_hash() -> None:
    from hashlib import blake2b

    doc_id = "0123456789abcdef" * 2
    assert shuffle_key(258, doc_id) == int.from_bytes(
        blake2b(b"\x02\x01" + bytes(6) + doc_id.encode(), digest_size=8).digest(), "big"
    )


def test_rows_carry_ids_eos_and_fields() -> None:
    config = TokenizeConfig(seed=3)
    first = document("The sum of two integrals.", 1, language="en", quality=0.25, cluster_id="c" * 32)
    second = document("Zwei Integrale.", 2)
    (batch,) = tokenize_documents([first, second], config=config)
    handle = load_tokenizer("deepseek")
    assert batch.schema.equals(keyed_schema(handle.identity), check_metadata=True)
    assert batch.schema.names == ["shuffle_key", *SHARD_SCHEMA.names]
    rows = batch.to_pylist()
    for row, made in zip(rows, (first, second), strict=True):
        ids = handle.encode_batch([made.text])[0].tolist()
        assert row["input_ids"] == [*ids, 1]
        assert row["n_tokens"] == len(ids) + 1
        assert (row["doc_id"], row["url"], row["source"]) == (made.id, made.url, "test")
        assert row["shuffle_key"] == shuffle_key(3, made.id)
    assert (rows[0]["language"], rows[0]["quality"], rows[0]["cluster_id"]) == ("en", 0.25, "c" * 32)
    assert (rows[1]["language"], rows[1]["quality"], rows[1]["cluster_id"]) == ("", None, second.id)


def test_tokens_are_counted_by_kind(tmp_path: Path) -> None:
    """A byte-level model without merges has one token per byte, so the counts follow from the text."""
    config = TokenizeConfig(
        tokenizer=save(byte_level_bpe(["<|endoftext|>"], vocab_size=257), tmp_path), roundtrip_every=1
    )
    text = "Sé: $α+1$ and\n```\nx = 1\n```\n$$y$$ end."
    made = with_spans(text, code=["```\nx = 1\n```"], math=["$α+1$", "$$y$$"])
    counters = Counters()
    list(tokenize_documents([made, document("ab", 1)], config=config, counters=counters))
    total = len(text.encode()) + 2
    assert dict(counters.tallies) == {
        "tokens:math": 6 + 5,
        "tokens:code": 13,
        "tokens:prose": total - 6 - 5 - 13,
        "tokens:eos": 2,
        "chars": len(text) + 2,
        "utf8_bytes": total,
        "roundtrip:checked": 2,
        "roundtrip:mismatch": 0,
    }


def test_a_formula_inside_code_counts_once() -> None:
    made = with_spans("code $x$ code", code=["code $x$ code"], math=["$x$"])
    counters = Counters()
    (batch,) = tokenize_documents([made], config=TokenizeConfig(), counters=counters)
    kinds = sum(counters.tallies[f"tokens:{kind}"] for kind in ("math", "code", "prose", "eos"))
    assert kinds == batch["n_tokens"].to_pylist()[0]
    assert counters.tallies["tokens:math"] > 0


def test_a_lossy_tokenizer_is_reported_not_hidden(tmp_path: Path) -> None:
    """NFKC turns the ligature into two letters: decoding cannot give the text back."""
    config = TokenizeConfig(tokenizer=save(unigram(), tmp_path, eos_token="</s>"), roundtrip_every=1)
    counters = Counters()
    list(tokenize_documents([document("the sum"), document("o\ufb01ce", 1)], config=config, counters=counters))
    assert (counters.tallies["roundtrip:checked"], counters.tallies["roundtrip:mismatch"]) == (2, 1)


def test_screening_names_what_cannot_be_tokenized() -> None:
    config = TokenizeConfig(max_document_chars=10)
    earlier = document("already gone").reject("dedup", "near_duplicate")
    made = [document(" \n\t\u3000"), document(""), document("x" * 11), document("x" * 10), earlier]
    reasons = [(d.reject_stage, d.reject_reason) for d in screen_documents(made, config=config)]
    assert reasons == [
        ("tokenize", "blank"),
        ("tokenize", "blank"),
        ("tokenize", "too_long"),
        ("", ""),
        ("dedup", "near_duplicate"),
    ]


def test_a_batch_is_encoded_before_the_next_document_is_read() -> None:
    """An engine blames the document read last for a crash: it must be one of the batch at hand."""
    read: list[int] = []

    def source():
        for number in range(4):
            read.append(number)
            yield document("word " * 20, number)

    for done, _ in enumerate(tokenize_documents(source(), config=TokenizeConfig(batch_chars=1)), start=1):
        assert len(read) == done


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"seed": 2**53}, {"tokens_per_shard": 0}, {"roundtrip_every": 0}])
def test_settings_out_of_range_are_refused(wrong: dict) -> None:
    with pytest.raises(UsageError):
        TokenizeConfig(**wrong)


def test_a_rejected_document_never_becomes_tokens() -> None:
    with pytest.raises(ConservationError, match="dedup:near_duplicate"):
        list(tokenize_documents([document("x").reject("dedup", "near_duplicate")], config=TokenizeConfig()))


def test_batches_are_bounded_by_characters() -> None:
    documents = [document("word " * 20, number) for number in range(10)]  # 100 characters each
    sizes = [b.num_rows for b in tokenize_documents(documents, config=TokenizeConfig(batch_chars=250))]
    assert sizes == [3, 3, 3, 1]  # the third document reaches the bound
    sizes = [b.num_rows for b in tokenize_documents(documents, config=TokenizeConfig(batch_chars=1))]
    assert sizes == [1] * 10
    assert list(tokenize_documents([], config=TokenizeConfig())) == []


def test_same_rows_whatever_the_batches_and_the_order() -> None:
    documents = [document(f"{text} {number}", number) for number, text in enumerate(CORPUS)]
    shuffled = documents[:]
    random.Random(5).shuffle(shuffled)
    one, two = Counters(), Counters()
    first = sorted_rows(documents, TokenizeConfig(), one)
    second = sorted_rows(shuffled, TokenizeConfig(batch_chars=100), two)
    assert first.equals(second)
    assert one.tallies == two.tallies


def test_shard_bytes_do_not_depend_on_batches(tmp_path: Path) -> None:
    documents = [document(f"{text} {number}", number) for number, text in enumerate(CORPUS * 4)]
    table = sorted_rows(documents, TokenizeConfig(), Counters()).combine_chunks()
    identity = load_tokenizer("deepseek").identity
    digests = {
        write_token_shard(tmp_path / str(size), 0, 1, table.to_batches(max_chunksize=size), identity).sha256
        for size in (1, 7, 50, 10_000)
    }
    assert len(digests) == 1


@pytest.mark.parametrize("tasks", [1, 3])
def test_the_engines_exchange_gives_the_same_shards(tasks: int, tmp_path: Path) -> None:
    """Runs of several tasks, merged per shard, against one sort in memory."""
    documents = [document(f"{text} {number}", number) for number, text in enumerate(CORPUS * 4)]
    identity = load_tokenizer("deepseek").identity
    runs = [
        run
        for task in range(tasks)
        for run in sorted_runs(
            tmp_path / "runs",
            f"task-{task}",
            tokenize_documents(documents[task::tasks], config=TokenizeConfig()),
            SHUFFLE_ORDER,
        )
    ]
    table = sorted_rows(documents, TokenizeConfig(), Counters())
    owners = [shard_of(key, 3) for key in table["shuffle_key"].to_pylist()]
    for index in range(3):
        merged = merge_runs(tmp_path / "runs", runs, index, 3, SHUFFLE_ORDER)
        ours = write_token_shard(tmp_path / "merged", index, 3, merged, identity)
        rows = table.filter(pa.array([owner == index for owner in owners])).combine_chunks().to_batches()
        assert ours.sha256 == write_token_shard(tmp_path / "direct", index, 3, rows, identity).sha256
        assert ours.rows == owners.count(index) > 0


def test_row_groups_are_bounded_by_rows_and_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "ROW_GROUP_ROWS", 3)
    monkeypatch.setattr(shards, "ROW_GROUP_TOKENS", 100)
    identity = load_tokenizer("deepseek").identity
    lengths = [10, 10, 10, 10, 60, 60, 200, 1, 100]
    rows = [
        {
            "shuffle_key": key,
            "doc_id": f"{key:032x}",
            "input_ids": [5] * (length - 1) + [1],
            "n_tokens": length,
            "source": "s",
            "url": "u",
            "language": "",
            "quality": None,
            "cluster_id": "c",
        }
        for key, length in enumerate(lengths)
    ]
    batch = pa.RecordBatch.from_pylist(rows, schema=keyed_schema(identity))
    entry = write_token_shard(tmp_path / "shards", 0, 1, [batch], identity)
    # rows fill the first group; 10+60 fit, 60 more do not; 200 alone is over the bound and stands alone
    groups = [(group.rows, group.tokens) for group in entry.row_groups]
    assert groups == [(3, 30), (2, 70), (1, 60), (1, 200), (1, 1), (1, 100)]
    assert (entry.min_key, entry.max_key, entry.rows, entry.tokens) == (0, 8, 9, 461)
    assert entry.path == f"shards/{shard_name(0, 1)}" == "shards/shard-00000-of-00001.parquet"
    file = pq.ParquetFile(tmp_path / entry.path)
    assert file.schema_arrow.equals(shard_schema(identity), check_metadata=True)
    column = file.metadata.row_group(0).column(1)
    assert column.path_in_schema.startswith("input_ids")
    assert column.compression == "ZSTD"
    assert not any("DICT" in encoding for encoding in column.encodings)


def test_an_empty_shard_is_a_file_without_rows(tmp_path: Path) -> None:
    entry = write_token_shard(tmp_path / "shards", 1, 2, [], load_tokenizer("deepseek").identity)
    assert (entry.rows, entry.tokens, entry.row_groups, entry.min_key, entry.max_key) == (0, 0, (), None, None)
    assert pq.read_table(tmp_path / entry.path).num_rows == 0
