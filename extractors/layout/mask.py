"""Delimited TeX in laid-out prose joins the formulas found in the tree: all are sentinels until text is written."""

from __future__ import annotations

from collections.abc import Callable

from extractors.layout.tags import FORMULA_CLOSE, FORMULA_OPEN
from extractors.math.delimiters import scan
from extractors.math.forms import Recovered
from extractors.math.page_config import MathConfig


class FormulaMask:
    """Collects formulas of one page; `recovered[i]` is the formula behind sentinel i.

    `read_config` is asked when a text first looks as if it held one. `ascii_math`: whether the page may use AsciiMath,
    whose delimiters can be anything; `macros`: whether it may hold Asciidoctor's `stem:[x]`, which has none.
    """

    __slots__ = ("any_text", "read_config", "recovered")

    def __init__(
        self,
        recovered: list[Recovered] | None = None,
        read_config: Callable[[], MathConfig] = MathConfig,
        *,
        ascii_math: bool = False,
        macros: bool = False,
    ) -> None:
        self.recovered = [] if recovered is None else recovered
        self.read_config = read_config
        self.any_text = macros or (ascii_math and bool(read_config().ascii_pairs))

    def __call__(self, text: str) -> str:
        """`text` with every delimited formula replaced by a sentinel; definitions without a formula vanish."""
        if "$" not in text and "\\" not in text and "[/" not in text and "</" not in text and not self.any_text:
            return text
        parts: list[str] = []
        done = 0
        for span in scan(text, self.read_config()):
            parts.append(text[done : span.start])
            if span.display and text[span.start - 1 : span.start] == ")":
                parts.append(" ")  # behind the number of the equation (Sphinx)
            if span.tex:
                parts.append(f"{FORMULA_OPEN}{len(self.recovered)}{FORMULA_CLOSE}")
                self.recovered.append(Recovered(span.tex, span.source_form, span.display, True))
            elif text[span.end : span.end + 1] == " " and text[: span.start][-1:] in ("", " ", "\n"):
                done = span.end + 1  # the space of what has gone
                continue
            done = span.end
        if not done:
            return text
        parts.append(text[done:])
        return "".join(parts)
