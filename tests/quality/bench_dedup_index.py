"""Measure the index of `warcmill dedup --index`: bytes per document by part, and a second crawl against one run over both.

Run: python tests/quality/bench_dedup_index.py [--documents 4000] [--new 0.1]

Documents are those of bench_dedup_scale.py. Evidence is also measured in the forms that were not taken: normalised text
and 64-bit word hashes, in the same Parquet with zstd. CPU seconds are the kernel's, of one worker and the driver.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from bench_dedup_scale import SHARED, make_input, measured

from pipeline.dedup_index import PARTS
from pipeline.text.words import normalise, text_hashes


def cost(folder: Path, inputs: list[str], run: str, *options: str) -> tuple[float, float, float]:
    command = [sys.executable, "-m", "pipeline.cli", "dedup", *inputs, "-o", str(folder / run), "--workers", "1"]
    return measured([*command, "--max-source-loss", "1", *options])


def removed(run: Path) -> dict[str, str]:
    entries = json.loads((run / "manifest.json").read_bytes())["audit"]
    rows = [row for entry in entries for row in pq.read_table(run / entry["path"]).to_pylist()]
    return {row["removed_id"]: row["kept_id"] for row in rows}


def sizes(segment: Path, documents: int) -> None:
    for name in PARTS:
        used = sum(path.stat().st_size for path in (segment / name / "data").iterdir())
        print(f"  {name:<14}{used / documents:8.0f} bytes a document")
    texts = [
        text
        for path in (segment / "evidence" / "data").iterdir()
        for text in pq.read_table(path, columns=["text"])["text"].to_pylist()
        if text is not None
    ]
    forms = {
        "normalised text": pa.array([normalise(text) for text in texts]),
        "word hashes": pa.array([text_hashes(text).tobytes() for text in texts], pa.binary()),
    }
    for name, column in forms.items():
        out = segment / "form.parquet"
        pq.write_table(
            pa.table([column], names=["text"]), out, compression="zstd", compression_level=3, row_group_size=1024
        )
        print(f"  instead of evidence, {name}: {out.stat().st_size / documents:.0f} bytes a document")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=4_000)
    parser.add_argument("--new", type=float, default=0.1, help="share of the documents that comes later")
    options = parser.parse_args()
    if not SHARED.is_dir():
        sys.exit("needs ../shared (the project's data folder beside the checkout)")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_input(folder / "all.jsonl", options.documents)
        lines = (folder / "all.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
        step = round(1 / options.new)
        (folder / "new.jsonl").write_text("".join(lines[::step]), encoding="utf-8")
        (folder / "old.jsonl").write_text("".join(line for n, line in enumerate(lines) if n % step), encoding="utf-8")
        index = ["--index", str(folder / "index")]
        parts = [str(folder / "old.jsonl"), str(folder / "new.jsonl")]
        for title, found in (
            ("one run over both", cost(folder, parts, "whole")),
            ("the first crawl", cost(folder, parts[:1], "old", *index)),
            ("the second, with the index", cost(folder, parts[1:], "new", *index)),
        ):
            print(f"{title:<28}{found[0]:8.1f} CPU s{found[2]:8.0f} MB")
        turns = removed(folder / "old") | removed(folder / "new")
        print(f"same removals: {turns == removed(folder / 'whole')}, {len(turns):,} of {len(lines):,}")
        old = len(lines) - len(lines[::step])
        sizes(next((folder / "index" / "segments").glob("0001-*")), old)


if __name__ == "__main__":
    main()
