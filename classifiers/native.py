"""Which of the two twins counts: the C extension `_hot` where it was built, else hot.py; C is several times faster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifiers import hot
from pipeline.text.compiled import built

TWIN_VERSION = 3  # of what hot.py and c/ do; a build left over from another version is not used

if TYPE_CHECKING:
    twin = hot
else:
    twin = built("classifiers._hot", TWIN_VERSION) or hot

NATIVE = twin is not hot
