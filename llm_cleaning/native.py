"""Which of the two twins counts: the C extension `_hot` where it was built, else hot.py.

WARCMILL_PURE_PYTHON=1 in the environment asks for the latter. Both give the same results.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

from llm_cleaning import hot

TWIN_VERSION = 1  # of what hot.py and c/ do; a build left over from another version is not used


def _twin() -> object:
    if os.environ.get("WARCMILL_PURE_PYTHON"):
        return hot
    try:
        built = import_module("llm_cleaning._hot")
    except ImportError:  # not built: there was no compiler
        return hot
    return built if built.TWIN_VERSION == TWIN_VERSION else hot


if TYPE_CHECKING:
    twin = hot
else:
    twin = _twin()

NATIVE = twin is not hot
