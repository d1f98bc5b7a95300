"""Who may import whom, and what is promised about names and schema."""

import dataclasses
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.arrow_document import BLOCKS_TYPE, FORMULAS_TYPE, SCHEMA, from_batch, to_batch
from pipeline.document import Block, Document, Formula

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("pipeline", "extractors", "classifiers", "llm_cleaning", "dedup", "blends")


def test_import_rules_hold():
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout.decode()


@pytest.mark.parametrize("room", ROOMS)
def test_no_other_distribution_provides_our_package_names(room):
    assert set(packages_distributions().get(room, [])) <= {"warcmill"}


def test_fasttext_comes_from_exactly_one_distribution():
    assert packages_distributions()["fasttext"] == ["fasttext-numpy2"]


def test_schema_and_dataclass_are_equal():
    assert [field.name for field in dataclasses.fields(Document)] == SCHEMA.names
    assert [field.name for field in BLOCKS_TYPE] == list(Block._fields)
    assert [field.name for field in FORMULAS_TYPE] == list(Formula._fields)


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 5))
def test_documents_survive_arrow(text, blocks):
    document = Document("0" * 32, "u", "s", "w", 1, "", text=text, opt_out=["noai"], quality=0.5)
    for i in range(blocks):
        document.blocks.append(Block(i, i + 1, "code", None, i, 0.25, "body/p", False, None))
        document.formulas.append(Formula(i, i + 1, "x", "katex", True, False))
    batch = to_batch([document, document])
    assert list(from_batch(batch)) == [document, document]
    assert pa.Table.from_batches([batch]).schema.equals(SCHEMA)


@pytest.mark.parametrize("engine", ["apache_beam", "pyspark", "torch"])
def test_the_core_imports_no_engine(engine):
    code = f"import sys, pipeline.run, pipeline.rendering, pipeline.inspection; sys.exit({engine!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=120, check=False).returncode == 0
