"""Values the tests of this room share: documents, small tokenizers, a finished run made with our own functions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from blends.manifest import build_manifest
from blends.manifest_types import ManifestInput, NamedFile, PhaseEntry, RecipeEntry
from blends.shards import (
    SHUFFLE_ORDER,
    TokenizeConfig,
    keyed_schema,
    rows_of_split,
    shard_counts,
    shard_of,
    tokenize_documents,
    write_token_shard,
)
from blends.tokenizer import TokenizerIdentity, load_tokenizer
from pipeline.document import Block, Document, Formula, document_id
from pipeline.io.commit import canonical_json, digest
from pipeline.stage import Counters

CORPUS = [
    "The integral of a sum is the sum of the integrals, and the sum of two sums is a sum.",
    "Let $x^2 + y^2 = z^2$ be given. Then some integers x, y and z are the sides of a triangle.",
    "def area(radius):\n    return 3.14159 * radius ** 2\n\n\nprint(area(2))\n",
    "Une équation différentielle — résoudre à l'aide d'une série entière. 積分と微分 😀",
] * 8


def document(text: str, number: int = 0, **fields: object) -> Document:
    url = f"https://example.org/{number}"
    body = text.encode()
    return Document(
        id=document_id(url, "2024-02-21T09:30:00Z", body),
        url=url,
        source="test",
        warc_path="sample.warc.gz",
        offset=number * 1000,
        crawl_time="2024-02-21T09:30:00Z",
        text=text,
        **fields,  # type: ignore[arg-type]
    )


def with_spans(text: str, code: Iterable[str] = (), math: Iterable[str] = (), number: int = 0) -> Document:
    made = document(text, number)
    for part in code:
        start = text.index(part)
        made.blocks.append(Block(start, start + len(part), "code", None, None, 0.0, "body", False, None))
    for part in math:
        start = text.index(part)
        made.formulas.append(Formula(start, start + len(part), part.strip("$"), "delimiters", False, True))
    return made


def byte_level_bpe(specials: list[str], vocab_size: int = 400) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=specials,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def unigram() -> Tokenizer:
    """A SentencePiece-like model: its vocabulary holds `<s>` and `</s>` as pieces, so the model itself matches them."""
    characters = sorted(set("".join(CORPUS).replace(" ", "▁")) | set("<>/s▁"))
    pieces = [("<unk>", 0.0), ("<s>", 0.0), ("</s>", 0.0), *((c, -5.0) for c in characters), ("▁sum", -3.0)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0, byte_fallback=False))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    return tokenizer


def save(tokenizer: Tokenizer, folder: Path, **config: object) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    if config:
        folder.joinpath("tokenizer_config.json").write_text(json.dumps(config))
    return str(folder / "tokenizer.json")


def sorted_rows(documents: list[Document], config: TokenizeConfig, counters: Counters) -> pa.Table:
    """All token rows in shuffle order: what the engine's exchange delivers."""
    identity = load_tokenizer(config.tokenizer, config.eos_token).identity
    batches = list(tokenize_documents(documents, config=config, counters=counters))
    table = pa.Table.from_batches(batches, schema=keyed_schema(identity))
    return table.sort_by([(column, "ascending") for column in SHUFFLE_ORDER])


def make_run(run: Path, documents: list[Document], config: TokenizeConfig) -> dict[str, object]:
    """A finished run: shards, manifest.json, _SUCCESS. Two documents more came in and were dropped by a first phase."""
    counters = Counters(rows_in=len(documents), rows_out=len(documents))
    identity = load_tokenizer(config.tokenizer, config.eos_token).identity
    table = sorted_rows(documents, config, counters)
    entries = [
        write_token_shard(run / "shards", i, n_shards, _part(table, i, n_shards, split, config), identity, split)
        for split, n_shards in shard_counts(counters.tallies, config).items()
        for i in range(n_shards)
    ]
    manifest = build_manifest(manifest_input(entries, identity, config, len(documents), counters))
    seal(run, manifest)
    return manifest


def _part(table: pa.Table, index: int, n_shards: int, split: str, config: TokenizeConfig) -> list[pa.RecordBatch]:
    mine = pa.array([shard_of(key, n_shards) == index for key in table["shuffle_key"].to_pylist()], pa.bool_())
    batches = table.filter(mine).combine_chunks().to_batches()
    return list(rows_of_split(batches, split, config.validation_share))


def manifest_input(
    entries: list, identity: TokenizerIdentity, config: TokenizeConfig, kept: int, counters: Counters
) -> ManifestInput:
    first = Counters(rows_in=kept + 3, rows_out=kept, failed=1)
    first.reject("prefilter", "no_math")
    first.reject("extract", "blank")
    first.skipped["request"] = 7
    return ManifestInput(
        shards=entries,
        tokenizer=identity,
        seed=config.seed,
        tokens_per_shard=config.tokens_per_shard,
        recipe=RecipeEntry("test", digest({"seed": config.seed}), {"seed": config.seed}),
        inputs=[NamedFile("b.warc.gz", "cd" * 32, 10), NamedFile("a.warc.gz", "ef" * 32, 20)],
        phases=[PhaseEntry("extract", "01" * 32, first), PhaseEntry("tokenize", "23" * 32, counters)],
        models=[NamedFile("lid.176.ftz", "45" * 32, 938013)],
        software={"warcmill": "0.1.0", "pyarrow": pa.__version__},
        validation_share=config.validation_share,
    )


def seal(run: Path, manifest: object) -> None:
    """Write manifest.json and the _SUCCESS that names it."""
    content = canonical_json(manifest)
    run.joinpath("manifest.json").write_bytes(content)
    run.joinpath("_SUCCESS").write_text(hashlib.sha256(content).hexdigest() + "\n")
