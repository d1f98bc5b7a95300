"""Delimited TeX in laid-out prose joins the formulas found in the tree: all are sentinels until text is written."""

from __future__ import annotations

from dataclasses import dataclass, field

from extractors.layout.tags import FORMULA_CLOSE, FORMULA_OPEN
from extractors.math.delimiters import scan
from extractors.math.forms import Recovered
from extractors.math.page_config import MathConfig

_SIGNS = ("$", "\\", "`", "[/", "&lt;/")  # a backtick delimits AsciiMath


def may_hold_delimiters(markup: str) -> bool:
    """Whether any prose of the page can hold a delimited formula; a page without needs no configuration."""
    return any(sign in markup for sign in _SIGNS)


@dataclass(slots=True)
class FormulaMask:
    """Collects formulas of one page; `recovered[i]` is the formula behind sentinel i."""

    recovered: list[Recovered] = field(default_factory=list)
    config: MathConfig = field(default_factory=MathConfig)

    def __call__(self, text: str) -> str:
        """`text` with every delimited formula replaced by a sentinel; definitions without a formula vanish."""
        if (
            "$" not in text
            and "\\" not in text
            and "[/" not in text
            and "</" not in text
            and not self.config.ascii_pairs
        ):
            return text
        parts: list[str] = []
        done = 0
        for span in scan(text, self.config):
            parts.append(text[done : span.start])
            if span.tex:
                parts.append(f"{FORMULA_OPEN}{len(self.recovered)}{FORMULA_CLOSE}")
                self.recovered.append(Recovered(span.tex, span.source_form, span.display, True))
            done = span.end
        parts.append(text[done:])
        return "".join(parts)
