"""The symbols a reader sees in a formula, as a multiset: what must survive a rewrite."""

from __future__ import annotations

from collections import Counter

from pipeline.text.latex import names
from pipeline.text.latex.canonical import canonical
from pipeline.text.latex.lex import tokens

_STRUCTURE = frozenset({"{", "}", "^", "_", "&", "\\\\", "\\frac", "\\atop", "\\overset", "\\underset", "\\substack"})
_UNSEEN = _STRUCTURE | names.ALPHABET_COMMANDS | {"\\begin{matrix}", "\\end{matrix}"}


def visible_symbols(tex: str) -> Counter[str]:
    """How often each canonical symbol stands in the formula; structure (fractions, scripts, tables) is not a symbol."""
    return Counter(token for token in tokens(canonical(tex)) if token not in _UNSEEN)
