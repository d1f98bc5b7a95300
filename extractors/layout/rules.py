"""What the layout does at each tag: one small rule per kind of element, at its start tag and at its end tag."""

from __future__ import annotations

import re
from collections.abc import Callable

from extractors.code import CodeBlock, fenced, marked_number
from extractors.layout.inline import image_text, inline_code, script_text
from extractors.layout.lists import Counter, counter
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

Action = Callable[[Walk, str, int], None]  # (walk, start tag without its brackets, number of the piece)


def BLOCK_START(_walk: Walk, _head: str, _index: int) -> None:  # noqa: N802 - a constant, compared by identity
    """Start of a plain block: the walk's loop deals with it."""


def BLOCK_END(_walk: Walk, _head: str, _index: int) -> None:  # noqa: N802 - a constant, compared by identity
    """End of a plain block: the walk's loop deals with it."""


def _enter(walk: Walk, head: str) -> None:
    if walk.buffer:
        walk.flush()
    paths = walk.paths
    paths.append(walk.places[paths[-1], head])


def _leave(walk: Walk) -> None:
    if walk.buffer:
        walk.flush()
    walk.leave()


def _rule(walk: Walk, _head: str, _index: int) -> None:
    if walk.buffer:
        walk.flush()


def _close_heading(level: int) -> Action:
    def close(walk: Walk, _head: str, _index: int) -> None:
        text = " ".join("".join(walk.buffer).replace(HARD_BREAK, " ").split())
        link_chars, walk.link_chars = walk.link_chars, 0
        walk.last_link_end = -1
        walk.buffer.clear()
        if walk.cell is not None:
            walk.write_prose(text, link_chars)
        elif text := walk.finish(text):
            walk.write(f"{'#' * level} {text}", "heading", link_chars, level=level)
        walk.leave()

    return close


def _open_link(walk: Walk, _head: str, _index: int) -> None:
    if walk.last_link_end == len(walk.buffer):
        walk.buffer.append(" ")  # links in a row with nothing between them are boxes of a menu, not one word
    walk.in_link += 1


def _close_link(walk: Walk, _head: str, _index: int) -> None:
    walk.in_link -= 1
    walk.last_link_end = len(walk.buffer)


def _open_list(name: str) -> Action:
    def start(walk: Walk, head: str, _index: int) -> None:
        _enter(walk, head)
        walk.flow.enter_list()
        if name != "ol":
            walk.lists.append(_BULLETS)
        else:
            values = (attribute(head, key) for key in ("type", "start", "reversed"))
            walk.lists.append(counter(*values))
        walk.kinds.append("list")

    return start


_BULLETS = Counter()  # bullets count nothing, so one serves all lists


def _close_list(walk: Walk, _head: str, _index: int) -> None:
    if walk.buffer:
        walk.flush()
    if walk.lists:
        walk.kinds.pop()
        walk.lists.pop()
        walk.flow.leave_list()
    walk.leave()


def _open_item(walk: Walk, head: str, _index: int) -> None:
    _enter(walk, head)
    marker = walk.lists[-1].marker(head) if walk.lists else "- "
    walk.flow.enter(marker, " " * len(marker))


def _open_definition(walk: Walk, head: str, _index: int) -> None:
    _enter(walk, head)
    walk.flow.enter(": ", "  ")


def _close_container(walk: Walk, _head: str, _index: int) -> None:
    if walk.buffer:
        walk.flush()
    walk.flow.leave()
    walk.leave()


def _open_quote(walk: Walk, head: str, _index: int) -> None:
    _enter(walk, head)
    walk.flow.enter("> ", "> ")
    walk.kinds.append("quote")


def _close_quote(walk: Walk, head: str, index: int) -> None:
    _close_container(walk, head, index)
    if len(walk.kinds) > 1:
        walk.kinds.pop()


def _open_pre(walk: Walk, head: str, index: int) -> None:
    """A `pre` may hold the number of a code block that `extractors.code` took out of the tree."""
    _enter(walk, head)
    number = marked_number(walk.pieces[index].partition(">")[2])
    if number is not None:
        _write_code(walk, walk.code_blocks[number])
        walk.swallowed = True


def _write_code(walk: Walk, block: CodeBlock) -> None:
    if walk.cell is not None:
        walk.cell.append(inline_code(" ".join(block.text.split())))
    elif block.text.strip() and block.prose:
        for part in _BLANK_LINE.split(block.text):
            walk.write_prose("\n".join(line.rstrip() for line in part.strip("\n").split("\n")), 0)
    elif block.text.strip():
        walk.write(fenced(block), "code", lang=block.lang)


def _open_code(tag: str) -> Action:
    def start(walk: Walk, _head: str, index: int) -> None:
        look = _look(walk, tag, index)
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
        walk.swallow(index, end)

    return start


def _look(walk: Walk, tag: str, index: int) -> tuple[str, int] | None:
    """Text and end of the element, or None where it is entered unseen."""
    look = walk.look_inside(index, tag) if walk.looks_open <= MAX_NESTED_LOOKS else None
    if look is None:
        walk.opened.append(False)
    return look


def _close_opened(walk: Walk, _head: str, _index: int) -> None:
    if walk.opened:
        walk.looks_open -= walk.opened.pop()


def _open_script(tag: str, mark: str) -> Action:
    def start(walk: Walk, _head: str, index: int) -> None:
        look = _look(walk, tag, index)
        if look is None:
            return
        before = walk.buffer[-1][-1] if walk.buffer else ""
        text = script_text(look[0], mark, before, lambda: _holds_link(walk, index, look[1]))
        if text is None:
            walk.opened.append(True)
            walk.looks_open += 1
            return
        if text:
            walk.buffer.append(text)
        walk.swallow(index, look[1])

    return start


def _holds_link(walk: Walk, index: int, end: int) -> bool:
    return any(piece.startswith(("a ", "a>")) for piece in walk.pieces[index + 1 : end])


def _open_image(walk: Walk, head: str, _index: int) -> None:
    alt = attribute(head, "alt")
    text = image_text(alt) if alt else ""
    if text:
        walk.buffer.append(text)


def _line_break(walk: Walk, _head: str, _index: int) -> None:
    walk.buffer.append(HARD_BREAK)


def _open_ruby_text(walk: Walk, _head: str, index: int) -> None:
    look = walk.look_inside(index, "rt")
    if look is not None:
        walk.buffer.append(f"({' '.join(look[0].split())})")
        walk.swallow(index, look[1])


def _open_short_quote(walk: Walk, _head: str, _index: int) -> None:
    walk.buffer.append("“")


def _close_short_quote(walk: Walk, _head: str, _index: int) -> None:
    walk.buffer.append("”")


def _open_span(walk: Walk, head: str, _index: int) -> None:
    """The spans that unwrapping left: Sphinx's type after a name (its colon is CSS), and spans styled as blocks."""
    classified = "classifier" in (attribute(head, "class") or "")
    style = "".join((attribute(head, "style") or "").split()).lower()
    boxed = not classified and "display:block" in style
    walk.spans.append(boxed)
    if classified:
        walk.buffer.append(" : ")
    elif boxed:
        _enter(walk, head)


def _close_span(walk: Walk, _head: str, _index: int) -> None:
    if walk.spans and walk.spans.pop():
        _leave(walk)


def _space(walk: Walk, _head: str, _index: int) -> None:
    walk.buffer.append(" ")


def _open_table(walk: Walk, head: str, _index: int) -> None:
    _enter(walk, head)
    walk.grid, walk.cell = Grid(), None


def _open_lined_table(walk: Walk, head: str, _index: int) -> None:
    _enter(walk, head)
    walk.grid, walk.cell = Grid(lined=True), None


def _close_table(walk: Walk, _head: str, _index: int) -> None:
    if walk.buffer:
        walk.flush()
    grid, walk.grid, walk.cell = walk.grid, None, None
    if grid is not None:
        text = grid.to_lines() if grid.lined else grid.to_pipe()
        if text:
            walk.write(text, walk.kinds[-1] if grid.lined else "table", grid.link_chars)
    walk.leave()


def _open_row(walk: Walk, head: str, _index: int) -> None:
    if walk.grid is not None and walk.cell is None:
        walk.grid.new_row()
    _enter(walk, head)


def _open_cell(tag: str) -> Action:
    def start(walk: Walk, head: str, _index: int) -> None:
        if walk.grid is None or walk.cell is not None:
            _enter(walk, head)
            return
        if walk.buffer:
            walk.flush()
        columns = span(attribute(head, "colspan"), MAX_COLUMNS)
        rows = span(attribute(head, "rowspan"), MAX_ROWSPAN)
        walk.grid.add(Cell("", columns, rows, tag == "th"))
        walk.cell, walk.cell_depth = [], len(walk.paths)

    return start


def _close_cell(walk: Walk, _head: str, _index: int) -> None:
    if walk.cell is None or len(walk.paths) != walk.cell_depth:
        _leave(walk)
        return
    if walk.buffer:
        walk.flush()
    if walk.grid is not None and walk.grid.rows:
        walk.grid.rows[-1][-1].text = " ".join(walk.cell)
    walk.cell = None


def _inline_actions() -> dict[str, Action]:
    actions: dict[str, Action] = {"a": _open_link, "/a": _close_link, "span": _open_span, "/span": _close_span}
    actions |= {tag: _open_code(tag) for tag in INLINE_CODE}
    actions |= {f"/{tag}": _close_opened for tag in (*INLINE_CODE, "sup", "sub")}
    actions |= {tag: _space for name in SPACED for tag in (name, f"/{name}")}
    actions |= {"sup": _open_script("sup", "^"), "sub": _open_script("sub", "_")}
    actions |= {"img": _open_image, "br": _line_break, "rt": _open_ruby_text}
    return actions | {"q": _open_short_quote, "/q": _close_short_quote}


def _block_actions() -> dict[str, Action]:
    actions: dict[str, Action] = dict.fromkeys(BLOCKS, BLOCK_START)
    actions |= {f"/{tag}": BLOCK_END for tag in BLOCKS}
    actions |= {f"/{tag}": _close_heading(level) for tag, level in HEADINGS.items()}
    actions |= {tag: _open_list(tag) for tag in (*LISTS, "dl")} | {f"/{tag}": _close_list for tag in (*LISTS, "dl")}
    actions |= {"li": _open_item, "/li": _close_container, "dd": _open_definition, "/dd": _close_container}
    actions |= {"blockquote": _open_quote, "/blockquote": _close_quote, "pre": _open_pre, "hr": _rule}
    actions |= {DATA_TABLE: _open_table, LINED_TABLE: _open_lined_table, "tr": _open_row}
    actions |= {f"/{DATA_TABLE}": _close_table, f"/{LINED_TABLE}": _close_table}
    return actions | {tag: _open_cell(tag) for tag in ("td", "th")} | {"/td": _close_cell, "/th": _close_cell}


ACTIONS = _inline_actions() | _block_actions()
