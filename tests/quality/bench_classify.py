"""The prefilter, the rules and the rest of the classifiers: what they find on labelled pages, and what they cost.

Pages and labels are those of ../shared/data. Where it is missing only costs are printed, on the pages of the sample.
Costs are CPU time in one process, alternating with the peer's; ratios hold on a busy machine, milliseconds do not.
datatrove's filters get spaCy's words where spaCy is installed (`pip install spacy`; not part of any extra), else ours.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from datatrove.data import Document as Row
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "classifiers"))
from bench_run import PAGES, SETS, sample_pages
from test_rules_parity import C4, FINEWEB, GOPHER, PUBLISHED, REPETITION, OurWords, as_prose

from classifiers.heuristics import RULES, RulesConfig, first_reason
from classifiers.language import detect_top
from classifiers.mathness import code_score, math_score
from classifiers.measures import Measures
from classifiers.privacy import PrivacyConfig, find_private
from classifiers.prose import Prose, split
from classifiers.quality import quality_score
from classifiers.stage import ClassifyConfig, classify
from extractors.consent import read_consent
from extractors.prefilter import Found, prefilter
from extractors.stage import RenderConfig, render_page
from llm_cleaning.stage import CleanConfig, mark
from pipeline.document import Document, Page

SIGN_AND_WORD_RULES = (
    "mean_word_length",
    "hash_ratio",
    "ellipsis_ratio",
    "alphabetic_words",
    "stop_words",
    "symbol_noise",
)
Labels = dict[str, dict[str, Any]]


def labelled_pages(limit: int) -> list[tuple[dict[str, Any], Page]]:
    """Evenly spaced pages, each with its label; label {} for pages of the sample."""
    if not all((PAGES / name / "dev").is_dir() for name in (*SETS, "classify")):
        return [({}, as_page(url, body)) for url, body in sample_pages()]
    with gzip.open(PAGES / "classify/dev/labels.jsonl.gz") as lines:
        labels = {row["id"]: row for row in map(json.loads, lines)}
    rows = [row for name in SETS for path in sorted((PAGES / name / "dev").glob("*.jsonl.gz")) for row in _rows(path)]
    rows = [row for row in rows if row["id"] in labels]
    some = rows[:: max(1, len(rows) // limit)][:limit]
    return [(labels[row["id"]], as_page(row.get("url") or "", row["html"].encode())) for row in some]


def _rows(path: Path) -> Iterable[dict[str, Any]]:
    with gzip.open(path) as lines:
        yield from map(json.loads, lines)


def as_page(url: str, body: bytes) -> Page:
    return Page(url, "bench.warc", 0, "", (), body)


def timed(call: Callable[[Any], object], items: Sequence[Any]) -> float:
    """CPU seconds of the faster of three passes; what a document remembers is forgotten between them."""
    best = float("inf")
    for _ in range(3):
        items = [replace(item) if isinstance(item, Prose) else item for item in items]
        start = time.process_time()
        for item in items:
            call(item)
        best = min(best, time.process_time() - start)
    return best


def prefilter_table(
    pages: Sequence[tuple[dict[str, Any], Page]], documents: Sequence[Document], render_s: float
) -> None:
    found = [prefilter(page.body) for _, page in pages]
    counts: Counter[str] = Counter()
    for (label, _), has, document in zip(pages, found, documents, strict=True):
        if label:
            counts += judged(label, has, document)
    seconds, size = timed(lambda item: prefilter(item[1].body), pages), sum(len(page.body) for _, page in pages)
    print(f"prefilter: {size / seconds / 1e6:.0f} MB/s, {100 * seconds / render_s:.1f} % of the time of rendering")
    for name in ("formula", "code"):
        print(f"  pages with {name} kept: {counts[f'{name} kept']} of {counts[name]}")
    print(f"  pages labelled with neither dropped: {counts['neither dropped']} of {counts['neither']}")
    print(f"  of those in which rendering finds neither: {counts['truly dropped']} of {counts['truly']}")


def judged(label: dict[str, Any], has: Found, document: Document) -> Counter[str]:
    counts: Counter[str] = Counter()
    for name, there, seen in (
        ("formula", label["n_formulas"], has.has_math),
        ("code", label["has_code"], has.has_code),
    ):
        counts[name] += bool(there)
        counts[f"{name} kept"] += bool(there) and seen
    if not label["n_formulas"] and not label["has_code"]:
        truly = not any(document.formulas.recovered) and "code" not in document.blocks.kind
        counts["neither"] += 1
        counts["neither dropped"] += not any(has)
        counts["truly"] += truly
        counts["truly dropped"] += truly and not any(has)
    return counts


def peers() -> list[tuple[Any, dict[str, str]]]:
    words = "eng" if find_spec("spacy") else OurWords()
    print(f"datatrove's filters count {'spaCy' if words == 'eng' else 'our'} words")
    kinds = (
        (GopherQualityFilter, GOPHER),
        (GopherRepetitionFilter, REPETITION),
        (FineWebQualityFilter, FINEWEB),
        (C4QualityFilter, C4),
    )
    return [(kind(**({} if words == "eng" else {"language": words})), names) for kind, names in kinds]


def rules_table(texts: Sequence[str]) -> None:
    """Same rules, same prose: verdicts and CPU time."""
    filters, equal, spent = peers(), 0, [0.0, 0.0]
    for text in texts:
        start = time.process_time()
        theirs = [verdict(peer.filter(Row(text=text, id="x")), names) for peer, names in filters]
        middle = time.process_time()
        measures = Measures(as_prose(text))
        ours = [_first(measures, names.values()) for _, names in filters]
        spent[0] += middle - start
        spent[1] += time.process_time() - middle
        equal += sum(a == b for a, b in zip(theirs, ours, strict=True))
    each = [1000 * seconds / max(1, len(texts)) for seconds in spent]
    print(f"rules on {len(texts)} texts without math: {equal} of {4 * len(texts)} verdicts equal datatrove's")
    print(f"  datatrove {each[0]:.2f} ms, ours {each[1]:.2f} ms: {each[0] / each[1]:.1f}x")


def _first(measures: Measures, names: Iterable[str]) -> str | None:
    rules = dict(RULES)
    return next((name for name in dict.fromkeys(names) if rules[name](measures, "en", PUBLISHED)), None)


def verdict(result: Any, names: dict[str, str]) -> str | None:
    return None if result is True else names.get(result[1], result[1])


def masking_table(documents: Sequence[Document]) -> None:
    """Pages with formulas that rules on signs and words would reject, with math and code masked and without."""
    rules, counts = dict(RULES), Counter[str]()
    for document in documents:
        shown = {
            "masked": Measures(split(document, 0.5), document.formulas.tex),
            "unmasked": Measures(as_prose(document.text)),
        }
        for name, measures in shown.items():
            for config, label in ((RulesConfig(), "our thresholds"), (PUBLISHED, "published")):
                counts[f"{label}, {name}"] += any(
                    rules[r](measures, document.language, config) for r in SIGN_AND_WORD_RULES
                )
    print(f"math pages rejected by rules on signs and words, of {len(documents)}: {dict(sorted(counts.items()))}")


def cost_table(pages: Sequence[Page], documents: Sequence[Document], render_s: float) -> None:
    prose = [split(document, 0.5) for document in documents]
    config = RulesConfig()
    steps: dict[str, tuple[Callable[[Any], object], Sequence[Any]]] = {
        "consent": (read_consent, pages),
        "split": (lambda document: split(document, 0.5), documents),
        "rules": (lambda parts: first_reason(Measures(parts), "en", config), prose),
        "language": (lambda parts: detect_top(parts.text), prose),
        "math": (math_score, prose),
        "code": (code_score, prose),
        "fastText, all": (lambda parts: (detect_top(parts.text), math_score(parts), code_score(parts)), prose),
        "quality": (quality_score, prose),
        "privacy": (lambda document: find_private(document, PrivacyConfig()), documents),
        "classify, whole": (
            lambda document: list(classify([document], config=ClassifyConfig(rules=config))),
            documents,
        ),
    }
    print(f"cost per page; rendering {1000 * render_s / len(pages):.2f} ms")
    for name, (call, items) in steps.items():
        for document in documents:
            document.reject("", "")
        seconds = timed(call, items)
        share = seconds / len(items) / (render_s / len(pages))
        print(
            f"  {name:16} {1000 * seconds / len(items):6.2f} ms  {len(items) / seconds:9,.0f} docs/s  {share:.2f} of rendering"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=300)
    pages = labelled_pages(parser.parse_args().pages)
    config = RenderConfig()
    start = time.process_time()
    rendered = [render_page(page, config) for _, page in pages]
    render_s = time.process_time() - start
    prefilter_table(pages, rendered, render_s)
    documents = [document for document in rendered if document.text]
    for _ in mark(documents, config=CleanConfig()):
        pass
    plain = [d.text for d in documents if not len(d.formulas) and "code" not in d.blocks.kind]
    rules_table([text for text in plain if not as_prose(text).is_unspaced])  # words of others need a dictionary
    cost_table([page for _, page in pages], documents, render_s)
    masking_table([document for document in documents if len(document.formulas)])


if __name__ == "__main__":
    main()
