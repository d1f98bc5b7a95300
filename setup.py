"""The compiled parts of warcmill; without a C compiler their twins in Python do the work (decisions 0004, 0010)."""

import os
from pathlib import Path

from setuptools import Extension, setup

# a product and a sum are rounded one by one, as Python does, also where the machine could do both at once
FLAGS = {} if os.name == "nt" else {"extra_compile_args": ["-ffp-contract=off"], "libraries": ["m"]}


def part(module: str, folder: str) -> Extension:
    """One translation unit, hot.c, and the headers beside it."""
    headers = sorted(str(path) for path in Path(folder).glob("*.h"))
    return Extension(module, [f"{folder}/hot.c"], depends=headers, optional=True, **FLAGS)


setup(
    ext_modules=[
        part("extractors.layout._hot", "extractors/layout/c"),
        part("pipeline.text._hot", "pipeline/text/c"),
        part("classifiers._hot", "classifiers/c"),
        part("llm_cleaning._hot", "llm_cleaning/c"),
    ]
)
