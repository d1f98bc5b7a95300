"""docs/manifest.md: its examples run, and it names every field of the published schema."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from blends_support import document, make_run

from blends.manifest import manifest_schema
from blends.shards import SHARD_SCHEMA, TokenizeConfig

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "manifest.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


def test_there_are_examples() -> None:
    assert ["blends.reader" in EXAMPLES[0], "pyarrow" in EXAMPLES[1], "load_dataset" in EXAMPLES[2]] == [True] * 3
    assert all(len(example.splitlines()) <= 14 for example in EXAMPLES)


@pytest.mark.parametrize(
    "example",
    [
        pytest.param(EXAMPLES[0], id="warcmill"),
        pytest.param(EXAMPLES[1], id="pyarrow"),
        pytest.param(EXAMPLES[2], id="datasets", marks=pytest.mark.slow),  # seconds of imports
    ],
)
def test_an_example_runs(example: str, tmp_path: Path) -> None:
    (tmp_path / "RUN").mkdir()
    make_run(
        tmp_path / "RUN", [document(f"Text {n} " * 20, n) for n in range(30)], TokenizeConfig(tokens_per_shard=500)
    )
    offline = {**os.environ, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, env=offline, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr


def test_every_field_and_column_is_explained() -> None:
    schema = manifest_schema()
    names = [*schema["properties"], *schema["$defs"]["shard"]["properties"], *SHARD_SCHEMA.names]
    for part in ("tokenizer", "shuffle", "schema", "recipe", "lineage", "totals"):
        names += schema["properties"][part]["properties"]
    for part in ("funnel", "drops"):
        names += schema["properties"][part]["items"]["properties"]
    missing = sorted({name for name in names if f"`{name}`" not in PAGE})
    assert missing == []
