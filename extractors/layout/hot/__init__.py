"""The part of the layout that meets every character of a page. `../c/` holds its twin in C, used where it was built.

This package defines what both do: byte for byte the same output (`tests/extractors/test_hot_twins.py`). What needs
judgement stays in Python for both: the subclasses in flow.py and state.py, and the rules in rules.py.
"""

from extractors.layout.hot.code import code_lines, looks_like_prose, trimmed
from extractors.layout.hot.delimiters import Delimiters
from extractors.layout.hot.flow import FlowBase
from extractors.layout.hot.markup import TagTable, lay_out_markup
from extractors.layout.hot.normal import plain_tex
from extractors.layout.hot.rules import (
    Action,
    close_block,
    close_cell,
    close_container,
    close_heading,
    close_lined_table,
    close_link,
    close_list,
    close_opened,
    close_quote,
    close_span,
    close_table,
    flush,
    line_break,
    open_block,
    open_bullets,
    open_cell,
    open_code,
    open_definition,
    open_field,
    open_image,
    open_item,
    open_link,
    open_pre,
    open_quote,
    open_row,
    open_span,
    open_table,
    space,
)
from extractors.layout.hot.signs import SignFinder
from extractors.layout.hot.tables import Cell, to_lines, to_pipe
from extractors.layout.hot.utf8 import decode_utf8
from extractors.layout.hot.walk import WalkBase

__all__ = [
    "Action",
    "Cell",
    "Delimiters",
    "FlowBase",
    "SignFinder",
    "TagTable",
    "WalkBase",
    "close_block",
    "close_cell",
    "close_container",
    "close_heading",
    "close_lined_table",
    "close_link",
    "close_list",
    "close_opened",
    "close_quote",
    "close_span",
    "close_table",
    "code_lines",
    "decode_utf8",
    "flush",
    "lay_out_markup",
    "line_break",
    "looks_like_prose",
    "open_block",
    "open_bullets",
    "open_cell",
    "open_code",
    "open_definition",
    "open_field",
    "open_image",
    "open_item",
    "open_link",
    "open_pre",
    "open_quote",
    "open_row",
    "open_span",
    "open_table",
    "plain_tex",
    "space",
    "to_lines",
    "to_pipe",
    "trimmed",
]
