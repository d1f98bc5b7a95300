"""Math and code scores against the labels of ../shared/data, from text whose markup cues are gone, and their speed.

    python tests/quality/bench_scores.py

Text is what warcmill lays out, less formulas and fences ("no formulas"); less code as well ("prose only"); and with the
formulas' letters left in ("letters"). Nothing was trained or tuned on these pages; figures on sources of our own that
were held out stand in the models' cards.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from time import process_time

from classifiers.fasttext_model import load, positive_label, score, shipped
from classifiers.language import detect_top
from classifiers.measures_of_fit import at_threshold
from classifiers.model_text import model_text
from extractors import RenderRejected, html_to_text

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"
_FENCED = re.compile(r"^[ \t]*```[^\n]*\n(.*?)^[ \t]*```[ \t]*$", re.DOTALL | re.MULTILINE)
_MATH = re.compile(r"\$\$.{1,4000}?\$\$|(?<![\\$\w])\$(?! )[^$\n]{1,400}(?<! )\$(?![\w$])", re.DOTALL)
_SIGNS = re.compile(r"[\\${}^_&]+")


def variants(text: str) -> dict[str, str]:
    unfenced = _FENCED.sub(r"\1", text)
    return {
        "no formulas": _MATH.sub(" ", unfenced).replace("$", " "),
        "prose only": _MATH.sub(" ", _FENCED.sub(" ", text)).replace("$", " "),
        "letters": _MATH.sub(lambda found: _SIGNS.sub(" ", found[0]), unfenced),
    }


def pages() -> Iterator[tuple[str, str, dict[str, str]]]:
    """(label, source, text by variant) of every labelled page that has text."""
    bodies = {}
    for name in ("mathpages/dev/pages", "extraction/dev/articles"):
        with gzip.open(SHARED / f"{name}.jsonl.gz", "rt") as handle:
            bodies |= {row["id"]: row["html"] for row in map(json.loads, handle)}
    with gzip.open(SHARED / "classify/dev/labels.jsonl.gz", "rt") as handle:
        for row in map(json.loads, handle):
            try:
                text = html_to_text(bodies[row["id"]].encode())
            except RenderRejected:
                text = ""
            yield row["label"], row["source"], variants(text)


def report(subject: str, rows: list[tuple[str, str, dict[str, str]]]) -> None:
    path = shipped(subject)
    label = positive_label(path, subject)
    scored = [row for row in rows if row[0] in (subject, "nonmath")]
    for variant in ("no formulas", "prose only", "letters"):
        values = [score(texts[variant], path, label) for _, _, texts in scored]
        truth = [name == subject for name, _, _ in scored]
        found = at_threshold(truth, values, 0.5)
        print(f"{subject} against nonmath, {variant}: " + ", ".join(f"{k} {v}" for k, v in found.items()))
        if variant == "no formulas":
            by_source = defaultdict[str, Counter[bool]](Counter)
            for (_, source, _), real, value in zip(scored, truth, values, strict=True):
                by_source[source][real == (value >= 0.5)] += 1
            wrong = {name: f"{c[False]}/{c.total()}" for name, c in by_source.items() if c[False]}
            print("  wrong by source: " + ", ".join(f"{name} {share}" for name, share in sorted(wrong.items())))
    others = [score(texts["no formulas"], path, label) >= 0.5 for name, _, texts in rows if name == "other"]
    print(f"  other (reported, not scored): {sum(others)} of {len(others)} at or above 0.5")


def speed(texts: list[str]) -> None:
    stages: dict[str, Callable[[str], object]] = {"language": detect_top}
    for subject in ("math", "code", "quality"):
        stages[subject] = lambda text, subject=subject: score(text, shipped(subject), subject)  # type: ignore[misc]
    for name, stage in stages.items():
        print(f"{name}: {len(texts) / seconds(stage, texts):,.0f} documents/s")


def beside_fasttext(texts: list[str]) -> None:
    """The same lines scored by our sums and by fastText's own code, taking turns."""
    import fasttext

    lines = [line for text in texts if (line := model_text(text)).strip()]
    for subject in ("math", "code", "quality"):
        ours, theirs = load(shipped(subject)), fasttext.load_model(str(shipped(subject)))
        a = seconds(lambda line, model=ours: model.predict(line, 2), lines)  # type: ignore[misc]
        b = seconds(lambda line, model=theirs: model.f.predict(line + "\n", 2, 0.0, "replace"), lines)  # type: ignore[misc]
        print(
            f"{subject}, a line alone: ours {1e6 * a / len(lines):.1f} us, fastText {1e6 * b / len(lines):.1f} us, {b / a:.1f}x"
        )


def seconds(stage: Callable[[str], object], texts: list[str]) -> float:
    """CPU seconds of the fastest of three passes."""
    passes = []
    for _ in range(3):
        started = process_time()
        for text in texts:
            stage(text)
        passes.append(process_time() - started)
    return min(passes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    if not SHARED.is_dir():
        raise SystemExit("needs ../shared (the project's data folder beside the checkout)")
    rows = list(pages())
    for subject in ("math", "code"):
        report(subject, rows)
    texts = [found["no formulas"] for _, _, found in rows]
    speed(texts)
    beside_fasttext(texts)


if __name__ == "__main__":
    main()
