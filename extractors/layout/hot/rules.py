"""What most tags do to the walk: twin of `c/rules.h`, `inline.h`, `cells.h` and `pipes.h`. The others are in rules.py.

A rule takes the walk, the tag without its brackets, and the place of the text after it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from extractors.layout.hot.tables import to_lines, to_pipe
from extractors.layout.hot.walk import WalkBase
from extractors.layout.inline import image_text
from extractors.layout.tags import (
    CODE_BLOCK_CLOSE,
    CODE_BLOCK_OPEN,
    FORMULA_OPEN,
    HARD_BREAK,
    MAX_COLUMNS,
    MAX_ROWSPAN,
)
from extractors.layout.text import attribute, collapse

Action = Callable[[Any, str, int], None]

MAX_INLINE_CODE_CHARS = 2_000
MAX_NESTED_LOOKS = 8  # code and scripts inside each other whose whole text is read


def flush(walk: WalkBase, _head: str, _after: int) -> None:
    """A place where a leaf ends."""
    walk.flush()


def open_block(walk: WalkBase, head: str, _after: int) -> None:
    """Start of a block."""
    walk.flush()
    walk.paths.append(walk.places[walk.paths[-1], head])


def close_block(walk: WalkBase, _head: str, _after: int) -> None:
    """End of a block."""
    walk.flush()
    if len(walk.paths) > 1:
        walk.paths.pop()


def open_link(walk: WalkBase, head: str, _after: int) -> None:
    """Links in a row with nothing between them are boxes of a menu, not one word. An anchor is no link."""
    target = ' href="' in head
    walk.links.append(target)
    if target:
        if walk.last_link_end == len(walk.buffer):
            walk.buffer.append(" ")
        walk.in_link += 1


def close_link(walk: WalkBase, _head: str, _after: int) -> None:
    """End of a link or anchor."""
    if walk.links and walk.links.pop():
        walk.in_link -= 1
        walk.last_link_end = len(walk.buffer)


def open_item(walk: WalkBase, head: str, after: int) -> None:
    """Start of a list item, with the marker of its list."""
    open_block(walk, head, after)
    if walk.lists and walk.lists[-1] is not None:
        walk.enter_item(head)
    else:
        walk.flow.enter("- ", "  ")


def close_container(walk: WalkBase, head: str, after: int) -> None:
    """End of a list item or another container."""
    walk.flush()
    walk.flow.leave()
    close_block(walk, head, after)


def open_definition(walk: WalkBase, head: str, after: int) -> None:
    """Start of what a definition list says of a term."""
    open_block(walk, head, after)
    walk.flow.enter(": ", "  ")


def open_quote(walk: WalkBase, head: str, after: int) -> None:
    """Start of a quote."""
    open_block(walk, head, after)
    walk.flow.enter("> ", "> ")
    walk.kinds.append("quote")


def close_quote(walk: WalkBase, head: str, after: int) -> None:
    """End of a quote."""
    close_container(walk, head, after)
    if len(walk.kinds) > 1:
        walk.kinds.pop()


def open_bullets(walk: WalkBase, head: str, after: int) -> None:
    """Start of a list without numbers."""
    open_block(walk, head, after)
    walk.flow.enter_list()
    walk.lists.append(None)
    walk.kinds.append("list")


def close_list(walk: WalkBase, head: str, after: int) -> None:
    """End of a list."""
    walk.flush()
    if walk.lists:
        walk.kinds.pop()
        walk.lists.pop()
        walk.flow.leave_list()
    close_block(walk, head, after)


def close_heading(walk: WalkBase, head: str, after: int) -> None:
    """End of a heading `/h1` to `/h6`: one line, whatever breaks it holds."""
    if walk.buffer:
        text = collapse("".join(walk.buffer).replace(HARD_BREAK, " "))
        link_chars, walk.link_chars = walk.link_chars, 0
        walk.last_link_end = -1
        walk.buffer.clear()
        if walk.cell is not None:
            walk.write_prose(text, link_chars)
        elif text := walk.finished(text):
            level = int(head[2])
            walk.flow.write(f"{'#' * level} {text}", "heading", walk.paths[-1], link_chars, None, level)
    close_block(walk, head, after)


def open_row(walk: WalkBase, head: str, after: int) -> None:
    """Start of a row of a table of data or of layout."""
    if walk.rows is not None and walk.cell is None:
        walk.rows.append([])
    open_block(walk, head, after)


def open_cell(walk: WalkBase, head: str, after: int) -> None:
    """Start of a cell of a table of data or of layout."""
    if walk.rows is None or walk.cell is not None:
        open_block(walk, head, after)
        return
    walk.flush()
    columns = span(attribute(head, "colspan"), MAX_COLUMNS)
    rows = span(attribute(head, "rowspan"), MAX_ROWSPAN)
    walk.cell, walk.cell_shape, walk.cell_depth = [], (columns, rows, head.startswith("th")), len(walk.paths)


def close_cell(walk: WalkBase, head: str, after: int) -> None:
    """End of a cell of a table of data or of layout, or of one of a table inside a cell of data."""
    if walk.cell is None or walk.rows is None:
        close_block(walk, head, after)
        return
    walk.flush()
    if len(walk.paths) != walk.cell_depth:
        if len(walk.paths) > 1:
            walk.paths.pop()
        return
    if not walk.rows:
        walk.rows.append([])
    walk.rows[-1].append((" ".join(walk.cell), *walk.cell_shape))
    walk.cell = None


def open_table(walk: WalkBase, head: str, after: int) -> None:
    """Start of a table of data or of lines."""
    open_block(walk, head, after)
    walk.rows, walk.cell, walk.table_links = [], None, 0


def close_table(walk: WalkBase, head: str, after: int) -> None:
    """End of a table of data: a pipe table, in whose formulas no bars are left."""
    walk.flush()
    rows, walk.rows, walk.cell = walk.rows, None, None
    if text := to_pipe(rows or []):
        if FORMULA_OPEN in text:
            walk.flow.spell_bars(text)
        walk.flow.write(text, "table", walk.paths[-1], walk.table_links)
    close_block(walk, head, after)


def close_lined_table(walk: WalkBase, head: str, after: int) -> None:
    """End of a table of lines."""
    walk.flush()
    rows, walk.rows, walk.cell = walk.rows, None, None
    if text := to_lines(rows or []):
        walk.flow.write(text, walk.kinds[-1], walk.paths[-1], walk.table_links)
    close_block(walk, head, after)


def span(value: str | None, limit: int) -> int:
    """colspan or rowspan as the standard reads it: digits, at least 1, clamped."""
    if value is None:
        return 1
    value = value.strip()
    return max(1, min(int(value), limit)) if value.isascii() and value.isdigit() and len(value) < 9 else 1


def line_break(walk: WalkBase, _head: str, _after: int) -> None:
    """A line break."""
    walk.buffer.append(HARD_BREAK)


def space(walk: WalkBase, _head: str, _after: int) -> None:
    """The edge of a box that never touches its neighbours."""
    walk.buffer.append(" ")


def open_image(walk: WalkBase, head: str, _after: int) -> None:
    """An image is its alt text where that says something."""
    alt = attribute(head, "alt")
    if alt and (text := image_text(alt)):
        walk.buffer.append(text)


def open_field(walk: WalkBase, head: str, _after: int) -> None:
    """A form's field; only one that nobody can type into may hold content."""
    if ' readonly="' in head or ' disabled="' in head:
        walk.add_field(head)


def open_pre(walk: WalkBase, head: str, after: int) -> None:
    """A `pre` may hold the number of a code block that `extractors.code` took out of the tree."""
    open_block(walk, head, after)
    if walk.markup.startswith(CODE_BLOCK_OPEN, after):
        walk.write_code(int(walk.markup[after + 1 : walk.markup.index(CODE_BLOCK_CLOSE, after)]))
        place = walk.markup.find("<", after)
        walk.resume = place if place >= 0 else len(walk.markup)


def open_span(walk: WalkBase, head: str, _after: int) -> None:
    """Start of a span; nearly all of them mean nothing to the layout."""
    if "classifier" in head or (' style="' in head and "block" in head):
        walk.open_special_span(head)
    else:
        walk.push_span(False)


def close_span(walk: WalkBase, head: str, after: int) -> None:
    """End of a span."""
    if walk.spans and walk.spans.pop():
        close_block(walk, head, after)


def open_code(walk: WalkBase, head: str, after: int) -> None:
    """Start of inline code: the whole element, unless it holds formulas or is too long or deep inside others."""
    look = walk.look_inside(after, head.partition(" ")[0]) if walk.looks_open <= MAX_NESTED_LOOKS else None
    if look is None:
        walk.opened.append(False)
        return
    text = collapse(look[0])
    if not text or FORMULA_OPEN in text or (walk.cell is None and len(text) > MAX_INLINE_CODE_CHARS):
        walk.opened.append(True)
        walk.looks_open += 1
        return
    walk.add_code(text)
    walk.resume = look[1]


def close_opened(walk: WalkBase, _head: str, _after: int) -> None:
    """End of inline code or a script that was entered."""
    if walk.opened:
        walk.looks_open -= walk.opened.pop()
