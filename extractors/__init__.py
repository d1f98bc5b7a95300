"""Bytes of a page to text, blocks and formulas: prefilter, decoding, layout, math, code, tables."""

from extractors.layout.rejected import RenderRejected
from extractors.render import Rendered, html_to_text, render

__all__ = ["RenderRejected", "Rendered", "html_to_text", "render"]
