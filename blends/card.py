"""The data card of a run: what a person should know before training on it, as Markdown and as one HTML page.

Made from the manifest, and from the small columns of the shards (source, language, quality). No clock: the same run has
the same card.
"""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from blends.manifest import open_manifest
from blends.manifest_types import ShardEntry
from blends.run_place import place_of
from blends.stream_reader import RunFiles
from pipeline.io.commit import write_atomic
from pipeline.io.storage import location

MARKDOWN, HTML = "datacard.md", "datacard.html"
_ROWS = 12
Table = tuple[Sequence[str], list[Sequence[str]]]
Section = tuple[str, list[str], list[Table]]  # heading, paragraphs, tables

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;margin:.5rem 0}td,th{padding:.15rem .8rem .15rem 0;text-align:left;"
    "border-bottom:1px solid #ddd;vertical-align:top}td.n{text-align:right;font-variant-numeric:tabular-nums}"
    "h2{margin-top:2rem}code{overflow-wrap:anywhere}"
)


def write_card(run: Path) -> tuple[Path, Path]:
    """Write RUN/datacard.md and RUN/datacard.html; gives their paths.

    Raises:
        VerificationError: the run is unfinished or altered.
        OutputError: the run's folder cannot be written.
    """
    place = place_of(run)
    manifest = open_manifest(place)
    shards = [ShardEntry.from_json(shard) for shard in manifest["shards"]]
    sections = list(_sections(manifest, RunFiles(place, shards, checksums=False)))
    title = f"Data card: {manifest['recipe']['name']}"
    folder = location(place.url)
    write_atomic(folder / MARKDOWN, as_markdown(title, sections).encode())
    write_atomic(folder / HTML, as_html(title, sections).encode())
    return folder / MARKDOWN, folder / HTML


def _sections(manifest: Mapping[str, Any], files: RunFiles) -> Iterator[Section]:
    yield _summary(manifest)
    yield _composition(files)
    yield _origin(manifest)
    yield _funnel(manifest)
    yield _tokenizer(manifest)
    if "takedowns" in manifest:
        yield _takedowns(manifest)
    yield _known_limits(manifest)


def _summary(manifest: Mapping[str, Any]) -> Section:
    totals, kinds = manifest["totals"], manifest["totals"]["tokens_by_kind"]
    rows = [
        ("documents", f"{totals['documents']:,}"),
        ("tokens", f"{totals['tokens']:,}"),
        *((f"tokens of {kind}", _of(kinds[kind], sum(kinds.values()))) for kind in ("prose", "math", "code", "eos")),
        ("shards", f"{totals['shards']:,}"),
        ("bytes", f"{totals['bytes']:,}"),
    ]
    for split in ("train", "validation") if "splits" in manifest else ():
        sums = manifest["splits"][split]
        rows.append((split, f"{sums['documents']:,} documents, {sums['tokens']:,} tokens"))
    words = [str(manifest["recipe"]["resolved"].get("description", ""))]
    return "What it is", [word for word in words if word], [(("", ""), list(rows))]


def _of(part: int, whole: int) -> str:
    return f"{part:,} ({part / whole:.1%})" if whole else f"{part:,}"


def _composition(files: RunFiles) -> Section:
    """Documents and tokens by source, language and quality, from the shards' small columns."""
    counted = {name: (Counter[str](), Counter[str]()) for name in ("source", "language", "quality")}
    for index, shard in enumerate(files.shards):
        for number in range(len(shard.row_groups)):
            rows = files.small_columns(index, number, ("n_tokens", *counted))
            lengths = rows["n_tokens"].to_pylist()
            for name, (documents, tokens) in counted.items():
                keys = [_bin(value) if name == "quality" else value or "unknown" for value in rows[name].to_pylist()]
                documents.update(keys)
                for key, length in zip(keys, lengths, strict=True):
                    tokens[key] += length
    tables = [_counted(name, documents, tokens) for name, (documents, tokens) in counted.items()]
    return "What is in it", [], tables


def _bin(quality: float | None) -> str:
    if quality is None:
        return "no score"
    tenth = min(int(quality * 10), 9)
    return f"{tenth / 10:.1f} to {tenth / 10 + 0.1:.1f}"


def _counted(name: str, documents: Counter[str], tokens: Counter[str]) -> Table:
    whole = sum(tokens.values())
    chosen = sorted(documents, key=lambda key: (-tokens[key], key))[:_ROWS]
    if name == "quality":
        chosen = sorted(documents)
    rows: list[Sequence[str]] = [(key, f"{documents[key]:,}", _of(tokens[key], whole)) for key in chosen]
    rest = set(documents) - set(chosen)
    if rest:
        both = sum(documents[key] for key in rest), sum(tokens[key] for key in rest)
        rows.append((f"{len(rest):,} more", f"{both[0]:,}", _of(both[1], whole)))
    return (name, "documents", "tokens"), rows


def _origin(manifest: Mapping[str, Any]) -> Section:
    inputs = manifest["inputs"]
    rows: list[Sequence[str]] = [(i["name"], f"{i['bytes']:,}", i["sha256"]) for i in inputs[:_ROWS]]
    if len(inputs) > _ROWS:
        rows.append(
            (f"{len(inputs) - _ROWS:,} more", f"{sum(i['bytes'] for i in inputs[_ROWS:]):,}", "in the manifest")
        )
    models: list[Sequence[str]] = [(m["name"], f"{m['bytes']:,}", m["sha256"]) for m in manifest["lineage"]["models"]]
    recipe = manifest["recipe"]
    software = ", ".join(f"{name} {version}" for name, version in sorted(manifest["software"].items()))
    words = [f"Recipe {recipe['name']}, sha256 {recipe['sha256']}; every setting is in manifest.json."]
    words += [f"Written by {software}."] if software else []
    tables = [(("input", "bytes", "sha256"), rows), (("model", "bytes", "sha256"), models)]
    return "Where it is from", words, [table for table in tables if table[1]]


def _funnel(manifest: Mapping[str, Any]) -> Section:
    rows: list[Sequence[str]] = []
    for phase in manifest["funnel"]:
        lost = sum(phase["rejected"].values()) + phase["failed"]
        rows.append((phase["phase"], f"{phase['rows_in']:,}", f"{phase['rows_out']:,}", f"{lost:,}"))
    by_rows = sorted(manifest["drops"], key=lambda d: (-d["rows"], d["phase"], d["stage"], d["reason"]))
    drops: list[Sequence[str]] = [
        (d["phase"], f"{d['stage']}:{d['reason']}".lstrip(":"), f"{d['rows']:,}") for d in by_rows[:_ROWS]
    ]
    if len(by_rows) > _ROWS:
        drops.append(("", f"{len(by_rows) - _ROWS} more reasons", f"{sum(d['rows'] for d in by_rows[_ROWS:]):,}"))
    words = ["Every row read was kept, dropped for a named reason, or failed; the sums are checked."]
    tables = [(("phase", "in", "kept", "lost"), rows), (("phase", "reason", "rows"), drops)]
    return "What was left out", words, [table for table in tables if table[1]]


def _tokenizer(manifest: Mapping[str, Any]) -> Section:
    tokenizer = manifest["tokenizer"]
    tallies: Counter[str] = Counter()
    for phase in manifest["funnel"]:
        tallies.update(phase["tallies"])
    kinds = manifest["totals"]["tokens_by_kind"]
    changed, checked = tallies["roundtrip:mismatch"], tallies["roundtrip:checked"]
    rows = [
        ("name", tokenizer["name"]),
        ("sha256", tokenizer["sha256"]),
        ("vocabulary", f"{tokenizer['vocab_size']:,} rows"),
        ("end of document", f"{tokenizer['eos_token']} = {tokenizer['eos_id']}"),
        ("UTF-8 bytes per token", f"{tallies['utf8_bytes'] / max(1, sum(kinds.values())):.2f}"),
        (
            "round trip",
            f"{changed:,} of {checked:,} texts came back changed",
        ),
    ]
    return "Tokenizer", ["Text that spells a control token is never one."], [(("", ""), list(rows))]


def _takedowns(manifest: Mapping[str, Any]) -> Section:
    rows: list[Sequence[str]] = [
        (
            t["reason"],
            _of_requests(t),
            f"{t['documents']:,}",
            f"{t['tokens']:,}",
            t["parent_sha256"],
        )
        for t in manifest["takedowns"]
    ]
    head = ("reason", "requests", "documents", "tokens", "manifest before")
    return "Taken down", ["Removed at request; readers skip exactly these documents."], [(head, rows)]


def _of_requests(taken: Mapping[str, Any]) -> str:
    empty = len(taken.get("unmatched", ()))
    return f"{len(taken['requested']):,}" + (f", {empty:,} of them match nothing" if empty else "")


def _known_limits(manifest: Mapping[str, Any]) -> Section:
    words = [
        "The text is from the web: it holds errors, opinions and personal data, in unmeasured proportions.",
        "Scores and languages are estimates of models named above.",
    ]
    if "takedowns" in manifest:
        words.append("Tokens by kind count the documents that were taken down since, too.")
    return "Limits", words, []


def as_markdown(title: str, sections: Sequence[Section]) -> str:
    """The card as Markdown; values from data are escaped."""
    lines = [f"# {_plain(title)}"]
    for heading, words, tables in sections:
        lines += ["", f"## {heading}"]
        lines += [line for word in words for line in ("", _plain(word))]
        for head, rows in tables:
            lines += ["", f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
            lines += [f"| {' | '.join(_plain(cell) for cell in row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    joined = " ".join(text.split())
    return "".join(f"\\{c}" if c in "\\|<>[]`*_" else c for c in joined)


def as_html(title: str, sections: Sequence[Section]) -> str:
    """The card as one page without links to anything outside."""
    name = html.escape(title)
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{name}</title><style>{_STYLE}</style>'
    parts = [f"{head}<h1>{name}</h1>"]
    for heading, words, tables in sections:
        parts.append(f"<h2>{html.escape(heading)}</h2>")
        parts += [f"<p>{html.escape(word)}</p>" for word in words]
        for columns, rows in tables:
            cells = "".join(f"<th>{html.escape(cell)}</th>" for cell in columns)
            body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
            parts.append(f"<table><tr>{cells}</tr>{body}</table>")
    return "\n".join(parts) + "\n"


def _cell(text: str) -> str:
    number = text[:1].isdigit() and " " not in text.replace(" (", "(") and len(text) < 30
    return f'<td class="n">{html.escape(text)}</td>' if number else f"<td>{html.escape(text)}</td>"
