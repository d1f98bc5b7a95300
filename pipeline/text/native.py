"""The C twin of prose.py and sketch.py, where it was built; WARCMILL_PURE_PYTHON=1 asks for what Python defines."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

TWIN_VERSION = 3  # of what the two modules and c/ do; a build left over from another version is not used


def _built() -> Any:
    if os.environ.get("WARCMILL_PURE_PYTHON"):
        return None
    try:
        built = import_module("pipeline.text._hot")
    except ImportError:  # not built: there was no compiler
        return None
    return built if built.TWIN_VERSION == TWIN_VERSION else None


BUILT = _built()
