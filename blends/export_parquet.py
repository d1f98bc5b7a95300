"""Parquet as Hugging Face datasets and the Hub like it: `load_dataset(FOLDER)` finds splits and configurations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from blends.shards import IDS_TYPE, NO_DICTIONARY
from blends.split import VALIDATION
from pipeline.io.shards import ShardFile, write_shard

SAMPLE_SCHEMA = pa.schema([("sample", pa.int64()), ("stream", pa.string()), ("input_ids", IDS_TYPE)])
_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))


def write_parquet(output: Path, stem: str, tables: Iterable[pa.Table], schema: pa.Schema) -> list[ShardFile]:
    """STEM.parquet, a row group per table, zstd. Memory: one table."""
    path = output / f"{stem}.parquet"
    rows = (table.select(schema.names).cast(schema) for table in tables)
    unique = tuple(name for name in NO_DICTIONARY if name in schema.names)
    written = write_shard(path.parent, path.name, rows, schema, no_dictionary=unique)
    return [replace(written, path=f"{stem}.parquet")]


def hub_readme(
    plan: Mapping[str, Any], files: Sequence[ShardFile], folders: Sequence[str], splits: Sequence[str]
) -> bytes:
    """README.md with the YAML head that the Hub reads: a configuration per phase, or the splits of a run."""
    rows = sum(file.rows for file in files)
    size = next((name for limit, name in _SIZES if rows < limit), "n>10M")
    lines = ["---", "task_categories:", "- text-generation", "size_categories:", f"- {size}", "configs:"]
    if folders:
        for folder in folders:
            split = VALIDATION if folder == VALIDATION else "train"
            lines += [
                f"- config_name: {folder}",
                "  data_files:",
                f"  - split: {split}",
                f"    path: {folder}/*.parquet",
            ]
    else:
        lines += ["- config_name: default", "  data_files:"]
        lines += [line for split in splits for line in (f"  - split: {split}", f"    path: data/{split}-*.parquet")]
    tokenizer = plan["tokenizer"]
    lines += ["---", "", f"# {plan['name']}", "", f"{rows:,} rows of token ids, written by warcmill.", ""]
    lines += [
        f"Tokenizer {tokenizer['name']}, sha256 `{tokenizer['sha256']}`; documents end with id {tokenizer['eos_id']}.",
        "`manifest.json` names every file with its sha256.",
        "",
    ]
    return "\n".join(lines).encode()
