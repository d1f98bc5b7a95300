"""Measure the guard on planted edits of real cleaned pages: catch rate and pass rate by kind, pages per CPU second.

    python tests/quality/bench_guard.py [--samples|--written] [--pages N] [--from N] [--show KIND] [--no-blocks] [--outside|--adversary] [--standing]

Pages are rendered by `extractors.render` and cleaned by the rule cleaner; every edit of tests/llm_cleaning/*corruptions.py
and *edits.py is planted once per page where it has a place; with --outside those of tests/llm_cleaning/outside_*.py, a
second set that was written without looking at the first or at the guard's tests; with --adversary those of
tests/llm_cleaning/adversary_*.py, a third set, written without having seen the guard. Sources carry their marked blocks unless --no-blocks. Settings
of the guard were chosen on --samples, our own pages; ../shared/data is for measuring. --written takes the third set's own pages, which have no blocks.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/llm_cleaning"), str(ROOT / "tests/quality")]

import gate_sample  # noqa: E402
from adversary_edits import SOILED, TIDIED  # noqa: E402
from adversary_pages import written_pages  # noqa: E402
from adversary_prose import CORRUPTIONS  # noqa: E402
from outside_chrome import CHROME  # noqa: E402
from outside_edits import MESSY, TIDY  # noqa: E402
from outside_prose import OUTSIDE_CORRUPTIONS  # noqa: E402
from subtle_corruptions import ALL_CORRUPTIONS  # noqa: E402
from subtle_edits import ALL_FAITHFUL  # noqa: E402

from extractors import RenderRejected, render  # noqa: E402
from llm_cleaning.guard import Verdict, check  # noqa: E402
from llm_cleaning.stage import CleanConfig, clean, mark  # noqa: E402
from pipeline.document import Blocks, Document  # noqa: E402

SHARED = ROOT / "../shared/data"
SETS = ("webmainbench/dev/math_code_bench", "mathpages/dev/pages", "extraction/dev/articles")
Pair = tuple[str, Blocks | None, str]
Planted = tuple[str, bool, Verdict, float, str, str]  # kind, is it a corruption, verdict, CPU seconds, source, cleaned
Edits = tuple[
    Mapping[str, Callable[..., str | None]], ...
]  # corruptions, edits of the cleaned text, damage to the source
OUTSIDE: Edits = (OUTSIDE_CORRUPTIONS, TIDY, {**MESSY, **CHROME})
ADVERSARY: Edits = (CORRUPTIONS, TIDIED, SOILED)
Html = tuple[bytes | str, str | None, str | None]  # body, url, content type


def html_pages(limit: int, start: int = 0) -> Iterator[Html]:
    """Pages of every set, spread evenly over it from `start` on; samples where the shared folder is absent."""
    files = [SHARED / f"{name}.jsonl.gz" for name in SETS]
    if not files[0].exists():
        yield from sample_pages()
        return
    for file in files:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        for row in rows[start :: max(1, len(rows) // limit)][:limit]:
            yield row["html"], row["url"], None


def sample_pages() -> Iterator[Html]:
    """Pages of the bundled archives that belong in a corpus, with the menus and footers of their hosts."""
    wanted = {(row["warc"], row["url"], row["date"]) for row in gate_sample._truth() if row["keep"]}
    for archive in gate_sample.ARCHIVES:
        for page in gate_sample._pages(archive):
            if (archive, page.url, page.crawl_time) in wanted:
                yield page.body, page.url, page.header("content-type")


def cleaned_pages(pages: Iterable[Html]) -> Iterator[Pair]:
    """(rendered text, marked blocks, cleaned text) of pages with something left."""
    config = CleanConfig()
    for body, url, content_type in pages:
        try:
            page = render(body, url=url, content_type=content_type)
        except RenderRejected:
            continue
        document = Document("0" * 32, "", "", "", 0, "", text=page.text, blocks=page.blocks, formulas=page.formulas)
        (marked,) = mark([document], config=config)
        source, blocks = marked.text, deepcopy(marked.blocks)
        (result,) = clean([marked], config=config)
        if not result.rejected and len(result.text) > 200:
            yield source, blocks, result.text


def plant(pairs: list[Pair], *, with_blocks: bool) -> Iterator[Planted]:
    """First set: every edit that has a place."""
    for number, (source, blocks, cleaned) in enumerate(pairs):
        other = pairs[(number + 1) % len(pairs)][2]
        edits = [
            (kind, True, (source, edit(Random(f"{kind} {number}"), cleaned, other)))
            for kind, edit in ALL_CORRUPTIONS.items()
        ]
        edits += [(kind, False, faithful(kind, number, source, cleaned)) for kind in ALL_FAITHFUL]
        for kind, bad, pair in edits:
            if pair is None or pair[1] is None or (bad and pair[1] == cleaned):
                continue
            before = time.process_time()
            verdict = check(pair[0], pair[1], source_blocks=blocks if with_blocks and pair[0] == source else None)
            yield kind, bad, verdict, time.process_time() - before, pair[0], pair[1]


def plant_later(pairs: list[Pair], edits: Edits, *, with_blocks: bool) -> Iterator[Planted]:
    """The same with a later set. Damage to a source is planted in the cleaned text where offsets have to hold."""
    for number, (source, blocks, cleaned) in enumerate(pairs):
        other = pairs[(number + 1) % len(pairs)][2]
        damaged = cleaned if with_blocks else source
        corrupt, tidy, messy = edits
        made = [
            (kind, True, source, edit(Random(f"{kind} {number}"), cleaned, other)) for kind, edit in corrupt.items()
        ]
        made += [(kind, False, source, edit(Random(f"{kind} {number}"), cleaned)) for kind, edit in tidy.items()]
        made += [(kind, False, edit(Random(f"{kind} {number}"), damaged), cleaned) for kind, edit in messy.items()]
        for kind, bad, old, new in made:
            if old is None or new is None or new == (cleaned if old == source else old):
                continue
            before = time.process_time()
            verdict = check(old, new, source_blocks=blocks if with_blocks and old == source else None)
            yield kind, bad, verdict, time.process_time() - before, old, new


def faithful(kind: str, number: int, source: str, cleaned: str) -> tuple[str, str] | None:
    """Edits that damage the source are planted in the cleaned page alone: the blocks' offsets would no longer hold."""
    pair = ALL_FAITHFUL[kind](Random(f"{kind} {number}"), source, cleaned)
    if pair is None or pair[0] == source:
        return pair
    return ALL_FAITHFUL[kind](Random(f"{kind} {number}"), cleaned, cleaned)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=60, help="pages per set")
    parser.add_argument("--samples", action="store_true", help="our own pages only")
    parser.add_argument("--show", default="", help="print the first wrong verdicts of these kinds (A,B)")
    parser.add_argument("--from", type=int, default=0, dest="start", help="first page of each set")
    parser.add_argument("--outside", action="store_true", help="the second set of edits")
    parser.add_argument("--adversary", action="store_true", help="the third set of edits")
    parser.add_argument("--written", action="store_true", help="the third set's own pages")
    parser.add_argument("--standing", action="store_true", help="leave out pages that are refused as they stand")
    parser.add_argument("--no-blocks", action="store_true", help="plain text sources")
    options = parser.parse_args()
    with_blocks = not (options.no_blocks or options.written)
    if options.written:
        pairs: list[Pair] = [(source, None, cleaned) for source, cleaned in written_pages()]
    else:
        pairs = list(cleaned_pages(sample_pages() if options.samples else html_pages(options.pages, options.start)))
    refused = [p for p in pairs if not check(p[0], p[2], source_blocks=p[1] if with_blocks else None).passed]
    print(
        f"{len(refused)} of {len(pairs)} pages are refused as they stand{', and left out' if options.standing else ''}"
    )
    pairs = [pair for pair in pairs if not options.standing or pair not in refused]
    right: dict[tuple[bool, str], list[int]] = defaultdict(list)
    seconds: dict[bool, list[float]] = defaultdict(list)
    reasons: Counter[str] = Counter()
    later = ADVERSARY if options.adversary else OUTSIDE if options.outside else None
    planted = plant_later(pairs, later, with_blocks=with_blocks) if later else plant(pairs, with_blocks=with_blocks)
    for kind, bad, verdict, cpu, source, cleaned in planted:
        correct = verdict.passed != bad
        right[bad, kind].append(correct)
        seconds[bad].append(cpu)
        reasons.update(verdict.reasons if bad else ())
        if kind in options.show.split(",") and not correct:
            show(kind, verdict, source, cleaned)
    report(right, seconds, reasons, sum(len(p[0]) for p in pairs) / len(pairs), len(pairs))


def show(kind: str, verdict: Verdict, source: str, cleaned: str) -> None:
    import difflib

    lines = difflib.unified_diff(source.split("\n"), cleaned.split("\n"), lineterm="", n=0)
    print("-" * 100, kind, verdict.reasons, *(line[:300] for line in list(lines)[:12]), sep="\n")


def report(
    right: dict[tuple[bool, str], list[int]],
    seconds: dict[bool, list[float]],
    reasons: Counter[str],
    mean: float,
    count: int,
) -> None:
    print(f"{count} pages, {mean:,.0f} characters each on average")
    for bad, title in ((True, "corruptions caught"), (False, "faithful edits passed")):
        rows = {kind: hits for (is_bad, kind), hits in right.items() if is_bad == bad}
        total = [hit for hits in rows.values() for hit in hits]
        print(f"{title:<28}{sum(total) / len(total):8.2%}  of {len(total)}")
        for kind, hits in rows.items():
            print(f"  {kind:<26}{sum(hits) / len(hits):8.2%}  of {len(hits)}")
        print(f"  pages per CPU second      {len(seconds[bad]) / sum(seconds[bad]):8.0f}")
    print("reasons:", ", ".join(f"{name} {n}" for name, n in reasons.most_common()))


if __name__ == "__main__":
    main()
