"""`warcmill run --dry-run`: what would run, on how much, for how long. Writes nothing."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator, Sequence

import fsspec

from extractors.stage import render_pages
from pipeline.document import Page
from pipeline.engines.choose import submission
from pipeline.engines.resources import require_phases
from pipeline.io.commit import PhaseDirectory
from pipeline.io.warc import Split, plan_splits, read_split
from pipeline.run import PHASES, RunConfig, render_plan

SAMPLE_PAGES = 100
SAMPLE_S = 5.0


def describe(config: RunConfig) -> str:
    """The resolved recipe, the inputs with their splits, and an estimate from a few pages rendered now."""
    require_phases(config.recipe.resources, PHASES, config.recipe.name)
    sizes = [_size(path) for path in config.inputs]
    splits = [plan_splits(path, config.recipe.read.split_bytes) for path in config.inputs]
    lines = ["recipe", json.dumps(config.recipe.resolved(), indent=2, ensure_ascii=False), "", "inputs"]
    for path, size, parts in zip(config.inputs, sizes, splits, strict=True):
        lines.append(f"  {path}  {size:,} bytes, {len(parts)} task{'s' if len(parts) > 1 else ''}")
    lines += ["", f"{len(sizes)} inputs, {sum(sizes):,} bytes, output {config.output} (not touched)"]
    return "\n".join([*lines, "", *_submission(config, splits), "", *_estimate(config, sum(sizes))])


def _submission(config: RunConfig, splits: Sequence[Sequence[Split]]) -> Iterator[str]:
    """What the engine would be asked to do first; later phases have the same shape, and tasks only known then."""
    directory = PhaseDirectory(config.output / "phases" / "01-render", "render")
    work, tasks = render_plan(config, splits, directory)
    yield f"engine {config.engine}, phase render"
    yield from submission(
        config.engine, config.engine_options, config.local, config.recipe.resources, directory, tasks, work
    )


def _size(path: str) -> int:
    filesystem, name = fsspec.core.url_to_fs(path)
    return int(filesystem.size(name) or 0)


def _estimate(config: RunConfig, total_bytes: int) -> Iterator[str]:
    """Reading and rendering speed of the first pages, scaled to all bytes; later phases are not in it."""
    started, pages, seen_bytes = time.monotonic(), 0, 0
    split = plan_splits(config.inputs[0], config.recipe.read.split_bytes)[0]
    for record in itertools.islice(read_split(split, config.recipe.read.limits), 50 * SAMPLE_PAGES):
        if isinstance(record, Page):
            pages += sum(1 for _ in render_pages([record], config=config.recipe.render))
            seen_bytes = max(seen_bytes, record.offset)
        if pages >= SAMPLE_PAGES or time.monotonic() - started > SAMPLE_S:
            break
    seconds = time.monotonic() - started
    if not pages or not seen_bytes:
        yield "estimate: none, no page in the first records"
        return
    share = total_bytes / seen_bytes
    yield (
        f"estimate, from {pages} pages rendered just now: about {pages * share:,.0f} pages, "
        f"{seconds * share / config.local.workers:,.0f} s of reading and rendering with {config.local.workers} workers"
    )
