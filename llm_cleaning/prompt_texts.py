"""Prompts are versioned text files: a changed prompt is a new file, a new digest and so a new answer."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

VERSIONS = {"select": 1, "repair": 1, "rewrite": 1, "rewrite_again": 1}


@cache
def prompt(name: str) -> str:
    """The fixed part of a mode's prompt, e.g. prompts/select.v1.txt."""
    file = files("llm_cleaning.prompts").joinpath(f"{name}.v{VERSIONS[name]}.txt")
    return file.read_text(encoding="utf-8").strip()
