"""The C twin of prose.py and sketch.py, where it was built, else None."""

from __future__ import annotations

from typing import Any

from pipeline.text.compiled import built

TWIN_VERSION = 6  # of what the two modules and c/ do; a build left over from another version is not used

BUILT: Any = built("pipeline.text._hot", TWIN_VERSION)
