"""What the layout does at each tag: one small rule per kind of element, and the closer that runs after its children."""

from __future__ import annotations

import re
from collections.abc import Callable

from turbohtml import Element

from extractors.code import fenced
from extractors.layout.inline import image_text, inline_code, script_text
from extractors.layout.lists import counter
from extractors.layout.state import Walk
from extractors.layout.tags import (
    BLOCKS,
    CODE_BLOCK_CLOSE,
    CODE_BLOCK_OPEN,
    FORMULA_OPEN,
    HARD_BREAK,
    HEADINGS,
    INLINE_CODE,
    INLINE_CODE_CLOSE,
    INLINE_CODE_OPEN,
    LISTS,
    SPACED,
)
from extractors.tables import MAX_COLUMNS, MAX_ROWSPAN, Cell, Grid, is_data_table, span

Closer = Callable[[Walk], None]
Verdict = tuple[bool, Closer | None]  # whether to visit the children, and what to do after them
Action = Callable[[Walk, Element], Verdict]


def _open_block(walk: Walk, node: Element) -> Verdict:
    walk.flush()
    walk.path.push(node)
    return True, _close_block


def _close_block(walk: Walk) -> None:
    walk.flush()
    walk.path.pop()


def _open_heading(walk: Walk, node: Element) -> Verdict:
    walk.flush()
    walk.path.push(node)
    return True, _close_heading


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


def _open_link(walk: Walk, node: Element) -> Verdict:
    if node.attr("href") is None:
        return True, None
    if walk.last_link_end == len(walk.buffer):
        walk.buffer.append(" ")  # links in a row with nothing between them are boxes of a menu, not one word
    walk.in_link += 1
    return True, _close_link


def _close_link(walk: Walk) -> None:
    walk.in_link -= 1
    walk.last_link_end = len(walk.buffer)


def _open_list(walk: Walk, node: Element) -> Verdict:
    walk.flush()
    walk.path.push(node)
    walk.flow.enter_list()
    walk.lists.append(counter(node))
    walk.kinds.append("list")
    return True, _close_list


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
    return True, _close_container


def _open_definition(walk: Walk, node: Element) -> Verdict:
    walk.flush()
    walk.path.push(node)
    walk.flow.enter(": ", "  ")
    return True, _close_container


def _close_container(walk: Walk) -> None:
    walk.flush()
    walk.flow.leave()
    walk.path.pop()


def _open_quote(walk: Walk, node: Element) -> Verdict:
    walk.flush()
    walk.path.push(node)
    walk.flow.enter("> ", "> ")
    walk.kinds.append("quote")
    return True, _close_quote


def _close_quote(walk: Walk) -> None:
    _close_container(walk)
    walk.kinds.pop()


def _open_pre(walk: Walk, node: Element) -> Verdict:
    """A `pre` holds the number of a code block that `extractors.code` took out of the tree."""
    text = node.text
    if not text.startswith(CODE_BLOCK_OPEN):
        return _open_block(walk, node)
    block = walk.code_blocks[int(text[1 : text.index(CODE_BLOCK_CLOSE)])]
    walk.flush()
    walk.path.push(node)
    if walk.cell is not None:
        walk.cell.append(inline_code(" ".join(block.text.split())).replace("|", "\\|"))
    elif block.text.strip() and block.prose:
        for part in re.split(r"\n[ \t]*\n", block.text):
            walk.write_prose("\n".join(line.rstrip() for line in part.strip("\n").split("\n")), 0)
    elif block.text.strip():
        walk.write(fenced(block), "code", lang=block.lang)
    walk.path.pop()
    return False, None


def _open_code(walk: Walk, node: Element) -> Verdict:
    text = " ".join(node.text.split())
    if FORMULA_OPEN in text:
        return True, None
    if text and (walk.cell is not None or len(text) < 2000):
        walk.buffer.append(f"{INLINE_CODE_OPEN}{len(walk.codes)}{INLINE_CODE_CLOSE}")
        walk.codes.append(inline_code(text))
        if walk.in_link:
            walk.link_chars += len(text)
        return False, None
    return True, None


def _open_superscript(walk: Walk, node: Element) -> Verdict:
    return _script(walk, node, "^")


def _open_subscript(walk: Walk, node: Element) -> Verdict:
    return _script(walk, node, "_")


def _script(walk: Walk, node: Element, mark: str) -> Verdict:
    before = walk.buffer[-1][-1] if walk.buffer else ""
    text = script_text(node, mark, before)
    if text is None:
        return True, None
    if text:
        walk.buffer.append(text)
    return False, None


def _open_image(walk: Walk, node: Element) -> Verdict:
    text = image_text(node)
    if text:
        walk.buffer.append(text)
    return False, None


def _line_break(walk: Walk, _node: Element) -> Verdict:
    walk.buffer.append(HARD_BREAK)
    return False, None


def _open_ruby_text(walk: Walk, node: Element) -> Verdict:
    walk.buffer.append(f"({' '.join(node.text.split())})")
    return False, None


def _open_short_quote(walk: Walk, _node: Element) -> Verdict:
    walk.buffer.append("“")
    return True, _close_short_quote


def _close_short_quote(walk: Walk) -> None:
    walk.buffer.append("”")


def _open_spaced(walk: Walk, _node: Element) -> Verdict:
    walk.buffer.append(" ")
    return True, _close_spaced


def _close_spaced(walk: Walk) -> None:
    walk.buffer.append(" ")


def _open_table(walk: Walk, node: Element) -> Verdict:
    walk.flush()
    walk.path.push(node)
    if walk.grid is None and walk.cell is None and is_data_table(node):
        walk.grid = Grid()
        return True, _close_table
    return True, _close_block


def _close_table(walk: Walk) -> None:
    walk.flush()
    grid, walk.grid, walk.cell = walk.grid, None, None
    text = grid.to_pipe() if grid is not None else ""
    if grid is not None and text:
        walk.write(text, "table", grid.link_chars)
    walk.path.pop()


def _open_row(walk: Walk, node: Element) -> Verdict:
    if walk.grid is not None:
        walk.grid.new_row()
    return _open_block(walk, node)


def _open_cell(walk: Walk, node: Element) -> Verdict:
    if walk.grid is None:
        return _open_block(walk, node)
    walk.flush()
    walk.cell = []
    header = node.tag == "th"
    cell = Cell("", span(node, "colspan", MAX_COLUMNS), span(node, "rowspan", MAX_ROWSPAN), header)
    walk.grid.add(cell)
    return True, _close_cell


def _close_cell(walk: Walk) -> None:
    walk.flush()
    if walk.grid is not None and walk.cell is not None and walk.grid.rows:
        walk.grid.rows[-1][-1].text = " ".join(walk.cell)
    walk.cell = None


def _actions() -> dict[str, Action]:
    actions: dict[str, Action] = dict.fromkeys(BLOCKS, _open_block)
    actions |= dict.fromkeys(HEADINGS, _open_heading)
    actions |= dict.fromkeys((*LISTS, "dl"), _open_list)
    actions |= dict.fromkeys(INLINE_CODE, _open_code)
    actions |= dict.fromkeys(SPACED, _open_spaced)
    actions |= {"a": _open_link, "li": _open_item, "dd": _open_definition, "blockquote": _open_quote, "pre": _open_pre}
    actions |= {"sup": _open_superscript, "sub": _open_subscript, "img": _open_image, "br": _line_break}
    actions |= {"rt": _open_ruby_text, "q": _open_short_quote, "table": _open_table, "tr": _open_row}
    actions |= {"td": _open_cell, "th": _open_cell, "caption": _open_block}
    return actions


ACTIONS = _actions()
