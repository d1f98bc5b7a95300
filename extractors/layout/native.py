"""Which of the two twins lays pages out: the C extension `_hot` where it was built, else hot/.

WARCMILL_PURE_PYTHON=1 in the environment asks for the latter. Both give the same output; C is several times faster.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

from extractors.layout import hot

TWIN_VERSION = 6  # of what hot/ and c/ do; a build left over from another version is not used


def _twin() -> object:
    if os.environ.get("WARCMILL_PURE_PYTHON"):
        return hot
    try:
        built = import_module("extractors.layout._hot")
    except ImportError:  # not built: there was no compiler
        return hot
    return built if built.TWIN_VERSION == TWIN_VERSION else hot


if TYPE_CHECKING:
    twin = hot
else:
    twin = _twin()

NATIVE = twin is not hot
