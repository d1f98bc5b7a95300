"""No training text may come from the project's test data: checked by name before anything is read.

`../shared/data` holds pages of packages, repositories and sites with labels; a model trained on any of them, or on another
edition of the same text, would be tested on what it has seen. Where that folder is absent the committed list below,
which names what its `source` fields name, is what is checked.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"
# Projects behind the sources of ../shared/data, in the words their repositories or packages use.
PROJECTS = [
    "scipy",
    "scikit-learn",
    "sklearn",
    "statsmodels",
    "sympy",
    "eigen",
    "eigen3",
    "sage",
    "sagemath",
    "gap",
    "macaulay2",
    "ceres",
    "ceres-solver",
    "astropy",
    "dolfin",
    "dolfinx",
    "fenics",
    "basix",
    "dynare",
    "lmfit",
    "mpmath",
    "qutip",
    "skimage",
    "scikit-image",
    "vigra",
    "vigraimpex",
    "cvxopt",
    "giac",
    "singular",
    "octave",
    "maxima",
    "mpfr",
    "fftw",
    "fftw3",
    "fftw-docs",
    "boost",
    "rust",
    "rust-lang",
    "django",
    "postgresql",
    "postgres",
    "agda",
    "agda-stdlib",
    "mathjax",
    "lapack",
    "r-doc",
    "biopython",
    "colah",
    "lilianweng",
    "mnielsen",
    "nnadl",
    "distill",
    "distillpub",
    "scipy-lectures",
    "scipy-lecture-notes",
    "trafilatura",
    "readability",
    "magic-html",
    "article-extraction-benchmark",
    "webmainbench",
    "llm-webkit",
    "mineru",
    "stacks-project",
    "im2latex",
    "katex",
    "texmath",
    "mediawiki",
]


def _shared_sources() -> Iterator[str]:
    for path in sorted(SHARED.glob("*/dev/*.jsonl.gz")):
        with gzip.open(path, "rt") as handle:
            for line in handle:
                row = json.loads(line)
                yield from (str(row[key]) for key in ("source", "host_source", "repo") if row.get(key))


def forbidden_words() -> set[str]:
    """Lower-case names that a training source must not carry: projects, and repositories named in ../shared/data."""
    named = {re.sub(r"^(?:github|debian):", "", source).lower() for source in set(_shared_sources())}
    repositories = {name for name in named if "/" in name or "+" in name}
    packages = {re.sub(r"^python-|-doc(?:-\d+)?$|-common$", "", name) for name in named if " " not in name}
    return set(PROJECTS) | {name.replace("+", "/") for name in repositories} | packages - {"r", "lib"}


def refuse_forbidden(folders: Iterable[str]) -> None:
    """Raise SystemExit when a source is, or belongs to, a project of the test data."""
    words = forbidden_words()
    for folder in folders:
        lowered = folder.lower()
        if hits := words & {lowered, *lowered.split("/")}:
            raise SystemExit(f"{folder}: test data comes from {sorted(hits)}; choose another source")
