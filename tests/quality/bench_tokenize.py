"""Tokenize, count kinds, shuffle and write shards, beside bare `tokenizers.encode_batch` of the same texts in the same run.

    python tests/quality/bench_tokenize.py --rounds 5 --json
    python tests/quality/bench_tokenize.py --memory 15 60 240

Texts: the rendered pages of the sample corpus, each several times with another first line. One process, CPU seconds,
alternating; the ratio is that of the medians. Peers of the other kinds of tokenizer are their own libraries.
With --memory: peak resident memory of the largest process of `warcmill tokenize --workers 1`, by MB of text.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

import pyarrow as pa

from blends.shards import SHUFFLE_ORDER, TokenizeConfig, keyed_schema, tokenize_documents, write_token_shard
from blends.tokenizer import JsonHandle, load_tokenizer
from pipeline.document import Document, document_id
from pipeline.stage import Counters
from pipeline.text.spans import markdown_to_blocks, scan_formulas

ROOT = Path(__file__).resolve().parents[2]


def sample_texts() -> list[str]:
    files = sorted(path for path in (ROOT / "samples" / "rendered").rglob("*") if path.is_file())
    return [path.read_text(encoding="utf-8") for path in files]


def documents(copies: int) -> list[Document]:
    """The sample's pages with their blocks and formulas, as the cleaning phase hands them on."""
    made = []
    for number, text in enumerate([f"{copy}\n\n{text}" for copy in range(copies) for text in sample_texts()]):
        url = f"https://bench.example/{number}"
        blocks = markdown_to_blocks(text)
        made.append(
            Document(
                id=document_id(url, "", text.encode()),
                url=url,
                source="bench",
                warc_path="",
                offset=0,
                crawl_time="",
                text=text,
                blocks=blocks,
                formulas=scan_formulas(text, blocks),
            )
        )
    return made


def ours(rows: list[Document], config: TokenizeConfig, folder: Path) -> int:
    """Tokens written."""
    handle = load_tokenizer(config.tokenizer, config.eos_token)
    counters = Counters()
    table = pa.Table.from_batches(
        list(tokenize_documents(rows, config=config, counters=counters)), schema=keyed_schema(handle.identity)
    )
    table = table.sort_by([(column, "ascending") for column in SHUFFLE_ORDER])
    entry = write_token_shard(folder, 0, 1, iter(table.combine_chunks().to_batches()), handle.identity)
    return entry.tokens


def bare(rows: list[Document], config: TokenizeConfig) -> int:
    """Tokens of the library's own batch call, in batches of the same size."""
    handle = load_tokenizer(config.tokenizer, config.eos_token)
    tokens, batch, size = 0, list[str](), 0
    for row in rows:
        batch.append(row.text)
        size += len(row.text)
        if size >= config.batch_chars or row is rows[-1]:
            tokens += _bare_batch(handle, batch)
            batch, size = [], 0
    return tokens


def _bare_batch(handle: object, texts: list[str]) -> int:
    if isinstance(handle, JsonHandle):
        return sum(len(e.ids) for e in handle.model.encode_batch(texts, add_special_tokens=False))
    if hasattr(handle, "encoding"):
        return sum(map(len, handle.encoding.encode_ordinary_batch(texts, num_threads=1)))
    return sum(map(len, handle.model.encode(texts, out_type=int, num_threads=1)))  # type: ignore[attr-defined]


def memory(megabytes: int, tokenizer: str, folder: Path) -> float:
    """Peak MiB of the largest process that tokenizes so much text with one worker."""
    rows, texts, size, number = folder / f"{megabytes}.jsonl", sample_texts(), 0, 0
    with rows.open("w", encoding="utf-8") as file:
        while size < megabytes * 1_000_000:
            text = f"{number}\n\n{texts[number % len(texts)]}"
            file.write(json.dumps({"id": str(number), "text": text}, ensure_ascii=False) + "\n")
            size, number = size + len(text.encode()), number + 1
    command = [sys.executable, "-m", "pipeline.cli", "tokenize", str(rows), "-o", str(folder / f"run-{megabytes}")]
    command += ["--workers", "1", "--tokenizer", tokenizer]
    subprocess.run(command, check=True, capture_output=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def memories(sizes: list[int], tokenizer: str) -> dict[str, float]:
    """Peaks by MB of text, from the smallest: the kernel's figure is the largest of all processes so far."""
    with tempfile.TemporaryDirectory() as folder:
        return {f"peak_mib_of_{size}_mb": round(memory(size, tokenizer, Path(folder)), 1) for size in sorted(sizes)}


def seconds(work: Callable[[], int]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokenizer", default="deepseek")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--copies", type=int, default=4)
    parser.add_argument("--memory", type=int, nargs="+", metavar="MB", help="of text; peak memory, not speed")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.memory:
        show(memories(arguments.memory, arguments.tokenizer), as_json=arguments.json)
        return
    rows, config = documents(arguments.copies), TokenizeConfig(tokenizer=arguments.tokenizer)
    size = sum(len(row.text.encode()) for row in rows)
    times: dict[str, list[float]] = {"ours": [], "bare": []}
    with tempfile.TemporaryDirectory() as folder:
        ours(rows[:5], config, Path(folder))  # the first batch imports and compiles
        bare(rows[:5], config)
        for _ in range(arguments.rounds):
            times["bare"].append(seconds(lambda: bare(rows, config)))
            times["ours"].append(seconds(lambda: ours(rows, config, Path(folder))))
    median = {name: statistics.median(values) for name, values in times.items()}
    found = {
        "documents": len(rows),
        "mb": round(size / 1e6, 3),
        "ours_mb_per_cpu_s": round(size / 1e6 / median["ours"], 3),
        "bare_mb_per_cpu_s": round(size / 1e6 / median["bare"], 3),
        "ratio": round(median["bare"] / median["ours"], 3),
    }
    show(found, as_json=arguments.json)


def show(found: dict[str, float], *, as_json: bool) -> None:
    text = json.dumps(found) if as_json else "\n".join(f"{key:<24}{value:>12}" for key, value in found.items())
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
