"""What the layout does at each tag: one small rule per kind of element, at its start tag and at its end tag."""

from __future__ import annotations

from extractors.layout.hot import Action
from extractors.layout.hot.rules import MAX_NESTED_LOOKS
from extractors.layout.inline import script_text
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


def _open_numbered(walk: Walk, head: str, after: int) -> None:
    twin.open_bullets(walk, head, after)
    values = (attribute(head, key) for key in ("type", "start", "reversed"))
    walk.lists[-1] = counter(*values)


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


def _open_ruby_text(walk: Walk, _head: str, after: int) -> None:
    look = walk.look_inside(after, "rt")
    if look is not None:
        walk.add(f"({' '.join(look[0].split())})")
        walk.resume = look[1]


def _open_short_quote(walk: Walk, _head: str, _after: int) -> None:
    walk.add("“")


def _close_short_quote(walk: Walk, _head: str, _after: int) -> None:
    walk.add("”")


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
    actions |= {"img": twin.open_image, "input": twin.open_field, "br": twin.line_break, "rt": _open_ruby_text}
    return actions | {"q": _open_short_quote, "/q": _close_short_quote}


def _block_actions() -> dict[str, Action]:
    lists = (*LISTS, "dl")
    actions: dict[str, Action] = dict.fromkeys(BLOCKS, twin.open_block)
    actions |= {f"/{tag}": twin.close_block for tag in BLOCKS} | {f"/{tag}": twin.close_heading for tag in HEADINGS}
    actions |= dict.fromkeys(lists, twin.open_bullets) | {f"/{tag}": twin.close_list for tag in lists}
    actions |= {"ol": _open_numbered, "li": twin.open_item, "/li": twin.close_container}
    actions |= {"dd": twin.open_definition, "/dd": twin.close_container}
    actions |= {"blockquote": twin.open_quote, "/blockquote": twin.close_quote, "pre": twin.open_pre, "hr": twin.flush}
    actions |= {DATA_TABLE: twin.open_table, LINED_TABLE: twin.open_table, "tr": twin.open_row}
    actions |= {f"/{DATA_TABLE}": twin.close_table, f"/{LINED_TABLE}": twin.close_lined_table}
    return actions | dict.fromkeys(("td", "th"), twin.open_cell) | {f"/{tag}": twin.close_cell for tag in ("td", "th")}


ACTIONS = _inline_actions() | _block_actions()
