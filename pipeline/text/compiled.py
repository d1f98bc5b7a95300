"""The compiled part of a package, where it was built; every such part has a twin in Python that gives the same results.

WARCMILL_PURE_PYTHON=1 in the environment asks for the twins.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any


def built(module: str, version: int) -> Any | None:
    """The extension, or None where there is none: no compiler, a build left over from another version, not wanted."""
    if os.environ.get("WARCMILL_PURE_PYTHON"):
        return None
    try:
        found = import_module(module)
    except ImportError:  # not built: there was no compiler
        return None
    return found if version == found.TWIN_VERSION else None
