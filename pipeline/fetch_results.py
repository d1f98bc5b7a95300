"""What a fetch leaves: warc.paths for `warcmill run`, found.jsonl, not_found.jsonl, manifest.json.

Every row of the lists is in exactly one of found.jsonl and not_found.jsonl, in the lists' order. Rows of both carry
what a new fetch needs, so that a not-found list can be tried again as it is.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import pyarrow.parquet as pq

from pipeline.io.commit import write_atomic
from pipeline.io.json_lines import json_line
from pipeline.io.shards import writing
from pipeline.job import Finished
from pipeline.phases.inputs import InputFacts
from pipeline.table_job import TableJob, funnel_entry

FOUND, NOT_FOUND, PATHS_FILE = "found.jsonl", "not_found.jsonl", "warc.paths"
Place = tuple[str, int, int]


def publish_records(
    job: TableJob,
    inputs: Sequence[InputFacts],
    listed: Finished | None,
    chosen: Finished,
    fetched: Finished,
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """Write the lists and the manifest of a fetch of records; returns the manifest."""
    output = job.place.output
    files = _files(fetched)
    write_atomic(output / PATHS_FILE, "".join(f"warc/{file['name']}\n" for file in files).encode())
    lost = _lost(fetched)
    counts = _write_results(output, chosen, lost)
    phases = [phase for phase in (listed, chosen, fetched) if phase]
    return job.publish(
        {
            "kind": "fetch",
            "files": files,
            "results": counts,
            "inputs": _inputs(inputs, listed),
            "funnel": [_network_free(funnel_entry(phase)) for phase in phases],
            "settings": settings,
        }
    )


def publish_files(
    job: TableJob,
    inputs: Sequence[InputFacts],
    paths: Sequence[str],
    copied: Finished | None,
    settings: Mapping[str, Any],
    base: str,
) -> dict[str, Any]:
    """Write the list and the manifest of a fetch of whole archives, or of their names only."""
    output = job.place.output
    files = _files(copied) if copied else []
    root = base if base.endswith("/") else base + "/"
    lines = [f"warc/{file['name']}" for file in files] if copied else [root + path for path in paths]
    write_atomic(output / PATHS_FILE, "".join(f"{line}\n" for line in lines).encode())
    lost = _lost(copied) if copied else {}
    with _replacing(output / NOT_FOUND) as out:
        for place in sorted(lost):
            reason, detail = lost[place]
            out.write(json_line({"warc_filename": place[0], "reason": reason, "detail": detail}))
    found = {"found": len(paths) - len(lost), "not_found": dict(Counter(reason for reason, _ in lost.values()))}
    return job.publish(
        {
            "kind": "fetch",
            "files": files,
            "results": found,
            "inputs": _inputs(inputs, None),
            "funnel": [_network_free(funnel_entry(copied))] if copied else [],
            "settings": settings,
        }
    )


def _network_free(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != "tallies"}


def _inputs(facts: Sequence[InputFacts], listed: Finished | None) -> list[dict[str, Any]]:
    rows = [commit.facts["rows"] for commit in listed.commits] if listed else [None] * len(facts)
    return [
        {"name": known.name, "sha256": known.sha256, "bytes": known.bytes} | ({"rows": count} if listed else {})
        for known, count in zip(facts, rows, strict=True)
    ]


def _files(fetched: Finished) -> list[dict[str, Any]]:
    return [file for commit in fetched.commits for file in commit.facts["files"]]


def _lost(fetched: Finished) -> dict[Place, tuple[str, str]]:
    """Records that could not be had: few, or the job would have stopped."""
    lost: dict[Place, tuple[str, str]] = {}
    for commit in fetched.commits:
        for file in commit.reject:
            for row in pq.read_table(fetched.directory.path / "reject" / file.path).to_pylist():
                lost[_place(row)] = (row["reason"], row["detail"])
    return lost


def _place(row: Mapping[str, Any]) -> Place:
    return row["warc_filename"], row["warc_record_offset"], row["warc_record_length"]


def _write_results(output: Path, chosen: Finished, lost: Mapping[Place, tuple[str, str]]) -> dict[str, Any]:
    found, reasons = 0, Counter[str]()
    with _replacing(output / FOUND) as kept, _replacing(output / NOT_FOUND) as missing:
        for row in _rows(chosen):
            reason, line = _result(row, lost)
            (missing if reason else kept).write(json_line(line))
            found += not reason
            reasons.update([reason] if reason else [])
    return {"found": found, "not_found": dict(sorted(reasons.items()))}


def _result(row: Mapping[str, Any], lost: Mapping[Place, tuple[str, str]]) -> tuple[str, dict[str, Any]]:
    """Why a row was not found ("" if it was), and its line. A capture that a filter refused is told, but as `refused`:
    only coordinates at the top of a line are read again."""
    capture = _capture(row)
    if row["reason"]:
        why = {"reason": row["reason"], "detail": row["detail"]}
        return row["reason"], _asked(row) | why | ({"refused": capture} if capture else {})
    reason, detail = lost.get(_place(row), ("", ""))
    return reason, _asked(row) | ({"reason": reason, "detail": detail} if reason else {}) | capture


def _rows(chosen: Finished) -> Iterator[dict[str, Any]]:
    for file in chosen.files:
        with pq.ParquetFile(chosen.directory.path / "data" / file.path) as parquet:
            for batch in parquet.iter_batches(8192):
                yield from batch.to_pylist()


def _asked(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"url": row["url"]} | ({"list": row["list"], "line": row["line"]} if row["list"] else {})


def _capture(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the index says, as far as it says it."""
    names = ("captured_url", "status", "mime", "languages")
    known = {name: row[name] for name in names if row[name]}
    if row["fetch_time"]:
        known["fetch_time"] = datetime.fromtimestamp(row["fetch_time"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if row["warc_filename"]:
        known |= {name: row[name] for name in ("warc_filename", "warc_record_offset", "warc_record_length")}
    return known


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file that appears under its name when it is complete."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    with writing(path):
        try:
            with temporary.open("wb") as file:
                yield file
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
