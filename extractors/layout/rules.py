"""What the layout does at each tag: one small rule per kind of element, at its start tag and at its end tag."""

from __future__ import annotations

import re

from extractors.code import CodeBlock, fenced, marked_number
from extractors.layout.hot import (
    Action,
    close_block,
    close_container,
    close_link,
    close_span,
    line_break,
    open_block,
    open_item,
    open_link,
    space,
)
from extractors.layout.inline import image_text, inline_code, script_text
from extractors.layout.lists import counter
from extractors.layout.state import Walk
from extractors.layout.tags import (
    BLOCKS,
    DATA_TABLE,
    FORMULA_OPEN,
    HARD_BREAK,
    HEADINGS,
    INLINE_CODE,
    INLINE_CODE_CLOSE,
    INLINE_CODE_OPEN,
    LINED_TABLE,
    LISTS,
    SPACED,
)
from extractors.layout.text import attribute
from extractors.tables import MAX_COLUMNS, MAX_ROWSPAN, Cell, Grid, span

MAX_INLINE_CODE_CHARS = 2_000
MAX_NESTED_LOOKS = 8  # code and scripts inside each other whose whole text is read
_BLANK_LINE = re.compile(r"\n[ \t]*\n")


def _rule(walk: Walk, _head: str, _after: int) -> None:
    if walk.buffer:
        walk.flush()


def _close_heading(level: int) -> Action:
    def close(walk: Walk, head: str, after: int) -> None:
        text = " ".join("".join(walk.buffer).replace(HARD_BREAK, " ").split())
        link_chars, walk.link_chars = walk.link_chars, 0
        walk.last_link_end = -1
        walk.buffer.clear()
        if walk.cell is not None:
            walk.write_prose(text, link_chars)
        elif text := walk.finish(text):
            walk.write(f"{'#' * level} {text}", "heading", link_chars, level=level)
        close_block(walk, head, after)

    return close


def _open_list(name: str) -> Action:
    def start(walk: Walk, head: str, after: int) -> None:
        open_block(walk, head, after)
        walk.flow.enter_list()
        if name != "ol":
            walk.lists.append(None)
        else:
            values = (attribute(head, key) for key in ("type", "start", "reversed"))
            walk.lists.append(counter(*values))
        walk.kinds.append("list")

    return start


def _close_list(walk: Walk, head: str, after: int) -> None:
    if walk.buffer:
        walk.flush()
    if walk.lists:
        walk.kinds.pop()
        walk.lists.pop()
        walk.flow.leave_list()
    close_block(walk, head, after)


def _open_definition(walk: Walk, head: str, after: int) -> None:
    open_block(walk, head, after)
    walk.flow.enter(": ", "  ")


def _open_quote(walk: Walk, head: str, after: int) -> None:
    open_block(walk, head, after)
    walk.flow.enter("> ", "> ")
    walk.kinds.append("quote")


def _close_quote(walk: Walk, head: str, after: int) -> None:
    close_container(walk, head, after)
    if len(walk.kinds) > 1:
        walk.kinds.pop()


def _open_pre(walk: Walk, head: str, after: int) -> None:
    """A `pre` may hold the number of a code block that `extractors.code` took out of the tree."""
    open_block(walk, head, after)
    number = marked_number(walk.markup[after : walk.markup.find("<", after)])
    if number is not None:
        _write_code(walk, walk.code_blocks[number])
        walk.skip_text(after)


def _write_code(walk: Walk, block: CodeBlock) -> None:
    if walk.cell is not None:
        walk.cell.append(inline_code(" ".join(block.text.split())))
    elif block.text.strip() and block.prose:
        for part in _BLANK_LINE.split(block.text):
            walk.write_prose("\n".join(line.rstrip() for line in part.strip("\n").split("\n")), 0)
    elif block.text.strip():
        walk.write(fenced(block), "code", lang=block.lang)


def _open_code(tag: str) -> Action:
    def start(walk: Walk, _head: str, after: int) -> None:
        look = _look(walk, tag, after)
        if look is None:
            return
        text, end = " ".join(look[0].split()), look[1]
        if not text or FORMULA_OPEN in text or (walk.cell is None and len(text) > MAX_INLINE_CODE_CHARS):
            walk.opened.append(True)
            walk.looks_open += 1
            return
        walk.buffer.append(f"{INLINE_CODE_OPEN}{len(walk.codes)}{INLINE_CODE_CLOSE}")
        walk.codes.append(inline_code(text))
        if walk.in_link:
            walk.link_chars += len(text)
        walk.resume = end

    return start


def _look(walk: Walk, tag: str, after: int) -> tuple[str, int] | None:
    """Text and end of the element, or None where it is entered unseen."""
    look = walk.look_inside(after, tag) if walk.looks_open <= MAX_NESTED_LOOKS else None
    if look is None:
        walk.opened.append(False)
    return look


def _close_opened(walk: Walk, _head: str, _after: int) -> None:
    if walk.opened:
        walk.looks_open -= walk.opened.pop()


def _open_script(tag: str, mark: str) -> Action:
    def start(walk: Walk, _head: str, after: int) -> None:
        look = _look(walk, tag, after)
        if look is None:
            return
        before = walk.buffer[-1][-1] if walk.buffer else ""
        text = script_text(look[0], mark, before, lambda: _holds_link(walk, after, look[1]))
        if text is None:
            walk.opened.append(True)
            walk.looks_open += 1
            return
        if text:
            walk.buffer.append(text)
        walk.resume = look[1]

    return start


def _holds_link(walk: Walk, after: int, end: int) -> bool:
    starts = (piece.partition(">")[0] for piece in walk.markup[after:end].split("<") if piece.startswith("a "))
    return any(' href="' in start for start in starts)


def _open_image(walk: Walk, head: str, _after: int) -> None:
    alt = attribute(head, "alt")
    text = image_text(alt) if alt else ""
    if text:
        walk.buffer.append(text)


def _open_ruby_text(walk: Walk, _head: str, after: int) -> None:
    look = walk.look_inside(after, "rt")
    if look is not None:
        walk.buffer.append(f"({' '.join(look[0].split())})")
        walk.resume = look[1]


def _open_short_quote(walk: Walk, _head: str, _after: int) -> None:
    walk.buffer.append("“")


def _close_short_quote(walk: Walk, _head: str, _after: int) -> None:
    walk.buffer.append("”")


def _open_span(walk: Walk, head: str, after: int) -> None:
    """Sphinx's type after a name (its colon is CSS), and spans styled as blocks; other spans mean nothing."""
    boxed = False
    if "classifier" in head and "classifier" in (attribute(head, "class") or "").split():
        walk.buffer.append(" : ")
    elif "block" in head:
        boxed = "display:block" in "".join((attribute(head, "style") or "").split()).lower()
    walk.spans.append(boxed)
    if boxed:
        open_block(walk, head, after)


def _open_table(walk: Walk, head: str, after: int) -> None:
    open_block(walk, head, after)
    walk.grid, walk.cell = Grid(), None


def _open_lined_table(walk: Walk, head: str, after: int) -> None:
    open_block(walk, head, after)
    walk.grid, walk.cell = Grid(lined=True), None


def _close_table(walk: Walk, head: str, after: int) -> None:
    if walk.buffer:
        walk.flush()
    grid, walk.grid, walk.cell = walk.grid, None, None
    if grid is not None:
        text = grid.to_lines() if grid.lined else grid.to_pipe()
        if text:
            walk.write(text, walk.kinds[-1] if grid.lined else "table", grid.link_chars)
    close_block(walk, head, after)


def _open_row(walk: Walk, head: str, after: int) -> None:
    if walk.grid is not None and walk.cell is None:
        walk.grid.new_row()
    open_block(walk, head, after)


def _open_cell(tag: str) -> Action:
    def start(walk: Walk, head: str, after: int) -> None:
        if walk.grid is None or walk.cell is not None:
            open_block(walk, head, after)
            return
        if walk.buffer:
            walk.flush()
        columns = span(attribute(head, "colspan"), MAX_COLUMNS)
        rows = span(attribute(head, "rowspan"), MAX_ROWSPAN)
        walk.grid.add(Cell("", columns, rows, tag == "th"))
        walk.cell, walk.cell_depth = [], len(walk.paths)

    return start


def _close_cell(walk: Walk, head: str, after: int) -> None:
    if walk.cell is None or len(walk.paths) != walk.cell_depth:
        close_block(walk, head, after)
        return
    if walk.buffer:
        walk.flush()
    if walk.grid is not None and walk.grid.rows:
        walk.grid.rows[-1][-1].text = " ".join(walk.cell)
    walk.cell = None


def _inline_actions() -> dict[str, Action]:
    actions: dict[str, Action] = {"a": open_link, "/a": close_link, "span": _open_span, "/span": close_span}
    actions |= {tag: _open_code(tag) for tag in INLINE_CODE}
    actions |= {f"/{tag}": _close_opened for tag in (*INLINE_CODE, "sup", "sub")}
    actions |= {tag: space for name in SPACED for tag in (name, f"/{name}")}
    actions |= {"sup": _open_script("sup", "^"), "sub": _open_script("sub", "_")}
    actions |= {"img": _open_image, "br": line_break, "rt": _open_ruby_text}
    return actions | {"q": _open_short_quote, "/q": _close_short_quote}


def _block_actions() -> dict[str, Action]:
    actions: dict[str, Action] = dict.fromkeys(BLOCKS, open_block)
    actions |= {f"/{tag}": close_block for tag in BLOCKS}
    actions |= {f"/{tag}": _close_heading(level) for tag, level in HEADINGS.items()}
    actions |= {tag: _open_list(tag) for tag in (*LISTS, "dl")} | {f"/{tag}": _close_list for tag in (*LISTS, "dl")}
    actions |= {"li": open_item, "/li": close_container, "dd": _open_definition, "/dd": close_container}
    actions |= {"blockquote": _open_quote, "/blockquote": _close_quote, "pre": _open_pre, "hr": _rule}
    actions |= {DATA_TABLE: _open_table, LINED_TABLE: _open_lined_table, "tr": _open_row}
    actions |= {f"/{DATA_TABLE}": _close_table, f"/{LINED_TABLE}": _close_table}
    return actions | {tag: _open_cell(tag) for tag in ("td", "th")} | {"/td": _close_cell, "/th": _close_cell}


ACTIONS = _inline_actions() | _block_actions()
