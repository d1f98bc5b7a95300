"""Looking into a finished or stopped run: random documents, the story of one page, a full re-check."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from blends.manifest import MANIFEST, SUCCESS, load_manifest
from blends.manifest_types import ShardEntry
from blends.schema_check import Problem
from blends.verify import verify_shards
from pipeline.arrow_document import from_batch
from pipeline.document import Document
from pipeline.errors import UsageError, VerificationError, WarcmillError
from pipeline.evidence import audit_rows, kept_in, overlap_lines, passage_line
from pipeline.io.commit import Commit, PhaseDirectory
from pipeline.io.shards import ShardFile, check_shard

DOCUMENT_PHASES = ("render", "classify", "clean")
KEPT = "kept"  # of a run over tables: its files are published, and checked by the manifest
SPILLS = ("-rows", "tokens")  # phases whose rows are removed once they are reduced
SUMMARY = ["id", "url", "warc_path", "offset", "reject_stage", "reject_reason", "reject_detail"]


def phase_directories(run: Path) -> list[PhaseDirectory]:
    """The phases begun in a run, in order.

    Raises:
        UsageError: the folder is not a run.
    """
    folders = sorted((run / "phases").glob("[0-9][0-9]-*"), key=lambda folder: folder.name)
    if not folders:
        raise UsageError("is not a warcmill run", where=str(run), expected="the -o folder of `warcmill run`")
    return [PhaseDirectory(folder, folder.name[3:]) for folder in folders]


def _document_phases(run: Path) -> list[PhaseDirectory]:
    return [phase for phase in phase_directories(run) if phase.name in DOCUMENT_PHASES]


def _commits(phase: PhaseDirectory) -> list[Commit]:
    """Commits of a phase that may still be under way."""
    return phase.read_commits(sorted(phase.done()))


def sample(run: Path, *, rejected: bool, stage: str | None, count: int, seed: int, chars: int) -> Iterator[str]:
    """Texts describing random documents: kept ones of the last document phase, or rejected ones of all."""
    phases = _document_phases(run)
    folder = "reject" if rejected else "data"
    chosen: list[tuple[bytes, Path, int]] = []
    for phase in phases if rejected else phases[-1:]:
        for commit in _commits(phase):
            for file in commit.reject if rejected else commit.data:
                chosen += _ranked_rows(phase.path / folder / file.path, stage, seed)
        chosen = sorted(chosen)[:count]  # smallest seeded hashes: a uniform sample in bounded memory
    if not chosen:
        raise WarcmillError("no such documents", where=str(run), hint="`warcmill report RUN` lists stages and reasons")
    for _, path, row in chosen:
        yield _described(_read_row(path, row), chars)


def _ranked_rows(path: Path, stage: str | None, seed: int) -> Iterator[tuple[bytes, Path, int]]:
    table = pq.read_table(path, columns=["id", "reject_stage", "reject_reason"])
    rows = zip(*(table[name].to_pylist() for name in table.column_names), strict=True)
    for row, (id_, at, reason) in enumerate(rows):
        if stage in (None, at, f"{at}:{reason}"):
            yield hashlib.blake2b(f"{seed}:{id_}:{at}".encode(), digest_size=8).digest(), path, row


def _read_row(path: Path, row: int) -> Document:
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            if row < rows:
                return next(from_batch(file.read_row_group(group).slice(row, 1)))
            row -= rows
    raise VerificationError(f"row {row} past the end", where=str(path), expected="a row of the file")


def _described(document: Document, chars: int) -> str:
    lines = [f"── {document.url}", f"   {document.id}  {document.warc_path}:{document.offset}"]
    if document.rejected:
        detail = f" ({document.reject_detail})" if document.reject_detail else ""
        lines.append(f"   rejected by {document.reject_stage}: {document.reject_reason}{detail}")
    lines.append(
        f"   {document.language or '?'}  quality {_score(document.quality)}  math {_score(document.math_score)}  "
        f"code {_score(document.code_score)}  {len(document.formulas)} formulas  {len(document.text):,} characters"
    )
    text = document.text if len(document.text) <= chars else document.text[:chars] + " …"
    return "\n".join(lines) + "\n\n" + _printable(text) + "\n"


def _printable(text: str) -> str:
    """Without control characters: text of a page must not drive the terminal."""
    return "".join(c if c in "\n\t" or c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened to a page."""

    phase: str
    what: str
    facts: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.phase:<10} {_printable(self.what)}"


def explain(run: Path, url_or_id: str) -> list[Step]:
    """Every phase a page went through, to the row of the shard that holds its tokens.

    Raises:
        WarcmillError: the run has no such page.
    """
    if kind := _kind_of_tables(run):
        return _table_steps(run, url_or_id, kind)
    steps = [step for phase in _document_phases(run) for step in _phase_steps(phase, url_or_id)]
    removed = {step.facts["id"] for step in steps if step.facts["reject_stage"].endswith("_dedup")}
    steps += _audit_steps(run, removed)
    steps += _shard_steps(run, {step.facts["id"] for step in steps if not step.facts.get("reject_reason")})
    if not steps:
        raise WarcmillError(
            f"no page {url_or_id!r}",
            where=str(run),
            expected="the URL as crawled, or a 32-digit document id",
            hint="`warcmill inspect RUN` shows URLs and ids",
        )
    return steps


def _phase_steps(phase: PhaseDirectory, url_or_id: str) -> Iterator[Step]:
    wanted = (pc.field("url") == url_or_id) | (pc.field("id") == url_or_id)
    for commit in _commits(phase):
        for folder, files in (("data", commit.data), ("reject", commit.reject)):
            for file in files:
                path = phase.path / folder / file.path
                for row in pq.read_table(path, columns=SUMMARY, filters=wanted).to_pylist():
                    yield Step(phase.name, _fate(phase.name, row), {"phase": phase.name, **row})


def _fate(phase: str, row: dict[str, Any]) -> str:
    place = f"{row['warc_path']}:{row['offset']}  id {row['id']}" if phase == "render" else row["id"]
    if not row["reject_reason"]:
        return f"kept      {place}"
    detail = f" ({row['reject_detail']})" if row["reject_detail"] else ""
    return f"rejected  {place}  {row['reject_stage']}: {row['reject_reason']}{detail}"


def _audit_steps(run: Path, ids: set[str]) -> Iterator[Step]:
    """The evidence for removed duplicates: similarity to the copy that stays, and by which rule."""
    wanted = pc.field("removed_id").isin(sorted(ids))
    for path in sorted((run / "audit").glob("*.parquet")) if ids else ():
        for row in pq.read_table(path, filters=wanted).to_pylist():
            what = f"evidence  {_evidence(row)}"
            yield Step("audit", what, {"phase": "audit", "id": row["removed_id"], **row, "reject_reason": row["rule"]})
            yield from _overlap_steps(run, row)


def _evidence(row: dict[str, Any]) -> str:
    """One line of a dedup's audit."""
    similar = "  ".join(f"{name} {_score(row[name])}" for name in ("jaccard", "containment"))
    shingles = "" if row["shared_shingles"] is None else f"  {row['shared_shingles']:,} shared shingles"
    return f"{row['rule']}  {similar}{shingles}  kept {row['kept_id']}"


def _overlap_steps(run: Path, row: dict[str, Any]) -> Iterator[Step]:
    for line in overlap_lines(run, row):
        facts = {"phase": "overlap", "id": row["removed_id"], "kept_id": row["kept_id"], "line": line}
        yield Step("overlap", line, facts | {"reject_reason": row["rule"]})


def _table_steps(run: Path, row_id: str, kind: str) -> list[Step]:
    """The story of one row of a run over tables: its evidence, or where it is kept."""
    steps: list[Step] = []
    for row in audit_rows(run, row_id):
        if kind == "dedup":
            steps.append(Step("audit", f"removed   {_evidence(row)}", {"phase": "audit", **row}))
            steps += _overlap_steps(run, row)
        else:
            steps.append(Step("audit", passage_line(run, row), {"phase": "audit", **row}))
    steps += [Step("kept", f"written   {path}", {"phase": "kept", "path": path}) for path in kept_in(run, row_id)]
    if not steps:
        raise WarcmillError(f"no row {row_id!r}", where=str(run), expected="the id of a row of the input")
    return steps


def _shard_steps(run: Path, ids: set[str]) -> Iterator[Step]:
    if not ids or not (run / "_SUCCESS").exists():
        return
    manifest, _ = load_manifest(run)
    for shard in map(ShardEntry.from_json, manifest["shards"]):
        table = pq.read_table(run / shard.path, columns=["doc_id", "n_tokens", "cluster_id"])
        places = pc.indices_nonzero(pc.is_in(table["doc_id"], value_set=pa.array(sorted(ids), pa.string())))
        for row in places.to_pylist():
            tokens = table["n_tokens"][row].as_py()
            facts = {"phase": "shards", "id": table["doc_id"][row].as_py(), "shard": shard.path, "row": row}
            yield Step("shards", f"written   {shard.path} row {row}, {tokens:,} tokens", {**facts, "tokens": tokens})


def verify_run(run: Path) -> tuple[str, list[Problem]]:
    """Re-check shards, manifest and every phase; returns what was checked in words, and the problems found."""
    phases = phase_directories(run)
    problems: list[Problem] = []
    files = 0
    for phase in phases:
        for path, shard in _promised_files(phase, problems):
            files += 1
            problems += _file_problems(path, shard)
    if not (run / SUCCESS).exists():
        problems.append(Problem(str(run), "no _SUCCESS: the run is not finished", "a finished run"))
    elif kind := _kind_of_tables(run):
        problems += _verify_tables(run)
        return f"a run of {kind}: {len(phases)} phases, {files} intermediate files, manifest, rows and audit", problems
    else:
        problems += verify_shards(run)
    return f"{len(phases)} phases, {files} intermediate files, manifest and shards", problems


def _kind_of_tables(run: Path) -> str:
    """`dedup` or `decontaminate` where the run is one over tables, whose manifest is another; else empty."""
    if (run / MANIFEST).exists():
        try:
            return str(json.loads((run / MANIFEST).read_bytes()).get("kind") or "")
        except ValueError:
            return ""  # `verify_shards` says what is wrong with it
    return ""


def _verify_tables(run: Path) -> list[Problem]:
    """The manifest against `_SUCCESS`, and every file that it names."""
    content = (run / MANIFEST).read_bytes()
    said, found = (run / SUCCESS).read_text().strip(), hashlib.sha256(content).hexdigest()
    problems = [] if said == found else [Problem(str(run / MANIFEST), f"sha256 {found}", f"{said}, as _SUCCESS says")]
    manifest = json.loads(content)
    for entry in [*manifest["shards"], *manifest["audit"]]:
        shard = ShardFile(entry["path"], entry["sha256"], entry["bytes"], entry["rows"], ())
        problems += _file_problems(run / entry["path"], shard)
    return problems


def _promised_files(phase: PhaseDirectory, problems: list[Problem]) -> Iterator[tuple[Path, ShardFile]]:
    try:
        commits = phase.commits()
        for commit in commits:
            commit.counters.check(f"{phase.name}/{commit.task}")
    except WarcmillError as error:
        problems.append(Problem(str(phase.path), error.what, error.expected or "a finished phase"))
        return
    for commit in commits:
        if not phase.name.endswith(SPILLS) and phase.name != KEPT:
            yield from ((phase.path / "data" / file.path, file) for file in commit.data)
        yield from ((phase.path / "reject" / file.path, file) for file in commit.reject)


def _file_problems(path: Path, shard: ShardFile) -> list[Problem]:
    try:
        check_shard(path, shard)
    except VerificationError as error:
        return [Problem(str(path), error.what, error.expected)]
    return []
