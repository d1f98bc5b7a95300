"""Why a row is gone, with the texts side by side: what `warcmill explain` adds to the audit of a run.

The texts are read back from the phases of the run; a run over tables keeps a copy of its input's in its phase `read`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from dedup.explain import printable
from pipeline.io.commit import PhaseDirectory
from pipeline.io.storage import location
from pipeline.run_folder import RUN_FILE

TEXT_PHASES = ("read", "classify", "render")  # the first of these that a run has is what dedup compared
SHOWN_CHARS = 400
MAX_LINES = 40


def audit_rows(run: Path, row_id: str) -> list[dict[str, Any]]:
    """Rows of RUN/audit about one removed or contaminated document."""
    found: list[dict[str, Any]] = []
    for path in sorted((run / "audit").glob("*.parquet")):
        names = pq.read_schema(path).names
        column = "removed_id" if "removed_id" in names else "doc_id"
        found += pq.read_table(path, filters=pc.field(column) == row_id).to_pylist()
    return found


def overlap_lines(run: Path, audit: dict[str, Any]) -> list[str]:
    """The two texts aligned: = shared, ~ replaced, - only in the survivor's, + only in the removed one."""
    texts = _texts(run, {audit["kept_id"], audit["removed_id"]})
    if len(texts) < 2:
        return ["texts are no longer in the run's phases"]
    lines = printable(texts[audit["kept_id"]], texts[audit["removed_id"]])
    return lines[:MAX_LINES] + ([f"… {len(lines) - MAX_LINES} more passages"] if len(lines) > MAX_LINES else [])


def passage_line(run: Path, audit: dict[str, Any]) -> str:
    """What the benchmark item was found in: offsets, and the passage itself."""
    text = _texts(run, {audit["doc_id"]}).get(audit["doc_id"], "")[audit["start"] : audit["end"]]
    shown = " ".join(text.split())[:SHOWN_CHARS]
    item = f"{audit['benchmark']} {audit['item_id']}".strip()
    return f"{audit['action']}  {item}  score {audit['score']:.2f}  {audit['start']}:{audit['end']}  {shown}"


def kept_in(run: Path, row_id: str) -> Iterator[str]:
    """Paths of the published files that hold a row, relative to the run."""
    for path in sorted((run / "kept").glob("*.parquet")):
        if (
            "id" in pq.read_schema(path).names
            and pq.read_table(path, columns=["id"], filters=_is(path, row_id)).num_rows
        ):
            yield str(path.relative_to(run))


def _is(path: Path, row_id: str) -> Any:
    kind = pq.read_schema(path).field("id").type
    return pc.field("id").cast("string") == row_id if str(kind) != "string" else pc.field("id") == row_id


def _texts(run: Path, ids: set[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    folders = {folder.name.partition("-")[2]: folder for folder in sorted((run / "phases").glob("[0-9][0-9]-*"))}
    names = [name for name in TEXT_PHASES if name in folders]
    for name in names:
        found |= _texts_of(PhaseDirectory(folders[name], name), ids)
        if ids <= set(found):
            return found
    return found | _indexed_texts(run, ids - set(found))


def _indexed_texts(run: Path, ids: set[str]) -> dict[str, str]:
    """Texts of documents of earlier runs, from the index that this run went on from."""
    session = json.loads((run / RUN_FILE).read_bytes())["sessions"][-1] if (run / RUN_FILE).exists() else {}
    segments = location(session["index"]) / "segments" if "index" in session else None
    found: dict[str, str] = {}
    for folder in sorted(segments.iterdir()) if segments and segments.is_dir() else ():
        found |= _texts_of(PhaseDirectory(folder / "evidence", "evidence"), ids)
    return found


def _texts_of(phase: PhaseDirectory, ids: set[str]) -> dict[str, str]:
    wanted = pc.field("id").isin(sorted(ids)) & pc.field("text").is_valid()
    found: dict[str, str] = {}
    for file in phase.files():
        table = pq.read_table(phase.path / "data" / file.path, columns=["id", "text"], filters=wanted)
        found.update(zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True))
    return found
