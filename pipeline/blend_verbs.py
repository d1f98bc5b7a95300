"""Drivers of `warcmill blend` and `warcmill export`: files in, files out; the work is done in blends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from blends.blend_compile import compile_blend
from blends.blend_config import load_blend
from blends.export import export
from blends.plan import identity, load_state, save_plan


def compile_file(blend: Path, output: Path | None, state: Path | None) -> dict[str, Any]:
    """The plan of a blend.toml, written to `output` where one is given.

    Args:
        blend: the blend.toml; manifests in it are relative to its folder.
        output: where the plan goes; None writes nothing.
        state: a reader's state to go on from, when weights change while training.

    Raises:
        UsageError: the blend cannot be meant, or not be filled.
        VerificationError: a source is not a finished run.
    """
    plan = compile_blend(load_blend(blend), blend.parent, load_state(state) if state else None)
    return save_plan(plan, output, blend.parent) if output else {**plan, "identity": identity(plan)}


def export_to(path: Path, form: str, output: Path) -> tuple[int, int, int]:
    """Export a run or a plan, see blends.export.export. Gives files, rows and bytes of the whole export."""
    manifest = export(path, form, output)
    files = [file for commit in manifest["commits"] for file in commit["data"]]
    return len(files), manifest["counters"]["rows_out"], sum(file["bytes"] for file in files)
