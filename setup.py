"""The one compiled part of warcmill; without a C compiler its twin in Python does the work (docs/decisions/0004)."""

from setuptools import Extension, setup

HOT = Extension("extractors.layout._hot", ["extractors/layout/_hot.c"], optional=True)

setup(ext_modules=[HOT])
