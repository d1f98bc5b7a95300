"""What the layout does at each tag: one small rule per kind of element, and the closer that runs after its children."""

from __future__ import annotations

import re
from collections.abc import Callable

from turbohtml import Element

from extractors.code import fenced, marked_block
from extractors.layout.inline import image_text, inline_code, script_text
from extractors.layout.lists import counter
from extractors.layout.state import Walk
from extractors.layout.tags import (
    BLOCKS,
    FORMULA_OPEN,
    HARD_BREAK,
    HEADINGS,
    INLINE_CODE,
    INLINE_CODE_CLOSE,
    INLINE_CODE_OPEN,
    LISTS,
    SPACED,
)
from extractors.tables import MAX_COLUMNS, MAX_ROWSPAN, Cell, Grid, is_data_table, is_lined_table, span

MAX_INLINE_CODE_CHARS = 2_000
MAX_LAYOUT_TABLES = 16  # tables deeper inside tables are layout unseen
MAX_NESTED_LOOKS = 8  # code and scripts inside each other whose whole text is read: keeps deep nesting linear

Closer = Callable[[Walk], None]
Verdict = Closer | None  # what to do after the children; SKIP: the children are not visited
Action = Callable[[Walk, Element], Verdict]


def SKIP(_walk: Walk) -> None:  # noqa: N802 - a constant, compared by identity and never called
    """Verdict of a rule that has dealt with the whole element."""


def _open_block(walk: Walk, node: Element) -> Verdict:
    walk.flush()
    walk.path.push(node)
    return close_block


def close_block(walk: Walk) -> None:
    """End of a block element without rules of its own."""
    if walk.buffer:
        walk.flush()
    walk.path.pop()


def _open_heading(walk: Walk, node: Element) -> Verdict:
    walk.flush()
    walk.path.push(node)
    return _close_heading


def _close_heading(walk: Walk) -> None:
    level = HEADINGS[walk.path.tag()]
    text = " ".join("".join(walk.buffer).replace(HARD_BREAK, " ").split())
    link_chars, walk.link_chars = walk.link_chars, 0
    walk.buffer.clear()
    if walk.cell is not None:
        walk.write_prose(text, link_chars)
    elif text := walk.finish(text):
        walk.write(f"{'#' * level} {text}", "heading", link_chars, level=level)
    walk.path.pop()


def _open_link(walk: Walk, _node: Element) -> Verdict:
    if walk.last_link_end == len(walk.buffer):
        walk.buffer.append(" ")  # links in a row with nothing between them are boxes of a menu, not one word
    walk.in_link += 1
    return _close_link


def _close_link(walk: Walk) -> None:
    walk.in_link -= 1
    walk.last_link_end = len(walk.buffer)


def _open_list(walk: Walk, node: Element) -> Verdict:
    walk.flush()
    walk.path.push(node)
    walk.flow.enter_list()
    walk.lists.append(counter(node))
    walk.kinds.append("list")
    return _close_list


def _close_list(walk: Walk) -> None:
    walk.flush()
    walk.kinds.pop()
    walk.lists.pop()
    walk.flow.leave_list()
    walk.path.pop()


def _open_item(walk: Walk, node: Element) -> Verdict:
    walk.flush()
    walk.path.push(node)
    marker = walk.lists[-1].marker(node) if walk.lists else "- "
    walk.flow.enter(marker, " " * len(marker))
    return _close_container


def _open_definition(walk: Walk, node: Element) -> Verdict:
    walk.flush()
    walk.path.push(node)
    walk.flow.enter(": ", "  ")
    return _close_container


def _close_container(walk: Walk) -> None:
    walk.flush()
    walk.flow.leave()
    walk.path.pop()


def _open_quote(walk: Walk, node: Element) -> Verdict:
    walk.flush()
    walk.path.push(node)
    walk.flow.enter("> ", "> ")
    walk.kinds.append("quote")
    return _close_quote


def _close_quote(walk: Walk) -> None:
    _close_container(walk)
    walk.kinds.pop()


def _open_pre(walk: Walk, node: Element) -> Verdict:
    """A `pre` holds the number of a code block that `extractors.code` took out of the tree."""
    block = marked_block(node, walk.code_blocks)
    if block is None:
        return _open_block(walk, node)
    walk.flush()
    walk.path.push(node)
    if walk.cell is not None:
        walk.cell.append(inline_code(" ".join(block.text.split())))
    elif block.text.strip() and block.prose:
        for part in re.split(r"\n[ \t]*\n", block.text):
            walk.write_prose("\n".join(line.rstrip() for line in part.strip("\n").split("\n")), 0)
    elif block.text.strip():
        walk.write(fenced(block), "code", lang=block.lang)
    walk.path.pop()
    return SKIP


def _open_code(walk: Walk, node: Element) -> Verdict:
    if walk.opened > MAX_NESTED_LOOKS:
        return None
    text = " ".join(node.text.split())
    if text and FORMULA_OPEN not in text and (walk.cell is not None or len(text) <= MAX_INLINE_CODE_CHARS):
        walk.buffer.append(f"{INLINE_CODE_OPEN}{len(walk.codes)}{INLINE_CODE_CLOSE}")
        walk.codes.append(inline_code(text))
        if walk.in_link:
            walk.link_chars += len(text)
        return SKIP
    walk.opened += 1
    return _close_opened


def _close_opened(walk: Walk) -> None:
    walk.opened -= 1


def _open_superscript(walk: Walk, node: Element) -> Verdict:
    return _script(walk, node, "^")


def _open_subscript(walk: Walk, node: Element) -> Verdict:
    return _script(walk, node, "_")


def _script(walk: Walk, node: Element, mark: str) -> Verdict:
    if walk.opened > MAX_NESTED_LOOKS:
        return None
    before = walk.buffer[-1][-1] if walk.buffer else ""
    text = script_text(node, mark, before)
    if text is None:
        walk.opened += 1
        return _close_opened
    if text:
        walk.buffer.append(text)
    return SKIP


def _open_image(walk: Walk, node: Element) -> Verdict:
    text = image_text(node)
    if text:
        walk.buffer.append(text)
    return SKIP


def _line_break(walk: Walk, _node: Element) -> Verdict:
    walk.buffer.append(HARD_BREAK)
    return SKIP


def _open_ruby_text(walk: Walk, node: Element) -> Verdict:
    walk.buffer.append(f"({' '.join(node.text.split())})")
    return SKIP


def _open_short_quote(walk: Walk, _node: Element) -> Verdict:
    walk.buffer.append("“")
    return _close_short_quote


def _close_short_quote(walk: Walk) -> None:
    walk.buffer.append("”")


def _open_span(walk: Walk, node: Element) -> Verdict:
    """The spans that unwrapping left: Sphinx's type after a name (its colon is CSS), and spans styled as blocks."""
    if "classifier" in (node.attr("class") or ""):
        walk.buffer.append(" : ")
        return None
    style = "".join((node.attr("style") or "").split()).lower()
    return _open_block(walk, node) if "display:block" in style else None


def _open_spaced(walk: Walk, _node: Element) -> Verdict:
    walk.buffer.append(" ")
    return _close_spaced


def _close_spaced(walk: Walk) -> None:
    walk.buffer.append(" ")


def _open_table(walk: Walk, node: Element) -> Verdict:
    walk.flush()
    walk.path.push(node)
    walk.tables_open += 1
    if walk.cell is None and walk.tables_open <= MAX_LAYOUT_TABLES:
        if is_data_table(node, walk.code_blocks):
            walk.grid = Grid()
            return _close_table
        if is_lined_table(node):
            walk.grid = Grid(lined=True)
            return _close_table
    return _close_layout_table


def _close_layout_table(walk: Walk) -> None:
    walk.tables_open -= 1
    close_block(walk)


def _close_table(walk: Walk) -> None:
    walk.tables_open -= 1
    walk.flush()
    grid, walk.grid, walk.cell = walk.grid, None, None
    if grid is not None:
        text = grid.to_lines() if grid.lined else grid.to_pipe()
        if text:
            walk.write(text, walk.kinds[-1] if grid.lined else "table", grid.link_chars)
    walk.path.pop()


def _open_row(walk: Walk, node: Element) -> Verdict:
    if walk.grid is not None and walk.cell is None:
        walk.grid.new_row()
    return _open_block(walk, node)


def _open_cell(walk: Walk, node: Element) -> Verdict:
    if walk.grid is None or walk.cell is not None:
        return _open_block(walk, node)
    walk.flush()
    walk.cell = []
    header = node.tag == "th"
    cell = Cell("", span(node, "colspan", MAX_COLUMNS), span(node, "rowspan", MAX_ROWSPAN), header)
    walk.grid.add(cell)
    return _close_cell


def _close_cell(walk: Walk) -> None:
    walk.flush()
    if walk.grid is not None and walk.cell is not None and walk.grid.rows:
        walk.grid.rows[-1][-1].text = " ".join(walk.cell)
    walk.cell = None


def _actions() -> dict[str, Action]:
    actions: dict[str, Action] = dict.fromkeys(HEADINGS, _open_heading)
    actions |= dict.fromkeys((*LISTS, "dl"), _open_list)
    actions |= dict.fromkeys(INLINE_CODE, _open_code)
    actions |= dict.fromkeys(SPACED, _open_spaced)
    actions |= {"a": _open_link, "li": _open_item, "dd": _open_definition, "blockquote": _open_quote, "pre": _open_pre}
    actions |= {"sup": _open_superscript, "sub": _open_subscript, "img": _open_image, "br": _line_break}
    actions |= {
        "rt": _open_ruby_text,
        "q": _open_short_quote,
        "span": _open_span,
        "table": _open_table,
        "tr": _open_row,
    }
    actions |= {"tr": _open_row, "td": _open_cell, "th": _open_cell}
    return actions


ACTIONS = _actions()
PLAIN_BLOCKS = BLOCKS - ACTIONS.keys()
