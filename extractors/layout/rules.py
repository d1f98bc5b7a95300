"""What the layout does at each tag: one small rule per kind of element, at its start tag and at its end tag."""

from __future__ import annotations

import re

from extractors.code import CodeBlock, fenced, marked_number
from extractors.layout.hot import Action
from extractors.layout.hot.rules import MAX_NESTED_LOOKS
from extractors.layout.inline import field_text, image_text, inline_code, script_text
from extractors.layout.lists import counter
from extractors.layout.native import twin
from extractors.layout.state import Walk
from extractors.layout.tags import (
    BLOCKS,
    DATA_TABLE,
    HEADINGS,
    INLINE_CODE,
    LINED_TABLE,
    LISTS,
    SPACED,
)
from extractors.layout.text import attribute, without_comments
from extractors.tables import to_lines, to_pipe

_BLANK_LINE = re.compile(r"\n[ \t]*\n")


def _open_numbered(walk: Walk, head: str, after: int) -> None:
    twin.open_bullets(walk, head, after)
    values = (attribute(head, key) for key in ("type", "start", "reversed"))
    walk.lists[-1] = counter(*values)


def _open_definition(walk: Walk, head: str, after: int) -> None:
    twin.open_block(walk, head, after)
    walk.flow.enter(": ", "  ")


def _open_quote(walk: Walk, head: str, after: int) -> None:
    twin.open_block(walk, head, after)
    walk.flow.enter("> ", "> ")
    walk.kinds.append("quote")


def _close_quote(walk: Walk, head: str, after: int) -> None:
    twin.close_container(walk, head, after)
    if len(walk.kinds) > 1:
        walk.kinds.pop()


def _open_pre(walk: Walk, head: str, after: int) -> None:
    """A `pre` may hold the number of a code block that `extractors.code` took out of the tree."""
    twin.open_block(walk, head, after)
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


def _look(walk: Walk, tag: str, after: int) -> tuple[str, int] | None:
    """Text and end of the element, or None where it is entered unseen."""
    look = walk.look_inside(after, tag) if walk.looks_open <= MAX_NESTED_LOOKS else None
    if look is None:
        walk.opened.append(False)
    return look


def _open_script(tag: str, mark: str) -> Action:
    def start(walk: Walk, _head: str, after: int) -> None:
        look = _look(walk, tag, after)
        if look is None:
            return
        before = walk.last_character()
        text = script_text(look[0], mark, before, lambda: _holds_link(walk, after, look[1]))
        if text is None:
            walk.opened.append(True)
            walk.looks_open += 1
            return
        if text:
            walk.add(text)
        walk.resume = look[1]

    return start


def _holds_link(walk: Walk, after: int, end: int) -> bool:
    starts = (
        piece.partition(">")[0]
        for piece in without_comments(walk.markup[after:end]).split("<")
        if piece.startswith("a ")
    )
    return any(' href="' in start for start in starts)


def _open_image(walk: Walk, head: str, _after: int) -> None:
    alt = attribute(head, "alt")
    text = image_text(alt) if alt else ""
    if text:
        walk.add(text)


def _open_field(walk: Walk, head: str, _after: int) -> None:
    text = field_text(head)
    if text:
        walk.add(f" {text} ")


def _open_ruby_text(walk: Walk, _head: str, after: int) -> None:
    look = walk.look_inside(after, "rt")
    if look is not None:
        walk.add(f"({' '.join(look[0].split())})")
        walk.resume = look[1]


def _open_short_quote(walk: Walk, _head: str, _after: int) -> None:
    walk.add("“")


def _close_short_quote(walk: Walk, _head: str, _after: int) -> None:
    walk.add("”")


def _open_table(walk: Walk, head: str, after: int) -> None:
    twin.open_block(walk, head, after)
    walk.open_table()


def _close_table(walk: Walk, head: str, after: int) -> None:
    walk.flush()
    if text := to_pipe(walk.close_table()):
        walk.flow.spell_bars(text)
        walk.write(text, "table", walk.table_links)
    twin.close_block(walk, head, after)


def _close_lined_table(walk: Walk, head: str, after: int) -> None:
    walk.flush()
    if text := to_lines(walk.close_table()):
        walk.write(text, walk.kinds[-1], walk.table_links)
    twin.close_block(walk, head, after)


def _inline_actions() -> dict[str, Action]:
    actions: dict[str, Action] = {
        "a": twin.open_link,
        "/a": twin.close_link,
        "span": twin.open_span,
        "/span": twin.close_span,
    }
    actions |= dict.fromkeys(INLINE_CODE, twin.open_code)
    actions |= {f"/{tag}": twin.close_opened for tag in (*INLINE_CODE, "sup", "sub")}
    actions |= {tag: twin.space for name in SPACED for tag in (name, f"/{name}")}
    actions |= {"sup": _open_script("sup", "^"), "sub": _open_script("sub", "_")}
    actions |= {"img": _open_image, "input": _open_field, "br": twin.line_break, "rt": _open_ruby_text}
    return actions | {"q": _open_short_quote, "/q": _close_short_quote}


def _block_actions() -> dict[str, Action]:
    lists = (*LISTS, "dl")
    actions: dict[str, Action] = dict.fromkeys(BLOCKS, twin.open_block)
    actions |= {f"/{tag}": twin.close_block for tag in BLOCKS} | {f"/{tag}": twin.close_heading for tag in HEADINGS}
    actions |= dict.fromkeys(lists, twin.open_bullets) | {f"/{tag}": twin.close_list for tag in lists}
    actions |= {"ol": _open_numbered, "li": twin.open_item, "/li": twin.close_container}
    actions |= {"dd": _open_definition, "/dd": twin.close_container}
    actions |= {"blockquote": _open_quote, "/blockquote": _close_quote, "pre": _open_pre, "hr": twin.flush}
    actions |= {DATA_TABLE: _open_table, LINED_TABLE: _open_table, "tr": twin.open_row}
    actions |= {f"/{DATA_TABLE}": _close_table, f"/{LINED_TABLE}": _close_lined_table}
    return actions | dict.fromkeys(("td", "th"), twin.open_cell) | {f"/{tag}": twin.close_cell for tag in ("td", "th")}


ACTIONS = _inline_actions() | _block_actions()
