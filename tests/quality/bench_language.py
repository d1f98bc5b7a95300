"""Language identification on translations out of packages: pooled, per language, and what is taken for what.

    python tests/quality/bench_language.py [FOLDER]      # FOLDER caches the packages

Counted are documents over 200 characters in the thirty languages of language_set.LANGUAGES; macrolanguages (no/nb/nn,
zh variants) are one. "raw" is lid.176 on the same text without our rules.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from time import process_time

from language_set import LANGUAGES, MIN_CHARS, build

from classifiers.language import detect_top, macro

CACHE = Path.home() / ".cache/warcmill-language"


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else CACHE
    loaded = map(json.loads, build(folder).read_text().splitlines())
    rows = [row for row in loaded if row["language"] in LANGUAGES and len(row["text"]) > MIN_CHARS]
    detect_top(rows[0]["text"])
    started = process_time()
    said = [macro(detect_top(row["text"])[0][0]) for row in rows]
    spent = process_time() - started
    right = Counter(row["language"] for row, label in zip(rows, said, strict=True) if label == row["language"])
    total = Counter(row["language"] for row in rows)
    print(f"{'language':8} {'docs':>6} {'right':>8}   taken for")
    for language in sorted(total, key=lambda name: right[name] / total[name]):
        wrong = Counter(a for row, a in zip(rows, said, strict=True) if row["language"] == language != a)
        mistakes = ", ".join(f"{name} {count}" for name, count in wrong.most_common(4))
        print(f"{language:8} {total[language]:6} {right[language] / total[language]:8.2%}   {mistakes}")
    by_source = Counter((row["source"], a == row["language"]) for row, a in zip(rows, said, strict=True))
    for source in sorted({source for source, _ in by_source}):
        good, bad = by_source[source, True], by_source[source, False]
        print(f"{source}: {good / (good + bad):.2%} of {good + bad}")
    worst = min(right[name] / total[name] for name in total)
    print(f"languages {len(total)}, pooled {right.total() / total.total():.2%} of {total.total()}, worst {worst:.2%}")
    print(f"{len(rows) / spent:,.0f} documents/s")


if __name__ == "__main__":
    main()
