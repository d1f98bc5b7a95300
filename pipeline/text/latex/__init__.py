"""What several rooms know about LaTeX: its tokens, whether it is well formed, its one canonical spelling."""

from pipeline.text.latex.canonical import canonical
from pipeline.text.latex.lex import is_well_formed, tokens
from pipeline.text.latex.visible import visible_symbols

__all__ = ["canonical", "is_well_formed", "tokens", "visible_symbols"]
