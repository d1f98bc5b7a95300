"""The one compiled part of warcmill; without a C compiler its twin in Python does the work (docs/decisions/0004)."""

from pathlib import Path

from setuptools import Extension, setup

SOURCE = "extractors/layout/c/hot.c"
HEADERS = sorted(str(path) for path in Path("extractors/layout/c").glob("*.h"))

setup(ext_modules=[Extension("extractors.layout._hot", [SOURCE], depends=HEADERS, optional=True)])
