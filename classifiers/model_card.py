"""A trained model's files: the model, its card as JSON beside it, and the same card for people as Markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import OutputError


def write_model(path: Path, data: bytes, card: Mapping[str, Any]) -> tuple[Path, Path, Path]:
    """MODEL, MODEL.json and MODEL.md, each whole or not at all.

    Raises:
        OutputError: the folder cannot be written.
    """
    texts = json.dumps(card, indent=1, sort_keys=True) + "\n", markdown(path.name, card)
    targets = path, path.with_name(path.name + ".json"), path.with_name(path.name + ".md")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for target, content in zip(targets, (data, *map(str.encode, texts)), strict=True):
            temporary = target.with_name(f".{target.name}.part")
            temporary.write_bytes(content)
            temporary.replace(target)
    except OSError as problem:
        raise OutputError(f"the model cannot be written: {problem}", where=str(path)) from problem
    return targets


def markdown(name: str, card: Mapping[str, Any]) -> str:
    """The card as a page: what it is, what it was trained and tested on, and the curve."""
    kind = card["kind"]
    lines = [f"# {name}", "", f"Kind: {kind}. sha256 `{card['sha256']}`, {card['bytes']:,} bytes."]
    lines += ["", *_described(card), "", "## Data", "", "| part | rows | labels | groups |", "|---|--:|---|--:|"]
    for part in ("training", "held_out"):
        facts = card[part]
        labels = ", ".join(f"{label} {count:,}" for label, count in list(facts["labels"].items())[:12])
        lines.append(f"| {part.replace('_', ' ')} | {facts['rows']:,} | {labels} | {len(facts['groups'])} |")
    lines += ["", *_groups(card), "## Held-out part", "", *_measured(card["metrics"])]
    return "\n".join([*lines, "", "## Settings", "", *_settings(card["config"]), ""])


def _described(card: Mapping[str, Any]) -> list[str]:
    if card["kind"] == "regressor":
        return [f"Scores 0-5 from embeddings of `{card['embedder']}` ({card['dim']} numbers) and a ridge head."]
    offset = card.get("offset", 0.0)
    return [
        f"The score is the probability of `{card['positive']}`, {offset:+} on its log odds; the decision boundary is"
        " 0.5. The offset is what is best on groups not trained on, those of the figures below."
    ]


def _groups(card: Mapping[str, Any]) -> list[str]:
    held = card["held_out"]["groups"]
    if card["config"].get("refit"):
        names = ", ".join(held[:40])
        return [
            f"The figures are of a model that saw nothing of these groups; this one learned from them too: {names}.",
            "",
        ]
    return [f"Held-out groups, never trained on: {', '.join(held[:40])}.", ""] if held else []


def _measured(metrics: Mapping[str, Any]) -> list[str]:
    if not metrics:
        return ["No row was held out."]
    flat = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in metrics.items() if name != "curve")
    if not metrics.get("curve"):
        return [flat + "."]
    rows = [f"| {at['threshold']} | {at['precision']} | {at['recall']} | {at['f1']} |" for at in metrics["curve"]]
    return [flat + ".", "", "| threshold | precision | recall | F1 |", "|--:|--:|--:|--:|", *rows]


def _settings(config: Mapping[str, Any]) -> list[str]:
    return [", ".join(f"{name} {value!r}" for name, value in config.items()) + "."]
