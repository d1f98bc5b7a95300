"""The one exception of rendering: a page that a deterministic work budget or its kind rules out."""

from __future__ import annotations

from typing import Literal, get_args

from pipeline.errors import WarcmillError

Reason = Literal["not_html", "bad_notebook", "too_large", "too_many_nodes", "too_deep"]
REASONS: tuple[str, ...] = get_args(Reason)


class RenderRejected(WarcmillError):
    """A page is not rendered; the same page is rejected on every machine and engine.

    Args:
        reason: one of REASONS.
        where: the page's url.
        expected: the budget or the kinds that would have been right.
        hint: what was found; for "not_html" the MIME type.
    """

    def __init__(self, reason: str, *, where: str = "", expected: str = "", hint: str = "") -> None:
        super().__init__(reason, where=where, expected=expected, hint=hint)

    @property
    def reason(self) -> str:
        return self.what

    @property
    def found_type(self) -> str:
        """MIME type of what was found instead of a page, "" for other reasons."""
        return self.hint if self.reason == "not_html" else ""
