"""Which formulas are in their normal form as they stand, most of all: twin of `c/normal.h`."""

from __future__ import annotations

import re

_MAY_CHANGE = re.compile(r"[\0\r%$]|<b|CD|\[\]|[ \t]\n|\n\s")
# What normal form may take off at the beginning, or what it takes for nothing; a style also in braces of its own.
_STARTS = re.compile(
    r"(?:\{\s*)?(?:\[|\\(?:[\[(\\]|begin\{(?:display)?math\}|(?:display|text|script)style|inline|begingroup|endgroup))"
)


def plain_tex(raw: str) -> str | None:
    """`raw` without white space around it where that is its normal form; None where it has to be looked at."""
    tex = raw.strip()
    if not raw.isascii() or _MAY_CHANGE.search(tex) or _STARTS.match(tex) or tex.endswith("\\"):
        return None
    return tex
