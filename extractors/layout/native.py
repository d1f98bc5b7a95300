"""Which of the two twins lays pages out: the C extension `_hot` where it was built, else hot/, several times slower."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extractors.layout import hot
from pipeline.text.compiled import built

TWIN_VERSION = 13  # of what hot/ and c/ do; a build left over from another version is not used

if TYPE_CHECKING:
    twin = hot
else:
    twin = built("extractors.layout._hot", TWIN_VERSION) or hot

NATIVE = twin is not hot
