"""CPU time of rendering, step by step, beside resiliparse on the same pages in the same process.

Pages are real ones of ../shared/data, evenly spaced over the sets (`--pages 0`: all of them and those of its WARC
files), else those of the bundled sample. Page by page all are run in turn, in alternating order, and the best of the
passes counts for each page, so that the ratio holds on a busy machine; the milliseconds do not. Beside it the median of
the passes' own ratios, noise and all. `--sources` adds a line for each source of pages. At the end the peak memory of
both, each in a process of its own.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import turbohtml
from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.encoding import bytes_to_str, detect_encoding

sys.path.insert(0, str(Path(__file__).parent))
from bench_run import PAGES, SETS, sample_pages

from extractors import RenderRejected, render
from extractors.charset import decode
from extractors.code import resolve_code
from extractors.layout.flow import Flow
from extractors.layout.mask import FormulaMask
from extractors.layout.native import NATIVE
from extractors.layout.prepare import clear_reserved, drop_never_rendered, visible_markup
from extractors.layout.signs import find_signs
from extractors.layout.state import Walk
from extractors.layout.walk import lay_out
from extractors.math.page_config import ConfigReader
from extractors.math.resolve import resolve_formulas
from extractors.render import MAX_NODES, SIGNS
from extractors.retag import retag
from pipeline.document import Page
from pipeline.io.warc import Split, read_split

Extractor = Callable[[bytes], object]


def ours(body: bytes) -> object:
    try:
        return render(body)
    except RenderRejected:
        return None


def resiliparse_main(body: bytes) -> object:
    text = bytes_to_str(body, detect_encoding(body) or "utf-8")
    return extract_plain_text(text, main_content=True, preserve_formatting=True, alt_texts=False)


def resiliparse_full(body: bytes) -> object:
    text = bytes_to_str(body, detect_encoding(body) or "utf-8")
    return extract_plain_text(text, main_content=False, preserve_formatting=True, alt_texts=True)


def steps(body: bytes, spent: dict[str, float]) -> None:
    """Render one page as `extractors.render` does; adds the CPU seconds of each step to `spent`."""
    clock = time.process_time
    marks = [("", clock())]

    def done(step: str) -> None:
        marks.append((step, clock()))

    html = decode(body).text
    done("decode")
    signs = find_signs(html, SIGNS)
    html = clear_reserved(html, signs)
    done("signs, reserved characters")
    document = turbohtml.parse(html, positions=False)
    done("parse")
    drop_never_rendered(document, signs)
    config = ConfigReader(document, signs)
    done("templates, scripts")
    flow = Flow(resolve_formulas(document, config.read, signs))
    done("formulas in the tree")
    signs = retag(document, signs, len(html))
    done("what styles and roles say")
    blocks = resolve_code(document, signs)
    done("code")
    markup = visible_markup(document, blocks, signs)
    done("hidden parts, tables")
    mask = FormulaMask(flow.recovered, config.read, ascii_math=config.may_use_ascii_math, macros=config.may_hold_macros)
    done("configuration")
    lay_out(markup, Walk(flow, blocks, mask), MAX_NODES)
    done("walk")
    flow.text(), flow.blocks(), flow.formulas()
    done("columns")
    for (_, before), (step, after) in pairwise(marks):
        spent[step] += after - before


def pages(limit: int) -> list[tuple[str, bytes]]:
    """(source, body) of the pages to run; all there are for limit 0."""
    if not all((PAGES / name / "dev").is_dir() for name in SETS):
        return [("sample", body) for _, body in sample_pages()][: limit or None]
    found = list(real_pages())
    if limit == 0:
        return found + list(archived_pages())
    return found[:: max(1, len(found) // limit)][:limit]


def real_pages() -> Iterator[tuple[str, bytes]]:
    for name in SETS:
        for path in sorted((PAGES / name / "dev").glob("*.jsonl.gz")):
            with gzip.open(path) as lines:
                for line in lines:
                    page = json.loads(line)
                    yield f"{name} {page['source']}", page["html"].encode()


def archived_pages() -> Iterator[tuple[str, bytes]]:
    """HTML pages of the WARC files."""
    for path in sorted((PAGES / "warc" / "ok").glob("*.warc.gz")):
        for item in read_split(Split(str(path))):
            if isinstance(item, Page) and item.body and "html" in (item.header("content-type") or ""):
                yield f"warc {path.name.partition('__')[0]}", item.body


def show_sources(sources: list[str], own: list[float], peer: list[float]) -> None:
    """Pages, our CPU ms and the ratio by source, the slowest beside the peer first."""
    sums: dict[str, list[float]] = defaultdict(lambda: [0, 0.0, 0.0])
    for source, ours_s, peer_s in zip(sources, own, peer, strict=True):
        for name in {source, source.split()[0] + " (all)"}:
            sums[name] = [sum(pair) for pair in zip(sums[name], (1, ours_s, peer_s), strict=True)]
    for name, (count, ours_s, peer_s) in sorted(sums.items(), key=lambda item: item[1][2] / item[1][1]):
        print(f"    {name:55} {count:5} pages {ours_s * 1000 / count:8.2f} ms {peer_s / ours_s:6.2f}x")


def peak_mb(name: str, folder: Path) -> tuple[float, float]:
    """Resident MB after import and at the peak of a process that renders the pages of a folder, one after the other."""
    command = [sys.executable, str(Path(__file__).with_name("peak_memory.py")), name, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    imported, peak = map(float, done.stdout.split())
    return imported, peak


def show_memory(bodies: list[bytes]) -> None:
    """Peak memory of both, each in its own process: as a whole, and what the pages add to the imports."""
    with tempfile.TemporaryDirectory() as folder:
        for number, body in enumerate(bodies):
            (Path(folder) / f"{number:05}").write_bytes(body)
        (our_start, our_peak), (start, peak) = (peak_mb(name, Path(folder)) for name in ("warcmill", "resiliparse"))
    print(f"  peak memory {our_peak:.0f} MB, resiliparse {peak:.0f}: {our_peak / peak:.2f}x")
    print(f"    of it for the pages {our_peak - our_start:.0f} and {peak - start:.0f}, the rest is imports")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=120)
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--sources", action="store_true")
    options = parser.parse_args()
    sources, bodies = map(list, zip(*pages(options.pages), strict=True))
    peers: dict[str, Extractor] = {"warcmill": ours, "main content": resiliparse_main, "full": resiliparse_full}
    times = {name: [[0.0] * len(bodies) for _ in range(options.passes)] for name in peers}  # [pass][page], seconds
    for turn in range(options.passes):
        for number, body in enumerate(bodies):
            for name, extract in list(peers.items())[:: 1 if (turn + number) % 2 else -1]:
                start = time.process_time()
                extract(body)
                times[name][turn][number] = time.process_time() - start
    spent: dict[str, float] = defaultdict(float)
    for body in bodies:
        steps(body, spent)
    mean_kb = sum(map(len, bodies)) / len(bodies) / 1000
    best = {name: sum(map(min, zip(*passes, strict=True))) for name, passes in times.items()}
    print(
        f"render: {len(bodies)} pages, mean {mean_kb:.0f} kB, CPU ms per page, best of {options.passes} for each page"
    )
    print(f"  the layout's inner loop is {'C' if NATIVE else 'Python: no compiler, or WARCMILL_PURE_PYTHON is set'}")
    print(f"  warcmill {best['warcmill'] * 1000 / len(bodies):.2f}")
    for name in ("main content", "full"):
        ratios = [sum(peer) / sum(own) for peer, own in zip(times[name], times["warcmill"], strict=True)]
        shown = f"{best[name] / best['warcmill']:.2f}x its speed, median of the passes {statistics.median(ratios):.2f}x"
        print(f"  resiliparse {name} {best[name] * 1000 / len(bodies):.2f}: {shown}")
    if options.sources:
        show_sources(
            sources, *(list(map(min, zip(*times[name], strict=True))) for name in ("warcmill", "main content"))
        )
    for step, seconds in spent.items():
        print(f"    {step:27} {seconds * 1000 / len(bodies):6.2f}")
    show_memory(bodies)


if __name__ == "__main__":
    main()
