"""The pass over the markup, tag by tag: twin of `c/markup.h`."""

from __future__ import annotations

from typing import Any

from extractors.layout.hot.rules import close_block, open_block
from extractors.layout.hot.walk import WalkBase
from extractors.layout.text import comment_end, unescape


class TagTable:
    """What is known of tags by name: an action or a number. In C, actions of `rules` become numbers of functions."""

    def __init__(self, meanings: dict[str, Any]) -> None:
        self.meanings = meanings


def lay_out_markup(walk: WalkBase, markup: str, rules: TagTable) -> None:
    """Walk over the page: tags and the text after each. "<" and ">" in texts and values are written as references."""
    walk.markup = markup
    buffer, paths, places, actions = walk.buffer, walk.paths, walk.places, rules.meanings
    after = -1  # where the piece at hand ends, its "<" counted
    resume = 0
    for piece in markup.split("<"):
        start, after = after + 1, after + 1 + len(piece)
        if after < resume:
            continue
        head, _, text = piece.partition(">") if start else ("", "", piece)
        if start < resume:
            text = piece[resume - start :]
        else:
            action = actions.get(head)
            if action is None and " " in head:
                action = actions.get(head.partition(" ")[0])
            if action is None:
                if head[:3] == "!--":
                    resume = comment_end(markup, start)
                    text = piece[resume - start :]
            elif action is open_block:
                walk.flush()
                paths.append(places[paths[-1], head])
            elif action is close_block:
                walk.flush()
                if len(paths) > 1:
                    paths.pop()
            else:
                walk.resume = -1
                action(walk, head, after - len(text))
                resume = walk.resume
                if resume > after - len(text):
                    text = piece[resume - start :]
        if text and (buffer or not text.isspace()):
            if "&" in text:
                text = unescape(text)
            buffer.append(text)
            if walk.in_link:
                walk.link_chars += len(text)
    walk.flush()
