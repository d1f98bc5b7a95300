"""Which of the twins reads names, texts, trees and lines: the C extension `_hot` where it was built, else hot.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm_cleaning import hot
from pipeline.text.compiled import built

TWIN_VERSION = 5  # of what hot.py and c/ do; a build left over from another version is not used

if TYPE_CHECKING:
    twin = hot
else:
    twin = built("llm_cleaning._hot", TWIN_VERSION) or hot

NATIVE = twin is not hot
